/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/impact/growth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyzer/cost.h"
#include "analyzer/cost_strata.h"
#include "analyzer/impact_estimate.h"
#include "analyzer/outreach.h"
#include "common/random_stream.h"

#define CELLS 50
#define TIERS 4
#define HOSTS_A_CUSTOMER 10
#define LISTED 10000

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(bool good, const struct failure *failure)
{
    if (!good) {
        (void)fprintf(stderr, "bench: %s\n", failure->message);
        exit(EXIT_FAILURE);
    }
}

static double cost_of(const struct impact_estimate *estimate,
                      const struct outreach_candidate *candidates, size_t count,
                      struct arena *arena)
{
    static struct cost_parameters parameters;
    struct cost_population nobody = {0};
    struct impact_answer impact = {.candidates = candidates,
                                   .candidate_count = count,
                                   .consumers = estimate->consumers,
                                   .corporates = estimate->corporates,
                                   .corporate_hosts = estimate->corporate_hosts};
    struct failure failure;
    struct cost_basis basis;
    struct cost_estimate cost;
    cost_parameters_default(&parameters);
    must(cost_strata_make(&impact, NULL, &nobody, arena, &basis, &failure) &&
             cost_estimate(&parameters, &basis, 1, arena, &cost, &failure),
         &failure);
    return cost.p50;
}

static void measure(struct bench_table *table, size_t customers)
{
    static const char *const tiers[TIERS] = {"basic", "plus", "premium", "strategic"};
    static const char *const regions[] = {"JP", "AMER", "EMEA", "APAC", "LATAM"};
    struct random_stream random = random_stream_new(1, 2);
    struct impact_population population = {0};
    struct outreach_candidate *candidates = calloc(customers, sizeof *candidates);
    char(*ids)[16] = calloc(customers, sizeof *ids);
    struct impact_known known[CELLS] = {{0}};
    struct impact_seats *all = calloc(customers, sizeof *all);
    struct failure failure;
    if (candidates == NULL || ids == NULL || all == NULL) {
        (void)fprintf(stderr, "bench: out of memory\n");
        exit(EXIT_FAILURE);
    }
    size_t affected = 0;
    for (size_t i = 0; i < customers; i++) {
        bool corporate = random_below(&random, 5) == 0;
        /* Ten hosts a customer on average. */
        double size = corporate ? fmin(5000, 20 * exp(1.2 * random_normal(&random))) : 1;
        uint32_t seats = (uint32_t)fmax(1, size);
        uint32_t reporting = 0;
        uint32_t shown = 0;
        double share = random_beta(&random, 0.4, 0.6);
        for (uint32_t s = 0; s < seats; s++) {
            bool reports = random_below(&random, 10) < 8;
            reporting += reports;
            shown += reports && random_uniform(&random) < share;
        }
        all[i] = (struct impact_seats){.cell = (uint32_t)random_below(&random, CELLS),
                                       .kind = corporate ? CUSTOMER_CORPORATE : CUSTOMER_CONSUMER,
                                       .tier = tiers[random_below(&random, TIERS)],
                                       .shown = shown,
                                       .reporting = reporting,
                                       .unseen = seats - reporting};
        (void)snprintf(ids[i], sizeof ids[i], "C%07zu", i);
        if (shown > 0) {
            candidates[affected++] = (struct outreach_candidate){.customer_id = ids[i],
                                                                 .region = regions[all[i].cell % 5],
                                                                 .hosts_confirmed = shown,
                                                                 .hosts_still_affected = shown,
                                                                 .hosts_reporting = reporting,
                                                                 .last_recovered_at = INSTANT_NONE};
        }
    }
    for (size_t i = 0; i < CELLS; i++) {
        known[i] = (struct impact_known){.product_line = i % 2 == 0 ? "OfficeScan" : "VirusBuster",
                                         .expected_hosts = 20,
                                         .control_onsets = 100};
    }
    struct arena arena = {0};
    static struct exchange_rates rates;
    exchange_rates_default(&rates);
    struct impact_estimate estimate;
    struct outreach_entry *entries;
    struct impact_drawing drawing = {.seed = 1, .heard_for = INSTANT_DAY};
    const double distinct[CUSTOMER_KINDS] = {1, 1};
    double begin = seconds();
    for (size_t i = 0; i < customers; i++) {
        must(impact_population_add(&population, &all[i], 1, &failure), &failure);
    }
    must(impact_estimate_draw(&population, known, CELLS, distinct, &drawing, &arena, &estimate,
                              &failure),
         &failure);
    double drawn = seconds();
    (void)cost_of(&estimate, candidates, affected, &arena);
    double priced = seconds();
    must(outreach_order(candidates, affected, LISTED, &(struct outreach_moment){.rates = &rates},
                        &arena, &entries, &failure),
         &failure);
    double ordered = seconds();
    char name[128];
    (void)snprintf(name, sizeof name, "%zu customers: impact %.2f s, cost %.2f s, outreach %.2f s",
                   customers, drawn - begin, priced - drawn, ordered - priced);
    if (customers == 1000000) {
        bench_table_goal(table, name, ordered - begin, "s", BENCH_AT_MOST, 2);
    } else {
        bench_table_add(table, name, ordered - begin, "s");
    }
    impact_population_free(&population);
    arena_free(&arena);
    free(candidates);
    free(ids);
    free(all);
}

void growth_measure(struct bench_table *table)
{
    bench_table_section(table, "Impact, cost and outreach of one update, 50 strata");
    measure(table, 10000);
    measure(table, 100000);
    measure(table, 1000000);
}
