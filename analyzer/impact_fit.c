/* Learning how hosts fall together from those that report; see impact_fit.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/impact_fit.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/distribution.h"
#include "analyzer/parallel.h"

/* Their quantiles are 5, 25, 50, 75 and 95 %. */
const double impact_nodes[IMPACT_NODES] = {-1.645, -0.6745, 0, 0.6745, 1.645};
static const double node_quantiles[IMPACT_NODES] = {0.05, 0.25, 0.5, 0.75, 0.95};

/* Customers of more seats than this are taken together with others of about their size: there are
 * few of a kind, and a large one is to its neighbours what a share of it is to another. */
#define APART_SEATS 16
#define SIZES_A_FOLD 4.0 /* steps of a fold by e */
#define SHARES 12

/* Bonds are learnt from about so many kinds of customers of a family: more would not tell better.
 */
#define LEARNT_FROM 2000

/* A bond with less weight than this is left out. */
#define WEIGHT_LEAST 0.05

static struct impact_family *find_family(struct impact_fit *fitting,
                                         const struct impact_stratum *stratum)
{
    const char *product_line = fitting->known[stratum->cell].product_line;
    size_t at = 0;
    while (at < fitting->family_count &&
           (fitting->families[at].kind != stratum->kind ||
            strcmp(fitting->families[at].product_line, product_line) != 0)) {
        at++;
    }
    if (at == fitting->family_count) {
        fitting->families[fitting->family_count++] =
            (struct impact_family){.product_line = product_line, .kind = stratum->kind};
    }
    return &fitting->families[at];
}

static const struct impact_cell_fit *cell_of(const struct impact_fit *fitting, size_t stratum)
{
    return &fitting->cells[fitting->population->strata[stratum].cell];
}

static uint32_t size_step(double hosts)
{
    return (uint32_t)(SIZES_A_FOLD * log1p(hosts));
}

static bool is_apart(const struct impact_kin *kin)
{
    return kin->reporting <= APART_SEATS && kin->unseen <= APART_SEATS - kin->reporting;
}

/* What it is alike by: the same five numbers. */
static void likeness(const struct impact_kin *kin, uint32_t numbers[5])
{
    bool apart = is_apart(kin);
    uint32_t shown = kin->shown + kin->unheard;
    uint32_t of = kin->reporting > 0 ? kin->reporting : 1;
    numbers[0] = kin->stratum;
    numbers[1] = apart ? 0 : 1;
    numbers[2] = apart ? kin->reporting : size_step(kin->reporting);
    numbers[3] = apart ? kin->unseen : size_step(kin->unseen);
    numbers[4] = apart ? shown : shown == 0 ? 0 : 1 + (uint32_t)((uint64_t)SHARES * shown / of);
}

static int compare_likeness(const struct impact_kin *a, const struct impact_kin *b)
{
    uint32_t of_a[5];
    uint32_t of_b[5];
    likeness(a, of_a);
    likeness(b, of_b);
    for (size_t i = 0; i < 5; i++) {
        if (of_a[i] != of_b[i]) {
            return of_a[i] < of_b[i] ? -1 : 1;
        }
    }
    return 0;
}

/* Those alike come together, and whatever order they were added in, sums are the same. */
static int compare_kin(const void *left, const void *right)
{
    const struct impact_kin *a = left;
    const struct impact_kin *b = right;
    int order = compare_likeness(a, b);
    const uint32_t of_a[] = {a->shown, a->unheard, a->reporting, a->unseen};
    const uint32_t of_b[] = {b->shown, b->unheard, b->reporting, b->unseen};
    for (size_t i = 0; order == 0 && i < sizeof of_a / sizeof *of_a; i++) {
        if (of_a[i] != of_b[i]) {
            order = of_a[i] < of_b[i] ? -1 : 1;
        }
    }
    return order;
}

