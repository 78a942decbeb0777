/* What the collector acknowledged is in the database, whatever was killed meanwhile: the collector
 * outright, or PostgreSQL as in a crash, at random moments of a replay.
 *
 * The oracle is the fleet's ledger, written by the sender after each 2xx and by nobody else. It is
 * compared with the table report both ways: every acknowledged (host, time, busy) stands there, and
 * nothing stands there that was never sent. A report may stand there more than once, where the
 * acknowledgement was lost and the fleet sent it again.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include <jansson.h>

#include "common/database.h"
#include "common/failure.h"
#include "common/random_stream.h"
#include "tests/fleetsim/ledger.h"
#include "tests/support/private_cluster.h"
#include "tests/support/process.h"
#include "tests/support/serving.h"

#define SCENARIO "tests/fleetsim/scenarios/2005-pattern-2.594.00.json"
#define ROWS "copy (select host_id, observed_at, busy from report) to stdout (format binary)"
/* A fault each time so many more reports were acknowledged, a random number up to this: of 40,000
 * reports that is a fault at least seven times over, spread over the whole replay on a machine of
 * any speed. */
#define REPORTS_BETWEEN_FAULTS 5000
#define FAULTS_LEAST 6
#define REPLAY_LIMIT_S 240

struct bench {
    struct private_cluster *cluster;
    struct serving collector;
    struct process *fleet;
    const char *directory; /* of the fleet's files */
    const char *keys;
    struct random_stream random;
};

static struct serving start_collector(const struct bench *bench, uint16_t port)
{
    const char *const more[] = {"--token-keys", bench->keys, "--replay", NULL};
    return port == 0 ? serving_start(COLLECTOR_PROGRAM, bench->cluster, "epicenter_collector", more)
                     : serving_start_at(port, COLLECTOR_PROGRAM, bench->cluster,
                                        "epicenter_collector", more);
}

static const char *write_token(const struct bench *bench)
{
    const char *path = private_cluster_path(bench->cluster, "token");
    struct process *process = process_run(
        (const char *[]){COLLECTOR_PROGRAM, "token", "--token-keys", bench->keys, "--replay", NULL},
        0);
    FILE *stream = fopen(path, "we");
    assert_non_null(stream);
    assert_true(fputs(process_output(process), stream) >= 0);
    assert_int_equal(fclose(stream), 0);
    process_free(process);
    return path;
}

/* 3,000 hosts over the two hours around the bad update: about 40,000 reports. */
static int start_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    uint64_t seed;
    assert_non_null(bench);
    *state = bench;
    bench->cluster = private_cluster_start(NULL);
    private_cluster_migrate(bench->cluster);
    bench->keys = private_cluster_path(bench->cluster, "token-keys");
    bench->directory = private_cluster_path(bench->cluster, "fleet");
    bench->collector = start_collector(bench, 0);
    assert_int_equal(getrandom(&seed, sizeof seed, 0), sizeof seed);
    bench->random = random_stream_new(seed, 0);
    bench->fleet = process_start((const char *[]){FLEETSIM_PROGRAM,
                                                  "replay",
                                                  SCENARIO,
                                                  "--collector",
                                                  bench->collector.url,
                                                  "--token-file",
                                                  write_token(bench),
                                                  "--out",
                                                  bench->directory,
                                                  "--hosts",
                                                  "3000",
                                                  "--from",
                                                  "2005-04-23T06:40:00+09:00",
                                                  "--until",
                                                  "2005-04-23T08:40:00+09:00",
                                                  "--batch",
                                                  "10",
                                                  "--give-up-after",
                                                  "60",
                                                  NULL});
    return 0;
}

static int stop_bench(void **state)
{
    struct bench *bench = *state;
    process_free(bench->fleet);
    process_free(bench->collector.process);
    private_cluster_remove(bench->cluster);
    free(bench);
    return 0;
}

/* As far as the ledger is on disk, which is a little behind. */
static size_t acknowledged_so_far(const struct bench *bench)
{
    char path[512];
    struct stat status;
    snprintf(path, sizeof path, "%s/ledger", bench->directory);
    return stat(path, &status) == 0 ? (size_t)status.st_size / sizeof(struct ledger_record) : 0;
}

/* Waits until a random number of reports more is acknowledged, and then a random while: false when
 * the replay was over before. */
static bool wait_for_moment(struct bench *bench, size_t last)
{
    size_t wanted = last + 1 + random_below(&bench->random, REPORTS_BETWEEN_FAULTS);
    const struct timespec wait = {.tv_nsec = (long)random_below(&bench->random, 5000000)};
    while (acknowledged_so_far(bench) < wanted) {
        if (!process_is_running(bench->fleet)) {
            return false;
        }
        nanosleep(&wait, NULL);
    }
    return process_is_running(bench->fleet);
}

static void kill_collector(struct bench *bench)
{
    uint16_t port = bench->collector.port;
    process_signal(bench->collector.process, SIGKILL);
    assert_int_equal(process_wait(bench->collector.process, 10), 128 + SIGKILL);
    process_free(bench->collector.process);
    bench->collector = start_collector(bench, port);
}

static void crash_database(struct bench *bench)
{
    private_cluster_restart_immediately(bench->cluster);
}

/* Makes the fault happen again and again while the fleet reports, then lets it finish. */
static size_t replay_through(struct bench *bench, void (*fault)(struct bench *bench))
{
    size_t faults = 0;
    while (wait_for_moment(bench, acknowledged_so_far(bench))) {
        fault(bench);
        faults++;
    }
    int status = process_wait(bench->fleet, REPLAY_LIMIT_S);
    if (status != 0) {
        fail_msg("the replay ended with %d: %s", status, process_log(bench->fleet));
    }
    return faults;
}

/* ---- Comparing ---- */

