/* Do impact's ranges hold the truth as often as they say? Made incidents with fixed seeds through
 * the analyzer's library, on all processors; beside them what a count of pinned hosts says. Then
 * how long an estimate takes.
 *
 *   bench_impact [--quick | growth]    --quick: a few of the incidents, and exit status 1 when a
 *                                      range holds the truth less often than chance allows;
 *                                      growth: only how long an estimate takes
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench_crew.h"
#include "tests/bench/bench_table.h"
#include "tests/bench/impact/growth.h"
#include "tests/bench/impact/incident.h"

#define INCIDENTS 1000
#define QUICK_INCIDENTS 40

static const char *const setting_names[INCIDENT_SETTINGS] = {
    "80 % of seats report", "half of the stricken lock up, half of those unheard",
    "30 % of seats report"};

static void run_incident(size_t index, void *result, const void *context)
{
    const size_t *count = context; /* of each setting */
    incident_run((enum incident_setting)(index / *count), 1 + index % *count, result);
}

/* ---- The table ---- */

/* Share of `of` inside, which is to be 0.9; what chance may do at this number is allowed below. */
static bool tell_inside(struct bench_table *table, const char *name, double inside, double of,
                        double independent)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%s, %.0f of %.0f", name, inside, of);
    bench_table_goal(table, text, inside / of, "1", BENCH_AT_LEAST, 0.87);
    return inside / of >= 0.9 - 4 * sqrt(0.09 / independent) - 0.03;
}

static double median_of(double *values, size_t count, double at)
{
    (void)bench_median(values, count);
    return values[(size_t)(at * (double)(count - 1))];
}

static void tell_errors(struct bench_table *table, const struct incident_result *results,
                        size_t count, bool judged)
{
    static const char *const names[] = {"likely affected customers",
                                        "count of customers with a pinned host",
                                        "that count scaled by coverage"};
    double *errors = calloc(count + 1, sizeof *errors);
    for (int who = 0; errors != NULL && who < 1 + INCIDENT_RIVALS; who++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            const struct incident_moment *moment = &results[i].moments[0];
            double said = who == 0 ? moment->customers : moment->rivals[who - 1];
            if (results[i].held) {
                errors[n++] = fabs(said / moment->true_customers - 1);
            }
        }
        char name[128];
        double middle = median_of(errors, n, 0.5);
        double most = errors[(size_t)(0.9 * (double)(n - 1))];
        (void)snprintf(name, sizeof name, "%s, median error", names[who]);
        if (who == 0 && judged) {
            bench_table_goal(table, name, middle, "1", BENCH_AT_MOST, 0.05);
            (void)snprintf(name, sizeof name, "%s, 90th percentile", names[who]);
            bench_table_goal(table, name, most, "1", BENCH_AT_MOST, 0.15);
        } else {
            bench_table_add(table, name, middle, "1");
            (void)snprintf(name, sizeof name, "%s, 90th percentile", names[who]);
            bench_table_add(table, name, most, "1");
        }
    }
    free(errors);
}

static bool tell_moment(struct bench_table *table, const struct incident_result *results,
                        size_t count, int at)
{
    double of = 0, hosts = 0, customers = 0, cost = 0, cells = 0, host_cells = 0;
    double customer_cells = 0, wide_cells = 0, wide_cells_inside = 0, width = 0, to_come = 0,
           error = 0;
    for (size_t i = 0; i < count; i++) {
        const struct incident_moment *moment = &results[i].moments[at];
        if (results[i].held) {
            of++;
            hosts += moment->hosts_inside;
            customers += moment->customers_inside;
            cost += moment->cost_inside;
            cells += moment->cells;
            host_cells += moment->host_cells_inside;
            customer_cells += moment->customer_cells_inside;
            wide_cells += moment->wide_cells;
            wide_cells_inside += moment->wide_cells_inside;
            width += moment->hosts_width;
            to_come += moment->to_come_inside;
            error += moment->to_come / fmax(1, moment->true_to_come);
        }
    }
    bench_table_add(table, "incidents held by then", of, "incidents");
    bool good = of > 0.9 * (double)count;
    good &= tell_inside(table, "affected hosts inside their range", hosts, of, of);
    good &= tell_inside(table, "affected customers", customers, of, of);
    good &= tell_inside(table, "hosts by region and product line", host_cells, cells, of);
    good &= tell_inside(table, "customers by region and product line", customer_cells, cells, of);
    good &= tell_inside(table, "of those, in ranges of four customers and more", wide_cells_inside,
                        wide_cells, of);
    good &= tell_inside(table, "cost", cost, of, of);
    bool ahead = tell_inside(table, "hosts that have it and may still turn", to_come, of, of);
    good &= ahead || at > 0; /* later hardly any is left to turn */
    bench_table_add(table, "of those, forecast for each that turns", error / of, "1");
    bench_table_add(table, "width of the hosts' range, of the truth", width / of, "1");
    return good;
}

int main(int argc, char **argv)
{
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    if (argc > 1 && strcmp(argv[1], "growth") == 0) {
        struct bench_table *table = bench_table_new("impact-growth");
        growth_measure(table);
        return bench_table_finish(table);
    }
    size_t count = quick ? QUICK_INCIDENTS : INCIDENTS;
    struct bench_table *table = bench_table_new(quick ? "impact-quick" : "impact");
    struct incident_result *all = bench_crew_run(table, "incidents", INCIDENT_SETTINGS * count,
                                                 sizeof *all, run_incident, &count);
    bool good = true;
    for (int setting = 0; setting < INCIDENT_SETTINGS; setting++) {
        const struct incident_result *results = &all[(size_t)setting * count];
        for (int at = 0; at < INCIDENT_MOMENTS; at++) {
            char title[128];
            (void)snprintf(title, sizeof title, "%s; %d min after the release",
                           setting_names[setting], incident_moments[at]);
            bench_table_section(table, title);
            good &= tell_moment(table, results, count, at);
            if (at == 0) {
                tell_errors(table, results, count, setting != SETTING_THIN);
            }
        }
    }
    if (!quick) {
        growth_measure(table);
    }
    bench_crew_free(all, INCIDENT_SETTINGS * count, sizeof *all);
    int status = bench_table_finish(table);
    return quick && !good ? EXIT_FAILURE : status;
}
