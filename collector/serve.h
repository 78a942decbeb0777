/* The collector as it runs: committers, routes, and a clean end.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_SERVE_H
#define EPICENTER_COLLECTOR_SERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/gate.h"
#include "common/failure.h"
#include "common/http_server.h"
#include "common/serve_arguments.h"

struct serve_options {
    struct serve_arguments common;
    const char *token_keys; /* file; made when it is not there */
    unsigned token_days;    /* a token is good for; 0: 90 */
    struct gate_options quotas;
    struct http_tls_options tls;
    unsigned connections;   /* 0: 4096 */
    unsigned address_limit; /* connections from one address; 0: any */
    bool replay;
};

/* Serves until SIGTERM or SIGINT, then answers what is in flight and returns true. SIGHUP has keys
 * and revocations read again at once. */
MUST_CHECK bool serve(const struct serve_options *options, struct failure *failure);

/* What it serves; described in openapi.json. */
const struct http_route *serve_routes(size_t *count);

#endif
