/* What the tests of the cost estimate have in common: parameters of one value each, a basis of two
 * strata, and comparisons that say what they compared. All memory is the arena's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_UNIT_COST_CASES_H
#define EPICENTER_TESTS_UNIT_COST_CASES_H

#include <stdint.h>

#include "analyzer/cost.h"
#include "common/arena.h"

extern struct arena cost_cases_arena;
int free_arena(void **state); /* a teardown */

struct range exactly(double value);

/* Sets one parameter, for a scope or for all; the test fails when it is refused. */
void set_in(struct cost_parameters *parameters, const char *name, struct cost_scope scope,
            struct range range);
void set(struct cost_parameters *parameters, const char *name, struct range range);

/* Every parameter one value. */
struct cost_parameters *all_exactly(double value);
struct cost_parameters *the_defaults(void);

/* Consumers with a host each, and corporates, in Japan. */
struct cost_basis basis_of(struct range consumers, struct range corporates,
                           struct range corporate_hosts);
struct cost_estimate estimate_of(const struct cost_parameters *parameters,
                                 const struct cost_basis *basis, uint64_t seed);

void assert_close(double actual, double expected, double tolerance);
/* Every percentile and the mean are the value, to 1e-9 of it. */
void assert_figure(const struct cost_figure *figure, double expected);

#endif
