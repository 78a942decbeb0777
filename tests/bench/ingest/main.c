/* How fast does the collector take reports, what does that cost, and how far is it from what its
 * libraries can do? One run holds everything against everything: the bare HTTP server, bare COPY
 * and bare decoding are the limits, measured beside the collector on the same reports.
 *
 * The hard thing is that client, collector and PostgreSQL share the machine: so a limit and what is
 * held against it alternate, each figure is a median, and the client's own processor time is said.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/decode_usual.h"
#include "common/instant.h"
#include "common/uuid.h"
#include "tests/bench/bench_table.h"
#include "tests/bench/ingest/bare_server.h"
#include "tests/bench/ingest/cost.h"
#include "tests/bench/ingest/load_client.h"
#include "tests/bench/ingest/reports.h"
#include "tests/bench/ingest/rivals.h"
#include "tests/support/private_cluster.h"
#include "tests/support/process.h"
#include "tests/support/serving.h"

#define ROUNDS 3
#define SINGLE_S 3.0
#define BATCHED_REPORTS ((size_t)1000000)
/* So that about as many reports are under way with either size. */
#define SENDERS_OF_SMALL 64
#define SENDERS_OF_LARGE 8

struct bench {
    struct bench_table *table;
    struct private_cluster *cluster;
    pid_t postgres;
    struct serving collector;
    char authorization[TOKEN_TEXT_SIZE + 24];
    double copy_rows_per_s, copy_cpu_s; /* the latter for a million rows */
};

/* ---- The house ---- */

static pid_t postmaster(struct private_cluster *cluster)
{
    char line[32];
    FILE *file = fopen(private_cluster_path(cluster, "data/postmaster.pid"), "re");
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        fail_msg("PostgreSQL's process is not known");
    }
    (void)fclose(file);
    return (pid_t)strtol(line, NULL, 10);
}

static void start_collector(struct bench *bench)
{
    const char *keys = private_cluster_path(bench->cluster, "token-keys");
    bench->collector = serving_start(
        COLLECTOR_PROGRAM, bench->cluster, "epicenter_collector",
        (const char *[]){"--token-keys", keys, "--customer-rate", "0", "--host-rate", "0", NULL});
}

static void start_house(struct bench *bench)
{
    /* Durable, as it comes: fsync and synchronous_commit on. A checkpoint of its own accord in the
     * middle of one measurement and not in the other would be luck; each is followed by one. */
    bench->cluster = private_cluster_start(&(struct private_cluster_options){
        .settings = (const char *[]){"max_wal_size=8GB", "checkpoint_timeout=1h", NULL}});
    private_cluster_migrate(bench->cluster);
    private_cluster_run(bench->cluster, "select maintain_report_partitions(3, 30)");
    bench->postgres = postmaster(bench->cluster);
    start_collector(bench);
    struct process *token =
        process_run((const char *[]){COLLECTOR_PROGRAM, "token", "--token-keys",
                                     private_cluster_path(bench->cluster, "token-keys"),
                                     "--gateway", "--customer", "acme", NULL},
                    0);
    const char *text = process_output(token);
    (void)snprintf(bench->authorization, sizeof bench->authorization, "Authorization: Bearer %.*s",
                   (int)strcspn(text, "\n"), text);
    process_free(token);
}

static void empty_tables(struct bench *bench)
{
    private_cluster_run(bench->cluster, "truncate report, report_update, report_load; checkpoint");
}

static double settled_cpu_s(struct bench *bench)
{
    private_cluster_run(bench->cluster, "checkpoint");
    return cost_cpu_s(bench->postgres) + cost_cpu_s(process_id(bench->collector.process));
}

/* ---- The limits ---- */

static double clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double decode_rate(decoder decode, const struct buffer *body, size_t reports)
{
    double rates[ROUNDS];
    struct failure failure;
    struct token token = {.kind = TOKEN_GATEWAY, .customer_id = "acme"};
    for (int round = 0; round < ROUNDS; round++) {
        struct decode_input input = {.bytes = body->data,
                                     .length = body->length,
                                     .token = &token,
                                     .received_at = instant_now()};
        struct decode_output output = {0};
        double began = clock_s();
        if (!decode(&input, &output, &failure) || output.report_count != reports) {
            fail_msg("the reports of the bench are not taken: %zu of %zu", output.report_count,
                     reports);
        }
        rates[round] = (double)reports / (clock_s() - began);
        decode_output_free(&output);
    }
    return bench_median(rates, ROUNDS);
}

