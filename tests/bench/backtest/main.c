/* Would we have been right? Published incidents through the cost model with its default
 * parameters: what was published, our P10 to P90, inside or not, and every assumption. One set of
 * parameters serves all; none was set to please one incident.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/cost.h"
#include "common/arena.h"
#include "common/random_stream.h"
#include "tests/bench/backtest/scenario.h"
#include "tests/bench/bench_table.h"

#define FOLDER "tests/bench/backtest/"
#define SEED 1

/* Draws of what the chain from base to stricken hosts gives. */
struct run {
    double reached[COST_DRAWS], hosts[COST_DRAWS], share[COST_DRAWS], corporates[COST_DRAWS];
    double customers[GROUPS_MOST][COST_DRAWS], group_hosts[GROUPS_MOST][COST_DRAWS];
};

struct tally {
    size_t inside, all;
};

static double draw(const struct range *range, struct random_stream *random)
{
    return random_pert(random, range->low, range->likely, range->high);
}

/* One draw of one group; the exposure is the same for all groups of an incident. */
struct exposed {
    double fetched, symptom; /* shares: of hosts that got the update, of those it strikes */
};

struct reach {
    double reached, customers, hosts, base;
};

static struct reach strike(const struct scenario_group *group, const struct exposed *exposed,
                           struct random_stream *random)
{
    if (group->counted) {
        double hosts = draw(&group->affected_hosts, random);
        return (struct reach){hosts, fmin(hosts, draw(&group->affected_customers, random)), hosts,
                              hosts};
    }
    double base = draw(&group->base_customers, random);
    double each = draw(&group->hosts_per_customer, random);
    double segment = draw(&group->segment_share, random);
    double within = draw(&group->share_within, random);
    double customers = base * segment * (group->by_host ? 1 : exposed->fetched * exposed->symptom);
    double hosts =
        customers * each * within * (group->by_host ? exposed->fetched * exposed->symptom : 1);
    return (struct reach){.reached = base * each * exposed->fetched,
                          .customers = customers,
                          .hosts = hosts,
                          .base = base * each};
}

static void run_chain(const struct scenario *scenario, const struct exposure_ranges *ranges,
                      struct run *run)
{
    struct random_stream random = random_stream_new(SEED, 500000);
    memset(run, 0, sizeof *run);
    for (size_t i = 0; i < COST_DRAWS; i++) {
        double base = 0;
        double window = draw(&scenario->window_minutes, &random);
        double online = draw(&ranges->online_share, &random);
        double poll = draw(&ranges->poll_minutes, &random);
        struct exposed exposed = {.fetched = online * -expm1(-window / poll),
                                  .symptom = draw(&ranges->symptom_share, &random)};
        for (size_t g = 0; g < scenario->group_count; g++) {
            const struct scenario_group *group = &scenario->groups[g];
            struct reach reach = strike(group, &exposed, &random);
            run->customers[g][i] = reach.customers;
            run->group_hosts[g][i] = reach.hosts;
            run->reached[i] += reach.reached;
            run->hosts[i] += reach.hosts;
            run->corporates[i] += group->kind == CUSTOMER_CORPORATE ? reach.customers : 0;
            base += reach.base;
        }
        run->share[i] = run->hosts[i] / base;
    }
}

static void estimate(const struct scenario *scenario, const struct run *run, struct arena *arena,
                     struct cost_estimate *cost)
{
    static struct cost_parameters parameters;
    struct failure failure;
    struct cost_stratum strata[GROUPS_MOST];
    cost_parameters_default(&parameters);
    for (size_t i = 0; i < scenario->scheme_count; i++) {
        if (!cost_parameters_set_scheme(&parameters, &scenario->schemes[i], &failure)) {
            (void)fprintf(stderr, "backtest: %s\n", failure.message);
            exit(EXIT_FAILURE);
        }
    }
    for (size_t g = 0; g < scenario->group_count; g++) {
        const struct scenario_group *group = &scenario->groups[g];
        strata[g] = (struct cost_stratum){.region = group->region,
                                          .product_line = group->product_line,
                                          .kind = group->kind,
                                          .customer_draws = run->customers[g],
                                          .host_draws = run->group_hosts[g],
                                          .customer_share = 1,
                                          .host_share = 1,
                                          .customers_all = group->base_customers.likely,
                                          .hosts_all = group->base_customers.likely *
                                                       group->hosts_per_customer.likely};
    }
    struct cost_basis basis = {strata, scenario->group_count, COST_DRAWS, NAN};
    if (!cost_estimate(&parameters, &basis, SEED, arena, cost, &failure)) {
        (void)fprintf(stderr, "backtest: %s\n", failure.message);
        exit(EXIT_FAILURE);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    const double *one = a;
    const double *other = b;
    return *one < *other ? -1 : *one > *other;
}

static struct cost_figure figure_of(double *draws)
{
    qsort(draws, COST_DRAWS, sizeof *draws, compare_doubles);
    return (struct cost_figure){.p10 = draws[COST_DRAWS / 10 - 1],
                                .p50 = draws[COST_DRAWS / 2 - 1],
                                .p90 = draws[COST_DRAWS / 10 * 9 - 1]};
}

static struct cost_figure ours(const char *figure, const struct cost_estimate *cost,
                               struct run *run)
{
    const struct {
        const char *name;
        struct cost_figure figure;
    } known[] = {
        {"cost", {.p10 = cost->p10, .p50 = cost->p50, .p90 = cost->p90}},
        {"attempts", cost->attempts},
        {"deferred_revenue", cost->deferred_revenue},
        {"customers_loss", cost->customers_loss},
        {"reached_hosts", figure_of(run->reached)},
        {"affected_hosts", figure_of(run->hosts)},
        {"affected_share", figure_of(run->share)},
        {"affected_corporates", figure_of(run->corporates)},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, figure) == 0) {
            return known[i].figure;
        }
    }
    (void)fprintf(stderr, "backtest: there is no figure \"%s\"\n", figure);
    exit(EXIT_FAILURE);
}

