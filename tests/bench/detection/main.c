/* How good are the verdicts? Made rollouts with fixed seeds through the analyzer's library, on all
 * processors: harmless ones in the settings that fool simpler tests, harmful ones of known segment
 * and onset, and beside them what others do instead, at the same rate of false alarms.
 *
 *   bench_detection [--quick]    --quick: a little of it, and exit status 1 when a figure of error
 *                                (false HOLD, missed harm) is beyond its goal by more than chance
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/distribution.h"
#include "tests/bench/bench_crew.h"
#include "tests/bench/bench_table.h"
#include "tests/bench/detection/demo.h"
#include "tests/bench/detection/trial.h"

#define KINDS (MADE_SETTINGS + 5) /* the settings, then the harms */
#define DEMOS 10
#define HARM(harm) (MADE_SETTINGS + (size_t)(harm))

static const size_t full_counts[KINDS] = {2000, 2000, 2000, 2000, 2000, 2000, 2000,
                                          2000, 2000, 500,  500,  300,  100,  100};

struct run {
    struct trial *trials;
    size_t first[KINDS + 1];
};

static void run_trial(size_t index, void *result, const void *context)
{
    static struct made_rollout rollout;
    const struct run *run = context;
    size_t kind = 0;
    while (index >= run->first[kind + 1]) {
        kind++;
    }
    uint64_t seed = 100000 * (kind + 1) + (index - run->first[kind]);
    if (kind < MADE_SETTINGS) {
        made_clean(kind, seed, &rollout);
    } else {
        made_harmful((enum made_harm)(kind - MADE_SETTINGS), seed, &rollout);
    }
    trial_run(&rollout, result);
}

/* Exact binomial bounds of 95 % (Clopper and Pearson 1934). */
static double binomial_low(size_t count, size_t of)
{
    return count == 0 ? 0
                      : distribution_beta_quantile(0.025, (double)count, (double)(of - count + 1));
}

static double binomial_high(size_t count, size_t of)
{
    return count == of
               ? 1
               : distribution_beta_quantile(0.975, (double)(count + 1), (double)(of - count));
}

static bool is_held(const struct trial *trial)
{
    return trial->held_at < MADE_NEVER;
}

static size_t count_held(const struct run *run, size_t from_kind, size_t until_kind)
{
    size_t held = 0;
    for (size_t t = run->first[from_kind]; t < run->first[until_kind]; t++) {
        held += is_held(&run->trials[t]) ? 1 : 0;
    }
    return held;
}

/* False when more were held than chance allows. */
static bool tell_false_holds(const struct run *run, struct bench_table *table)
{
    bool good = true;
    char name[128];
    bench_table_section(table, "False HOLD, alpha 0.01, read every minute (share, 95 % interval)");
    for (size_t k = 0; k <= MADE_SETTINGS; k++) {
        bool all = k == MADE_SETTINGS;
        size_t of = all ? run->first[k] : run->first[k + 1] - run->first[k];
        size_t held = all ? count_held(run, 0, k) : count_held(run, k, k + 1);
        double low = binomial_low(held, of);
        (void)snprintf(name, sizeof name, "%s, %zu of %zu (%.2g to %.2g)",
                       all ? "all" : made_settings[k], held, of, low, binomial_high(held, of));
        bench_table_goal(table, name, (double)held / (double)of, "1", BENCH_AT_MOST, TRIAL_ALPHA);
        good &= low <= TRIAL_ALPHA;
    }
    return good;
}

static int by_float(const void *left, const void *right)
{
    float a = *(const float *)left;
    float b = *(const float *)right;
    return (a > b) - (a < b);
}

/* The least score that no more than `allowed` harmless rollouts pass. */
static float rival_threshold(const struct run *run, enum rival rival, size_t allowed)
{
    size_t count = run->first[MADE_SETTINGS];
    float *scores = malloc(count * sizeof *scores);
    if (scores == NULL) {
        exit(EXIT_FAILURE);
    }
    for (size_t t = 0; t < count; t++) {
        scores[t] = run->trials[t].rivals.highest[rival][MADE_MINUTES - 1];
    }
    qsort(scores, count, sizeof *scores, by_float);
    float threshold = scores[count - 1 - allowed];
    free(scores);
    return threshold;
}

static size_t count_passing(const struct run *run, enum rival rival, float threshold)
{
    size_t passing = 0;
    for (size_t t = 0; t < run->first[MADE_SETTINGS]; t++) {
        passing += run->trials[t].rivals.highest[rival][MADE_MINUTES - 1] > threshold ? 1 : 0;
    }
    return passing;
}

/* The z-score of alpha shared out among the looks. */
static float bonferroni_threshold(void)
{
    double looks = RIVAL_LOOKS;
    double low = 0;
    double high = 10;
    for (int i = 0; i < 60; i++) {
        double z = (low + high) / 2;
        bool passed = erfc(z * M_SQRT1_2) / 2 > TRIAL_ALPHA / looks;
        low = passed ? z : low;
        high = passed ? high : z;
    }
    return (float)high;
}

