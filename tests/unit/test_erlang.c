/* Erlang's queues against published tables and against the same models computed another way: the
 * birth-and-death chain state by state in logarithms, and the wait by Simpson's rule.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyzer/erlang.h"

static void assert_close(double actual, double expected, double tolerance, const char *what)
{
    if (!(fabs(actual - expected) <= tolerance)) {
        fail_msg("%s: %.15g is not %.15g within %g", what, actual, expected, tolerance);
    }
}

/* ---- Published tables ---- */

/* Erlang B: the load that 1 % blocking allows, to three digits (the usual table, as in Rappaport,
 * "Wireless Communications", table 3.4, and in every traffic handbook). */
static void blocking_is_as_tabled(void **state)
{
    (void)state;
    static const struct {
        uint32_t agents;
        double load, blocked, half_digit;
    } cases[] = {{2, 0.153, 0.01, 0.0005},  {4, 0.869, 0.01, 0.0005}, {5, 1.36, 0.01, 0.005},
                 {10, 4.46, 0.01, 0.005},   {20, 12.0, 0.01, 0.05},   {24, 15.3, 0.01, 0.05},
                 {40, 29.0, 0.01, 0.05},    {70, 56.1, 0.01, 0.05},   {100, 84.1, 0.01, 0.05},
                 {2, 0.105, 0.005, 0.0005}, {10, 3.96, 0.005, 0.005}, {100, 80.9, 0.005, 0.05},
                 {10, 3.09, 0.001, 0.005},  {100, 75.2, 0.001, 0.05}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(erlang_blocked(cases[i].load - cases[i].half_digit, cases[i].agents) <
                    cases[i].blocked);
        assert_true(erlang_blocked(cases[i].load + cases[i].half_digit, cases[i].agents) >
                    cases[i].blocked);
    }
}

static double waiting(double load, uint32_t agents)
{
    struct erlang_pool pool = {load, 3600, INFINITY, agents};
    return erlang_serve(&pool, 0).waits;
}

/* Erlang C: 5 % wait at 3.87 erlangs on 8 channels, 1 % at 4.08 on 10 (the table printed with the
 * TETRA planning example); M/M/2 at half load waits with 1/3, by hand. */
static void waiting_is_as_tabled(void **state)
{
    (void)state;
    assert_true(waiting(3.865, 8) < 0.05 && waiting(3.875, 8) > 0.05);
    assert_true(waiting(4.075, 10) < 0.01 && waiting(4.085, 10) > 0.01);
    assert_close(waiting(1, 2), 1.0 / 3, 1e-15, "M/M/2");
}

/* Fifty agents, 48 calls a minute of a minute each, patience two minutes: the table that opens
 * Garnett, Mandelbaum and Reiman, "Designing a call center with impatient customers" (2002). */
static void the_call_center_of_garnett_is_as_printed(void **state)
{
    (void)state;
    struct erlang_pool pool = {48 * 60, 60, INFINITY, 50};
    struct erlang_service patient = erlang_serve(&pool, 20);
    assert_close(patient.wait_s, 20.8, 0.05, "patient: average wait");
    assert_close(patient.occupancy, 0.96, 0.005, "patient: occupancy");
    pool.patience_s = 120;
    struct erlang_service impatient = erlang_serve(&pool, 20);
    assert_close(impatient.abandoned, 0.031, 0.0005, "impatient: share that gives up");
    assert_close(impatient.wait_s, 3.7, 0.05, "impatient: average wait");
    assert_close(impatient.occupancy, 0.93, 0.005, "impatient: occupancy");
}

/* The worked example of pyworkforce's documentation: 100 calls in 30 minutes of 3 minutes each,
 * 80 % within 20 s: 14 positions, service level 0.888, occupancy 0.714. */
static void the_worked_example_needs_fourteen(void **state)
{
    (void)state;
    struct erlang_pool pool = {200, 180, INFINITY, 0};
    pool.agents = erlang_agents_needed(&pool, 0.8, 20);
    assert_int_equal(pool.agents, 14);
    struct erlang_service service = erlang_serve(&pool, 20);
    assert_close(service.within, 0.888, 0.0005, "service level");
    assert_close(service.occupancy, 0.714, 0.0005, "occupancy");
}

