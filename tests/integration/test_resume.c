/* Does an analyzer that starts go on from the stored state as if it had never stopped? Real ones on
 * one PostgreSQL: killed and stopped in the middle of an incident, beside one that runs all the
 * while. Oracle: that one's answers and changes; where the state is of no use, too.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "common/database.h"
#include "tests/integration/sample_fleet.h"
#include "tests/support/private_cluster.h"
#include "tests/support/serving.h"

/* Hosts install in minute 20 and are pinned from minute 25 on; HOLD comes with minute 27. */
#define CALM 24
#define STRUCK 27

#define GOES_ON "going on from the stored state"
#define READS_ALL "the reports of the horizon are read"

static struct private_cluster *cluster;
static struct database *collector;
static struct serving steady; /* never stopped */

static void wait_for_sql(const char *sql)
{
    for (int tenths = 0; tenths < 300; tenths++) {
        if (strcmp(private_cluster_text(cluster, sql), "t") == 0) {
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    fail_msg("not so: %s", sql);
}

/* Stores the minutes before `until` that are not there yet; both have then closed all but the last
 * of them. */
static void go_on_to(const struct serving *analyzer, int until)
{
    static int stored;
    char as_of[64];
    char at[INSTANT_TEXT_SIZE];
    sample_fleet_store_minutes(collector, stored, until);
    stored = until;
    instant_format(SAMPLE_STARTED_AT + (until - 1) * INSTANT_MINUTE, at);
    at[strlen("2005-04-22T22:00:00")] = '\0'; /* documents have no fractions */
    (void)snprintf(as_of, sizeof as_of, "\"as_of\":\"%s", at);
    serving_wait_until(&steady, "/v1/updates", as_of);
    serving_wait_until(analyzer, "/v1/updates", as_of);
}

static void assert_same(const struct serving *analyzer)
{
    static const char *const paths[] = {"/v1/updates", "/v1/changes"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct buffer wanted = serving_ask(&steady, paths[i]);
        struct buffer got = serving_ask(analyzer, paths[i]);
        assert_non_null(wanted.data);
        assert_string_equal(got.data, wanted.data);
        buffer_free(&wanted);
        buffer_free(&got);
    }
}

static struct serving start(const char *says)
{
    struct serving analyzer = serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer", NULL);
    process_wait_for_log(analyzer.process, says);
    return analyzer;
}

static void kill_one(struct serving *analyzer)
{
    process_signal(analyzer->process, SIGKILL);
    assert_int_equal(process_wait(analyzer->process, 10), 128 + SIGKILL);
    process_free(analyzer->process);
}

/* The state that is stored is of the minute before `until`. */
static void wait_for_state(int until)
{
    char sql[160];
    char at[INSTANT_TEXT_SIZE];
    (void)snprintf(sql, sizeof sql, "select count(*) > 0 from stored_state where as_of = '%s'",
                   instant_format(SAMPLE_STARTED_AT + (until - 1) * INSTANT_MINUTE, at));
    wait_for_sql(sql);
}

static void an_analyzer_goes_on_as_if_it_had_never_stopped(void **state)
{
    (void)state;
    sample_fleet_store_minutes(collector, 0, 2);
    struct serving first = start("no state is stored");
    serving_wait_until(&first, "/readyz", "\"ready\"");
    wait_for_state(2); /* as soon as it leads */
    steady = start(GOES_ON);
    serving_wait_until(&steady, "/readyz", "\"standby\"");

    /* It is killed, and the one that stands by leads and stores; a new one goes on from that. */
    go_on_to(&first, CALM);
    kill_one(&first);
    wait_for_state(CALM);
    struct serving second = start(GOES_ON);
    serving_wait_until(&second, "/readyz", "\"standby\"");
    go_on_to(&second, STRUCK);
    assert_same(&second);

    /* Hosts are pinned, nothing is decided, and it begins once more, from the state of before. */
    assert_false(serving_says(&second, "/v1/updates", "\"verdict\":\"HOLD\""));
    kill_one(&second);
    second = start(GOES_ON);
    go_on_to(&second, SAMPLE_MINUTES / 2);
    serving_wait_until(&second, "/v1/updates", "\"verdict\":\"HOLD\"");
    assert_same(&second);
    wait_for_sql("select count(*) = 1 from verdict_change where verdict = 'HOLD'");
    assert_int_equal(serving_stop(&second), 0); /* who stands by stores nothing */
    wait_for_state(CALM);
}

/* Whoever leads stores what it knows when it is asked to end. */
static void a_stop_leaves_the_state_of_the_last_minute(void **state)
{
    (void)state;
    struct serving third = start(GOES_ON);
    go_on_to(&third, SAMPLE_MINUTES - 5);
    struct buffer updates = serving_ask(&steady, "/v1/updates");
    struct buffer changes = serving_ask(&steady, "/v1/changes");
    assert_int_equal(serving_stop(&third), 0);
    assert_int_equal(serving_stop(&steady), 0);
    wait_for_state(SAMPLE_MINUTES - 5);
    assert_non_null(updates.data);
    assert_non_null(changes.data);
    private_cluster_run(cluster, "truncate report, report_update"); /* it is not read again */
    steady = start(GOES_ON);
    serving_wait_until(&steady, "/readyz", "\"ready\"");
    struct buffer updates_now = serving_ask(&steady, "/v1/updates");
    struct buffer changes_now = serving_ask(&steady, "/v1/changes");
    assert_non_null(updates_now.data);
    assert_non_null(changes_now.data);
    assert_string_equal(updates_now.data, updates.data);
    assert_string_equal(changes_now.data, changes.data);
    buffer_free(&updates);
    buffer_free(&changes);
    buffer_free(&updates_now);
    buffer_free(&changes_now);
}

/* The database takes everything but the state. */
static void a_state_that_cannot_be_stored_leaves_the_one_before(void **state)
{
    (void)state;
    private_cluster_run(cluster, "revoke insert on stored_state from epicenter_analyzer");
    go_on_to(&steady, SAMPLE_MINUTES);
    process_signal(steady.process, SIGTERM);
    process_wait_for_log(steady.process, "the state could not be stored; the one before is kept");
    assert_int_equal(process_wait(steady.process, 30), 0);
    process_free(steady.process);
    private_cluster_run(cluster, "grant insert on stored_state to epicenter_analyzer");
    wait_for_state(SAMPLE_MINUTES - 5);
    steady = start(GOES_ON);
    serving_wait_until(&steady, "/readyz", "\"ready\"");
}

/* Each in place of a state that was good. */
static void a_state_of_no_use_costs_only_the_reading(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *why;
    } cases[] = {
        {"update stored_state set bytes = set_byte(bytes, 1000, get_byte(bytes, 1000) # 4)",
         "it is damaged"},
        {"update stored_state set bytes = substr(bytes, 1, length(bytes) - 1)", "it is damaged"},
        {"update stored_state set bytes = ''", "no state is stored"},
        {"update report_load set received_until = received_until + interval '2 days' where load_id "
         "= (select min(load_id) from report_load)",
         "it is older than the horizon"},
        {"delete from report_load", "the loads it has taken in are gone"},
    };
    assert_int_equal(serving_stop(&steady), 0);
    private_cluster_run(cluster, "create table kept as select * from stored_state");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        private_cluster_run(cluster, "truncate stored_state");
        private_cluster_run(cluster, "insert into stored_state select * from kept");
        private_cluster_run(cluster, cases[i].sql);
        struct serving analyzer = start(READS_ALL);
        if (strstr(process_log(analyzer.process), cases[i].why) == NULL) {
            fail_msg("%s: %s", cases[i].why, process_log(analyzer.process));
        }
        serving_wait_until(&analyzer, "/readyz", "\"ready\"");
        kill_one(&analyzer);
    }
}

int main(void)
{
    struct failure failure;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_analyzer_goes_on_as_if_it_had_never_stopped),
        cmocka_unit_test(a_stop_leaves_the_state_of_the_last_minute),
        cmocka_unit_test(a_state_that_cannot_be_stored_leaves_the_one_before),
        cmocka_unit_test(a_state_of_no_use_costs_only_the_reading),
    };
    cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    private_cluster_migrate(cluster);
    serving_give_key(cluster);
    if (!database_open(private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER), "test", 0,
                       &collector, &failure)) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    database_close(collector);
    private_cluster_remove(cluster);
    return failed;
}
