/* The beta-binomial of hosts that fall together; see impact_model.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/impact_model.h"

#include <math.h>
#include <stdbool.h>

#include "analyzer/distribution.h"

/* From hosts that fall each for itself to customers hit as a whole. */
static const double together_points[] = {0.03, 0.1, 0.2, 0.35, 0.55, 0.8};
static const double immune_points[] = {0, 0.08, 0.16, 0.24, 0.32, 0.4, 0.5, 0.65};
#define IMMUNE_POINTS (sizeof immune_points / sizeof *immune_points)
_Static_assert(sizeof together_points / sizeof *together_points * IMMUNE_POINTS == IMPACT_BONDS,
               "the grid has a point for each pair");

/* Where a stratum has fewer immune customers than the bond says, the mean of the others would come
 * out at 1, of which nothing could tell it off. */
#define MEAN_MOST 0.98

/* Rounds of expectation and maximisation: each leaves at most half of the error where a customer
 * has one host that reports, and next to none where it has several. */
#define MEAN_ROUNDS 3

/* By so much of itself the mean is moved to see how far a round brings it back. */
#define MEAN_NUDGE 0.1

/* One knows at least so much of what one would, were immune customers marked. */
#define KNOWN_LEAST 0.1

/* Up to here the distribution is summed up seat by seat. */
#define SUMMED_SEATS 64

struct impact_bond impact_bond_at(size_t point)
{
    return (struct impact_bond){.immune = immune_points[point % IMMUNE_POINTS],
                                .together = together_points[point / IMMUNE_POINTS]};
}

/* At its ends the distribution is a point, of which no data could ever tell us off. */
static double inside(double mean)
{
    return fmin(fmax(mean, 1e-6), 1 - 1e-6);
}

struct impact_beta impact_beta(double mean, struct impact_bond bond)
{
    double of_others = inside(mean / (1 - bond.immune));
    double size = (1 - bond.together) / bond.together;
    return (struct impact_beta){.a = of_others * size, .b = (1 - of_others) * size};
}

/* log of B(a + x, b + y) / B(a, b). */
static double log_ratio(struct impact_beta beta, double x, double y)
{
    double all = beta.a + beta.b;
    return distribution_log_gamma(beta.a + x) - distribution_log_gamma(beta.a) +
           distribution_log_gamma(beta.b + y) - distribution_log_gamma(beta.b) -
           distribution_log_gamma(all + x + y) + distribution_log_gamma(all);
}

double impact_beta_binomial_above(struct impact_beta beta, double n, double k)
{
    double whole = floor(k);
    if (whole < 0 || n == 0) {
        return whole < 0 ? 1 : 0;
    }
    if (whole >= n) {
        return 0;
    }
    double none = exp(log_ratio(beta, 0, n));
    if (whole == 0) {
        return 1 - none;
    }
    if (n > SUMMED_SEATS) {
        return 1 - distribution_beta_below((whole + 0.5) / n, beta.a, beta.b);
    }
    double each = none;
    double sum = none;
    for (uint32_t i = 0; i < (uint32_t)whole; i++) {
        each *= (n - i) / (i + 1.0) * (beta.a + i) / (beta.b + n - i - 1);
        sum += each;
    }
    return fmax(0, 1 - sum);
}

/* ---- What is behind that which shows of one customer ---- */

struct behind {
    double likelihood;
    double immune; /* chance */
    double none;   /* that none of it is the update's doing, immune or not */
    /* Of the reporting hosts, where it is not immune: as many as show for, and on average. */
    double affected, expected;
};

/* Coincidences past so many standard deviations are left out. */
#define COINCIDENCE_DEVIATIONS 4

