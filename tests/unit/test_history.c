/* What is usual at an hour, against hand-worked weeks.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/history.h"

/* An hour of 100,000 hosts with so many onsets of either sign. */
static void pass_hour(struct history *history, int hour, double onsets)
{
    struct exposure_quiet quiet = {.minutes = {6e6, 6e6}, .onsets = {onsets, onsets}};
    history_take(history, hour * 60, &quiet);
}

static void assert_near(double actual, double expected)
{
    if (!(fabs(actual - expected) < 1e-9 * (1 + fabs(expected)))) {
        fail_msg("%.12g is not %.12g", actual, expected);
    }
}

static void nothing_known_says_nothing(void **state)
{
    (void)state;
    struct history history = {0};
    assert_true(isinf(history_factor(&history, 0, SIGN_SEEN)));
    assert_true(isinf(history_factor(&history, 0, SIGN_SILENT)));
}

/* All hours alike: half as much again. An hour of the day never seen: three times for what is seen,
 * nothing for silence. */
static void a_steady_past_is_raised_by_half(void **state)
{
    (void)state;
    struct history history = {0};
    for (int hour = 0; hour < 10; hour++) {
        pass_hour(&history, hour, 100);
    }
    assert_near(history_factor(&history, 24 * 60, SIGN_SEEN), 1.5);
    assert_near(history_factor(&history, 24 * 60, SIGN_SILENT), 1.5);
    assert_near(history_factor(&history, 12 * 60, SIGN_SEEN), 3);
    assert_true(isinf(history_factor(&history, 12 * 60, SIGN_SILENT)));
}

/* Five hours of 20 and one of 300 a day: mean 66.67, so the sixth hour is usually 4.5 times the
 * mean. Deviations of the multiples: five of 0.3 - 1 = -0.7 and one of 3.5; the mean square
 * (5 * 0.49 + 12.25) / 6 = 2.45, less the chance part, 1/66.67 each on the first day. */
static void going_home_at_six_is_usual_at_six(void **state)
{
    (void)state;
    struct history history = {0};
    for (int hour = 0; hour < 6; hour++) {
        pass_hour(&history, hour, hour == 5 ? 300 : 20);
    }
    double mean = 400.0 / 6;
    double low = 20 / mean;
    double high = 300 / mean;
    double deviation = sqrt((5 * (low - 1) * (low - 1) + (high - 1) * (high - 1)) / 6 - 1 / mean);
    assert_near(history_factor(&history, (24 + 5) * 60, SIGN_SILENT), high * (1 + deviation));
    assert_near(history_factor(&history, (24 + 1) * 60, SIGN_SILENT), 1 + deviation);
}

/* The same hour of the week counts before that of the other days. */
static void monday_is_compared_with_monday(void **state)
{
    (void)state;
    struct history history = {0};
    for (int day = 0; day < 7; day++) {
        pass_hour(&history, day * 24 + 8, day == 2 ? 400 : 100);
    }
    double monday = history_factor(&history, (7 + 2) * 24 * 60 + 8 * 60, SIGN_SEEN);
    double tuesday = history_factor(&history, (7 + 3) * 24 * 60 + 8 * 60, SIGN_SEEN);
    assert_near(monday / tuesday, 400 / (1000.0 / 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_known_says_nothing),
        cmocka_unit_test(a_steady_past_is_raised_by_half),
        cmocka_unit_test(going_home_at_six_is_usual_at_six),
        cmocka_unit_test(monday_is_compared_with_monday),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
