/* The states of a host, told as stories of reports; the oracle is the drawing in fleet.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/fleet.h"
#include "common/random_stream.h"

#define START (INT64_C(1114200000) * INSTANT_SECOND) /* 2005-04-22T20:00:00Z, a whole minute */

/* One host that reports every `interval_s`; each entry of `busy` is a report in percent, -1 a
 * report that never comes. Returns the host's state after each. */
struct story {
    const char *name;
    int interval_s;
    int busy[40];
    size_t count;
    const char *states; /* one letter a report: n(ew) h(ealthy) p(inned) e(levated) s(ilent) */
};

static const char letters[] = {'n', 'h', 'p', 'e', 's'};

static void hear(struct fleet *fleet, uint32_t host, instant_us at, int interval_s, int busy)
{
    struct failure failure;
    struct fleet_reading reading = {
        .observed_at = at, .received_at = at, .interval_s = interval_s, .busy = busy / 100.0};
    assert_true(fleet_hear(fleet, host, &reading, &failure));
}

static void end_minutes(struct fleet *fleet, instant_us from, instant_us to)
{
    struct failure failure;
    for (instant_us at = from; at < to; at += INSTANT_MINUTE) {
        assert_true(fleet_end_minute(fleet, fleet_second_of(at) / 60, &failure));
    }
}

static void check_story(const struct story *story)
{
    struct fleet fleet = {0};
    struct failure failure;
    struct uuid id = {{1}};
    uint32_t host;
    char told[64] = "";
    assert_true(fleet_add(&fleet, &id, 0, &host, &failure));
    instant_us closed = START;
    for (size_t i = 0; i < story->count; i++) {
        instant_us at = START + (instant_us)i * story->interval_s * INSTANT_SECOND;
        instant_us minute = at / INSTANT_MINUTE * INSTANT_MINUTE;
        end_minutes(&fleet, closed, minute);
        closed = closed > minute ? closed : minute;
        if (story->busy[i] >= 0) {
            hear(&fleet, host, at, story->interval_s, story->busy[i]);
        }
        told[i] = letters[fleet.hosts[host].state];
    }
    if (strcmp(told, story->states) != 0) {
        fail_msg("%s: \"%s\" is not \"%s\"", story->name, told, story->states);
    }
    uint64_t in_states = 0;
    for (size_t i = 0; i <= HOST_SILENT; i++) {
        in_states += fleet.in_state[i];
    }
    assert_int_equal(in_states, 1);
    fleet_free(&fleet);
}

static void stories_end_as_told(void **state)
{
    (void)state;
    static const struct story stories[] = {
        {"two healthy reports make a host healthy", 300, {10, 12, 11}, 3, "nhh"},
        {"pinned on the second report at the top", 300, {10, 10, 10, 99, 99, 98}, 6, "nhhhpp"},
        {"94 % is not the top", 300, {10, 10, 94, 94}, 4, "nhhh"},
        {"one report at the top is a scan", 300, {10, 10, 99, 10, 99, 10}, 6, "nhhhhh"},
        {"two minutes of one-second reports, not two reports",
         60,
         {10, 10, 99, 99, 99},
         5,
         "nhhpp"},
        {"recovery takes two calm reports", 300, {10, 10, 99, 99, 10, 99, 10, 10}, 8, "nhhpppph"},
        {"far over its own baseline, twice running, is elevated",
         300,
         {10, 11, 9, 10, 10, 11, 10, 9, 80, 80, 80, 80, 10, 10},
         14,
         "nhhhhhhhheeeeh"},
        /* Means over the baseline of 10: 8, 12.8, 15.7, 17.4, 18.4, 19.1, 19.4 points; six of 12 or
         * more. */
        {"a little over it for half an hour is elevated too",
         300,
         {10, 11, 9, 10, 10, 11, 10, 9, 30, 30, 30, 30, 30, 30, 30, 30},
         16,
         "nhhhhhhhhhhhhhee"},
        /* 18 points, each report calm by itself; they keep the mean up until they end. */
        {"elevated lasts while the mean is raised, though every report is calm",
         300,
         {10, 11, 9, 10, 10, 11, 10, 9, 30, 30, 30, 30, 30, 30, 30, 28, 28, 28, 28, 28, 10, 10},
         22,
         "nhhhhhhhhhhhhheeeeeehh"},
        /* 16 points do not end it; the first 10 begins the mean anew, so that two do. */
        {"elevated ends with two calm reports that do not raise the mean",
         300,
         {10, 11, 9, 10, 10, 11, 10, 9, 80, 80, 80, 26, 26, 26, 26, 80, 10, 10},
         18,
         "nhhhhhhhheeeeeeeeh"},
        {"the same level is ordinary for a busy host",
         300,
         {60, 61, 59, 60, 60, 61, 60, 59, 70, 70, 70},
         11,
         "nhhhhhhhhhh"},
        {"without a baseline nothing is elevated", 300, {10, 10, 60, 60, 60}, 5, "nhhhh"},
        {"silent after three intervals; back with two reports",
         300,
         {10, 10, -1, -1, -1, -1, 10, 10},
         8,
         "nhhhhsnh"},
        {"two missing reports are not silence", 300, {10, 10, -1, -1, 10}, 5, "nhhhh"},
        {"a pinned host can fall silent, and come back pinned",
         300,
         {10, 10, 99, 99, -1, -1, -1, -1, 99, 99},
         10,
         "nhhppppsnp"},
        {"a host pinned from its first report on is pinned", 300, {99, 99, 99}, 3, "npp"},
    };
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        check_story(&stories[i]);
    }
}

