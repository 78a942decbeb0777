/* The analyzer's HTTP door and the commands that ask it. Oracles: RFC 9110 for conditional
 * requests, RFC 9457 for problems, the exit codes that release pipelines are told to rely on.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buffer.h"
#include "common/database.h"
#include "common/http_server.h"
#include "common/uuid.h"
#include "tests/integration/sample_fleet.h"
#include "tests/support/http_client.h"
#include "tests/support/private_cluster.h"
#include "tests/support/process.h"
#include "tests/support/serving.h"

static struct private_cluster *cluster;
static struct serving analyzer;

static struct http_answer ask_with(const char *path, const char *const *headers)
{
    char url[512];
    struct http_answer answer = {0};
    const char *all[4] = {SERVING_KEY_HEADER};
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        assert_true(i < 2);
        all[i + 1] = headers[i];
    }
    snprintf(url, sizeof url, "%s%s", analyzer.url, path);
    http_client_ask(NULL, &(struct http_ask){.url = url, .headers = all}, &answer);
    return answer;
}

static struct http_answer ask(const char *path)
{
    return ask_with(path, NULL);
}

static json_t *json_of(const struct http_answer *answer)
{
    json_t *document = json_loads(answer->body.data, 0, NULL);
    assert_non_null(document);
    return document;
}

/* Asks every 100 ms for up to 30 s until the status is `status`. */
static void wait_for_status(const char *path, unsigned status)
{
    for (int i = 0; i < 300; i++) {
        struct http_answer answer = ask(path);
        unsigned got = answer.status;
        http_answer_free(&answer);
        if (got == status) {
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    fail_msg("%s has not come to answer %u", path, status);
}

static void wait_until_read(int minutes)
{
    char until[INSTANT_TEXT_SIZE];
    instant_format(SAMPLE_STARTED_AT + minutes * INSTANT_MINUTE, until);
    const char *arguments[] = {ANALYZER_PROGRAM, "summary", "--url", analyzer.url,
                               "--until",        until,     NULL};
    process_free(process_run(arguments, 0));
}

/* What is served is in the tables soon after. */
static void wait_until_written(void)
{
    for (int i = 0; i < 300; i++) {
        if (private_cluster_number(cluster, "select count(*) from snapshot s, answer a"
                                            " where s.as_of = a.as_of and a.as_of >= (select"
                                            " max(received_until) from report_load)"
                                            " - interval '1 minute'") > 0) {
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    fail_msg("the answers are not in the tables; %s", process_log(analyzer.process));
}

static void answers_are_tagged_and_not_sent_twice(void **state)
{
    (void)state;
    static const char *const paths[] = {"/v1/updates",
                                        "/v1/updates/" SAMPLE_UPDATE,
                                        "/v1/updates/pattern%2F1",
                                        "/v1/updates/" SAMPLE_UPDATE "/verdict",
                                        "/v1/changes",
                                        "/v1/summary"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char etag[HTTP_HEADER_VALUE_SIZE];
        char value[HTTP_HEADER_VALUE_SIZE];
        struct http_answer answer = ask(paths[i]);
        assert_int_equal(answer.status, 200);
        assert_non_null(http_answer_header(&answer, "ETag", etag));
        assert_true(etag[0] == '"' && strlen(etag) == 34); /* strong: no W/ */
        assert_string_equal(http_answer_header(&answer, "Cache-Control", value), "no-cache");
        assert_string_equal(http_answer_header(&answer, "Epicenter-Database", value), "up");
        assert_non_null(http_answer_header(&answer, "Epicenter-As-Of", value));
        assert_non_null(http_answer_header(&answer, "Date", value));
        http_answer_free(&answer);

        char condition[HTTP_HEADER_VALUE_SIZE + 64];
        static const char *const prefixes[] = {"", "\"x\", ", "W/"};
        for (size_t form = 0; form < 3; form++) {
            snprintf(condition, sizeof condition, "If-None-Match: %s%s", prefixes[form], etag);
            answer = ask_with(paths[i], (const char *[]){condition, NULL});
            assert_int_equal(answer.status, 304);
            assert_int_equal(answer.body.length, 0);
            assert_string_equal(http_answer_header(&answer, "ETag", value), etag);
            http_answer_free(&answer);
        }
        answer = ask_with(paths[i], (const char *[]){"If-None-Match: \"other\"", NULL});
        assert_int_equal(answer.status, 200);
        http_answer_free(&answer);
    }
}

static void one_update_is_the_element_of_the_list(void **state)
{
    (void)state;
    struct http_answer all = ask("/v1/updates");
    struct http_answer one = ask("/v1/updates/" SAMPLE_UPDATE);
    struct http_answer verdict = ask("/v1/updates/" SAMPLE_UPDATE "/verdict");
    assert_non_null(strstr(all.body.data, one.body.data));

    json_t *document = json_of(&verdict);
    const char *update;
    const char *name;
    const char *as_of;
    double e_value;
    json_t *reasons;
    json_t *ratio;
    assert_int_equal(json_unpack(document, "{s:s, s:s, s:s, s:F, s:o, s:o}", "update", &update,
                                 "verdict", &name, "as_of", &as_of, "e_value", &e_value, "reasons",
                                 &reasons, "rate_ratio", &ratio),
                     0);
    assert_string_equal(update, SAMPLE_UPDATE);
    assert_string_equal(name, "HOLD");
    assert_true(e_value >= 1000);
    assert_true(json_array_size(reasons) > 0);
    assert_true(json_is_number(json_object_get(ratio, "low")));
    json_decref(document);
    http_answer_free(&verdict);
    http_answer_free(&one);
    http_answer_free(&all);
}

/* The left side is the answer itself; the right differs by what was asked, and by nothing else. */
static void what_if_is_reckoned_beside_what_is(void **state)
{
    (void)state;
    struct http_answer one = ask("/v1/updates/" SAMPLE_UPDATE);
    struct http_answer both = ask("/v1/what-if?update=" SAMPLE_UPDATE
                                  "&set=cost_per_minute%3D0,0,0%3Bclaim_rate%3D0,0,0");
    assert_int_equal(both.status, 200);
    json_t *update = json_of(&one);
    json_t *document = json_of(&both);
    json_t *now = json_object_get(document, "now");
    json_t *then = json_object_get(document, "then");
    assert_true(json_equal(now, json_object_get(update, "cost")));
    assert_true(json_number_value(json_object_get(now, "p50")) > 0);
    assert_true(json_is_object(json_object_get(now, "further_hour"))); /* it is still out */
    assert_true(json_number_value(json_object_get(then, "p50")) <
                json_number_value(json_object_get(now, "p50")));
    assert_true(json_equal(json_object_get(now, "contacts"), json_object_get(then, "contacts")));
    assert_int_equal(json_array_size(json_object_get(document, "set")), 2);
    json_decref(document);
    json_decref(update);
    http_answer_free(&both);
    http_answer_free(&one);

    static const struct {
        const char *path;
        unsigned status;
    } refused[] = {
        {"/v1/what-if", 400},
        {"/v1/what-if?update=" SAMPLE_UPDATE, 400},
        {"/v1/what-if?update=" SAMPLE_UPDATE "&set=", 400},
        {"/v1/what-if?update=" SAMPLE_UPDATE "&set=handel_time%3D1,2,3", 400},
        {"/v1/what-if?update=" SAMPLE_UPDATE "&set=handle_time%3D3,2,1", 400},
        {"/v1/what-if?update=nobody%2F1&set=handle_time%3D1,2,3", 404},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct http_answer answer = ask(refused[i].path);
        assert_int_equal(answer.status, refused[i].status);
        http_answer_free(&answer);
    }
}

static double in_sql(const char *query)
{
    /* Thousandths: the helper reads whole numbers. */
    char statement[512];
    snprintf(statement, sizeof statement, "select round(1000 * (%s))::bigint", query);
    return (double)private_cluster_number(cluster, statement) / 1000;
}

/* The same figures in JSON and in SQL, and parts that add up to the whole in both. */
static void the_cost_is_the_same_in_sql(void **state)
{
    (void)state;
    struct http_answer one = ask("/v1/updates/" SAMPLE_UPDATE);
    json_t *update = json_of(&one);
    const json_t *cost = json_object_get(update, "cost");
    double mean = json_number_value(json_object_get(cost, "mean"));
    static const char *const breakdowns[] = {"kind", "region", "product line"};
    for (size_t i = 0; i < 3; i++) {
        char query[256];
        snprintf(query, sizeof query,
                 "select sum(mean) from cost_part where update_id = '" SAMPLE_UPDATE
                 "' and breakdown = '%s'",
                 breakdowns[i]);
        assert_true(fabs(in_sql(query) - mean) < 0.01 + 1e-9 * mean);
    }
    assert_true(fabs(in_sql("select p90 from cost_beside where update_id = '" SAMPLE_UPDATE
                            "' and quantity = 'attempts'") -
                     json_number_value(json_object_get(json_object_get(cost, "attempts"), "p90"))) <
                0.01);
    const json_t *first = json_array_get(json_object_get(cost, "tornado"), 0);
    assert_true(fabs(in_sql("select p50_at_high from cost_driver where update_id = '" SAMPLE_UPDATE
                            "' and rank = 1") -
                     json_number_value(json_object_get(first, "at_high"))) < 0.01);
    const json_t *desk = json_array_get(json_object_get(cost, "desks"), 0);
    assert_true(
        in_sql("select sum(agents_needed) from desk_now where update_id = '" SAMPLE_UPDATE "'") >=
        json_number_value(json_object_get(json_object_get(desk, "agents_needed"), "p50")));
    json_decref(update);
    http_answer_free(&one);
}

static void the_command_puts_both_side_by_side(void **state)
{
    (void)state;
    const char *good[] = {ANALYZER_PROGRAM,    "what-if", SAMPLE_UPDATE, "--set",
                          "handle_time=1,2,3", "--url",   analyzer.url,  NULL};
    struct process *process = process_run(good, 0);
    const char *text = process_output(process);
    assert_non_null(strstr(text, "with handle_time 1"));
    assert_non_null(strstr(text, "cost, P50"));
    assert_non_null(strstr(text, "\xe2\x88\x92")); /* less */
    process_free(process);
    const char *bad[] = {ANALYZER_PROGRAM,    "what-if", SAMPLE_UPDATE, "--set",
                         "handel_time=1,2,3", "--url",   analyzer.url,  NULL};
    process_free(process_run(bad, 1));
}

static void what_is_not_there_is_a_problem(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        unsigned status;
    } cases[] = {
        {"/v1/updates/pattern/99", 404},
        {"/v1/updates/pattern/99/verdict", 404},
        {"/v1/hosts/00000000-0000-4000-8000-000000000000", 404},
        {"/v1/hosts/pc-01?customer_id=c-000", 404},
        {"/v1/hosts/pc-01", 400},
        {"/v1/nothing", 404},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char type[HTTP_HEADER_VALUE_SIZE];
        struct http_answer answer = ask(cases[i].path);
        assert_int_equal(answer.status, cases[i].status);
        assert_string_equal(http_answer_header(&answer, "Content-Type", type),
                            "application/problem+json");
        json_t *problem = json_of(&answer);
        assert_int_equal(json_integer_value(json_object_get(problem, "status")), cases[i].status);
        assert_true(json_string_length(json_object_get(problem, "detail")) > 0);
        json_decref(problem);
        http_answer_free(&answer);
    }
}

static void a_host_is_told(void **state)
{
    (void)state;
    struct sample_report sample;
    char id[UUID_TEXT_SIZE];
    char path[96];
    sample_report(0, 4, &sample);
    snprintf(path, sizeof path, "/v1/hosts/%s", uuid_format(&sample.report.host_id, id));
    struct http_answer answer = ask(path);
    assert_int_equal(answer.status, 200);
    json_t *host = json_of(&answer);
    const char *host_id;
    const char *customer;
    const char *host_state;
    const char *update;
    const char *os;
    double busy;
    assert_int_equal(json_unpack(host, "{s:s, s:s, s:s, s:F, s:{s:s}, s:[{s:s}]}", "host_id",
                                 &host_id, "customer_id", &customer, "state", &host_state,
                                 "last_busy", &busy, "attributes", "os", &os, "updates", "id",
                                 &update),
                     0);
    assert_string_equal(host_id, id);
    assert_string_equal(customer, "c-004");
    assert_string_equal(host_state, "pinned");
    assert_string_equal(os, "Windows XP");
    assert_string_equal(update, SAMPLE_UPDATE);
    assert_true(busy > 0.98 && busy < 1);
    json_decref(host);
    http_answer_free(&answer);
}

static void changes_are_told_in_order(void **state)
{
    (void)state;
    struct http_answer answer = ask("/v1/changes");
    json_t *document = json_of(&answer);
    json_t *changes = json_object_get(document, "changes");
    size_t count = json_array_size(changes);
    assert_true(count >= 1);
    const char *before = "";
    for (size_t i = 0; i < count; i++) {
        json_t *change = json_array_get(changes, i);
        const char *at = json_string_value(json_object_get(change, "decided_at"));
        assert_true(strcmp(before, at) <= 0);
        assert_string_equal(json_string_value(json_object_get(change, "update")), SAMPLE_UPDATE);
        before = at;
    }
    json_t *last = json_array_get(changes, count - 1);
    assert_string_equal(json_string_value(json_object_get(last, "verdict")), "HOLD");
    assert_true(json_array_size(json_object_get(last, "reasons")) > 0);
    /* The table has the same. */
    assert_int_equal(private_cluster_number(cluster, "select count(*) from verdict_change"), count);
    json_decref(document);
    http_answer_free(&answer);
}

static void the_summary_is_as_wide_as_asked(void **state)
{
    (void)state;
    struct http_answer plain = ask("/v1/summary?columns=100");
    struct http_answer coloured = ask("/v1/summary?colour=1");
    assert_int_equal(plain.status, 200);
    assert_int_equal(strncmp(plain.body.data, "HOLD  " SAMPLE_UPDATE, 15), 0);
    assert_null(strchr(plain.body.data, '\033'));
    assert_non_null(strchr(coloured.body.data, '\033'));
    http_answer_free(&coloured);
    http_answer_free(&plain);
}

static void metrics_are_open_metrics(void **state)
{
    (void)state;
    char type[HTTP_HEADER_VALUE_SIZE];
    struct http_answer answer = ask("/metrics");
    assert_int_equal(answer.status, 200);
    assert_non_null(
        strstr(http_answer_header(&answer, "Content-Type", type), "application/openmetrics-text"));
    char reports[96];
    snprintf(reports, sizeof reports, "\nepicenter_analyzer_reports_total %d\n",
             SAMPLE_MINUTES * SAMPLE_HOSTS);
    assert_non_null(strstr(answer.body.data, reports));
    assert_non_null(strstr(answer.body.data, "\nepicenter_analyzer_database_up 1\n"));
    assert_non_null(strstr(answer.body.data, "epicenter_analyzer_updates{verdict=\"HOLD\"} 1\n"));
    const char *end = answer.body.data + answer.body.length - strlen("# EOF\n");
    assert_string_equal(end, "# EOF\n");
    http_answer_free(&answer);
}

/* ---- The commands ---- */

static int verdict_status(const char *url, const char *update)
{
    const char *arguments[] = {ANALYZER_PROGRAM, "verdict", update, "--url", url, NULL};
    struct process *process = process_start(arguments);
    int status = process_wait(process, 30);
    process_free(process);
    return status;
}

static void give_verdict(void *context, struct http_request *request)
{
    (void)context;
    const char *name = http_request_rest(request);
    const char *wanted = strncmp(name, "away/", 5) == 0 ? name + 5 : name;
    struct buffer body = {0};
    char verdict[32];
    snprintf(verdict, sizeof verdict, "%.*s", (int)strcspn(wanted, "/"), wanted);
    buffer_append_format(&body, "{\"update\":\"u\",\"verdict\":\"%s\"}", verdict);
    http_respond_header(request, "Epicenter-Database", wanted == name ? "up" : "away");
    http_respond(request, 200, "application/json", &body);
}

static void the_exit_status_is_the_verdict(void **state)
{
    (void)state;
    assert_int_equal(verdict_status(analyzer.url, SAMPLE_UPDATE), 1);
    assert_int_equal(verdict_status(analyzer.url, "pattern/99"), 2);
    assert_int_equal(verdict_status("http://127.0.0.1:1", SAMPLE_UPDATE), 3);

    /* An analyzer that says whatever is asked for. */
    static const struct http_route routes[] = {{"GET", "/v1/updates/*", 0, give_verdict}};
    static const struct {
        const char *update;
        int status;
    } cases[] = {
        {"CLEAR", 0}, {"HOLD", 1},       {"SUSPECT", 2},   {"INSUFFICIENT_DATA", 2},
        {"?", 2},     {"away/CLEAR", 2}, {"away/HOLD", 1},
    };
    struct http_server *server;
    struct failure failure;
    char url[64];
    assert_true(
        http_server_start(&(struct http_server_options){.address = "127.0.0.1", .threads = 1},
                          routes, 1, NULL, &server, &failure));
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(server));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(verdict_status(url, cases[i].update), cases[i].status);
    }
    http_server_stop(server);
}

static void watch_prints_each_change_once(void **state)
{
    (void)state;
    const char *arguments[] = {ANALYZER_PROGRAM, "watch", "--url", analyzer.url, NULL};
    struct process *process = process_start(arguments);
    for (int i = 0; i < 300 && strstr(process_output(process), "HOLD") == NULL; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL); /* several polls more */
    const char *output = process_output(process);
    const char *line = strstr(output, "2005-04-22 22:");
    assert_non_null(line);
    assert_non_null(strstr(output, "Z  " SAMPLE_UPDATE "  "));
    const char *hold = strstr(output, "-> HOLD  e-value 10^");
    assert_non_null(hold);
    assert_null(strstr(hold + 1, "-> HOLD"));
    assert_null(strchr(output, '\033')); /* not a terminal */
    process_free(process);
}

/* ---- Without a database; these come last ---- */

static void answers_go_on_while_the_database_is_away(void **state)
{
    (void)state;
    char value[HTTP_HEADER_VALUE_SIZE];
    struct http_answer before = ask("/v1/updates");
    private_cluster_stop(cluster, true);
    wait_for_status("/readyz", 503);
    struct http_answer ready = ask("/readyz");
    assert_non_null(strstr(ready.body.data, "database is away"));
    struct http_answer alive = ask("/healthz");
    assert_int_equal(alive.status, 200);
    struct http_answer after = ask("/v1/updates");
    assert_int_equal(after.status, 200);
    assert_string_equal(http_answer_header(&after, "Epicenter-Database", value), "away");
    assert_string_equal(after.body.data, before.body.data);

    private_cluster_resume(cluster);
    wait_for_status("/readyz", 200);
    struct database *database;
    struct failure failure;
    assert_true(database_open(private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER), "test", 0,
                              &database, &failure));
    sample_fleet_store_minutes(database, SAMPLE_MINUTES, SAMPLE_MINUTES + 3);
    database_close(database);
    /* The crash took ids with it, so the clock is held for ten seconds before it goes on. */
    wait_until_read(SAMPLE_MINUTES + 2);
    assert_true(process_is_running(analyzer.process));
    http_answer_free(&after);
    http_answer_free(&alive);
    http_answer_free(&ready);
    http_answer_free(&before);
}

