/* Draws that are kept are those that would be drawn again. Oracle: the same parameters drawn with
 * nothing kept. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/cost_draws.h"
#include "common/failure.h"
#include "tests/unit/cost_cases.h"

static struct cost_draws *drawn(const struct cost_parameters *parameters, uint64_t seed,
                                const struct cost_draws *like)
{
    struct cost_draws *draws = NULL;
    struct failure failure = {0};
    if (!cost_draws_new(parameters, seed, like, &draws, &failure)) {
        fail_msg("%s", failure.message);
    }
    return draws;
}

static void add_scheme(struct cost_parameters *parameters, const char *name, struct range amount)
{
    struct cost_scheme scheme = {
        .consumers = true, .recipients = RECIPIENTS_AFFECTED, .form = FORM_FIXED, .amount = amount};
    struct failure failure = {0};
    strncpy(scheme.name, name, sizeof scheme.name - 1);
    assert_true(cost_parameters_set_scheme(parameters, &scheme, &failure));
}

/* Rows for all customers, for one region, and schemes. */
static struct cost_parameters *all_sorts(void)
{
    struct cost_parameters *parameters = the_defaults();
    set_in(parameters, "handle_time", (struct cost_scope){.region = "Japan"},
           (struct range){10, 20, 30});
    set_in(parameters, "handle_time", (struct cost_scope){.region = "Taiwan"},
           (struct range){10, 20, 30});
    set_in(parameters, "claim_rate", (struct cost_scope){.tier = "plus"},
           (struct range){0.1, 0.2, 0.3});
    add_scheme(parameters, "a voucher", (struct range){5, 10, 15});
    add_scheme(parameters, "another", (struct range){5, 10, 15});
    return parameters;
}

static void change_nothing(struct cost_parameters *parameters)
{
    (void)parameters;
}

static void change_the_leader(struct cost_parameters *parameters)
{
    set(parameters, "handle_time", (struct range){1, 2, 90});
}

static void fix_the_leader(struct cost_parameters *parameters)
{
    set(parameters, "handle_time", exactly(4));
}

static void change_a_region(struct cost_parameters *parameters)
{
    set_in(parameters, "handle_time", (struct cost_scope){.region = "Taiwan"},
           (struct range){10, 20, 31});
}

static void add_a_region(struct cost_parameters *parameters)
{
    set_in(parameters, "handle_time", (struct cost_scope){.region = "Europe"},
           (struct range){10, 20, 30});
}

static void change_a_scheme(struct cost_parameters *parameters)
{
    add_scheme(parameters, "a voucher", (struct range){5, 10, 16});
}

static void add_one_scheme(struct cost_parameters *parameters)
{
    add_scheme(parameters, "a third", (struct range){5, 10, 15});
}

static const struct {
    void (*change)(struct cost_parameters *parameters);
    bool same;
} changes[] = {{change_nothing, true},   {change_the_leader, false}, {fix_the_leader, false},
               {change_a_region, false}, {add_a_region, false},      {change_a_scheme, false},
               {add_one_scheme, false}};

static void assert_same_draws(const struct cost_draws *actual, const struct cost_draws *expected)
{
    assert_int_equal(actual->count, expected->count);
    for (size_t i = 0; i < expected->count; i++) {
        assert_memory_equal(actual->rows[i].draws, expected->rows[i].draws,
                            COST_DRAWS * sizeof(double));
    }
    assert_memory_equal(&actual->needs, &expected->needs, sizeof expected->needs);
}

static void what_is_kept_is_what_would_be_drawn(void **state)
{
    (void)state;
    struct cost_draws *before = drawn(all_sorts(), 7, NULL);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct cost_parameters *parameters = all_sorts();
        changes[i].change(parameters);
        struct cost_draws *with = drawn(parameters, 7, before);
        struct cost_draws *without = drawn(parameters, 7, NULL);
        assert_same_draws(with, without);
        cost_draws_release(with);
        cost_draws_release(without);
    }
    cost_draws_release(before);
}

static void another_seed_draws_anew(void **state)
{
    (void)state;
    struct cost_parameters *parameters = all_sorts();
    struct cost_draws *before = drawn(parameters, 7, NULL);
    struct cost_draws *with = drawn(parameters, 8, before);
    struct cost_draws *without = drawn(parameters, 8, NULL);
    assert_same_draws(with, without);
    assert_true(with->rows[HANDLE_TIME].draws[0] != before->rows[HANDLE_TIME].draws[0]);
    assert_false(cost_draws_are_of(before, parameters, 8));
    cost_draws_release(with);
    cost_draws_release(without);
    cost_draws_release(before);
}

static void a_change_is_seen(void **state)
{
    (void)state;
    struct cost_draws *before = drawn(all_sorts(), 7, NULL);
    assert_false(cost_draws_are_of(NULL, all_sorts(), 7));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct cost_parameters *parameters = all_sorts();
        changes[i].change(parameters);
        assert_int_equal(cost_draws_are_of(before, parameters, 7), changes[i].same);
    }
    cost_draws_release(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_kept_is_what_would_be_drawn, free_arena),
        cmocka_unit_test_teardown(another_seed_draws_anew, free_arena),
        cmocka_unit_test_teardown(a_change_is_seen, free_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
