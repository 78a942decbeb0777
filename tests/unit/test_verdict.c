/* Verdicts and the beta distribution, against hand-worked cases and closed forms.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/distribution.h"
#include "analyzer/verdict.h"
#include "common/random_stream.h"

static struct verdict_case with(double e, double low, double high)
{
    return (struct verdict_case){.log_e = log(e),
                                 .own_log_e = log(e),
                                 .own_low = low,
                                 .rate_ratio = {.low = low, .likely = low, .high = high},
                                 .verdict = VERDICT_INSUFFICIENT_DATA};
}

static void one_update_alone(void **state)
{
    (void)state;
    static const struct {
        double e, low, high;
        enum verdict verdict;
    } table[] = {
        {1, 0.2, 9, VERDICT_INSUFFICIENT_DATA},
        {1, 0.3, 1.4, VERDICT_CLEAR},
        {25, 0.9, 9, VERDICT_SUSPECT},
        {5, 1.1, 9, VERDICT_SUSPECT},
        {999, 2, 9, VERDICT_SUSPECT},
        {1001, 2, 9, VERDICT_HOLD},
        {1e9, 1.4, 9, VERDICT_SUSPECT}, /* certain, but below the margin */
        {1e9, 1.6, 9, VERDICT_HOLD},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct failure failure;
        struct verdict_case one = with(table[i].e, table[i].low, table[i].high);
        assert_true(verdict_decide(&one, 1, 0.001, 1.5, &failure));
        assert_int_equal(one.verdict, table[i].verdict);
    }
}

/* e-BH by its definition: the largest k whose k-th largest e-value is at least K / (k alpha). */
static size_t e_bh_by_definition(const struct verdict_case *cases, size_t count, double alpha)
{
    size_t rejected = 0;
    for (size_t k = 1; k <= count; k++) {
        size_t at_least = 0;
        for (size_t i = 0; i < count; i++) {
            at_least += exp(cases[i].log_e) >= (double)count / ((double)k * alpha) * (1 - 1e-12);
        }
        rejected = at_least >= k ? k : rejected;
    }
    return rejected;
}

static void several_updates_share_the_error(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct random_stream random = random_stream_new(seed, 0);
        struct verdict_case cases[12];
        struct failure failure;
        size_t count = 1 + (size_t)random_below(&random, 12);
        for (size_t i = 0; i < count; i++) {
            cases[i] = with(pow(10, 8 * random_uniform(&random)), 3, 9);
        }
        size_t expected = e_bh_by_definition(cases, count, 0.001);
        assert_true(verdict_decide(cases, count, 0.001, 1.5, &failure));
        size_t held = 0;
        for (size_t i = 0; i < count; i++) {
            held += cases[i].verdict == VERDICT_HOLD;
        }
        assert_int_equal(held, expected);
    }
}

/* Two updates that always came together, evidence shared: both are held, until one's own evidence
 * explains it. */
static void a_bundle_is_held_until_one_is_told_apart(void **state)
{
    (void)state;
    struct failure failure;
    struct exposure_mate of_first = {.update = 1, .together = true};
    struct exposure_mate of_second = {.update = 0, .together = true};
    struct verdict_case pair[2] = {with(1, 0, 9), with(1, 0, 9)};
    for (uint32_t i = 0; i < 2; i++) {
        pair[i].update = i;
        pair[i].log_e = log(1e6);
        pair[i].bundle_low = 3;
        pair[i].mate_count = 1;
    }
    pair[0].mates = &of_first;
    pair[1].mates = &of_second;
    assert_true(verdict_decide(pair, 2, 0.001, 1.5, &failure));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pair[i].verdict, VERDICT_HOLD);
        assert_true(pair[i].bundled && !pair[i].explained);
    }
    pair[1].own_log_e = log(1e5);
    pair[1].own_low = 2;
    assert_true(verdict_decide(pair, 2, 0.001, 1.5, &failure));
    assert_int_equal(pair[0].verdict, VERDICT_INSUFFICIENT_DATA);
    assert_true(pair[0].explained && !pair[0].bundled);
    assert_int_equal(pair[1].verdict, VERDICT_HOLD);
    assert_false(pair[1].bundled);
}

/* Around a threshold a verdict does not change with every onset. */
static void verdicts_do_not_flap(void **state)
{
    (void)state;
    struct failure failure;
    struct verdict_case one = with(21, 0.9, 9);
    int changes = 0;
    for (int minute = 0; minute < 50; minute++) {
        enum verdict before = one.verdict;
        one.log_e = one.own_log_e = log(minute % 2 == 0 ? 21 : 12);
        assert_true(verdict_decide(&one, 1, 0.001, 1.5, &failure));
        changes += one.verdict != before;
    }
    assert_int_equal(changes, 1);
    one.log_e = one.own_log_e = log(3);
    assert_true(verdict_decide(&one, 1, 0.001, 1.5, &failure));
    assert_int_equal(one.verdict, VERDICT_INSUFFICIENT_DATA);
}

