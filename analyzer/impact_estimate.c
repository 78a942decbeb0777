/* Draws of how many are affected in all; see impact_estimate.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/impact_estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/distribution.h"
#include "common/random_stream.h"

/* Moments are reckoned at these quantiles of a stratum's mean, and drawn between them. */
static const double nodes[] = {0.005, 0.02, 0.05, 0.1,  0.2,  0.35, 0.5,
                               0.65,  0.8,  0.9,  0.95, 0.98, 0.995};
#define NODES (sizeof nodes / sizeof *nodes)

/* Where more hosts than this are distressed anyway, a control says nothing of those that are hit.
 */
#define MASKED_MOST 0.5

/* A bond with less weight than this is left out. */
#define WEIGHT_LEAST 0.02

#define DRAW_STREAM UINT64_C(0x696d70616374)

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

/* ---- Who there is ---- */

struct stratum_key {
    const struct impact_population *population;
    const struct impact_seats *seats;
};

static bool same_stratum(const void *context, uint32_t item)
{
    const struct stratum_key *key = context;
    const struct impact_stratum *stratum = &key->population->strata[item];
    return stratum->cell == key->seats->cell && stratum->kind == key->seats->kind &&
           stratum->tier == key->seats->tier;
}

struct kin_key {
    const struct impact_population *population;
    struct impact_kin kin;
};

static bool same_kin(const void *context, uint32_t item)
{
    const struct kin_key *key = context;
    const struct impact_kin *kin = &key->population->kin[item];
    return kin->stratum == key->kin.stratum && kin->shown == key->kin.shown &&
           kin->unheard == key->kin.unheard && kin->reporting == key->kin.reporting &&
           kin->unseen == key->kin.unseen;
}

static bool make_room(void **array, size_t count, size_t *capacity, size_t size,
                      struct failure *failure)
{
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? 64 : 2 * *capacity;
    void *grown = realloc(*array, wanted * size);
    if (grown == NULL) {
        return failure_memory(failure, "estimating the impact");
    }
    *array = grown;
    *capacity = wanted;
    return true;
}

static bool find_stratum(struct impact_population *population, const struct impact_seats *seats,
                         uint32_t *number, struct failure *failure)
{
    struct stratum_key key = {.population = population, .seats = seats};
    uint64_t hash = hash_number((uint64_t)(uintptr_t)seats->tier);
    hash = hash_number(hash ^ (uint64_t)seats->cell << 1 ^ (uint64_t)seats->kind);
    *number = hash_index_find(&population->by_stratum, hash, same_stratum, &key);
    if (*number != HASH_INDEX_NONE) {
        return true;
    }
    *number = (uint32_t)population->stratum_count;
    void *strata = population->strata;
    bool room = make_room(&strata, population->stratum_count, &population->stratum_capacity,
                          sizeof *population->strata, failure);
    population->strata = strata;
    if (!room || !hash_index_add(&population->by_stratum, hash, *number, failure)) {
        return false;
    }
    population->strata[population->stratum_count++] =
        (struct impact_stratum){.cell = seats->cell, .kind = seats->kind, .tier = seats->tier};
    return true;
}

bool impact_population_add(struct impact_population *population, const struct impact_seats *seats,
                           double customers, struct failure *failure)
{
    struct kin_key key = {.population = population,
                          .kin = {.shown = seats->shown,
                                  .unheard = seats->unheard,
                                  .reporting = seats->reporting,
                                  .unseen = seats->unseen,
                                  .customers = customers}};
    if (!find_stratum(population, seats, &key.kin.stratum, failure)) {
        return false;
    }
    uint64_t hash = hash_number((uint64_t)seats->shown << 32 | seats->unheard);
    hash = hash_number(hash ^ ((uint64_t)seats->reporting << 32 | seats->unseen));
    hash = hash_number(hash ^ key.kin.stratum);
    uint32_t found = hash_index_find(&population->by_kin, hash, same_kin, &key);
    if (found != HASH_INDEX_NONE) {
        population->kin[found].customers += customers;
        return true;
    }
    void *kin = population->kin;
    bool room = make_room(&kin, population->kin_count, &population->kin_capacity,
                          sizeof *population->kin, failure);
    population->kin = kin;
    if (!room ||
        !hash_index_add(&population->by_kin, hash, (uint32_t)population->kin_count, failure)) {
        return false;
    }
    population->kin[population->kin_count++] = key.kin;
    return true;
}

