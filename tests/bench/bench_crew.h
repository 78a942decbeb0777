/* Many independent simulations on all processors: a process each, results in shared memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_BENCH_CREW_H
#define EPICENTER_TESTS_BENCH_BENCH_CREW_H

#include <stddef.h>

#include "tests/bench/bench_table.h"

/* Does number `index` and fills `result`, `size` zeroed bytes. */
typedef void bench_crew_task(size_t index, void *result, const void *context);

/* Does them all, with progress under the name `what`, and returns the results, to be given back by
 * bench_crew_free. Ends the program when one of the processes fails. */
void *bench_crew_run(struct bench_table *table, const char *what, size_t count, size_t size,
                     bench_crew_task *task, const void *context);
void bench_crew_free(void *results, size_t count, size_t size);

#endif
