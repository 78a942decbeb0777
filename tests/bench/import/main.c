/* How long does a million customers take from a file into the registry, and from there into the
 * analyzer? The file is read, judged row by row and copied to a private PostgreSQL, which upserts.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "analyzer/registry_database.h"
#include "analyzer/registry_import.h"
#include "common/database.h"
#include "tests/bench/bench_table.h"
#include "tests/support/private_cluster.h"

#define MANY 1000000

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void write_customers(const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        fail_msg("%s cannot be written", path);
        return;
    }
    fprintf(file, "customer_id,name,kind,region,country,time_zone,tier,partner,contract_value,"
                  "currency,renewal_on,language,criticality\n");
    for (unsigned i = 0; i < MANY; i++) {
        fprintf(
            file,
            "customer-%07u,Customer %u,%s,JP,JP,Asia/Tokyo,standard,%s,%u,JPY,2005-%02u-01,ja,%s\n",
            i, i, i % 3 == 0 ? "corporate" : "consumer", i % 50 == 0 ? "Partner One" : "",
            i % 100000, 1 + i % 12, i % 37 == 0 ? "critical" : "normal");
    }
    if (fclose(file) != 0) {
        fail_msg("%s cannot be written", path);
    }
}

/* What a running analyzer does once the version has changed. */
static void bench_load(struct bench_table *table, struct database *database)
{
    struct registry *registry;
    struct failure failure;
    if (!registry_new(&registry, &failure)) {
        fail_msg("%s", failure.message);
    }
    static const char *const names[] = {"read by the analyzer", "read again, as they were"};
    for (size_t i = 0; i < 2; i++) {
        double began = seconds();
        if (!registry_load(registry, database, &failure)) {
            fail_msg("%s", failure.message);
        }
        bench_table_add(table, names[i], seconds() - began, "s");
    }
    registry_free(registry);
}

static void bench_import(struct bench_table *table)
{
    struct private_cluster *cluster = private_cluster_start(NULL);
    struct database *database;
    struct failure failure;
    struct registry_import_counts counts;
    private_cluster_migrate(cluster);
    const char *path = private_cluster_path(cluster, "customers.csv");
    const struct registry_source source = {.csv.path = path};
    write_customers(path);
    if (!database_open(private_cluster_conninfo(cluster, "epicenter_analyzer"), "bench", 0,
                       &database, &failure)) {
        fail_msg("%s", failure.message);
    }
    static const struct {
        const char *name;
        bool dry_run;
    } rows[] = {{"a dry run, all of them new", true},
                {"imported", false},
                {"a dry run, all of them known", true},
                {"imported once more, all of them known", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double began = seconds();
        if (!registry_import(database, REGISTRY_CUSTOMERS, &source, rows[i].dry_run, &counts,
                             &failure) ||
            counts.added + counts.changed + counts.unchanged != MANY) {
            fail_msg("%s", failure.message);
        }
        bench_table_goal(table, rows[i].name, seconds() - began, "s", BENCH_AT_MOST, 60);
    }
    bench_load(table, database);
    database_close(database);
    private_cluster_remove(cluster);
}

static int status;

static void bench(void **state)
{
    (void)state;
    struct bench_table *table = bench_table_new("import");
    bench_import(table);
    status = bench_table_finish(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bench)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed != 0 ? 1 : status;
}