/* ---- Snapshots ---- */

static char kept_id[HTTP_HEADER_VALUE_SIZE];
static struct buffer kept_document;

static void assert_given_again(const char *id)
{
    char path[HTTP_HEADER_VALUE_SIZE + 16];
    char value[HTTP_HEADER_VALUE_SIZE];
    (void)snprintf(path, sizeof path, "/v1/snapshots/%s", id);
    struct http_answer again = ask(path);
    assert_int_equal(again.status, 200);
    assert_string_equal(http_answer_header(&again, "Epicenter-Snapshot", value), kept_id);
    assert_int_equal(again.body.length, kept_document.length);
    assert_memory_equal(again.body.data, kept_document.data, kept_document.length);
    http_answer_free(&again);
}

static void figures_carry_their_snapshots_id(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/v1/updates/" SAMPLE_UPDATE, "/v1/updates/" SAMPLE_UPDATE "/impact",
        "/v1/updates/" SAMPLE_UPDATE "/cost?format=csv", "/v1/updates/" SAMPLE_UPDATE "/verdict"};
    struct http_answer whole = ask("/v1/updates");
    assert_non_null(http_answer_header(&whole, "Epicenter-Snapshot", kept_id));
    buffer_append(&kept_document, whole.body.data, whole.body.length);
    http_answer_free(&whole);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char value[HTTP_HEADER_VALUE_SIZE];
        struct http_answer part = ask(paths[i]);
        assert_string_equal(http_answer_header(&part, "Epicenter-Snapshot", value), kept_id);
        http_answer_free(&part);
    }
    assert_given_again(kept_id);
    assert_int_equal(private_cluster_number(cluster, "select count(*) from snapshot s, answer a"
                                                     " where s.as_of = a.as_of"
                                                     " and s.document::jsonb = a.document"),
                     1);
}