/* With an interval of 10 s silence waits for 5 minutes, not for 30 seconds. */
static void silence_needs_five_minutes(void **state)
{
    (void)state;
    struct fleet fleet = {0};
    struct failure failure;
    struct uuid id = {{1}};
    uint32_t host;
    assert_true(fleet_add(&fleet, &id, 0, &host, &failure));
    hear(&fleet, host, START, 10, 10);
    hear(&fleet, host, START + 10 * INSTANT_SECOND, 10, 10);
    end_minutes(&fleet, START, START + 5 * INSTANT_MINUTE);
    assert_int_equal(fleet.hosts[host].state, HOST_HEALTHY);
    end_minutes(&fleet, START + 5 * INSTANT_MINUTE, START + 6 * INSTANT_MINUTE);
    assert_int_equal(fleet.hosts[host].state, HOST_SILENT);
    assert_int_equal(fleet.hosts[host].since, fleet_second_of(START) + 10);
    assert_int_equal(fleet.event_count, 2); /* healthy, silent */
    fleet_free(&fleet);
}

static void duplicates_and_old_reports_change_nothing(void **state)
{
    (void)state;
    struct fleet fleet = {0};
    struct failure failure;
    struct uuid id = {{1}};
    uint32_t host;
    assert_true(fleet_add(&fleet, &id, 0, &host, &failure));
    hear(&fleet, host, START, 300, 10);
    hear(&fleet, host, START + 300 * INSTANT_SECOND, 300, 99);
    for (int i = 0; i < 5; i++) {
        hear(&fleet, host, START + 300 * INSTANT_SECOND, 300, 99);
    }
    hear(&fleet, host, START + 100 * INSTANT_SECOND, 300, 99);
    assert_int_equal(fleet.hosts[host].state, HOST_NEW);
    assert_int_equal(fleet.reports, 2);
    assert_int_equal(fleet.duplicate_reports, 5);
    assert_int_equal(fleet.out_of_order_reports, 1);
    fleet_free(&fleet);
}

/* A clock six hours behind: times by the host are moved by its smallest delay, never past receipt.
 */
static void a_wrong_clock_is_corrected(void **state)
{
    (void)state;
    struct fleet_host host = {.delay_s = 6 * 3600 + 2};
    instant_us received = START + INSTANT_HOUR;
    instant_us by_host = START - 6 * INSTANT_HOUR;
    assert_int_equal(fleet_correct(&host, by_host, received), fleet_second_of(START) + 2);
    assert_int_equal(fleet_correct(&host, START, received), fleet_second_of(received));
}

/* Many hosts come and go; the counts by state always add up to the hosts, and silent ones are those
 * a plain look at the last report says. */
