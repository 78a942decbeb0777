/* Past answers by the id that stands on a sheet or in a header.
 *
 *   GET /v1/snapshots/{id}   the document of GET /v1/updates as it was then, byte for byte
 *
 * The id is a hash of the document, so what was changed in the database is found out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_SNAPSHOT_DESK_H
#define EPICENTER_ANALYZER_SNAPSHOT_DESK_H

#include "analyzer/live.h"
#include "common/failure.h"
#include "common/http_server.h"

/* Of an id so many digits are enough, which is what a printed sheet has. */
#define SNAPSHOT_ID_LEAST 12

struct snapshot_desk;

MUST_CHECK bool snapshot_desk_new(const char *conninfo, struct live *live,
                                  struct snapshot_desk **desk, struct failure *failure);
/* Answers whoever waits, then ends. NULL is fine. */
void snapshot_desk_free(struct snapshot_desk *desk);

void snapshot_desk_read(struct snapshot_desk *desk, struct http_request *request);

#endif