static void bench_decoding(struct bench *bench)
{
    const size_t reports = 20000;
    struct buffer body = {0};
    for (size_t i = 0; i < reports; i++) {
        reports_append(&body, i, 100000);
        buffer_append_text(&body, "\n");
    }
    double tree = decode_rate(decode_report_by_tree, &body, reports);
    double quick = decode_rate(decode_report, &body, reports);
    bench_table_add(bench->table, "decoding alone, jansson's tree, one thread", tree, "reports/s");
    bench_table_add(bench->table, "decoding alone, ours, one thread", quick, "reports/s");
    buffer_free(&body);
}

/* The rows of the last batched run once more, by COPY alone, into a table like theirs. */
static void measure_copy(struct bench *bench)
{
    double rates[ROUNDS];
    double cpu[ROUNDS];
    char sql[512];
    const char *rows = private_cluster_path(bench->cluster, "data/rows");
    int64_t count = private_cluster_number(bench->cluster, "select count(*) from report");
    private_cluster_run(bench->cluster,
                        "create table copied (like report including all) partition by range"
                        " (received_at); create table copied_all partition of copied default");
    (void)snprintf(sql, sizeof sql, "copy (select * from report) to '%s' (format binary)", rows);
    private_cluster_run(bench->cluster, sql);
    (void)snprintf(sql, sizeof sql, "copy copied from '%s' (format binary)", rows);
    for (int round = 0; round < ROUNDS; round++) {
        private_cluster_run(bench->cluster, "truncate copied; checkpoint");
        double cpu_before = cost_cpu_s(bench->postgres);
        double began = clock_s();
        private_cluster_run(bench->cluster, sql);
        rates[round] = (double)count / (clock_s() - began);
        private_cluster_run(bench->cluster, "checkpoint");
        cpu[round] = 1e6 * (cost_cpu_s(bench->postgres) - cpu_before) / (double)count;
    }
    private_cluster_run(bench->cluster, "drop table copied");
    bench->copy_rows_per_s = bench_median(rates, ROUNDS);
    bench->copy_cpu_s = bench_median(cpu, ROUNDS);
}

/* ---- Single reports ---- */

static struct load_result run_single(const char *server, bool may_stall, uint16_t port,
                                     const struct requests *requests, unsigned connections)
{
    return load_run(&(struct load_plan){.server = server,
                                        .port = port,
                                        .connections = connections,
                                        .requests = requests->requests,
                                        .request_count = requests->count,
                                        .most_s = SINGLE_S,
                                        .may_stall = may_stall});
}

/* libmicrohttpd by itself now and then leaves 128 requests that come together unread for ever; see
 * common/http_loop.h. Such a round is done again. */
static struct load_result run_bare(const struct requests *requests, unsigned connections)
{
    struct load_result result;
    do {
        struct bare_server server = bare_server_start();
        result = run_single("the bare server", true, server.port, requests, connections);
        bare_server_stop(&server);
    } while (result.stalled);
    return result;
}

