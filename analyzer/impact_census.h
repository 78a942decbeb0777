/* Who reports at all? The hosts of the whole fleet by segment, and the customers by region and
 * product line with as many hosts as report of each, counted in one pass for all the updates that
 * are then asked about.
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
#include "analyzer/impact_estimate.h"
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

/* Hosts of one segment. */
struct census_segment {
    uint64_t hosts, on, distressed; /* that report; not silent now; pinned or elevated now */
};

/* Customer and place with the number of hosts, each once: open addressing; key 0 is empty. */
struct census_share {
    uint64_t key;
    uint32_t hosts;
};
struct census_shares {
    struct census_share *slots;
    size_t capacity, count;
};

#define CENSUS_PARTS_MOST 8

/* Borrows every text, and what was counted must stand still while it is asked. */
struct impact_census {
    struct census_texts regions, lines;
    uint32_t *segment_regions, *segment_lines; /* by segment number; the last: of no segment */
    uint32_t segment_count;
    const struct registry_customer **registered; /* by customer number, NULL where unknown */
    uint32_t *customer_regions;                  /* likewise; FLEET_NONE where unknown */
    uint32_t *customer_hosts;                    /* likewise */
    struct census_segment *segments;             /* by segment number; the last: of no segment */
    uint32_t *silent;                            /* hosts, by number */
    size_t silent_count;
    struct census_shares shares[CENSUS_PARTS_MOST];
    unsigned parts;
    size_t place_count; /* a place: line number + region number * number of lines */
    struct impact_population population; /* cells are places; nothing of it shows any distress */
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

/* Hosts of the customer that report from the place. */
uint32_t impact_census_hosts(const struct impact_census *census, uint32_t customer, size_t place);

/* What the registry says the customer is; one it does not know is a company when it has more than
 * one host. */
enum customer_kind impact_census_kind(const struct impact_census *census, uint32_t customer,
                                      uint32_t hosts);

/* The customer as the population has it, where so many of its hosts report. */
struct impact_seats impact_census_seats(const struct impact_census *census, uint32_t customer,
                                        size_t place, uint32_t reporting);

#endif
