/* The registry's files by HTTP: what `analyzer import` does, for programs.
 *
 *   POST /v1/registry/{customers|seats|updates}   text/csv; ?dry_run=1 writes nothing
 *
 * Answers {"new","changed","unchanged","refused","refusals","dry_run"}, with the first hundred
 * refusals of a dry run by line and column; without a dry run a bad row is 400 and nothing is
 * written.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_REGISTRY_DESK_H
#define EPICENTER_ANALYZER_REGISTRY_DESK_H

#include "common/failure.h"
#include "common/http_server.h"

/* Some 50,000 customers, which a worker stores within its seconds; more go in by the command. */
#define REGISTRY_BODY_LIMIT ((size_t)8 << 20)

struct registry_desk;

MUST_CHECK bool registry_desk_new(const char *conninfo, struct registry_desk **desk,
                                  struct failure *failure);
/* Answers whoever waits, then ends. NULL is fine. */
void registry_desk_free(struct registry_desk *desk);

void registry_desk_import(struct registry_desk *desk, struct http_request *request);

#endif
