/* Sizes of customers, looked up by threads side by side; see analysis_customer.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/analysis_customer.h"

#include <stdatomic.h>

#include "analyzer/registry.h"

unsigned customer_look_up_class(struct analysis *analysis, uint32_t customer)
{
    const struct registry_customer *registered =
        registry_customer(analysis->registry, analysis->customers.texts[customer]);
    uint64_t seats = registered == NULL ? 0 : registry_total_seats(registered);
    unsigned class = seats > 0 ? customer_class_of(seats) + 1U : 0;
    atomic_store_explicit(&analysis->customer_sizes[customer].known,
                          analysis->seat_changes << 8 | class, memory_order_relaxed);
    return class;
}

bool customer_sizes_reach(struct analysis *analysis, struct failure *failure)
{
    analysis->seat_changes =
        analysis->registry == NULL ? 0 : registry_seat_changes(analysis->registry) + 1;
    return analysis_reach((void **)&analysis->customer_sizes, &analysis->customer_sizes_count,
                          analysis->customers.count, sizeof *analysis->customer_sizes, failure);
}
