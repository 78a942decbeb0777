/* Do fifty agents who press the key at once ever hold the same customer, and is everything they do
 * in the log? A real PostgreSQL, the analyzer's own role; the oracle is what each agent was told,
 * and the log as the owner reads it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/outreach_case.h"
#include "common/arena.h"
#include "common/database.h"
#include "tests/support/private_cluster.h"

#define TAKERS 50
#define CUSTOMERS 200 /* four each, and for some of them none left */
#define UPDATE "pattern/1"

static struct private_cluster *cluster;
static struct database *database;
static struct arena arena;
static char ids[CUSTOMERS][16];
static const char *queue[CUSTOMERS];

/* ---- Fifty takers ---- */

struct taker {
    pthread_t thread;
    char name[16];
    struct database *database;
    struct arena arena;
    size_t count;
    char taken[CUSTOMERS][16];
    bool failed;
    struct failure failure;
};

static pthread_barrier_t together;

static void *take_until_none(void *context)
{
    struct taker *taker = context;
    bool taken = true;
    pthread_barrier_wait(&together);
    while (!taker->failed && taken) {
        struct outreach_case one;
        taker->failed =
            !outreach_case_take_next(taker->database, UPDATE, queue, CUSTOMERS, taker->name, 600,
                                     &taker->arena, &taken, &one, &taker->failure);
        if (!taker->failed && taken) {
            (void)snprintf(taker->taken[taker->count++], 16, "%s", one.customer_id);
        }
    }
    return NULL;
}

static void fifty_takers_never_hold_the_same_customer(void **state)
{
    (void)state;
    struct taker *takers = calloc(TAKERS, sizeof *takers);
    struct failure failure;
    assert_non_null(takers);
    assert_int_equal(pthread_barrier_init(&together, NULL, TAKERS), 0);
    for (size_t i = 0; i < TAKERS; i++) {
        (void)snprintf(takers[i].name, sizeof takers[i].name, "agent %zu", i);
        assert_true(database_open(private_cluster_conninfo(cluster, "epicenter_analyzer"), "taker",
                                  0, &takers[i].database, &failure));
    }
    for (size_t i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_create(&takers[i].thread, NULL, take_until_none, &takers[i]), 0);
    }
    size_t all = 0;
    bool seen[CUSTOMERS] = {false};
    for (size_t i = 0; i < TAKERS; i++) {
        pthread_join(takers[i].thread, NULL);
        if (takers[i].failed) {
            fail_msg("%s: %s", takers[i].name, takers[i].failure.message);
        }
        for (size_t j = 0; j < takers[i].count; j++) {
            size_t customer = strtoul(takers[i].taken[j] + 1, NULL, 10);
            assert_false(seen[customer]);
            seen[customer] = true;
            all++;
        }
        database_close(takers[i].database);
        arena_free(&takers[i].arena);
    }
    assert_int_equal(all, CUSTOMERS);
    pthread_barrier_destroy(&together);
    free(takers);

    /* Each was put on the list once and taken once, and the log says so. */
    assert_int_equal(private_cluster_number(cluster, "select count(*) from outreach_log"),
                     2 * CUSTOMERS);
    assert_int_equal(private_cluster_number(
                         cluster, "select count(distinct (customer_id, changed_by)) from "
                                  "outreach_log where from_state = 'new' and to_state = 'taken'"),
                     CUSTOMERS);
    assert_int_equal(private_cluster_number(
                         cluster, "select count(*) from outreach_case c where not exists (select "
                                  "from outreach_log l where l.customer_id = c.customer_id and "
                                  "l.version = c.version and l.to_state = c.state)"),
                     0);
}

static void *take_the_first(void *context)
{
    struct taker *taker = context;
    struct outreach_case one;
    pthread_barrier_wait(&together);
    taker->count = outreach_case_take(taker->database, UPDATE, queue[0], taker->name, 600,
                                      &taker->arena, &one, &taker->failure)
                       ? 1
                       : 0;
    return NULL;
}

static void of_fifty_who_want_one_customer_one_has_it(void **state)
{
    (void)state;
    struct taker *takers = calloc(TAKERS, sizeof *takers);
    struct failure failure;
    assert_non_null(takers);
    assert_int_equal(pthread_barrier_init(&together, NULL, TAKERS), 0);
    for (size_t i = 0; i < TAKERS; i++) {
        (void)snprintf(takers[i].name, sizeof takers[i].name, "agent %zu", i);
        assert_true(database_open(private_cluster_conninfo(cluster, "epicenter_analyzer"), "taker",
                                  0, &takers[i].database, &failure));
        assert_int_equal(pthread_create(&takers[i].thread, NULL, take_the_first, &takers[i]), 0);
    }
    size_t winners = 0;
    for (size_t i = 0; i < TAKERS; i++) {
        pthread_join(takers[i].thread, NULL);
        winners += takers[i].count;
        if (takers[i].count == 0) {
            assert_int_equal(takers[i].failure.code, FAILURE_CONFLICT);
            assert_non_null(strstr(takers[i].failure.message, "has taken C0"));
        }
        database_close(takers[i].database);
        arena_free(&takers[i].arena);
    }
    assert_int_equal(winners, 1);
    pthread_barrier_destroy(&together);
    free(takers);
}

/* ---- One after another ---- */

static struct outreach_case take(const char *agent, double hold_s)
{
    struct outreach_case one;
    struct failure failure;
    bool taken;
    assert_true(outreach_case_take_next(database, UPDATE, queue, CUSTOMERS, agent, hold_s, &arena,
                                        &taken, &one, &failure));
    assert_true(taken);
    return one;
}