static void bench_single(struct bench *bench, unsigned connections, double goal)
{
    struct requests requests = requests_new(100000, 1, 100000, false, bench->authorization);
    double bare[ROUNDS];
    double ours[ROUNDS];
    double cpu[ROUNDS];
    double client[ROUNDS];
    double p50[ROUNDS];
    double p99[ROUNDS];
    double group[ROUNDS];
    char name[96];
    for (int round = 0; round < ROUNDS; round++) {
        struct load_result limit = run_bare(&requests, connections);
        bare[round] = (double)limit.answered / limit.seconds;

        empty_tables(bench);
        double cpu_before = settled_cpu_s(bench);
        struct load_result result =
            run_single("the collector", false, bench->collector.port, &requests, connections);
        cpu[round] = 1e6 * (settled_cpu_s(bench) - cpu_before) / (double)result.answered;
        if (result.refused + result.broken > 0) {
            fail_msg("%zu requests were refused (the last with %u), %zu broken", result.refused,
                     result.refused_status, result.broken);
        }
        ours[round] = (double)result.answered / result.seconds;
        client[round] = result.client_cpu_s / result.seconds;
        p50[round] = result.p50_ms;
        p99[round] = result.p99_ms;
        group[round] = (double)private_cluster_number(
            bench->cluster,
            "select sum(row_count) / count(*) from report_load where row_count > 0");
    }
    double limit = bench_median(bare, ROUNDS);
    double rate = bench_median(ours, ROUNDS);
    (void)snprintf(name, sizeof name, "bare libmicrohttpd, %u connections", connections);
    bench_table_add(bench->table, name, limit, "requests/s");
    (void)snprintf(name, sizeof name, "single reports, %u connections", connections);
    bench_table_add(bench->table, name, rate, "reports/s");
    (void)snprintf(name, sizeof name, "  of the bare server, %u connections", connections);
    bench_table_goal(bench->table, name, rate / limit, "", BENCH_AT_LEAST, goal);
    (void)snprintf(name, sizeof name, "  server CPU, %u connections", connections);
    bench_table_add(bench->table, name, bench_median(cpu, ROUNDS), "s per million");
    (void)snprintf(name, sizeof name, "  rows a commit, %u connections", connections);
    bench_table_add(bench->table, name, bench_median(group, ROUNDS), "rows");
    (void)snprintf(name, sizeof name, "  p50, %u connections", connections);
    bench_table_add(bench->table, name, bench_median(p50, ROUNDS), "ms");
    (void)snprintf(name, sizeof name, "  p99, %u connections", connections);
    bench_table_add(bench->table, name, bench_median(p99, ROUNDS), "ms");
    (void)snprintf(name, sizeof name, "  client's share of a processor, %u connections",
                   connections);
    bench_table_add(bench->table, name, bench_median(client, ROUNDS), "");
    requests_free(&requests);
}

/* ---- One commit that stalls ---- */

/* The stalled report is of a host whose name another transaction is adding; a process of its own
 * waits for its answer. */
