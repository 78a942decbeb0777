/* Laying out the strata with the rows that hold in them; see cost_work.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_work.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/parallel.h"

/* Streams of random numbers of the strata's ranges; those of cost_draws.c lie on either side. */
#define STRATUM_STREAMS 1000

void *cost_work_allocate(struct cost_work *work, size_t size)
{
    void *memory = work->complete ? arena_allocate(&work->arena, size) : NULL;
    work->complete = memory != NULL;
    return memory;
}

static double *allocate_draws(struct cost_work *work)
{
    return cost_work_allocate(work, COST_DRAWS * sizeof(double));
}

static const double *draw_range(struct cost_work *work, const struct range *range, uint64_t seed,
                                uint64_t stream)
{
    double *draws = allocate_draws(work);
    if (draws != NULL) {
        cost_draws_fill(range, seed, stream, draws);
    }
    return draws;
}

/* A list of the work's own, since the tornado puts other draws in. */
static void take_rows(struct cost_work *work, const struct cost_parameters *parameters,
                      const struct cost_draws *draws)
{
    work->rows = cost_work_allocate(work, draws->count * sizeof *work->rows);
    for (size_t i = 0; work->complete && i < draws->count; i++) {
        bool scheme = i >= parameters->count;
        work->rows[i] =
            (struct cost_row){.name = scheme ? parameters->schemes[i - parameters->count].name
                                             : parameters->items[i].name,
                              .range = draws->rows[i].range,
                              .draws = draws->rows[i].draws};
    }
    work->model.rows = work->rows;
}

/* ---- The strata ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static size_t find_region(struct cost_work *work, const struct cost_parameters *parameters,
                          const char *name)
{
    size_t at = 0;
    while (at < work->model.region_count && !same_text(work->model.regions[at].name, name)) {
        at++;
    }
    if (at < work->model.region_count) {
        return at;
    }
    struct cost_region *region = &work->model.regions[work->model.region_count++];
    *region = (struct cost_region){.name = name,
                                   .day = cost_day_of(cost_parameters_desk(parameters, name)),
                                   .calls = allocate_draws(work),
                                   .minutes = allocate_draws(work),
                                   .dialled = allocate_draws(work),
                                   .written = allocate_draws(work)};
    for (int n = 0; n < COST_NAME_COUNT; n++) {
        region->rows[n] = cost_parameters_find(parameters, (enum cost_name)n, name, NULL, NULL);
    }
    return at;
}

static size_t find_product_line(struct cost_work *work, const char *name)
{
    size_t at = 0;
    while (at < work->product_line_count && !same_text(work->product_lines[at], name)) {
        at++;
    }
    work->product_lines[at] = name;
    work->product_line_count += at == work->product_line_count;
    return at;
}

static struct cost_plan plan_of(struct cost_work *work, const struct cost_parameters *parameters,
                                const struct cost_basis *basis, size_t index, uint64_t seed)
{
    const struct cost_stratum *stratum = &basis->strata[index];
    struct cost_plan plan = {.kind = stratum->kind,
                             .region = find_region(work, parameters, stratum->region),
                             .product_line = find_product_line(work, stratum->product_line),
                             .customers = stratum->customer_draws,
                             .hosts = stratum->host_draws,
                             .customer_share = stratum->customer_share,
                             .host_share = stratum->host_share,
                             .draw_count = basis->draw_count,
                             .customers_all = stratum->customers_all,
                             .hosts_all = stratum->hosts_all};
    for (int n = 0; n < COST_NAME_COUNT; n++) {
        plan.row[n] = cost_parameters_find(parameters, (enum cost_name)n, stratum->region,
                                           stratum->tier, stratum->product_line);
    }
    for (size_t i = 0; i < parameters->scheme_count; i++) {
        const struct cost_scheme *scheme = &parameters->schemes[i];
        bool kind = stratum->kind == CUSTOMER_CONSUMER ? scheme->consumers : scheme->corporates;
        plan.schemes |= (unsigned)(kind && cost_scope_covers(&scheme->scope, stratum->region,
                                                             stratum->tier, stratum->product_line))
                        << i;
    }
    if (plan.customers == NULL) {
        plan.customers =
            draw_range(work, &stratum->customers, seed, STRATUM_STREAMS + (uint64_t)(2 * index));
        plan.hosts =
            draw_range(work, &stratum->hosts, seed, STRATUM_STREAMS + (uint64_t)(2 * index + 1));
        plan.customer_share = plan.host_share = 1;
        plan.draw_count = COST_DRAWS;
    }
    return plan;
}

/* Regions differ only by their rows, which are compared, and by their desks. */
static bool alike(const struct cost_work *work, const struct cost_plan *a,
                  const struct cost_plan *b)
{
    bool staffed = work->model.regions[a->region].day.count > 0 ||
                   work->model.regions[b->region].day.count > 0;
    return a->kind == b->kind && (a->region == b->region || !staffed) && a->schemes == b->schemes &&
           memcmp(a->row, b->row, sizeof a->row) == 0;
}

