/* Whom to call first? Customers in the order of expected loss avoided per agent-minute, the c-mu
 * rule (Cox and Smith 1961; van Mieghem 1995): serve highest cost of waiting times service rate.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_OUTREACH_H
#define EPICENTER_ANALYZER_OUTREACH_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/exchange_rate.h"
#include "analyzer/registry.h"
#include "common/arena.h"
#include "common/failure.h"
#include "common/instant.h"

/* One affected customer, as impact counts it. */
struct outreach_candidate {
    const char *customer_id;
    const struct registry_customer *customer; /* NULL: not registered */
    const char *region;
    uint32_t number; /* the fleet's */
    uint64_t hosts_confirmed;
    uint64_t hosts_probable;
    uint64_t hosts_still_affected; /* of the two, not recovered */
    uint64_t hosts_reporting;      /* hosts of the customer ever seen */
    instant_us first_onset_at;
    instant_us last_recovered_at; /* INSTANT_NONE: no host has */
};

/* What the order is as of. */
struct outreach_moment {
    instant_us now;
    const struct exchange_rates *rates; /* what contracts are worth */
};

/* Orders the candidates as of the moment; ties by hosts affected, then customer id. The first
 * `limit` entries (all of them, where there are fewer) and their texts are allocated in `arena`. */
MUST_CHECK bool outreach_order(const struct outreach_candidate *candidates, size_t count,
                               size_t limit, const struct outreach_moment *moment,
                               struct arena *arena, struct outreach_entry **entries,
                               struct failure *failure);

#endif
