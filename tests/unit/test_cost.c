/* The cost estimate against closed forms. With all but one range a single value, the cost is a
 * straight line in one PERT variable, whose quantiles are known: PERT with the likely value at an
 * end is a power of a uniform, in the middle it is beta(3, 3).
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/cost.h"
#include "common/arena.h"
#include "common/failure.h"
#include "common/random_stream.h"
#include "tests/unit/cost_cases.h"

#define DRAWS ((double)COST_DRAWS)

static void assert_ordered(const struct cost_estimate *estimate)
{
    assert_true(estimate->p10 >= 0);
    assert_true(estimate->p10 <= estimate->p50);
    assert_true(estimate->p50 <= estimate->p90);
    assert_true(estimate->p5 <= estimate->p10 && estimate->p90 <= estimate->p95);
    assert_true(isfinite(estimate->p95) && isfinite(estimate->mean));
}

/* ---- Closed forms ---- */

static void single_values_give_the_exact_product(void **state)
{
    (void)state;
    struct cost_parameters *parameters = all_exactly(0);
    static const struct {
        const char *name;
        double value;
    } values[] = {{"contact_rate_consumer", 0.15},
                  {"contact_rate_corporate", 0.6},
                  {"contact_rate_host", 0.01},
                  {"bystander_rate", 0.001},
                  {"repeat_contacts", 1.5},
                  {"attempts_per_caller", 4},
                  {"written_share", 0.25},
                  {"handle_time", 16},
                  {"written_time", 8},
                  {"cost_per_minute", 1.25},
                  {"contact_hours", 78},
                  {"overtime_premium", 0.4},
                  {"remediation_rate", 0.02},
                  {"remediation_time", 20},
                  {"visit_rate", 0.001},
                  {"visit_cost", 200},
                  {"claim_rate", 0.1},
                  {"reimbursement", 40},
                  {"partner_share", 0.01},
                  {"partner_contact_cost", 20},
                  {"notice_cost", 0.05},
                  {"monthly_price_consumer", 3},
                  {"monthly_price_host", 4},
                  {"churn_rate", 0.005},
                  {"down_hours", 10},
                  {"host_hour_consumer", 2},
                  {"host_hour_corporate", 40}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        set(parameters, values[i].name, exactly(values[i].value));
    }
    struct cost_scheme scheme = {.name = "a month for all in Japan",
                                 .scope = {.region = "Japan"},
                                 .consumers = true,
                                 .recipients = RECIPIENTS_ELIGIBLE,
                                 .form = FORM_FREE_MONTHS,
                                 .amount = exactly(1)};
    struct failure failure;
    assert_true(cost_parameters_set_scheme(parameters, &scheme, &failure));
    scheme = (struct cost_scheme){.name = "a voucher",
                                  .corporates = true,
                                  .recipients = RECIPIENTS_AFFECTED,
                                  .form = FORM_FIXED,
                                  .amount = exactly(10)};
    assert_true(cost_parameters_set_scheme(parameters, &scheme, &failure));

    struct cost_basis basis = basis_of(exactly(170000), exactly(652), exactly(10000));
    struct cost_stratum strata[2] = {basis.strata[0], basis.strata[1]};
    strata[0].customers_all = 3500000;
    strata[1].customers_all = 5000;
    strata[1].hosts_all = 100000;
    basis.strata = strata;
    basis.growth_an_hour = 0.1;
    struct cost_estimate estimate = estimate_of(parameters, &basis, 1);

    /* By hand: affected callers 25,500 and 391.2 + 100; others 3,330 and 4.348. */
    double callers = 25500 + 3330 + 491.2 + 4.348;
    double contacts = callers * 1.5;
    double lines[] = {contacts * 0.75 * 16 * 1.25,
                      contacts * 0.25 * 8 * 1.25,
                      contacts * 0.75 * 16 * 1.25 * 0.4,
                      10000 * 0.02 * 20 * 1.25,
                      10000 * 0.001 * 200,
                      17000 * 40,
                      6520,
                      contacts * 0.01 * 20,
                      3505000 * 0.05};
    double cost = 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_figure(&estimate.lines[i].figure, lines[i]);
        cost += lines[i];
    }
    assert_int_equal(estimate.line_count, 9);
    struct cost_figure all = {estimate.p10, estimate.p50, estimate.p90, estimate.mean};
    assert_figure(&all, cost);
    assert_figure(&estimate.callers, callers);
    assert_figure(&estimate.contacts, contacts);
    assert_figure(&estimate.phone, 0.75 * contacts);
    assert_figure(&estimate.written, 0.25 * contacts);
    assert_figure(&estimate.attempts, callers * 0.75 * 4 + 0.25 * contacts);
    /* Beside the cost. A corporate customer has 20 hosts. */
    assert_figure(&estimate.deferred_revenue, 3500000.0 * 3);
    assert_figure(&estimate.revenue_at_risk, 0.005 * 12 * (170000 * 3 + 652 * 20 * 4));
    assert_figure(&estimate.customers_loss, 10 * (170000.0 * 2 + 10000.0 * 40));
    double varying = (lines[0] + lines[1] + lines[2] + lines[7]) * (25500 + 491.2) / callers +
                     lines[3] + lines[4] + lines[5] + lines[6];
    assert_figure(&estimate.further_hour, 0.1 * varying);
    assert_string_equal(estimate.currency, "USD");
    assert_true(estimate.seed == 1);
    assert_int_equal(estimate.tornado_count, 0);
    assert_null(estimate.drivers[0].parameter);
    assert_int_equal(estimate.queue_count, 1);
    assert_true(isnan(estimate.queues[0].wait_s.p50));
}

