/* How long does the API take to answer? A real analyzer on a real PostgreSQL with 100,000
 * customers, 30 updates and 20 regions, asked for everything it can be asked for: at rest, with the
 * answer known already, by many at once, and while it takes in and judges further minutes, which is
 * the hard thing: its answers stand on what it is changing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/api/stored_fleet.h"
#include "tests/bench/bench_table.h"
#include "tests/support/http_client.h"
#include "tests/support/private_cluster.h"
#include "tests/support/process.h"
#include "tests/support/serving.h"

#define GOAL_MS 100.0
#define ASKED 200        /* times each, at rest: ten lie beyond the 95th percentile */
#define PATIENCE_MS 4000 /* for those times, from the twentieth on */
#define READERS 16       /* at once */
#define BUSY_MINUTES 5   /* further ones, one after another */
#define FIRST_UPDATE "/v1/updates/" FLEET_FIRST_UPDATE
#define HEADERS_MOST 4
#define JUDGED_AT "2005-04-22T22:55:00Z" /* the last but those that may yet get late reports */
#define PATIENCE_S 300

static const struct route {
    const char *name, *path;
    bool tagged; /* has an ETag */
    bool waits;  /* for the analysis itself, while it judges a minute */
} routes[] = {
    {"updates", "/v1/updates", true, false},
    {"updates, a page of ten", "/v1/updates?limit=10", true, false},
    {"updates as CSV", "/v1/updates?format=csv", true, false},
    {"an update", FIRST_UPDATE, true, false},
    {"its verdict", FIRST_UPDATE "/verdict", true, false},
    {"its impact", FIRST_UPDATE "/impact", true, false},
    {"its impact as CSV", FIRST_UPDATE "/impact?format=csv", true, false},
    {"its cost", FIRST_UPDATE "/cost", true, false},
    {"outreach, the first hundred", FIRST_UPDATE "/outreach", true, false},
    {"outreach, ten thousand as CSV", FIRST_UPDATE "/outreach?format=csv", true, false},
    {"changes", "/v1/changes", true, false},
    {"a host", "/v1/hosts/%s", true, true},
    {"summary", "/v1/summary", true, true},
    {"what if", "/v1/what-if?update=" FLEET_FIRST_UPDATE "&set=cost_per_minute=1,2,3", true, true},
    {"who am I", "/v1/me", false, false},
    {"the API's description", "/v1/openapi.json", true, false},
    {"a page", "/", true, false},
    {"readiness", "/readyz", false, false},
    {"metrics", "/metrics", false, false},
};
#define ROUTES (sizeof routes / sizeof *routes)

struct bench {
    struct bench_table *table;
    struct private_cluster *cluster;
    struct serving analyzer;
    char urls[ROUTES][256];
};

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e3 * (double)now.tv_sec + (double)now.tv_nsec / 1e6;
}

/* Asks once and answers the milliseconds; `etag` (may be NULL) is sent where it is not empty, and
 * filled from a 200. */
