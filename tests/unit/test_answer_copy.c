/* Does a copy of the answers say what they said, of its own memory? Oracle: the mouths, which must
 * write the same of both.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/answer_copy.h"
#include "analyzer/cost.h"
#include "analyzer/cost_parameters.h"
#include "analyzer/cost_what_if.h"
#include "tests/unit/sample_answers.h"

static void assert_same(struct buffer *one, struct buffer *other)
{
    assert_true(one->length > 0);
    assert_string_equal(one->data, other->data);
    buffer_free(one);
    buffer_free(other);
}

static void a_copy_says_the_same(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buffer texts[2] = {{0}};
    const struct answers sample = sample_answers();
    const struct answers *all[] = {&sample, answer_copy(&sample, &arena)};
    assert_non_null(all[1]);
    for (int i = 0; i < 2; i++) {
        answer_write_text(all[i], 100, true, 10, &texts[i]);
    }
    assert_same(&texts[0], &texts[1]);
    for (size_t u = 0; u < sample.update_count; u++) {
        for (int i = 0; i < 2; i++) {
            assert_true(answer_write_impact_json(&all[i]->updates[u], 0, &texts[i], NULL) &&
                        answer_write_cost_json(&all[i]->updates[u], 0, &texts[i], NULL));
        }
        assert_same(&texts[0], &texts[1]);
    }
    arena_free(&arena);
}

/* What the original pointed at is overwritten before the copy is asked. */
static void a_copy_stands_alone(void **state)
{
    (void)state;
    enum { DRAWS = 100 };
    static struct cost_parameters parameters;
    static double customers[DRAWS];
    static double hosts[DRAWS];
    char region[] = "JP";
    char id[] = "pattern/1";
    struct arena arena = {0};
    struct arena cost_arena = {0};
    struct buffer texts[2] = {{0}};
    for (int i = 0; i < DRAWS; i++) {
        customers[i] = 100 + i;
        hosts[i] = 200 + 3 * i;
    }
    struct cost_stratum strata[2] = {{.region = region,
                                      .kind = CUSTOMER_CORPORATE,
                                      .customer_draws = customers,
                                      .host_draws = hosts,
                                      .customer_share = 0.75,
                                      .host_share = 0.75}};
    strata[1] = strata[0];
    strata[1].customer_share = strata[1].host_share = 0.25;
    struct cost_basis basis = {
        .strata = strata, .stratum_count = 2, .draw_count = DRAWS, .growth_an_hour = 0.1};
    struct update_answer update = {.id = id, .sentence = "", .action = "", .cost_basis = &basis};
    struct answers answers = {
        .updates = &update, .update_count = 1, .cost_parameters = &parameters};
    cost_parameters_default(&parameters);
    assert_true(cost_estimate(&parameters, &basis, 7, &cost_arena, &update.cost, NULL));
    const struct answers *copy = answer_copy(&answers, &arena);
    assert_non_null(copy);
    assert_true(cost_what_if(&answers, "pattern/1", "handle_time=1,2,3", &texts[0], NULL));

    memset(&parameters, 0, sizeof parameters);
    memset(customers, 0, sizeof customers);
    memset(hosts, 0, sizeof hosts);
    memset(region, '?', 2);
    memset(id, '?', 9);
    arena_free(&cost_arena);
    assert_true(cost_what_if(copy, "pattern/1", "handle_time=1,2,3", &texts[1], NULL));
    assert_same(&texts[0], &texts[1]);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_says_the_same),
        cmocka_unit_test(a_copy_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