static void nobody_affected_costs_nothing(void **state)
{
    (void)state;
    struct cost_basis basis = basis_of(exactly(0), exactly(0), exactly(0));
    struct cost_estimate estimate = estimate_of(the_defaults(), &basis, 1);
    assert_true(estimate.p10 == 0 && estimate.p50 == 0 && estimate.p90 == 0);
    assert_null(estimate.drivers[0].parameter);
    struct cost_basis none = {.growth_an_hour = NAN};
    estimate = estimate_of(the_defaults(), &none, 1);
    assert_true(estimate.p90 == 0 && estimate.region_count == 0);
}

/* Quantiles of a PERT on [0, 1] and the density there, for the error of a sample's quantile. */
struct shape {
    double likely;
    double quantiles[3], densities[3];
};

/* Likely at the low end: beta(1, 5), F = 1 - (1-x)^5. At the high end: beta(5, 1), F = x^5. In the
 * middle: beta(3, 3), F = 6x^5 - 15x^4 + 10x^3, whose 10 % quantile is 0.246636. */
static struct shape shape_at(double likely)
{
    static const double shares[] = {0.1, 0.5, 0.9};
    struct shape shape = {.likely = likely};
    for (int i = 0; i < 3; i++) {
        double x;
        if (likely == 0) {
            x = 1 - pow(1 - shares[i], 0.2);
            shape.densities[i] = 5 * pow(1 - x, 4);
        } else if (likely == 1) {
            x = pow(shares[i], 0.2);
            shape.densities[i] = 5 * pow(x, 4);
        } else {
            x = i == 0 ? 0.246636 : i == 1 ? 0.5 : 1 - 0.246636;
            shape.densities[i] = 30 * x * x * (1 - x) * (1 - x);
        }
        shape.quantiles[i] = x;
    }
    return shape;
}

