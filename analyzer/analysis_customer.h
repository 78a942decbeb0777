/* How large is a host's customer? Hosts of customers of one size class are compared with each
 * other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANALYSIS_CUSTOMER_H
#define EPICENTER_ANALYZER_ANALYSIS_CUSTOMER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "analyzer/analysis_state.h"
#include "common/failure.h"

/* Before a minute is closed: makes room for the sizes of all customers known by name, and notes
 * which seats are registered by now. */
MUST_CHECK bool customer_sizes_reach(struct analysis *analysis, struct failure *failure);

static inline uint8_t customer_class_of(uint64_t hosts)
{
    return hosts <= 1 ? 0 : (uint8_t)(63 - __builtin_clzll(hosts));
}

/* The class by the seats that are registered, as they stay the same while hosts come and go, plus
 * one; 0 where none are. Looked up again when seats have changed; threads that do so at once find
 * the same. */
unsigned customer_look_up_class(struct analysis *analysis, uint32_t customer);
static inline unsigned customer_registered_class(struct analysis *analysis, uint32_t customer)
{
    uint64_t known =
        atomic_load_explicit(&analysis->customer_sizes[customer].known, memory_order_relaxed);
    return known >> 8 == analysis->seat_changes ? (unsigned)(known & 0xff)
                                                : customer_look_up_class(analysis, customer);
}

/* log2 of its registered seats or, where none are, of the hosts it had when the minute began: it is
 * the same for all reports of a minute, in whatever order hosts come and go in it. */
static inline uint8_t customer_size_class(struct analysis *analysis, uint32_t customer)
{
    unsigned class = customer_registered_class(analysis, customer);
    return class > 0 ? (uint8_t)(class - 1)
                     : customer_class_of(analysis->customer_sizes[customer].hosts);
}

#endif
