/* What impact_fit.c learns of who reports, and impact_estimate.c draws from.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_IMPACT_FIT_H
#define EPICENTER_ANALYZER_IMPACT_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/impact_estimate.h"
#include "analyzer/impact_model.h"
#include "common/failure.h"

/* Customers of one stratum that look alike. */
struct impact_kin {
    uint32_t stratum;
    uint32_t shown, unheard, reporting, unseen;
    double customers;
};

struct impact_stratum {
    uint32_t cell;
    enum customer_kind kind;
    const char *tier;
};

/* Moments are reckoned at so many values of a stratum's mean, and drawn between them and beyond: so
 * many standard normal deviations from the middle of what it may be. */
#define IMPACT_NODES 5
extern const double impact_nodes[IMPACT_NODES];

/* Where more hosts than this are distressed anyway, a control says nothing of those that are hit.
 */
#define IMPACT_MASKED_MOST 0.5

/* One product line and kind of customer: hosts fall together alike in all its strata. */
struct impact_family {
    const char *product_line;
    enum customer_kind kind;
    double log_weights[IMPACT_BONDS];
    double cumulative[IMPACT_BONDS]; /* of the posterior */
    double affected, hosts;          /* that report */
    size_t kinds;                    /* of customers */
    bool tells; /* a customer with several hosts that report, how they fall together */
};

struct impact_cell_fit {
    double hosts, unheard, reporting; /* hosts; noted */
    double affected;                  /* likely, of those that report */
    double real;                      /* of what shows, the share that is the update's doing */
    struct impact_sight sight;
};

struct impact_stratum_fit {
    struct impact_family *family;
    struct impact_alike *alike;
    size_t alike_count;
    double hosts, unheard_hosts;
    double customers[IMPACT_DEGREES]; /* of which it shows */
    double single;                    /* of those, with one host that reports */
    struct impact_mistaken mistaken;
    struct impact_moments (*moments)[IMPACT_NODES]; /* by bond; unset where left out */
};

struct impact_fit {
    const struct impact_population *population;
    size_t *order; /* the strata's, whatever order they came in */
    const struct impact_known *known;
    size_t cell_count;
    struct impact_cell_fit *cells;
    struct impact_stratum_fit *strata;
    struct impact_family *families;
    size_t family_count;
    struct impact_alike *alike; /* of all strata */
};

/* Learns from the population what is to be drawn from. */
MUST_CHECK bool impact_fit(const struct impact_population *population,
                           const struct impact_known *known, size_t cell_count,
                           struct impact_fit *fit, struct failure *failure);
void impact_fit_free(struct impact_fit *fit);

#endif