/* What a cost of `fixed` plus `slope` times a PERT on [2, 6] must look like. */
static void assert_line(const struct cost_estimate *estimate, const struct shape *shape,
                        double fixed, double slope)
{
    static const double shares[] = {0.1, 0.5, 0.9};
    const double figures[] = {estimate->p10, estimate->p50, estimate->p90};
    for (int i = 0; i < 3; i++) {
        double error = sqrt(shares[i] * (1 - shares[i]) / DRAWS) / shape->densities[i];
        assert_close(figures[i], fixed + slope * (2 + 4 * shape->quantiles[i]),
                     5 * error * 4 * slope);
    }
    /* PERT's mean (a + 4m + b) / 6; its variance (mean - a)(b - mean) / 7. */
    double mean = (2 + 4 * (2 + 4 * shape->likely) + 6) / 6;
    double deviation = sqrt((mean - 2) * (6 - mean) / 7);
    assert_close(estimate->mean, fixed + slope * mean, 5 * slope * deviation / sqrt(DRAWS));
}

static void one_range_has_the_moments_of_its_distribution(void **state)
{
    (void)state;
    /* All else is 1 but for what would multiply, 0: 1000 consumers, 100 corporates, 50 corporate
     * hosts. Nobody writes, nobody is told. How much cost is fixed, and how much goes along. */
    static const struct {
        const char *name;
        double fixed, slope;
    } lines[] = {{"contact_rate_consumer", 100 + 50 + 50 + 1000, 1000},
                 {"contact_rate_corporate", 1000 + 50 + 50 + 1000, 100},
                 {"repeat_contacts", 50 + 50 + 1000, 1100},
                 {"handle_time", 50 + 50 + 1000, 1100},
                 {"cost_per_minute", 50 + 1000, 1100 + 50},
                 {"remediation_time", 1100 + 50 + 1000, 50},
                 {"visit_rate", 1100 + 50 + 1000, 50},
                 {"visit_cost", 1100 + 50 + 1000, 50},
                 {"overtime_premium", 1100 + 50 + 50 + 1000, 1100},
                 {"reimbursement", 1100 + 50 + 50, 1000},
                 {"notice_cost", 1100 + 50 + 50 + 1000, 1100}};
    for (size_t l = 0; l < sizeof lines / sizeof *lines; l++) {
        for (int s = 0; s < 3; s++) {
            struct shape shape = shape_at(s * 0.5);
            struct cost_basis basis = basis_of(exactly(1000), exactly(100), exactly(50));
            struct cost_parameters *parameters = all_exactly(1);
            set(parameters, "written_share", exactly(0));
            set(parameters, "contact_rate_host", exactly(0));
            set(parameters, "partner_share", exactly(0));
            set(parameters, "notice_cost", exactly(0));
            set(parameters, "overtime_premium", exactly(0));
            set(parameters, lines[l].name, (struct range){2, 2 + 4 * shape.likely, 6});
            struct cost_estimate estimate = estimate_of(parameters, &basis, 3);
            assert_line(&estimate, &shape, lines[l].fixed, lines[l].slope);
            /* Only this parameter moves the cost, by exactly its range. */
            assert_int_equal(estimate.tornado_count, 1);
            assert_string_equal(estimate.drivers[0].parameter, lines[l].name);
            assert_close(estimate.drivers[0].swing, 4 * lines[l].slope, 1e-6);
            assert_null(estimate.drivers[1].parameter);
            free_arena(NULL);
        }
    }
}

static void a_range_of_the_basis_has_the_moments_of_its_distribution(void **state)
{
    (void)state;
    for (int s = 0; s < 3; s++) {
        struct shape shape = shape_at(s * 0.5);
        struct cost_parameters *parameters = all_exactly(1);
        set(parameters, "written_share", exactly(0));
        set(parameters, "partner_share", exactly(0));
        set(parameters, "notice_cost", exactly(0));
        set(parameters, "overtime_premium", exactly(0));
        /* A consumer costs a contact and a claim. */
        struct cost_basis basis =
            basis_of((struct range){2, 2 + 4 * shape.likely, 6}, exactly(0), exactly(0));
        struct cost_estimate estimate = estimate_of(parameters, &basis, 3);
        assert_line(&estimate, &shape, 0, 2);
    }
}

