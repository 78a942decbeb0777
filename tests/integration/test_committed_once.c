/* An answer says what is in the database, also where nobody could know at once: the answer to
 * COMMIT is lost, a request comes again, the database fails over to another server.
 *
 * The oracle is the database itself, asked when all is quiet: 200 and one row, or 503 and none.
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "collector/repeat.h"
#include "tests/integration/collector_bench.h"
#include "tests/support/http_client.h"
#include "tests/support/postgres_proxy.h"
#include "tests/support/process.h"

#define READY_WITHIN_MS 60000
#define LOOK_MS 50

static struct collector_bench bench;
static struct postgres_proxy *proxy;

static unsigned post(const char *host)
{
    struct http_answer answer;
    unsigned status = collector_bench_post(&bench, "/v1/reports", JSON_TYPE, bench.gateway,
                                           collector_bench_report(&bench, host, 0.5), &answer);
    http_answer_free(&answer);
    return status;
}

static void sleep_ms(long milliseconds)
{
    const struct timespec pause = {.tv_sec = milliseconds / 1000,
                                   .tv_nsec = milliseconds % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

static void wait_until_ready(void)
{
    for (int left_ms = READY_WITHIN_MS; left_ms > 0; left_ms -= LOOK_MS) {
        struct http_answer answer;
        unsigned status = collector_bench_get(&bench, "/readyz", &answer);
        http_answer_free(&answer);
        if (status == 200) {
            return;
        }
        sleep_ms(LOOK_MS);
    }
    fail_msg("not ready:\n%s", process_log(bench.collector.process));
}

static int64_t rows_of(struct private_cluster *cluster, const char *host)
{
    char sql[160];
    (void)snprintf(sql, sizeof sql,
                   "select count(*) from report join host_name using (host_id) where name = '%s'",
                   host);
    return private_cluster_number(cluster, sql);
}

static void start_collector(const char *conninfo)
{
    const char *const arguments[] = {"--token-keys", bench.keys, "--database", conninfo, NULL};
    bench.collector =
        serving_start(COLLECTOR_PROGRAM, bench.cluster, "epicenter_collector", arguments);
}

/* ---- The answer to COMMIT ---- */

static void a_lost_answer_to_commit_is_found_out(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        struct postgres_proxy_loss loss;
        unsigned status;
    } cases[] = {
        {"arrived", {.reaches_server = true}, 200},
        {"lost", {.reaches_server = false}, 503},
        /* Asked at once, the database has not yet decided. */
        {"arrived-late", {.reaches_server = true, .later_ms = 1500}, 200},
        {"lost-late", {.reaches_server = false, .later_ms = 1500}, 503},
    };
    assert_int_equal(post("before"), 200);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        postgres_proxy_lose(proxy, cases[i].loss);
        unsigned status = post(cases[i].host);
        if (status != cases[i].status) {
            fail_msg("%s: %u\n%s", cases[i].host, status, process_log(bench.collector.process));
        }
        assert_int_equal(postgres_proxy_lost(proxy), i + 1);
        assert_int_equal(rows_of(bench.cluster, cases[i].host), status == 200);
        wait_until_ready();
        assert_int_equal(post(cases[i].host), 200); /* and it goes on */
    }
}

/* ---- The same request again ---- */

/* POSTs with an Idempotency-Key, `key` being the value of the header. */
static unsigned post_keyed(const char *key, const char *authorization, const char *body,
                           struct http_answer *answer)
{
    char url[96];
    char header[400];
    (void)snprintf(url, sizeof url, "%s/v1/reports", bench.collector.url);
    (void)snprintf(header, sizeof header, "Idempotency-Key: %s", key);
    const char *const headers[] = {NDJSON_TYPE, authorization, header, NULL};
    http_client_ask(NULL, &(struct http_ask){.url = url, .headers = headers, .body = body}, answer);
    return answer->status;
}

/* A good line for the host, and two bad ones. */
static const char *mixed_body(const char *host)
{
    static char body[512];
    (void)snprintf(body, sizeof body, "%s\nnot JSON\n{}\n",
                   collector_bench_report(&bench, host, 0.5));
    return body;
}

