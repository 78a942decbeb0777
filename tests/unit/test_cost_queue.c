/* The support desk in the cost: the table of needs against the search it stands for, and a day's
 * shifts against Erlang A by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/cost_queue.h"
#include "analyzer/erlang.h"
#include "common/failure.h"
#include "common/random_stream.h"
#include "tests/unit/cost_cases.h"

static void tabled_needs_are_the_searched_ones(void **state)
{
    (void)state;
    static struct cost_needs needs;
    cost_needs_make(&needs);
    struct random_stream random = random_stream_new(6, 1);
    for (int i = 0; i < 300; i++) {
        double load = pow(10, -0.5 + 5 * random_uniform(&random));
        double handle_s = 120 * pow(20, random_uniform(&random));
        struct erlang_pool pool = {load * 3600 / handle_s, handle_s, INFINITY, 0};
        double exact = erlang_agents_needed(&pool, COST_SERVICE_LEVEL, COST_SERVICE_WITHIN_S);
        assert_close(cost_needs_agents(&needs, load, handle_s), exact, fmax(1.2, 0.005 * exact));
    }
}

/* 100 calls in half an hour of three minutes each, the worked example that needs 14 agents. */
static void the_desk_is_short_by_the_hour(void **state)
{
    (void)state;
    struct cost_parameters *parameters = all_exactly(0);
    set(parameters, "contact_rate_consumer", exactly(1));
    set(parameters, "repeat_contacts", exactly(1));
    set(parameters, "written_share", exactly(0.2));
    set(parameters, "handle_time", exactly(3));
    set(parameters, "contact_hours", exactly(48));
    set(parameters, "patience", exactly(5));
    set(parameters, "redial_share", exactly(0.5));
    set(parameters, "cost_per_minute", exactly(2));
    set(parameters, "overtime_premium", exactly(0.25));
    struct failure failure;
    for (uint32_t hour = 0; hour < 24; hour++) {
        assert_true(
            cost_parameters_set_agents(parameters, "Japan", hour, hour < 8 ? 20 : 4, &failure));
    }
    struct cost_basis basis = basis_of(exactly(12000), exactly(0), exactly(0)); /* 9600 call */
    struct cost_estimate estimate = estimate_of(parameters, &basis, 1);
    const struct cost_queue *queue = &estimate.queues[0];
    assert_figure(&queue->agents_needed, 14);
    assert_figure(&queue->agents_missing, 10);
    assert_figure(&queue->short_hours, 16);
    assert_figure(&queue->overtime_hours, 10 * 16 * 2);
    /* Extra pay is reckoned before rounding up to whole agents. */
    assert_close(estimate.lines[2].figure.mean, 320 * 60 * 2 * 0.25, 0.1 * 320 * 60 * 2 * 0.25);
    /* At night redials feed on themselves until calls = contacts / (1 - half of those lost). */
    struct erlang_pool night = {200, 180, 300, 4};
    double low = 200;
    double high = 2000;
    while (high - low > 1e-6) {
        night.calls_per_hour = (low + high) / 2;
        double lost = erlang_serve(&night, 20).abandoned;
        if (night.calls_per_hour < 200 / (1 - 0.5 * lost)) {
            low = night.calls_per_hour;
        } else {
            high = night.calls_per_hour;
        }
    }
    double attempts = 2400 + 9600 * (8 + 16 * low / 200) / 24;
    assert_close(estimate.attempts.p50, attempts, 0.005 * attempts);
    struct erlang_service service = erlang_serve(&night, 20);
    double lost = 16 * low * service.abandoned / (8 * 200 + 16 * low);
    assert_close(queue->abandoned.p50, lost, 0.01 * lost);
    assert_true(queue->wait_s.p50 > 0 && queue->wait_s.p50 < service.wait_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tabled_needs_are_the_searched_ones, free_arena),
        cmocka_unit_test_teardown(the_desk_is_short_by_the_hour, free_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
