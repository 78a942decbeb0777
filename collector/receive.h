/* Reports in: the routes that take them, from the token to the answer.
 *
 * 200 {"accepted": n, "rejected": [{"line", "detail"}]} once everything accepted is committed; 400
 * (or 403, when all of it is another's) when nothing is acceptable; 401, 413, 415, 503 as HTTP
 * means them. With an Idempotency-Key a repeat is answered as the first was, and 422 when it says
 * something else (repeat.h).
 *
 * The routes' context is a struct service.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_RECEIVE_H
#define EPICENTER_COLLECTOR_RECEIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/http_server.h"

/* Bytes of a body on the wire: 20,000 plain reports; more hosts' worth is sent compressed. */
#define RECEIVE_BODY_LIMIT ((size_t)8 * 1024 * 1024)

#define RECEIVE_REPORTS_PATH "/v1/reports"
#define RECEIVE_COLLECTD_PATH "/v1/collectd"

/* The answer to one report that is accepted; struct service keeps it ready. */
#define RECEIVE_ACCEPTED_ONE "{\"accepted\":1,\"rejected\":[]}"

/* For http_server_options: who may send to the two routes, and what, by the headers alone. Token,
 * media type, encoding, and the limit of a body that is one report. */
bool receive_admits(void *context, struct http_request *request, size_t *body_limit);

/* POST /v1/reports: application/json (one) or application/x-ndjson (many). */
void receive_reports(void *context, struct http_request *request);

/* POST /v1/collectd: what collectd's write_http sends. The attributes of the host stand in the
 * query of the URL, since collectd cannot say them. */
void receive_collectd(void *context, struct http_request *request);

#endif
