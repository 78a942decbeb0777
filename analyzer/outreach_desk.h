/* The API's door to the outreach: the list, and who takes whom. A thread of its own asks the
 * database, so that a database that is slow keeps nobody else's answer.
 *
 *   GET  /v1/updates/{id}/outreach   ?region= &reachable=1 &state=new,taken &limit=
 *                                    &cursor= (api_page.h)
 *                                    as CSV by Accept: text/csv or ?format=csv
 *   GET  …/outreach/{customer}/hosts ?limit= &cursor=   its hosts (outreach_hosts.h); from memory
 *   POST …/outreach/take             {"customer"} or, for the next one to call,
 *                                    {"region","reachable"}; 204: there is none
 *   POST …/outreach/{customer}/outcome   {"state","note"}
 *   POST …/outreach/{customer}/release   {}
 *
 * The agent is whoever is signed in (door.h). A change answers with the customer's element of the
 * list, 409 where somebody else has it, 503 while the database is away. Bodies are
 * application/json, which a page of another site cannot send.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_OUTREACH_DESK_H
#define EPICENTER_ANALYZER_OUTREACH_DESK_H

#include <stdbool.h>

#include "analyzer/live.h"
#include "common/failure.h"
#include "common/http_server.h"

/* A note of OUTREACH_NOTE_LIMIT with every byte escaped, and the rest. */
#define OUTREACH_BODY_LIMIT 16384

struct outreach_desk;

/* `live` must outlive it. The database is connected to when the first asks. */
MUST_CHECK bool outreach_desk_new(const char *conninfo, struct live *live,
                                  struct outreach_desk **desk, struct failure *failure);
/* Answers whoever waits, then ends. NULL is fine. */
void outreach_desk_free(struct outreach_desk *desk);

/* Answers a GET of a path that ends in /outreach. */
void outreach_desk_list(struct outreach_desk *desk, struct http_request *request);

/* Answers a GET of a path that ends in /hosts. */
void outreach_desk_hosts(struct outreach_desk *desk, struct http_request *request);

/* Answers a POST under /v1/updates/, whatever it is. */
void outreach_desk_change(struct outreach_desk *desk, struct http_request *request);

#endif
