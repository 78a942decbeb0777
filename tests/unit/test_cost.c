/* The cost estimate against closed forms. With all but one range a single value, the cost is a
 * straight line in one PERT variable, whose quantiles are known: PERT with the likely value at an
 * end is a power of a uniform, in the middle it is beta(3, 3).
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/cost.h"
#include "common/instant.h"
#include "common/random_stream.h"

#define DRAWS 10000.0

static struct range exactly(double value)
{
    return (struct range){.low = value, .likely = value, .high = value};
}

static void set(struct cost_parameters *parameters, const char *name, struct range range)
{
    struct cost_parameter parameter = {.range = range, .source = "a test", .dated = "2026-11-23"};
    struct failure failure = {0};
    snprintf(parameter.name, sizeof parameter.name, "%s", name);
    if (!cost_parameters_set(parameters, &parameter, &failure)) {
        fail_msg("%s", failure.message);
    }
}

static struct cost_parameters all_exactly(double value)
{
    struct cost_parameters parameters;
    cost_parameters_default(&parameters);
    for (size_t i = 0; i < parameters.count; i++) {
        set(&parameters, parameters.items[i].name, exactly(value));
    }
    return parameters;
}

static void assert_close(double actual, double expected, double tolerance)
{
    if (!(fabs(actual - expected) <= tolerance)) {
        fail_msg("%.12g is not %.12g within %g", actual, expected, tolerance);
    }
}

static void assert_ordered(const struct cost_estimate *estimate)
{
    assert_true(estimate->p10 >= 0);
    assert_true(estimate->p10 <= estimate->p50);
    assert_true(estimate->p50 <= estimate->p90);
    assert_true(isfinite(estimate->p90));
}

static void the_defaults_are_whole_and_say_their_source(void **state)
{
    (void)state;
    struct cost_parameters parameters;
    cost_parameters_default(&parameters);
    assert_int_equal(parameters.count, 9);
    for (size_t i = 0; i < parameters.count; i++) {
        const struct cost_parameter *one = &parameters.items[i];
        assert_true(one->range.low >= 0 && one->range.low <= one->range.likely &&
                    one->range.likely <= one->range.high && one->range.low < one->range.high);
        assert_true(strlen(one->name) > 0 && strlen(one->unit) > 0 && strlen(one->source) > 0);
        assert_true(memchr(one->source, '\0', sizeof one->source) != NULL);
        char midnight[INSTANT_TEXT_SIZE];
        instant_us dated;
        snprintf(midnight, sizeof midnight, "%sT00:00:00Z", one->dated);
        assert_true(instant_parse(midnight, &dated, NULL));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(one->name, parameters.items[j].name);
        }
        /* What the table gives back is taken. */
        struct failure failure;
        struct cost_parameter copy = *one;
        assert_true(cost_parameters_set(&parameters, &copy, &failure));
    }
}

static void bad_parameters_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct range range;
    } cases[] = {
        {"handle_times", {1, 2, 3}},       {"", {1, 2, 3}},
        {"handle_time", {3, 2, 4}},        {"handle_time", {1, 5, 4}},
        {"handle_time", {-1, 2, 3}},       {"handle_time", {NAN, 2, 3}},
        {"handle_time", {1, NAN, 3}},      {"handle_time", {1, 2, NAN}},
        {"handle_time", {1, 2, INFINITY}}, {"handle_time", {-INFINITY, 2, 3}},
    };
    struct cost_parameters parameters;
    struct cost_parameters before;
    memset(&parameters, 0, sizeof parameters);
    cost_parameters_default(&parameters);
    before = parameters;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cost_parameter parameter = {.range = cases[i].range};
        struct failure failure = {0};
        snprintf(parameter.name, sizeof parameter.name, "%s", cases[i].name);
        assert_false(cost_parameters_set(&parameters, &parameter, &failure));
        assert_int_equal(failure.code, FAILURE_INVALID);
        assert_non_null(strstr(failure.message, cases[i].name));
        assert_memory_equal(&parameters, &before, sizeof before);
    }
}

