/* Since when? Made-up incidents whose first harm is known: the interval holds it as often as it
 * says. And the clock of exposure against closed forms. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/onset.h"
#include "analyzer/onset_clock.h"
#include "common/random_stream.h"

static void assert_near(double actual, double expected, double tolerance)
{
    if (!(fabs(actual - expected) <= tolerance)) {
        fail_msg("%.9g is not %.9g", actual, expected);
    }
}

#define INTERVAL_S 300.0
#define HIDDEN 0.04 /* of the harmed were in distress already, and are not seen to turn */

/* Seen at the end of the interval after the one it fell in: until then nothing shows, so it is
 * known to an interval; and not before the host installed the update, which some did within it. */
static struct onset_sighting seen(struct random_stream *random, double at)
{
    double from_s = at - INTERVAL_S * random_uniform(random);
    struct onset_sighting sighting = {
        .from_s = fmax(from_s, 0), .until_s = from_s + INTERVAL_S, .share = 1};
    sighting.share = (sighting.until_s - sighting.from_s) / INTERVAL_S;
    return sighting;
}

/* Harmed hosts at a rate from `since_s` on, noise at another. Sets *truth to the first harm. */
static size_t make_sightings(struct random_stream *random, double since_s, double mean_gap_s,
                             struct onset_sighting *sightings, double *truth)
{
    size_t count = 0;
    double noise_at = random_exponential(random, 900) - INTERVAL_S;
    double harm_at = since_s + random_exponential(random, mean_gap_s);
    *truth = harm_at;
    while (noise_at < 9000 || harm_at < since_s + 1800) {
        if (noise_at < harm_at) {
            sightings[count] = seen(random, noise_at);
            count += sightings[count].until_s > 0 ? 1 : 0;
            noise_at += random_exponential(random, 900);
            continue;
        }
        if (random_uniform(random) >= HIDDEN) {
            sightings[count++] = seen(random, harm_at);
        }
        harm_at += random_exponential(random, mean_gap_s);
        harm_at = harm_at < since_s + 1800 ? harm_at : INFINITY;
    }
    return count;
}

/* Of so many made-up incidents, how many have an interval that holds the first harm. */
static int count_inside(int incidents, double since_s, double spread_s, double mean_gap_s)
{
    int inside = 0;
    for (int seed = 0; seed < incidents; seed++) {
        struct random_stream random = random_stream_new((uint64_t)seed, (uint64_t)mean_gap_s);
        struct onset_sighting sightings[1000];
        struct range onset;
        struct failure failure;
        double truth;
        double begins_s = since_s + spread_s * random_uniform(&random);
        size_t count = make_sightings(&random, begins_s, mean_gap_s, sightings, &truth);
        assert_true(onset_of(sightings, count, 1.0 / 900, 0, &onset, &failure));
        assert_true(onset.low <= onset.likely && onset.likely <= onset.high);
        inside += onset.low <= truth && truth <= onset.high;
    }
    return inside;
}

/* The interval holds the first harm nine times in ten: of 300, 270; 249 and 290 are four standard
 * deviations of a binomial off. Dense harm, and sparse harm in more noise than that. */
static void the_onset_is_dated(void **state)
{
    (void)state;
    static const double gaps[] = {5, 20, 90, 300};
    struct failure failure;
    struct range onset;
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        assert_in_range(count_inside(300, 3600, 1800, gaps[g]), 249, 290);
    }
    assert_true(onset_of(NULL, 0, 1, 0, &onset, &failure));
    assert_true(isnan(onset.likely));
}

static void harm_from_the_first_installation_is_dated(void **state)
{
    (void)state;
    static const double gaps[] = {5, 20, 90};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        assert_in_range(count_inside(300, 0, 0, gaps[g]), 249, 290);
    }
}

/* One host well before the others: its distress was harm, or not where there was time for that in a
 * thousandth of its interval only. */
static void distress_older_than_the_update_is_no_harm(void **state)
{
    (void)state;
    struct range onsets[2];
    struct failure failure;
    for (int kind = 0; kind < 2; kind++) {
        struct onset_sighting sightings[31] = {
            {.from_s = 890, .until_s = 900, .share = kind == 0 ? 1 : 0.001}};
        for (int i = 1; i <= 30; i++) {
            double until_s = 1000 + 60.0 * i;
            sightings[i] =
                (struct onset_sighting){.from_s = until_s - 10, .until_s = until_s, .share = 1};
        }
        assert_true(onset_of(sightings, 31, 1.0 / 900, 0, &onsets[kind], &failure));
    }
    assert_true(onsets[0].low <= 900);
    assert_true(onsets[1].low > 900);
}

