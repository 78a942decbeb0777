/* Reports as hosts send them, and the requests that carry them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_REPORTS_H
#define EPICENTER_TESTS_BENCH_REPORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"
#include "tests/bench/ingest/load_client.h"

/* Appends report number `index` of a fleet of `hosts`: a minute's CPU with the host's attributes;
 * every twentieth also says an update. No two of the same host have the same time. */
void reports_append(struct buffer *out, size_t index, size_t hosts);

struct requests {
    struct load_request *requests;
    size_t count;
    size_t reports;    /* in each */
    double body_bytes; /* of one, on average */
};

/* Requests to POST /v1/reports with `reports` reports each (1: application/json, more: NDJSON),
 * `count` of them. `authorization` is a whole header line. */
struct requests requests_new(size_t count, size_t reports, size_t hosts, bool gzip,
                             const char *authorization);
void requests_free(struct requests *requests);

#endif
