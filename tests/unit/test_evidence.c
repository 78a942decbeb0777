/* The safe logrank test against oracles that are not its own code: closed forms, a brute-force sum
 * over exact binomial coefficients, the martingale property, and simulation.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/evidence.h"
#include "common/random_stream.h"

static void assert_close(double actual, double expected, double tolerance)
{
    if (!(fabs(actual - expected) <= tolerance * (1 + fabs(expected)))) {
        fail_msg("%.15g is not %.15g", actual, expected);
    }
}

/* Exact for the sizes used here: Pascal's rule in long double. */
static long double choose(uint32_t n, uint32_t k)
{
    if (k > n) {
        return 0;
    }
    long double value = 1;
    for (uint32_t i = 0; i < k; i++) {
        value = value * (n - i) / (i + 1);
    }
    return value;
}

/* Fisher's noncentral hypergeometric probability by its definition. */
static double fisher(uint32_t exposed, uint32_t control, uint32_t onsets, uint32_t x, double odds)
{
    long double sum = 0;
    for (uint32_t j = 0; j <= onsets; j++) {
        sum += choose(exposed, j) * choose(control, onsets - j) * powl(odds, j);
    }
    return (double)(choose(exposed, x) * choose(control, onsets - x) * powl(odds, x) / sum);
}

static void one_onset_has_the_closed_form(void **state)
{
    (void)state;
    /* Worked by hand: 30 exposed, 10 unexposed, theta 2. Exposed: log(2 * 40 / (2*30 + 10)) =
     * log(8/7). Unexposed: log(40 / 70) = log(4/7). */
    struct evidence_sum sum;
    int two = EVIDENCE_UNIT + 4;
    assert_close(evidence_theta(two), 2, 1e-15);
    evidence_contribution(30, 10, 1, 1, &sum);
    assert_close(sum.log_ratio[two], log(8.0 / 7.0), 1e-12);
    evidence_contribution(30, 10, 1, 0, &sum);
    assert_close(sum.log_ratio[two], log(4.0 / 7.0), 1e-12);
}

/* The left truncation example by ter Schure in the tests of the R package safestats
 * (tests/testthat/test-safeLogrankTest.R): its first interim analysis has one event, in the control
 * group, with a logrank statistic of -0.81649658093, which two treated and three controls at risk
 * give: -(2/5)/sqrt(6/25). The package's e-value at its design's hazard ratio of 1/2 is then
 * exactly (2 + 3)/(2/2 + 3) = 5/4. The others are worked by hand in fractions from the paper's
 * equation for ties: weights C(E1,j) C(E0,d-j) theta^j. */
static void published_and_hand_worked_examples(void **state)
{
    (void)state;
    assert_close(-(2.0 / 5) / sqrt(6.0 / 25), -0.81649658093, 1e-9);
    static const struct {
        uint32_t exposed, control, onsets, exposed_onsets;
        int steps_of_two; /* log2 of theta */
        double numerator, denominator;
    } cases[] = {
        {2, 3, 1, 0, -1, 5, 4},
        {2, 3, 1, 1, -1, 5, 8},
        /* Weights 6, 12, 3: at 1/2 6, 6, 3/4 of 51/4, at 1 of 21. */
        {3, 4, 2, 0, -1, 28, 17},
        {3, 4, 2, 1, -1, 14, 17},
        {3, 4, 2, 2, -1, 7, 17},
        /* At 4: 6, 48, 48 of 102. */
        {3, 4, 2, 2, 2, 16 * 21, 102},
        /* More onsets than controls: weights for one, two, three of three exposed and one of two,
         * d = 3: C(3,1)C(2,2) = 3, C(3,2)C(2,1) = 6, 1; at 8: 24, 384, 512 of 920, at 1 of 10. */
        {3, 2, 3, 3, 3, 512 * 10, 920},
        {3, 2, 3, 1, 3, 8 * 10, 920},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct evidence_sum sum;
        evidence_contribution(cases[i].exposed, cases[i].control, cases[i].onsets,
                              cases[i].exposed_onsets, &sum);
        assert_close(exp(sum.log_ratio[EVIDENCE_UNIT + 4 * cases[i].steps_of_two]),
                     cases[i].numerator / cases[i].denominator, 1e-9);
    }
}

/* Counts without a control: Poisson probabilities by their definition. Under the expected rate the
 * mean of exp is 1, under a lower one less. */