static void sum_cells(struct impact_fit *fitting, const struct impact_kin *kin, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t number = fitting->population->strata[kin[i].stratum].cell;
        struct impact_cell_fit *cell = &fitting->cells[number];
        cell->hosts += kin[i].customers * kin[i].shown;
        cell->unheard += kin[i].customers * kin[i].unheard;
        cell->reporting += kin[i].customers * kin[i].reporting;
    }
    for (size_t i = 0; i < fitting->cell_count; i++) {
        struct impact_cell_fit *cell = &fitting->cells[i];
        const struct impact_known *known = &fitting->known[i];
        double shown = cell->hosts + cell->unheard;
        double expected =
            fmin(cell->hosts, known->expected_hosts) + fmin(cell->unheard, known->unheard_expected);
        cell->sight.shows = 1 - fmin(fmax(known->masked, 0), IMPACT_MASKED_MOST);
        cell->sight.coincidence = expected / fmax(1, cell->reporting - shown + expected);
        cell->affected = fmax(0, cell->hosts - known->expected_hosts) / cell->sight.shows +
                         fmax(0, cell->unheard - known->unheard_expected);
        cell->real = shown > 0 ? cell->affected / shown : 0;
    }
}

/* One more of the kind, in sums until all are. */
static void join(struct impact_alike *alike, const struct impact_kin *kin)
{
    alike->shown += kin->customers * ((double)kin->shown + kin->unheard);
    alike->reporting += kin->customers * kin->reporting;
    alike->unseen += kin->customers * kin->unseen;
    alike->customers += kin->customers;
}

static void count_into(struct impact_stratum_fit *fit, const struct impact_kin *kin, double real)
{
    double shown = (double)kin->shown + kin->unheard;
    fit->hosts += kin->customers * kin->shown;
    fit->unheard_hosts += kin->customers * kin->unheard;
    fit->single += kin->shown > 0 && kin->reporting == 1 ? kin->customers : 0;
    for (int degree = 0; degree < IMPACT_DEGREES; degree++) {
        double line = impact_degree_shares[degree] * ((double)kin->reporting + kin->unseen);
        fit->customers[degree] += shown > line ? kin->customers : 0;
    }
    fit->family->affected += kin->customers * shown * real;
    fit->family->hosts += kin->customers * kin->reporting;
}

/* `kin` are in the order of compare_kin. */
static void sum_strata(struct impact_fit *fitting, const struct impact_kin *kin, size_t count,
                       struct impact_alike *alike)
{
    struct impact_alike *next = alike;
    for (size_t i = 0; i < count; i++) {
        struct impact_stratum_fit *fit = &fitting->strata[kin[i].stratum];
        bool first = i == 0 || kin[i].stratum != kin[i - 1].stratum;
        if (first || compare_likeness(&kin[i], &kin[i - 1]) != 0) {
            fit->alike = first ? next : fit->alike;
            fit->alike_count++;
            next++;
        }
        join(next - 1, &kin[i]);
        count_into(fit, &kin[i], cell_of(fitting, kin[i].stratum)->real);
    }
    for (struct impact_alike *one = alike; one < next; one++) {
        one->shown /= one->customers;
        one->reporting /= one->customers;
        one->unseen /= one->customers;
    }
}

/* The mean of the cell, or where it hardly reports of the product line. */
static double mean_elsewhere(const struct impact_fit *fitting, size_t stratum)
{
    const struct impact_family *family = fitting->strata[stratum].family;
    const struct impact_cell_fit *cell = &fitting->cells[fitting->population->strata[stratum].cell];
    double of_family = family->hosts > 0 ? family->affected / family->hosts : 0;
    return (cell->affected + of_family) / (cell->reporting + 1);
}

