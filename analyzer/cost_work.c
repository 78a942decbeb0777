/* Drawing the rows of the parameters and laying out the strata; see cost_work.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_work.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/parallel.h"
#include "common/random_stream.h"

/* Streams of random numbers: parameters for all customers by their name, so that a further row
 * moves no other; strata's ranges and rows of a narrower scope from here on. */
#define STRATUM_STREAMS 1000
#define SCOPED_STREAMS 100000
#define SCHEME_STREAMS 200000

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

/* ---- Drawing ---- */

static void fill(const struct range *range, uint64_t seed, uint64_t stream, double *draws)
{
    struct random_stream random = random_stream_new(seed, stream);
    for (size_t i = 0; i < COST_DRAWS; i++) {
        draws[i] = random_pert(&random, range->low, range->likely, range->high);
    }
}

static const double *draw_range(struct cost_work *work, const struct range *range, uint64_t seed,
                                uint64_t stream)
{
    double *draws = allocate_draws(work);
    if (draws != NULL) {
        fill(range, seed, stream, draws);
    }
    return draws;
}

struct ranked {
    double value;
    size_t index;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *one = a;
    const struct ranked *other = b;
    if (one->value != other->value) {
        return one->value < other->value ? -1 : 1;
    }
    return one->index < other->index ? -1 : one->index > other->index;
}

static int compare_doubles(const void *a, const void *b)
{
    const double *one = a;
    const double *other = b;
    return *one < *other ? -1 : *one > *other;
}

/* What we don't know of one region's contact rate we don't know of the next region's either: rows
 * of one name are high together and low together, so that scopes do not average the doubt away. */
static const double *draw_alike(struct cost_work *work, const struct cost_parameter *item,
                                const struct cost_row *leader, uint64_t seed)
{
    const char *texts[] = {item->name, item->scope.region, item->scope.tier,
                           item->scope.product_line};
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        for (const char *at = texts[t];; at++) {
            hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
            if (*at == '\0') {
                break;
            }
        }
    }
    const double *own = draw_range(work, &item->range, seed, SCOPED_STREAMS + (hash >> 20));
    if (!(leader->range.high > leader->range.low)) {
        return own;
    }
    double *draws = allocate_draws(work);
    struct ranked *order = cost_work_allocate(work, COST_DRAWS * sizeof *order);
    if (order == NULL) {
        return NULL;
    }
    double *sorted = malloc(COST_DRAWS * sizeof *sorted);
    work->complete = sorted != NULL;
    if (sorted == NULL) {
        return NULL;
    }
    memcpy(sorted, own, COST_DRAWS * sizeof *sorted);
    for (size_t i = 0; i < COST_DRAWS; i++) {
        order[i] = (struct ranked){leader->draws[i], i};
    }
    qsort(sorted, COST_DRAWS, sizeof *sorted, compare_doubles);
    qsort(order, COST_DRAWS, sizeof *order, compare_ranked);
    for (size_t i = 0; i < COST_DRAWS; i++) {
        draws[order[i].index] = sorted[i];
    }
    free(sorted);
    return draws;
}

/* The rows for all customers, which wait for no other. */
struct filling {
    const struct cost_row *rows;
    double *draws; /* COST_DRAWS for each */
    uint64_t seed;
    unsigned parts;
};

static void fill_part(void *context, unsigned part)
{
    const struct filling *filling = context;
    for (size_t i = part; i < COST_NAME_COUNT; i += filling->parts) {
        fill(&filling->rows[i].range, filling->seed, (uint64_t)i, filling->draws + i * COST_DRAWS);
    }
}

static void draw_leaders(struct cost_work *work, const struct cost_parameters *parameters,
                         uint64_t seed)
{
    struct filling filling = {
        .rows = work->rows,
        .draws = cost_work_allocate(work, (size_t)COST_NAME_COUNT * COST_DRAWS * sizeof(double)),
        .seed = seed,
        .parts = parallel_processors()};
    for (size_t i = 0; work->complete && i < COST_NAME_COUNT; i++) {
        const struct cost_parameter *item = &parameters->items[i];
        work->rows[i] = (struct cost_row){
            .name = item->name, .range = item->range, .draws = filling.draws + i * COST_DRAWS};
    }
    if (work->complete) {
        parallel_run(filling.parts, fill_part, &filling);
    }
}

static void draw_rows(struct cost_work *work, const struct cost_parameters *parameters,
                      uint64_t seed)
{
    size_t count = parameters->count + parameters->scheme_count;
    work->rows = cost_work_allocate(work, count * sizeof *work->rows);
    if (work->complete) {
        draw_leaders(work, parameters, seed);
    }
    for (size_t i = COST_NAME_COUNT; work->complete && i < count; i++) {
        struct cost_row *row = &work->rows[i];
        if (i >= parameters->count) {
            const struct cost_scheme *scheme = &parameters->schemes[i - parameters->count];
            *row = (struct cost_row){.name = scheme->name, .range = scheme->amount};
            row->draws = draw_range(work, &row->range, seed,
                                    SCHEME_STREAMS + (uint64_t)(i - parameters->count));
            continue;
        }
        const struct cost_parameter *item = &parameters->items[i];
        *row = (struct cost_row){.name = item->name, .range = item->range};
        size_t leader = 0;
        while (strcmp(work->rows[leader].name, item->name) != 0) {
            leader++;
        }
        row->draws = draw_alike(work, item, &work->rows[leader], seed);
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

/* Sorts them as cost_model_run wants them. The most cells of any region. */
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
        cells += plan->same_cell ? 0 : 1;
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
                       const struct cost_basis *basis, uint64_t seed)
{
    size_t count = basis->stratum_count;
    struct cost_sums *sums = &work->sums;
    double **single[] = {&sums->total,    &sums->varying, &sums->deferred,
                         &sums->at_risk,  &sums->loss,    &sums->callers,
                         &sums->contacts, &sums->phone,   &sums->written};
    work->model.parameters = parameters;
    cost_needs_make(&work->model.needs);
    draw_rows(work, parameters, seed);
    work->plans = cost_work_allocate(work, (count + 1) * sizeof *work->plans);
    work->model.regions = cost_work_allocate(work, (count + 1) * sizeof *work->model.regions);
    work->product_lines = cost_work_allocate(work, (count + 1) * sizeof *work->product_lines);
    for (size_t i = 0; work->complete && i < count; i++) {
        struct cost_plan plan = plan_of(work, parameters, basis, i, seed);
        bool shares = plan.kind == CUSTOMER_CONSUMER && basis->strata[i].customer_draws != NULL;
        add_plan(work, &plan, shares);
    }
    merge_plans(work);
    if (work->complete) {
        size_t cells = sort_plans(work->plans, work->plan_count);
        size_t merged_cells = sort_plans(work->merged, work->merged_count);
        work->model.cells_most = cells > merged_cells ? cells : merged_cells;
        work->model.room = cost_work_allocate(
            work, (work->model.cells_most + 1) * parallel_processors() * sizeof *work->model.room);
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
