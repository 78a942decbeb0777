/* How many are affected in all, and how sure is that? Draws of everything that is not known: which
 * of the noted hosts are a coincidence, how many of the hosts that fell silent unheard are the
 * update's doing, the mean share of each stratum, how much hosts of one customer fall together, and
 * given those the seats and customers that do not report. Cost is drawn from the same draws, so
 * that the uncertainties are one.
 *
 * Strata are region x product line x kind x tier of the customer. Customers are put in by
 * impact_population_add in any order and any portions; the same ones and the same seed give the
 * same figures.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_IMPACT_ESTIMATE_H
#define EPICENTER_ANALYZER_IMPACT_ESTIMATE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/impact_model.h"
#include "analyzer/registry.h"
#include "common/arena.h"
#include "common/failure.h"
#include "common/hash_index.h"
#include "common/instant.h"

/* An interval end moves by about half a percent of probability from seed to seed. Cost takes them
 * round and round up to its own number of draws. */
#define IMPACT_DRAWS 2000

/* Seats of one customer in one cell (region and product line, by the caller's number). */
struct impact_seats {
    uint32_t cell;
    enum customer_kind kind;
    const char *tier; /* the registry's text, or NULL */
    uint32_t shown;   /* noted as distressed, of those that report */
    uint32_t unheard; /* fell silent without having told of the update */
    uint32_t reporting, unseen;
};

/* What the control says of one cell. */
struct impact_known {
    const char *product_line;
    double expected_hosts;                    /* of the noted, without the update */
    double control_onsets;                    /* that those stand on */
    double unheard_expected, unheard_control; /* likewise, of those that fell silent unheard */
    /* Share of hosts that are distressed anyway: what hits them meanwhile does not show. */
    double masked, masked_hosts; /* that is known from so many distressed ones, of all cells */
};

struct impact_population {
    struct impact_stratum *strata;
    size_t stratum_count, stratum_capacity;
    struct impact_kin *kin; /* customers that look alike */
    size_t kin_count, kin_capacity;
    struct hash_index by_stratum, by_kin;
};

/* `customers` of that sort come in addition; less than 0 takes them away again. */
MUST_CHECK bool impact_population_add(struct impact_population *population,
                                      const struct impact_seats *seats, double customers,
                                      struct failure *failure);
MUST_CHECK bool impact_population_copy(const struct impact_population *population,
                                       struct impact_population *copy, struct failure *failure);
void impact_population_free(struct impact_population *population);

/* Machines that are switched off are not hit. Whoever has listened for a day has heard of every
 * machine that is ever on: a seat not heard of is one that does not report, and its machine is on
 * as often as those that do. In the first hours such a seat may as well be switched off: then any
 * share of them is taken to be on, each as likely, from the square of the part of the day up. */
#define IMPACT_HEARD_ENOUGH INSTANT_DAY
struct impact_drawing {
    uint64_t seed;
    instant_us heard_for; /* since the first report */
};

/* Ranges are 5, 50 and 95 %: nine times in ten the truth is inside. */
struct impact_estimate {
    struct impact_estimate_cell {
        struct range hosts, customers;               /* in all */
        struct range unseen_hosts, unseen_customers; /* of those, that do not report */
        double mistaken; /* customers of which only what was to be expected shows, likely */
    } * cells;           /* by cell number */
    struct range hosts, customers, unseen_hosts, unseen_customers;
    struct range degrees[IMPACT_DEGREES]; /* customers */
    struct impact_tier *tiers;
    size_t tier_count;
    /* IMPACT_DRAWS of each; draw i of one belongs with draw i of all. Consumers and corporate
     * customers, and the hosts of the latter. */
    const double *consumers, *corporates, *corporate_hosts;
};

/* Of each kind there are as many customers as `distinct` says for each in one cell, at most 1: one
 * in two product lines counts once in the total. Lists are allocated in `arena`. */
MUST_CHECK bool impact_estimate_draw(const struct impact_population *population,
                                     const struct impact_known *cells, size_t cell_count,
                                     const double distinct[CUSTOMER_KINDS],
                                     const struct impact_drawing *drawing, struct arena *arena,
                                     struct impact_estimate *estimate, struct failure *failure);

#endif
