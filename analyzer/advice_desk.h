/* The API's door to what support says about an update. A thread of its own asks the database.
 *
 *   GET /v1/updates/{id}/advice   the newest text, or the default one
 *   PUT /v1/updates/{id}/advice   {"explanation","workaround","version"}: the next version, where
 *                                 "version" is still the newest; 409 says who was faster
 *
 * Both answer as advice_json has it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ADVICE_DESK_H
#define EPICENTER_ANALYZER_ADVICE_DESK_H

#include <stdbool.h>

#include "analyzer/live.h"
#include "common/failure.h"
#include "common/http_server.h"

/* Both texts with every character escaped as two halves of six bytes, and the rest. */
#define ADVICE_BODY_LIMIT 65536

struct advice_desk;

/* `live` must outlive it. The database is connected to when the first asks. */
MUST_CHECK bool advice_desk_new(const char *conninfo, struct live *live, struct advice_desk **desk,
                                struct failure *failure);
/* Answers whoever waits, then ends. NULL is fine. */
void advice_desk_free(struct advice_desk *desk);

/* Answers a GET or a PUT of a path that ends in /advice. */
void advice_desk_read(struct advice_desk *desk, struct http_request *request);
void advice_desk_write(struct advice_desk *desk, struct http_request *request);

#endif