static void *copy_of(const void *array, size_t size)
{
    void *copy = malloc(size + 1);
    return copy == NULL || size == 0 ? copy : memcpy(copy, array, size);
}

bool impact_population_copy(const struct impact_population *population,
                            struct impact_population *copy, struct failure *failure)
{
    *copy = (struct impact_population){
        .strata =
            copy_of(population->strata, population->stratum_count * sizeof *population->strata),
        .stratum_count = population->stratum_count,
        .stratum_capacity = population->stratum_count,
        .kin = copy_of(population->kin, population->kin_count * sizeof *population->kin),
        .kin_count = population->kin_count,
        .kin_capacity = population->kin_count};
    if (copy->strata == NULL || copy->kin == NULL ||
        !hash_index_copy(&population->by_stratum, &copy->by_stratum) ||
        !hash_index_copy(&population->by_kin, &copy->by_kin)) {
        impact_population_free(copy);
        return failure_memory(failure, "estimating the impact");
    }
    return true;
}

void impact_population_free(struct impact_population *population)
{
    hash_index_free(&population->by_stratum);
    hash_index_free(&population->by_kin);
    free(population->strata);
    free(population->kin);
    *population = (struct impact_population){.strata = NULL};
}

/* ---- What is learnt ---- */

/* One product line and kind of customer: hosts fall together alike in all its strata. */
struct family {
    const char *product_line;
    enum customer_kind kind;
    double log_weights[IMPACT_BONDS];
    double cumulative[IMPACT_BONDS]; /* of the posterior */
    double affected, hosts;          /* that report */
};

struct cell_fit {
    double hosts, unheard, reporting; /* hosts; noted */
    double affected;                  /* likely, of those that report */
    double real;                      /* of what shows, the share that is the update's doing */
    struct impact_sight sight;
};

struct stratum_fit {
    struct family *family;
    struct impact_alike *alike;
    size_t alike_count;
    double hosts, unheard_hosts;
    double customers[IMPACT_DEGREES]; /* of which it shows */
    double single;                    /* of those, with one host that reports */
    struct impact_mistaken mistaken;
    struct impact_moments (*moments)[NODES]; /* by bond; unset where left out */
};

struct fitting {
    const struct impact_population *population;
    size_t *order; /* the strata's, whatever order they came in */
    const struct impact_known *known;
    size_t cell_count;
    struct cell_fit *cells;
    struct stratum_fit *strata;
    struct family *families;
    size_t family_count;
};

static struct family *find_family(struct fitting *fitting, const struct impact_stratum *stratum)
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
            (struct family){.product_line = product_line, .kind = stratum->kind};
    }
    return &fitting->families[at];
}

static int compare_kin(const void *left, const void *right)
{
    const struct impact_kin *a = left;
    const struct impact_kin *b = right;
    const uint32_t of_a[] = {a->stratum, a->shown, a->unheard, a->reporting, a->unseen};
    const uint32_t of_b[] = {b->stratum, b->shown, b->unheard, b->reporting, b->unseen};
    for (size_t i = 0; i < sizeof of_a / sizeof *of_a; i++) {
        if (of_a[i] != of_b[i]) {
            return of_a[i] < of_b[i] ? -1 : 1;
        }
    }
    return 0;
}

static void sum_cells(struct fitting *fitting, const struct impact_kin *kin, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t number = fitting->population->strata[kin[i].stratum].cell;
        struct cell_fit *cell = &fitting->cells[number];
        cell->hosts += kin[i].customers * kin[i].shown;
        cell->unheard += kin[i].customers * kin[i].unheard;
        cell->reporting += kin[i].customers * kin[i].reporting;
    }
    for (size_t i = 0; i < fitting->cell_count; i++) {
        struct cell_fit *cell = &fitting->cells[i];
        const struct impact_known *known = &fitting->known[i];
        double shown = cell->hosts + cell->unheard;
        double expected =
            fmin(cell->hosts, known->expected_hosts) + fmin(cell->unheard, known->unheard_expected);
        cell->sight.shows = 1 - fmin(fmax(known->masked, 0), MASKED_MOST);
        cell->sight.coincidence = expected / fmax(1, cell->reporting - shown + expected);
        cell->affected = fmax(0, cell->hosts - known->expected_hosts) / cell->sight.shows +
                         fmax(0, cell->unheard - known->unheard_expected);
        cell->real = shown > 0 ? cell->affected / shown : 0;
    }
}