/* Independent factors: the mean of the product is the product of the means, and the second moments
 * multiply. */
static void a_product_has_the_product_of_the_moments(void **state)
{
    (void)state;
    const struct range factors[] = {{5, 20, 90}, {0.1, 0.15, 0.4}, {8, 15, 30}, {0.4, 1.5, 4.4}};
    static const char *const names[] = {"", "contact_rate_consumer", "handle_time",
                                        "cost_per_minute"};
    struct cost_parameters *parameters = all_exactly(0);
    set(parameters, "repeat_contacts", exactly(1));
    double mean = 1;
    double square = 1;
    for (int i = 0; i < 4; i++) {
        const struct range *range = &factors[i];
        double m = (range->low + 4 * range->likely + range->high) / 6;
        mean *= m;
        square *= m * m + (m - range->low) * (range->high - m) / 7;
        if (i > 0) {
            set(parameters, names[i], *range);
        }
    }
    struct cost_basis basis = basis_of(factors[0], exactly(0), exactly(0));
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct cost_estimate estimate = estimate_of(parameters, &basis, seed);
        assert_close(estimate.mean, mean, 4 * sqrt((square - mean * mean) / DRAWS));
    }
}

/* The cost written out once more, with truths drawn from the same ranges: nine in ten of them lie
 * in the interval that says so. */
static double true_cost(struct random_stream *random, const struct cost_parameters *parameters,
                        const struct cost_basis *basis)
{
    double v[COST_NAME_COUNT];
    for (int n = 0; n < COST_NAME_COUNT; n++) {
        const struct range *range = &parameters->items[n].range;
        v[n] = random_pert(random, range->low, range->likely, range->high);
    }
    double callers[2];
    double customers[2];
    double hosts[2];
    for (int s = 0; s < 2; s++) {
        const struct range *c = &basis->strata[s].customers;
        const struct range *h = &basis->strata[s].hosts;
        customers[s] = random_pert(random, c->low, c->likely, c->high);
        hosts[s] = random_pert(random, h->low, h->likely, h->high);
    }
    callers[0] = customers[0] * v[CONTACT_RATE_CONSUMER];
    callers[1] = customers[1] * v[CONTACT_RATE_CORPORATE] + hosts[1] * v[CONTACT_RATE_HOST];
    double contacts = (callers[0] + callers[1]) * v[REPEAT_CONTACTS];
    double calling = contacts * (1 - v[WRITTEN_SHARE]) * v[HANDLE_TIME] * v[COST_PER_MINUTE];
    double writing = contacts * v[WRITTEN_SHARE] * v[WRITTEN_TIME] * v[COST_PER_MINUTE];
    return calling * (1 + v[OVERTIME_PREMIUM]) + writing +
           contacts * v[PARTNER_SHARE] * v[PARTNER_CONTACT_COST] +
           hosts[1] * v[REMEDIATION_RATE] * v[REMEDIATION_TIME] * v[COST_PER_MINUTE] +
           hosts[1] * v[VISIT_RATE] * v[VISIT_COST] +
           customers[0] * v[CLAIM_RATE] * v[REIMBURSEMENT] +
           (customers[0] + customers[1]) * v[NOTICE_COST];
}

