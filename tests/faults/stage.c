/* What each of the faults happens to; see stage.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/process.h"

#define LOOK_MS 2
/* The fleet itself gives up after two minutes without an acknowledgement. */
#define SEED 20050423

static void sleep_ns(long nanoseconds)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL);
}

static void take_token(struct stage *stage)
{
    struct process *process =
        process_run((const char *[]){COLLECTOR_PROGRAM, "token", "--token-keys", stage->keys,
                                     "--gateway", "--customer", "acme", NULL},
                    0);
    const char *token = process_output(process);
    (void)snprintf(stage->token, sizeof stage->token, "%.*s", (int)strcspn(token, "\n"), token);
    process_free(process);
}

void stage_start(struct stage *stage, const struct private_cluster_options *options)
{
    *stage = (struct stage){.program = COLLECTOR_PROGRAM};
    stage->random = random_stream_new(SEED, 0);
    stage->cluster = private_cluster_start(options);
    private_cluster_migrate(stage->cluster);
    stage->keys = private_cluster_path(stage->cluster, "token-keys");
    take_token(stage);
}

void stage_collector(struct stage *stage)
{
    const char *const more[] = {"--token-keys", stage->keys, NULL};
    uint16_t port = stage->collector.port;
    process_free(stage->collector.process);
    stage->collector =
        serving_start_at(port, stage->program, stage->cluster, "epicenter_collector", more);
}

void stage_fleet(struct stage *stage, unsigned connections, size_t reports_most)
{
    stage->fleet = fleet_start(&(struct fleet_options){.url = stage->collector.url,
                                                       .token = stage->token,
                                                       .connections = connections,
                                                       .reports_most = reports_most,
                                                       .seed = SEED});
}

void stage_count_fault(struct stage *stage, size_t all)
{
    stage->faults++;
    if (isatty(STDERR_FILENO) == 1) {
        (void)fprintf(stderr, "\r\033[K  %zu of %zu%s", stage->faults, all,
                      stage->faults < all ? "" : "\r\033[K");
    }
}

void stage_wait_for_reports(struct stage *stage, size_t more)
{
    size_t wanted = fleet_acknowledged(stage->fleet) + more;
    while (fleet_acknowledged(stage->fleet) < wanted) {
        if (fleet_trouble(stage->fleet) != NULL) {
            fail_msg("the hosts gave up: %s\n%s", fleet_trouble(stage->fleet),
                     process_log(stage->collector.process));
        }
        sleep_ns(LOOK_MS * 1000000L);
    }
}

void stage_wait_for_moment(struct stage *stage, size_t most)
{
    stage_wait_for_reports(stage, random_below(&stage->random, most));
    sleep_ns((long)random_below(&stage->random, 5000000));
}

void stage_note_memory(struct stage *stage)
{
    char path[64];
    char line[256];
    (void)snprintf(path, sizeof path, "/proc/%ld/status",
                   (long)process_id(stage->collector.process));
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            size_t memory_kb = strtoul(line + 6, NULL, 10);
            stage->memory_kb = memory_kb > stage->memory_kb ? memory_kb : stage->memory_kb;
        }
    }
    (void)fclose(file);
}

struct oracle_finding stage_judge(struct stage *stage)
{
    struct ledger_record *records = NULL;
    size_t count = 0;
    stage_wait_for_reports(stage, 1); /* it still works */
    struct fleet *fleet = stage->fleet;
    stage->fleet = NULL;
    fleet_finish(fleet, &records, &count);
    struct ledger_record *all = realloc(records, (count + stage->other_count) * sizeof *all);
    assert_non_null(all);
    if (stage->other_count > 0) {
        memcpy(all + count, stage->others, stage->other_count * sizeof *all);
    }
    struct oracle_finding finding = oracle_judge(stage->cluster, all, count + stage->other_count);
    free(all);
    return finding;
}

void stage_end(struct stage *stage)
{
    free(stage->others);
    process_free(stage->collector.process);
    private_cluster_remove(stage->cluster);
    *stage = (struct stage){0};
}