/* Coincidences are Poisson, the update's doing beta-binomial, the sum is what shows. */
static struct behind look_behind(struct impact_beta beta, struct impact_bond bond,
                                 const struct impact_sight *sight, const struct impact_alike *one)
{
    double n = one->reporting;
    double x = fmin(one->shown, n);
    double expected = fmax(sight->coincidence * n, 1e-9);
    /* Of x by the update, and none by chance; of x - 1 and one; and so on. */
    double by_update = exp(distribution_log_gamma(n + 1) - distribution_log_gamma(x + 1) -
                           distribution_log_gamma(n - x + 1) + log_ratio(beta, x, n - x));
    double by_chance = exp(-expected);
    double most = ceil(expected + COINCIDENCE_DEVIATIONS * sqrt(expected) + 2);
    double sum = 0;
    double affected = 0;
    double none = 0;
    for (uint32_t chances = 0; chances <= (uint32_t)fmin(x, most); chances++) {
        double hosts = x - chances;
        sum += by_update * by_chance;
        affected += hosts * by_update * by_chance;
        none = hosts == 0 ? by_update * by_chance : 0;
        by_update *= hosts / (n - hosts + 1) * (beta.b + n - hosts) / (beta.a + hosts - 1);
        by_chance *= expected / (chances + 1.0);
    }
    double immune = bond.immune * exp(x * log(expected) - expected - distribution_log_gamma(x + 1));
    double all = immune + (1 - bond.immune) * sum;
    double shown = sum > 0 ? affected / sum : x;
    /* A host is hit as often as others of the customer, and then it may not show it. */
    double share = (beta.a + shown) / (beta.a + beta.b + fmax(0, n - 1));
    double masked = (n - shown) * share * (1 - sight->shows) / (1 - share * sight->shows);
    return (struct behind){.likelihood = all,
                           .immune = all > 0 ? immune / all : 0,
                           .none = all > 0 ? (immune + (1 - bond.immune) * none) / all : 0,
                           .affected = fmin(n, shown / sight->shows),
                           .expected = shown + masked};
}

const double impact_degree_shares[IMPACT_DEGREES] = {0, 0.1, 0.5};

void impact_add_unseen(double mean, struct impact_bond bond, const struct impact_sight *sight,
                       const struct impact_alike *alike, size_t count,
                       struct impact_moments *moments)
{
    struct impact_beta beta = impact_beta(mean, bond);
    for (size_t i = 0; i < count; i++) {
        const struct impact_alike *one = &alike[i];
        double n = one->unseen;
        if (n <= 0) {
            continue;
        }
        struct behind behind = look_behind(beta, bond, sight, one);
        struct impact_beta own = {.a = beta.a + behind.affected,
                                  .b = beta.b + one->reporting - behind.affected};
        /* Were all that shows coincidence. */
        struct impact_beta nothing = {.a = beta.a, .b = beta.b + one->reporting};
        double size = own.a + own.b;
        double share = own.a / size;
        double liable = 1 - behind.immune;
        double hosts = n * share;
        double variance = hosts * (1 - share) * (size + n) / (size + 1);
        moments->hosts += one->customers * liable * hosts;
        moments->hosts_variance +=
            one->customers * liable * (variance + behind.immune * hosts * hosts);
        for (int degree = 0; degree < IMPACT_DEGREES; degree++) {
            double line = impact_degree_shares[degree] * (one->reporting + n);
            bool by_itself = one->shown > line;
            double left = by_itself ? fmax(0, behind.none - behind.immune) : liable;
            double chance =
                left * impact_beta_binomial_above(by_itself ? nothing : own, one->unseen,
                                                  by_itself ? line : line - behind.affected);
            moments->customers[degree] += one->customers * chance;
            moments->customers_variance[degree] += one->customers * chance * (1 - chance);
            if (degree == DEGREE_ANY) {
                double with = by_itself ? n * nothing.a / size : hosts;
                moments->covariance += one->customers * (left * with - chance * liable * hosts);
            }
        }
    }
}