/* A quarter more everywhere, proved: less than the margin, so the rollout goes on. */
static void slight_harm_is_clear(void **state)
{
    (void)state;
    struct failure failure;
    struct verdict_case one = with(1e9, 1.2, 1.3);
    one.fleet_log_e = one.log_e;
    assert_true(verdict_decide(&one, 1, 0.001, 1.5, &failure));
    assert_int_equal(one.verdict, VERDICT_CLEAR);
    one.own_low = 1.45; /* a part of the fleet is struck harder than the whole can be */
    assert_true(verdict_decide(&one, 1, 0.001, 1.5, &failure));
    assert_int_equal(one.verdict, VERDICT_SUSPECT);
}

static void a_hold_stays(void **state)
{
    (void)state;
    struct failure failure;
    struct verdict_case one = with(2, 0.5, 1.2);
    one.verdict = VERDICT_HOLD;
    assert_true(verdict_decide(&one, 1, 0.001, 1.5, &failure));
    assert_int_equal(one.verdict, VERDICT_HOLD);
}

static void every_verdict_says_why(void **state)
{
    (void)state;
    for (int each = 0; each < 2 * (VERDICT_CLEAR + 1); each++) {
        int verdict = each / 2;
        int32_t window = each % 2 == 0 ? 60 : 1440;
        struct arena arena = {0};
        struct failure failure;
        struct update_answer answer = {0};
        struct verdict_facts facts = {.update_id = "pattern/1",
                                      .verdict = (enum verdict)verdict,
                                      .log_e = window == 60 ? 3 : 30,
                                      .alpha = 0.001,
                                      .margin = 1.5,
                                      .low = 1.2,
                                      .window_minutes = window,
                                      .rate_ratio = {0.5, 1.1, 4},
                                      .segment_text = "the whole fleet",
                                      .exposed_hosts = 500,
                                      .exposed_onsets = 4,
                                      .compared = {4, 3.6},
                                      .exposed_share = 0.4,
                                      .hosts_per_minute = 12,
                                      .followed = true,
                                      .onset = {NAN, NAN, NAN}};
        assert_true(verdict_explain(&facts, &arena, &answer, &failure));
        assert_non_null(strstr(answer.sentence, "pattern/1"));
        assert_true(answer.reason_count > 0);
        assert_non_null(answer.action);
        bool doubts_size = strstr(answer.sentence, "margin of 1.5 is not sure yet") != NULL;
        assert_int_equal(doubts_size, verdict == VERDICT_SUSPECT && window == 1440);
        const char *span = window == 60 ? "in the 60 minutes after" : "in the 24 hours after";
        assert_true(verdict != VERDICT_CLEAR || strstr(answer.sentence, span) != NULL);
        if (verdict == VERDICT_INSUFFICIENT_DATA) {
            assert_non_null(strstr(answer.reasons[answer.reason_count - 1], "more exposed hosts"));
        }
        arena_free(&arena);
    }
}

/* ---- Beta ---- */

static void beta_has_its_closed_forms(void **state)
{
    (void)state;
    for (int n = 1; n < 2000; n *= 3) {
        for (int i = 0; i < 7; i++) {
            double p = 0.05 + 0.15 * i;
            /* Beta(1, n): 1 - (1-x)^n; Beta(n, 1): x^n; Beta(a, a) is symmetric. */
            assert_true(fabs(distribution_beta_quantile(p, 1, n) - (1 - pow(1 - p, 1.0 / n))) <
                        1e-9);
            assert_true(fabs(distribution_beta_quantile(p, n, 1) - pow(p, 1.0 / n)) < 1e-9);
            assert_true(fabs(distribution_beta_quantile(p, n, n) +
                             distribution_beta_quantile(1 - p, n, n) - 1) < 1e-9);
        }
    }
}

/* For whole a and b, I_x(a, b) is the chance of a successes or more in a+b-1 trials. */
static void beta_is_the_binomial_tail(void **state)
{
    (void)state;
    for (int a = 1; a < 12; a++) {
        for (int b = 1; b < 12; b++) {
            for (int i = 0; i < 5; i++) {
                double x = 0.1 + 0.2 * i;
                double tail = 0;
                int n = a + b - 1;
                double choose = 1;
                for (int k = 0; k <= n; k++) {
                    tail += k >= a ? choose * pow(x, k) * pow(1 - x, n - k) : 0;
                    choose = choose * (n - k) / (k + 1);
                }
                assert_true(fabs(distribution_beta_below(x, a, b) - tail) < 1e-11);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_update_alone),
        cmocka_unit_test(several_updates_share_the_error),
        cmocka_unit_test(a_bundle_is_held_until_one_is_told_apart),
        cmocka_unit_test(verdicts_do_not_flap),
        cmocka_unit_test(slight_harm_is_clear),
        cmocka_unit_test(a_hold_stays),
        cmocka_unit_test(every_verdict_says_why),
        cmocka_unit_test(beta_has_its_closed_forms),
        cmocka_unit_test(beta_is_the_binomial_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
