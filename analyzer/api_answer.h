/* What the answers of the API have in common: a strong ETag and 304, how old they are, whether the
 * database is there; api.h says why in headers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_API_ANSWER_H
#define EPICENTER_ANALYZER_API_ANSWER_H

#include <jansson.h>

#include "analyzer/live.h"
#include "analyzer/snapshot.h"
#include "common/buffer.h"
#include "common/http_server.h"
#include "common/instant.h"

#define API_JSON_TYPE "application/json"

/* Epicenter-As-Of (but for INSTANT_NONE), Epicenter-Database, Cache-Control. */
void api_add_state(struct http_request *request, struct live *live, instant_us as_of);

/* Answers with a copy of `body`, or 304. */
void api_respond(struct http_request *request, struct live *live, instant_us as_of,
                 const char *content_type, const struct buffer *body);

/* The snapshot, held; or NULL after an answer that says there is none yet. */
struct snapshot *api_hold_snapshot(struct http_request *request, struct live *live);

/* The object that the request's body holds, to be freed by the caller; NULL: it holds none, and the
 * request is answered. Only application/json is taken, which a form of another site cannot send. */
json_t *api_read_json(struct http_request *request);

#endif