/* Where each customer has one host that reports, nothing tells immune ones from others. */
static void weigh_family(struct impact_family *family)
{
    double most = -INFINITY;
    double sum = 0;
    for (size_t point = 0; point < IMPACT_BONDS; point++) {
        if (!family->tells && impact_bond_at(point).immune > 0) {
            family->log_weights[point] = -INFINITY;
        }
        most = fmax(most, family->log_weights[point]);
    }
    for (size_t point = 0; point < IMPACT_BONDS; point++) {
        double weight = exp(family->log_weights[point] - most);
        sum += weight >= WEIGHT_LEAST ? weight : 0;
        family->cumulative[point] = sum;
    }
    for (size_t point = 0; point < IMPACT_BONDS; point++) {
        family->cumulative[point] /= sum;
    }
}

static void learn_bonds(struct impact_fit *fitting, struct impact_alike *some)
{
    for (size_t i = 0; i < fitting->population->stratum_count; i++) {
        fitting->strata[i].family->kinds += fitting->strata[i].alike_count;
    }
    for (size_t at = 0; at < fitting->population->stratum_count; at++) {
        size_t i = fitting->order[at];
        struct impact_stratum_fit *fit = &fitting->strata[i];
        size_t count = 0;
        size_t step = 1 + fit->family->kinds / LEARNT_FROM;
        for (size_t k = at % step; k < fit->alike_count; k += step) {
            fit->family->tells |= fit->alike[k].reporting > 1;
            some[count++] = fit->alike[k];
        }
        if (count > 0) {
            impact_weigh_bonds(mean_elsewhere(fitting, i), &cell_of(fitting, i)->sight, some, count,
                               fit->family->log_weights);
        }
    }
    for (size_t i = 0; i < fitting->family_count; i++) {
        weigh_family(&fitting->families[i]);
    }
}

static bool has_weight(const struct impact_family *family, size_t point)
{
    return family->cumulative[point] > (point == 0 ? 0 : family->cumulative[point - 1]);
}

static bool has_unseen(const struct impact_stratum_fit *fit)
{
    for (size_t i = 0; i < fit->alike_count; i++) {
        if (fit->alike[i].unseen > 0) {
            return true;
        }
    }
    return false;
}

/* The bond with the most weight. */
static size_t likeliest(const struct impact_family *family)
{
    size_t best = 0;
    for (size_t point = 1; point < IMPACT_BONDS; point++) {
        best = family->log_weights[point] > family->log_weights[best] ? point : best;
    }
    return best;
}

static void reckon_stratum(const struct impact_fit *fitting, size_t number)
{
    struct impact_stratum_fit *fit = &fitting->strata[number];
    const struct impact_cell_fit *cell = cell_of(fitting, number);
    for (size_t point = 0; point < IMPACT_BONDS; point++) {
        if (!has_weight(fit->family, point)) {
            continue;
        }
        struct impact_bond bond = impact_bond_at(point);
        struct impact_beta mean = impact_mean(fit->alike, fit->alike_count, &cell->sight, bond,
                                              mean_elsewhere(fitting, number));
        double liable = 1 - bond.immune;
        if (point == likeliest(fit->family)) {
            impact_add_mistaken(liable * mean.a / (mean.a + mean.b), bond, &cell->sight, fit->alike,
                                fit->alike_count, &fit->mistaken);
        }
        for (size_t node = 0; fit->moments != NULL && node < IMPACT_NODES; node++) {
            double at = distribution_beta_quantile(node_quantiles[node], mean.a, mean.b);
            impact_add_unseen(liable * at, bond, &cell->sight, fit->alike, fit->alike_count,
                              &fit->moments[point][node]);
        }
    }
}

/* Without an affected host in the product line there is no estimate. */
static bool is_reckoned(const struct impact_stratum_fit *fit)
{
    return fit->alike_count > 0 && fit->family->affected > 0;
}

struct reckoning {
    const struct impact_fit *fitting;
    unsigned parts;
};

static void reckon_part(void *context, unsigned part)
{
    const struct reckoning *reckoning = context;
    const struct impact_fit *fitting = reckoning->fitting;
    for (size_t i = part; i < fitting->population->stratum_count; i += reckoning->parts) {
        if (is_reckoned(&fitting->strata[i])) {
            reckon_stratum(fitting, i);
        }
    }
}