static void counts_alone_are_poisson(void **state)
{
    (void)state;
    static const double means[] = {0.01, 0.7, 3};
    for (size_t m = 0; m < sizeof means / sizeof *means; m++) {
        for (int k = EVIDENCE_UNIT + 1; k <= EVIDENCE_UNIT + 16; k++) {
            double at_mean = 0;
            double at_half = 0;
            double theta = evidence_theta(k);
            for (uint32_t x = 0; x < 300; x++) {
                struct evidence_sum sum;
                evidence_contribution_alone(means[m], x, &sum);
                double log_p = x * log(means[m]) - means[m] - lgamma(x + 1.0);
                double log_p_theta = x * log(theta * means[m]) - theta * means[m] - lgamma(x + 1.0);
                assert_close(sum.log_ratio[k], log_p_theta - log_p, 1e-9);
                at_mean += exp(log_p + sum.log_ratio[k]);
                at_half +=
                    exp(x * log(means[m] / 2) - means[m] / 2 - lgamma(x + 1.0) + sum.log_ratio[k]);
            }
            assert_close(at_mean, 1, 1e-9);
            assert_true(at_half < 1);
        }
    }
}

static void several_onsets_match_the_definition(void **state)
{
    (void)state;
    static const uint32_t cases[][4] = {{5, 7, 2, 1},    {5, 7, 5, 5},    {3, 90, 6, 3},
                                        {90, 3, 6, 3},   {40, 40, 20, 4}, {1, 1, 2, 1},
                                        {60, 20, 30, 30}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const uint32_t *one = cases[c];
        struct evidence_sum sum;
        evidence_contribution(one[0], one[1], one[2], one[3], &sum);
        for (int k = 0; k < EVIDENCE_POINTS; k++) {
            double expected = log(fisher(one[0], one[1], one[2], one[3], evidence_theta(k)) /
                                  fisher(one[0], one[1], one[2], one[3], 1));
            assert_close(sum.log_ratio[k], expected, 1e-9);
        }
        assert_close(sum.log_ratio[EVIDENCE_UNIT], 0, 1e-12);
    }
}

static void an_empty_side_says_nothing(void **state)
{
    (void)state;
    static const uint32_t cases[][4] = {{0, 10, 1, 0}, {10, 0, 1, 1}, {10, 10, 0, 0}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct evidence_sum sum;
        evidence_contribution(cases[c][0], cases[c][1], cases[c][2], cases[c][3], &sum);
        for (int k = 0; k < EVIDENCE_POINTS; k++) {
            assert_true(sum.log_ratio[k] == 0);
        }
    }
}

/* Under no effect the mean of exp of each contribution is exactly 1: that is what makes the e-value
 * one. Summed over every outcome with its exact probability. */
