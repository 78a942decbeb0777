/* How long does an analyzer that starts need until it is ready? A real PostgreSQL with a fleet's
 * reports in it, and a real `analyzer serve`: without a stored state, as on its first day; from the
 * state of ten minutes ago, as after a crash at the worst moment; and from that of just now, as
 * after a stop.
 *
 * A day of a million hosts that report every five minutes is 288 million rows, some 40 gigabytes.
 * Reading is linear in rows, so part of an hour is read and the day is reckoned from its pace. A
 * state is as large as the hosts and installations it knows, however long it knows them.
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

#include "tests/bench/analyzer/parts.h"
#include "tests/support/http_client.h"
#include "tests/support/private_cluster.h"
#include "tests/support/serving.h"

#define HOSTS MILLION
#define MINUTES 20
#define LATER 10 /* minutes after which the next state would have been stored */
#define INTERVAL_MINUTES 5
#define DAY_REPORTS (1440.0 / INTERVAL_MINUTES * HOSTS)
#define PATIENCE_S 600

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A load a minute, with the segment in every report, as agents that have just started send it. Of
 * the later minutes the first few bring an update to everybody. */
static void store(struct bench_table *table, struct private_cluster *cluster, int first, int last)
{
    for (int minute = first; minute < last; minute++) {
        char sql[1024];
        bench_table_progress(table, "minutes of reports", (size_t)minute, MINUTES + LATER);
        (void)snprintf(
            sql, sizeof sql,
            "with load as (insert into report_load (collector, row_count, received_from, "
            "received_until) select 'bench', %u, at, at + interval '59 s' from (select "
            "at + interval '%d minutes' as at from began) t returning load_id, "
            "received_from) insert into report select load_id, md5('h' || h)::uuid, 'c-' || h / "
            "100, md5('s' || h / 3 %% 200)::uuid, received_from + h %% 59 * interval '1 s', "
            "received_from + h %% 59 * interval '1 s', 300, (h * 31 + %d) %% 5003 / 10006.0, null, "
            "null from load, generate_series(%d, %u, %d) h",
            HOSTS / INTERVAL_MINUTES, minute, minute, minute % INTERVAL_MINUTES, HOSTS - 1,
            INTERVAL_MINUTES);
        private_cluster_run(cluster, sql);
        if (minute >= MINUTES && minute < MINUTES + INTERVAL_MINUTES) {
            private_cluster_run(
                cluster, "insert into report_update select load_id, host_id, customer_id, "
                         "segment_id, observed_at, received_at, 'pattern/1', 0, observed_at from "
                         "report where load_id = (select max(load_id) from report_load)");
        }
    }
    private_cluster_run(cluster, "vacuum analyze report, report_update");
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

/* Starts one and adds how long it took to be ready. */
static double measure_start(struct private_cluster *cluster, struct serving *analyzer)
{
    double started = now_s();
    *analyzer = serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer", NULL);
    while (!is_ready(analyzer)) {
        if (now_s() - started > PATIENCE_S) {
            fail_msg("not ready: %s", process_log(analyzer->process));
        }
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    return now_s() - started;
}

/* What the analyzer says of the state it has stored. */
static double said(const char *log, const char *field)
{
    const char *line = strstr(log, "the state is stored");
    const char *at = line != NULL ? strstr(line, field) : NULL;
    if (at == NULL) {
        fail_msg("no %s in: %s", field, log);
    }
    return at == NULL ? 0 : strtod(at + strlen(field), NULL);
}

static void stop_when_stored(struct serving *analyzer)
{
    process_wait_for_log(analyzer->process, "the state is stored");
    (void)serving_stop(analyzer);
}

static void begin(struct private_cluster *cluster)
{
    char sql[160];
    (void)snprintf(sql, sizeof sql,
                   "create table began as select date_trunc('minute', now()) - interval "
                   "'%d minutes' as at",
                   MINUTES + LATER + 5);
    private_cluster_run(cluster, sql);
    private_cluster_run(cluster,
                        "insert into segment select md5('s' || s)::uuid, jsonb_build_object("
                        "'os', 'os ' || s % 5, 'product_line', 'line ' || s / 5 % 4, 'region', "
                        "'region ' || s / 20) from generate_series(0, 199) s");
}

void bench_restart(struct bench_table *table)
{
    struct serving analyzer;
    struct private_cluster *cluster =
        private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    private_cluster_migrate(cluster);
    serving_give_key(cluster);
    begin(cluster);
    store(table, cluster, 0, MINUTES);
    double reports = (double)private_cluster_number(cluster, "select count(*) from report");
    double seconds = measure_start(cluster, &analyzer);
    stop_when_stored(&analyzer);
    bench_table_add(table, "reports in the database", reports / MILLION, "million");
    bench_table_add(table, "from start to ready, by reading them", seconds, "s");
    bench_table_add(table, "reports a second", reports / seconds, "1/s");
    bench_table_add(table, "a day of 288 million reports at this pace",
                    DAY_REPORTS / reports * seconds, "s");

    store(table, cluster, MINUTES, MINUTES + LATER);
    seconds = measure_start(cluster, &analyzer);
    bench_table_goal(table, "from the state of ten minutes ago, an update to all hosts since",
                     seconds, "s", BENCH_AT_MOST, 60);
    process_wait_for_log(analyzer.process, "the state is stored");
    double bytes = said(process_log(analyzer.process), " bytes=");
    double packed = said(process_log(analyzer.process), " packed_bytes=");
    double held_ms = said(process_log(analyzer.process), " held_milliseconds=");
    (void)serving_stop(&analyzer);
    bench_table_add(table, "from the state of just now", measure_start(cluster, &analyzer), "s");
    (void)serving_stop(&analyzer);
    private_cluster_remove(cluster);
    bench_table_add(table, "bytes of state a host, an installation each", bytes / HOSTS, "B");
    bench_table_add(table, "the same packed, as in the database", packed / HOSTS, "B");
    bench_table_goal(table, "copying it, in a pause where there is one, takes", held_ms, "ms",
                     BENCH_AT_MOST, 200);
}
