/* How long do impact, cost and outreach take together, and how does it grow with the customers?
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_IMPACT_GROWTH_H
#define EPICENTER_TESTS_BENCH_IMPACT_GROWTH_H

#include "tests/bench/bench_table.h"

void growth_measure(struct bench_table *table);

#endif
