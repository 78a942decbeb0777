/* Is the order of the outreach worth having, and is it there in time? Simulated incidents with
 * fixed seeds, our order beside by seats, by tier and first come first served; then the time to
 * order a million customers. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "analyzer/outreach.h"
#include "tests/bench/bench_table.h"
#include "tests/bench/outreach/incident.h"

#define INCIDENTS 60
#define CUSTOMERS 1500
#define AGENTS 12 /* some two days' work for them: with enough agents any order will do */
#define MANY 1000000
#define REPEATS 5

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void bench_loss(struct bench_table *table)
{
    static const char *const names[POLICIES] = {NULL, "by seats", "by tier",
                                                "first come first served"};
    double loss[POLICIES] = {0};
    int better[POLICIES] = {0};
    for (size_t i = 0; i < INCIDENTS; i++) {
        struct incident *incident = incident_new(i + 1, CUSTOMERS);
        double ours = 0;
        for (int policy = 0; policy < POLICIES; policy++) {
            double one = incident_loss(incident, (enum policy)policy, AGENTS);
            ours = policy == POLICY_OURS ? one : ours;
            loss[policy] += one;
            better[policy] += ours < one ? 1 : 0;
        }
        incident_free(incident);
        bench_table_progress(table, "incidents", i + 1, INCIDENTS);
    }
    bench_table_section(table, "Loss of 60 incidents, 1,500 customers and 12 agents each");
    bench_table_add(table, "our order, an incident", loss[POLICY_OURS] / INCIDENTS / 1e6,
                    "million USD");
    for (int policy = 1; policy < POLICIES; policy++) {
        char name[96];
        (void)snprintf(name, sizeof name, "%s, an incident", names[policy]);
        bench_table_add(table, name, loss[policy] / INCIDENTS / 1e6, "million USD");
        (void)snprintf(name, sizeof name, "our loss, of that %s", names[policy]);
        bench_table_goal(table, name, loss[POLICY_OURS] / loss[policy], "1", BENCH_AT_MOST, 1);
        (void)snprintf(name, sizeof name, "incidents in which ours lost less than %s",
                       names[policy]);
        bench_table_add(table, name, (double)better[policy] / INCIDENTS, "1");
    }
    bench_table_note(table, "Every order knows who can be reached and calls a partner once for all "
                            "its customers.");
}

static void bench_order(struct bench_table *table)
{
    static struct exchange_rates rates;
    struct incident *incident = incident_new(7, MANY);
    const struct outreach_moment moment = {.now = incident_began_at(incident), .rates = &rates};
    double times[REPEATS];
    exchange_rates_default(&rates);
    for (size_t i = 0; i < REPEATS; i++) {
        struct arena arena = {0};
        struct outreach_entry *entries;
        struct failure failure;
        double began = seconds();
        if (!outreach_order(incident_candidates(incident), MANY, ANSWER_OUTREACH_DEPTH, &moment,
                            &arena, &entries, &failure)) {
            fail_msg("%s", failure.message);
        }
        times[i] = seconds() - began;
        arena_free(&arena);
    }
    incident_free(incident);
    bench_table_section(table, "A million customers");
    /* Of the two seconds for impact, cost and outreach together. */
    bench_table_goal(table, "ordered, the first 10,000 with reasons", bench_median(times, REPEATS),
                     "s", BENCH_AT_MOST, 1);
}

static int status;

static void bench(void **state)
{
    (void)state;
    struct bench_table *table = bench_table_new("outreach");
    bench_loss(table);
    bench_order(table);
    status = bench_table_finish(table);
}

int main(void)
{
    /* The private cluster ends a test that it cannot serve, so this is one. */
    const struct CMUnitTest tests[] = {cmocka_unit_test(bench)};
    return cmocka_run_group_tests(tests, NULL, NULL) != 0 ? 1 : status;
}