/* Hosts harmed before the alarm, or all when there was none. */
static double harmed_before(const struct trial *trial, double at)
{
    return trial->harmed_before[at < MADE_MINUTES ? (int)at : MADE_MINUTES];
}

/* Like Epicenter it is read at the end of the minute, with the reports that came in it. */
static double rival_alarm(const struct trial *trial, enum rival rival, float threshold)
{
    for (int m = 0; m < MADE_MINUTES; m++) {
        if (trial->rivals.highest[rival][m] > threshold) {
            return m + 2; /* of the reports sent at m + 1 */
        }
    }
    return MADE_NEVER;
}

static int by_double(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Sorts the hosts harmed; returns their median. */
static double tell_harmed(struct bench_table *table, const char *who, double *harmed, size_t count,
                          double goal)
{
    char name[160];
    qsort(harmed, count, sizeof *harmed, by_double);
    double median = bench_median(harmed, count);
    (void)snprintf(name, sizeof name, "%s, median", who);
    if (goal > 0) {
        bench_table_goal(table, name, median, "hosts", BENCH_AT_LEAST, goal);
    } else {
        bench_table_add(table, name, median, "hosts");
    }
    (void)snprintf(name, sizeof name, "%s, p90", who);
    bench_table_add(table, name, harmed[count * 9 / 10], "hosts");
    return median;
}

static void tell_rival(const struct run *run, struct bench_table *table, enum rival rival,
                       float threshold, double goal)
{
    size_t first = run->first[HARM(MADE_ALONE)];
    size_t count = run->first[HARM(MADE_ALONE) + 1] - first;
    double *harmed = calloc(count, sizeof *harmed);
    if (harmed == NULL) {
        exit(EXIT_FAILURE);
    }
    size_t alarms = 0;
    for (size_t i = 0; i < count; i++) {
        double at = rival_alarm(&run->trials[first + i], rival, threshold);
        alarms += at < MADE_NEVER ? 1 : 0;
        harmed[i] = harmed_before(&run->trials[first + i], at);
    }
    char who[128];
    (void)snprintf(who, sizeof who, "%s (wrong in %zu, finds %zu of %zu)", rival_names[rival],
                   count_passing(run, rival, threshold), alarms, count);
    (void)tell_harmed(table, who, harmed, count, goal);
    free(harmed);
}

/* Epicenter's rate of false alarms is far below alpha, and known by a handful of them; the rivals
 * have the benefit of that doubt: they may be wrong as often as it may be at most. */
static void tell_delays(const struct run *run, struct bench_table *table)
{
    size_t first = run->first[HARM(MADE_ALONE)];
    size_t count = run->first[HARM(MADE_ALONE) + 1] - first;
    size_t clean = run->first[MADE_SETTINGS];
    size_t wrong = count_held(run, 0, MADE_SETTINGS);
    double *harmed = calloc(count, sizeof *harmed);
    if (harmed == NULL) {
        exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < count; i++) {
        harmed[i] = harmed_before(&run->trials[first + i], run->trials[first + i].held_at);
    }
    char who[128];
    (void)snprintf(who, sizeof who, "Epicenter (wrong in %zu of %zu, finds %zu of %zu)", wrong,
                   clean, count_held(run, HARM(MADE_ALONE), HARM(MADE_ALONE) + 1), count);
    bench_table_section(table, "Hosts harmed before the alarm");
    double goal = tell_harmed(table, who, harmed, count, 0) + 0.5; /* fewer than each */
    free(harmed);
    size_t at_most = (size_t)(binomial_high(wrong, clean) * (double)clean);
    size_t by_alpha = (size_t)(TRIAL_ALPHA * (double)clean);
    bench_table_section(table, "… wrong as often as Epicenter is at most, by its 95 % interval");
    for (enum rival r = 0; r < RIVAL_COUNT; r++) {
        tell_rival(run, table, r, rival_threshold(run, r, at_most), goal);
    }
    bench_table_section(table, "… wrong as often as alpha allows");
    for (enum rival r = 0; r < RIVAL_COUNT; r++) {
        tell_rival(run, table, r, rival_threshold(run, r, by_alpha), goal);
    }
    bench_table_section(table, "… logrank with Bonferroni's z for its looks, whatever comes of it");
    tell_rival(run, table, RIVAL_LOGRANK, bonferroni_threshold(), 0);
}

static void tell_share(struct bench_table *table, const char *name, size_t right, size_t of,
                       double goal)
{
    bench_table_goal(table, name, of > 0 ? (double)right / (double)of : NAN, "1", BENCH_AT_LEAST,
                     goal);
}

static void tell_blame(const struct run *run, struct bench_table *table)
{
    size_t right = 0;
    size_t named = 0;
    size_t held = 0;
    size_t three = HARM(MADE_IN_THREE);
    size_t bundle = HARM(MADE_BUNDLE);
    for (size_t t = run->first[three]; t < run->first[three + 1]; t++) {
        right += is_held(&run->trials[t]) && !run->trials[t].others_held ? 1 : 0;
    }
    for (size_t t = run->first[bundle]; t < run->first[bundle + 1]; t++) {
        named += run->trials[t].others_named ? 1 : 0;
        held += is_held(&run->trials[t]) ? 1 : 0;
    }
    bench_table_section(table, "Which update");
    tell_share(table, "right update blamed, of three in flight", right,
               run->first[three + 1] - run->first[three], 0.99);
    tell_share(table, "bundle named where two always come together", named,
               run->first[bundle + 1] - run->first[bundle], 1);
    tell_share(table, "that bundle on HOLD", held, run->first[bundle + 1] - run->first[bundle], 1);
}

static void tell_segments(const struct run *run, struct bench_table *table, enum made_harm harm)
{
    double said = 0;
    double truly = 0;
    double common = 0;
    double width = 0;
    size_t held = 0;
    size_t right = 0;
    size_t dated = 0;
    size_t inside = 0;
    for (size_t t = run->first[HARM(harm)]; t < run->first[HARM(harm) + 1]; t++) {
        const struct trial *trial = &run->trials[t];
        if (!is_held(trial)) {
            continue;
        }
        held++;
        right += trial->segment_right ? 1 : 0;
        said += trial->said_hosts;
        truly += trial->true_hosts;
        common += trial->common_hosts;
        dated += trial->onset_dated ? 1 : 0;
        inside += trial->onset_inside ? 1 : 0;
        width += trial->onset_width;
    }
    tell_share(table, "segment exactly right", right, held, 0.95);
    bench_table_goal(table, "F1 on hosts", 2 * common / (said + truly), "1", BENCH_AT_LEAST, 0.98);
    tell_share(table, "onset interval of 90 % holds the first harm", inside, dated, 0.88);
    bench_table_add(table, "its width, mean", width / (double)dated, "min");
}

static void tell_ratios(const struct run *run, struct bench_table *table)
{
    size_t covered = 0;
    for (size_t t = 0; t < run->first[MADE_SETTINGS]; t++) {
        covered += run->trials[t].ratio_covered ? 1 : 0;
    }
    bench_table_section(table, "The interval of the rate ratio, at all times");
    tell_share(table, "holds 1 in harmless rollouts", covered, run->first[MADE_SETTINGS],
               1 - TRIAL_ALPHA);
    size_t threefold = HARM(MADE_THREEFOLD);
    covered = 0;
    for (size_t t = run->first[threefold]; t < run->first[threefold + 1]; t++) {
        covered += run->trials[t].ratio_covered ? 1 : 0;
    }
    tell_share(table, "holds 3 where harm is threefold", covered,
               run->first[threefold + 1] - run->first[threefold], 1 - TRIAL_ALPHA);
}

static void tell_demo(struct bench_table *table)
{
    double right = 0;
    for (uint64_t seed = 1; seed <= DEMOS; seed++) {
        bench_table_progress(table, "the demo", (size_t)seed - 1, DEMOS);
        right += demo_is_right(seed);
    }
    bench_table_section(table, "The incident of 2005, simulated anew with 20,000 hosts");
    bench_table_goal(table, "of ten seeds, update held, its segment exact, no other suspected",
                     right, "seeds", BENCH_AT_LEAST, DEMOS);
}

int main(int argc, char **argv)
{
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    struct run run = {.trials = NULL};
    struct bench_table *table = bench_table_new(quick ? "detection-quick" : "detection");
    for (size_t kind = 0; kind < KINDS; kind++) {
        run.first[kind + 1] = run.first[kind] + full_counts[kind] / (!quick                 ? 1
                                                                     : kind < MADE_SETTINGS ? 200
                                                                                            : 10);
    }
    run.trials =
        bench_crew_run(table, "rollouts", run.first[KINDS], sizeof *run.trials, run_trial, &run);
    bool good = tell_false_holds(&run, table);
    size_t alone = HARM(MADE_ALONE);
    size_t held = count_held(&run, alone, alone + 1);
    size_t harmful = run.first[alone + 1] - run.first[alone];
    bench_table_section(
        table, "Harm of three to seven times the rate, on a quarter or a third of the hosts");
    tell_share(table, "HOLD, harm minutes after installation", held, harmful, 1);
    size_t slow = HARM(MADE_OVER_HOUR);
    tell_share(table, "HOLD, harm spread over the hour", count_held(&run, slow, slow + 1),
               run.first[slow + 1] - run.first[slow], 1);
    good &= 10 * held >= 9 * harmful;
    tell_delays(&run, table);
    tell_blame(&run, table);
    bench_table_section(table, "Which hosts, since when: harm minutes after installation");
    tell_segments(&run, table, MADE_ALONE);
    bench_table_section(table, "Which hosts, since when: harm spread over the hour");
    tell_segments(&run, table, MADE_OVER_HOUR);
    tell_ratios(&run, table);
    if (!quick) {
        tell_demo(table);
    }
    bench_crew_free(run.trials, run.first[KINDS], sizeof *run.trials);
    int status = bench_table_finish(table);
    return status != EXIT_SUCCESS || (quick && !good) ? EXIT_FAILURE : EXIT_SUCCESS;
}