static void single_values_give_the_exact_product(void **state)
{
    (void)state;
    struct cost_parameters parameters = all_exactly(0);
    set(&parameters, "contact_rate_consumer", exactly(0.15));
    set(&parameters, "contact_rate_corporate", exactly(0.6));
    set(&parameters, "repeat_contacts", exactly(1.5));
    set(&parameters, "handle_time", exactly(16));
    set(&parameters, "cost_per_minute", exactly(1.25));
    set(&parameters, "remediation_rate", exactly(0.02));
    set(&parameters, "remediation_time", exactly(20));
    set(&parameters, "claim_rate", exactly(0.1));
    set(&parameters, "reimbursement", exactly(40));
    struct cost_basis basis = {.consumers = exactly(170000),
                               .corporates = exactly(652),
                               .corporate_hosts = exactly(10000)};
    struct cost_estimate estimate;
    cost_estimate(&parameters, &basis, 1, &estimate);
    /* By hand: contacts (25,500 + 391.2) x 1.5 = 38,836.8, times 16 min = 621,388.8; visits
     * 10,000 x 0.02 x 20 = 4,000 min; 625,388.8 min at 1.25 = 781,736; claims 17,000 x 40. */
    assert_close(estimate.p10, 781736 + 680000, 1e-6);
    assert_close(estimate.p50, 781736 + 680000, 1e-6);
    assert_close(estimate.p90, 781736 + 680000, 1e-6);
    assert_string_equal(estimate.currency, "USD");
    assert_true(estimate.seed == 1);
    for (size_t i = 0; i < 3; i++) {
        assert_null(estimate.drivers[i].parameter);
        assert_true(estimate.drivers[i].swing == 0);
    }
}

static void nobody_affected_costs_nothing(void **state)
{
    (void)state;
    struct cost_parameters parameters;
    cost_parameters_default(&parameters);
    struct cost_basis basis = {.consumers = exactly(0)};
    struct cost_estimate estimate;
    cost_estimate(&parameters, &basis, 1, &estimate);
    assert_true(estimate.p10 == 0 && estimate.p50 == 0 && estimate.p90 == 0);
    assert_null(estimate.drivers[0].parameter);
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

static void one_range_has_the_quantiles_of_its_distribution(void **state)
{
    (void)state;
    /* All else is 1, with 1000 consumers, 100 corporates and 50 corporate hosts: how much cost is
     * fixed, and how much goes with the one parameter. */
    static const struct {
        const char *name;
        double fixed, slope;
    } lines[] = {
        {"contact_rate_consumer", 100 + 50 + 1000, 1000},
        {"contact_rate_corporate", 1000 + 50 + 1000, 100},
        {"repeat_contacts", 50 + 1000, 1100},
        {"handle_time", 50 + 1000, 1100},
        {"cost_per_minute", 1000, 1100 + 50},
        {"remediation_rate", 1100 + 1000, 50},
        {"remediation_time", 1100 + 1000, 50},
        {"claim_rate", 1100 + 50, 1000},
        {"reimbursement", 1100 + 50, 1000},
    };
    static const double shares[] = {0.1, 0.5, 0.9};
    const struct cost_basis basis = {
        .consumers = exactly(1000), .corporates = exactly(100), .corporate_hosts = exactly(50)};
    for (size_t l = 0; l < sizeof lines / sizeof *lines; l++) {
        for (int s = 0; s < 3; s++) {
            struct shape shape = shape_at(s * 0.5);
            struct cost_parameters parameters = all_exactly(1);
            const double low = 2;
            const double width = 4;
            set(&parameters, lines[l].name,
                (struct range){low, low + width * shape.likely, low + width});
            struct cost_estimate estimate;
            cost_estimate(&parameters, &basis, 3, &estimate);
            const double figures[] = {estimate.p10, estimate.p50, estimate.p90};
            for (int i = 0; i < 3; i++) {
                double expected =
                    lines[l].fixed + lines[l].slope * (low + width * shape.quantiles[i]);
                double error = sqrt(shares[i] * (1 - shares[i]) / DRAWS) / shape.densities[i];
                assert_close(figures[i], expected, 5 * error * width * lines[l].slope);
            }
            /* Only this parameter moves the cost, by exactly its range. */
            assert_string_equal(estimate.drivers[0].parameter, lines[l].name);
            assert_close(estimate.drivers[0].swing, width * lines[l].slope, 1e-6);
            assert_null(estimate.drivers[1].parameter);
            assert_null(estimate.drivers[2].parameter);
        }
    }
}

static void a_range_of_the_basis_has_the_quantiles_of_its_distribution(void **state)
{
    (void)state;
    const struct range ranges[] = {{100, 100, 500}, {100, 300, 500}, {100, 500, 500}};
    for (int which = 0; which < 3; which++) {
        for (int s = 0; s < 3; s++) {
            struct shape shape = shape_at(s * 0.5);
            struct cost_parameters parameters = all_exactly(1);
            struct cost_basis basis = {.consumers = exactly(0)};
            struct range *parts[] = {&basis.consumers, &basis.corporates, &basis.corporate_hosts};
            *parts[which] = ranges[s];
            /* A consumer costs a contact and a claim. */
            double slope = which == 0 ? 2 : 1;
            struct cost_estimate estimate;
            cost_estimate(&parameters, &basis, 3, &estimate);
            double error = sqrt(0.25 / DRAWS) / shape.densities[1];
            assert_close(estimate.p50, slope * (100 + 400 * shape.quantiles[1]),
                         5 * error * 400 * slope);
        }
    }
}

static void the_largest_swings_are_named_in_order(void **state)
{
    (void)state;
    struct cost_parameters parameters = all_exactly(1);
    set(&parameters, "claim_rate", (struct range){0, 1, 2});
    set(&parameters, "remediation_rate", (struct range){0, 1, 2});
    set(&parameters, "contact_rate_corporate", (struct range){0, 1, 2});
    set(&parameters, "contact_rate_consumer", (struct range){0.5, 1, 1.5});
    const struct cost_basis basis = {
        .consumers = exactly(1000), .corporates = exactly(100), .corporate_hosts = exactly(50)};
    struct cost_estimate estimate;
    cost_estimate(&parameters, &basis, 3, &estimate);
    /* Swings of about 2000, 1000, 200 and 100: each shifts every draw by a constant. */
    assert_string_equal(estimate.drivers[0].parameter, "claim_rate");
    assert_string_equal(estimate.drivers[1].parameter, "contact_rate_consumer");
    assert_string_equal(estimate.drivers[2].parameter, "contact_rate_corporate");
    assert_close(estimate.drivers[0].swing, 2000, 1e-6);
    assert_close(estimate.drivers[1].swing, 1000, 1e-6);
    assert_close(estimate.drivers[2].swing, 200, 1e-6);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    struct cost_parameters parameters;
    cost_parameters_default(&parameters);
    const struct cost_basis basis = {.consumers = {80000, 100000, 140000},
                                     .corporates = {500, 652, 900},
                                     .corporate_hosts = {9000, 15000, 40000}};
    struct cost_estimate first;
    struct cost_estimate again;
    struct cost_estimate other;
    cost_estimate(&parameters, &basis, 11, &first);
    cost_estimate(&parameters, &basis, 11, &again);
    cost_estimate(&parameters, &basis, 12, &other);
    assert_true(first.p10 == again.p10 && first.p50 == again.p50 && first.p90 == again.p90);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(first.drivers[i].parameter, again.drivers[i].parameter);
        assert_true(first.drivers[i].swing == again.drivers[i].swing);
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
        struct cost_parameters parameters;
        cost_parameters_default(&parameters);
        for (size_t i = 0; i < parameters.count; i++) {
            parameters.items[i].range = random_range(&random, round % 3 == 0);
        }
        const struct cost_basis basis = {.consumers = random_range(&random, round % 2 == 0),
                                         .corporates = random_range(&random, false),
                                         .corporate_hosts = random_range(&random, false)};
        struct cost_estimate estimate;
        cost_estimate(&parameters, &basis, random_bits(&random), &estimate);
        assert_ordered(&estimate);
        assert_true(estimate.drivers[0].swing >= estimate.drivers[1].swing);
        assert_true(estimate.drivers[1].swing >= estimate.drivers[2].swing);
    }
}