/* Three digits and a unit of size. */
static void format_short(double value, char text[static 24])
{
    static const struct {
        double size;
        const char *name;
    } sizes[] = {{1e9, " bn"}, {1e6, " M"}, {1e3, " k"}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (value >= sizes[i].size) {
            (void)snprintf(text, 24, "%.3g%s", value / sizes[i].size, sizes[i].name);
            return;
        }
    }
    (void)snprintf(text, 24, "%.3g", value);
}

static void judge(struct bench_table *table, const struct published_figure *figure,
                  const struct cost_figure *range, struct tally *tally)
{
    char low[24];
    char middle[24];
    char high[24];
    char line[160];
    format_short(range->p10, low);
    format_short(range->p50, middle);
    format_short(range->p90, high);
    bool above = figure->value > range->p90;
    bool below = figure->value_high < range->p10 && !figure->at_least;
    if (figure->shown_only) {
        bench_table_add(table, figure->name, figure->value, figure->unit);
        (void)snprintf(line, sizeof line, "ours: %s – %s – %s; not a test", low, middle, high);
    } else {
        bench_table_goal(table, figure->name, below ? figure->value_high : figure->value,
                         figure->unit, below ? BENCH_AT_LEAST : BENCH_AT_MOST,
                         below ? range->p10 : range->p90);
        (void)snprintf(line, sizeof line, "ours: %s – %s – %s; %s", low, middle, high,
                       above   ? "OUTSIDE, more than our P90"
                       : below ? "OUTSIDE, less than our P10"
                               : "inside");
        tally->inside += !above && !below;
        tally->all++;
    }
    bench_table_note(table, line);
}

static void note_all(struct bench_table *table, const struct scenario *scenario, const char *key)
{
    size_t index;
    json_t *item;
    char line[320];
    json_array_foreach(json_object_get(scenario->document, key), index, item)
    {
        (void)snprintf(line, sizeof line, "%s: %s", key[0] == 'f' ? "known" : "assumed",
                       json_string_value(item));
        bench_table_note(table, line);
    }
}

static void backtest(struct bench_table *table, const char *path,
                     const struct exposure_ranges *ranges, struct tally *tally)
{
    static struct run run;
    struct scenario scenario;
    struct cost_estimate cost;
    struct arena arena = {.newest = NULL};
    scenario_load(path, &scenario);
    bench_table_section(table, scenario.title);
    note_all(table, &scenario, "facts");
    note_all(table, &scenario, "assumptions");
    run_chain(&scenario, ranges, &run);
    estimate(&scenario, &run, &arena, &cost);
    for (size_t i = 0; i < scenario.published_count; i++) {
        struct cost_figure range = ours(scenario.published[i].figure, &cost, &run);
        judge(table, &scenario.published[i], &range, tally);
    }
    arena_free(&arena);
    scenario_free(&scenario);
}

int main(void)
{
    struct exposure_ranges ranges;
    struct tally tally = {0, 0};
    glob_t files;
    char line[160];
    struct bench_table *table = bench_table_new("backtest");
    exposure_load(FOLDER "exposure.json", &ranges);
    if (glob(FOLDER "[0-9]*.json", 0, NULL, &files) != 0) {
        (void)fputs("backtest: no scenario in " FOLDER "\n", stderr);
        return EXIT_FAILURE;
    }
    bench_table_note(table, "Costs by the default parameters; reach by " FOLDER "exposure.json: "
                            "one set for all.");
    for (size_t i = 0; i < files.gl_pathc; i++) {
        backtest(table, files.gl_pathv[i], &ranges, &tally);
    }
    globfree(&files);
    bench_table_section(table, "All");
    (void)snprintf(line, sizeof line, "published figures inside our P10 to P90, of %zu", tally.all);
    bench_table_add(table, line, (double)tally.inside, "figures");
    bench_table_note(table, "P10 to P90 should hold eight of ten; those outside are left there.");
    return bench_table_finish(table);
}