static void contributions_have_mean_one_without_effect(void **state)
{
    (void)state;
    static const uint32_t cases[][3] = {{5, 7, 3}, {1, 30, 4}, {50, 2, 6}, {20, 20, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const uint32_t *one = cases[c];
        for (int k = 0; k < EVIDENCE_POINTS; k++) {
            double mean = 0;
            for (uint32_t x = 0; x <= one[2]; x++) {
                if (x <= one[0] && one[2] - x <= one[1]) {
                    struct evidence_sum sum;
                    evidence_contribution(one[0], one[1], one[2], x, &sum);
                    mean += fisher(one[0], one[1], one[2], x, 1) * exp(sum.log_ratio[k]);
                }
            }
            assert_close(mean, 1, 1e-9);
        }
    }
}

/* One rollout read at every onset: minutes with a few onsets, each exposed host `ratio` times as
 * likely to be the one. Returns how often anything that must hold did not. */
struct rollout {
    double highest_log_e;
    double highest_over; /* the log e-value against the true ratio */
    bool covered;        /* the true ratio was inside the confidence sequence at every moment */
};

static struct rollout simulate(struct random_stream *random, double ratio, int minutes,
                               double alpha)
{
    struct rollout result = {
        .highest_log_e = -INFINITY, .highest_over = -INFINITY, .covered = true};
    struct evidence_sum sum = {{0}};
    for (int minute = 0; minute < minutes; minute++) {
        uint32_t exposed = 20 + (uint32_t)random_below(random, 200);
        uint32_t control = 20 + (uint32_t)random_below(random, 200);
        uint32_t onsets = (uint32_t)random_below(random, 4);
        uint32_t x = 0;
        uint32_t exposed_left = exposed;
        uint32_t control_left = control;
        /* One after the other, as Cox's partial likelihood has it; many hosts, few onsets, so ties
         * differ from it by nothing that shows. */
        for (uint32_t i = 0; i < onsets; i++) {
            double chance = ratio * exposed_left / (ratio * exposed_left + control_left);
            if (random_uniform(random) < chance) {
                x++;
                exposed_left--;
            } else {
                control_left--;
            }
        }
        struct evidence_sum contribution;
        evidence_contribution(exposed, control, onsets, x, &contribution);
        evidence_add(&sum, &contribution);
        double log_e = evidence_log_e(&sum);
        result.highest_log_e = log_e > result.highest_log_e ? log_e : result.highest_log_e;
        double over = evidence_log_e_over(&sum, fmax(ratio, 1));
        result.highest_over = fmax(over, result.highest_over);
        struct range range = evidence_rate_ratio(&sum, alpha);
        result.covered &= range.low <= ratio && ratio <= range.high;
    }
    return result;
}

/* Ville: the share that ever reaches 1/alpha is at most alpha. At alpha = 0.05 over 1,500 rollouts
 * 75 are allowed; 98 is the 99.7 % quantile of a binomial that is exactly at its limit. */
static void reading_every_minute_keeps_the_false_alarm_rate(void **state)
{
    (void)state;
    int alarms = 0;
    for (uint64_t run = 0; run < 1500; run++) {
        struct random_stream random = random_stream_new(20050423, run);
        alarms += simulate(&random, 1, 120, 0.05).highest_log_e >= log(20);
    }
    assert_in_range(alarms, 0, 98);
}

static void the_confidence_sequence_covers_at_all_times(void **state)
{
    (void)state;
    static const double ratios[] = {0.6, 1, 2.5, 9};
    for (size_t r = 0; r < sizeof ratios / sizeof *ratios; r++) {
        int missed = 0;
        for (uint64_t run = 0; run < 400; run++) {
            struct random_stream random = random_stream_new(7 + r, run);
            missed += !simulate(&random, ratios[r], 100, 0.05).covered;
        }
        assert_in_range(missed, 0, 32); /* 20 allowed; 32 is its 99.7 % quantile */
    }
}

/* Ville again, against "at most 1.5", which is between two points of the grid, and others. */
static void the_evidence_over_a_ratio_keeps_its_rate(void **state)
{
    (void)state;
    static const double ratios[] = {1.5, 2.5, 9};
    for (size_t r = 0; r < sizeof ratios / sizeof *ratios; r++) {
        int alarms = 0;
        for (uint64_t run = 0; run < 400; run++) {
            struct random_stream random = random_stream_new(170 + r, run);
            alarms += simulate(&random, ratios[r], 100, 0.05).highest_over >= log(20);
        }
        assert_in_range(alarms, 0, 32); /* 20 allowed; 32 is its 99.7 % quantile */
    }
}

/* One onset on the exposed side at even odds: theta (E1+E0)/(theta E1 + E0) at every point, so
 * against 2 the largest ratio there is, 128, is at most 256/129 over 4/3. */
static void one_onset_says_little_over_two(void **state)
{
    (void)state;
    struct evidence_sum sum = {{0}};
    struct evidence_sum contribution;
    evidence_contribution(50, 50, 1, 1, &contribution);
    evidence_add(&sum, &contribution);
    assert_true(evidence_log_e_over(&sum, 2) > 0);
    assert_true(evidence_log_e_over(&sum, 2) < log(256.0 / 129 / (4.0 / 3)));
    assert_close(evidence_log_e_over(&sum, 1), evidence_log_e(&sum), 1e-12);
    assert_true(evidence_log_e_over(&sum, 1.5) > evidence_log_e_over(&sum, 1.7));
}

static void a_strong_effect_is_found(void **state)
{
    (void)state;
    int found = 0;
    for (uint64_t run = 0; run < 200; run++) {
        struct random_stream random = random_stream_new(99, run);
        found += simulate(&random, 4, 100, 0.001).highest_log_e >= log(1000);
    }
    assert_in_range(found, 199, 200);
}

static void nothing_seen_is_no_interval(void **state)
{
    (void)state;
    struct evidence_sum sum = {{0}};
    struct range range = evidence_rate_ratio(&sum, 0.05);
    assert_true(range.low == 0 && isnan(range.likely) && isinf(range.high));
    assert_close(evidence_log_e(&sum), 0, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_onset_has_the_closed_form),
        cmocka_unit_test(published_and_hand_worked_examples),
        cmocka_unit_test(counts_alone_are_poisson),
        cmocka_unit_test(several_onsets_match_the_definition),
        cmocka_unit_test(an_empty_side_says_nothing),
        cmocka_unit_test(contributions_have_mean_one_without_effect),
        cmocka_unit_test(reading_every_minute_keeps_the_false_alarm_rate),
        cmocka_unit_test(the_confidence_sequence_covers_at_all_times),
        cmocka_unit_test(the_evidence_over_a_ratio_keeps_its_rate),
        cmocka_unit_test(one_onset_says_little_over_two),
        cmocka_unit_test(a_strong_effect_is_found),
        cmocka_unit_test(nothing_seen_is_no_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