static void add_draws(const struct cost_plan *plan, double *customers, double *hosts)
{
    for (size_t i = 0; i < TORNADO_DRAWS; i++) {
        customers[i] += plan->customer_share * plan->customers[i % plan->draw_count];
        hosts[i] += plan->host_share * plan->hosts[i % plan->draw_count];
    }
}

/* Strata that all rows treat alike, as one: the cost is a sum over them. */
static void merge_plans(struct cost_work *work)
{
    size_t most = work->plan_count + 1;
    work->merged = cost_work_allocate(work, most * sizeof *work->merged);
    double **draws = cost_work_allocate(work, 2 * most * sizeof *draws);
    for (size_t p = 0; work->complete && p < work->plan_count; p++) {
        const struct cost_plan *plan = &work->plans[p];
        size_t at = 0;
        while (at < work->merged_count && !alike(work, &work->merged[at], plan)) {
            at++;
        }
        struct cost_plan *into = &work->merged[at];
        if (at == work->merged_count) {
            draws[2 * at] = cost_work_allocate(work, TORNADO_DRAWS * sizeof(double));
            draws[2 * at + 1] = cost_work_allocate(work, TORNADO_DRAWS * sizeof(double));
            *into = *plan;
            into->customers = draws[2 * at];
            into->hosts = draws[2 * at + 1];
            into->customer_share = into->host_share = 1;
            into->draw_count = TORNADO_DRAWS;
            into->customers_all = into->hosts_all = 0;
            work->merged_count++;
        }
        if (work->complete) {
            add_draws(plan, draws[2 * at], draws[2 * at + 1]);
            into->customers_all += plan->customers_all;
            into->hosts_all += plan->hosts_all;
        }
    }
}

/* Groups of plans whose costs are reckoned together, the widest first: region, terms, product
 * line. Plans of one cell stay in the order they came in. */
static int compare_terms(const struct cost_plan *one, const struct cost_plan *other)
{
    if (one->region != other->region) {
        return one->region < other->region ? -1 : 1;
    }
    if (one->kind != other->kind) {
        return one->kind < other->kind ? -1 : 1;
    }
    if (one->schemes != other->schemes) {
        return one->schemes < other->schemes ? -1 : 1;
    }
    for (int n = 0; n < COST_NAME_COUNT; n++) {
        if (one->row[n] != other->row[n]) {
            return one->row[n] < other->row[n] ? -1 : 1;
        }
    }
    return 0;
}

static int compare_plans(const void *a, const void *b)
{
    const struct cost_plan *one = a;
    const struct cost_plan *other = b;
    int terms = compare_terms(one, other);
    if (terms != 0) {
        return terms;
    }
    if (one->product_line != other->product_line) {
        return one->product_line < other->product_line ? -1 : 1;
    }
    return one->order < other->order ? -1 : one->order > other->order;
}

