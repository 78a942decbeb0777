/* Who may write, as a collector judges it while it runs: revocation, rotation, age and renewal of
 * tokens, quotas, machines that share an identity, and what is written down of it all.
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/instant.h"
#include "common/token.h"
#include "common/uuid.h"
#include "tests/integration/collector_bench.h"

/* Reached only where a test is about to fail. */
#define PATIENCE_S 30
#define HEADER_SIZE (TOKEN_TEXT_SIZE + 24)

static struct collector_bench bench;

/* So that waiting does not use up a host's own quota. */
static void rest_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = 100000000};
    (void)nanosleep(&moment, NULL);
}

static unsigned post(const char *authorization, const char *host)
{
    struct http_answer answer;
    unsigned status = collector_bench_post(&bench, "/v1/reports", JSON_TYPE, authorization,
                                           collector_bench_report(&bench, host, 0.25), &answer);
    http_answer_free(&answer);
    return status;
}

static void wait_for_status(const char *authorization, const char *host, unsigned status)
{
    unsigned last = 0;
    for (int tries = 0; tries < PATIENCE_S * 10; tries++) {
        last = post(authorization, host);
        if (last == status) {
            return;
        }
        rest_a_moment();
    }
    fail_msg("a report of %s was answered %u to the end, not %u", host, last, status);
}

static void wait_for_number(const char *sql, int64_t least)
{
    int64_t last = 0;
    for (int tries = 0; tries < PATIENCE_S * 10; tries++) {
        last = private_cluster_number(bench.cluster, sql);
        if (last >= least) {
            return;
        }
        rest_a_moment();
    }
    fail_msg("%s\nis %lld, not %lld", sql, (long long)last, (long long)least);
}

static void make_token(const char *customer, const char *host, char header[HEADER_SIZE])
{
    collector_bench_token(&bench,
                          host != NULL
                              ? (const char *const[]){"--host", host, "--customer", customer, NULL}
                              : (const char *const[]){"--gateway", "--customer", customer, NULL},
                          header);
}

/* `collector revoke` with the arguments. */
static void revoke_tokens(const char *customer, const char *what, const char *whom)
{
    const char *const arguments[] = {COLLECTOR_PROGRAM,
                                     "revoke",
                                     "--database",
                                     private_cluster_conninfo(bench.cluster, PRIVATE_CLUSTER_OWNER),
                                     "--customer",
                                     customer,
                                     what,
                                     whom,
                                     NULL};
    process_free(process_run(arguments, 0));
}

/* POSTs to /v1/enrol; the token of a 200 as a header. */
static unsigned enrol(const char *authorization, const char *body, char header[HEADER_SIZE])
{
    struct http_answer answer;
    unsigned status =
        collector_bench_post(&bench, "/v1/enrol", JSON_TYPE, authorization, body, &answer);
    if (status == 200) {
        json_t *document = json_loads(answer.body.data, 0, NULL);
        const char *token = json_string_value(json_object_get(document, "token"));
        const char *expiry = json_string_value(json_object_get(document, "expires_at"));
        instant_us end;
        struct failure failure;
        assert_non_null(token);
        assert_non_null(expiry);
        assert_true(instant_parse(expiry, &end, &failure));
        assert_true(end > instant_now() + 89 * INSTANT_DAY);
        assert_true(end < instant_now() + 91 * INSTANT_DAY);
        (void)snprintf(header, HEADER_SIZE, "Authorization: Bearer %s", token);
        json_decref(document);
    }
    http_answer_free(&answer);
    return status;
}

static void make_secret(const char *customer, char body[256], const char *host)
{
    const char *const arguments[] = {COLLECTOR_PROGRAM,
                                     "enrol-secret",
                                     "--database",
                                     private_cluster_conninfo(bench.cluster, PRIVATE_CLUSTER_OWNER),
                                     "--customer",
                                     customer,
                                     NULL};
    struct process *process = process_run(arguments, 0);
    const char *secret = process_output(process);
    (void)snprintf(body, 256, "{\"secret\":\"%.*s\",\"host_id\":\"%s\"}",
                   (int)strcspn(secret, "\n"), secret, host);
    process_free(process);
}

/* ---- Revocation ---- */

