/* What does the incident cost the vendor? Monte Carlo over strata of region, product line and kind
 * of customer: contacts by channel, the desk that answers them, repairs, claims and compensation,
 * partners and notices. One currency; P10, P50, P90 and mean; the seed kept.
 *
 * Three things are told beside the cost and never added to it: revenue that is only put off (free
 * months), revenue at risk (customers who may leave), and what the customers themselves lose. And
 * three quantities that the press takes for one another are kept apart: callers (each counted
 * once), contacts that have to be handled (callers times repeats), and attempts (every time a
 * number is dialled).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_H
#define EPICENTER_ANALYZER_COST_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/cost_draws.h"
#include "analyzer/cost_parameters.h"
#include "common/arena.h"
#include "common/failure.h"

/* The desk's promise that agents are counted for: 80 % of callers answered within 20 seconds. */
#define COST_SERVICE_LEVEL 0.8
#define COST_SERVICE_WITHIN_S 20.0

struct cost_stratum {
    const char *region, *product_line, *tier; /* NULL: unknown */
    enum customer_kind kind;
    struct range customers, hosts; /* affected; drawn as PERT where there are no draws */
    /* The stratum's share of draws that several strata may have in common; draw i of one belongs
     * with draw i of all. */
    const double *customer_draws, *host_draws;
    double customer_share, host_share;
    double customers_all, hosts_all; /* hit or not; 0 where unknown */
};

struct cost_basis {
    const struct cost_stratum *strata;
    size_t stratum_count;
    size_t draw_count; /* of the draws given; taken round and round up to COST_DRAWS */
    double
        growth_an_hour; /* affected in a further hour, as a share of those so far; NAN: no more */
};

/* The same arguments give the same bytes on every machine. Percentiles are of the draws (nearest
 * rank). Lists and texts are allocated in `arena`, or belong to `parameters` and `basis`. */
MUST_CHECK bool cost_estimate(const struct cost_parameters *parameters,
                              const struct cost_basis *basis, uint64_t seed, struct arena *arena,
                              struct cost_estimate *estimate, struct failure *failure);

/* The same, for who has many to make: with draws of these parameters. */
MUST_CHECK bool cost_estimate_drawn(const struct cost_parameters *parameters,
                                    const struct cost_draws *draws, const struct cost_basis *basis,
                                    struct arena *arena, struct cost_estimate *estimate,
                                    struct failure *failure);

#endif
