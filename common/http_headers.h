/* The header rules that keep a request from being read two ways, and the decoding of URLs.
 *
 * libmicrohttpd 0.9.75 takes the first of two Content-Length headers, ignores one beside
 * Transfer-Encoding and one with a space before its colon: what it leaves unread it then serves as
 * the next request. A proxy in front may have judged otherwise. So all of these are refused.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_HTTP_HEADERS_H
#define EPICENTER_COMMON_HTTP_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <microhttpd.h>

#include "common/failure.h"

struct http_headers {
    bool chunked;
    uint64_t content_length; /* 0 when there is none */
};

/* What the access handler is told when it is first called: the library's own texts, not copies. */
struct http_request_line {
    const char *method, *path, *version;
};

/* FAILURE_INVALID unless: a method of token characters; HTTP/1.0 or 1.1; at most one Content-Length
 * and not beside Transfer-Encoding, which is exactly "chunked", stands once and only in 1.1; one
 * Host; names of token characters; no control character but the tab in values; every line ended by
 * CR LF, none folded. */
MUST_CHECK bool http_headers_check(struct MHD_Connection *connection,
                                   const struct http_request_line *line,
                                   struct http_headers *headers, struct failure *failure);

/* Decodes %XX in place, as libmicrohttpd's unescape callback. %00 stays as it is written, since it
 * would end the text. Returns the new length. */
size_t http_unescape(void *context, struct MHD_Connection *connection, char *text);

#endif
