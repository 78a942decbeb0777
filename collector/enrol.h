/* Enrolment: a customer's short-lived secret for a host's token of its own.
 *
 * POST /v1/enrol {"secret": "eps_…", "host_id": "…"} -> 200 {"token": "ep1_…", "host_id":
 * "<UUID>", "expires_at": "…"}; 403 when the secret is unknown, expired or used up; 429 when it is
 * spent faster than ten hosts a second.
 *
 * A token is renewed before it ends by sending it, as with a report, with an empty body: the answer
 * is the same with a fresh one for the same host or gateway, and both count until the old one ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_ENROL_H
#define EPICENTER_COLLECTOR_ENROL_H

#include <stddef.h>

#include "common/failure.h"
#include "common/http_server.h"

#define ENROL_BODY_LIMIT ((size_t)4096)

struct access;
struct enrol;

/* Starts the thread that asks the database. `conninfo` and `access` must outlive it. */
MUST_CHECK bool enrol_start(const char *conninfo, struct access *access, struct enrol **enrol,
                            struct failure *failure);

/* Answers what waits and ends the thread. */
void enrol_stop(struct enrol *enrol);

/* The route; `context` is a struct service. */
void enrol_host(void *context, struct http_request *request);

#endif