static void the_next_is_the_first_that_nobody_has_come_near(void **state)
{
    (void)state;
    struct outreach_case one;
    struct failure failure;
    assert_string_equal(take("ann", 600).customer_id, "C0");
    assert_string_equal(take("bob", 600).customer_id, "C1");
    assert_true(outreach_case_outcome(database, UPDATE, "C0", "ann", OUTREACH_MESSAGE_LEFT,
                                      "back at \"nine\"", &arena, &one, &failure));
    assert_int_equal(one.state, OUTREACH_MESSAGE_LEFT);
    assert_null(one.holder);
    assert_string_equal(one.note, "back at \"nine\"");
    /* Bob lets go: it is the first again; what Ann has called is not. */
    assert_true(outreach_case_release(database, UPDATE, "C1", "bob", &arena, &one, &failure));
    assert_int_equal(one.state, OUTREACH_NEW);
    assert_string_equal(take("ann", 600).customer_id, "C1");
    /* By name it can be taken again, and returns to what it was. */
    assert_true(outreach_case_take(database, UPDATE, "C0", "bob", 600, &arena, &one, &failure));
    assert_int_equal(one.state, OUTREACH_TAKEN);
    assert_string_equal(one.holder, "bob");
    assert_true(outreach_case_release(database, UPDATE, "C0", "bob", &arena, &one, &failure));
    assert_int_equal(one.state, OUTREACH_MESSAGE_LEFT);
    assert_int_equal(one.version, 5);
}

static void only_the_holder_ends_a_hold(void **state)
{
    (void)state;
    struct outreach_case one;
    struct failure failure;
    take("ann", 600);
    assert_false(outreach_case_outcome(database, UPDATE, "C0", "bob", OUTREACH_FIXED, "", &arena,
                                       &one, &failure));
    assert_int_equal(failure.code, FAILURE_CONFLICT);
    assert_string_equal(failure.message, "ann has taken C0");
    assert_false(outreach_case_release(database, UPDATE, "C0", "bob", &arena, &one, &failure));
    assert_int_equal(failure.code, FAILURE_CONFLICT);
    assert_false(outreach_case_outcome(database, UPDATE, "C9", "bob", OUTREACH_FIXED, "", &arena,
                                       &one, &failure));
    assert_string_equal(failure.message, "nobody holds C9 now: take it first");
    assert_false(outreach_case_outcome(database, UPDATE, "C0", "ann", OUTREACH_TAKEN, "", &arena,
                                       &one, &failure));
    assert_int_equal(failure.code, FAILURE_INVALID);
}

static void a_hold_that_runs_out_is_let_go(void **state)
{
    (void)state;
    struct outreach_case one;
    struct outreach_case *cases;
    size_t count;
    struct failure failure;
    take("ann", 0); /* has run out as soon as it is given */
    assert_true(outreach_case_list(database, UPDATE, &arena, &cases, &count, &failure));
    assert_int_equal(count, 100); /* the head that was opened */
    assert_string_equal(cases[0].customer_id, "C0");
    assert_int_equal(cases[0].state, OUTREACH_NEW);
    assert_null(cases[0].holder);
    assert_false(outreach_case_outcome(database, UPDATE, "C0", "ann", OUTREACH_FIXED, "", &arena,
                                       &one, &failure));
    assert_int_equal(failure.code, FAILURE_CONFLICT);
    one = take("bob", 600);
    assert_string_equal(one.customer_id, "C0");
    assert_string_equal(one.holder, "bob");
}

static void nobody_may_change_the_log(void **state)
{
    (void)state;
    static const char *const forbidden[] = {
        "update outreach_log set changed_by = 'nobody'",
        "delete from outreach_log",
        "insert into outreach_log (update_id, customer_id, version, changed_by, to_state, note) "
        "values ('u', 'c', 1, 'a', 'new', '')",
        "delete from outreach_case",
    };
    struct failure failure;
    take("ann", 600);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        assert_false(database_run(database, forbidden[i], 0, NULL, NULL, &failure));
    }
    struct database *owner;
    assert_true(database_open(private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER), "test", 0,
                              &owner, &failure));
    assert_false(database_run(owner, forbidden[1], 0, NULL, NULL, &failure));
    assert_non_null(strstr(failure.message, "only ever added to"));
    database_close(owner);
}

static int empty(void **state)
{
    (void)state;
    private_cluster_run(cluster, "alter table outreach_log disable trigger append_only;"
                                 "truncate outreach_case, outreach_log;"
                                 "alter table outreach_log enable trigger append_only");
    return 0;
}

static int start(void **state)
{
    (void)state;
    /* Those of two tests: the server may not have heard that the first one's are closed. */
    static const char *const settings[] = {"max_connections=120", NULL};
    struct failure failure;
    for (size_t i = 0; i < CUSTOMERS; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "C%zu", i);
        queue[i] = ids[i];
    }
    cluster = private_cluster_start(
        &(struct private_cluster_options){.without_fsync = true, .settings = settings});
    private_cluster_migrate(cluster);
    return database_open(private_cluster_conninfo(cluster, "epicenter_analyzer"), "test", 0,
                         &database, &failure)
               ? 0
               : -1;
}

static int stop(void **state)
{
    (void)state;
    database_close(database);
    private_cluster_remove(cluster);
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fifty_takers_never_hold_the_same_customer, empty),
        cmocka_unit_test_setup(of_fifty_who_want_one_customer_one_has_it, empty),
        cmocka_unit_test_setup(the_next_is_the_first_that_nobody_has_come_near, empty),
        cmocka_unit_test_setup(only_the_holder_ends_a_hold, empty),
        cmocka_unit_test_setup(a_hold_that_runs_out_is_let_go, empty),
        cmocka_unit_test_setup(nobody_may_change_the_log, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
