/* See description.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/description.h"

#include <string.h>

void description_serve(void *context, struct http_request *request)
{
    (void)context;
    const char *known = http_request_header(request, "If-None-Match");
    http_respond_header(request, "Cache-Control", "no-cache");
    http_respond_header(request, "ETag", description_etag);
    if (known != NULL && (strcmp(known, "*") == 0 || strstr(known, description_etag) != NULL)) {
        http_respond(request, 304, NULL, NULL);
        return;
    }
    http_respond_static(request, 200, "application/json", description_text, description_length);
}
