/* Who reports at all? The hosts and customers of the whole fleet by region and product line,
 * counted in one pass for all the updates that are then asked about.
 *
 * The hard thing is that customers are to be counted once however many hosts they have: each thread
 * passes over the fleet for customers of its own and keeps what it has met of those, so nothing is
 * written by two and the counts are the same for any number of threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_IMPACT_CENSUS_H
#define EPICENTER_ANALYZER_IMPACT_CENSUS_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/fleet.h"
#include "analyzer/registry.h"
#include "analyzer/segment.h"
#include "common/failure.h"
#include "common/hash_index.h"

/* Texts by number, in the order they were first met; borrowed. */
struct census_texts {
    const char **texts;
    uint32_t count, capacity;
    struct hash_index by_text;
};

/* One region and product line. */
struct census_place {
    uint64_t hosts, customers;        /* that report */
    uint64_t seats, silent_customers; /* registered; customers none of whose seats report */
};

/* Borrows every text, and what was counted must stand still while it is asked. */
struct impact_census {
    struct census_texts regions, lines;
    uint32_t *segment_regions, *segment_lines; /* by segment number; the last: of no segment */
    uint32_t segment_count;
    const struct registry_customer **registered; /* by customer number, NULL where unknown */
    uint32_t *customer_regions;                  /* likewise; FLEET_NONE where unknown */
    uint32_t *customer_hosts;                    /* likewise */
    struct census_place *places;                 /* line number + region number * number of lines */
    size_t place_count;
};

/* A zeroed struct impact_census is empty. */
void impact_census_free(struct impact_census *census);

/* Counts. `customers` are the ids by the fleet's customer number, `registry` may be NULL. */
MUST_CHECK bool impact_census_take(struct impact_census *census, const struct fleet *fleet,
                                   const struct segments *segments, const char *const *customers,
                                   size_t customer_count, const struct registry *registry,
                                   unsigned threads, struct failure *failure);

/* The place of the customer's hosts of the segment. A customer that is not registered, and
 * FLEET_NONE, is where the hosts themselves say. */
size_t impact_census_place(const struct impact_census *census, uint32_t customer, uint32_t segment);

const char *impact_census_region(const struct impact_census *census, size_t place);
const char *impact_census_line(const struct impact_census *census, size_t place);

#endif
