/* This machine as a host that reports: collector and analyzer running, this machine enrolled, and
 * Debian's collectd sending what its processors do once a second. Nothing is simulated.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_INTEGRATION_REAL_HOST_H
#define EPICENTER_INTEGRATION_REAL_HOST_H

#include <stdbool.h>

#include <jansson.h>

#include "tests/support/private_cluster.h"
#include "tests/support/process.h"
#include "tests/support/serving.h"

#define REAL_HOST_NAME "this machine"
#define REAL_HOST_CUSTOMER "acme"

struct real_host {
    struct private_cluster *cluster;
    struct serving collector;
    struct serving analyzer;
    struct process *collectd;
    char token[512]; /* the host's own, from enrolment */
};

/* Starts everything. A helper here that cannot do its work fails the test. */
void real_host_start(struct real_host *host);
void real_host_stop(struct real_host *host);

/* POST /v1/reports with the host's token; fails the test unless the one report is accepted. */
void real_host_report(const struct real_host *host, const char *report);

/* What the analyzer's API knows of this machine; NULL while it knows nothing. The caller's to
 * json_decref. */
json_t *real_host_ask(const struct real_host *host);

/* The string at `key`, or "". */
const char *real_host_text(const json_t *object, const char *key);

#endif