static void a_repeat_is_answered_as_the_first_and_stores_nothing(void **state)
{
    (void)state;
    struct http_answer first, again;
    int64_t refused = private_cluster_number(bench.cluster, "select count(*) from rejected_report");
    assert_int_equal(post_keyed("\"one\"", bench.gateway, mixed_body("keyed"), &first), 200);
    assert_non_null(strstr(first.body.data, "{\"accepted\":1,\"rejected\":[{\"line\":2"));
    /* Bare or in quotation marks it is the same key. */
    assert_int_equal(post_keyed("one", bench.gateway, mixed_body("keyed"), &again), 200);
    assert_string_equal(again.body.data, first.body.data);
    http_answer_free(&first);
    http_answer_free(&again);
    assert_int_equal(rows_of(bench.cluster, "keyed"), 1);
    assert_int_equal(private_cluster_number(bench.cluster, "select count(*) from rejected_report"),
                     refused + 2);

    (void)post_keyed("one", bench.gateway, mixed_body("keyed-other"), &again);
    collector_bench_expect_problem(&again, 422, "used for another body");
    http_answer_free(&again);
    assert_int_equal(rows_of(bench.cluster, "keyed-other"), 0);

    /* Another customer's key is another key. */
    char other[TOKEN_TEXT_SIZE + 24];
    collector_bench_token(&bench, (const char *const[]){"--gateway", "--customer", "other", NULL},
                          other);
    assert_int_equal(post_keyed("one", other, mixed_body("keyed-other"), &again), 200);
    http_answer_free(&again);
    assert_int_equal(rows_of(bench.cluster, "keyed-other"), 1);
}

static void a_repeat_after_a_crash_stores_nothing(void **state)
{
    (void)state;
    struct http_answer answer;
    const char *const arguments[] = {"--token-keys", bench.keys, NULL};
    assert_int_equal(post_keyed("two", bench.gateway, mixed_body("keyed-crash"), &answer), 200);
    http_answer_free(&answer);
    /* Another collector, which knows of nothing. */
    struct serving other =
        serving_start(COLLECTOR_PROGRAM, bench.cluster, "epicenter_collector", arguments);
    struct serving mine = bench.collector;
    bench.collector = other;
    assert_int_equal(post_keyed("two", bench.gateway, mixed_body("keyed-crash"), &answer), 200);
    http_answer_free(&answer);
    bench.collector = mine;
    assert_int_equal(serving_stop(&other), 0);
    assert_int_equal(rows_of(bench.cluster, "keyed-crash"), 1);
}

#define AT_ONCE 24

struct repetition {
    pthread_t thread;
    const char *body;
    unsigned status;
};

static void *repeat(void *argument)
{
    struct repetition *repetition = argument;
    struct http_answer answer;
    repetition->status = post_keyed("three", bench.gateway, repetition->body, &answer);
    http_answer_free(&answer);
    return NULL;
}

static void repeats_at_once_store_it_once(void **state)
{
    (void)state;
    struct repetition repetitions[AT_ONCE];
    const char *body = mixed_body("keyed-at-once"); /* once: the threads read it while more begin */
    for (int i = 0; i < AT_ONCE; i++) {
        repetitions[i].body = body;
        assert_int_equal(pthread_create(&repetitions[i].thread, NULL, repeat, &repetitions[i]), 0);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        assert_int_equal(pthread_join(repetitions[i].thread, NULL), 0);
        assert_int_equal(repetitions[i].status, 200);
    }
    assert_int_equal(rows_of(bench.cluster, "keyed-at-once"), 1);
}

static void a_key_is_bounded_and_forgotten(void **state)
{
    (void)state;
    struct http_answer answer;
    char longest[REPEAT_KEY_LIMIT + 2];
    memset(longest, 'k', REPEAT_KEY_LIMIT);
    longest[REPEAT_KEY_LIMIT] = '\0';
    assert_int_equal(post_keyed(longest, bench.gateway, mixed_body("keyed-long"), &answer), 200);
    http_answer_free(&answer);
    memset(longest, 'k', REPEAT_KEY_LIMIT + 1);
    longest[REPEAT_KEY_LIMIT + 1] = '\0';
    const char *const bad[] = {longest, "\"\"", "\"open", "\"a\"b\"", "caf\303\251"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)post_keyed(bad[i], bench.gateway, mixed_body("keyed-bad"), &answer);
        collector_bench_expect_problem(&answer, 400, "Idempotency-Key");
        http_answer_free(&answer);
    }
    assert_int_equal(rows_of(bench.cluster, "keyed-bad"), 0);

    /* Nothing acceptable is a mistake of the body, which may be mended under the same key. */
    assert_int_equal(post_keyed("four", bench.gateway, "{}\n", &answer), 400);
    http_answer_free(&answer);
    assert_int_equal(post_keyed("four", bench.gateway, mixed_body("keyed-mended"), &answer), 200);
    http_answer_free(&answer);

    private_cluster_run(bench.cluster, "update idempotency_key set created_at = "
                                       "now() - interval '25 hours' where key in ('one', 'two')");
    assert_int_equal(private_cluster_number(bench.cluster, "select trim_idempotency_keys(2)"), 2);
    assert_int_equal(private_cluster_number(bench.cluster, "select trim_idempotency_keys(2)"), 1);
    assert_int_equal(post_keyed("two", bench.gateway, mixed_body("keyed-crash"), &answer), 200);
    http_answer_free(&answer);
    assert_int_equal(rows_of(bench.cluster, "keyed-crash"), 2);
}