/* Sorts them as cost_model_run wants them. The most terms and cells of any region. */
static size_t sort_plans(struct cost_plan *plans, size_t count)
{
    size_t most = 0;
    size_t cells = 0;
    for (size_t p = 0; p < count; p++) {
        plans[p].order = p;
    }
    qsort(plans, count, sizeof *plans, compare_plans);
    for (size_t p = 0; p < count; p++) {
        struct cost_plan *plan = &plans[p];
        const struct cost_plan *before = p > 0 ? &plans[p - 1] : NULL;
        plan->same_terms = before != NULL && compare_terms(before, plan) == 0;
        plan->same_cell = plan->same_terms && before->product_line == plan->product_line;
        cells = before != NULL && before->region == plan->region ? cells : 0;
        cells += (plan->same_terms ? 0U : 1U) + (plan->same_cell ? 0U : 1U);
        most = cells > most ? cells : most;
    }
    return most;
}

/* Adds the plan; to one of the same region and product line where all rows treat the two alike and
 * both have a share of the same draws: consumers of tiers without terms of their own are one.
 * Companies stay apart, as those of one tier have more hosts each than those of another, and what
 * is paid or lost by the customer goes by that. */
static void add_plan(struct cost_work *work, const struct cost_plan *plan, bool shares)
{
    size_t at = 0;
    while (at < work->plan_count && !(shares && alike(work, &work->plans[at], plan) &&
                                      work->plans[at].region == plan->region &&
                                      work->plans[at].product_line == plan->product_line &&
                                      work->plans[at].customers == plan->customers &&
                                      work->plans[at].hosts == plan->hosts)) {
        at++;
    }
    struct cost_plan *into = &work->plans[at];
    if (at == work->plan_count) {
        *into = *plan;
        work->plan_count++;
        return;
    }
    into->customer_share += plan->customer_share;
    into->host_share += plan->host_share;
    into->customers_all += plan->customers_all;
    into->hosts_all += plan->hosts_all;
}

void cost_work_prepare(struct cost_work *work, const struct cost_parameters *parameters,
                       const struct cost_draws *draws, const struct cost_basis *basis)
{
    size_t count = basis->stratum_count;
    struct cost_sums *sums = &work->sums;
    double **single[] = {&sums->total,    &sums->varying, &sums->deferred,
                         &sums->at_risk,  &sums->loss,    &sums->callers,
                         &sums->contacts, &sums->phone,   &sums->written};
    work->model.parameters = parameters;
    work->model.needs = &draws->needs;
    take_rows(work, parameters, draws);
    work->plans = cost_work_allocate(work, (count + 1) * sizeof *work->plans);
    work->model.regions = cost_work_allocate(work, (count + 1) * sizeof *work->model.regions);
    work->product_lines = cost_work_allocate(work, (count + 1) * sizeof *work->product_lines);
    for (size_t i = 0; work->complete && i < count; i++) {
        struct cost_plan plan = plan_of(work, parameters, basis, i, draws->seed);
        bool shares = plan.kind == CUSTOMER_CONSUMER && basis->strata[i].customer_draws != NULL;
        add_plan(work, &plan, shares);
    }
    merge_plans(work);
    if (work->complete) {
        size_t cells = sort_plans(work->plans, work->plan_count);
        size_t merged_cells = sort_plans(work->merged, work->merged_count);
        work->model.room_count = cells > merged_cells ? cells : merged_cells;
        work->model.room = cost_work_allocate(
            work, (work->model.room_count + 1) * parallel_processors() * sizeof *work->model.room);
    }
    sums->regions = cost_work_allocate(work, (count + 1) * sizeof *sums->regions);
    sums->product_lines = cost_work_allocate(work, (count + 1) * sizeof *sums->product_lines);
    for (size_t i = 0; work->complete && i < work->model.region_count; i++) {
        sums->regions[i] = allocate_draws(work);
    }
    for (size_t i = 0; work->complete && i < work->product_line_count; i++) {
        sums->product_lines[i] = allocate_draws(work);
    }
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        *single[i] = allocate_draws(work);
    }
    for (int line = 0; line < LINE_COUNT; line++) {
        sums->lines[line] = allocate_draws(work);
    }
}
