/* The answers of the last snapshot over HTTP: all updates, one, its verdict, impact and cost, and
 * the changes of verdict; as JSON or, where it is a table, CSV.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_API_UPDATES_H
#define EPICENTER_ANALYZER_API_UPDATES_H

#include "analyzer/gate.h"
#include "analyzer/live.h"
#include "common/http_server.h"

/* GET /v1/updates[?limit=&cursor=] and, as a table, ?format=csv. */
void api_updates_list(struct live *live, struct http_request *request);

/* GET /v1/updates/{id}[/verdict|/impact|/cost], at once. */
void api_updates_one(struct live *live, struct http_request *request);

/* The same, but that …/verdict?wait=60 is answered when there is a verdict to go by. */
void api_updates_at_gate(struct live *live, struct gate *gate, struct http_request *request);

/* GET /v1/changes[?limit=&cursor=]. */
void api_updates_changes(struct live *live, struct http_request *request);

#endif
