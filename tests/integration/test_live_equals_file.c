/* The live path and the file path answer the same: the incident of April 2005 on a small fleet,
 * once through the collector's HTTP door, PostgreSQL and the follower, once from the file that the
 * simulator writes of the same reports. The analyzer is killed in the middle and once more at the
 * end. Oracle for the segment: the simulator's scenario, not our analysis.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/buffer.h"
#include "common/instant.h"
#include "tests/support/http_client.h"
#include "tests/support/private_cluster.h"
#include "tests/support/process.h"
#include "tests/support/serving.h"

#define SCENARIO "tests/fleetsim/scenarios/2005-pattern-2.594.00.json"
#define HOSTS "3000"
#define MIDDLE "2005-04-22T22:45:00Z" /* twelve minutes after the release */
#define END "2005-04-22T23:40:00Z"

static struct private_cluster *cluster;
static const char *directory; /* what fleetsim writes */

static void import_registry(void)
{
    static const char *const kinds[] = {"customers", "seats", "updates"};
    for (size_t i = 0; i < 3; i++) {
        char file[512];
        snprintf(file, sizeof file, "%s/%s.csv", directory, kinds[i]);
        const char *arguments[] = {ANALYZER_PROGRAM,
                                   "import",
                                   kinds[i],
                                   file,
                                   "--database",
                                   private_cluster_conninfo(cluster, "epicenter_analyzer"),
                                   NULL};
        process_free(process_run(arguments, 0));
    }
}

static struct serving start_analyzer(void)
{
    return serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer", NULL);
}

/* A replay token in a file of its own; returns its path. */
static const char *make_token(const char *keys)
{
    const char *path = private_cluster_path(cluster, "replay.token");
    const char *arguments[] = {COLLECTOR_PROGRAM, "token", "--token-keys", keys, "--replay", NULL};
    struct process *process = process_run(arguments, 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(process_output(process), file) >= 0);
    assert_int_equal(fclose(file), 0);
    process_free(process);
    return path;
}

/* Replays what is received from … until; either may be NULL. */
static void replay(const char *url, const char *token_file, const char *from, const char *until)
{
    const char *arguments[20] = {
        FLEETSIM_PROGRAM, "replay", SCENARIO,
        "--collector",    url,      "--token-file",
        token_file,       "--out",  private_cluster_path(cluster, "replayed"),
        "--hosts",        HOSTS};
    size_t count = 11;
    if (from != NULL) {
        arguments[count++] = "--from";
        arguments[count++] = from;
    }
    arguments[count++] = "--until";
    arguments[count] = until;
    process_free(process_run(arguments, 0));
}

/* Waits until the analyzer has read what was received up to `until`, and returns its document. */
static struct buffer live_document(const struct serving *analyzer, const char *until)
{
    const char *summary[] = {ANALYZER_PROGRAM, "summary", "--url", analyzer->url,
                             "--until",        until,     NULL};
    process_free(process_run(summary, 0));
    char url[128];
    struct http_answer answer = {0};
    struct buffer document = {0};
    snprintf(url, sizeof url, "%s/v1/updates", analyzer->url);
    http_client_ask(
        NULL, &(struct http_ask){.url = url, .headers = (const char *[]){SERVING_KEY_HEADER, NULL}},
        &answer);
    assert_int_equal(answer.status, 200);
    buffer_append(&document, answer.body.data, answer.body.length);
    http_answer_free(&answer);
    return document;
}

/* What `analyze --json` prints, without the end of its line, which the document of the API lacks.
 */
static struct buffer analyze_document(const char *const *arguments)
{
    struct process *process = process_run(arguments, 0);
    struct buffer document = {0};
    buffer_append_text(&document, process_output(process));
    process_free(process);
    assert_true(document.length > 0 && document.data[document.length - 1] == '\n');
    document.data[--document.length] = '\0';
    return document;
}

static struct buffer file_document(void)
{
    char files[4][512];
    static const char *const names[] = {"reports.ndjson", "customers.csv", "seats.csv",
                                        "updates.csv"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(files[i], sizeof files[i], "%s/%s", directory, names[i]);
    }
    const char *arguments[] = {ANALYZER_PROGRAM, "analyze", files[0], "--customers",
                               files[1],         "--seats", files[2], "--updates",
                               files[3],         "--json",  NULL};
    return analyze_document(arguments);
}

static struct buffer database_document(void)
{
    return analyze_document(
        (const char *[]){ANALYZER_PROGRAM, "analyze", "--database",
                         private_cluster_conninfo(cluster, "epicenter_analyzer"), "--json", NULL});
}

