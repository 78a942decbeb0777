/* A bad update is withdrawn, and everybody takes its successor within the half hour: mended it is
 * never suspected, and what is itself bad is found. Oracle: what was made to happen.
 *
 * Hosts report every five minutes, half of them out of turn when they install something; who was
 * struck by the first is cured by the second, and well again soon after.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/analysis.h"
#include "common/random_stream.h"

#define START (INT64_C(1114200000) * INSTANT_SECOND) /* 2005-04-22T20:00:00Z */
enum { MINUTES = 270, INTERVAL = 5, HOSTS = 4000, SEEDS = 6, NEVER = 1000 };
/* Onsets of both kinds an hour and host, whatever is installed. */
#define SCANS_PER_HOUR 0.2
#define STOPS_PER_HOUR 0.05

struct life {
    bool busy[MINUTES], off[MINUTES];
    int first, second; /* installed at; NEVER */
    bool tells_at_once;
    int phase;
};

static void set(bool *minutes, int from, int until)
{
    for (int m = from; m < until && m < MINUTES; m++) {
        minutes[m] = true;
    }
}

static void set_often(struct random_stream *random, bool *minutes, double per_hour, int lasts)
{
    double at = 0;
    while ((at += random_exponential(random, 60 / per_hour)) < MINUTES) {
        set(minutes, (int)at, (int)at + lasts);
    }
}

/* A third of the hosts take the first update, and seven in ten of them are struck. Where the second
 * is bad it strikes half of all hosts at some time within the hour: three times their usual rate.
 */
static struct life make_life(struct random_stream *random, bool second_is_bad)
{
    struct life life = {.first = NEVER,
                        .second = 190 + (int)random_below(random, 25),
                        .tells_at_once = random_below(random, 2) == 0,
                        .phase = (int)random_below(random, INTERVAL)};
    set_often(random, life.busy, SCANS_PER_HOUR, 15);
    set_often(random, life.off, STOPS_PER_HOUR, 30);
    if (random_below(random, 3) == 0) {
        life.first = 60 + (int)random_below(random, 40);
        if (random_below(random, 10) < 7) {
            set(life.busy, life.first + 1 + (int)random_below(random, 5), life.second + 1);
        }
    }
    if (second_is_bad && random_below(random, 2) == 0) {
        set(life.busy, life.second + 1 + (int)random_below(random, 50), MINUTES);
    }
    return life;
}

static void report_life(struct analysis *analysis, uint32_t host, const struct life *life,
                        struct random_stream *random)
{
    struct failure failure;
    char customer[16];
    snprintf(customer, sizeof customer, "C%05u", host);
    struct report_attribute attributes[] = {{"os", "Windows XP"}, {"product_line", "OfficeScan"}};
    struct report_update updates[2] = {{.id = "pattern/1", .outcome = UPDATE_INSTALLED},
                                       {.id = "pattern/2", .outcome = UPDATE_INSTALLED}};
    bool told[2] = {false};
    for (int m = 0; m < MINUTES; m++) {
        bool out_of_turn = life->tells_at_once && (m == life->first || m == life->second);
        if (life->off[m] || (m % INTERVAL != life->phase && !out_of_turn)) {
            continue;
        }
        struct report report = {.host_id = uuid_from_name("test", &host, sizeof host),
                                .customer_id = customer,
                                .has_host = true,
                                .attributes = attributes,
                                .attribute_count = 2,
                                .segment_id = report_segment_id(attributes, 2),
                                .has_cpu = true,
                                .busy = life->busy[m] ? 0.99 : 0.05 + 0.1 * random_uniform(random),
                                .interval_s = 60 * INTERVAL,
                                .peak = NAN,
                                .product_busy = NAN,
                                .observed_at = START + m * INSTANT_MINUTE + 20 * INSTANT_SECOND};
        report.received_at = report.observed_at + INSTANT_SECOND;
        for (int u = 0; u < 2; u++) {
            if (!told[u] && m >= (u == 0 ? life->first : life->second)) {
                told[u] = true;
                updates[u].at = report.observed_at - 30 * INSTANT_SECOND;
                report.updates = &updates[u];
                report.update_count = 1; /* never both at once */
            }
        }
        assert_true(analysis_add(analysis, &report, &failure));
    }
}

/* Whether each was ever held, and the second ever suspected. */
struct course {
    bool first_held, second_held, second_suspected;
};

static struct course run(uint64_t seed, bool second_is_bad)
{
    const struct analysis_options options = {.seed = 1, .threads = 1};
    struct cost_parameters parameters;
    struct analysis *analysis;
    struct failure failure;
    const struct verdict_change *change;
    struct course course = {0};
    cost_parameters_default(&parameters);
    assert_true(analysis_new(&options, NULL, &parameters, &analysis, &failure));
    for (uint32_t host = 0; host < HOSTS; host++) {
        struct random_stream random = random_stream_new(seed, host);
        struct life life = make_life(&random, second_is_bad);
        report_life(analysis, host, &life, &random);
    }
    assert_true(analysis_advance(analysis, START + MINUTES * INSTANT_MINUTE, &failure));
    for (analysis_next_change(analysis, &change); change != NULL;
         analysis_next_change(analysis, &change)) {
        bool first = strcmp(change->update_id, "pattern/1") == 0;
        course.first_held |= first && change->verdict == VERDICT_HOLD;
        course.second_held |= !first && change->verdict == VERDICT_HOLD;
        course.second_suspected |= !first && change->verdict == VERDICT_SUSPECT;
    }
    analysis_free(analysis);
    return course;
}

static void a_mended_successor_is_not_suspected(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct course course = run(seed, false);
        assert_true(course.first_held);
        assert_false(course.second_held);
        assert_false(course.second_suspected);
    }
}

static void a_bad_successor_is_held(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct course course = run(seed, true);
        assert_true(course.first_held);
        assert_true(course.second_held);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mended_successor_is_not_suspected),
        cmocka_unit_test(a_bad_successor_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
