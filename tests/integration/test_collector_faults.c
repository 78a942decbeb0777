/* The collector when something is away: the database stopped, restarted under it, locked for one
 * request of many, locked while it is told to end; a replay; nobody reporting. Given the fault,
 * then no answer claims what was not committed, nobody waits for somebody else's, and everything
 * works again without a restart. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "common/database.h"
#include "common/failure.h"
#include "common/instant.h"
#include "common/uuid.h"
#include "tests/integration/collector_bench.h"
#include "tests/support/http_client.h"
#include "tests/support/process.h"

/* The collector looks for the database twice a second, and recovery takes its time. */
#define RECOVERY_LIMIT_S 60
#define LOOK_MS 100

static struct collector_bench bench;

static int64_t number(const char *sql)
{
    return private_cluster_number(bench.cluster, sql);
}

static void sleep_ms(long milliseconds)
{
    const struct timespec pause = {.tv_sec = milliseconds / 1000,
                                   .tv_nsec = milliseconds % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

static double clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void assert_accepted(const char *host)
{
    struct http_answer answer;
    if (collector_bench_post(&bench, "/v1/reports", JSON_TYPE, bench.gateway,
                             collector_bench_report(&bench, host, 0.5), &answer) != 200) {
        fail_msg("%s: %u %s%s\n%s", host, answer.status, answer.trouble, answer.body.data,
                 process_log(bench.collector.process));
    }
    http_answer_free(&answer);
}

static unsigned ask_status(const char *path)
{
    struct http_answer answer;
    unsigned status = collector_bench_get(&bench, path, &answer);
    http_answer_free(&answer);
    return status;
}

static void wait_until_ready(void)
{
    for (int left_ms = RECOVERY_LIMIT_S * 1000; left_ms > 0; left_ms -= LOOK_MS) {
        if (ask_status("/readyz") == 200) {
            return;
        }
        sleep_ms(LOOK_MS);
    }
    fail_msg("not ready again:\n%s", process_log(bench.collector.process));
}

static void while_the_database_is_away_it_says_come_again(void **state)
{
    (void)state;
    struct http_answer answer;
    char value[HTTP_HEADER_VALUE_SIZE];
    char secret[] = "{\"secret\":\"eps_x\",\"host_id\":\"h\"}";
    assert_accepted("before");
    private_cluster_stop(bench.cluster, false);
    for (int i = 0; i < 3; i++) {
        (void)collector_bench_post(&bench, "/v1/reports", JSON_TYPE, bench.gateway,
                                   collector_bench_report(&bench, "meanwhile", 0.5), &answer);
        collector_bench_expect_problem(&answer, 503, "");
        assert_non_null(http_answer_header(&answer, "Retry-After", value));
        assert_in_range(strtol(value, NULL, 10), 1, 60);
        http_answer_free(&answer);
    }
    (void)collector_bench_post(&bench, "/v1/enrol", JSON_TYPE, NULL, secret, &answer);
    collector_bench_expect_problem(&answer, 503, "");
    http_answer_free(&answer);
    assert_int_equal(ask_status("/healthz"), 200);
    assert_int_equal(ask_status("/readyz"), 503);
    assert_int_equal(ask_status("/metrics"), 200);

    private_cluster_resume(bench.cluster);
    wait_until_ready();
    assert_true(process_is_running(bench.collector.process));
    assert_accepted("after");
    assert_int_equal(number("select count(*) from report join host_name using (host_id) "
                            "where name in ('before', 'after')"),
                     2);
    assert_int_equal(number("select count(*) from host_name where name = 'meanwhile'"), 0);
}

/* Idle connections are cut by firewalls, poolers and restarts: the next look finds another one. */
static void a_connection_that_was_cut_is_no_absence(void **state)
{
    (void)state;
    char made_since[256];
    assert_accepted("cut-before");
    size_t said = strlen(process_log(bench.collector.process));
    (void)snprintf(made_since, sizeof made_since,
                   "select count(*) from pg_stat_activity where backend_start > '%s' and "
                   "application_name = 'epicenter collector'",
                   private_cluster_text(bench.cluster, "select clock_timestamp()::text"));
    private_cluster_run(bench.cluster, "select pg_terminate_backend(pid) from pg_stat_activity "
                                       "where application_name = 'epicenter collector'");
    for (int left_ms = RECOVERY_LIMIT_S * 1000; number(made_since) == 0; left_ms -= LOOK_MS) {
        assert_true(left_ms > 0);
        sleep_ms(LOOK_MS);
    }
    assert_accepted("cut-after");
    assert_null(strstr(process_log(bench.collector.process) + said, "the database is away"));
}

static void a_crash_of_the_database_between_requests_goes_unseen_or_is_a_503(void **state)
{
    (void)state;
    assert_accepted("crash-before");
    private_cluster_restart_immediately(bench.cluster);
    wait_until_ready();
    /* The segment and host of the first are known to have been committed; those of the second are
     * inserted anew. */
    assert_accepted("crash-before");
    assert_accepted("crash-after");
    assert_int_equal(number("select count(*) from report join host_name using (host_id) "
                            "where name like 'crash-%'"),
                     3);
}

/* ---- Too slow ---- */

/* Holds what the statement takes until database_close. */
static struct database *hold(const char *statement, size_t count, const char *const *parameters)
{
    struct database *database = NULL;
    struct failure failure = {0};
    if (!database_open(private_cluster_conninfo(bench.cluster, PRIVATE_CLUSTER_OWNER), "test", 0,
                       &database, &failure) ||
        !database_run_script(database, "begin", &failure) ||
        !database_run(database, statement, count, parameters, NULL, &failure)) {
        fail_msg("%s", failure.message);
    }
    return database;
}

static struct database *lock_reports(void)
{
    return hold("lock table report in access exclusive mode", 0, NULL);
}

static void what_takes_too_long_is_a_503_and_not_stored(void **state)
{
    (void)state;
    struct http_answer answer;
    struct database *lock = lock_reports();
    (void)collector_bench_post(&bench, "/v1/reports", JSON_TYPE, bench.gateway,
                               collector_bench_report(&bench, "slow", 0.5), &answer);
    collector_bench_expect_problem(&answer, 503, "send them again");
    http_answer_free(&answer);
    database_close(lock);
    assert_int_equal(number("select count(*) from host_name where name = 'slow'"), 0);
    assert_accepted("slow");
    assert_int_equal(number("select count(*) from report join host_name using (host_id) "
                            "where name = 'slow'"),
                     1);
}

/* ---- Requests under way ---- */

#define UNDER_WAY 12

struct sender {
    pthread_t thread;
    char url[96];
    char body[320];
    unsigned status;
    atomic_bool answered;
};

static void *send_one(void *argument)
{
    struct sender *sender = argument;
    const char *const headers[] = {JSON_TYPE, bench.gateway, NULL};
    struct http_answer answer;
    http_client_ask(
        NULL, &(struct http_ask){.url = sender->url, .headers = headers, .body = sender->body},
        &answer);
    sender->status = answer.status;
    atomic_store(&sender->answered, true);
    http_answer_free(&answer);
    return NULL;
}

/* Returns the server's process that waits. */
static pid_t wait_for_a_waiting_commit(void)
{
    for (int left_ms = RECOVERY_LIMIT_S * 1000; left_ms > 0; left_ms -= LOOK_MS) {
        int64_t waiting = number("select coalesce(max(pid), 0) from pg_stat_activity where usename "
                                 "= 'epicenter_collector' and wait_event_type = 'Lock'");
        if (waiting > 0) {
            return (pid_t)waiting;
        }
        sleep_ms(LOOK_MS / 10);
    }
    fail_msg("no commit waits for the lock:\n%s", process_log(bench.collector.process));
    return 0;
}

/* ---- One that stalls among many ---- */

/* libmicrohttpd 0.9.75 can pass over connections that are ready while another is being suspended:
 * then one of these would wait for the next answer, and in the end, when there is no other, for
 * that of the request which stalls. Many connections on both event loops, each with no more than
 * one request under way, so that nothing else wakes a loop that has passed over one. */
#define STALLS 3
/* A commit waits four seconds for a lock; half of that is left for the server to give it up. */
#define STALL_IN_TIME_S 2.0
#define OTHERS 24
#define REQUESTS_OF_EACH 20

struct other {
    pthread_t thread;
    char url[96];
    char bodies[REQUESTS_OF_EACH][320];
    size_t accepted;
};

static void *send_all(void *argument)
{
    struct other *other = argument;
    const char *const headers[] = {JSON_TYPE, bench.gateway, NULL};
    struct http_client *client = http_client_new();
    for (size_t i = 0; i < REQUESTS_OF_EACH; i++) {
        struct http_answer answer;
        http_client_ask(
            client,
            &(struct http_ask){.url = other->url, .headers = headers, .body = other->bodies[i]},
            &answer);
        other->accepted += answer.status == 200;
        http_answer_free(&answer);
    }
    http_client_free(client);
    return NULL;
}

/* Sends all of the others' reports and returns how many were accepted. */
static size_t let_others_report(int stall)
{
    struct other *others = calloc(OTHERS, sizeof *others);
    size_t accepted = 0;
    assert_non_null(others);
    for (int o = 0; o < OTHERS; o++) {
        (void)snprintf(others[o].url, sizeof others[o].url, "%s/v1/reports", bench.collector.url);
        for (int i = 0; i < REQUESTS_OF_EACH; i++) {
            char name[48];
            (void)snprintf(name, sizeof name, "other-%d-%d-%d", stall, o, i);
            (void)snprintf(others[o].bodies[i], sizeof others[o].bodies[i], "%s",
                           collector_bench_report(&bench, name, 0.5));
        }
    }
    for (int o = 0; o < OTHERS; o++) {
        assert_int_equal(pthread_create(&others[o].thread, NULL, send_all, &others[o]), 0);
    }
    for (int o = 0; o < OTHERS; o++) {
        assert_int_equal(pthread_join(others[o].thread, NULL), 0);
        accepted += others[o].accepted;
    }
    free(others);
    return accepted;
}

static void nobody_waits_for_a_commit_that_stalls(void **state)
{
    (void)state;
    for (int stall = 0; stall < STALLS; stall++) {
        struct sender stalled = {0};
        char name[32];
        char id[UUID_TEXT_SIZE];
        (void)snprintf(name, sizeof name, "stalled-%d", stall);
        const struct uuid host_id = uuid_from_name("acme", name, strlen(name));
        (void)snprintf(stalled.url, sizeof stalled.url, "%s/v1/reports", bench.collector.url);
        (void)snprintf(stalled.body, sizeof stalled.body, "%s",
                       collector_bench_report(&bench, name, 0.5));
        /* Whoever adds the same host waits to see whether this transaction does. */
        struct database *holder =
            hold("insert into host_name (host_id, customer_id, name) values ($1, 'acme', $2)", 2,
                 (const char *const[]){uuid_format(&host_id, id), name});
        assert_int_equal(pthread_create(&stalled.thread, NULL, send_one, &stalled), 0);
        double began_s = clock_s();
        pid_t waiting = wait_for_a_waiting_commit();
        /* Stopped, it does not give up the lock after its four seconds, however long the others
         * take. */
        assert_int_equal(kill(waiting, SIGSTOP), 0);
        size_t accepted = let_others_report(stall);
        bool waited = atomic_load(&stalled.answered);
        database_close(holder);
        assert_int_equal(kill(waiting, SIGCONT), 0);
        bool late = clock_s() - began_s > STALL_IN_TIME_S;
        assert_int_equal(pthread_join(stalled.thread, NULL), 0);
        if (late && stalled.status == 503) { /* its time is over by now: it is to send again */
            (void)send_one(&stalled);
        }
        assert_int_equal(accepted, OTHERS * REQUESTS_OF_EACH);
        assert_false(waited); /* the others were through before it was, which waited for us */
        assert_int_equal(stalled.status, 200);
    }
    assert_int_equal(number("select count(*) from report join host_name using (host_id) "
                            "where name like 'stalled-%' or name like 'other-%'"),
                     STALLS * (OTHERS * REQUESTS_OF_EACH + 1));
}

/* ---- Told to end ---- */

static void told_to_end_it_answers_what_is_under_way(void **state)
{
    (void)state;
    struct sender senders[UNDER_WAY] = {0};
    struct database *lock = lock_reports();
    for (int i = 0; i < UNDER_WAY; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "ending-%d", i);
        (void)snprintf(senders[i].url, sizeof senders[i].url, "%s/v1/reports", bench.collector.url);
        (void)snprintf(senders[i].body, sizeof senders[i].body, "%s",
                       collector_bench_report(&bench, name, 0.5));
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_one, &senders[i]), 0);
    }
    (void)wait_for_a_waiting_commit();
    sleep_ms(LOOK_MS); /* the others are queued by now, or will be refused a connection */
    process_signal(bench.collector.process, SIGTERM);
    process_wait_for_log(bench.collector.process, "stopping");
    database_close(lock);
    unsigned accepted = 0;
    for (int i = 0; i < UNDER_WAY; i++) {
        assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
        accepted += senders[i].status == 200;
        assert_true(senders[i].status == 200 || senders[i].status == 503 || senders[i].status == 0);
    }
    assert_int_equal(serving_stop(&bench.collector), 0);
    assert_true(accepted >= 1);
    assert_int_equal(number("select count(*) from report join host_name using (host_id) "
                            "where name like 'ending-%'"),
                     accepted);
}

