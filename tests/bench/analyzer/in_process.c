/* How fast are reports taken through the stations, and what does a host weigh? The analyzer's pure
 * library, without a database.
 *
 * The hard thing is to time only what is meant: the reports of a minute are made before the clock
 * runs, taking them in is timed apart from closing the minute, and the clock is the wall's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/analysis.h"
#include "analyzer/analysis_state.h"
#include "tests/bench/analyzer/made_fleet.h"
#include "tests/bench/analyzer/parts.h"

struct run {
    struct bench_table *table;
    struct made_fleet fleet;
    struct registry *registry;
    struct cost_parameters parameters;
    struct analysis *analysis;
    struct report *reports; /* room for a minute's */
    double adding_s, closing_s;
    double closing_cpu_s; /* of all threads; other programs on the machine show less in it */
    int minute;           /* the next */
    unsigned threads;     /* 0: all */
};

static void need(bool good, const struct failure *failure)
{
    if (!good) {
        (void)fprintf(stderr, "bench: %s\n", failure->message);
        exit(EXIT_FAILURE);
    }
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double now_s(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

static void begin(struct run *run)
{
    struct failure failure;
    const struct analysis_options options = {.seed = 1, .threads = run->threads};
    made_fleet_open(&run->fleet);
    run->reports = calloc(run->fleet.hosts / MADE_INTERVAL_MINUTES + 1, sizeof *run->reports);
    if (run->reports == NULL) {
        need(failure_memory(&failure, "making reports"), &failure);
    }
    cost_parameters_default(&run->parameters);
    need(registry_new(&run->registry, &failure), &failure);
    need(analysis_new(&options, run->registry, &run->parameters, &run->analysis, &failure),
         &failure);
}

static void end(struct run *run)
{
    analysis_free(run->analysis);
    registry_free(run->registry);
    free(run->reports);
    made_fleet_close(&run->fleet);
}

/* One minute in which one host in `step` reports, from `first` on. */
static void pass_minute(struct run *run, uint32_t first, uint32_t step)
{
    struct failure failure;
    size_t count = step == 0 ? 0 : made_fleet_count(&run->fleet, first, step);
    if (count > 0) {
        made_fleet_reports(&run->fleet, run->minute, first, step, run->reports);
    }
    double started = now_s();
    for (size_t i = 0; i < count; i++) {
        need(analysis_add(run->analysis, &run->reports[i], &failure), &failure);
    }
    double added = now_s();
    double cpu_before = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    run->minute++;
    need(analysis_advance(run->analysis, MADE_STARTED_AT + run->minute * INSTANT_MINUTE, &failure),
         &failure);
    run->adding_s += added - started;
    run->closing_s += now_s() - added;
    run->closing_cpu_s += seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;
}

/* Minutes in which everybody reports in turn. */
static void pass_minutes(struct run *run, int minutes, const char *what)
{
    for (int i = 0; i < minutes; i++) {
        bench_table_progress(run->table, what, (size_t)i, (size_t)minutes);
        pass_minute(run, (uint32_t)run->minute % MADE_INTERVAL_MINUTES, MADE_INTERVAL_MINUTES);
    }
}

/* Without what is kept for the next minute's reports, here and by malloc. */
static double resident_bytes(struct analysis *analysis)
{
    if (analysis != NULL) {
        analysis_free_spare(analysis);
    }
    (void)malloc_trim(0);
    long all = 0;
    long resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%ld %ld", &all, &resident) != 2) { /* NOLINT(cert-err34-c) */
        resident = 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* What a pass of the whole fleet came to. */
struct pass {
    double reports, installs;
    double adding_s, closing_s, closing_cpu_s;
};

static struct pass pass_all(struct bench_table *table, uint32_t hosts, int reports_each,
                            unsigned threads)
{
    struct run run = {.table = table,
                      .threads = threads,
                      .fleet = {.hosts = hosts,
                                .host_share = 1,
                                .updates = 1,
                                .install_minutes = reports_each * MADE_INTERVAL_MINUTES,
                                .segments = 200}};
    begin(&run);
    pass_minutes(&run, reports_each * MADE_INTERVAL_MINUTES, "reports through the stations");
    struct pass pass = {.reports = (double)run.analysis->fleet.reports,
                        .installs = (double)run.analysis->exposure.updates[0].installed,
                        .adding_s = run.adding_s,
                        .closing_s = run.closing_s,
                        .closing_cpu_s = run.closing_cpu_s};
    end(&run);
    return pass;
}

static int compare_passes(const void *left, const void *right)
{
    const struct pass *a = left;
    const struct pass *b = right;
    return (a->closing_s > b->closing_s) - (a->closing_s < b->closing_s);
}

/* The median of so many passes: of one, a third may be the machine finding 200 megabytes. */
#define PASSES 3

static struct pass median_pass(struct bench_table *table, uint32_t hosts, int reports_each,
                               unsigned threads)
{
    struct pass passes[PASSES];
    for (size_t i = 0; i < PASSES; i++) {
        passes[i] = pass_all(table, hosts, reports_each, threads);
    }
    qsort(passes, PASSES, sizeof *passes, compare_passes);
    return passes[PASSES / 2];
}

double bench_throughput(struct bench_table *table, uint32_t hosts, int reports_each)
{
    struct pass one = median_pass(table, hosts, reports_each, 1);
    bench_table_add(table, "reports", one.reports / MILLION, "million");
    bench_table_add(table, "installs", one.installs / MILLION, "million");
    bench_table_add(table, "taking them in by function call", one.adding_s, "s");
    bench_table_add(table, "through fleet, exposure and evidence, one thread", one.closing_s, "s");
    bench_table_add(table, "… processor time a report", one.closing_cpu_s / one.reports * 1e9,
                    "ns");
    struct pass all = median_pass(table, hosts, reports_each, 0);
    bench_table_goal(table, "through fleet, exposure and evidence, all threads", all.closing_s, "s",
                     BENCH_AT_MOST, 0.45);
    bench_table_add(table, "… processor time a report", all.closing_cpu_s / all.reports * 1e9,
                    "ns");
    return all.closing_s;
}

void bench_growth(struct bench_table *table)
{
    static const uint32_t millions[] = {1, 10, 50};
    for (size_t i = 0; i < sizeof millions / sizeof *millions; i++) {
        char name[96];
        uint32_t hosts = millions[i] * MILLION;
        /* A host is 64 bytes, its id 16, its index 11 to 21; of the reports of one in five, 136
         * here and 89 waiting. */
        double wanted = hosts * 200.0;
        double free_bytes = (double)sysconf(_SC_AVPHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
        if (wanted > free_bytes) {
            (void)snprintf(name, sizeof name, "%u million hosts: not measured, memory is short",
                           millions[i]);
            bench_table_note(table, name);
            continue;
        }
        struct run run = {.table = table, .fleet = {.hosts = hosts, .updates = 1, .segments = 200}};
        run.fleet.install_minutes = MADE_INTERVAL_MINUTES;
        double before = resident_bytes(NULL);
        begin(&run);
        pass_minutes(&run, 2 * MADE_INTERVAL_MINUTES, "a fleet");
        free(run.reports);
        double apart = (double)fleet_index_bytes(&run.analysis->fleet) + hosts * 16.0;
        double weight = (resident_bytes(run.analysis) - before - apart) / hosts;
        run.reports = calloc(MILLION / MADE_INTERVAL_MINUTES + 1, sizeof *run.reports);
        if (run.reports == NULL) {
            exit(EXIT_FAILURE);
        }
        double times[3];
        uint32_t step = hosts / MILLION * MADE_INTERVAL_MINUTES;
        for (int round = 0; round < 3; round++) {
            double earlier = run.closing_s;
            pass_minute(&run, (uint32_t)run.minute % MADE_INTERVAL_MINUTES, step);
            times[round] = (run.closing_s - earlier) * 1e3;
        }
        (void)snprintf(name, sizeof name, "%u million hosts: a minute with 200,000 reports",
                       millions[i]);
        bench_table_add(table, name, bench_median(times, 3), "ms");
        (void)snprintf(name, sizeof name, "%u million hosts: a host beyond its id and index",
                       millions[i]);
        bench_table_goal(table, name, weight, "bytes", BENCH_AT_MOST, 64);
        end(&run);
    }
}

/* The whole fleet has come at once, and so comes due at once to be found longer healthy (15, 30 and
 * 60 minutes after the second report) and to be looked after for silence (every 15 minutes). The
 * five minutes from here on have none of either: what is left in them is the verdict. */
#define SETTLING_MINUTES 25

void bench_verdict_minute(struct bench_table *table, uint32_t hosts)
{
    struct run run = {.table = table,
                      .fleet = {.hosts = hosts,
                                .host_share = 10,
                                .updates = 50,
                                .install_minutes = SETTLING_MINUTES,
                                .segments = 2000}};
    begin(&run);
    pass_minutes(&run, SETTLING_MINUTES, "a fleet with 50 updates");
    double times[5];
    for (int i = 0; i < 5; i++) {
        double earlier = run.closing_s;
        pass_minute(&run, (uint32_t)run.minute % MADE_INTERVAL_MINUTES, 997);
        times[i] = (run.closing_s - earlier) * 1e3;
    }
    struct failure failure;
    const struct answers *answers;
    double started = now_s();
    need(analysis_answers(run.analysis, &answers, &failure), &failure);
    double answering_ms = (now_s() - started) * 1e3;
    bench_table_goal(table, "a minute's verdict", bench_median(times, 5), "ms", BENCH_AT_MOST, 50);
    bench_table_note(table,
                     "Of 50 updates 31 are followed at a time; the others wait for a place.");
    bench_table_add(table, "cells (alike hosts) counted apart in it",
                    run.analysis->exposure.cell_count, "1");
    bench_table_add(table, "answers in full, when somebody reads them", answering_ms, "ms");
    end(&run);
}
