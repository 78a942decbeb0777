/* What the answers of the API have in common: a strong ETag and 304, how old they are, whether the
 * database is there; api.h says why in headers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_API_ANSWER_H
#define EPICENTER_ANALYZER_API_ANSWER_H

#include <stdbool.h>

#include <jansson.h>

#include "analyzer/kept_text.h"
#include "analyzer/live.h"
#include "analyzer/snapshot.h"
#include "common/buffer.h"
#include "common/http_server.h"
#include "common/instant.h"

#define API_JSON_TYPE "application/json"
#define API_CSV_TYPE "text/csv; charset=utf-8"

/* Epicenter-As-Of (but for INSTANT_NONE), Epicenter-Database, Cache-Control. */
void api_add_state(struct http_request *request, struct live *live, instant_us as_of);

/* Answers with a copy of `body`, or 304. */
void api_respond(struct http_request *request, struct live *live, instant_us as_of,
                 const char *content_type, const struct buffer *body);

/* The same from what is kept, as gzip to those who take it: that has an ETag of its own, and either
 * one gives 304. */
void api_respond_kept(struct http_request *request, struct live *live, instant_us as_of,
                      const char *content_type, const struct kept_text *text);

/* Whether a table is asked for, by ?format=csv or Accept: text/csv; then a browser saves it as
 * `file_name`. */
bool api_wants_csv(struct http_request *request, const char *file_name);

/* A number of the query; `otherwise` where it is not there, or none. */
unsigned long api_query_number(const struct http_request *request, const char *name,
                               unsigned long otherwise);

/* The snapshot, held, whose id the answer will carry (Epicenter-Snapshot); or NULL after an answer
 * that says there is none yet. */
struct snapshot *api_hold_snapshot(struct http_request *request, struct live *live);

/* The object that the request's body holds, to be freed by the caller; NULL: it holds none, and the
 * request is answered. Only application/json is taken, which a form of another site cannot send. */
json_t *api_read_json(struct http_request *request);

#endif