static void the_interval_holds_the_truth_as_often_as_it_says(void **state)
{
    (void)state;
    enum { TRUTHS = 20000 };
    struct cost_parameters *parameters = the_defaults();
    const struct cost_basis basis =
        basis_of((struct range){20000, 90000, 140000}, (struct range){500, 652, 4000},
                 (struct range){9000, 15000, 80000});
    struct cost_estimate estimate = estimate_of(parameters, &basis, 2);
    struct random_stream random = random_stream_new(77, 1);
    const double bounds[] = {estimate.p5, estimate.p10, estimate.p50, estimate.p90, estimate.p95};
    static const double shares[] = {0.05, 0.1, 0.5, 0.9, 0.95};
    int below[5] = {0};
    double sum = 0;
    for (int i = 0; i < TRUTHS; i++) {
        double truth = true_cost(&random, parameters, &basis);
        sum += truth;
        for (int b = 0; b < 5; b++) {
            below[b] += truth <= bounds[b];
        }
    }
    for (int b = 0; b < 5; b++) {
        double error = sqrt(shares[b] * (1 - shares[b]) * (1 / DRAWS + 1.0 / TRUTHS));
        assert_close((double)below[b] / TRUTHS, shares[b], 4 * error);
    }
    /* The spread of the mean, from the interval: 3.29 deviations wide were it normal. */
    double deviation = (estimate.p95 - estimate.p5) / 3;
    assert_close(sum / TRUTHS, estimate.mean, 4 * deviation * sqrt(1 / DRAWS + 1.0 / TRUTHS));
}

/* ---- Parts ---- */

static void parts_add_up_to_the_cost(void **state)
{
    (void)state;
    static const char *const regions[] = {"Japan", "Taiwan", "Europe"};
    static const char *const product_lines[] = {"OfficeScan", "VirusBuster"};
    struct cost_stratum strata[12];
    for (size_t i = 0; i < 12; i++) {
        strata[i] = (struct cost_stratum){.region = regions[i % 3],
                                          .product_line = product_lines[i / 3 % 2],
                                          .kind = i < 6 ? CUSTOMER_CONSUMER : CUSTOMER_CORPORATE,
                                          .customers = {100, 200 + 50 * (double)i, 2000},
                                          .hosts = {1000, 2000, 9000},
                                          .customers_all = 5000};
    }
    struct cost_basis basis = {.strata = strata, .stratum_count = 12, .growth_an_hour = 0};
    struct cost_parameters *parameters = the_defaults();
    struct failure failure;
    for (uint32_t hour = 0; hour < 24; hour++) {
        assert_true(
            cost_parameters_set_agents(parameters, "Japan", hour, hour < 9 ? 0 : 5, &failure));
    }
    struct cost_estimate estimate = estimate_of(parameters, &basis, 7);
    const struct {
        const struct cost_part *parts;
        size_t count, expected;
    } lists[] = {{estimate.lines, estimate.line_count, 9},
                 {estimate.regions, estimate.region_count, 3},
                 {estimate.product_lines, estimate.product_line_count, 2}};
    for (size_t l = 0; l < 3; l++) {
        double sum = 0;
        assert_int_equal(lists[l].count, lists[l].expected);
        for (size_t i = 0; i < lists[l].count; i++) {
            sum += lists[l].parts[i].figure.mean;
        }
        assert_close(sum, estimate.mean, 1e-9 * estimate.mean);
    }
    assert_true(estimate.lines[2].figure.mean > 0); /* Japan's overtime */
    assert_int_equal(estimate.queue_count, 3);
    assert_close(estimate.contacts.mean, estimate.phone.mean + estimate.written.mean,
                 1e-9 * estimate.contacts.mean);
    assert_true(estimate.attempts.p50 > estimate.contacts.p50);
    assert_true(estimate.contacts.p50 > estimate.callers.p50);
}