/* ---- The same chain, state by state ---- */

struct chain {
    double blocked, waits, abandoned, busy;
};

/* Log weights of the states from 0 up, until those beyond the last weigh nothing. */
static struct chain solve(const struct erlang_pool *pool)
{
    long double rate = pool->calls_per_hour / 3600.0L;
    long double served = 1.0L / pool->handle_s;
    long double given_up = isinf(pool->patience_s) ? 0 : 1.0L / pool->patience_s;
    size_t most = pool->agents + 400000;
    long double *weights = malloc((most + 1) * sizeof *weights);
    assert_non_null(weights);
    long double top = 0;
    size_t count = 1;
    weights[0] = 0;
    for (; count <= most; count++) {
        size_t working = count < pool->agents ? count : pool->agents;
        long double leaving =
            (long double)working * served + (long double)(count - working) * given_up;
        weights[count] = weights[count - 1] + logl(rate / leaving);
        top = weights[count] > top ? weights[count] : top;
        if (count > pool->agents && rate < leaving && weights[count] < top - 60) {
            break;
        }
    }
    assert_true(count <= most);
    long double all = 0;
    long double upto = 0;
    long double waits = 0;
    long double busy = 0;
    long double queue = 0;
    for (size_t k = 0; k <= count; k++) {
        long double weight = expl(weights[k] - top);
        size_t working = k < pool->agents ? k : pool->agents;
        all += weight;
        upto += k <= pool->agents ? weight : 0;
        waits += k >= pool->agents ? weight : 0;
        busy += weight * (long double)working;
        queue += weight * (long double)(k - working);
    }
    struct chain chain = {.blocked = (double)(expl(weights[pool->agents] - top) / upto),
                          .waits = (double)(waits / all),
                          .abandoned = (double)(queue / all * given_up / rate),
                          .busy = (double)(busy / all)};
    free(weights);
    return chain;
}

/* Share of callers answered after more than `within_s`: the density of the wait offered to a caller
 * who never gives up is exp(rate (1 - e^(-u/p)) p - n u / h), as far as somebody waits; each caller
 * is still there after u with e^(-u/p). Baccelli and Hebuterne 1981. */
static double answered_late(const struct erlang_pool *pool, double waits, double within_s)
{
    double rate = pool->calls_per_hour / 3600;
    double served = pool->agents / pool->handle_s;
    double patience = pool->patience_s;
    double end = within_s + 60 * patience + 50 / served;
    double sums[2] = {0, 0};
    double top = 0; /* the exponent's maximum, where the queue is balanced */
    if (rate > served) {
        double u = patience * log(rate / served);
        top = rate * -expm1(-u / patience) * patience - served * u;
    }
    for (int part = 0; part < 2; part++) {
        const int steps = 2000000;
        double from = part == 0 ? 0 : within_s;
        double step = (end - from) / steps;
        for (int i = 0; i <= steps; i++) {
            double u = from + i * step;
            double weight = i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2;
            double density = exp(rate * -expm1(-u / patience) * patience - served * u - top);
            sums[part] += weight * density * (part == 0 ? 1 : exp(-u / patience)) * step / 3;
        }
    }
    return waits * sums[1] / sums[0];
}

