/* Do the embedded pages reach every client in a form it takes, for as long as it may keep them?
 * The HTTP server is played by this file, so that what pages.c asks and answers is seen directly.
 * Oracles: RFC 9110 12.5.3 for Accept-Encoding; zlib for the gzip forms.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#define ZLIB_CONST /* zlib only reads its input */
#include <zlib.h>

#include "analyzer/pages.h"
#include "common/buffer.h"
#include "common/http_server.h"

/* ---- The server's side, as far as pages.c uses it ---- */

struct http_request {
    const char *accept_encoding;
    const char *if_none_match;
    const char *rest;
    const char *path;

    unsigned answers;
    unsigned status;
    const char *content_type;
    const void *bytes;
    size_t length;
    char cache_control[64];
    char content_encoding[16];
    char etag[64];
    char vary[32];
};

const char *http_request_header(const struct http_request *request, const char *name)
{
    if (strcasecmp(name, "Accept-Encoding") == 0) {
        return request->accept_encoding;
    }
    return strcasecmp(name, "If-None-Match") == 0 ? request->if_none_match : NULL;
}

const char *http_request_rest(const struct http_request *request)
{
    return request->rest;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

void http_respond_header(struct http_request *request, const char *name, const char *value)
{
    if (strcmp(name, "Cache-Control") == 0) {
        (void)snprintf(request->cache_control, sizeof(request->cache_control), "%s", value);
    } else if (strcmp(name, "Content-Encoding") == 0) {
        (void)snprintf(request->content_encoding, sizeof(request->content_encoding), "%s", value);
    } else if (strcmp(name, "ETag") == 0) {
        (void)snprintf(request->etag, sizeof(request->etag), "%s", value);
    } else if (strcmp(name, "Vary") == 0) {
        (void)snprintf(request->vary, sizeof(request->vary), "%s", value);
    } else {
        fail_msg("a header nobody asked for: %s", name);
    }
}

void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  struct buffer *take_body)
{
    assert_null(take_body);
    request->answers++;
    request->status = status;
    request->content_type = content_type;
}

void http_respond_static(struct http_request *request, unsigned status, const char *content_type,
                         const void *bytes, size_t length)
{
    request->answers++;
    request->status = status;
    request->content_type = content_type;
    request->bytes = bytes;
    request->length = length;
}

void http_respond_problem(struct http_request *request, unsigned status, const char *format, ...)
{
    (void)format;
    request->answers++;
    request->status = status;
}

/* ---- The tests ---- */

static const struct page_file *file_ending(const char *ending)
{
    for (size_t i = 0; i < page_file_count; i++) {
        const size_t length = strlen(page_files[i].name);
        const size_t tail = strlen(ending);
        if (length >= tail && strcmp(page_files[i].name + length - tail, ending) == 0) {
            return &page_files[i];
        }
    }
    fail_msg("no embedded file ends in %s", ending);
    return NULL;
}

static void gzip_forms_hold_the_same_bytes(void **state)
{
    (void)state;
    assert_true(page_file_count >= 3); /* a page, a script, a style sheet */
    for (size_t i = 0; i < page_file_count; i++) {
        const struct page_file *file = &page_files[i];
        if (file->gzip_bytes == NULL) {
            continue;
        }
        unsigned char *inflated = malloc(file->length + 1);
        assert_non_null(inflated);
        z_stream stream = {.next_in = file->gzip_bytes,
                           .avail_in = (unsigned)file->gzip_length,
                           .next_out = inflated,
                           .avail_out = (unsigned)file->length + 1};
        assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_int_equal(stream.total_out, file->length);
        assert_memory_equal(inflated, file->bytes, file->length);
        assert_true(file->gzip_length < file->length);
        assert_int_equal(inflateEnd(&stream), Z_OK);
        free(inflated);
    }
}

