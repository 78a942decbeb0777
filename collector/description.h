/* What may be asked of the collector, for programs: collector/openapi.json.
 *
 * GET /v1/openapi.json: OpenAPI 3.1, with an ETag; 304 to who has it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_DESCRIPTION_H
#define EPICENTER_COLLECTOR_DESCRIPTION_H

#include <stddef.h>

#include "common/http_server.h"

/* The file, put in when the program is built; the tag is by its content. */
extern const char description_etag[];
extern const unsigned char description_text[];
extern const size_t description_length;

void description_serve(void *context, struct http_request *request);

#endif
