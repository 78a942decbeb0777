/* What a user would take instead of the collector: stores of columns and of time series that Debian
 * has, given the same million reports over HTTP in batches of 5,000, in the form each takes with
 * the least work. Each is measured where its package is installed, and passed over where it is not;
 * the table says whether it had put what it acknowledged on disk.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_RIVALS_H
#define EPICENTER_TESTS_BENCH_RIVALS_H

#include "tests/bench/bench_table.h"

void rivals_run(struct bench_table *table);

#endif
