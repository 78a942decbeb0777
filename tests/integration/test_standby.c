/* Does a second analyzer take over? Two real ones on one PostgreSQL; the first is killed, and a
 * connection is cut. Oracles: pg_locks for who may write, the table verdict_change for who did.
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

#include "common/database.h"
#include "tests/integration/sample_fleet.h"
#include "tests/support/private_cluster.h"
#include "tests/support/serving.h"

/* Nothing is wrong in the minutes before; all of it, HOLD included, comes after. */
#define HARMLESS_MINUTES 20

static struct private_cluster *cluster;
static struct database *collector;

static struct serving start(void)
{
    return serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer",
                         (const char *const[]){"--horizon-hours", "720", NULL});
}

static int64_t locks(void)
{
    return private_cluster_number(
        cluster, "select count(*) from pg_locks where locktype = 'advisory' and granted");
}

static int64_t written(void)
{
    return private_cluster_number(cluster,
                                  "select count(*) from verdict_change where verdict = 'HOLD'");
}

static void one_writes_and_the_other_takes_over(void **state)
{
    (void)state;
    sample_fleet_store_minutes(collector, 0, HARMLESS_MINUTES);
    struct serving first = start();
    serving_wait_until(&first, "/readyz", "\"ready\"");
    struct serving second = start();
    serving_wait_until(&second, "/readyz", "\"standby\"");
    serving_wait_until(&second, "/metrics", "epicenter_analyzer_leads 0");
    assert_int_equal(locks(), 1);

    /* Its connection is cut: the other leads before or after it is back, but never both. */
    private_cluster_run(cluster, "select pg_terminate_backend(pid) from pg_locks"
                                 " where locktype = 'advisory'");
    serving_wait_until(&first, "/metrics", "epicenter_analyzer_database_faults_total 1");
    while (serving_says(&first, "/readyz", "\"ready\"") ==
           serving_says(&second, "/readyz", "\"ready\"")) {
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    bool second_leads = serving_says(&second, "/readyz", "\"ready\"");
    struct serving *leader = second_leads ? &second : &first;
    struct serving *standby = second_leads ? &first : &second;
    serving_wait_until(standby, "/readyz", "\"standby\"");
    assert_int_equal(locks(), 1);

    /* The leader dies; what happens from here on is written by the one that stood by. */
    process_signal(leader->process, SIGKILL);
    (void)process_wait(leader->process, 10);
    serving_wait_until(standby, "/readyz", "\"ready\"");
    assert_int_equal(written(), 0);
    sample_fleet_store_minutes(collector, HARMLESS_MINUTES, SAMPLE_MINUTES);
    serving_wait_until(standby, "/v1/updates", "\"verdict\":\"HOLD\"");
    for (int tenths = 0; tenths < 300 && written() == 0; tenths++) {
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    assert_int_equal(written(), 1);
    process_free(leader->process);

    /* One that comes now answers the same, writes nothing again, and leads when it is alone. */
    struct serving third = start();
    serving_wait_until(&third, "/readyz", "\"standby\"");
    serving_wait_until(&third, "/v1/updates", "\"verdict\":\"HOLD\"");
    assert_int_equal(serving_stop(standby), 0);
    serving_wait_until(&third, "/readyz", "\"ready\"");
    assert_int_equal(written(), 1);
    assert_int_equal(serving_stop(&third), 0);
}

int main(void)
{
    struct failure failure;
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_writes_and_the_other_takes_over)};
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