static void accept_encoding_is_obeyed(void **state)
{
    (void)state;
    static const struct {
        const char *accepted;
        bool gzip;
    } cases[] = {
        {NULL, false},           {"", false},
        {"identity", false},     {"gzip", true},
        {"GZIP", true},          {"gzip, deflate, br, zstd", true},
        {"br,gzip", true},       {"deflate , gzip ; q=0.5", true},
        {"gzip;q=1", true},      {"gzip;q=0.001", true},
        {"gzip;q=0", false},     {"gzip; q=0.000, br", false},
        {"gzipped", false},      {"x-gzip", false},
        {",,,", false},          {"gzip;", false},
        {"gzip;level=9", false},
    };
    const struct page_file *script = file_ending(".js");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_request request = {.accept_encoding = cases[i].accepted, .rest = script->name};
        pages_serve_asset(NULL, &request);
        print_message("Accept-Encoding: %s\n", cases[i].accepted ? cases[i].accepted : "(none)");
        assert_int_equal(request.answers, 1);
        assert_int_equal(request.status, 200);
        assert_string_equal(request.vary, "Accept-Encoding");
        assert_string_equal(request.content_encoding, cases[i].gzip ? "gzip" : "");
        assert_ptr_equal(request.bytes, cases[i].gzip ? script->gzip_bytes : script->bytes);
        assert_int_equal(request.length, cases[i].gzip ? script->gzip_length : script->length);
    }
}

static void assets_are_kept_for_good(void **state)
{
    (void)state;
    static const struct {
        const char *ending;
        const char *content_type;
    } cases[] = {{".js", "text/javascript; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".svg", "image/svg+xml"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_request request = {.rest = file_ending(cases[i].ending)->name};
        pages_serve_asset(NULL, &request);
        assert_int_equal(request.status, 200);
        assert_string_equal(request.content_type, cases[i].content_type);
        assert_string_equal(request.cache_control, "public, max-age=31536000, immutable");
    }
}

static void unknown_assets_are_not_found(void **state)
{
    (void)state;
    /* The page itself is no asset: its name does not change with its content. */
    static const char *const names[] = {
        "",  "operations.html",    "operations.js",
        "/", "../operations.html", "operations-0000000000000000.js"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct http_request request = {.rest = names[i]};
        pages_serve_asset(NULL, &request);
        assert_int_equal(request.answers, 1);
        assert_int_equal(request.status, 404);
        assert_string_equal(request.cache_control, "");
    }
}

static void pages_are_revalidated(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "/executives", "/support"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct http_request first = {.path = paths[i]};
        pages_serve(NULL, &first);
        assert_int_equal(first.status, 200);
        assert_string_equal(first.content_type, "text/html; charset=utf-8");
        assert_string_equal(first.cache_control, "no-cache");
        assert_true(strncmp(first.etag, "W/\"", 3) == 0);

        struct http_request again = {.path = paths[i], .if_none_match = first.etag};
        pages_serve(NULL, &again);
        assert_int_equal(again.answers, 1);
        assert_int_equal(again.status, 304);
        assert_string_equal(again.etag, first.etag);

        struct http_request other = {.path = paths[i], .if_none_match = "W/\"0000000000000000\""};
        pages_serve(NULL, &other);
        assert_int_equal(other.status, 200);
    }
}

static void page_names_only_assets_that_exist(void **state)
{
    (void)state;
    const struct page_file *page = file_ending("operations.html");
    char *text = calloc(1, page->length + 1);
    assert_non_null(text);
    memcpy(text, page->bytes, page->length);
    assert_null(strstr(text, "{{"));
    unsigned assets = 0;
    for (char *at = strstr(text, "/assets/"); at != NULL; at = strstr(at + 1, "/assets/")) {
        char name[128] = "";
        assert_int_equal(sscanf(at, "/assets/%127[^\"]", name), 1); /* NOLINT(cert-err34-c) */
        struct http_request request = {.rest = name};
        pages_serve_asset(NULL, &request);
        assert_int_equal(request.status, 200);
        assets++;
    }
    assert_true(assets >= 2);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_forms_hold_the_same_bytes),
        cmocka_unit_test(accept_encoding_is_obeyed),
        cmocka_unit_test(assets_are_kept_for_good),
        cmocka_unit_test(unknown_assets_are_not_found),
        cmocka_unit_test(pages_are_revalidated),
        cmocka_unit_test(page_names_only_assets_that_exist),
    };
    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
