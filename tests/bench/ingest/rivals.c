/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/ingest/rivals.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "common/instant.h"
#include "tests/bench/ingest/cost.h"
#include "tests/bench/ingest/load_client.h"
#include "tests/bench/ingest/reports.h"
#include "tests/support/process.h"

#define REPORTS ((size_t)1000000)
#define BATCH ((size_t)5000)
#define HOSTS ((size_t)100000)
#define SENDERS 8
#define ANSWERS_AFTER_S 30

struct rival {
    const char *name, *program, *note;
    /* Writes what configuration it needs into the folder and starts it. */
    struct process *(*start)(const char *program, const char *folder, uint16_t port);
    const char *alive;              /* a path that answers 2xx when it is ready */
    const char *create, *statement; /* target and body of what makes the table; NULL: nothing */
    const char *insert;             /* target */
    void (*append)(struct buffer *out, const struct sample *sample);
};

/* ---- Forms ---- */

static void append_object(struct buffer *out, const struct sample *sample)
{
    buffer_append_format(
        out,
        "{\"host_id\":\"%s\",\"customer_id\":\"acme\",\"observed_at\":%lld,\"product_line\":\"%s\","
        "\"os\":\"Windows XP\",\"os_version\":\"SP2\",\"region\":\"%s\",\"ring\":\"%s\","
        "\"engine\":\"7.%u10\",\"locale\":\"ja-JP\",\"update_id\":\"%s\",\"interval_s\":60,"
        "\"busy\":0.%02u,\"peak\":0.9%u}\n",
        sample->host_id, (long long)(sample->at / INSTANT_SECOND), sample->product_line,
        sample->region, sample->ring, sample->engine, sample->installed ? "pattern/2.594.00" : "",
        sample->busy, sample->peak);
}

static void append_line(struct buffer *out, const struct sample *sample)
{
    buffer_append_format(
        out,
        "report,host_id=%s,customer_id=acme,product_line=%s,os=Windows\\ XP,os_version=SP2,"
        "region=%s,ring=%s,engine=7.%u10,locale=ja-JP interval_s=60,busy=0.%02u,peak=0.9%u %lld\n",
        sample->host_id, sample->product_line, sample->region, sample->ring, sample->engine,
        sample->busy, sample->peak, (long long)sample->at * 1000);
}

/* ---- Starting them ---- */

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        fail_msg("cannot write %s", path);
    }
}

static struct process *start_clickhouse(const char *program, const char *folder, uint16_t port)
{
    char text[2048];
    char option[600];
    (void)snprintf(
        text, sizeof text,
        "<yandex><logger><level>error</level><console>1</console></logger>"
        "<http_port>%u</http_port><listen_host>127.0.0.1</listen_host>"
        "<path>%s/data/</path><tmp_path>%s/tmp/</tmp_path><users_config>users.xml</users_config>"
        "<default_profile>default</default_profile><default_database>default</default_database>"
        "<mark_cache_size>5368709120</mark_cache_size></yandex>",
        port, folder, folder);
    write_file(folder, "config.xml", text);
    write_file(
        folder, "users.xml",
        "<yandex><profiles><default></default></profiles><users><default><password></password>"
        "<networks><ip>127.0.0.1</ip></networks><profile>default</profile>"
        "<quota>default</quota></default></users><quotas><default></default></quotas>"
        "</yandex>");
    (void)snprintf(option, sizeof option, "--config-file=%s/config.xml", folder);
    return process_start((const char *[]){program, option, NULL});
}

static struct process *start_victoria(const char *program, const char *folder, uint16_t port)
{
    char data[600];
    char listen[64];
    (void)snprintf(data, sizeof data, "-storageDataPath=%s/data", folder);
    (void)snprintf(listen, sizeof listen, "-httpListenAddr=127.0.0.1:%u", port);
    return process_start(
        (const char *[]){program, data, listen, "-loggerLevel=ERROR", "-retentionPeriod=1", NULL});
}

static struct process *start_influx(const char *program, const char *folder, uint16_t port)
{
    char text[2048];
    char path[600];
    (void)snprintf(text, sizeof text,
                   "reporting-disabled = true\nbind-address = \"127.0.0.1:0\"\n"
                   "[meta]\ndir = \"%s/meta\"\n[data]\ndir = \"%s/data\"\nwal-dir = \"%s/wal\"\n"
                   "index-version = \"tsi1\"\nmax-series-per-database = 0\n"
                   "cache-max-memory-size = \"4g\"\n[http]\nbind-address = \"127.0.0.1:%u\"\n"
                   "log-enabled = false\nmax-body-size = 0\n[logging]\nlevel = \"error\"\n",
                   folder, folder, folder, port);
    write_file(folder, "influxdb.conf", text);
    (void)snprintf(path, sizeof path, "%s/influxdb.conf", folder);
    return process_start((const char *[]){program, "-config", path, NULL});
}

