/* The live analyzer: one thread follows the database, works the analysis and publishes; the HTTP
 * server's threads answer. Ends on SIGTERM or SIGINT.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_SERVE_H
#define EPICENTER_ANALYZER_SERVE_H

#include "analyzer/analysis.h"
#include "common/failure.h"
#include "common/instant.h"
#include "common/serve_arguments.h"

struct serve_options {
    struct serve_arguments common;
    const char *proxy_socket; /* NULL: none */
    instant_us horizon;
    unsigned keep_reports_days;
    unsigned keep_contacts_days; /* after the last incident of the customer closed */
    struct analysis_options analysis;
};

/* Serves until a signal ends it. Fails only before it listens: a database that is away, or has no
 * schema yet, is waited for and said in the log and on /readyz. */
MUST_CHECK bool serve(const struct serve_options *options, struct failure *failure);

#endif
