/* Reports as hosts send them, and the requests that carry them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_REPORTS_H
#define EPICENTER_TESTS_BENCH_REPORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"
#include "common/instant.h"
#include "tests/bench/ingest/load_client.h"

/* What report number `index` of a fleet of `hosts` says: a minute's CPU with the host's attributes,
 * and every twentieth time an installation. The same for the same number. */
struct sample {
    char host_id[37];
    instant_us at;
    const char *product_line, *region, *ring;
    unsigned engine;     /* 7.N10 */
    unsigned busy, peak; /* hundredths, and tenths beyond 0.9 */
    bool installed;
};
struct sample reports_sample(size_t index, size_t hosts);

/* Appends it as the collector takes it. */
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
