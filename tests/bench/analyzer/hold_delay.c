/* How long after COMMIT of the decisive load is the update held? A real PostgreSQL, a real
 * `analyzer serve`, and its API asked every ten milliseconds.
 *
 * The hard thing is to know which load is decisive: minutes are closed by reports of the next one.
 * So a first round finds the load after which HOLD appears, and the rounds that count commit it to
 * an analyzer at rest. The fleet is the integration tests' sample, whose answer is known.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/database.h"
#include "tests/bench/analyzer/parts.h"
#include "tests/integration/sample_fleet.h"
#include "tests/support/http_client.h"
#include "tests/support/private_cluster.h"
#include "tests/support/serving.h"

/* The sample's hosts turn pinned in its minute 25; nothing is decided before. */
#define HARM_MINUTE 25
#define ROUNDS 5
#define PATIENCE_S 3.0

struct bench {
    struct private_cluster *cluster;
    struct database *collector;
    struct serving analyzer;
    struct http_client *client;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_held(struct bench *bench)
{
    char url[128];
    struct http_answer answer = {0};
    (void)snprintf(url, sizeof url, "%s/v1/updates", bench->analyzer.url);
    http_client_ask(
        bench->client,
        &(struct http_ask){.url = url, .headers = (const char *[]){SERVING_KEY_HEADER, NULL}},
        &answer);
    bool held = answer.status == 200 && answer.body.data != NULL &&
                strstr(answer.body.data, "\"verdict\":\"HOLD\"") != NULL;
    http_answer_free(&answer);
    return held;
}

/* Seconds from now until HOLD; less than 0: it does not come. */
static double wait_for_hold(struct bench *bench, double since)
{
    while (now_s() - since < PATIENCE_S) {
        if (is_held(bench)) {
            return now_s() - since;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return -1;
}

/* A database with the minutes before `minute`, and an analyzer that has read them. */
static void begin_round(struct bench *bench, int minute)
{
    private_cluster_run(bench->cluster, "truncate report, report_update, report_load, segment, "
                                        "verdict_change, answer, webhook_message");
    sample_fleet_store_minutes(bench->collector, 0, minute);
    bench->analyzer = serving_start(ANALYZER_PROGRAM, bench->cluster, "epicenter_analyzer",
                                    (const char *const[]){"--horizon-hours", "720", NULL});
    process_wait_for_log(bench->analyzer.process, "following the database");
    (void)wait_for_hold(bench, now_s() - PATIENCE_S + 1); /* at rest */
}

static void end_round(struct bench *bench)
{
    if (serving_stop(&bench->analyzer) != 0) {
        fail_msg("the analyzer did not end well");
    }
}

static double commit_and_wait(struct bench *bench, int minute)
{
    sample_fleet_run(bench->collector, "begin");
    sample_fleet_store(bench->collector, minute, 0, 1, "now");
    sample_fleet_run(bench->collector, "commit");
    return wait_for_hold(bench, now_s());
}

static int find_decisive(struct bench *bench)
{
    int minute = HARM_MINUTE;
    begin_round(bench, minute);
    while (minute < SAMPLE_MINUTES && commit_and_wait(bench, minute) < 0) {
        minute++;
    }
    end_round(bench);
    return minute;
}

void bench_hold_delay(struct bench_table *table)
{
    struct bench bench = {.cluster = private_cluster_start(NULL), .client = http_client_new()};
    struct failure failure;
    private_cluster_migrate(bench.cluster);
    serving_give_key(bench.cluster);
    if (!database_open(private_cluster_conninfo(bench.cluster, PRIVATE_CLUSTER_OWNER), "bench", 0,
                       &bench.collector, &failure)) {
        fail_msg("%s", failure.message);
    }
    int decisive = find_decisive(&bench);
    double delays[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        bench_table_progress(table, "rounds", (size_t)round, ROUNDS);
        begin_round(&bench, decisive);
        delays[round] = commit_and_wait(&bench, decisive);
        end_round(&bench);
        if (delays[round] < 0) {
            fail_msg("no HOLD after the load of minute %d", decisive);
        }
    }
    bench_table_goal(table, "COMMIT of the decisive load to HOLD on the API",
                     bench_median(delays, ROUNDS), "s", BENCH_AT_MOST, 2);
    bench_table_goal(table, "the slowest of five", delays[ROUNDS - 1], "s", BENCH_AT_MOST, 2);
    database_close(bench.collector);
    http_client_free(bench.client);
    private_cluster_remove(bench.cluster);
}