static void the_chain_gives_the_same(void **state)
{
    (void)state;
    static const struct erlang_pool pools[] = {
        {10, 600, INFINITY, 2},      {48 * 60, 60, INFINITY, 50},  {4744, 600, INFINITY, 810},
        {4744, 900, INFINITY, 1212}, {20000, 900, INFINITY, 5040}, {10, 600, 60, 1},
        {48 * 60, 60, 120, 50},      {200, 180, 300, 13},          {4744, 900, 180, 1186},
        {4744, 900, 180, 300},       {4744, 900, 180, 2000},       {20000, 900, 300, 4900},
        {20000, 900, 300, 500},      {100, 900, 30, 40},           {60000, 600, 600, 10}};
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        const struct erlang_pool *pool = &pools[i];
        double load = erlang_load(pool);
        struct chain chain = solve(pool);
        struct erlang_service service = erlang_serve(pool, 20);
        assert_close(erlang_blocked(load, pool->agents), chain.blocked, 1e-9, "blocked");
        assert_close(service.waits, chain.waits, 1e-9, "waits");
        assert_close(service.abandoned, chain.abandoned, 1e-9, "abandoned");
        assert_close(service.occupancy, chain.busy / pool->agents, 1e-9, "occupancy");
        if (isinf(pool->patience_s)) {
            double rate = (pool->agents - load) / pool->handle_s;
            assert_close(service.within, 1 - chain.waits * exp(-20 * rate), 1e-9, "within");
            assert_close(service.wait_s, chain.waits / rate, 1e-6, "wait");
        } else {
            double late = answered_late(pool, chain.waits, 20);
            assert_close(service.within, 1 - chain.abandoned - late, 1e-9, "within");
            assert_close(service.wait_s, chain.abandoned * pool->patience_s, 1e-6, "wait");
        }
    }
}

/* ---- Properties ---- */

static void endless_patience_is_the_limit(void **state)
{
    (void)state;
    struct erlang_pool pool = {4744, 600, 1e9, 830};
    struct erlang_service nearly = erlang_serve(&pool, 20);
    pool.patience_s = INFINITY;
    struct erlang_service fully = erlang_serve(&pool, 20);
    assert_close(nearly.waits, fully.waits, 1e-5, "waits");
    assert_close(nearly.within, fully.within, 1e-5, "within");
}

static void overload_has_no_answer_without_impatience(void **state)
{
    (void)state;
    struct erlang_pool pool = {4744, 900, INFINITY, 1186};
    struct erlang_service service = erlang_serve(&pool, 20);
    assert_true(service.waits == 1 && service.within == 0 && isinf(service.wait_s));
    pool.patience_s = 180;
    service = erlang_serve(&pool, 20);
    assert_true(service.waits < 1 && service.within > 0 && service.wait_s < 180);
    pool.agents = 0;
    service = erlang_serve(&pool, 20);
    assert_close(service.abandoned, 1, 1e-12, "nobody there: all give up");
    assert_close(service.within, 0, 1e-12, "nobody there: none answered");
    pool.calls_per_hour = 0;
    service = erlang_serve(&pool, 20);
    assert_true(service.within == 1 && service.waits == 0 && service.wait_s == 0);
}

/* The number found reaches the target and one fewer does not, from one agent to tens of thousands.
 */
static void needed_is_the_fewest(void **state)
{
    (void)state;
    static const double rates[] = {0.01, 1, 7, 60, 480, 4744, 30000, 200000};
    static const double patiences[] = {60, 300, INFINITY};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        for (size_t p = 0; p < sizeof patiences / sizeof *patiences; p++) {
            struct erlang_pool pool = {rates[r], 900, patiences[p], 0};
            uint32_t needed = erlang_agents_needed(&pool, 0.8, 20);
            assert_true(needed >= 1);
            pool.agents = needed;
            assert_true(erlang_serve(&pool, 20).within >= 0.8);
            pool.agents = needed - 1;
            assert_true(erlang_serve(&pool, 20).within < 0.8);
        }
    }
    struct erlang_pool idle = {0, 900, INFINITY, 0};
    assert_int_equal(erlang_agents_needed(&idle, 0.8, 20), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocking_is_as_tabled),
        cmocka_unit_test(waiting_is_as_tabled),
        cmocka_unit_test(the_call_center_of_garnett_is_as_printed),
        cmocka_unit_test(the_worked_example_needs_fourteen),
        cmocka_unit_test(the_chain_gives_the_same),
        cmocka_unit_test(endless_patience_is_the_limit),
        cmocka_unit_test(overload_has_no_answer_without_impatience),
        cmocka_unit_test(needed_is_the_fewest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