/* `kin` are in the order of compare_kin. */
static void sum_strata(struct fitting *fitting, const struct impact_kin *kin, size_t count,
                       struct impact_alike *alike)
{
    static const double parts[IMPACT_DEGREES] = {0, 0.1, 0.5};
    for (size_t i = 0; i < count; i++) {
        const struct impact_stratum *stratum = &fitting->population->strata[kin[i].stratum];
        const struct cell_fit *cell = &fitting->cells[stratum->cell];
        struct stratum_fit *fit = &fitting->strata[kin[i].stratum];
        if (fit->alike == NULL) {
            fit->alike = &alike[i];
        }
        struct impact_alike *one = &fit->alike[fit->alike_count++];
        *one = (struct impact_alike){.shown = kin[i].shown + kin[i].unheard,
                                     .reporting = kin[i].reporting,
                                     .unseen = kin[i].unseen,
                                     .customers = kin[i].customers};
        fit->hosts += one->customers * kin[i].shown;
        fit->unheard_hosts += one->customers * kin[i].unheard;
        fit->single += kin[i].shown > 0 && one->reporting == 1 ? one->customers : 0;
        for (int degree = 0; degree < IMPACT_DEGREES; degree++) {
            double line = parts[degree] * ((double)one->reporting + one->unseen);
            fit->customers[degree] += one->shown > line ? one->customers : 0;
        }
        fit->family->affected += one->customers * one->shown * cell->real;
        fit->family->hosts += one->customers * one->reporting;
    }
}

/* The mean of the cell, or where it hardly reports of the product line. */
static double mean_elsewhere(const struct fitting *fitting, size_t stratum)
{
    const struct family *family = fitting->strata[stratum].family;
    const struct cell_fit *cell = &fitting->cells[fitting->population->strata[stratum].cell];
    double of_family = family->hosts > 0 ? family->affected / family->hosts : 0;
    return (cell->affected + of_family) / (cell->reporting + 1);
}

static const struct cell_fit *cell_of(const struct fitting *fitting, size_t stratum)
{
    return &fitting->cells[fitting->population->strata[stratum].cell];
}

