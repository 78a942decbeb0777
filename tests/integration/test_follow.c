/* Following the database: the reports that come out are those that went in, in whatever order the
 * loads were committed. Oracle: the same reports given to an analysis directly.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "analyzer/analysis.h"
#include "analyzer/answer.h"
#include "analyzer/carry.h"
#include "analyzer/cost.h"
#include "analyzer/follow.h"
#include "analyzer/registry.h"
#include "common/buffer.h"
#include "common/database.h"
#include "tests/integration/sample_fleet.h"
#include "tests/support/private_cluster.h"

static struct private_cluster *cluster;

/* An analysis with nothing around it. */
struct bench {
    struct registry *registry;
    struct cost_parameters parameters;
    struct analysis *analysis;
    pthread_rwlock_t lock;
};

static void bench_open(struct bench *bench)
{
    struct failure failure;
    const struct analysis_options options = {.seed = 1};
    cost_parameters_default(&bench->parameters);
    pthread_rwlock_init(&bench->lock, NULL);
    assert_true(registry_new(&bench->registry, &failure));
    assert_true(
        analysis_new(&options, bench->registry, &bench->parameters, &bench->analysis, &failure));
}

static void bench_close(struct bench *bench)
{
    analysis_free(bench->analysis);
    registry_free(bench->registry);
    pthread_rwlock_destroy(&bench->lock);
}

static struct buffer answers_of(struct analysis *analysis, instant_us known_before)
{
    struct failure failure;
    const struct answers *answers;
    struct buffer text = {0};
    assert_true(analysis_advance(analysis, known_before, &failure));
    assert_true(analysis_answers(analysis, &answers, &failure));
    assert_true(answer_write_json(answers, &text, &failure));
    return text;
}

/* What the reports of the minutes before `last` answer without a database. */
static struct buffer expected_answers(int last, instant_us known_before)
{
    struct bench bench;
    bench_open(&bench);
    sample_fleet_add(bench.analysis, 0, last);
    struct buffer text = answers_of(bench.analysis, known_before);
    bench_close(&bench);
    return text;
}

static struct database *open_as(const char *role)
{
    struct database *database;
    struct failure failure;
    if (!database_open(private_cluster_conninfo(cluster, role), "test", 0, &database, &failure)) {
        fail_msg("%s", failure.message);
    }
    return database;
}

static struct follow *follow_of(struct bench *bench)
{
    struct follow *follow;
    struct failure failure;
    assert_true(follow_new(bench->analysis, &bench->lock, INSTANT_DAY, &follow, &failure));
    return follow;
}

