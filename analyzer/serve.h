/* The live analyzer: one thread follows the database, works the analysis and publishes; the HTTP
 * server's threads answer. Ends on SIGTERM or SIGINT.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_SERVE_H
#define EPICENTER_ANALYZER_SERVE_H

#include <stdint.h>

#include "analyzer/analysis.h"
#include "common/failure.h"
#include "common/instant.h"

struct serve_options {
    const char *conninfo;
    const char *address;   /* numeric */
    uint16_t port;         /* 0: any free one */
    const char *port_file; /* NULL: none; otherwise gets the bound port, once it listens */
    instant_us horizon;
    struct analysis_options analysis;
};

/* Serves until a signal ends it. Fails only before it listens: a database that is away, or has no
 * schema yet, is waited for and said in the log and on /readyz. */
MUST_CHECK bool serve(const struct serve_options *options, struct failure *failure);

#endif
