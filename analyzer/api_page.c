/* Which part of a list, and where is the next? See api_page.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/api_page.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"

bool api_page_read(const struct http_request *request, struct api_page *page,
                   struct failure *failure)
{
    const char *limit = http_request_query(request, "limit");
    const char *cursor = http_request_query(request, "cursor");
    char *end = NULL;
    *page = (struct api_page){
        .asked = limit != NULL || cursor != NULL, .limit = SIZE_MAX, .cursor = cursor};
    if (limit != NULL) {
        page->limit = strtoul(limit, &end, 10);
        if (*limit < '0' || *limit > '9' || *end != '\0' || page->limit == 0) {
            return failure_set(failure, FAILURE_INVALID, "limit must be a number from 1");
        }
    }
    return true;
}

/* Percent-encodes what is not unreserved (RFC 3986); `kept` may stand as it is, too. */
static void append_encoded(struct buffer *url, const char *text, const char *kept)
{
    for (; *text != '\0'; text++) {
        char c = *text;
        bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || strchr("-._~", c) != NULL;
        if (unreserved || strchr(kept, c) != NULL) {
            buffer_append(url, &c, 1);
        } else {
            buffer_append_format(url, "%%%02X", (unsigned char)c);
        }
    }
}

static void append_parameter(void *context, const char *name, const char *value)
{
    struct buffer *url = context;
    if (strcmp(name, "cursor") != 0) {
        append_encoded(url, name, "");
        buffer_append_text(url, "=");
        append_encoded(url, value, "");
        buffer_append_text(url, "&");
    }
}

void api_page_next(struct http_request *request, const char *cursor)
{
    struct buffer link = {0};
    buffer_append_text(&link, "<");
    append_encoded(&link, http_request_path(request), "/");
    buffer_append_text(&link, "?");
    http_request_each_query(request, append_parameter, &link);
    buffer_append_text(&link, "cursor=");
    append_encoded(&link, cursor, "");
    buffer_append_text(&link, ">; rel=\"next\"");
    if (!link.failed) {
        http_respond_header(request, "Link", link.data);
    }
    buffer_free(&link);
}