static double ask(struct http_client *client, const char *url, char *etag, size_t *bytes)
{
    char condition[HTTP_HEADER_VALUE_SIZE + 32];
    const char *headers[HEADERS_MOST] = {SERVING_KEY_HEADER, "Accept-Encoding: gzip"};
    bool known = etag != NULL && etag[0] != '\0';
    if (known) {
        (void)snprintf(condition, sizeof condition, "If-None-Match: %s", etag);
        headers[2] = condition;
    }
    struct http_answer answer = {0};
    double begin = now_ms();
    http_client_ask(client, &(struct http_ask){.url = url, .headers = headers}, &answer);
    double took = now_ms() - begin;
    if (answer.status != 200 && !(known && answer.status == 304)) {
        fail_msg("%s was answered %u: %s", url, answer.status,
                 answer.body.data != NULL ? answer.body.data : answer.trouble);
    }
    if (etag != NULL && answer.status == 200) {
        (void)http_answer_header(&answer, "ETag", etag);
    }
    if (bytes != NULL) {
        *bytes = answer.body.length;
    }
    http_answer_free(&answer);
    return took;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The part `share` of the sorted values lies at or below it. */
static double percentile(double *values, size_t count, double share)
{
    qsort(values, count, sizeof *values, compare);
    size_t at = (size_t)(share * (double)count);
    return values[at < count ? at : count - 1];
}

static void report(struct bench *bench, const char *name, const char *what, double *times,
                   size_t count)
{
    char row[160];
    (void)snprintf(row, sizeof row, "%s%s, p50", name, what);
    bench_table_add(bench->table, row, percentile(times, count, 0.5), "ms");
    (void)snprintf(row, sizeof row, "%s%s, p95", name, what);
    bench_table_goal(bench->table, row, percentile(times, count, 0.95), "ms", BENCH_AT_MOST,
                     GOAL_MS);
}

/* ---- At rest ---- */

/* How many times it was asked. */
static size_t ask_often(struct http_client *client, const char *url, char *etag,
                        double times[ASKED], size_t *bytes)
{
    double begin = now_ms();
    size_t count = 0;
    while (count < ASKED && (count < 20 || now_ms() - begin < PATIENCE_MS)) {
        times[count++] = ask(client, url, etag, bytes);
    }
    return count;
}

static void at_rest(struct bench *bench)
{
    double times[ASKED];
    struct http_client *client = http_client_new();
    bench_table_section(bench->table, "At rest, one after another");
    for (size_t i = 0; i < ROUTES; i++) {
        char row[160];
        size_t bytes = 0;
        size_t count = ask_often(client, bench->urls[i], NULL, times, &bytes);
        (void)snprintf(row, sizeof row, "%s, sent", routes[i].name);
        bench_table_add(bench->table, row, (double)bytes / 1024, "KiB");
        report(bench, routes[i].name, "", times, count);
    }
    bench_table_section(bench->table, "The same to who has it already (304)");
    for (size_t i = 0; i < ROUTES; i++) {
        char etag[HTTP_HEADER_VALUE_SIZE] = "";
        if (!routes[i].tagged) {
            continue;
        }
        (void)ask(client, bench->urls[i], etag, NULL);
        size_t count = ask_often(client, bench->urls[i], etag, times, NULL);
        report(bench, routes[i].name, ", known", times, count);
    }
    http_client_free(client);
}

/* ---- Many at once ---- */

struct reader {
    pthread_t thread;
    const char *url;
    double times[ASKED];
};

static void *read_on(void *context)
{
    struct reader *reader = context;
    struct http_client *client = http_client_new();
    for (size_t k = 0; k < ASKED; k++) {
        reader->times[k] = ask(client, reader->url, NULL, NULL);
    }
    http_client_free(client);
    return NULL;
}

static void by_many(struct bench *bench)
{
    static struct reader readers[READERS];
    static double times[(size_t)READERS * ASKED];
    bench_table_section(bench->table, "Sixteen readers at once, none of whom waits");
    for (size_t i = 0; i < READERS; i++) {
        readers[i].url = bench->urls[0];
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        memcpy(times + i * ASKED, readers[i].times, sizeof readers[i].times);
    }
    report(bench, routes[0].name, ", sixteen readers", times, (size_t)READERS * ASKED);
}

/* ---- While it works ---- */

static atomic_bool storing;

static void *store_minutes(void *context)
{
    const struct bench *bench = context;
    for (int minute = 0; minute < BUSY_MINUTES; minute++) {
        stored_fleet_minute(bench->cluster, FLEET_MINUTES + minute);
    }
    nanosleep(&(struct timespec){.tv_sec = 5}, NULL); /* for the last to be judged */
    storing = false;
    return NULL;
}

#define BUSY_MOST 20000

/* One who asks for what waits, and one who asks for what does not. */
struct asker {
    pthread_t thread;
    const struct bench *bench;
    bool waits;
    size_t count;
    double times[ROUTES][BUSY_MOST];
};

static void *ask_on(void *context)
{
    struct asker *asker = context;
    struct http_client *client = http_client_new();
    while (storing && asker->count < BUSY_MOST) {
        for (size_t i = 0; i < ROUTES; i++) {
            if (routes[i].waits == asker->waits) {
                asker->times[i][asker->count] = ask(client, asker->bench->urls[i], NULL, NULL);
            }
        }
        asker->count++;
    }
    http_client_free(client);
    return NULL;
}

static void while_it_works(struct bench *bench)
{
    static struct asker askers[2];
    pthread_t thread;
    bench_table_section(bench->table, "While it takes in five minutes, 20,000 reports each");
    storing = true;
    assert_int_equal(pthread_create(&thread, NULL, store_minutes, bench), 0);
    for (size_t i = 0; i < 2; i++) {
        askers[i].bench = bench;
        askers[i].waits = i == 1;
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_on, &askers[i]), 0);
    }
    pthread_join(thread, NULL);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(askers[i].thread, NULL);
    }
    bench_table_add(bench->table, "times each was asked", (double)askers[0].count, "1");
    bench_table_add(bench->table, "times each was asked of what waits for the analysis",
                    (double)askers[1].count, "1");
    for (size_t i = 0; i < ROUTES; i++) {
        struct asker *asker = &askers[routes[i].waits ? 1 : 0];
        report(bench, routes[i].name, ", at work", asker->times[i], asker->count);
    }
}