static void silence_agrees_with_a_plain_look(void **state)
{
    (void)state;
    enum { HOSTS = 200, MINUTES = 400 };
    struct fleet fleet = {0};
    struct failure failure;
    static instant_us last[HOSTS];
    unsigned seed = 5;
    for (uint32_t i = 0; i < HOSTS; i++) {
        struct uuid id = {{(uint8_t)i, (uint8_t)(i >> 8)}};
        uint32_t host;
        assert_true(fleet_add(&fleet, &id, i, &host, &failure));
        last[i] = INSTANT_NONE;
    }
    for (int minute = 0; minute < MINUTES; minute++) {
        instant_us start = START + minute * INSTANT_MINUTE;
        for (uint32_t i = 0; i < HOSTS; i++) {
            bool on = ((minute / 30 + (int)i) % 3) != 0;
            if (on && rand_r(&seed) % 4 == 0) {
                last[i] = start + (instant_us)(i % 60) * INSTANT_SECOND;
                hear(&fleet, i, last[i], 240, 10);
            }
        }
        end_minutes(&fleet, start, start + 1);
        for (uint32_t i = 0; i < HOSTS; i++) {
            if (last[i] != INSTANT_NONE) {
                bool overdue = last[i] + 720 * INSTANT_SECOND < start + INSTANT_MINUTE;
                assert_int_equal(fleet.hosts[i].state == HOST_SILENT, overdue);
            }
        }
    }
    fleet_free(&fleet);
}

static struct fleet_reading random_reading(struct random_stream *random, instant_us now)
{
    instant_us received_at = now + (instant_us)random_below(random, 60 * INSTANT_SECOND);
    double busy = 0.5 * random_uniform(random);
    return (struct fleet_reading){
        .received_at = received_at,
        .observed_at = received_at - (instant_us)random_below(random, 90 * INSTANT_SECOND),
        .interval_s = random_below(random, 20) == 0 ? 120.5 : 60,
        .busy = random_below(random, 30) == 0  ? NAN
                : random_below(random, 6) == 0 ? 1
                                               : busy};
}

/* Oracle: the longer way, which takes any report. */
static void a_calm_report_is_heard_the_same(void **state)
{
    (void)state;
    struct failure failure;
    struct fleet plain = {0};
    struct fleet quick = {0};
    struct random_stream random = random_stream_new(11, 0);
    size_t calm = 0;
    for (uint32_t i = 0; i < 200; i++) {
        struct uuid id = {{(uint8_t)i, 1}};
        uint32_t host;
        assert_true(fleet_add(&plain, &id, i, &host, &failure));
        assert_true(fleet_add(&quick, &id, i, &host, &failure));
    }
    for (int minute = 0; minute < 120; minute++) {
        instant_us now = START + minute * INSTANT_MINUTE;
        for (uint32_t host = 0; host < plain.count; host++) {
            struct fleet_reading reading = random_reading(&random, now);
            if (random_below(&random, 8) == 0) {
                continue;
            }
            assert_true(fleet_hear(&plain, host, &reading, &failure));
            bool heard = fleet_hear_calm(&quick, host, &reading);
            calm += heard;
            assert_true(heard || fleet_hear(&quick, host, &reading, &failure));
        }
        end_minutes(&plain, now, now + INSTANT_MINUTE);
        end_minutes(&quick, now, now + INSTANT_MINUTE);
        assert_memory_equal(quick.hosts, plain.hosts, plain.count * sizeof *plain.hosts);
        assert_int_equal(quick.event_count, plain.event_count);
        assert_int_equal(quick.reports, plain.reports);
        assert_int_equal(quick.duplicate_reports, plain.duplicate_reports);
    }
    assert_true(plain.event_count > 400); /* there was something to tell apart */
    assert_true(calm > plain.reports / 3);
    fleet_free(&plain);
    fleet_free(&quick);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories_end_as_told),
        cmocka_unit_test(silence_needs_five_minutes),
        cmocka_unit_test(duplicates_and_old_reports_change_nothing),
        cmocka_unit_test(a_wrong_clock_is_corrected),
        cmocka_unit_test(silence_agrees_with_a_plain_look),
        cmocka_unit_test(a_calm_report_is_heard_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