static void more_affected_cost_more(void **state)
{
    (void)state;
    struct cost_parameters parameters;
    cost_parameters_default(&parameters);
    /* Every step adds customers or hosts of one kind, or widens a range upwards by its own factor,
     * so that every draw grows. */
    static const struct cost_basis steps[] = {
        {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}},
        {{100, 100, 100}, {0, 0, 0}, {0, 0, 0}},
        {{100, 100, 100}, {10, 10, 10}, {0, 0, 0}},
        {{100, 100, 100}, {10, 10, 10}, {5000, 5000, 5000}},
        {{100, 100, 100}, {10, 10, 10}, {5001, 5001, 5001}},
        {{101, 101, 101}, {10, 10, 10}, {5001, 5001, 5001}},
        {{101, 101, 101}, {11, 11, 11}, {5001, 5001, 5001}},
        {{1010, 2020, 4040}, {11, 11, 11}, {5001, 5001, 5001}},
        {{2020, 4040, 8080}, {11, 11, 11}, {5001, 5001, 5001}},
        {{2020, 4040, 8080}, {20, 40, 60}, {6000, 8000, 9000}},
    };
    struct cost_estimate before = {.p10 = -1, .p50 = -1, .p90 = -1};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct cost_estimate estimate;
        cost_estimate(&parameters, &steps[i], 5, &estimate);
        assert_ordered(&estimate);
        assert_true(estimate.p10 > before.p10);
        assert_true(estimate.p50 > before.p50);
        assert_true(estimate.p90 > before.p90);
        before = estimate;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_whole_and_say_their_source),
        cmocka_unit_test(bad_parameters_are_refused),
        cmocka_unit_test(single_values_give_the_exact_product),
        cmocka_unit_test(nobody_affected_costs_nothing),
        cmocka_unit_test(one_range_has_the_quantiles_of_its_distribution),
        cmocka_unit_test(a_range_of_the_basis_has_the_quantiles_of_its_distribution),
        cmocka_unit_test(the_largest_swings_are_named_in_order),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(percentiles_are_in_order_whatever_the_ranges),
        cmocka_unit_test(more_affected_cost_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
