/* How long does an analyzer that starts need until it is ready? A real PostgreSQL with a fleet's
 * reports in it, and a real `analyzer serve`.
 *
 * A day of a million hosts that report every five minutes is 288 million rows, some 40 gigabytes.
 * Reading is linear in rows, so part of an hour is read and the day is reckoned from its pace.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/bench/analyzer/parts.h"
#include "tests/support/http_client.h"
#include "tests/support/private_cluster.h"
#include "tests/support/serving.h"

#define HOSTS MILLION
#define MINUTES 20
#define INTERVAL_MINUTES 5
#define DAY_REPORTS (1440.0 / INTERVAL_MINUTES * HOSTS)
#define PATIENCE_S 600

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A load a minute, with the segment in every report, as agents that have just started send it. */
static void store(struct bench_table *table, struct private_cluster *cluster)
{
    private_cluster_run(cluster,
                        "insert into segment select md5('s' || s)::uuid, jsonb_build_object("
                        "'os', 'os ' || s % 5, 'product_line', 'line ' || s / 5 % 4, 'region', "
                        "'region ' || s / 20) from generate_series(0, 199) s");
    for (int minute = 0; minute < MINUTES; minute++) {
        char sql[1024];
        bench_table_progress(table, "minutes of reports", (size_t)minute, MINUTES);
        (void)snprintf(
            sql, sizeof sql,
            "with load as (insert into report_load (collector, row_count, received_from, "
            "received_until) select 'bench', %u, at, at + interval '59 s' from (select "
            "date_trunc('minute', now()) - interval '%d minutes' as at) t returning load_id, "
            "received_from) insert into report select load_id, md5('h' || h)::uuid, 'c-' || h / "
            "100, md5('s' || h / 3 %% 200)::uuid, received_from + h %% 59 * interval '1 s', "
            "received_from + h %% 59 * interval '1 s', 300, (h * 31 + %d) %% 5003 / 10006.0, null, "
            "null from load, generate_series(%d, %u, %d) h",
            HOSTS / INTERVAL_MINUTES, MINUTES + 5 - minute, minute, minute % INTERVAL_MINUTES,
            HOSTS - 1, INTERVAL_MINUTES);
        private_cluster_run(cluster, sql);
    }
    private_cluster_run(cluster, "vacuum analyze report");
    private_cluster_run(cluster, "select summarize_report_loads()");
}

static bool is_ready(const struct serving *analyzer)
{
    char url[128];
    struct http_answer answer = {0};
    (void)snprintf(url, sizeof url, "%s/readyz", analyzer->url);
    http_client_ask(
        NULL, &(struct http_ask){.url = url, .headers = (const char *[]){SERVING_KEY_HEADER, NULL}},
        &answer);
    unsigned status = answer.status;
    http_answer_free(&answer);
    return status == 200;
}

void bench_restart(struct bench_table *table)
{
    struct private_cluster *cluster =
        private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    private_cluster_migrate(cluster);
    serving_give_key(cluster);
    store(table, cluster);
    double reports = (double)private_cluster_number(cluster, "select count(*) from report");
    double started = now_s();
    struct serving analyzer = serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer", NULL);
    while (!is_ready(&analyzer)) {
        if (now_s() - started > PATIENCE_S) {
            fail_msg("not ready: %s", process_log(analyzer.process));
        }
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    double seconds = now_s() - started;
    (void)serving_stop(&analyzer);
    private_cluster_remove(cluster);
    bench_table_add(table, "reports in the database", reports / MILLION, "million");
    bench_table_add(table, "from start to ready", seconds, "s");
    bench_table_add(table, "reports a second", reports / seconds, "1/s");
    bench_table_goal(table, "a day of 288 million reports at this pace",
                     DAY_REPORTS / reports * seconds, "s", BENCH_AT_MOST, 60);
}
