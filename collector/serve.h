/* The collector as it runs: committers, routes, and a clean end.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_SERVE_H
#define EPICENTER_COLLECTOR_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/failure.h"

struct serve_options {
    const char *conninfo;
    const char *token_keys; /* file; made when it is not there */
    const char *address;    /* numeric */
    uint16_t port;          /* 0: any free one */
    const char *port_file;  /* gets the port once it listens; NULL: none */
    bool replay;
};

/* Serves until SIGTERM or SIGINT, then answers what is in flight and returns true. */
MUST_CHECK bool serve(const struct serve_options *options, struct failure *failure);

#endif