static void a_revoked_host_is_shut_out_until_it_enrols_again(void **state)
{
    (void)state;
    char lost[HEADER_SIZE];
    char other[HEADER_SIZE];
    char again[HEADER_SIZE];
    char body[256];
    make_token("acme", "lost-pc", lost);
    make_token("acme", "kept-pc", other);
    assert_int_equal(post(lost, "lost-pc"), 200);
    assert_int_equal(post(other, "kept-pc"), 200);
    revoke_tokens("acme", "--host", "lost-pc");
    /* Without being told: it reads the list every few seconds. */
    wait_for_status(lost, "lost-pc", 401);
    assert_int_equal(post(other, "kept-pc"), 200);
    assert_int_equal(post(bench.gateway, "lost-pc"), 200);
    assert_int_equal(enrol(lost, "", again), 401);
    make_secret("acme", body, "lost-pc");
    assert_int_equal(enrol(NULL, body, again), 200);
    assert_int_equal(post(again, "lost-pc"), 200);
    assert_int_equal(post(lost, "lost-pc"), 401);
}

static void a_gateway_and_a_customer_are_revoked_alone(void **state)
{
    (void)state;
    char gateway[HEADER_SIZE];
    char host[HEADER_SIZE];
    char stranger[HEADER_SIZE];
    char later[HEADER_SIZE];
    make_token("small", NULL, gateway);
    make_token("small", "pc-1", host);
    make_token("small2", "pc-1", stranger);
    revoke_tokens("small", "--gateway", NULL);
    process_signal(bench.collector.process, SIGHUP);
    wait_for_status(gateway, "pc-1", 401);
    assert_int_equal(post(host, "pc-1"), 200);
    revoke_tokens("small", "--all", NULL);
    process_signal(bench.collector.process, SIGHUP);
    wait_for_status(host, "pc-1", 401);
    assert_int_equal(post(stranger, "pc-1"), 200);
    make_token("small", "pc-1", later);
    assert_int_equal(post(later, "pc-1"), 200);
}

/* ---- Keys and age ---- */

