/* How many are affected among the seats nobody hears of? Hosts of one customer fall together: some
 * customers are immune, because they run nothing of what the update breaks, and in the others the
 * share affected differs from one to the next. Within a stratum (region, product line, kind and
 * tier of customer) that share is taken to be beta distributed, so that the affected of a customer
 * are beta-binomial (Skellam 1948), inflated at none. From what reports, the mean of a stratum and
 * how hosts fall together are learnt; from those and a customer's own hosts, what its other seats
 * add.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_IMPACT_MODEL_H
#define EPICENTER_ANALYZER_IMPACT_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"

/* Customers that look alike to the model; hosts of each, not whole where several are taken
 * together.
 */
struct impact_alike {
    double shown; /* of those that report, the update's doing or not */
    double reporting, unseen;
    double customers; /* as many */
};

/* What else is in `shown`: as many coincidences a reporting host; and the share of what the update
 * does to reporting hosts that shows. */
struct impact_sight {
    double coincidence, shows;
};

/* The share of its seats over which a customer is affected in the degree. */
extern const double impact_degree_shares[IMPACT_DEGREES];

/* What the unseen seats of a stratum add, for one mean and one bond: hosts, and customers that are
 * not affected in that degree by what is seen of them alone. */
struct impact_moments {
    double hosts, hosts_variance;
    double customers[IMPACT_DEGREES], customers_variance[IMPACT_DEGREES];
    double covariance; /* of hosts and customers in any degree */
};

/* Customers of which something shows, but nothing that is the update's doing. */
struct impact_mistaken {
    double customers[IMPACT_DEGREES], variance[IMPACT_DEGREES];
};

struct impact_beta {
    double a, b;
};

/* How hosts of one customer fall together: the share of customers that are immune, and the
 * intraclass correlation in the others, in (0, 1). */
struct impact_bond {
    double immune, together;
};

/* The share affected in a customer that is not immune, where it is `mean` over all: with
 * m = mean / (1 - immune) and r = together, a = m (1 - r) / r and b = (1 - m) (1 - r) / r. */
struct impact_beta impact_beta(double mean, struct impact_bond bond);

/* P(Y > k), Y of n seats beta-binomial. Exact where n <= 64 or k = 0; otherwise by the beta
 * distribution of the share with a correction for continuity, good to about 1/n. */
double impact_beta_binomial_above(struct impact_beta beta, double n, double k);

/* Adds what `count` kinds of customers add, each by its posterior given what shows of it. `mean` is
 * the stratum's. */
void impact_add_unseen(double mean, struct impact_bond bond, const struct impact_sight *sight,
                       const struct impact_alike *alike, size_t count,
                       struct impact_moments *moments);

void impact_add_mistaken(double mean, struct impact_bond bond, const struct impact_sight *sight,
                         const struct impact_alike *alike, size_t count,
                         struct impact_mistaken *mistaken);

/* Bonds are learnt on a grid, with equal prior weights. */
#define IMPACT_BONDS 48
struct impact_bond impact_bond_at(size_t point);

/* The mean share affected of a stratum's customers that are not immune, as a beta distribution:
 * each customer weighs as many independent hosts as its reporting ones are worth,
 * n / (1 + (n - 1) r) with r = together, times the chance that it is not immune; on top of one
 * host's worth of what `elsewhere`, the mean of like strata, immune or not, leads to expect. Who is
 * immune and how many fall in the others are told from one another by expectation and maximisation
 * (Dempster, Laird and Rubin 1977), a few rounds of it. */
struct impact_beta impact_mean(const struct impact_alike *alike, size_t count,
                               const struct impact_sight *sight, struct impact_bond bond,
                               double elsewhere);

/* The log likelihood of what shows, at each point of the grid and the stratum's mean for it, is
 * added to `log_weights`. */
void impact_weigh_bonds(double elsewhere, const struct impact_sight *sight,
                        const struct impact_alike *alike, size_t count, double *log_weights);

#endif
