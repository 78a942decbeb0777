/* Of which customers is the cost made? The affected ones and those who could have been, by region,
 * tier, product line and kind: parameters hold for such groups, and compensation may go to all of a
 * group.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_STRATA_H
#define EPICENTER_ANALYZER_COST_STRATA_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzer/cost.h"
#include "analyzer/impact.h"
#include "analyzer/registry.h"
#include "common/arena.h"
#include "common/failure.h"
#include "common/hash_index.h"

/* Customers and seats of one group. Everybody is counted twice over: once as a customer, under the
 * product line it has, or NULL where it has none or several; and once for each product line. */
struct cost_group {
    const char *region, *tier, *product_line;
    enum customer_kind kind;
    bool by_line;
    double customers, seats;
};

struct cost_population {
    struct cost_group *groups;
    size_t count, capacity;
    struct hash_index by_group;
};

/* Counts the registry, once for many estimates: a million customers take a tenth of a second. The
 * texts are the registry's. A zeroed struct is empty; what was counted before is forgotten. */
MUST_CHECK bool cost_population_count(struct cost_population *population,
                                      const struct registry *registry, struct failure *failure);
void cost_population_free(struct cost_population *population);

/* The basis of the estimate for an update of `product_line` (NULL: of several or not
 * known): impact's draws, shared out over the groups as the affected customers
 * are. */
MUST_CHECK bool cost_strata_make(const struct impact_answer *impact, const char *product_line,
                                 const struct cost_population *population, struct arena *arena,
                                 struct cost_basis *basis, struct failure *failure);

#endif