static const struct rival rivals[] = {
    {.name = "ClickHouse",
     .program = "/usr/sbin/clickhouse-server",
     .note = "ClickHouse: JSONEachRow into a MergeTree of flat columns, defaults. It answers when "
             "the part is written, without fsync: not durable against a power cut.",
     .start = start_clickhouse,
     .alive = "/ping",
     .create = "/",
     .statement =
         "create table report (host_id UUID, customer_id String, observed_at DateTime, "
         "product_line String, os String, os_version String, region String, ring String, "
         "engine String, locale String, update_id String, interval_s Float64, busy Float64, "
         "peak Float64) engine = MergeTree partition by toDate(observed_at) "
         "order by (customer_id, host_id, observed_at)",
     .insert = "/?query=insert%20into%20report%20format%20JSONEachRow",
     .append = append_object},
    {.name = "VictoriaMetrics",
     .program = "/usr/bin/victoria-metrics",
     .note = "VictoriaMetrics: InfluxDB's line protocol, defaults. It answers when the samples are "
             "in memory, and writes them out within seconds: not durable.",
     .start = start_victoria,
     .alive = "/health",
     .insert = "/write",
     .append = append_line},
    {.name = "InfluxDB 1.6",
     .program = "/usr/bin/influxd",
     .note =
         "InfluxDB: line protocol, index tsi1, series unlimited, otherwise defaults. It answers "
         "after fsync of its log: durable.",
     .start = start_influx,
     .alive = "/ping",
     .create = "/query?q=create%20database%20bench",
     .statement = "",
     .insert = "/write?db=bench",
     .append = append_line},
};

/* ---- Measuring ---- */

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        fail_msg("no free port");
    }
    (void)close(listener);
    return ntohs(address.sin_port);
}

static bool is_alive(uint16_t port, const char *path)
{
    char text[256];
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int length = snprintf(text, sizeof text,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
    bool alive = connect(connection, (const struct sockaddr *)&address, sizeof address) == 0 &&
                 send(connection, text, (size_t)length, MSG_NOSIGNAL) == length &&
                 recv(connection, text, 12, MSG_WAITALL) == 12 && memcmp(text + 9, "2", 1) == 0;
    (void)close(connection);
    return alive;
}

/* A request that closes its connection: what ends an answer then needs no knowing. */
static struct load_request make_request(const char *target, const struct buffer *body)
{
    struct buffer whole = {0};
    buffer_append_format(&whole,
                         "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                         "Content-Length: %zu\r\n\r\n",
                         target, body->length);
    buffer_append(&whole, body->data, body->length);
    return (struct load_request){whole.data, whole.length};
}

static struct load_result run(uint16_t port, const struct load_request *requests, size_t count)
{
    struct load_result result = load_run(&(struct load_plan){.server = "the rival",
                                                             .port = port,
                                                             .connections = SENDERS,
                                                             .requests = requests,
                                                             .request_count = count,
                                                             .total = count});
    if (result.refused + result.broken > 0) {
        fail_msg("%zu requests were refused (the last with %u), %zu broken", result.refused,
                 result.refused_status, result.broken);
    }
    return result;
}

static void insert_everything(struct bench_table *table, const struct rival *rival, uint16_t port,
                              pid_t server)
{
    static struct load_request requests[REPORTS / BATCH];
    char name[96];
    for (size_t i = 0; i < REPORTS / BATCH; i++) {
        struct buffer body = {0};
        for (size_t k = 0; k < BATCH; k++) {
            struct sample sample = reports_sample(i * BATCH + k, HOSTS);
            rival->append(&body, &sample);
        }
        requests[i] = make_request(rival->insert, &body);
        buffer_free(&body);
    }
    double before_s = cost_cpu_s(server);
    struct load_result result = run(port, requests, REPORTS / BATCH);
    (void)sleep(3); /* for what they put off */
    double cpu_s = cost_cpu_s(server) - before_s;
    (void)snprintf(name, sizeof name, "%s", rival->name);
    bench_table_add(table, name, (double)REPORTS / result.seconds, "reports/s");
    (void)snprintf(name, sizeof name, "  server CPU, %s", rival->name);
    bench_table_add(table, name, cpu_s * 1e6 / (double)REPORTS, "s per million");
    (void)snprintf(name, sizeof name, "  peak memory, %s", rival->name);
    bench_table_add(table, name, cost_peak_bytes(server) / 1e6, "MB");
    bench_table_note(table, rival->note);
    for (size_t i = 0; i < REPORTS / BATCH; i++) {
        free((void *)(uintptr_t)requests[i].bytes);
    }
}

static void run_rival(struct bench_table *table, const struct rival *rival)
{
    char folder[] = "/tmp/epicenter-bench-XXXXXX";
    uint16_t port = free_port();
    if (mkdtemp(folder) == NULL) {
        fail_msg("cannot make a folder for %s", rival->name);
    }
    struct process *server = rival->start(rival->program, folder, port);
    for (int i = 0; i < ANSWERS_AFTER_S * 10 && !is_alive(port, rival->alive); i++) {
        (void)usleep(100000);
    }
    if (!is_alive(port, rival->alive)) {
        fail_msg("%s does not answer:\n%s", rival->name, process_log(server));
    }
    if (rival->create != NULL) {
        struct buffer statement = {0};
        buffer_append_text(&statement, rival->statement);
        struct load_request request = make_request(rival->create, &statement);
        (void)run(port, &request, 1);
        free((void *)(uintptr_t)request.bytes);
        buffer_free(&statement);
    }
    insert_everything(table, rival, port, process_id(server));
    process_free(server);
    process_free(process_run((const char *[]){"rm", "-rf", folder, NULL}, 0));
}

void rivals_run(struct bench_table *table)
{
    for (size_t i = 0; i < sizeof rivals / sizeof *rivals; i++) {
        if (access(rivals[i].program, X_OK) == 0) {
            run_rival(table, &rivals[i]);
        } else {
            char note[128];
            (void)snprintf(note, sizeof note, "%s is not installed.", rivals[i].name);
            bench_table_note(table, note);
        }
    }
}