static void write_keys(const char *text)
{
    FILE *file = fopen(bench.keys, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    process_signal(bench.collector.process, SIGHUP);
}

static void keys_rotate_without_a_restart(void **state)
{
    (void)state;
    char before[256] = "";
    char both[512];
    char fresh[256];
    char old[HEADER_SIZE];
    char renewed[HEADER_SIZE];
    FILE *file = fopen(bench.keys, "r");
    assert_non_null(file);
    assert_non_null(fgets(before, sizeof before, file));
    assert_int_equal(fclose(file), 0);
    (void)snprintf(fresh, sizeof fresh, "2 %064d\n", 7);
    (void)snprintf(both, sizeof both, "%s%s", fresh, before);

    make_token("acme", "rotated-pc", old);
    write_keys(both);
    /* Tokens of both keys count; the new one signs from some moment on. */
    process_wait_for_log(bench.collector.process, "read the token keys again");
    assert_int_equal(post(old, "rotated-pc"), 200);
    assert_int_equal(enrol(old, "", renewed), 200);
    assert_int_equal(post(renewed, "rotated-pc"), 200);
    write_keys("this is no key\n");
    process_wait_for_log(bench.collector.process, "keeps the token keys it has");
    assert_int_equal(post(old, "rotated-pc"), 200);
    write_keys(fresh);
    wait_for_status(old, "rotated-pc", 401);
    assert_int_equal(post(renewed, "rotated-pc"), 200);

    write_keys(before);
    wait_for_status(old, "rotated-pc", 200);
    wait_for_status(renewed, "rotated-pc", 401);
}

/* A token as the collector's own key makes it, that many days ago. */
static void make_aged_token(int days, enum token_kind kind, char header[HEADER_SIZE])
{
    struct token_keys *keys = NULL;
    struct failure failure;
    char text[TOKEN_TEXT_SIZE];
    struct token token = {
        .kind = kind, .issued_at = instant_now() - days * INSTANT_DAY, .customer_id = "acme"};
    if (kind == TOKEN_HOST) {
        token.host_id = uuid_from_name("acme", "aged-pc", strlen("aged-pc"));
    }
    assert_true(token_keys_load(bench.keys, false, &keys, &failure));
    assert_true(token_issue(keys, &token, text, &failure));
    token_keys_free(keys);
    (void)snprintf(header, HEADER_SIZE, "Authorization: Bearer %s", text);
}

static void a_token_ages_and_is_renewed(void **state)
{
    (void)state;
    char aged[HEADER_SIZE];
    char fresh[HEADER_SIZE];
    make_aged_token(89, TOKEN_HOST, aged);
    assert_int_equal(post(aged, "aged-pc"), 200);
    assert_int_equal(enrol(aged, "", fresh), 200);
    assert_string_not_equal(aged, fresh);
    assert_int_equal(post(fresh, "aged-pc"), 200);
    assert_int_equal(post(fresh, "another-pc"), 403);
    make_aged_token(91, TOKEN_HOST, aged);
    assert_int_equal(post(aged, "aged-pc"), 401);
    assert_int_equal(enrol(aged, "", fresh), 401);
    make_aged_token(89, TOKEN_GATEWAY, aged);
    assert_int_equal(enrol(aged, "", fresh), 200);
    assert_int_equal(post(fresh, "another-pc"), 200);
    /* Without a token, an empty body is no enrolment. */
    assert_int_equal(enrol(NULL, "", fresh), 400);
}

/* ---- What is written down ---- */

static void who_writes_for_others_is_written_down(void **state)
{
    (void)state;
    char host[HEADER_SIZE];
    make_token("nosy", "pc-1", host);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(post(host, "pc-2"), 403);
    }
    make_token("nosy", NULL, host);
    struct http_answer answer;
    assert_int_equal(collector_bench_post(
                         &bench, "/v1/reports", JSON_TYPE, host,
                         "{\"host_id\":\"h\",\"customer_id\":\"acme\",\"observed_at\":0}", &answer),
                     403);
    http_answer_free(&answer);
    process_signal(bench.collector.process, SIGHUP);
    wait_for_number("select coalesce(sum(occurrences), 0) from access_event "
                    "where event = 'forbidden_write' and customer_id = 'nosy'",
                    4);
    assert_string_equal(
        private_cluster_text(bench.cluster,
                             "select string_agg(occurrences || ' ' || address || ' ' || "
                             "left(detail, 30) || ' ' || (first_at <= last_at), '; ' "
                             "order by occurrences) from access_event "
                             "where event = 'forbidden_write' and customer_id = 'nosy'"),
        "1 127.0.0.1 customer_id: this token writes true; "
        "3 127.0.0.1 host_id: this token writes hos true");
    assert_int_equal(private_cluster_number(
                         bench.cluster, "select count(*) from report where customer_id = 'nosy'"),
                     0);
}

static void the_table_of_events_is_bounded(void **state)
{
    (void)state;
    private_cluster_run(
        bench.cluster,
        "insert into access_event select 'test', n::text, gen_random_uuid(), '192.0.2.1', '', 1, "
        "now() - n * interval '1 hour', now() - n * interval '1 hour' "
        "from generate_series(1, 200) n");
    assert_true(private_cluster_number(bench.cluster, "select trim_access_events(180)") > 0);
    /* The one that stands at the bound stays. */
    assert_in_range(private_cluster_number(bench.cluster, "select count(*) from access_event"), 180,
                    181);
    assert_int_equal(private_cluster_number(bench.cluster,
                                            "select count(*) from access_event "
                                            "where event = 'test' and address is not null"),
                     167);
}

/* ---- Identities ---- */