void impact_add_mistaken(double mean, struct impact_bond bond, const struct impact_sight *sight,
                         const struct impact_alike *alike, size_t count,
                         struct impact_mistaken *mistaken)
{
    struct impact_beta beta = impact_beta(mean, bond);
    for (size_t i = 0; i < count; i++) {
        const struct impact_alike *one = &alike[i];
        double none = one->shown > 0 ? look_behind(beta, bond, sight, one).none : 0;
        for (int degree = 0; degree < IMPACT_DEGREES; degree++) {
            double line = impact_degree_shares[degree] * (one->reporting + one->unseen);
            if (one->shown > line) {
                mistaken->customers[degree] += one->customers * none;
                mistaken->variance[degree] += one->customers * none * (1 - none);
            }
        }
    }
}

/* Of customers that are not immune, as many hosts as if each fell for itself. */
struct worth {
    double affected, hosts;
};

/* One round of expectation, where the mean of those customers is `mean`, and maximisation. */
static struct worth weigh_hosts(double mean, struct impact_bond bond,
                                const struct impact_sight *sight, const struct impact_alike *alike,
                                size_t count, double prior)
{
    struct impact_beta beta = impact_beta((1 - bond.immune) * mean, bond);
    struct worth sum = {.affected = prior, .hosts = 1};
    for (size_t i = 0; i < count; i++) {
        const struct impact_alike *one = &alike[i];
        if (one->reporting > 0) {
            struct behind behind = look_behind(beta, bond, sight, one);
            double worth =
                one->customers * (1 - behind.immune) / (1 + (one->reporting - 1.0) * bond.together);
            sum.affected += worth * behind.expected;
            sum.hosts += worth * one->reporting;
        }
    }
    sum.affected = fmin(fmax(sum.affected, 1e-6), sum.hosts - 1e-6);
    return sum;
}

static double prior_mean(struct impact_bond bond, double elsewhere)
{
    return fmin(inside(elsewhere / (1 - bond.immune)), MEAN_MOST);
}

static double mean_of(struct worth worth)
{
    return fmin(inside(worth.affected / worth.hosts), MEAN_MOST);
}

struct impact_beta impact_mean(const struct impact_alike *alike, size_t count,
                               const struct impact_sight *sight, struct impact_bond bond,
                               double elsewhere)
{
    double prior = prior_mean(bond, elsewhere);
    double before = prior;
    struct worth worth = weigh_hosts(before, bond, sight, alike, count, prior);
    for (int round = 1; round < MEAN_ROUNDS; round++) {
        before = mean_of(worth);
        worth = weigh_hosts(before, bond, sight, alike, count, prior);
    }
    /* Not knowing who is immune, one knows less of the others: by as much as a round does not bring
     * back (Dempster, Laird and Rubin 1977; Meng and Rubin 1991). */
    double known = 1;
    if (bond.immune > 0) {
        double lower = before * (1 - MEAN_NUDGE);
        struct worth nudged = weigh_hosts(lower, bond, sight, alike, count, prior);
        double moved = worth.affected / worth.hosts - nudged.affected / nudged.hosts;
        known = fmin(fmax(1 - moved / (before - lower), KNOWN_LEAST), 1);
    }
    double share = worth.affected / worth.hosts;
    return (struct impact_beta){.a = share * worth.hosts * known,
                                .b = (1 - share) * worth.hosts * known};
}

void impact_weigh_bonds(double elsewhere, const struct impact_sight *sight,
                        const struct impact_alike *alike, size_t count, double *log_weights)
{
    for (size_t point = 0; point < IMPACT_BONDS; point++) {
        struct impact_bond bond = impact_bond_at(point);
        double prior = prior_mean(bond, elsewhere);
        double mean = prior;
        for (int round = 0; round < MEAN_ROUNDS; round++) {
            mean = mean_of(weigh_hosts(mean, bond, sight, alike, count, prior));
        }
        struct impact_beta beta = impact_beta((1 - bond.immune) * mean, bond);
        for (size_t i = 0; i < count; i++) {
            const struct impact_alike *one = &alike[i];
            if (one->reporting > 0) {
                double likely = look_behind(beta, bond, sight, one).likelihood;
                log_weights[point] += one->customers * log(fmax(likely, 1e-300));
            }
        }
    }
}
