/* How many of the unseen are affected, against sums over every outcome by other formulas.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/impact_estimate.h"
#include "analyzer/impact_model.h"
#include "common/arena.h"
#include "common/instant.h"
#include "common/random_stream.h"

static struct failure failure;

static void assert_close(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.15g is not %.15g within %g", value, expected, tolerance);
    }
}

/* The beta-binomial as Polya's urn: a red and b black balls, and one more of its colour goes back
 * with each drawn (Eggenberger and Polya 1923). By every order of drawing, so nothing but products.
 */
static double by_urn(double a, double b, int n, int k)
{
    double chance = 1;
    for (int i = 0; i < n; i++) {
        double red = i < k ? (a + i) * (n - i) / (k - i) : b + (i - k); /* with C(n, k) orders */
        chance *= red / (a + b + i);
    }
    return chance;
}

static void the_beta_binomial_is_an_urn(void **state)
{
    (void)state;
    static const struct {
        double a, b;
        int n;
    } cases[] = {{1, 1, 9}, {0.6, 2.5, 6}, {3, 0.8, 12}, {12, 30, 40}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct impact_beta beta = {.a = cases[c].a, .b = cases[c].b};
        double above = 1;
        for (int k = 0; k < cases[c].n; k++) {
            above -= by_urn(beta.a, beta.b, cases[c].n, k);
            assert_close(impact_beta_binomial_above(beta, (uint32_t)cases[c].n, k), above, 1e-12);
        }
    }
    /* With a = b = 1 every count is as likely: Laplace. */
    struct impact_beta even = {.a = 1, .b = 1};
    assert_close(impact_beta_binomial_above(even, 9, 2), 0.7, 1e-12);
    assert_true(impact_beta_binomial_above(even, 9, -1) == 1);
    assert_true(impact_beta_binomial_above(even, 9, 9) == 0);
    assert_true(impact_beta_binomial_above(even, 0, 0) == 0);
}

static void large_customers_are_as_the_sum_has_them(void **state)
{
    (void)state;
    struct impact_beta beta = {.a = 2.5, .b = 6};
    double above = 1;
    for (int k = 0; k < 90; k++) {
        above -= by_urn(beta.a, beta.b, 100, k);
        assert_close(impact_beta_binomial_above(beta, 100, k), above, 0.015);
    }
}

/* Everything one customer's unseen seats can do, outcome by outcome. */
struct outcomes {
    double hosts, hosts_square, customers, both;
};

static struct outcomes enumerate(double mean, struct impact_bond bond,
                                 const struct impact_sight *sight, const struct impact_alike *one)
{
    struct impact_beta beta = impact_beta(mean, bond);
    struct outcomes sum = {0};
    double all = 0;
    int n = (int)one->reporting;
    int m = (int)one->unseen;
    double expected = sight->coincidence * n;
    for (int immune = 0; immune < 2; immune++) {
        for (int hit = 0; hit <= (immune ? 0 : (int)one->shown); hit++) {
            int chances = (int)one->shown - hit;
            double poisson = pow(expected, chances) * exp(-expected) / tgamma(chances + 1.0);
            double seen = immune ? bond.immune : (1 - bond.immune) * by_urn(beta.a, beta.b, n, hit);
            double weight = poisson * seen;
            all += weight;
            for (int y = 0; y <= (immune ? 0 : m); y++) {
                double chance = immune ? 1 : by_urn(beta.a + hit, beta.b + n - hit, m, y);
                sum.hosts += weight * chance * y;
                sum.hosts_square += weight * chance * y * y;
                sum.customers += hit == 0 && y > 0 ? weight * chance : 0;
                sum.both += hit == 0 && y > 0 ? weight * chance * y : 0;
            }
        }
    }
    return (struct outcomes){sum.hosts / all, sum.hosts_square / all, sum.customers / all,
                             sum.both / all};
}

