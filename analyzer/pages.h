/* Serves the pages of dashboards/, which the build embeds into the program: no file is read, none
 * can be missing.
 *
 * A program that serves them links epicenter_pages and has these routes in its table:
 *
 *   {"GET", "/", 0, pages_serve},             operations
 *   {"GET", "/executives", 0, pages_serve},
 *   {"GET", "/support", 0, pages_serve},
 *   {"GET", "/v1/openapi.json", 0, pages_serve},   the API's description
 *   {"GET", "/assets/" "*", 0, pages_serve_asset},
 *
 * The pages ask only GET /v1/updates of the same origin, and work under the Content-Security-Policy
 * that common/http_server.c sends (lit-html's Trusted Types policy is named "lit-html").
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_PAGES_H
#define EPICENTER_ANALYZER_PAGES_H

#include <stddef.h>

#include "common/http_server.h"

struct page_file;

/* The page that stands at the request's path: revalidated on every load, 304 while it has not
 * changed. `context` is not used by either. */
void pages_serve(void *context, struct http_request *request);

/* The file of the page at `path`, or NULL. */
const struct page_file *pages_page(const char *path);

/* Scripts, styles and the icon by the rest of the path. Their names change with their content, so
 * a browser keeps them for good. 404 for a name this build does not have. */
void pages_serve_asset(void *context, struct http_request *request);

/* The name under /assets/ of the one whose name begins and ends so; "": this build has none. */
const char *pages_asset(const char *beginning, const char *end);

/* The embedded files, made by dashboards/build.mjs: pages and assets. */
struct page_file {
    const char *name;         /* "operations.html", "operations-<hash>.js" */
    const char *content_type; /* with its charset */
    const char *etag;         /* from a hash of `bytes`; weak, since the gzip form shares it */
    const unsigned char *bytes;
    size_t length;
    const unsigned char *gzip_bytes; /* the same, gzip; NULL where that is no smaller */
    size_t gzip_length;
};
extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