/* Draws that belong together stay together: two strata of half the draws each are one of all. */
static void shared_draws_do_not_average_out(void **state)
{
    (void)state;
    static double draws[COST_DRAWS];
    struct random_stream random = random_stream_new(4, 0);
    for (size_t i = 0; i < COST_DRAWS; i++) {
        draws[i] = random_pert(&random, 1000, 2000, 9000);
    }
    struct cost_stratum strata[3];
    for (int i = 0; i < 3; i++) {
        strata[i] = (struct cost_stratum){.region = i == 1 ? "Taiwan" : "Japan",
                                          .customer_draws = draws,
                                          .host_draws = draws,
                                          .customer_share = i == 2 ? 1 : 0.5,
                                          .host_share = i == 2 ? 1 : 0.5};
    }
    struct cost_basis halves = {strata, 2, COST_DRAWS, NAN};
    struct cost_basis whole = {strata + 2, 1, COST_DRAWS, NAN};
    struct cost_parameters *parameters = the_defaults();
    struct cost_estimate two = estimate_of(parameters, &halves, 4);
    struct cost_estimate one = estimate_of(parameters, &whole, 4);
    assert_close(two.p10, one.p10, 1e-9 * one.p10);
    assert_close(two.p90, one.p90, 1e-9 * one.p90);
    /* Nor does a row of a narrower scope with the same range. */
    set_in(parameters, "contact_rate_consumer", (struct cost_scope){.region = "Taiwan"},
           parameters->items[CONTACT_RATE_CONSUMER].range);
    struct cost_estimate scoped = estimate_of(parameters, &halves, 4);
    assert_close(scoped.p10, one.p10, 0.02 * one.p10);
    assert_close(scoped.p90, one.p90, 0.02 * one.p90);
}

/* What a company may take elsewhere goes by its hosts: large and small ones are not of one size. */
static void companies_of_two_sizes_are_not_averaged(void **state)
{
    (void)state;
    static double draws[COST_DRAWS];
    for (size_t i = 0; i < COST_DRAWS; i++) {
        draws[i] = 100;
    }
    struct cost_stratum strata[2];
    for (int i = 0; i < 2; i++) {
        strata[i] = (struct cost_stratum){.region = "Japan",
                                          .tier = i == 0 ? "basic" : "premium",
                                          .kind = CUSTOMER_CORPORATE,
                                          .customer_draws = draws,
                                          .host_draws = draws,
                                          .customer_share = i == 0 ? 0.1 : 0.9,
                                          .host_share = 0.5,
                                          .customers_all = 1000,
                                          .hosts_all = i == 0 ? 2000 : 200000};
    }
    struct cost_parameters *parameters = the_defaults();
    double apart = 0;
    for (int i = 0; i < 2; i++) {
        struct cost_basis one = {strata + i, 1, COST_DRAWS, NAN};
        apart += estimate_of(parameters, &one, 4).revenue_at_risk.mean;
    }
    struct cost_basis both = {strata, 2, COST_DRAWS, NAN};
    struct cost_estimate together = estimate_of(parameters, &both, 4);
    assert_close(together.revenue_at_risk.mean, apart, 1e-9 * apart);
}

/* ---- Drivers, seeds ---- */

static void the_largest_swings_are_named_in_order(void **state)
{
    (void)state;
    struct cost_parameters *parameters = all_exactly(1);
    set(parameters, "written_share", exactly(0));
    set(parameters, "reimbursement", (struct range){0, 1, 2});
    set(parameters, "visit_cost", (struct range){0, 1, 2});
    set(parameters, "contact_rate_corporate", (struct range){0, 1, 2});
    set(parameters, "contact_rate_consumer", (struct range){0.5, 1, 1.5});
    set(parameters, "partner_share", exactly(0));
    set(parameters, "overtime_premium", exactly(0));
    const struct cost_basis basis = basis_of(exactly(1000), exactly(100), exactly(50));
    struct cost_estimate estimate = estimate_of(parameters, &basis, 3);
    static const struct {
        const char *name;
        double swing;
    } expected[] = {{"reimbursement", 2000},
                    {"contact_rate_consumer", 1000},
                    {"contact_rate_corporate", 200},
                    {"visit_cost", 100}};
    assert_int_equal(estimate.tornado_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(estimate.tornado[i].parameter, expected[i].name);
        assert_close(estimate.tornado[i].swing, expected[i].swing, 1e-6);
        assert_close(estimate.tornado[i].at_high - estimate.tornado[i].at_low, expected[i].swing,
                     1e-6);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(estimate.drivers[i].parameter, expected[i].name);
    }
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    const struct cost_basis basis =
        basis_of((struct range){80000, 100000, 140000}, (struct range){500, 652, 900},
                 (struct range){9000, 15000, 40000});
    struct cost_estimate first = estimate_of(the_defaults(), &basis, 11);
    struct cost_estimate again = estimate_of(the_defaults(), &basis, 11);
    struct cost_estimate other = estimate_of(the_defaults(), &basis, 12);
    assert_true(first.p10 == again.p10 && first.p50 == again.p50 && first.p90 == again.p90);
    assert_true(first.mean == again.mean);
    assert_memory_equal(&first.attempts, &again.attempts, sizeof first.attempts);
    assert_int_equal(first.tornado_count, again.tornado_count);
    for (size_t i = 0; i < first.tornado_count; i++) {
        assert_string_equal(first.tornado[i].parameter, again.tornado[i].parameter);
        assert_true(first.tornado[i].swing == again.tornado[i].swing);
    }
    /* Another seed: other draws, nearly the same answer. */
    assert_true(first.p50 != other.p50);
    assert_close(other.p50, first.p50, 0.03 * first.p50);
    assert_close(other.p90, first.p90, 0.03 * first.p90);
}

