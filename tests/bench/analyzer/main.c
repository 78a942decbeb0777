/* How fast is the analyzer, and does it stay so as the fleet grows?
 *
 *   bench_analyzer [PART…]    parts: throughput, verdict, growth, hold, restart; all without
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "tests/bench/analyzer/parts.h"

#define HOSTS (2 * MILLION)
#define REPORTS_EACH 10

static struct bench_table *table;
static int part_count;
static char **parts;

static bool is_wanted(const char *part)
{
    bool wanted = part_count == 0;
    for (int i = 0; i < part_count; i++) {
        wanted |= strcmp(parts[i], part) == 0;
    }
    return wanted;
}

/* The test support beneath ends a cmocka test when something is amiss, so this is one. */
static void measure(void **state)
{
    (void)state;
    if (is_wanted("throughput")) {
        bench_table_section(table, "20 million reports of 2 million hosts, 2 million installs");
        double seconds = bench_throughput(table, HOSTS, REPORTS_EACH);
        bench_rival(table, HOSTS, REPORTS_EACH, seconds);
    }
    if (is_wanted("verdict")) {
        bench_table_section(table, "10 million hosts, 50 updates, 2,000 segments");
        bench_verdict_minute(table, 10 * MILLION);
    }
    if (is_wanted("growth")) {
        bench_table_section(table, "As the fleet grows and the reports do not");
        bench_growth(table);
    }
    if (is_wanted("hold")) {
        bench_table_section(table, "From the database to the API");
        bench_hold_delay(table);
    }
    if (is_wanted("restart")) {
        bench_table_section(table, "A restart over 1 million hosts");
        bench_restart(table);
    }
}

int main(int argc, char **argv)
{
    part_count = argc - 1;
    parts = argv + 1;
    table = bench_table_new("analyzer");
    const struct CMUnitTest tests[] = {cmocka_unit_test(measure)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    int status = bench_table_finish(table);
    return failed != 0 ? failed : status;
}