static void what_a_customer_adds_is_the_sum_over_outcomes(void **state)
{
    (void)state;
    static const struct {
        struct impact_bond bond;
        double mean, coincidence;
        uint32_t shown, reporting, unseen;
        double tolerance; /* of hosts, where coincidences are folded into one posterior */
    } cases[] = {
        {{0, 0.3}, 0.4, 1e-9, 0, 5, 4, 1e-7},     {{0, 0.3}, 0.4, 1e-9, 3, 5, 4, 1e-7},
        {{0.45, 0.25}, 0.3, 1e-9, 0, 6, 3, 1e-7}, {{0.3, 0.25}, 0.3, 1e-9, 0, 0, 3, 1e-7},
        {{0.3, 0.25}, 0.3, 0.05, 0, 6, 3, 1e-7},  {{0.3, 0.25}, 0.3, 0.05, 1, 6, 3, 0.02},
        {{0.65, 0.7}, 0.2, 0.02, 2, 8, 2, 0.02},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct impact_alike one = {.shown = cases[c].shown,
                                   .reporting = cases[c].reporting,
                                   .unseen = cases[c].unseen,
                                   .customers = 1};
        struct impact_sight sight = {.coincidence = cases[c].coincidence, .shows = 1};
        struct impact_moments moments = {0};
        impact_add_unseen(cases[c].mean, cases[c].bond, &sight, &one, 1, &moments);
        struct outcomes truth = enumerate(cases[c].mean, cases[c].bond, &sight, &one);
        assert_close(moments.hosts, truth.hosts, cases[c].tolerance);
        assert_close(moments.customers[DEGREE_ANY], truth.customers, cases[c].tolerance);
        if (cases[c].shown == 0) {
            double variance = truth.hosts_square - truth.hosts * truth.hosts;
            assert_close(moments.hosts_variance, variance, 1e-6);
        }
        assert_close(moments.covariance, truth.both - truth.hosts * truth.customers,
                     cases[c].shown == 0 ? 1e-6 : 0.03);
    }
}

static void who_shows_by_chance_alone_is_told_apart(void **state)
{
    (void)state;
    struct impact_bond bond = {.immune = 0.4, .together = 0.25};
    struct impact_sight sight = {.coincidence = 0.03, .shows = 1};
    struct impact_beta beta = impact_beta(0.4, bond);
    for (uint32_t shown = 1; shown <= 4; shown++) {
        struct impact_alike one = {.shown = shown, .reporting = 12, .customers = 10};
        struct impact_mistaken mistaken = {{0}, {0}};
        impact_add_mistaken(0.4, bond, &sight, &one, 1, &mistaken);
        double expected = 12 * 0.03;
        double none = 0;
        double all = 0;
        for (uint32_t hit = 0; hit <= shown; hit++) {
            double poisson =
                exp((shown - hit) * log(expected) - expected - lgamma(shown - hit + 1.0));
            double seen = (1 - bond.immune) * by_urn(beta.a, beta.b, 12, (int)hit) * poisson;
            seen += hit == 0 ? bond.immune * poisson : 0;
            none += hit == 0 ? seen : 0;
            all += seen;
        }
        assert_close(mistaken.customers[DEGREE_ANY], 10 * none / all, 1e-6);
    }
}

/* ---- Draws ---- */

static const char *const tiers[] = {"basic", "premium"};

/* Customers as the model has them, drawn: every one has its own share, or is immune. */
static void populate(struct impact_population *population, uint64_t seed, bool backwards)
{
    for (size_t i = 0; i < 600; i++) {
        size_t number = backwards ? 599 - i : i;
        struct random_stream random = random_stream_new(seed, number);
        double share = random_below(&random, 4) == 0 ? 0 : random_beta(&random, 1.5, 1);
        struct impact_seats seats = {.cell = (uint32_t)(number % 2),
                                     .kind = CUSTOMER_CORPORATE,
                                     .tier = tiers[number % 3 == 0]};
        for (uint32_t s = 0; s < 2 + number % 20; s++) {
            bool hit = random_uniform(&random) < share;
            if (random_below(&random, 3) == 0) {
                seats.unseen++;
            } else {
                seats.reporting++;
                seats.shown += hit;
            }
        }
        assert_true(impact_population_add(population, &seats, 1, &failure));
    }
}

static struct impact_estimate estimate(const struct impact_population *population,
                                       const struct impact_drawing *drawing, struct arena *arena)
{
    const struct impact_known known[2] = {{.product_line = "a", .control_onsets = 50},
                                          {.product_line = "b", .control_onsets = 50}};
    struct impact_estimate made;
    const double distinct[CUSTOMER_KINDS] = {1, 1};
    assert_true(
        impact_estimate_draw(population, known, 2, distinct, drawing, arena, &made, &failure));
    return made;
}

