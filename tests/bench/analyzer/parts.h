/* The parts of this benchmark; each adds its rows to the table.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_ANALYZER_PARTS_H
#define EPICENTER_TESTS_BENCH_ANALYZER_PARTS_H

#include <stdint.h>

#include "tests/bench/bench_table.h"

#define MILLION 1000000U

/* in_process.c: reports through fleet, exposure and evidence; returns the seconds it took. */
double bench_throughput(struct bench_table *table, uint32_t hosts, int reports_each);
/* The same few reports in fleets of 1 million hosts and more. */
void bench_growth(struct bench_table *table);
/* What a minute costs when nobody reports but everything is decided anew. */
void bench_verdict_minute(struct bench_table *table, uint32_t hosts);

/* rival.c: DuckDB asked by SQL for the histogram of busy before and after each host's installation,
 * over the same columns; `ours_s` is what bench_throughput returned. */
void bench_rival(struct bench_table *table, uint32_t hosts, int reports_each, double ours_s);

/* hold_delay.c: from COMMIT of the decisive load to HOLD on the API of a real analyzer. */
void bench_hold_delay(struct bench_table *table);

/* restart.c: from the start of a real analyzer over a full database until it is ready. */
void bench_restart(struct bench_table *table);

#endif
