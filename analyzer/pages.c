/* Which bytes answer a browser? Finds an embedded file by name, chooses plain or gzip by what the
 * client accepts, and sets how long it may be kept.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/pages.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "common/http_accept.h"
#include "common/http_server.h"

static const struct page_file *pages_find(const char *name)
{
    for (size_t i = 0; i < page_file_count; i++) {
        if (strcmp(page_files[i].name, name) == 0) {
            return &page_files[i];
        }
    }
    return NULL;
}

const char *pages_asset(const char *beginning, const char *end)
{
    size_t tail = strlen(end);
    for (size_t i = 0; i < page_file_count; i++) {
        const char *name = page_files[i].name;
        size_t length = strlen(name);
        if (strncmp(name, beginning, strlen(beginning)) == 0 && length > tail &&
            strcmp(name + length - tail, end) == 0) {
            return name;
        }
    }
    return "";
}

static void pages_respond(struct http_request *request, const struct page_file *file)
{
    if (file->gzip_bytes == NULL) {
        http_respond_static(request, 200, file->content_type, file->bytes, file->length);
        return;
    }
    http_respond_header(request, "Vary", "Accept-Encoding");
    if (http_takes_gzip(http_request_header(request, "Accept-Encoding"))) {
        http_respond_header(request, "Content-Encoding", "gzip");
        http_respond_static(request, 200, file->content_type, file->gzip_bytes, file->gzip_length);
        return;
    }
    http_respond_static(request, 200, file->content_type, file->bytes, file->length);
}

const struct page_file *pages_page(const char *path)
{
    static const struct {
        const char *path, *file;
    } pages[] = {{"/", "operations.html"},
                 {"/executives", "executives.html"},
                 {"/support", "support.html"},
                 {"/v1/openapi.json", "openapi.json"}};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(path, pages[i].path) == 0) {
            return pages_find(pages[i].file);
        }
    }
    return NULL;
}

void pages_serve(void *context, struct http_request *request)
{
    (void)context;
    const struct page_file *page = pages_page(http_request_path(request));
    if (page == NULL) {
        http_respond_problem(request, 404, "this build has no such page");
        return;
    }
    const char *known = http_request_header(request, "If-None-Match");
    http_respond_header(request, "Cache-Control", "no-cache");
    http_respond_header(request, "ETag", page->etag);
    if (known != NULL && strstr(known, page->etag) != NULL) {
        http_respond(request, 304, NULL, NULL);
        return;
    }
    pages_respond(request, page);
}

void pages_serve_asset(void *context, struct http_request *request)
{
    (void)context;
    const char *name = http_request_rest(request);
    const struct page_file *file = pages_find(name);
    /* Pages have routes of their own; only what is named by its content may be kept for ever. */
    if (file == NULL || strstr(name, ".html") != NULL) {
        http_respond_problem(request, 404, "there is no asset of this name; reload the page");
        return;
    }
    http_respond_header(request, "Cache-Control", "public, max-age=31536000, immutable");
    pages_respond(request, file);
}
