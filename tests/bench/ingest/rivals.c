/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/ingest/rivals.h"
void rivals_run(struct bench_table *table)
{
    (void)table;
}
