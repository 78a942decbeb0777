/* The faults of machines: processes killed, stopped, out of disk and out of files. See scenarios.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults/scenarios.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "tests/support/http_client.h"
#include "tests/support/private_disk.h"
#include "tests/support/process.h"

static void sleep_s(time_t seconds)
{
    (void)nanosleep(&(struct timespec){.tv_sec = seconds}, NULL);
}

/* Connections and sizes of most scenarios: requests of one report to a few hundred, a transaction
 * under way at every moment. */
static void begin(struct stage *stage, const struct private_cluster_options *options)
{
    stage_start(stage, options);
    stage_collector(stage);
    stage_fleet(stage, 16, 300);
}

/* ---- The collector ---- */

void scenario_collector_killed(struct stage *stage, bool full)
{
    begin(stage, NULL);
    const size_t all = full ? 200 : 15;
    for (size_t i = 0; i < all; i++) {
        stage_wait_for_moment(stage, full ? 8000 : 3000);
        process_signal(stage->collector.process, SIGKILL);
        assert_int_equal(process_wait(stage->collector.process, 10), 128 + SIGKILL);
        stage_collector(stage);
        stage_count_fault(stage, all);
    }
}

#define FILES_LIMIT 64
#define CROWD 300

void scenario_few_files(struct stage *stage, bool full)
{
    stage_start(stage, NULL);
    const char *script = private_cluster_path(stage->cluster, "few-files");
    FILE *file = fopen(script, "we");
    assert_non_null(file);
    assert_true(fprintf(file, "#!/bin/sh\nulimit -n %d\nexec %s \"$@\"\n", FILES_LIMIT,
                        COLLECTOR_PROGRAM) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(script, 0755), 0);
    stage->program = script;
    stage_collector(stage);
    stage_fleet(stage, 4, 300);
    const size_t all = full ? 5 : 1;
    for (size_t i = 0; i < all; i++) {
        int crowd[CROWD];
        stage_wait_for_moment(stage, 3000);
        for (int c = 0; c < CROWD; c++) {
            crowd[c] = http_raw_connect(stage->collector.port);
        }
        sleep_s(full ? 4 : 1);
        for (int c = 0; c < CROWD; c++) {
            http_raw_close(crowd[c]);
        }
        stage_count_fault(stage, all);
    }
    stage_note_memory(stage);
}

/* ---- PostgreSQL ---- */

void scenario_postgres_killed(struct stage *stage, bool full)
{
    begin(stage, NULL);
    const size_t all = full ? 50 : 4;
    for (size_t i = 0; i < all; i++) {
        stage_wait_for_moment(stage, full ? 10000 : 2000);
        switch (i % 4) {
        case 0:
            private_cluster_kill(stage->cluster);
            break;
        case 2:
            private_cluster_restart_immediately(stage->cluster);
            break;
        default:
            private_cluster_kill_session(stage->cluster, "epicenter_collector");
            break;
        }
        stage_count_fault(stage, all);
    }
    assert_true(process_is_running(stage->collector.process));
    stage_note_memory(stage);
}

void scenario_postgres_slow(struct stage *stage, bool full)
{
    /* The last is longer than the collector waits for an answer: what it sent is in doubt. */
    static const time_t frozen_s[] = {5, 5, 5, 5, 5, 25};
    begin(stage, NULL);
    const size_t all = full ? 6 : 1;
    for (size_t i = 0; i < all; i++) {
        stage_wait_for_moment(stage, 3000);
        private_cluster_freeze(stage->cluster, true);
        sleep_s(frozen_s[i]);
        private_cluster_freeze(stage->cluster, false);
        stage_count_fault(stage, all);
    }
    stage_note_memory(stage);
}

void scenario_disk_full(struct stage *stage, bool full)
{
    /* Much memory, so that the judge needs no disk. */
    static const char *const settings[] = {"max_wal_size=32MB", "min_wal_size=32MB",
                                           "work_mem=256MB", NULL};
    stage->skipped = private_disk_refused();
    if (stage->skipped != NULL) {
        return;
    }
    begin(stage, &(struct private_cluster_options){.settings = settings, .disk_mb = 400});
    const size_t all = full ? 5 : 1;
    for (size_t i = 0; i < all; i++) {
        stage_wait_for_moment(stage, 3000);
        /* Room for some more rows, or for none at all: then even recovery has none. */
        private_cluster_fill_disk(stage->cluster, i % 2 == 0 ? 4096 : 0);
        sleep_s(full ? 6 : 3);
        private_cluster_fill_disk(stage->cluster, -1);
        stage_count_fault(stage, all);
    }
    stage_note_memory(stage);
}
