/* A fleet of which several threads share each minute, and in which everything happens at once that
 * one host could do to another: the answers are the same for any number of threads, in any order
 * of arrival and after being stored. Oracle: one thread, reports in the order of hosts.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/carry.h"
#include "common/random_stream.h"
#include "tests/unit/fleet_runs.h"

/* In a round nearly all hosts report, within one minute: enough for seven threads. */
enum { HOSTS = 30000, ROUNDS = 28, ROUND_MIN = 5, CUSTOMERS = 300, UPDATES = 50, BUILDS = 1500 };

/* More updates are told of than can be followed at once; these come first, and one does harm. */
enum { FIRST_UPDATES = 20, EARLY_UPDATES = 34, EARLY_ROUNDS = 10, PASSING_UPDATES = 10 };
enum { HARMFUL = 5 };

/* From these rounds on hosts say what names hosts: builds, of which each is that of several hosts,
 * and serial numbers, of which each is that of one. */
enum { BUILDS_FROM = 6, SERIALS_FROM = 12 };

static char customer_ids[CUSTOMERS][8];
static char update_ids[UPDATES][8];
static char numbers[HOSTS][8];

static void name_things(void)
{
    for (size_t i = 0; i < HOSTS; i++) {
        (void)snprintf(numbers[i], sizeof numbers[i], "%zu", i);
    }
    for (size_t i = 0; i < CUSTOMERS; i++) {
        (void)snprintf(customer_ids[i], sizeof customer_ids[i], "c-%zu", i);
    }
    for (size_t i = 0; i < UPDATES; i++) {
        (void)snprintf(update_ids[i], sizeof update_ids[i], "u-%zu", i);
    }
}

/* ---- Hosts ---- */

struct life {
    uint32_t host;
    uint32_t customer;
    int born, off_until, pinned_until; /* rounds */
    int installed[2];                  /* two updates it may take back or tell of again */
    struct random_stream random;
};

static int below(struct life *life, int limit)
{
    return (int)random_below(&life->random, (uint64_t)limit);
}

static bool one_in(struct life *life, int many)
{
    return below(life, many) == 0;
}

static void be_born(struct life *life, uint32_t host)
{
    *life = (struct life){.host = host, .random = random_stream_new(11, host)};
    life->customer = (uint32_t)below(life, CUSTOMERS);
    life->born = host > 0 && one_in(life, 3) ? below(life, ROUNDS / 2) : 0;
}

static int any_update(struct life *life, int round)
{
    if (round < EARLY_ROUNDS) {
        return below(life, round < 2 ? FIRST_UPDATES : EARLY_UPDATES);
    }
    return PASSING_UPDATES + below(life, UPDATES - PASSING_UPDATES);
}

static void tell_updates(struct life *life, int round, struct random_report *told)
{
    bool first = life->host == 0 && round == life->born;
    told->report.update_count = first || one_in(life, 3) ? 1 + (size_t)below(life, 3) : 0;
    for (size_t i = 0; i < told->report.update_count; i++) {
        int *before = &life->installed[below(life, 2)];
        int update = first             ? HARMFUL /* number 0, for one of the runs */
                     : one_in(life, 3) ? *before
                                       : any_update(life, round);
        enum update_outcome outcome = one_in(life, 8)   ? UPDATE_FAILED
                                      : one_in(life, 4) ? UPDATE_ROLLED_BACK
                                                        : UPDATE_INSTALLED;
        instant_us ago_s = below(life, one_in(life, 6) ? 100 * 60 : 200);
        told->updates[i] =
            (struct report_update){.id = update_ids[update],
                                   .outcome = outcome,
                                   .at = told->report.observed_at - ago_s * INSTANT_SECOND};
        *before = update;
        bool harms = update == HARMFUL && outcome == UPDATE_INSTALLED && life->host % 3 == 0;
        if (round > 3 && harms && !one_in(life, 4)) {
            life->pinned_until = round + 3 + below(life, 8);
        }
    }
}

static void tell_kind(struct life *life, int round, struct random_report *told)
{
    static const char *const systems[] = {"Windows XP", "Windows 2000", "Linux"};
    size_t count = 0;
    if (round >= BUILDS_FROM && one_in(life, 8)) {
        told->attributes[count++] =
            (struct report_attribute){"build", numbers[life->host % BUILDS]};
    }
    told->attributes[count++] = (struct report_attribute){"os", systems[life->host % 3]};
    told->attributes[count++] = (struct report_attribute){"product_line", "OfficeScan"};
    told->attributes[count++] =
        (struct report_attribute){"ring", one_in(life, 30) ? "early" : "broad"};
    if (round >= SERIALS_FROM && one_in(life, 20)) {
        told->attributes[count++] = (struct report_attribute){"serial", numbers[life->host]};
    }
    told->report.attribute_count = count;
    told->report.segment_id = report_segment_id(told->attributes, count);
    told->report.has_host = round == life->born || one_in(life, 4);
}

/* One of the host's reports of the round, of which the later may be of the same instant, and
 * received at the same one too. */