/* Every 100 seconds one is sighted to turn, the first `first_s` after the first installation. Who
 * is harmed and never sighted comes every 100 * 0.96 / 0.04 = 2,400 seconds: once in 24 incidents,
 * less than the 5 % outside the interval, before the first who is sighted 100 seconds after the
 * first installation; once in 8 before the first who is sighted 300 seconds after, if harm began
 * with the installation. */
static void the_first_of_the_harmed_may_not_be_sighted(void **state)
{
    (void)state;
    static const double first_s[] = {100, 300};
    struct range onsets[2];
    struct failure failure;
    for (int kind = 0; kind < 2; kind++) {
        struct onset_sighting sightings[30];
        for (int i = 0; i < 30; i++) {
            double until_s = first_s[kind] + 100.0 * i;
            sightings[i] =
                (struct onset_sighting){.from_s = until_s - 0.1, .until_s = until_s, .share = 1};
        }
        assert_true(onset_of(sightings, 30, 1e-6, 0, &onsets[kind], &failure));
    }
    assert_near(onsets[0].low, 100, 5);
    assert_true(onsets[1].low < 295);
}

static void an_onset_is_not_before_the_first_installation(void **state)
{
    (void)state;
    struct onset_sighting sightings[6];
    for (int i = 0; i < 6; i++) {
        sightings[i] =
            (struct onset_sighting){.from_s = 100 + i - 300, .until_s = 100 + i, .share = 1};
    }
    struct range onset;
    struct failure failure;
    assert_true(onset_of(sightings, 6, 1e-6, 102, &onset, &failure));
    assert_true(onset.low >= 102 && onset.likely >= 102 && onset.high >= onset.low);
}

/* ---- The clock of exposure ---- */

#define HOUR 3600.0

/* Sixty hosts a minute for an hour, from the beginning of minute 0. */
static struct course_update even_rollout(struct course_mark marks[static 60])
{
    for (int i = 0; i < 60; i++) {
        marks[i] = (struct course_mark){.minute = i, .installed = (uint32_t)(60 * (i + 1))};
    }
    return (struct course_update){.marks = marks, .count = 60, .capacity = 60, .step = 1};
}

/* Exposed grow by one a second for an hour, then leave at the same pace: seconds of exposure are
 * t^2 / 2, and all of it is a square hour, half before the hour and half after. Heard of half a
 * minute late, marks are where they belong. */
static void the_clock_goes_as_hosts_are_exposed(void **state)
{
    (void)state;
    struct course_mark marks[60];
    struct course_update path = even_rollout(marks);
    struct onset_clock clock;
    onset_clock_set(&clock, &path, 0, -30, 2 * HOUR, HOUR);
    for (int i = 0; i <= 36; i++) {
        double at = 100.0 * i;
        assert_near(onset_clock_read(&clock, at), at * at / HOUR, 0.01 * HOUR);
        assert_near(onset_clock_read(&clock, 2 * HOUR - at), 2 * HOUR - at * at / HOUR,
                    0.01 * HOUR);
    }
    assert_near(onset_clock_read(&clock, 2 * HOUR), 2 * HOUR, 1e-6);
}

static void the_clock_is_read_backwards(void **state)
{
    (void)state;
    struct course_mark marks[60];
    struct course_update path = even_rollout(marks);
    struct course_update empty = {.count = 0};
    struct onset_clock clock;
    for (int kind = 0; kind < 2; kind++) {
        onset_clock_set(&clock, kind == 0 ? &path : &empty, 100, 60, 30 * HOUR, HOUR);
        double before = -INFINITY;
        for (int i = 0; i < 3000; i++) {
            double at = 100 + 37.0 * i;
            double reading = onset_clock_read(&clock, at);
            assert_true(reading > before);
            assert_near(onset_clock_when(&clock, reading), at, 1e-3);
            before = reading;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_onset_is_dated),
        cmocka_unit_test(harm_from_the_first_installation_is_dated),
        cmocka_unit_test(distress_older_than_the_update_is_no_harm),
        cmocka_unit_test(the_first_of_the_harmed_may_not_be_sighted),
        cmocka_unit_test(an_onset_is_not_before_the_first_installation),
        cmocka_unit_test(the_clock_goes_as_hosts_are_exposed),
        cmocka_unit_test(the_clock_is_read_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