static bool reckon_moments(struct impact_fit *fitting, struct failure *failure)
{
    for (size_t i = 0; i < fitting->population->stratum_count; i++) {
        struct impact_stratum_fit *fit = &fitting->strata[i];
        if (is_reckoned(fit) && has_unseen(fit)) {
            fit->moments = calloc(IMPACT_BONDS, sizeof *fit->moments);
            if (fit->moments == NULL) {
                return failure_memory(failure, "estimating the impact");
            }
        }
    }
    struct reckoning reckoning = {.fitting = fitting, .parts = parallel_processors()};
    parallel_run(reckoning.parts, reckon_part, &reckoning);
    return true;
}

/* ---- All together ---- */

static int compare_strata(const void *left, const void *right, void *context)
{
    const struct impact_stratum *strata = context;
    const struct impact_stratum *a = &strata[*(const size_t *)left];
    const struct impact_stratum *b = &strata[*(const size_t *)right];
    if (a->cell != b->cell) {
        return a->cell < b->cell ? -1 : 1;
    }
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    return strcmp(a->tier != NULL ? a->tier : "", b->tier != NULL ? b->tier : "");
}

static void fit_kin(struct impact_fit *fit, struct impact_kin *kin, struct impact_alike *some)
{
    size_t count = 0;
    for (size_t i = 0; i < fit->population->kin_count; i++) {
        kin[count] = fit->population->kin[i];
        count += kin[count].customers > 0 ? 1 : 0;
    }
    qsort(kin, count, sizeof *kin, compare_kin);
    for (size_t i = 0; i < fit->population->stratum_count; i++) {
        size_t stratum = fit->order[i];
        fit->strata[stratum].family = find_family(fit, &fit->population->strata[stratum]);
    }
    sum_cells(fit, kin, count);
    sum_strata(fit, kin, count, fit->alike);
    learn_bonds(fit, some);
}

bool impact_fit(const struct impact_population *population, const struct impact_known *known,
                size_t cell_count, struct impact_fit *fit, struct failure *failure)
{
    size_t strata = population->stratum_count + 1;
    struct impact_kin *kin = calloc(population->kin_count + 1, sizeof *kin);
    struct impact_alike *some = calloc(population->kin_count + 1, sizeof *some);
    *fit = (struct impact_fit){.population = population,
                               .known = known,
                               .cell_count = cell_count,
                               .order = calloc(strata, sizeof *fit->order),
                               .cells = calloc(cell_count + 1, sizeof *fit->cells),
                               .strata = calloc(strata, sizeof *fit->strata),
                               .families = calloc(strata, sizeof *fit->families),
                               .alike = calloc(population->kin_count + 1, sizeof *fit->alike)};
    bool room = kin != NULL && some != NULL && fit->order != NULL && fit->cells != NULL &&
                fit->strata != NULL && fit->families != NULL && fit->alike != NULL;
    if (room) {
        for (size_t i = 0; i < population->stratum_count; i++) {
            fit->order[i] = i;
        }
        qsort_r(fit->order, population->stratum_count, sizeof *fit->order, compare_strata,
                population->strata);
        fit_kin(fit, kin, some);
    } else {
        (void)failure_memory(failure, "estimating the impact");
    }
    bool done = room && reckon_moments(fit, failure);
    free(kin);
    free(some);
    if (!done) {
        impact_fit_free(fit);
    }
    return done;
}

void impact_fit_free(struct impact_fit *fit)
{
    for (size_t i = 0; fit->strata != NULL && i < fit->population->stratum_count; i++) {
        free(fit->strata[i].moments);
    }
    free(fit->order);
    free(fit->cells);
    free(fit->strata);
    free(fit->families);
    free(fit->alike);
    *fit = (struct impact_fit){.population = NULL};
}
