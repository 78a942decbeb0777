/* Sizes of customers, looked up by threads side by side; see analysis_customer.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/analysis_customer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/registry.h"

static uint8_t size_class_of(uint64_t hosts)
{
    return hosts <= 1 ? 0 : (uint8_t)(63 - __builtin_clzll(hosts));
}

/* The class by the seats that are registered, as they stay the same while hosts come and go, plus
 * one; 0 where none are. Looked up again when seats have changed; threads that do so at once find
 * the same. */
static unsigned registered_class(struct analysis *analysis, uint32_t customer)
{
    if (analysis->registry == NULL) {
        return 0;
    }
    struct customer_size *size = &analysis->customer_sizes[customer];
    uint64_t known = atomic_load_explicit(&size->known, memory_order_relaxed);
    uint64_t changes = registry_seat_changes(analysis->registry) + 1;
    if (known >> 8 == changes) {
        return known & 0xff;
    }
    const struct registry_customer *registered =
        registry_customer(analysis->registry, analysis->customers.texts[customer]);
    uint64_t seats = registered == NULL ? 0 : registry_total_seats(registered);
    unsigned class = seats > 0 ? size_class_of(seats) + 1U : 0;
    atomic_store_explicit(&size->known, changes << 8 | class, memory_order_relaxed);
    return class;
}

bool customer_is_registered(struct analysis *analysis, uint32_t customer)
{
    return registered_class(analysis, customer) > 0;
}

uint8_t customer_size_class(struct analysis *analysis, uint32_t customer)
{
    unsigned class = registered_class(analysis, customer);
    return class > 0 ? (uint8_t)(class - 1)
                     : size_class_of(analysis->customer_sizes[customer].hosts);
}

void customer_note_move(struct analysis *analysis, uint32_t customer)
{
    atomic_store_explicit(&analysis->customer_sizes[customer].moved_in, analysis->next_minute + 1,
                          memory_order_relaxed);
}

bool customer_moved(const struct analysis *analysis, uint32_t customer)
{
    return atomic_load_explicit(&analysis->customer_sizes[customer].moved_in,
                                memory_order_relaxed) == analysis->next_minute + 1;
}

bool customer_sizes_reach(struct analysis *analysis, struct failure *failure)
{
    uint32_t known = analysis->customers.count;
    if (known > analysis->customer_sizes_count) {
        uint32_t count = known + known / 2;
        struct customer_size *sizes = realloc(analysis->customer_sizes, count * sizeof *sizes);
        if (sizes == NULL) {
            return failure_memory(failure, "counting a customer's hosts");
        }
        memset(sizes + analysis->customer_sizes_count, 0,
               (count - analysis->customer_sizes_count) * sizeof *sizes);
        analysis->customer_sizes = sizes;
        analysis->customer_sizes_count = count;
    }
    return true;
}