/* ---- Replay, and nobody there ---- */

static void start_again(const char *more)
{
    const char *const arguments[] = {"--token-keys", bench.keys, more, NULL};
    bench.collector =
        serving_start(COLLECTOR_PROGRAM, bench.cluster, "epicenter_collector", arguments);
}

static void only_a_replay_takes_time_and_customer_from_the_sender(void **state)
{
    (void)state;
    char replay[TOKEN_TEXT_SIZE + 24];
    struct http_answer answer;
    start_again("--replay");
    collector_bench_token(&bench, (const char *const[]){"--replay", NULL}, replay);
#define OLD "\"observed_at\":\"2005-04-22T22:35:10Z\",\"cpu\":{\"interval_s\":60,\"busy\":0.5}"
    static const char body[] =
        "{\"host_id\":\"old\",\"customer_id\":\"acme\"," OLD "}\n"
        "{\"host_id\":\"old\",\"received_at\":\"2005-04-22T22:35:12Z\"," OLD "}\n"
        "{\"host_id\":\"old\",\"customer_id\":\"acme\",\"received_at\":1114209312000," OLD "}\n"
        "{\"host_id\":\"old\",\"customer_id\":\"late\",\"received_at\":1115000000000," OLD "}\n";
    assert_int_equal(
        collector_bench_post(&bench, "/v1/reports", NDJSON_TYPE, replay, body, &answer), 200);
    assert_string_equal(answer.body.data,
                        "{\"accepted\":1,\"rejected\":["
                        "{\"line\":1,\"detail\":\"received_at: missing\"},"
                        "{\"line\":2,\"detail\":\"customer_id: missing\"},"
                        "{\"line\":4,\"detail\":\"observed_at: 2005-04-22T22:35:10Z is more than "
                        "7 days behind its receipt at 2005-05-02T02:13:20Z\"}]}");
    http_answer_free(&answer);
    assert_string_equal(
        private_cluster_text(bench.cluster,
                             "select r.customer_id || ' ' || r.received_at at time zone 'UTC' || "
                             "' ' || l.received_until at time zone 'UTC' from report r "
                             "join report_load l using (load_id) "
                             "join host_name h using (host_id) where h.name = 'old'"),
        "acme 2005-04-22 22:35:12 2005-04-22 22:35:12");
    assert_int_equal(serving_stop(&bench.collector), 0);
}