static int connect_from(const char *address)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(bench.collector.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(connection >= 0);
    assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
    assert_int_equal(bind(connection, (const struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(connection, (const struct sockaddr *)&to, sizeof to), 0);
    return connection;
}

static void post_from(const char *address, const char *authorization, const char *host)
{
    struct buffer request = {0};
    struct buffer received = {0};
    const char *report = collector_bench_report(&bench, host, 0.5);
    buffer_append_format(&request,
                         "POST /v1/reports HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n%s\r\n"
                         "Content-Length: %zu\r\n\r\n%s",
                         JSON_TYPE, authorization, strlen(report), report);
    int connection = connect_from(address);
    http_raw_send(connection, request.data, request.length);
    assert_true(http_raw_receive(connection, PATIENCE_S * 1000, &received));
    assert_non_null(strstr(received.data, "HTTP/1.1 200 "));
    http_raw_close(connection);
    buffer_free(&request);
    buffer_free(&received);
}

static void two_machines_with_one_identity_are_shown(void **state)
{
    (void)state;
    char cloned[HEADER_SIZE];
    char moved[HEADER_SIZE];
    struct http_answer answer;
    make_token("acme", "cloned-pc", cloned);
    make_token("acme", "moved-pc", moved);
    for (int i = 0; i < 4; i++) {
        post_from("127.0.0.2", cloned, "cloned-pc");
        post_from("127.0.0.3", cloned, "cloned-pc");
    }
    /* From place to place, and back home: that is travelling. */
    static const char *const places[] = {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.2",
                                         "127.0.0.5", "127.0.0.6", "127.0.0.2", "127.0.0.2"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        post_from(places[i], moved, "moved-pc");
    }
    process_signal(bench.collector.process, SIGHUP);
    /* Some may have been written down before, in passing. */
    wait_for_number("select coalesce(sum(occurrences), 0) from identity_conflict", 3);
    assert_string_equal(
        private_cluster_text(bench.cluster,
                             "select string_agg(customer_id || ' ' || name || ' ' || occurrences, "
                             "'; ') from identity_conflict"),
        "acme cloned-pc 3");
    assert_int_equal(collector_bench_get(&bench, "/metrics", &answer), 200);
    assert_non_null(
        strstr(answer.body.data,
               "epicenter_collector_access_events_total{event=\"identity_conflict\"} 3\n"));
    http_answer_free(&answer);
}

/* ---- The log ---- */

/* Runs last but for the quotas: all of the above, good tokens, bad ones and secrets, went by. */
static void no_token_is_ever_logged(void **state)
{
    (void)state;
    char body[256];
    char header[HEADER_SIZE];
    make_secret("acme", body, "logged-pc");
    assert_int_equal(enrol(NULL, body, header), 200);
    assert_int_equal(post("Authorization: Bearer ep1_not-a-token", "logged-pc"), 401);
    assert_int_equal(enrol("Authorization: Basic ZXAxXzplcDFf", "", header), 401);
    assert_int_equal(enrol(NULL, "{\"secret\":\"eps_unheard-of\",\"host_id\":\"eps_h\"}", header),
                     403);
    assert_int_equal(enrol(NULL, "{\"secret\":[\"eps_unheard-of\"],\"host_id\":1}", header), 400);
    const char *log = process_log(bench.collector.process);
    assert_non_null(strstr(log, "enrolled a host"));
    static const char *const never[] = {"ep1_", "eps_", "Bearer", "Basic", "ZXAx"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        if (strstr(log, never[i]) != NULL) {
            fail_msg("the log holds %s:\n%s", never[i], strstr(log, never[i]));
        }
    }
}

/* ---- Quotas ---- */

static int restart(const char *option, const char *value)
{
    assert_int_equal(serving_stop(&bench.collector), 0);
    bench.collector = serving_start(COLLECTOR_PROGRAM, bench.cluster, "epicenter_collector",
                                    (const char *const[]){"--log-format", "json", "--token-keys",
                                                          bench.keys, option, value, NULL});
    return 0;
}

static int start_with_host_rate(void **state)
{
    (void)state;
    return restart("--host-rate", "0.02"); /* two at once, and the next in 50 s */
}

static int start_with_customer_rate(void **state)
{
    (void)state;
    return restart("--customer-rate", "0.2"); /* two at once, and the next in 5 s */
}

static void expect_exhausted(const char *path, const char *authorization, const char *body,
                             unsigned status)
{
    struct http_answer answer;
    char value[HTTP_HEADER_VALUE_SIZE];
    assert_int_equal(collector_bench_post(&bench, path, JSON_TYPE, authorization, body, &answer),
                     status);
    assert_non_null(http_answer_header(&answer, "Retry-After", value));
    assert_true(strtol(value, NULL, 10) >= 1);
    http_answer_free(&answer);
}

static void a_host_over_its_quota_is_told_to_wait(void **state)
{
    (void)state;
    char eager[HEADER_SIZE];
    char calm[HEADER_SIZE];
    make_token("acme", "eager-pc", eager);
    make_token("acme", "calm-pc", calm);
    assert_int_equal(post(eager, "eager-pc"), 200);
    assert_int_equal(post(eager, "eager-pc"), 200);
    expect_exhausted("/v1/reports", eager, collector_bench_report(&bench, "eager-pc", 0.5), 429);
    /* What collectd gets it understands: it drops what a 429 answers. */
    expect_exhausted("/v1/collectd", eager, "[]", 503);
    assert_int_equal(post(calm, "calm-pc"), 200);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(post(bench.gateway, "eager-pc"), 200);
    }
}

static void a_customer_over_its_quota_is_told_to_wait(void **state)
{
    (void)state;
    char host[HEADER_SIZE];
    char other[HEADER_SIZE];
    make_token("acme", "pc-1", host);
    make_token("other", NULL, other);
    assert_int_equal(post(bench.gateway, "pc-1"), 200);
    assert_int_equal(post(host, "pc-1"), 200);
    expect_exhausted("/v1/reports", host, collector_bench_report(&bench, "pc-1", 0.5), 429);
    expect_exhausted("/v1/reports", bench.gateway, collector_bench_report(&bench, "pc-1", 0.5),
                     429);
    assert_int_equal(post(other, "pc-1"), 200);
}

/* More than a secret is good for at once, by so much that what is added meanwhile is nothing; and
 * no more than may wait to be enrolled. */
#define CROWD 240

/* Enrolments that all lie before the collector when it looks: how fast it is then does not matter.
 * Returns how many it let through. */
static size_t enrol_at_once(const char *body)
{
    static int connections[CROWD];
    struct buffer request = {0};
    size_t enrolled = 0;
    buffer_append_format(&request,
                         "POST /v1/enrol HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n"
                         "Content-Length: %zu\r\n\r\n%s",
                         JSON_TYPE, strlen(body), body);
    process_signal(bench.collector.process, SIGSTOP);
    for (size_t i = 0; i < CROWD; i++) {
        connections[i] = connect_from("127.0.0.1");
        http_raw_send(connections[i], request.data, request.length);
    }
    process_signal(bench.collector.process, SIGCONT);
    for (size_t i = 0; i < CROWD; i++) {
        struct buffer received = {0};
        assert_true(http_raw_receive(connections[i], PATIENCE_S * 1000, &received));
        bool good = strncmp(received.data, "HTTP/1.1 200 ", 13) == 0;
        assert_true(good || strncmp(received.data, "HTTP/1.1 429 ", 13) == 0);
        enrolled += good;
        http_raw_close(connections[i]);
        buffer_free(&received);
    }
    buffer_free(&request);
    return enrolled;
}

static void a_secret_is_not_spent_all_at_once(void **state)
{
    (void)state;
    char body[256];
    char other[256];
    char header[HEADER_SIZE];
    make_secret("acme", body, "pc-1");
    make_secret("acme", other, "pc-1");
    assert_in_range(enrol_at_once(body), 100, CROWD - 1);
    assert_int_equal(enrol(NULL, other, header), 200);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revoked_host_is_shut_out_until_it_enrols_again),
        cmocka_unit_test(a_gateway_and_a_customer_are_revoked_alone),
        cmocka_unit_test(keys_rotate_without_a_restart),
        cmocka_unit_test(a_token_ages_and_is_renewed),
        cmocka_unit_test(who_writes_for_others_is_written_down),
        cmocka_unit_test(two_machines_with_one_identity_are_shown),
        cmocka_unit_test(the_table_of_events_is_bounded),
        cmocka_unit_test(no_token_is_ever_logged),
        cmocka_unit_test_setup(a_host_over_its_quota_is_told_to_wait, start_with_host_rate),
        cmocka_unit_test_setup(a_customer_over_its_quota_is_told_to_wait, start_with_customer_rate),
        cmocka_unit_test(a_secret_is_not_spent_all_at_once),
        cmocka_unit_test(no_token_is_ever_logged),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