static void step_until_idle(struct follow *follow, struct database *database)
{
    for (bool idle = false; !idle;) {
        struct failure failure;
        if (!follow_step(follow, database, &idle, &failure)) {
            fail_msg("%s", failure.message);
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    private_cluster_run(cluster, "truncate report, report_update, report_load, segment");
    return 0;
}

static void nothing_is_known_of_an_empty_database(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct database *database = open_as("epicenter_analyzer");
    struct follow *follow = follow_of(&bench);
    assert_false(follow_has_caught_up(follow));
    step_until_idle(follow, database);
    assert_true(follow_has_caught_up(follow));
    assert_true(follow_known_before(follow) == INSTANT_NONE);
    follow_free(follow);
    database_close(database);
    bench_close(&bench);
}

static void what_comes_out_is_what_went_in(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct database *collector = open_as(PRIVATE_CLUSTER_OWNER);
    struct database *database = open_as("epicenter_analyzer");

    /* Half of the minutes before the follower starts, half while it is there. */
    sample_fleet_store_minutes(collector, 0, SAMPLE_MINUTES / 2);
    struct follow *follow = follow_of(&bench);
    step_until_idle(follow, database);
    assert_true(follow_has_caught_up(follow));
    sample_fleet_store_minutes(collector, SAMPLE_MINUTES / 2, SAMPLE_MINUTES);
    step_until_idle(follow, database);

    struct follow_counts counts = follow_counts(follow);
    assert_int_equal(counts.loads, SAMPLE_MINUTES);
    assert_int_equal(counts.reports, SAMPLE_MINUTES * SAMPLE_HOSTS);
    assert_int_equal(counts.updates, SAMPLE_HOSTS / 2);
    assert_int_equal(counts.missing_loads, 0);

    struct buffer answers = answers_of(bench.analysis, follow_known_before(follow));
    struct buffer expected = expected_answers(SAMPLE_MINUTES, follow_known_before(follow));
    assert_string_equal(answers.data, expected.data);
    assert_non_null(strstr(answers.data, "\"verdict\":\"HOLD\""));

    /* One that starts now, and takes it all at once, answers the same. */
    struct bench later;
    bench_open(&later);
    struct follow *again = follow_of(&later);
    step_until_idle(again, database);
    struct buffer repeated = answers_of(later.analysis, follow_known_before(again));
    assert_string_equal(repeated.data, expected.data);

    buffer_free(&repeated);
    buffer_free(&expected);
    buffer_free(&answers);
    follow_free(again);
    follow_free(follow);
    bench_close(&later);
    bench_close(&bench);
    database_close(database);
    database_close(collector);
}

static void a_load_that_commits_late_is_waited_for_and_taken_once(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct database *quick = open_as(PRIVATE_CLUSTER_OWNER);
    struct database *slow = open_as(PRIVATE_CLUSTER_OWNER);
    struct database *database = open_as("epicenter_analyzer");
    struct follow *follow = follow_of(&bench);
    sample_fleet_store_minutes(quick, 0, 30);
    step_until_idle(follow, database);
    instant_us before = follow_known_before(follow);

    /* The slow collector takes its id first and commits last. */
    sample_fleet_run(slow, "begin");
    sample_fleet_store(slow, 30, 0, 2, "now");
    sample_fleet_run(quick, "begin");
    sample_fleet_store(quick, 30, 1, 2, "now");
    sample_fleet_run(quick, "commit");
    sample_fleet_store_minutes(quick, 31, 32);
    step_until_idle(follow, database);
    assert_int_equal(follow_counts(follow).missing_loads, 1);
    assert_true(follow_known_before(follow) == before);

    sample_fleet_run(slow, "commit");
    step_until_idle(follow, database);
    assert_int_equal(follow_counts(follow).missing_loads, 0);
    assert_int_equal(follow_counts(follow).reports, 32 * SAMPLE_HOSTS);

    struct buffer answers = answers_of(bench.analysis, follow_known_before(follow));
    struct buffer expected = expected_answers(32, follow_known_before(follow));
    assert_string_equal(answers.data, expected.data);
    buffer_free(&expected);
    buffer_free(&answers);
    follow_free(follow);
    bench_close(&bench);
    database_close(database);
    database_close(slow);
    database_close(quick);
}

static void a_load_that_was_rolled_back_is_waited_for_no_longer_than_said(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct database *collector = open_as(PRIVATE_CLUSTER_OWNER);
    struct database *database = open_as("epicenter_analyzer");
    struct follow *follow = follow_of(&bench);
    sample_fleet_store_minutes(collector, 0, 10);
    sample_fleet_run(collector, "begin");
    sample_fleet_store(collector, 10, 0, 1, "now");
    sample_fleet_run(collector, "rollback");
    /* The next one was written longer ago than LOAD_GAP_HOLDS, so the gap is old at once. */
    struct failure failure;
    PGresult *then;
    assert_true(database_run(collector, "select (clock_timestamp() - interval '11 s')::text", 0,
                             NULL, &then, &failure));
    sample_fleet_run(collector, "begin");
    sample_fleet_store(collector, 11, 0, 1, PQgetvalue(then, 0, 0));
    sample_fleet_run(collector, "commit");
    PQclear(then);
    step_until_idle(follow, database);
    step_until_idle(follow, database); /* learns the database's clock while it looks for the gap */
    assert_int_equal(follow_counts(follow).missing_loads, 1);
    instant_us last_received =
        SAMPLE_STARTED_AT + 11 * INSTANT_MINUTE + (SAMPLE_HOSTS - 1) * (INSTANT_SECOND / 4) + 123;
    assert_true(follow_known_before(follow) == last_received - ANALYSIS_LATENESS);
    follow_free(follow);
    bench_close(&bench);
    database_close(database);
    database_close(collector);
}

static struct buffer store(struct bench *bench, struct follow *follow)
{
    struct failure failure;
    struct buffer plain = {0};
    struct carry carry = {.into = &plain};
    follow_carry(&carry, follow);
    analysis_carry(&carry, bench->analysis);
    assert_true(carry_check(&carry, &failure));
    return plain;
}

/* A load is missing when the state is stored, and commits while nobody follows; so do others. */
static void another_goes_on_where_one_has_come_and_takes_what_was_missing(void **state)
{
    (void)state;
    struct failure failure;
    struct bench bench;
    bench_open(&bench);
    struct database *quick = open_as(PRIVATE_CLUSTER_OWNER);
    struct database *slow = open_as(PRIVATE_CLUSTER_OWNER);
    struct database *database = open_as("epicenter_analyzer");
    struct follow *follow = follow_of(&bench);
    sample_fleet_store_minutes(quick, 0, 30);
    sample_fleet_run(slow, "begin");
    sample_fleet_store(slow, 30, 0, 2, "now");
    sample_fleet_run(quick, "begin");
    sample_fleet_store(quick, 30, 1, 2, "now");
    sample_fleet_run(quick, "commit");
    step_until_idle(follow, database);
    assert_int_equal(follow_counts(follow).missing_loads, 1);
    assert_true(analysis_advance(bench.analysis, follow_known_before(follow), &failure));
    struct buffer plain = store(&bench, follow);
    follow_free(follow);
    bench_close(&bench);
    sample_fleet_run(slow, "commit");
    sample_fleet_store_minutes(quick, 31, SAMPLE_MINUTES);
    /* What was taken in is not read again. */
    private_cluster_run(cluster, "delete from report where load_id <= (select min(load_id) + 29 "
                                 "from report_load)");

    bench_open(&bench);
    follow = follow_of(&bench);
    struct carry carry = {.from = plain.data, .left = plain.length};
    follow_carry(&carry, follow);
    analysis_carry(&carry, bench.analysis);
    assert_true(carry_check(&carry, &failure));
    assert_true(follow_resume(follow, database, &failure));
    assert_false(follow_has_caught_up(follow));
    assert_int_equal(follow_counts(follow).percent, 0);
    step_until_idle(follow, database);
    assert_true(follow_has_caught_up(follow));
    assert_int_equal(follow_counts(follow).percent, 100);
    assert_int_equal(follow_counts(follow).missing_loads, 0);
    assert_int_equal(follow_counts(follow).reports,
                     (SAMPLE_MINUTES - 31) * SAMPLE_HOSTS + SAMPLE_HOSTS / 2);
    struct buffer answers = answers_of(bench.analysis, follow_known_before(follow));
    struct buffer expected = expected_answers(SAMPLE_MINUTES, follow_known_before(follow));
    assert_string_equal(answers.data, expected.data);
    buffer_free(&expected);
    buffer_free(&answers);
    buffer_free(&plain);
    follow_free(follow);
    bench_close(&bench);
    database_close(database);
    database_close(slow);
    database_close(quick);
}

static void a_state_of_another_horizon_is_refused(void **state)
{
    (void)state;
    struct failure failure;
    struct bench bench;
    bench_open(&bench);
    struct database *collector = open_as(PRIVATE_CLUSTER_OWNER);
    struct database *database = open_as("epicenter_analyzer");
    sample_fleet_store_minutes(collector, 0, SAMPLE_MINUTES);
    struct follow *follow = follow_of(&bench);
    step_until_idle(follow, database);
    struct buffer plain = store(&bench, follow);
    follow_free(follow);
    bench_close(&bench);

    bench_open(&bench);
    struct carry carry = {.from = plain.data, .left = plain.length};
    assert_true(follow_new(bench.analysis, &bench.lock, 10 * INSTANT_MINUTE, &follow, &failure));
    follow_carry(&carry, follow);
    assert_false(carry_check(&carry, &failure));
    assert_string_equal(failure.message, "it was made with another horizon");
    step_until_idle(follow, database); /* as if nothing had been tried */
    assert_int_equal(follow_counts(follow).reports, 11 * SAMPLE_HOSTS);
    buffer_free(&plain);
    follow_free(follow);
    bench_close(&bench);
    database_close(database);
    database_close(collector);
}

static void loads_before_the_horizon_are_passed_over(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct database *collector = open_as(PRIVATE_CLUSTER_OWNER);
    struct database *database = open_as("epicenter_analyzer");
    sample_fleet_store_minutes(collector, 0, SAMPLE_MINUTES);
    struct follow *follow;
    struct failure failure;
    assert_true(follow_new(bench.analysis, &bench.lock, 10 * INSTANT_MINUTE, &follow, &failure));
    step_until_idle(follow, database);
    assert_int_equal(follow_counts(follow).reports, 11 * SAMPLE_HOSTS);
    follow_free(follow);
    bench_close(&bench);
    database_close(database);
    database_close(collector);
}

static void a_crash_of_the_database_loses_nothing_and_doubles_nothing(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct database *collector = open_as(PRIVATE_CLUSTER_OWNER);
    struct database *database = open_as("epicenter_analyzer");
    struct follow *follow = follow_of(&bench);
    sample_fleet_store_minutes(collector, 0, 30);
    step_until_idle(follow, database);

    database_close(collector);
    private_cluster_restart_immediately(cluster);
    collector = open_as(PRIVATE_CLUSTER_OWNER);
    sample_fleet_store_minutes(collector, 30, 40);
    bool idle;
    struct failure failure = {0};
    assert_false(follow_step(follow, database, &idle, &failure)); /* finds its connection lost */
    if (failure.code != FAILURE_UNAVAILABLE) {
        fail_msg("not known for an absence: %s", failure.message);
    }
    step_until_idle(follow, database);
    assert_int_equal(follow_counts(follow).reports, 40 * SAMPLE_HOSTS);
    follow_free(follow);
    bench_close(&bench);
    database_close(database);
    database_close(collector);
}

static int start_cluster(void **state)
{
    (void)state;
    cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    private_cluster_migrate(cluster);
    return 0;
}

static int remove_cluster(void **state)
{
    (void)state;
    private_cluster_remove(cluster);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_known_of_an_empty_database, set_up),
        cmocka_unit_test_setup(what_comes_out_is_what_went_in, set_up),
        cmocka_unit_test_setup(a_load_that_commits_late_is_waited_for_and_taken_once, set_up),
        cmocka_unit_test_setup(a_load_that_was_rolled_back_is_waited_for_no_longer_than_said,
                               set_up),
        cmocka_unit_test_setup(another_goes_on_where_one_has_come_and_takes_what_was_missing,
                               set_up),
        cmocka_unit_test_setup(a_state_of_another_horizon_is_refused, set_up),
        cmocka_unit_test_setup(loads_before_the_horizon_are_passed_over, set_up),
        cmocka_unit_test_setup(a_crash_of_the_database_loses_nothing_and_doubles_nothing, set_up),
    };
    return cmocka_run_group_tests(tests, start_cluster, remove_cluster);
}
