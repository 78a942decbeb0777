/* What was acknowledged stands in the database, once in every count, whatever happens.
 *
 * Usage: faults [--full] [--json FILE] [SCENARIO …]
 *
 * Without --full every scenario is short, as in ctest. Ends with 1 when anything was lost, doubled
 * or invented, and when a scenario could not be brought to its end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "common/log.h"
#include "tests/faults/scenarios.h"
#include "tests/faults/stage.h"

/* A full run checks as many; a short one proves that the way there works. */
#define REPORTS_LEAST 1000000

static struct trial {
    const char *name;
    const char *fault; /* what is counted */
    scenario run;
    bool wanted;
    bool ended; /* came to its judgement */
    struct oracle_finding finding;
    size_t faults, memory_kb;
    double seconds;
    char skipped[160];
} trials[] = {
    {.name = "collector_killed", .fault = "kill -9", .run = scenario_collector_killed},
    {.name = "postgres_killed", .fault = "kills", .run = scenario_postgres_killed},
    {.name = "postgres_slow", .fault = "standstills", .run = scenario_postgres_slow},
    {.name = "disk_full", .fault = "disks full", .run = scenario_disk_full},
    {.name = "few_files", .fault = "crowds", .run = scenario_few_files},
    {.name = "slow_senders", .fault = "slow senders", .run = scenario_slow_senders},
    {.name = "late_and_repeated", .fault = "repeats", .run = scenario_late_and_repeated},
    {.name = "wrong_clocks", .fault = "refusals", .run = scenario_wrong_clocks},
    {.name = "calls_fail", .fault = "failed calls", .run = scenario_calls_fail},
};
#define TRIALS (sizeof trials / sizeof *trials)

static bool full;

static double clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void run_trial(void **state)
{
    struct trial *trial = *state;
    struct stage stage = {0};
    double began_s = clock_s();
    trial->run(&stage, full);
    if (stage.skipped != NULL) {
        (void)snprintf(trial->skipped, sizeof trial->skipped, "%s", stage.skipped);
        trial->ended = true;
        return;
    }
    trial->finding = stage_judge(&stage);
    trial->faults = stage.faults;
    trial->memory_kb = stage.memory_kb;
    stage_end(&stage);
    trial->seconds = clock_s() - began_s;
    trial->ended = true;
    assert_int_equal(trial->finding.lost, 0);
    assert_int_equal(trial->finding.unsent, 0);
    assert_int_equal(trial->finding.doubled, 0);
    assert_int_equal(trial->finding.torn, 0);
    assert_true(trial->finding.acknowledged > 0);
}

/* ---- What came out ---- */

static bool trial_holds(const struct trial *trial)
{
    const struct oracle_finding *f = &trial->finding;
    return trial->ended && f->lost == 0 && f->unsent == 0 && f->doubled == 0 && f->torn == 0;
}

static struct oracle_finding print_table(void)
{
    struct oracle_finding sum = {0};
    printf("\n  %-18s %20s %12s %6s %8s %12s %10s %8s\n", "", "faults", "acknowledged", "lost",
           "doubled", "stored again", "memory MB", "time s");
    for (size_t i = 0; i < TRIALS; i++) {
        const struct trial *trial = &trials[i];
        const struct oracle_finding *f = &trial->finding;
        if (!trial->wanted) {
            continue;
        }
        if (!trial->ended || trial->skipped[0] != '\0') {
            printf("  %-18s %s%s\n", trial->name, trial->ended ? "skipped: " : "did not end",
                   trial->skipped);
            continue;
        }
        printf("  %-18s %7zu %-12s %12zu %6zu %8zu %12zu %10.0f %8.1f%s\n", trial->name,
               trial->faults, trial->fault, f->acknowledged, f->lost,
               f->doubled + f->unsent + f->torn, f->stored_again, (double)trial->memory_kb / 1024,
               trial->seconds, trial_holds(trial) ? "" : "  FAILED");
        sum.acknowledged += f->acknowledged;
        sum.lost += f->lost;
        sum.doubled += f->doubled + f->unsent + f->torn;
    }
    printf("\n  %zu acknowledged reports checked: %zu lost, %zu doubled.\n", sum.acknowledged,
           sum.lost, sum.doubled);
    return sum;
}

static void write_result(FILE *file, const char *name, const char *what, size_t value,
                         const char *unit, long goal, bool holds, bool last)
{
    (void)fprintf(file,
                  "  {\"name\": \"%s%s%s\", \"value\": %zu, \"unit\": \"%s\", \"goal\": ", name,
                  what[0] != '\0' ? ": " : "", what, value, unit);
    if (goal < 0) {
        (void)fprintf(file, "null");
    } else {
        (void)fprintf(file, "%ld", goal);
    }
    (void)fprintf(file, ", \"holds\": %s}%s\n", holds ? "true" : "false", last ? "" : ",");
}

static bool write_json(const char *path, const struct oracle_finding *sum)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return false;
    }
    (void)fprintf(file, "[\n");
    for (size_t i = 0; i < TRIALS; i++) {
        const struct trial *trial = &trials[i];
        if (trial->wanted && trial->skipped[0] == '\0') {
            bool holds = trial_holds(trial);
            write_result(file, trial->name, trial->fault, trial->faults, "faults", -1, holds,
                         false);
            write_result(file, trial->name, "reports checked", trial->finding.acknowledged,
                         "reports", -1, holds, false);
        }
    }
    /* Whatever did not come to its judgement above does not hold. */
    write_result(file, "reports checked", "", sum->acknowledged, "reports", REPORTS_LEAST,
                 !full || sum->acknowledged >= REPORTS_LEAST, false);
    write_result(file, "reports lost", "", sum->lost, "reports", 0, sum->lost == 0, false);
    write_result(file, "reports doubled in a count", "", sum->doubled, "reports", 0,
                 sum->doubled == 0, true);
    (void)fprintf(file, "]\n");
    return fclose(file) == 0;
}

/* ---- What is asked ---- */

static bool want(const char *name)
{
    for (size_t i = 0; i < TRIALS; i++) {
        if (strcmp(trials[i].name, name) == 0) {
            trials[i].wanted = true;
            return true;
        }
    }
    (void)fprintf(stderr, "faults: there is no scenario \"%s\"\n", name);
    return false;
}

int main(int count, char **arguments)
{
    const char *json = NULL;
    bool some = false;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--full") == 0) {
            full = true;
        } else if (strcmp(arguments[i], "--json") == 0 && i + 1 < count) {
            json = arguments[++i];
        } else if (want(arguments[i])) {
            some = true;
        } else {
            return 64;
        }
    }
    struct CMUnitTest tests[TRIALS];
    size_t wanted = 0;
    for (size_t i = 0; i < TRIALS; i++) {
        trials[i].wanted = trials[i].wanted || !some;
        if (trials[i].wanted) {
            tests[wanted++] = (struct CMUnitTest){
                .name = trials[i].name, .test_func = run_trial, .initial_state = &trials[i]};
        }
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    log_set_level(LOG_LEVEL_WARNING); /* ten private clusters migrate */
    int failed = _cmocka_run_group_tests("faults", tests, wanted, NULL, NULL);
    struct oracle_finding sum = print_table();
    bool written = json == NULL || write_json(json, &sum);
    return failed > 0 || !written || (full && !some && sum.acknowledged < REPORTS_LEAST);
}
