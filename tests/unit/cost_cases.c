/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cost_cases.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/failure.h"

struct arena cost_cases_arena;

int free_arena(void **state)
{
    (void)state;
    arena_free(&cost_cases_arena);
    return 0;
}

struct range exactly(double value)
{
    return (struct range){.low = value, .likely = value, .high = value};
}

void set_in(struct cost_parameters *parameters, const char *name, struct cost_scope scope,
            struct range range)
{
    struct cost_parameter parameter = {
        .scope = scope, .range = range, .source = "a test", .dated = "2026-11-23"};
    struct failure failure = {0};
    snprintf(parameter.name, sizeof parameter.name, "%s", name);
    if (!cost_parameters_set(parameters, &parameter, &failure)) {
        fail_msg("%s", failure.message);
    }
}

void set(struct cost_parameters *parameters, const char *name, struct range range)
{
    set_in(parameters, name, (struct cost_scope){.region = ""}, range);
}

/* Every parameter one value; freed with the test's end. */
struct cost_parameters *all_exactly(double value)
{
    struct cost_parameters *parameters = arena_allocate(&cost_cases_arena, sizeof *parameters);
    assert_non_null(parameters);
    cost_parameters_default(parameters);
    for (size_t i = 0; i < parameters->count; i++) {
        set(parameters, parameters->items[i].name, exactly(value));
    }
    return parameters;
}

struct cost_parameters *the_defaults(void)
{
    struct cost_parameters *parameters = arena_allocate(&cost_cases_arena, sizeof *parameters);
    assert_non_null(parameters);
    cost_parameters_default(parameters);
    return parameters;
}

/* Consumers with a host each, and corporates. */
struct cost_basis basis_of(struct range consumers, struct range corporates,
                           struct range corporate_hosts)
{
    struct cost_stratum *strata = arena_allocate(&cost_cases_arena, 2 * sizeof *strata);
    assert_non_null(strata);
    strata[0] = (struct cost_stratum){
        .region = "Japan", .kind = CUSTOMER_CONSUMER, .customers = consumers, .hosts = consumers};
    strata[1] = (struct cost_stratum){.region = "Japan",
                                      .kind = CUSTOMER_CORPORATE,
                                      .customers = corporates,
                                      .hosts = corporate_hosts};
    return (struct cost_basis){.strata = strata, .stratum_count = 2, .growth_an_hour = NAN};
}

struct cost_estimate estimate_of(const struct cost_parameters *parameters,
                                 const struct cost_basis *basis, uint64_t seed)
{
    struct cost_estimate estimate;
    struct failure failure = {0};
    if (!cost_estimate(parameters, basis, seed, &cost_cases_arena, &estimate, &failure)) {
        fail_msg("%s", failure.message);
    }
    return estimate;
}

void assert_close(double actual, double expected, double tolerance)
{
    if (!(fabs(actual - expected) <= tolerance)) {
        fail_msg("%.12g is not %.12g within %g", actual, expected, tolerance);
    }
}

void assert_figure(const struct cost_figure *figure, double expected)
{
    double tolerance = 1e-9 * fabs(expected);
    assert_close(figure->p10, expected, tolerance);
    assert_close(figure->p50, expected, tolerance);
    assert_close(figure->p90, expected, tolerance);
    assert_close(figure->mean, expected, tolerance);
}