/* ---- Another server ---- */

static const char *with_segment(const char *host)
{
    static char body[400];
    (void)snprintf(body, sizeof body,
                   "{\"host_id\":\"%s\",\"observed_at\":\"%s\","
                   "\"host\":{\"product_line\":\"Endpoint\",\"os\":\"Windows 11\"}}",
                   host, bench.now);
    return body;
}

static unsigned post_with_segment(const char *host)
{
    struct http_answer answer;
    unsigned status = collector_bench_post(&bench, "/v1/reports", JSON_TYPE, bench.gateway,
                                           with_segment(host), &answer);
    http_answer_free(&answer);
    return status;
}

static void it_follows_the_server_that_can_be_written_to(void **state)
{
    (void)state;
    struct private_cluster *standby = private_cluster_start(NULL);
    char conninfo[512];
    private_cluster_migrate(standby);
    private_cluster_stand_by(standby);
    (void)snprintf(conninfo, sizeof conninfo,
                   "host=%s,%s user=epicenter_collector dbname=epicenter",
                   private_cluster_path(standby, "."), private_cluster_path(bench.cluster, "."));
    assert_int_equal(serving_stop(&bench.collector), 0);
    start_collector(conninfo);

    /* The first of the list stands by and is passed over. */
    assert_int_equal(post_with_segment("on-the-first"), 200);
    assert_int_equal(rows_of(bench.cluster, "on-the-first"), 1);

    /* The other one ends, and the standby takes over. It never got the segment. */
    private_cluster_stop(bench.cluster, true);
    assert_int_equal(post_with_segment("on-none"), 503);
    private_cluster_run(standby, "select pg_promote()");
    wait_until_ready();
    assert_int_equal(post_with_segment("on-the-second"), 200);
    assert_int_equal(private_cluster_number(standby, "select count(*) from report "
                                                     "join segment using (segment_id) "
                                                     "join host_name using (host_id) "
                                                     "where name = 'on-the-second'"),
                     1);
    assert_int_equal(rows_of(standby, "on-none"), 0);

    /* It is demoted under us, and the first is back. */
    private_cluster_resume(bench.cluster);
    private_cluster_run(standby, "alter system set default_transaction_read_only = on");
    private_cluster_run(standby, "select pg_reload_conf()");
    unsigned status = post_with_segment("after-demotion");
    for (int left_ms = READY_WITHIN_MS; status == 503 && left_ms > 0; left_ms -= LOOK_MS) {
        sleep_ms(LOOK_MS);
        status = post_with_segment("after-demotion");
    }
    assert_int_equal(status, 200);
    assert_true(rows_of(bench.cluster, "after-demotion") + rows_of(standby, "after-demotion") == 1);
    assert_int_equal(serving_stop(&bench.collector), 0);
    private_cluster_remove(standby);
}

static int start(void **state)
{
    (void)state;
    char conninfo[256];
    collector_bench_start(&bench, NULL);
    assert_int_equal(serving_stop(&bench.collector), 0);
    const char *directory = private_cluster_path(bench.cluster, "proxy");
    proxy = postgres_proxy_start(directory, private_cluster_path(bench.cluster, "."));
    (void)snprintf(conninfo, sizeof conninfo, "host=%s user=epicenter_collector dbname=epicenter",
                   directory);
    start_collector(conninfo);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    collector_bench_stop(&bench);
    postgres_proxy_stop(proxy);
    return 0;
}

int main(void)
{
    /* In this order: the last one starts a collector of its own. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_answer_to_commit_is_found_out),
        cmocka_unit_test(a_repeat_is_answered_as_the_first_and_stores_nothing),
        cmocka_unit_test(a_repeat_after_a_crash_stores_nothing),
        cmocka_unit_test(repeats_at_once_store_it_once),
        cmocka_unit_test(a_key_is_bounded_and_forgotten),
        cmocka_unit_test(it_follows_the_server_that_can_be_written_to),
    };
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, start, stop);
}
