/* The parameters of the cost: defaults, refusals, scopes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/cost_parameters.h"
#include "common/failure.h"
#include "common/instant.h"
#include "tests/unit/cost_cases.h"

static void the_defaults_are_whole_and_say_their_source(void **state)
{
    (void)state;
    struct cost_parameters *parameters = the_defaults();
    assert_int_equal(parameters->count, COST_NAME_COUNT);
    for (size_t i = 0; i < parameters->count; i++) {
        const struct cost_parameter *one = &parameters->items[i];
        assert_true(one->range.low >= 0 && one->range.low <= one->range.likely &&
                    one->range.likely <= one->range.high && one->range.low < one->range.high);
        assert_true(strlen(one->name) > 0 && strlen(one->unit) > 0 && strlen(one->source) > 0);
        /* Not cut off. */
        assert_true(strlen(one->source) + 1 < sizeof one->source);
        assert_true(strlen(one->unit) + 1 < sizeof one->unit);
        char midnight[INSTANT_TEXT_SIZE];
        instant_us dated;
        snprintf(midnight, sizeof midnight, "%sT00:00:00Z", one->dated);
        assert_true(instant_parse(midnight, &dated, NULL));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(one->name, parameters->items[j].name);
        }
        /* What the table gives back is taken. */
        struct failure failure;
        struct cost_parameter copy = *one;
        assert_true(cost_parameters_set(parameters, &copy, &failure));
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
        {"churn_rate", {1, 2, 5}},         {"written_share", {0, 0.5, 1.1}},
    };
    struct cost_parameters *parameters = the_defaults();
    struct cost_parameters *before = the_defaults();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cost_parameter parameter = {.range = cases[i].range};
        struct failure failure = {0};
        snprintf(parameter.name, sizeof parameter.name, "%s", cases[i].name);
        assert_false(cost_parameters_set(parameters, &parameter, &failure));
        assert_int_equal(failure.code, FAILURE_INVALID);
        assert_non_null(strstr(failure.message, cases[i].name));
        assert_memory_equal(parameters, before, sizeof *before);
    }
}

static void the_narrowest_scope_holds(void **state)
{
    (void)state;
    struct cost_parameters *parameters = all_exactly(1);
    static const struct cost_scope scopes[] = {{.region = "Japan"},
                                               {.tier = "premium"},
                                               {.product_line = "OfficeScan"},
                                               {.region = "Japan", .tier = "premium"},
                                               {.tier = "premium", .product_line = "OfficeScan"}};
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        set_in(parameters, "handle_time", scopes[i], exactly(2 + (double)i));
    }
    static const struct {
        const char *region, *tier, *product_line;
        double value;
    } cases[] = {{"Japan", NULL, NULL, 2},
                 {"Japan", "basic", "VirusBuster", 2},
                 {"Taiwan", "premium", NULL, 3},
                 {"Taiwan", "basic", "OfficeScan", 4},
                 {"Japan", "basic", "OfficeScan", 2}, /* region before product line */
                 {"Taiwan", "premium", "OfficeScan", 6},
                 {"Japan", "premium", "OfficeScan", 5}, /* two each: the one with the region */
                 {"Taiwan", "basic", NULL, 1},
                 {NULL, NULL, NULL, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t found = cost_parameters_find(parameters, HANDLE_TIME, cases[i].region, cases[i].tier,
                                            cases[i].product_line);
        assert_true(parameters->items[found].range.likely == cases[i].value);
    }
    /* Setting the same scope again replaces it. */
    size_t count = parameters->count;
    set_in(parameters, "handle_time", scopes[1], exactly(9));
    assert_int_equal(parameters->count, count);
    size_t found = cost_parameters_find(parameters, HANDLE_TIME, "Taiwan", "premium", NULL);
    assert_true(parameters->items[found].range.likely == 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_defaults_are_whole_and_say_their_source, free_arena),
        cmocka_unit_test_teardown(bad_parameters_are_refused, free_arena),
        cmocka_unit_test_teardown(the_narrowest_scope_holds, free_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