static pid_t send_stalled(struct bench *bench, const char *name)
{
    char at[INSTANT_TEXT_SIZE];
    char text[1024];
    (void)instant_format(instant_now(), at);
    char body[256];
    int body_length = snprintf(body, sizeof body,
                               "{\"host_id\":\"%s\",\"observed_at\":\"%s\","
                               "\"cpu\":{\"interval_s\":60,\"busy\":0.5}}",
                               name, at);
    int length = snprintf(text, sizeof text,
                          "POST /v1/reports HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n"
                          "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                          bench->authorization, body_length, body);
    pid_t child = fork();
    if (child == 0) {
        const struct load_request request = {text, (size_t)length};
        (void)load_run(&(struct load_plan){.server = "the collector",
                                           .port = bench->collector.port,
                                           .connections = 1,
                                           .requests = &request,
                                           .request_count = 1,
                                           .total = 1});
        _exit(EXIT_SUCCESS);
    }
    return child;
}

static void bench_stall(struct bench *bench)
{
    static const char name[] = "a-host-that-waits";
    struct requests requests = requests_new(100000, 1, 100000, false, bench->authorization);
    struct uuid host = uuid_from_name("acme", name, sizeof name - 1);
    char id[UUID_TEXT_SIZE];
    char sql[256];
    (void)snprintf(sql, sizeof sql,
                   "insert into host_name (host_id, customer_id, name) values ('%s', 'acme', '%s')",
                   uuid_format(&host, id), name);
    const char *const hold[] = {
        "psql", "-q",
        "-d",   private_cluster_conninfo(bench->cluster, PRIVATE_CLUSTER_OWNER),
        "-c",   "begin",
        "-c",   sql,
        "-c",   "select pg_sleep(4)",
        NULL};
    struct process *holder = process_start(hold);
    (void)usleep(300000);
    pid_t stalled = send_stalled(bench, name);
    (void)usleep(200000);
    struct load_result result =
        run_single("the collector", false, bench->collector.port, &requests, 64);
    bool waited = waitpid(stalled, NULL, WNOHANG) == 0;
    (void)waitpid(stalled, NULL, 0);
    process_free(holder);
    if (!waited || result.refused + result.broken > 0) {
        fail_msg("the commit that was to stall did not, or others were refused");
    }
    bench_table_add(bench->table, "while one commit stalls for 4 s, 64 others: p50", result.p50_ms,
                    "ms");
    bench_table_add(bench->table, "  p99.9", result.p999_ms, "ms");
    bench_table_goal(bench->table, "  the longest", result.longest_ms, "ms", BENCH_AT_MOST, 500);
    requests_free(&requests);
}

/* ---- Batches ---- */

struct batched {
    double rate, cpu_s, p50_ms, p99_ms, client;
};

static struct batched run_batched(struct bench *bench, const struct requests *requests)
{
    double rate[ROUNDS];
    double cpu[ROUNDS];
    double p50[ROUNDS];
    double p99[ROUNDS];
    double client[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        empty_tables(bench);
        double cpu_before = settled_cpu_s(bench);
        struct load_result result = load_run(&(struct load_plan){
            .server = "the collector",
            .port = bench->collector.port,
            .connections = requests->reports <= 100 ? SENDERS_OF_SMALL : SENDERS_OF_LARGE,
            .requests = requests->requests,
            .request_count = requests->count,
            .total = requests->count});
        if (result.refused + result.broken > 0) {
            fail_msg("%zu batches were refused (the last with %u), %zu broken", result.refused,
                     result.refused_status, result.broken);
        }
        double reports = (double)(result.answered * requests->reports);
        cpu[round] = 1e6 * (settled_cpu_s(bench) - cpu_before) / reports;
        rate[round] = reports / result.seconds;
        client[round] = result.client_cpu_s / result.seconds;
        p50[round] = result.p50_ms;
        p99[round] = result.p99_ms;
        int64_t rows = private_cluster_number(bench->cluster, "select count(*) from report");
        if (rows != (int64_t)reports) {
            fail_msg("%.0f reports were acknowledged and %lld stored", reports, (long long)rows);
        }
    }
    return (struct batched){bench_median(rate, ROUNDS), bench_median(cpu, ROUNDS),
                            bench_median(p50, ROUNDS), bench_median(p99, ROUNDS),
                            bench_median(client, ROUNDS)};
}

static void bench_batched(struct bench *bench, size_t reports, bool gzip, size_t hosts)
{
    char what[64];
    char name[128];
    struct requests requests =
        requests_new(BATCHED_REPORTS / reports, reports, hosts, gzip, bench->authorization);
    struct batched batched = run_batched(bench, &requests);
    (void)snprintf(what, sizeof what, "batches of %zu, %s, %zu00,000 hosts", reports,
                   gzip ? "gzip" : "plain", hosts / 100000);
    bench_table_add(bench->table, what, batched.rate, "reports/s");
    (void)snprintf(name, sizeof name, "  server CPU, %s", what);
    bench_table_goal(bench->table, name, batched.cpu_s, "s per million", BENCH_AT_MOST, 1.3);
    if (bench->copy_rows_per_s <= 0) {
        measure_copy(bench);
        bench_table_add(bench->table, "bare COPY of the same rows into a table like theirs",
                        bench->copy_rows_per_s, "rows/s");
        bench_table_add(bench->table, "  server CPU, bare COPY", bench->copy_cpu_s,
                        "s per million");
    }
    (void)snprintf(name, sizeof name, "  of bare COPY, %s", what);
    bench_table_goal(bench->table, name, batched.rate / bench->copy_rows_per_s, "", BENCH_AT_LEAST,
                     0.5);
    (void)snprintf(name, sizeof name, "  p50, %s", what);
    bench_table_add(bench->table, name, batched.p50_ms, "ms");
    (void)snprintf(name, sizeof name, "  p99, %s", what);
    bench_table_add(bench->table, name, batched.p99_ms, "ms");
    (void)snprintf(name, sizeof name, "  client's share of a processor, %s", what);
    bench_table_add(bench->table, name, batched.client, "");
    requests_free(&requests);
}

/* ---- Overload ---- */

/* PostgreSQL stands still while 256 senders go on: what waits is bounded, the rest is refused. */
static void bench_overload(struct bench *bench)
{
    struct requests requests = requests_new(200, 5000, 100000, false, bench->authorization);
    pid_t collector = process_id(bench->collector.process);
    double peaks[3];
    private_cluster_run(bench->cluster, "truncate report, report_update, report_load");
    /* The roles keep their rights; what they lack is only the table's lock. */
    const char *const hold[] = {
        "psql", "-q",
        "-d",   private_cluster_conninfo(bench->cluster, PRIVATE_CLUSTER_OWNER),
        "-c",   "begin",
        "-c",   "lock table report_load in access exclusive mode",
        "-c",   "select pg_sleep(600)",
        NULL};
    struct process *holder = process_start(hold);
    (void)sleep(1);
    size_t refused = 0;
    for (int third = 0; third < 3; third++) {
        struct load_result result = load_run(&(struct load_plan){.server = "the collector",
                                                                 .port = bench->collector.port,
                                                                 .connections = 256,
                                                                 .requests = requests.requests,
                                                                 .request_count = requests.count,
                                                                 .most_s = 15});
        refused += result.refused;
        peaks[third] = cost_peak_bytes(collector) / 1e6;
    }
    process_free(holder);
    bench_table_add(bench->table, "peak memory, PostgreSQL standing still for 30 s", peaks[1],
                    "MB");
    bench_table_add(bench->table, "  after 15 s", peaks[0], "MB");
    bench_table_goal(bench->table, "  after 45 s, of that after 30 s", peaks[2] / peaks[1], "",
                     BENCH_AT_MOST, 1.05);
    bench_table_add(bench->table, "requests refused with 503 meanwhile", (double)refused,
                    "requests");
    requests_free(&requests);
}

static void decoding(void **state)
{
    struct bench *bench = *state;
    bench_table_section(bench->table, "Decoding");
    bench_decoding(bench);
}

static void singles(void **state)
{
    struct bench *bench = *state;
    bench_table_section(bench->table, "Single reports, each answered after its commit");
    bench_single(bench, 64, 0.4);
    bench_single(bench, 512, 0.6);
    bench_single(bench, 1000, 0.6);
    bench_stall(bench);
    bench_table_add(bench->table, "peak memory of the collector so far",
                    cost_peak_bytes(process_id(bench->collector.process)) / 1e6, "MB");
}

static void batches(void **state)
{
    struct bench *bench = *state;
    static const size_t sizes[] = {100, 5000};
    static const size_t hosts[] = {100000, 1000000};
    bench_table_section(bench->table, "A million reports in batches");
    for (size_t i = 0; i < 8; i++) {
        bench_batched(bench, sizes[i % 2], i / 2 % 2 == 1, hosts[i / 4]);
    }
    bench_table_add(bench->table, "peak memory of the collector so far",
                    cost_peak_bytes(process_id(bench->collector.process)) / 1e6, "MB");
}

static void overload(void **state)
{
    struct bench *bench = *state;
    bench_table_section(bench->table, "Overload");
    bench_overload(bench);
}

static void rivals(void **state)
{
    struct bench *bench = *state;
    bench_table_section(bench->table, "What one would take instead, a million of the same reports");
    rivals_run(bench->table);
}

/* ---- All of it ---- */

/* Of the group, whose state cmocka hands to the sections as it is. */
static struct bench whole;

static int begin(void **state)
{
    *state = &whole;
    start_house(&whole);
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)serving_stop(&whole.collector);
    private_cluster_remove(whole.cluster);
    return 0;
}

/* An argument names the sections to run, as in "single*"; all of them without. */
int main(int argc, char **argv)
{
    const struct CMUnitTest sections[] = {
        cmocka_unit_test(decoding), cmocka_unit_test(singles), cmocka_unit_test(batches),
        cmocka_unit_test(overload), cmocka_unit_test(rivals),
    };
    whole.table = bench_table_new("ingest");
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    int failed = cmocka_run_group_tests_name("ingest", sections, begin, end);
    int written = bench_table_finish(whole.table);
    return failed != 0 ? EXIT_FAILURE : written;
}