static void tell(struct life *life, int round, int which, struct random_fleet *fleet)
{
    instant_us received = START + (instant_us)round * ROUND_MIN * INSTANT_MINUTE +
                          (instant_us)(life->host * 7919U % 40000U) * (INSTANT_SECOND / 1000) +
                          (life->host % 4 == 0 ? 0 : which) * INSTANT_SECOND;
    bool same_instant = which > 0 && life->host % 2 == 0;
    instant_us observed = received - (life->host % 4 == 2 ? which : 0) * INSTANT_SECOND -
                          (life->host % 9 == 0 ? 40 : 0) * INSTANT_MINUTE;
    if (one_in(life, 60)) {
        life->customer = (uint32_t)below(life, CUSTOMERS);
    }
    struct random_report told = {
        .arrives_at = received,
        .report = {.host_id = uuid_from_name("side by side", &life->host, sizeof life->host),
                   .customer_id = customer_ids[life->customer],
                   .received_at = received,
                   .observed_at = observed,
                   .has_cpu = !same_instant,
                   .interval_s = one_in(life, 10) ? 1800 : ROUND_MIN * 60,
                   .busy = round < life->pinned_until ? 0.99 : 0.3 * random_uniform(&life->random),
                   .peak = NAN,
                   .product_busy = NAN}};
    tell_updates(life, round, &told);
    tell_kind(life, round, &told);
    random_fleet_add(fleet, &told);
    if (told.report.update_count > 0 && one_in(life, 12)) {
        random_fleet_add(fleet, &told); /* once more */
    }
}

static void live(struct life *life, int round, struct random_fleet *fleet)
{
    if (one_in(life, 150)) {
        life->pinned_until = round + 2 + below(life, 5);
    }
    if (one_in(life, 100)) {
        life->off_until = round + 1 + below(life, 6);
    }
    if (round < life->born || round < life->off_until) {
        return;
    }
    int count = one_in(life, 8) ? 2 + below(life, 2) : 1;
    for (int which = 0; which < count; which++) {
        tell(life, round, which, fleet);
    }
}

/* ---- Runs ---- */

/* The reports of a round in an order that depends on the run. */
static void take_round(struct run *run, const struct random_fleet *fleet, size_t step, int round)
{
    for (size_t i = 0; i < fleet->count; i++) {
        size_t at = step == 1 ? i : (i * step + 1) % fleet->count;
        add(run, &fleet->told[at]);
    }
    advance(run, START + ((instant_us)round * ROUND_MIN + 1) * INSTANT_MINUTE);
}

static void move_on(struct run *run, unsigned threads)
{
    struct failure failure;
    struct buffer plain = {0};
    struct carry into = {.into = &plain};
    analysis_carry(&into, run->analysis);
    assert_true(carry_check(&into, &failure));
    struct run next;
    run_open(&next, threads);
    struct carry from = {.from = plain.data, .left = plain.length};
    analysis_carry(&from, next.analysis);
    assert_true(carry_check(&from, &failure));
    next.changes = run->changes;
    run->changes = (struct buffer){0};
    buffer_free(&plain);
    run_close(run);
    *run = next;
}

enum { ONE, SEVERAL, STORED, RUNS };

static void assert_all_answer_the_same(struct run runs[RUNS])
{
    struct buffer wanted = answers_of(&runs[ONE]);
    for (int r = 1; r < RUNS; r++) {
        struct buffer text = answers_of(&runs[r]);
        assert_string_equal(text.data, wanted.data);
        buffer_free(&text);
    }
    buffer_free(&wanted);
}

static void threads_orders_and_restarts_change_nothing(void **state)
{
    (void)state;
    static struct life lives[HOSTS];
    struct run runs[RUNS];
    name_things();
    for (uint32_t host = 0; host < HOSTS; host++) {
        be_born(&lives[host], host);
    }
    run_open(&runs[ONE], 1);
    run_open(&runs[SEVERAL], 3);
    run_open(&runs[STORED], 2);
    struct random_fleet fleet = {0};
    for (int round = 0; round < ROUNDS; round++) {
        fleet.count = 0;
        for (uint32_t host = 0; host < HOSTS; host++) {
            live(&lives[host], round, &fleet);
        }
        random_fleet_sort(&fleet);
        take_round(&runs[ONE], &fleet, 1, round);
        take_round(&runs[SEVERAL], &fleet, 1000003, round); /* a prime: each report once */
        take_round(&runs[STORED], &fleet, fleet.count - 1, round);
        move_on(&runs[STORED], round % 2 == 0 ? 7 : 2);
        if (round % 4 == 3) {
            assert_all_answer_the_same(runs);
        }
    }
    struct buffer text = answers_of(&runs[ONE]);
    assert_non_null(strstr(text.data, "\"HOLD\""));
    buffer_free(&text);
    for (int r = 0; r < RUNS; r++) {
        run_close(&runs[r]);
    }
    free(fleet.told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_orders_and_restarts_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