static void learn_bonds(struct fitting *fitting)
{
    const struct impact_bond usual = {.together = 0.3};
    for (size_t at = 0; at < fitting->population->stratum_count; at++) {
        size_t i = fitting->order[at];
        struct stratum_fit *fit = &fitting->strata[i];
        const struct cell_fit *cell = cell_of(fitting, i);
        if (fit->alike_count > 0) {
            struct impact_beta mean = impact_mean(fit->alike, fit->alike_count, cell->real, usual,
                                                  mean_elsewhere(fitting, i));
            impact_weigh_bonds(mean.a / (mean.a + mean.b), &cell->sight, fit->alike,
                               fit->alike_count, fit->family->log_weights);
        }
    }
    for (size_t i = 0; i < fitting->family_count; i++) {
        struct family *family = &fitting->families[i];
        double most = -INFINITY;
        double sum = 0;
        for (size_t point = 0; point < IMPACT_BONDS; point++) {
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
}

static bool has_weight(const struct family *family, size_t point)
{
    return family->cumulative[point] > (point == 0 ? 0 : family->cumulative[point - 1]);
}

static bool has_unseen(const struct stratum_fit *fit)
{
    for (size_t i = 0; i < fit->alike_count; i++) {
        if (fit->alike[i].unseen > 0) {
            return true;
        }
    }
    return false;
}

/* The bond with the most weight. */
static size_t likeliest(const struct family *family)
{
    size_t best = 0;
    for (size_t point = 1; point < IMPACT_BONDS; point++) {
        best = family->log_weights[point] > family->log_weights[best] ? point : best;
    }
    return best;
}

static bool reckon_moments(struct fitting *fitting, struct failure *failure)
{
    for (size_t i = 0; i < fitting->population->stratum_count; i++) {
        struct stratum_fit *fit = &fitting->strata[i];
        const struct cell_fit *cell = cell_of(fitting, i);
        if (fit->alike_count == 0 || fit->family->affected <= 0) {
            continue; /* without an affected host in the product line there is no estimate */
        }
        bool unseen = has_unseen(fit);
        fit->moments = unseen ? calloc(IMPACT_BONDS, sizeof *fit->moments) : NULL;
        if (unseen && fit->moments == NULL) {
            return failure_memory(failure, "estimating the impact");
        }
        for (size_t point = 0; point < IMPACT_BONDS; point++) {
            if (!has_weight(fit->family, point)) {
                continue;
            }
            struct impact_bond bond = impact_bond_at(point);
            struct impact_beta mean = impact_mean(fit->alike, fit->alike_count, cell->real, bond,
                                                  mean_elsewhere(fitting, i));
            if (point == likeliest(fit->family)) {
                impact_add_mistaken(mean.a / (mean.a + mean.b), bond, &cell->sight, fit->alike,
                                    fit->alike_count, &fit->mistaken);
            }
            for (size_t node = 0; unseen && node < NODES; node++) {
                double at = distribution_beta_quantile(nodes[node], mean.a, mean.b);
                impact_add_unseen(at, bond, &cell->sight, fit->alike, fit->alike_count,
                                  &fit->moments[point][node]);
            }
        }
    }
    return true;
}

/* ---- Draws ---- */

/* A gamma variable with that mean and variance, from a standard normal one (Wilson and Hilferty
 * 1931). */
static double gamma_of(double z, double mean, double variance)
{
    if (mean <= 0 || variance <= 0) {
        return fmax(0, mean);
    }
    double ninth = variance / (9 * mean * mean);
    double root = 1 - ninth + z * sqrt(ninth);
    return root > 0 ? mean * root * root * root : 0;
}

/* What the control leads to expect: known from so many onsets, and then a Poisson count. */
static double coincidence(double z, double expected, double control_onsets)
{
    return gamma_of(z, expected, expected + expected * expected / (control_onsets + 1));
}

enum total {
    TOTAL_HOSTS,
    TOTAL_CUSTOMERS,
    TOTAL_UNSEEN_HOSTS,
    TOTAL_UNSEEN_CUSTOMERS,
    TOTAL_SERIES
};

/* What is drawn, IMPACT_DRAWS of each. */
struct series {
    double (*cells)[TOTAL_SERIES][IMPACT_DRAWS];
    double (*all)[IMPACT_DRAWS]; /* TOTAL_SERIES */
    double (*degrees)[IMPACT_DRAWS];
    double (*tiers)[IMPACT_DRAWS];
    double *consumers, *corporates, *corporate_hosts;
};

/* The moments at quantile `u` of the mean. */
static struct impact_moments moments_at(const struct impact_moments *moments, double u)
{
    size_t node = 0;
    while (node + 2 < NODES && u > nodes[node + 1]) {
        node++;
    }
    double after = fmin(fmax((u - nodes[node]) / (nodes[node + 1] - nodes[node]), 0), 1);
    double before = 1 - after;
    const struct impact_moments *a = &moments[node];
    const struct impact_moments *b = a + 1;
    struct impact_moments mixed = {.hosts = before * a->hosts + after * b->hosts,
                                   .hosts_variance =
                                       before * a->hosts_variance + after * b->hosts_variance,
                                   .covariance = before * a->covariance + after * b->covariance};
    for (int degree = 0; degree < IMPACT_DEGREES; degree++) {
        mixed.customers[degree] = before * a->customers[degree] + after * b->customers[degree];
        mixed.customers_variance[degree] =
            before * a->customers_variance[degree] + after * b->customers_variance[degree];
    }
    return mixed;
}

struct stratum_draw {
    double hosts, unseen_hosts;
    double customers[IMPACT_DEGREES], unseen_customers;
};

/* What one draw says of a cell. */
struct cell_draw {
    double z;           /* how many coincidences there are, beside what is to be expected */
    double keep, heard; /* shares of noted and unheard hosts that are the update's doing */
};

static struct stratum_draw draw_stratum(const struct stratum_fit *fit, const struct cell_fit *cell,
                                        const struct impact_known *known,
                                        const struct cell_draw *drawn, double bond, double on,
                                        struct random_stream *random)
{
    struct stratum_draw draw = {.hosts =
                                    fit->hosts * drawn->keep + fit->unheard_hosts * drawn->heard};
    /* A customer with several hosts shows by another one. */
    double unshown = fit->single * (1 / cell->sight.shows - 1);
    for (int degree = 0; degree < IMPACT_DEGREES; degree++) {
        double mistaken = fit->mistaken.customers[degree];
        double variance =
            fit->mistaken.variance[degree] + mistaken * mistaken / (known->control_onsets + 1);
        draw.customers[degree] =
            fmax(0, fit->customers[degree] + unshown - gamma_of(drawn->z, mistaken, variance));
    }
    if (fit->moments == NULL) {
        return draw;
    }
    size_t point = 0;
    while (point + 1 < IMPACT_BONDS && bond > fit->family->cumulative[point]) {
        point++;
    }
    double u = random_uniform(random);
    double z = random_normal(random);
    double other = random_normal(random);
    struct impact_moments moments = moments_at(fit->moments[point], u);
    double both = sqrt(moments.hosts_variance * moments.customers_variance[DEGREE_ANY]);
    double correlation = both > 0 ? fmin(1, moments.covariance / both) : 0;
    double of_hosts = correlation * z + sqrt(1 - correlation * correlation) * other;
    draw.unseen_hosts = gamma_of(of_hosts, on * moments.hosts, on * moments.hosts_variance);
    draw.hosts += draw.unseen_hosts;
    for (int degree = 0; degree < IMPACT_DEGREES; degree++) {
        double unseen =
            gamma_of(z, on * moments.customers[degree], on * moments.customers_variance[degree]);
        draw.customers[degree] += unseen;
        draw.unseen_customers = degree == DEGREE_ANY ? unseen : draw.unseen_customers;
    }
    return draw;
}

static struct cell_draw draw_cell(const struct cell_fit *cell, const struct impact_known *known,
                                  struct random_stream *random)
{
    struct cell_draw draw = {.z = random_normal(random)};
    double silent = random_normal(random);
    double unshown = random_normal(random);
    double hosts = coincidence(draw.z, known->expected_hosts, known->control_onsets);
    double unheard = coincidence(silent, known->unheard_expected, known->unheard_control);
    double hit = fmax(0, cell->hosts - hosts);
    double masked = hit * (1 / cell->sight.shows - 1);
    hit += gamma_of(unshown, masked, masked / cell->sight.shows);
    draw.keep = cell->hosts > 0 ? hit / cell->hosts : 0;
    draw.heard = cell->unheard > 0 ? fmax(0, 1 - unheard / cell->unheard) : 0;
    return draw;
}

/* Room for what one draw says of families and cells. */
struct scratch {
    double *bonds;
    struct cell_draw *cells;
};

static void draw_once(const struct fitting *fitting, const size_t *tier_of, double distinct,
                      double on, struct random_stream *random, size_t at,
                      const struct scratch *scratch, const struct series *series)
{
    for (size_t i = 0; i < fitting->family_count; i++) {
        scratch->bonds[i] = random_uniform(random);
    }
    for (size_t i = 0; i < fitting->cell_count; i++) {
        scratch->cells[i] = draw_cell(&fitting->cells[i], &fitting->known[i], random);
    }
    for (size_t turn = 0; turn < fitting->population->stratum_count; turn++) {
        size_t i = fitting->order[turn];
        const struct impact_stratum *stratum = &fitting->population->strata[i];
        const struct stratum_fit *fit = &fitting->strata[i];
        if (fit->alike_count == 0) {
            continue;
        }
        uint32_t cell = stratum->cell;
        struct stratum_draw draw =
            draw_stratum(fit, &fitting->cells[cell], &fitting->known[cell], &scratch->cells[cell],
                         scratch->bonds[fit->family - fitting->families], on, random);
        const double totals[TOTAL_SERIES] = {draw.hosts, draw.customers[DEGREE_ANY],
                                             draw.unseen_hosts, draw.unseen_customers};
        for (int t = 0; t < TOTAL_SERIES; t++) {
            bool counts_customers = t == TOTAL_CUSTOMERS || t == TOTAL_UNSEEN_CUSTOMERS;
            series->cells[cell][t][at] += totals[t];
            series->all[t][at] += totals[t] * (counts_customers ? distinct : 1);
        }
        for (int degree = 0; degree < IMPACT_DEGREES; degree++) {
            series->degrees[degree][at] += distinct * draw.customers[degree];
        }
        double customers = distinct * draw.customers[DEGREE_ANY];
        series->tiers[tier_of[i]][at] += customers;
        if (stratum->kind == CUSTOMER_CORPORATE) {
            series->corporates[at] += customers;
            series->corporate_hosts[at] += draw.hosts;
        } else {
            series->consumers[at] += customers;
        }
    }
}

static int compare_doubles(const void *a, const void *b)
{
    const double *one = a;
    const double *other = b;
    return *one < *other ? -1 : *one > *other;
}

/* Sorts the draws. */
static struct range range_of(double *draws)
{
    qsort(draws, IMPACT_DRAWS, sizeof *draws, compare_doubles);
    return (struct range){.low = draws[IMPACT_DRAWS / 20],
                          .likely = draws[IMPACT_DRAWS / 2],
                          .high = draws[IMPACT_DRAWS - 1 - IMPACT_DRAWS / 20]};
}

/* ---- All together ---- */

/* Tiers in the order of their strata; `tier_of` says each stratum's. */
static size_t number_tiers(const struct impact_population *population, const size_t *order,
                           struct impact_tier *tiers, size_t *tier_of)
{
    size_t count = 0;
    for (size_t turn = 0; turn < population->stratum_count; turn++) {
        size_t i = order[turn];
        const struct impact_stratum *stratum = &population->strata[i];
        size_t at = 0;
        while (at < count && (tiers[at].tier != stratum->tier || tiers[at].kind != stratum->kind)) {
            at++;
        }
        if (at == count) {
            tiers[count++] = (struct impact_tier){.tier = stratum->tier, .kind = stratum->kind};
        }
        tier_of[i] = at;
    }
    return count;
}

static void fill_ranges(const struct series *series, size_t cell_count,
                        struct impact_estimate *estimate)
{
    for (size_t i = 0; i < cell_count; i++) {
        estimate->cells[i] = (struct impact_estimate_cell){
            .hosts = range_of(series->cells[i][TOTAL_HOSTS]),
            .customers = range_of(series->cells[i][TOTAL_CUSTOMERS]),
            .unseen_hosts = range_of(series->cells[i][TOTAL_UNSEEN_HOSTS]),
            .unseen_customers = range_of(series->cells[i][TOTAL_UNSEEN_CUSTOMERS])};
    }
    estimate->hosts = range_of(series->all[TOTAL_HOSTS]);
    estimate->customers = range_of(series->all[TOTAL_CUSTOMERS]);
    estimate->unseen_hosts = range_of(series->all[TOTAL_UNSEEN_HOSTS]);
    estimate->unseen_customers = range_of(series->all[TOTAL_UNSEEN_CUSTOMERS]);
    for (int degree = 0; degree < IMPACT_DEGREES; degree++) {
        estimate->degrees[degree] = range_of(series->degrees[degree]);
    }
    for (size_t i = 0; i < estimate->tier_count; i++) {
        estimate->tiers[i].customers = range_of(series->tiers[i]);
    }
}

static bool draw_all(const struct fitting *fitting, double distinct,
                     const struct impact_drawing *drawing, const size_t *tier_of,
                     const struct series *series, struct impact_estimate *estimate,
                     struct failure *failure)
{
    struct scratch scratch = {.bonds = calloc(fitting->family_count + 1, sizeof *scratch.bonds),
                              .cells = calloc(fitting->cell_count + 1, sizeof *scratch.cells)};
    bool room = scratch.bonds != NULL && scratch.cells != NULL;
    struct random_stream random = random_stream_new(drawing->seed, DRAW_STREAM);
    double of_day = fmin(1, (double)drawing->heard_for / (double)IMPACT_HEARD_ENOUGH);
    double on_least = of_day * of_day;
    for (size_t at = 0; room && at < IMPACT_DRAWS; at++) {
        double on = on_least + (1 - on_least) * random_uniform(&random);
        draw_once(fitting, tier_of, distinct, on, &random, at, &scratch, series);
    }
    if (room) {
        fill_ranges(series, fitting->cell_count, estimate);
        for (size_t i = 0; i < fitting->population->stratum_count; i++) {
            estimate->cells[fitting->population->strata[i].cell].mistaken +=
                fitting->strata[i].mistaken.customers[DEGREE_ANY];
        }
    }
    free(scratch.bonds);
    free(scratch.cells);
    return room || failure_memory(failure, "estimating the impact");
}

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

static bool fit_all(struct fitting *fitting, struct impact_kin *kin, struct impact_alike *alike,
                    struct failure *failure)
{
    size_t count = 0;
    for (size_t i = 0; i < fitting->population->kin_count; i++) {
        kin[count] = fitting->population->kin[i];
        count += kin[count].customers > 0 ? 1 : 0;
    }
    qsort(kin, count, sizeof *kin, compare_kin);
    for (size_t i = 0; i < fitting->population->stratum_count; i++) {
        size_t stratum = fitting->order[i];
        fitting->strata[stratum].family =
            find_family(fitting, &fitting->population->strata[stratum]);
    }
    sum_cells(fitting, kin, count);
    sum_strata(fitting, kin, count, alike);
    learn_bonds(fitting);
    return reckon_moments(fitting, failure);
}

bool impact_estimate_draw(const struct impact_population *population,
                          const struct impact_known *cells, size_t cell_count, double distinct,
                          const struct impact_drawing *drawing, struct arena *arena,
                          struct impact_estimate *estimate, struct failure *failure)
{
    size_t strata = population->stratum_count + 1;
    struct impact_kin *kin = calloc(population->kin_count + 1, sizeof *kin);
    struct impact_alike *alike = calloc(population->kin_count + 1, sizeof *alike);
    size_t *tier_of = calloc(strata, sizeof *tier_of);
    struct fitting fitting = {.population = population,
                              .known = cells,
                              .cell_count = cell_count,
                              .cells = calloc(cell_count + 1, sizeof *fitting.cells),
                              .strata = calloc(strata, sizeof *fitting.strata),
                              .families = calloc(strata, sizeof *fitting.families),
                              .order = calloc(strata, sizeof *fitting.order)};
    struct series series = {.cells = calloc(cell_count + 1, sizeof *series.cells),
                            .all = calloc(TOTAL_SERIES, sizeof *series.all),
                            .degrees = calloc(IMPACT_DEGREES, sizeof *series.degrees)};
    *estimate = (struct impact_estimate){
        .cells = arena_allocate(arena, (cell_count + 1) * sizeof *estimate->cells),
        .tiers = arena_allocate(arena, strata * sizeof *estimate->tiers)};
    double *kept = arena_allocate(arena, 3 * IMPACT_DRAWS * sizeof *kept);
    bool done = kin != NULL && alike != NULL && tier_of != NULL && fitting.cells != NULL &&
                fitting.strata != NULL && fitting.families != NULL && fitting.order != NULL &&
                series.cells != NULL && series.all != NULL && series.degrees != NULL &&
                estimate->cells != NULL && estimate->tiers != NULL && kept != NULL;
    if (done) {
        for (size_t i = 0; i < population->stratum_count; i++) {
            fitting.order[i] = i;
        }
        qsort_r(fitting.order, population->stratum_count, sizeof *fitting.order, compare_strata,
                population->strata);
        memset(kept, 0, 3 * IMPACT_DRAWS * sizeof *kept);
        series.consumers = kept;
        series.corporates = kept + IMPACT_DRAWS;
        series.corporate_hosts = kept + 2 * IMPACT_DRAWS;
        estimate->consumers = series.consumers;
        estimate->corporates = series.corporates;
        estimate->corporate_hosts = series.corporate_hosts;
        estimate->tier_count = number_tiers(population, fitting.order, estimate->tiers, tier_of);
        series.tiers = calloc(estimate->tier_count + 1, sizeof *series.tiers);
    }
    done = done && series.tiers != NULL;
    if (!done) {
        (void)failure_memory(failure, "estimating the impact");
    }
    done = done && fit_all(&fitting, kin, alike, failure) &&
           draw_all(&fitting, distinct, drawing, tier_of, &series, estimate, failure);
    for (size_t i = 0; fitting.strata != NULL && i < population->stratum_count; i++) {
        free(fitting.strata[i].moments);
    }
    free(series.cells);
    free(series.all);
    free(series.degrees);
    free(series.tiers);
    free(fitting.cells);
    free(fitting.strata);
    free(fitting.families);
    free(fitting.order);
    free(tier_of);
    free(alike);
    free(kin);
    return done;
}