static void a_snapshot_is_given_again_by_another_analyzer(void **state)
{
    (void)state;
    char beginning[13];
    assert_given_again(kept_id); /* minutes have gone by since */
    (void)snprintf(beginning, sizeof beginning, "%.12s", kept_id);
    assert_int_equal(serving_stop(&analyzer), 0);
    analyzer = serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer", NULL);
    wait_for_status("/readyz", 200);
    wait_until_read(SAMPLE_MINUTES + 2);
    assert_given_again(beginning);

    wait_for_status("/v1/snapshots/0123456789ab", 404);
    wait_for_status("/v1/snapshots/0123456789a", 400);
    wait_for_status("/v1/snapshots/0123456789xyz", 400);
    private_cluster_run(cluster, "update snapshot set document = document || ' '");
    char path[HTTP_HEADER_VALUE_SIZE + 16];
    (void)snprintf(path, sizeof path, "/v1/snapshots/%s", kept_id);
    struct http_answer changed = ask(path);
    assert_int_equal(changed.status, 503);
    assert_non_null(strstr(changed.body.data, "it has been changed in the database"));
    http_answer_free(&changed);
    buffer_free(&kept_document);
}

static int set_up(void **state)
{
    (void)state;
    struct database *database;
    struct failure failure;
    cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    private_cluster_migrate(cluster);
    serving_give_key(cluster);
    if (!database_open(private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER), "test", 0,
                       &database, &failure)) {
        return -1;
    }
    sample_fleet_store_minutes(database, 0, SAMPLE_MINUTES);
    database_close(database);
    analyzer = serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer", NULL);
    wait_for_status("/readyz", 200);
    wait_until_read(SAMPLE_MINUTES - 1);
    wait_until_written();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    int status = serving_stop(&analyzer);
    private_cluster_remove(cluster);
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_tagged_and_not_sent_twice),
        cmocka_unit_test(one_update_is_the_element_of_the_list),
        cmocka_unit_test(what_if_is_reckoned_beside_what_is),
        cmocka_unit_test(the_cost_is_the_same_in_sql),
        cmocka_unit_test(the_command_puts_both_side_by_side),
        cmocka_unit_test(what_is_not_there_is_a_problem),
        cmocka_unit_test(a_host_is_told),
        cmocka_unit_test(changes_are_told_in_order),
        cmocka_unit_test(the_summary_is_as_wide_as_asked),
        cmocka_unit_test(metrics_are_open_metrics),
        cmocka_unit_test(the_exit_status_is_the_verdict),
        cmocka_unit_test(watch_prints_each_change_once),
        cmocka_unit_test(figures_carry_their_snapshots_id),
        cmocka_unit_test(answers_go_on_while_the_database_is_away),
        cmocka_unit_test(a_snapshot_is_given_again_by_another_analyzer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