static void the_same_customers_and_seed_give_the_same_draws(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct impact_population forth = {0};
    struct impact_population back = {0};
    struct impact_population copy = {0};
    populate(&forth, 3, false);
    populate(&back, 3, true);
    assert_true(impact_population_copy(&back, &copy, &failure));
    /* Somebody who comes and goes leaves no trace. */
    struct impact_seats guest = {.tier = tiers[0], .kind = CUSTOMER_CORPORATE, .unseen = 77};
    assert_true(impact_population_add(&copy, &guest, 1, &failure));
    assert_true(impact_population_add(&copy, &guest, -1, &failure));
    const struct impact_drawing drawing = {.seed = 9, .heard_for = INSTANT_DAY};
    struct impact_estimate one = estimate(&forth, &drawing, &arena);
    struct impact_estimate other = estimate(&back, &drawing, &arena);
    struct impact_estimate third = estimate(&copy, &drawing, &arena);
    assert_memory_equal(one.corporates, other.corporates, IMPACT_DRAWS * sizeof(double));
    assert_memory_equal(one.corporates, third.corporates, IMPACT_DRAWS * sizeof(double));
    assert_memory_equal(&one.hosts, &other.hosts, sizeof one.hosts);
    const struct impact_drawing another = {.seed = 10, .heard_for = INSTANT_DAY};
    struct impact_estimate reseeded = estimate(&forth, &another, &arena);
    assert_memory_not_equal(one.corporates, reseeded.corporates, IMPACT_DRAWS * sizeof(double));
    assert_close(reseeded.hosts.likely, one.hosts.likely, 0.02 * one.hosts.likely);
    impact_population_free(&forth);
    impact_population_free(&back);
    impact_population_free(&copy);
    arena_free(&arena);
}

static void everybody_reporting_leaves_nothing_to_estimate(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct impact_population population = {0};
    for (uint32_t i = 0; i < 40; i++) {
        struct impact_seats seats = {
            .tier = tiers[0], .kind = CUSTOMER_CORPORATE, .reporting = 10, .shown = i % 2 * 6};
        assert_true(impact_population_add(&population, &seats, 1, &failure));
    }
    const struct impact_drawing drawing = {.seed = 1, .heard_for = INSTANT_DAY};
    struct impact_estimate made = estimate(&population, &drawing, &arena);
    assert_close(made.hosts.low, 120, 1e-9);
    assert_close(made.hosts.high, 120, 1e-9);
    assert_close(made.degrees[DEGREE_ANY].likely, 20, 1e-9);
    assert_close(made.degrees[DEGREE_HALF].likely, 20, 1e-9);
    assert_true(made.unseen_hosts.high == 0);
    assert_int_equal(made.tier_count, 1);
    impact_population_free(&population);
    arena_free(&arena);
}

static void whoever_has_hardly_listened_knows_less(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct impact_population population = {0};
    populate(&population, 5, false);
    const struct impact_drawing day = {.seed = 1, .heard_for = INSTANT_DAY};
    const struct impact_drawing hour = {.seed = 1, .heard_for = INSTANT_HOUR};
    struct impact_estimate sure = estimate(&population, &day, &arena);
    struct impact_estimate unsure = estimate(&population, &hour, &arena);
    assert_true(unsure.hosts.high - unsure.hosts.low > 3 * (sure.hosts.high - sure.hosts.low));
    assert_true(unsure.hosts.low < sure.hosts.low && unsure.hosts.high <= sure.hosts.high);
    /* Degrees are nested, and the tiers add up. */
    assert_true(sure.degrees[DEGREE_ANY].likely >= sure.degrees[DEGREE_TENTH].likely);
    assert_true(sure.degrees[DEGREE_TENTH].likely >= sure.degrees[DEGREE_HALF].likely);
    double sum = 0;
    for (size_t i = 0; i < sure.tier_count; i++) {
        sum += sure.tiers[i].customers.likely;
    }
    assert_close(sum, sure.customers.likely, 0.01 * sure.customers.likely);
    impact_population_free(&population);
    arena_free(&arena);
}