struct rows {
    struct ledger_record *items;
    size_t count, capacity;
};

static bool take_row(void *context, const struct copy_field *fields, size_t count,
                     struct failure *failure)
{
    struct rows *rows = context;
    if (count != 3) {
        return failure_set(failure, FAILURE_SYSTEM, "a row of %zu fields", count);
    }
    if (rows->count == rows->capacity) {
        size_t larger = rows->capacity > 0 ? rows->capacity * 2 : 4096;
        struct ledger_record *items = realloc(rows->items, larger * sizeof *items);
        if (items == NULL) {
            return failure_memory(failure, "reading the reports");
        }
        rows->items = items;
        rows->capacity = larger;
    }
    struct ledger_record *record = &rows->items[rows->count++];
    return copy_read_uuid(fields[0], &record->host_id, failure) &&
           copy_read_instant(fields[1], &record->observed_at, failure) &&
           copy_read_double(fields[2], &record->busy, failure);
}

static struct rows read_table(struct bench *bench)
{
    struct rows rows = {0};
    struct database *database = NULL;
    struct failure failure = {.message = ""};
    const char *conninfo = private_cluster_conninfo(bench->cluster, PRIVATE_CLUSTER_OWNER);
    if (!database_open(conninfo, "test_acknowledged", 0, &database, &failure) ||
        !database_copy_out(database, ROWS, take_row, &rows, &failure)) {
        fail_msg("%s", failure.message);
    }
    database_close(database);
    return rows;
}

static int compare_records(const void *left, const void *right)
{
    const struct ledger_record *a = left;
    const struct ledger_record *b = right;
    int hosts = uuid_compare(&a->host_id, &b->host_id);
    if (hosts != 0) {
        return hosts;
    }
    if (a->observed_at != b->observed_at) {
        return a->observed_at < b->observed_at ? -1 : 1;
    }
    return a->busy < b->busy ? -1 : a->busy > b->busy;
}

/* Sorts and leaves each record once; returns how many there are then. */
static size_t distinct(struct ledger_record *records, size_t count)
{
    size_t kept = 0;
    if (count == 0) {
        return 0;
    }
    qsort(records, count, sizeof *records, compare_records);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || compare_records(&records[kept - 1], &records[i]) != 0) {
            records[kept++] = records[i];
        }
    }
    return kept;
}

static void fail_at(const struct ledger_record *record, const char *trouble)
{
    char host[UUID_TEXT_SIZE];
    char at[INSTANT_TEXT_SIZE];
    fail_msg("host %s at %s, busy %.4f %s", uuid_format(&record->host_id, host),
             instant_format(record->observed_at, at), record->busy, trouble);
}

static void compare_ledger_with_table(struct bench *bench, size_t faults, const char *what)
{
    struct ledger_record *ledger;
    size_t acknowledged;
    struct failure failure = {.message = ""};
    if (!ledger_read(bench->directory, &ledger, &acknowledged, &failure)) {
        fail_msg("%s", failure.message);
        return;
    }
    struct rows table = read_table(bench);
    if (table.items == NULL || acknowledged == 0) {
        fail_msg("%zu acknowledged reports, %zu in the database", acknowledged, table.count);
        return;
    }
    size_t stored = distinct(table.items, table.count);
    size_t reports = distinct(ledger, acknowledged);
    assert_int_equal(reports, acknowledged); /* the fleet never says the same twice */
    size_t l = 0;
    for (size_t t = 0; t < stored || l < acknowledged; t++, l++) {
        int order = t == stored         ? 1
                    : l == acknowledged ? -1
                                        : compare_records(&table.items[t], &ledger[l]);
        if (order > 0) {
            fail_at(&ledger[l], "was acknowledged and is not in the database");
        }
        if (order < 0) {
            fail_at(&table.items[t], "is in the database and was never sent");
        }
    }
    print_message("%zu acknowledged reports, all in the database after %zu times %s; %zu of them "
                  "more than once\n",
                  acknowledged, faults, what, table.count - stored);
    free(ledger);
    free(table.items);
}

/* The ledger's own figures: all was sent, and the faults were felt. */
static void check_ledger_figures(const struct bench *bench)
{
    char path[512];
    snprintf(path, sizeof path, "%s/ledger.json", bench->directory);
    json_t *figures = json_load_file(path, 0, NULL);
    snprintf(path, sizeof path, "%s/truth.json", bench->directory);
    json_t *truth = json_load_file(path, 0, NULL);
    assert_true(json_is_true(json_object_get(figures, "complete")));
    json_int_t acknowledged = json_integer_value(json_object_get(figures, "acknowledged"));
    assert_int_equal(acknowledged, json_integer_value(json_object_get(truth, "reports")));
    assert_true(acknowledged > 30000);
    assert_true(json_integer_value(json_object_get(figures, "resent")) > 0);
    json_decref(figures);
    json_decref(truth);
}

static void killing_the_collector_loses_nothing(void **state)
{
    struct bench *bench = *state;
    size_t faults = replay_through(bench, kill_collector);
    assert_true(faults >= FAULTS_LEAST);
    compare_ledger_with_table(bench, faults, "killing the collector");
    check_ledger_figures(bench);
}

static void crashing_the_database_loses_nothing(void **state)
{
    struct bench *bench = *state;
    size_t faults = replay_through(bench, crash_database);
    assert_true(faults >= FAULTS_LEAST);
    assert_true(process_is_running(bench->collector.process));
    compare_ledger_with_table(bench, faults, "restarting PostgreSQL");
    check_ledger_figures(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killing_the_collector_loses_nothing, start_bench,
                                        stop_bench),
        cmocka_unit_test_setup_teardown(crashing_the_database_loses_nothing, start_bench,
                                        stop_bench),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