/* ---- The stage ---- */

/* The minute the answers stand at; "" while there are none. */
static const char *stands_at(struct bench *bench, struct http_client *client,
                             char at[HTTP_HEADER_VALUE_SIZE])
{
    struct http_answer answer = {0};
    const char *headers[] = {SERVING_KEY_HEADER, NULL};
    at[0] = '\0';
    http_client_ask(client, &(struct http_ask){.url = bench->urls[0], .headers = headers}, &answer);
    (void)http_answer_header(&answer, "Epicenter-As-Of", at);
    http_answer_free(&answer);
    return at;
}

static void wait_until_judged(struct bench *bench)
{
    char at[HTTP_HEADER_VALUE_SIZE];
    struct http_client *client = http_client_new();
    double begin = now_ms();
    while (strcmp(stands_at(bench, client, at), JUDGED_AT) < 0) {
        if (now_ms() - begin > 1e3 * PATIENCE_S) {
            fail_msg("after %d s the answers stand at \"%s\"", PATIENCE_S, at);
        }
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    http_client_free(client);
}

static void name_urls(struct bench *bench)
{
    const char *host =
        private_cluster_text(bench->cluster, "select host_id::text from report limit 1");
    for (size_t i = 0; i < ROUTES; i++) {
        char path[192];
        const char *hole = strstr(routes[i].path, "%s");
        (void)snprintf(path, sizeof path, "%.*s%s",
                       hole != NULL ? (int)(hole - routes[i].path) : (int)strlen(routes[i].path),
                       routes[i].path, hole != NULL ? host : "");
        (void)snprintf(bench->urls[i], sizeof bench->urls[i], "%s%s", bench->analyzer.url, path);
    }
}

static void run(void **state)
{
    (void)state;
    struct bench bench = {.table = bench_table_new("api")};
    bench.cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    private_cluster_migrate(bench.cluster);
    serving_give_key(bench.cluster);
    stored_fleet_register(bench.cluster);
    for (int minute = 0; minute < FLEET_MINUTES; minute++) {
        bench_table_progress(bench.table, "minutes stored", (size_t)minute, FLEET_MINUTES);
        stored_fleet_minute(bench.cluster, minute);
    }
    double begin = now_ms();
    bench.analyzer = serving_start(ANALYZER_PROGRAM, bench.cluster, "epicenter_analyzer", NULL);
    name_urls(&bench);
    wait_until_judged(&bench);
    bench_table_section(bench.table, "The stage");
    bench_table_add(bench.table, "1.2 million reports read and judged, sixty minutes one by one",
                    (now_ms() - begin) / 1e3, "s");
    at_rest(&bench);
    by_many(&bench);
    while_it_works(&bench);
    assert_int_equal(serving_stop(&bench.analyzer), 0);
    private_cluster_remove(bench.cluster);
    assert_int_equal(bench_table_finish(bench.table), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
