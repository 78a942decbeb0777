/* How do we compare with a fast general engine? DuckDB in a process of its own (rival.mjs), where
 * it is installed: it is no part of Epicenter, and the row says so where it is not.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/analyzer/parts.h"

#define SCRIPT "tests/bench/analyzer/rival.mjs"

/* Seconds, or less than 0 where it is not installed. */
static double ask(uint32_t hosts, int reports_each, long threads)
{
    char command[256];
    double seconds = -1;
    (void)snprintf(command, sizeof command, "node " SCRIPT " %u %d %ld", hosts, reports_each,
                   threads);
    FILE *output = popen(command, "re"); /* NOLINT(cert-env33-c): numbers of our own only */
    if (output == NULL) {
        return -1;
    }
    if (fscanf(output, "%lf", &seconds) != 1) { /* NOLINT(cert-err34-c) */
        seconds = -1;
    }
    return pclose(output) == 0 ? seconds : -1;
}

void bench_rival(struct bench_table *table, uint32_t hosts, int reports_each, double ours_s)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    double one_s = ask(hosts, reports_each, 1);
    if (one_s < 0) {
        bench_table_note(table, "DuckDB is not installed (npm install @duckdb/node-api, and say "
                                "where in NODE_PATH).");
        return;
    }
    bench_table_add(table, "DuckDB, before and after by SQL, one thread", one_s, "s");
    double all_s = ask(hosts, reports_each, processors);
    bench_table_add(table, "DuckDB, before and after by SQL, all threads", all_s, "s");
    bench_table_add(table, "ours of DuckDB's with all threads", ours_s / all_s, "1");
}