/* When the last report of the file was received. */
static void last_received(char text[INSTANT_TEXT_SIZE])
{
    const char *received =
        private_cluster_text(cluster, "select to_char(max(received_until) at time zone 'UTC',"
                                      " 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from report_load");
    snprintf(text, INSTANT_TEXT_SIZE, "%s", received);
}

static void the_live_path_answers_as_the_file_does(void **state)
{
    (void)state;
    const char *keys = private_cluster_path(cluster, "token.keys");
    const char *token_file = make_token(keys);
    struct serving collector =
        serving_start(COLLECTOR_PROGRAM, cluster, "epicenter_collector",
                      (const char *[]){"--token-keys", keys, "--replay", NULL});
    struct buffer expected = file_document();
    assert_non_null(strstr(expected.data, "\"id\":\"pattern/2.594.00\""));

    /* Killed in the middle, started again, and given the rest. */
    struct serving analyzer = start_analyzer();
    replay(collector.url, token_file, NULL, MIDDLE);
    process_signal(analyzer.process, SIGKILL);
    assert_int_equal(process_wait(analyzer.process, 10), 128 + SIGKILL);
    process_free(analyzer.process);
    analyzer = start_analyzer();
    replay(collector.url, token_file, MIDDLE, END);

    char last[INSTANT_TEXT_SIZE];
    last_received(last);
    struct buffer live = live_document(&analyzer, last);
    assert_string_equal(live.data, expected.data);

    /* Another looks once at the same, and the one that follows it has no harm of that. */
    struct buffer once = database_document();
    assert_string_equal(once.data, expected.data);
    buffer_free(&once);
    struct buffer undisturbed = live_document(&analyzer, last);
    assert_string_equal(undisturbed.data, expected.data);
    buffer_free(&undisturbed);
    assert_int_equal(serving_stop(&analyzer), 0);

    /* And once more, all at once: without the state that the first has stored. */
    private_cluster_run(cluster, "truncate stored_state");
    analyzer = start_analyzer();
    process_wait_for_log(analyzer.process, "no state is stored");
    struct buffer again = live_document(&analyzer, last);
    assert_string_equal(again.data, expected.data);

    /* What the tables and views hold is the same, too. */
    assert_int_equal(
        private_cluster_number(cluster, "select count(*) from answer where document ->> 'as_of' = "
                                        "to_char(as_of at time zone 'UTC',"
                                        " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"),
        1);
    assert_true(private_cluster_number(cluster,
                                       "select sum(customers_confirmed + customers_probable)"
                                       " from affected where update_id = 'pattern/2.594.00'") > 0);
    assert_int_equal(private_cluster_number(cluster,
                                            "select count(*) from verdict_change"
                                            " where update_id = 'pattern/2.594.00' and verdict = "
                                            "'HOLD'"),
                     1);
    assert_int_equal(serving_stop(&analyzer), 0);
    assert_int_equal(serving_stop(&collector), 0);
    buffer_free(&again);
    buffer_free(&live);
    buffer_free(&expected);
}

static void what_cannot_be_analysed_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[6];
        const char *said;
    } cases[] = {
        {{"--json"}, "which file, or which --database?"},
        {{"reports.ndjson", "--database", ""}, "one of the two"},
        {{"--database", "", "--customers", "customers.csv"}, "come from there, not from files"},
        {{"reports.ndjson", "--horizon-hours", "50"}, "--horizon-hours is for --database"},
        {{"--database", "", "--risk-window", "1500"}, "longer than what --horizon-hours reads"},
        {{"--database", "", "--horizon-hours", "0"}, "hours up to 720"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *arguments[9] = {ANALYZER_PROGRAM, "analyze"};
        memcpy(arguments + 2, cases[i].arguments, sizeof cases[i].arguments);
        struct process *process = process_run(arguments, 64);
        assert_non_null(strstr(process_log(process), cases[i].said));
        process_free(process);
    }
    const char *empty[] = {ANALYZER_PROGRAM, "analyze", "--database",
                           private_cluster_conninfo(cluster, "epicenter_analyzer"), NULL};
    struct process *process = process_run(empty, 1);
    assert_non_null(strstr(process_log(process), "the database has no report"));
    process_free(process);
}

static int set_up(void **state)
{
    (void)state;
    cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    const char *migrate[] = {ANALYZER_PROGRAM, "migrate", "--database",
                             private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER), NULL};
    process_free(process_run(migrate, 0));
    serving_give_key(cluster);
    directory = private_cluster_path(cluster, "written");
    const char *write[] = {FLEETSIM_PROGRAM, "write", SCENARIO,  "--out", directory,
                           "--hosts",        HOSTS,   "--until", END,     NULL};
    process_free(process_run(write, 0));
    import_registry();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    private_cluster_remove(cluster);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_analysed_is_said), /* while nothing has been reported */
        cmocka_unit_test(the_live_path_answers_as_the_file_does),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