static struct range random_range(struct random_stream *random, bool likely_at_the_end)
{
    double low = random_exponential(random, 10);
    double likely = low + (likely_at_the_end ? 0 : random_exponential(random, 10));
    return (struct range){low, likely, likely + random_exponential(random, 10)};
}

static void percentiles_are_in_order_whatever_the_ranges(void **state)
{
    (void)state;
    struct random_stream random = random_stream_new(8, 1);
    for (int round = 0; round < 12; round++) {
        struct cost_parameters *parameters = the_defaults();
        for (size_t i = 0; i < parameters->count; i++) {
            if (parameters->items[i].range.high > 1) {
                set(parameters, parameters->items[i].name, random_range(&random, round % 3 == 0));
            }
        }
        const struct cost_basis basis =
            basis_of(random_range(&random, round % 2 == 0), random_range(&random, false),
                     random_range(&random, false));
        struct cost_estimate estimate = estimate_of(parameters, &basis, random_bits(&random));
        assert_ordered(&estimate);
    }
}

static void more_affected_cost_more(void **state)
{
    (void)state;
    struct cost_parameters *parameters = the_defaults();
    double before = 0;
    double scale = 1;
    for (int step = 0; step < 6; step++) {
        struct cost_basis basis = basis_of((struct range){scale, 2 * scale, 4 * scale},
                                           exactly(scale / 10), exactly(scale));
        struct cost_estimate estimate = estimate_of(parameters, &basis, 5);
        assert_true(estimate.p50 > before);
        before = estimate.p50;
        scale *= 10;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(single_values_give_the_exact_product, free_arena),
        cmocka_unit_test_teardown(nobody_affected_costs_nothing, free_arena),
        cmocka_unit_test_teardown(one_range_has_the_moments_of_its_distribution, free_arena),
        cmocka_unit_test_teardown(a_range_of_the_basis_has_the_moments_of_its_distribution,
                                  free_arena),
        cmocka_unit_test_teardown(a_product_has_the_product_of_the_moments, free_arena),
        cmocka_unit_test_teardown(the_interval_holds_the_truth_as_often_as_it_says, free_arena),
        cmocka_unit_test_teardown(parts_add_up_to_the_cost, free_arena),
        cmocka_unit_test_teardown(shared_draws_do_not_average_out, free_arena),
        cmocka_unit_test_teardown(companies_of_two_sizes_are_not_averaged, free_arena),
        cmocka_unit_test_teardown(the_largest_swings_are_named_in_order, free_arena),
        cmocka_unit_test_teardown(the_same_seed_gives_the_same_bytes, free_arena),
        cmocka_unit_test_teardown(percentiles_are_in_order_whatever_the_ranges, free_arena),
        cmocka_unit_test_teardown(more_affected_cost_more, free_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