/* The customers are those of the model: its ranges hold the truth nine times in ten. */
static void ranges_hold_what_the_model_draws(void **state)
{
    (void)state;
    const int trials = 150;
    int hosts_inside = 0;
    int customers_inside = 0;
    for (int t = 0; t < trials; t++) {
        struct arena arena = {0};
        struct impact_population population = {0};
        double hosts = 0;
        double customers = 0;
        for (uint64_t i = 0; i < 400; i++) {
            struct random_stream random = random_stream_new((uint64_t)t + 1000, i);
            double share = random_below(&random, 4) == 0 ? 0 : random_beta(&random, 1.2, 1.8);
            struct impact_seats seats = {.kind = CUSTOMER_CORPORATE, .tier = tiers[i % 2]};
            uint32_t hit_here = 0;
            for (uint64_t s = 0; s < 2 + i % 12; s++) {
                bool hit = random_uniform(&random) < share;
                bool reports = random_below(&random, 2) == 0;
                hit_here += hit;
                seats.unseen += !reports;
                seats.reporting += reports;
                seats.shown += reports && hit;
            }
            hosts += hit_here;
            customers += hit_here > 0;
            assert_true(impact_population_add(&population, &seats, 1, &failure));
        }
        const struct impact_drawing drawing = {.seed = (uint64_t)t, .heard_for = INSTANT_DAY};
        struct impact_estimate made = estimate(&population, &drawing, &arena);
        hosts_inside += hosts >= made.hosts.low && hosts <= made.hosts.high;
        customers_inside += customers >= made.customers.low && customers <= made.customers.high;
        impact_population_free(&population);
        arena_free(&arena);
    }
    /* Four standard deviations of a binomial around 135 of 150. */
    assert_in_range(hosts_inside, 120, 150);
    assert_in_range(customers_inside, 120, 150);
}

/* Of 100 customers with four of six hosts reporting a third is immune, and in the others nearly all
 * hosts fall. Beside them strata of one customer each, all of whose hosts fell: that nobody of
 * those is immune is chance, and must not talk the model out of immune customers altogether. Then
 * customers of which nothing shows are immune, and hardly any of them is affected; the truth is
 * that of the draws.
 */
static void small_strata_do_not_tell_that_nobody_is_immune(void **state)
{
    (void)state;
    static const char *const own[] = {"a", "b", "c", "d"};
    double said = 0;
    double there = 0;
    for (uint64_t t = 0; t < 40; t++) {
        struct arena arena = {0};
        struct impact_population population = {0};
        for (uint64_t i = 0; i < 104; i++) {
            struct random_stream random = random_stream_new(t + 2000, i);
            bool alone = i >= 100;
            bool immune = random_below(&random, 3) == 0;
            double share = alone ? 1 : immune ? 0 : random_beta(&random, 8, 2);
            struct impact_seats seats = {.kind = CUSTOMER_CORPORATE,
                                         .tier = alone ? own[i - 100] : tiers[0],
                                         .reporting = 4,
                                         .unseen = 2};
            uint32_t unseen_hit = 0;
            for (int s = 0; s < 6; s++) {
                bool hit = random_uniform(&random) < share;
                seats.shown += s < 4 && hit;
                unseen_hit += s >= 4 && hit;
            }
            there += seats.shown == 0 && unseen_hit > 0;
            assert_true(impact_population_add(&population, &seats, 1, &failure));
        }
        const struct impact_drawing drawing = {.seed = t, .heard_for = INSTANT_DAY};
        struct impact_estimate made = estimate(&population, &drawing, &arena);
        said += made.unseen_customers.likely;
        impact_population_free(&population);
        arena_free(&arena);
    }
    /* 11 of the 4,160 customers; were nobody taken for immune, it would be said to be 160. */
    assert_close(said, there, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_beta_binomial_is_an_urn),
        cmocka_unit_test(large_customers_are_as_the_sum_has_them),
        cmocka_unit_test(what_a_customer_adds_is_the_sum_over_outcomes),
        cmocka_unit_test(who_shows_by_chance_alone_is_told_apart),
        cmocka_unit_test(the_same_customers_and_seed_give_the_same_draws),
        cmocka_unit_test(everybody_reporting_leaves_nothing_to_estimate),
        cmocka_unit_test(whoever_has_hardly_listened_knows_less),
        cmocka_unit_test(ranges_hold_what_the_model_draws),
        cmocka_unit_test(small_strata_do_not_tell_that_nobody_is_immune),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