static void silence_is_written_down(void **state)
{
    (void)state;
    private_cluster_run(bench.cluster, "truncate report_load");
    start_again(NULL);
    /* Every 10 s; three times that on a machine that has much else to do. */
    for (int left_ms = 30000; left_ms > 0; left_ms -= LOOK_MS) {
        if (number("select count(*) from report_load") > 0) {
            break;
        }
        sleep_ms(LOOK_MS);
    }
    assert_string_equal(
        private_cluster_text(bench.cluster,
                             "select row_count || ' ' || (received_from is null) || ' ' || "
                             "(abs(extract(epoch from now() - received_until)) < 60) "
                             "from report_load limit 1"),
        "0 true true");
    assert_int_equal(serving_stop(&bench.collector), 0);
}

/* ---- The command line ---- */

static void mistakes_on_the_command_line_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[8];
        int status;
        const char *said;
    } cases[] = {
        {{COLLECTOR_PROGRAM, NULL}, 64, "Usage: collector COMMAND"},
        {{COLLECTOR_PROGRAM, "sreve", NULL}, 64, "there is no command \"sreve\""},
        {{COLLECTOR_PROGRAM, "serve", NULL}, 64, "--token-keys is required"},
        {{COLLECTOR_PROGRAM, "serve", "--token-keys", "k", "--listen", "here", NULL},
         64,
         "--listen takes ADDRESS:PORT, not \"here\""},
        {{COLLECTOR_PROGRAM, "token", "--token-keys", "k", NULL}, 64, "say one of --host"},
        {{COLLECTOR_PROGRAM, "token", "--token-keys", "/nonexistent/k", "--replay", NULL},
         1,
         "cannot make the key file /nonexistent/k"},
        {{COLLECTOR_PROGRAM, "enrol-secret", "--customer", "c", "--hours", "-1", NULL},
         64,
         "--hours is more than 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct process *process = process_run(cases[i].arguments, cases[i].status);
        if (strstr(process_log(process), cases[i].said) == NULL) {
            fail_msg("\"%s\" is not in: %s", cases[i].said, process_log(process));
        }
        process_free(process);
    }
}

static int start(void **state)
{
    (void)state;
    collector_bench_start(&bench, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    collector_bench_stop(&bench);
    return 0;
}

int main(void)
{
    /* In this order: each of the later ones starts a collector of its own. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(while_the_database_is_away_it_says_come_again),
        cmocka_unit_test(a_connection_that_was_cut_is_no_absence),
        cmocka_unit_test(a_crash_of_the_database_between_requests_goes_unseen_or_is_a_503),
        cmocka_unit_test(what_takes_too_long_is_a_503_and_not_stored),
        cmocka_unit_test(nobody_waits_for_a_commit_that_stalls),
        cmocka_unit_test(told_to_end_it_answers_what_is_under_way),
        cmocka_unit_test(only_a_replay_takes_time_and_customer_from_the_sender),
        cmocka_unit_test(silence_is_written_down),
        cmocka_unit_test(mistakes_on_the_command_line_are_told),
    };
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, start, stop);
}
