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

/* Harmed hosts at a rate from `since_s` on, noise at another, each seen at the end of the
 * five-minute interval after the one it fell in: until then nothing shows, so the harm is known to
 * an interval. Sets *truth to the first harm. */
static size_t make_sightings(struct random_stream *random, double since_s, double mean_gap_s,
                             struct onset_sighting *sightings, double *truth)
{
    size_t count = 0;
    double noise_at = 0;
    double harm_at = since_s + random_exponential(random, mean_gap_s);
    *truth = harm_at;
    while (noise_at < 9000 || harm_at < since_s + 1800) {
        double at = noise_at < harm_at ? noise_at : harm_at;
        double phase = 300 * random_uniform(random);
        sightings[count++] =
            (struct onset_sighting){.from_s = at - phase, .until_s = at - phase + 300};
        if (noise_at < harm_at) {
            noise_at += random_exponential(random, 900);
        } else {
            harm_at += random_exponential(random, mean_gap_s);
            harm_at = harm_at < since_s + 1800 ? harm_at : INFINITY;
        }
    }
    return count;
}

/* The interval holds the first harm nine times in ten: of 300, 270; 249 and 290 are four standard
 * deviations of a binomial off. Dense harm, and sparse harm in more noise than that; on and on, and
 * from the first installation. */
static void the_onset_is_dated(void **state)
{
    (void)state;
    static const double gaps[] = {5, 20, 90, 300};
    struct failure failure;
    struct range onset;
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        int inside = 0;
        for (uint64_t seed = 0; seed < 300; seed++) {
            struct random_stream random = random_stream_new(seed, g);
            struct onset_sighting sightings[1000];
            double truth;
            double since_s = 3600 + 1800 * random_uniform(&random);
            size_t count = make_sightings(&random, since_s, gaps[g], sightings, &truth);
            assert_true(onset_of(sightings, count, 1.0 / 900, 0, &onset, &failure));
            assert_true(onset.low <= onset.likely && onset.likely <= onset.high);
            inside += onset.low <= truth && truth <= onset.high;
        }
        assert_in_range(inside, 249, 290);
    }
    assert_true(onset_of(NULL, 0, 1, 0, &onset, &failure));
    assert_true(isnan(onset.likely));
}

static void an_onset_is_not_before_the_first_installation(void **state)
{
    (void)state;
    struct onset_sighting sightings[6];
    for (int i = 0; i < 6; i++) {
        sightings[i] = (struct onset_sighting){.from_s = 100 + i - 300, .until_s = 100 + i};
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

static void assert_near(double actual, double expected, double tolerance)
{
    if (!(fabs(actual - expected) <= tolerance)) {
        fail_msg("%.9g is not %.9g", actual, expected);
    }
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
        cmocka_unit_test(an_onset_is_not_before_the_first_installation),
        cmocka_unit_test(the_clock_goes_as_hosts_are_exposed),
        cmocka_unit_test(the_clock_is_read_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
