/* Figures from the Monte Carlo of the support cost; see cost.h.
 *
 * All draws of all parameters are made first and kept, so that what a parameter is worth is found
 * by setting it alone and leaving every other draw as it was: the difference is the parameter's,
 * not the noise of another sample.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/cost_draws.h"
#include "analyzer/cost_work.h"

/* Waits and redials take a search per shift, and their percentiles need no third digit. */
#define QUEUE_DRAWS 500

/* ---- Figures ---- */

/* Moves those below the pivot to the front and answers where the others begin. It always exchanges
 * and never jumps: which way a draw goes cannot be foretold, and to guess wrong half of the time
 * takes three times as long. */
static size_t move_below(double *draws, size_t first, size_t end, double pivot)
{
    size_t others = first;
    for (size_t i = first; i < end; i++) {
        double draw = draws[i];
        draws[i] = draws[others];
        draws[others] = draw;
        others += draw < pivot;
    }
    return others;
}

/* Likewise those not above it. */
static size_t move_not_above(double *draws, size_t first, size_t end, double pivot)
{
    size_t others = first;
    for (size_t i = first; i < end; i++) {
        double draw = draws[i];
        draws[i] = draws[others];
        draws[others] = draw;
        others += draw <= pivot;
    }
    return others;
}

/* Puts the draw that is `wanted`th in order of size there, smaller ones before it and larger ones
 * behind it, between `first` and `end`. Hoare's selection (1961): a sort for each of the drivers'
 * medians would take half of the whole estimate's time. */
static double select_draw(double *draws, size_t first, size_t end, size_t wanted)
{
    for (;;) {
        double pivot = draws[first + (end - first) / 2];
        size_t same = move_below(draws, first, end, pivot);
        if (wanted < same) {
            end = same;
            continue;
        }
        size_t above = move_not_above(draws, same, end, pivot);
        if (wanted < above) {
            return pivot;
        }
        first = above;
    }
}

/* Nearest rank: the smallest draw that at least this share of the draws is at or below. */
static size_t rank_of(size_t count, double share)
{
    return (size_t)ceil(share * (double)count) - 1;
}

/* Moves the draws about. */
static double percentile(double *draws, size_t count, double share)
{
    return select_draw(draws, 0, count, rank_of(count, share));
}

/* Moves the draws about. */
static struct cost_figure figure_of(double *draws, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += draws[i];
    }
    size_t middle = rank_of(count, 0.50);
    struct cost_figure figure = {.p50 = select_draw(draws, 0, count, middle),
                                 .mean = sum / (double)count};
    figure.p10 = select_draw(draws, 0, middle + 1, rank_of(count, 0.10));
    figure.p90 = select_draw(draws, middle, count, rank_of(count, 0.90));
    return figure;
}

static struct cost_figure no_figure(void)
{
    return (struct cost_figure){.p10 = NAN, .p50 = NAN, .p90 = NAN, .mean = NAN};
}

/* ---- The tornado ---- */

static double median_with(struct cost_work *work, double *total)
{
    struct cost_sums sums = {.total = total};
    memset(total, 0, TORNADO_DRAWS * sizeof *total);
    cost_model_run(&work->model, work->merged, work->merged_count, TORNADO_DRAWS, &sums);
    return percentile(total, TORNADO_DRAWS, 0.5);
}

/* The median with every row of the name at one end of its range. */
static double median_at(struct cost_work *work, size_t row_count, const char *name, bool high,
                        double *held, double *total)
{
    const double *kept[COST_PARAMETER_LIMIT + COST_SCHEME_LIMIT];
    size_t used = 0;
    for (size_t r = 0; r < row_count; r++) {
        struct cost_row *row = &work->rows[r];
        kept[r] = row->draws;
        if (strcmp(row->name, name) == 0) {
            double *ends = held + TORNADO_DRAWS * used++;
            for (size_t i = 0; i < TORNADO_DRAWS; i++) {
                ends[i] = high ? row->range.high : row->range.low;
            }
            row->draws = ends;
        }
    }
    double median = median_with(work, total);
    for (size_t r = 0; r < row_count; r++) {
        work->rows[r].draws = kept[r];
    }
    return median;
}

static int compare_drivers(const void *a, const void *b)
{
    const struct cost_driver *one = a;
    const struct cost_driver *other = b;
    if (fabs(one->swing) != fabs(other->swing)) {
        return fabs(one->swing) > fabs(other->swing) ? -1 : 1;
    }
    return strcmp(one->parameter, other->parameter);
}

/* Those that bear on what stands beside the cost, never on the cost itself. */
static bool is_beside(size_t name)
{
    return name == ATTEMPTS_PER_CALLER || name == REDIAL_SHARE || name == PATIENCE ||
           name == CHURN_RATE || name == DOWN_HOURS || name == HOST_HOUR_CONSUMER ||
           name == HOST_HOUR_CORPORATE;
}

/* Costs that are the same but for the order of additions. */
static bool matters(const struct cost_driver *driver)
{
    double size = fmax(fabs(driver->at_low), fabs(driver->at_high));
    return fabs(driver->swing) > 1e-9 * size;
}

static bool find_drivers(struct cost_work *work, const struct cost_parameters *parameters,
                         struct arena *arena, struct cost_estimate *estimate)
{
    size_t row_count = parameters->count + parameters->scheme_count;
    double *total = cost_work_allocate(work, TORNADO_DRAWS * sizeof *total);
    double *held = cost_work_allocate(work, row_count * TORNADO_DRAWS * sizeof *held);
    struct cost_driver *drivers =
        arena_allocate(arena, (COST_NAME_COUNT + COST_SCHEME_LIMIT) * sizeof *drivers);
    size_t count = 0;
    if (!work->complete || drivers == NULL) {
        return false;
    }
    for (size_t r = 0; r < row_count; r++) {
        const char *name = work->rows[r].name;
        bool narrower = r >= COST_NAME_COUNT && r < parameters->count; /* moved with its name */
        if (narrower || (r < COST_NAME_COUNT && is_beside(r))) {
            continue;
        }
        struct cost_driver driver = {.parameter = name};
        driver.at_low = median_at(work, row_count, name, false, held, total);
        driver.at_high = median_at(work, row_count, name, true, held, total);
        driver.swing = driver.at_high - driver.at_low;
        if (matters(&driver)) {
            drivers[count++] = driver;
        }
    }
    qsort(drivers, count, sizeof *drivers, compare_drivers);
    for (size_t i = 0; i < count && i < 3; i++) {
        estimate->drivers[i] = drivers[i];
    }
    estimate->tornado = drivers;
    estimate->tornado_count = count;
    return true;
}

/* ---- The desks ---- */

struct queue_draws {
    double needed[COST_DRAWS], missing[COST_DRAWS], hours[COST_DRAWS], overtime[COST_DRAWS];
    double wait_s[QUEUE_DRAWS], abandoned[QUEUE_DRAWS];
};

/* Attempts are added to `attempts`: all draws where the staffing is not known, else the first
 * QUEUE_DRAWS. */
static struct cost_queue queue_of(const struct cost_work *work, const struct cost_region *region,
                                  struct queue_draws *draws, double *attempts)
{
    const struct cost_row *rows = work->rows;
    bool staffed = region->day.count > 0;
    for (size_t i = 0; i < COST_DRAWS; i++) {
        double span = rows[region->rows[CONTACT_HOURS]].draws[i];
        double calls = region->calls[i];
        bool any = calls > 0 && span > 0;
        double handle_s = any ? 60 * region->minutes[i] / calls : 0;
        draws->needed[i] = any ? ceil(cost_needs_agents(work->model.needs,
                                                        region->minutes[i] / (60 * span), handle_s))
                               : 0;
        struct cost_shortage shortage = cost_day_shortage(&region->day, draws->needed[i]);
        draws->missing[i] = shortage.missing;
        draws->hours[i] = shortage.hours;
        draws->overtime[i] = shortage.share * span;
        if (!staffed) {
            attempts[i] += region->dialled[i];
        }
        if (!staffed || i >= QUEUE_DRAWS) {
            continue;
        }
        struct cost_day_service service = {.wait_s = 0};
        if (any) {
            struct cost_calls offered = {.contacts_per_hour = calls / span,
                                         .handle_s = handle_s,
                                         .patience_s = 60 * rows[region->rows[PATIENCE]].draws[i],
                                         .redial_share =
                                             fmin(rows[region->rows[REDIAL_SHARE]].draws[i], 0.99)};
            service = cost_day_serve(&region->day, &offered);
        }
        draws->wait_s[i] = service.wait_s;
        draws->abandoned[i] = service.abandoned;
        attempts[i] += calls * service.attempts + region->written[i];
    }
    struct cost_queue queue = {.region = region->name,
                               .agents_needed = figure_of(draws->needed, COST_DRAWS)};
    queue.agents_missing = staffed ? figure_of(draws->missing, COST_DRAWS) : no_figure();
    queue.short_hours = staffed ? figure_of(draws->hours, COST_DRAWS) : no_figure();
    queue.overtime_hours = staffed ? figure_of(draws->overtime, COST_DRAWS) : no_figure();
    queue.wait_s = staffed ? figure_of(draws->wait_s, QUEUE_DRAWS) : no_figure();
    queue.abandoned = staffed ? figure_of(draws->abandoned, QUEUE_DRAWS) : no_figure();
    return queue;
}

static bool find_queues(struct cost_work *work, struct arena *arena, struct cost_estimate *estimate)
{
    double *attempts = cost_work_allocate(work, COST_DRAWS * sizeof *attempts);
    struct queue_draws *draws = cost_work_allocate(work, sizeof *draws);
    struct cost_queue *queues =
        arena_allocate(arena, (work->model.region_count + 1) * sizeof *queues);
    if (!work->complete || queues == NULL) {
        return false;
    }
    size_t counted = COST_DRAWS;
    for (size_t r = 0; r < work->model.region_count; r++) {
        counted = work->model.regions[r].day.count > 0 ? QUEUE_DRAWS : counted;
        queues[r] = queue_of(work, &work->model.regions[r], draws, attempts);
    }
    estimate->queues = queues;
    estimate->queue_count = work->model.region_count;
    estimate->attempts = figure_of(attempts, counted);
    return true;
}

/* ---- The parts ---- */

static bool find_parts(struct cost_work *work, struct arena *arena, struct cost_estimate *estimate)
{
    static const char *const names[LINE_COUNT] = {
        [LINE_CALLS] = "calls",       [LINE_WRITTEN] = "mail and chat",
        [LINE_OVERTIME] = "overtime", [LINE_REPAIRS] = "repairs from afar",
        [LINE_VISITS] = "visits",     [LINE_CLAIMS] = "claims",
        [LINE_PARTNERS] = "partners", [LINE_COMPENSATION] = "compensation",
        [LINE_NOTICES] = "notices"};
    const struct cost_sums *sums = &work->sums;
    size_t region_count = work->model.region_count;
    size_t product_count = work->product_line_count;
    struct cost_part *parts =
        arena_allocate(arena, (LINE_COUNT + region_count + product_count) * sizeof *parts);
    if (parts == NULL) {
        return false;
    }
    struct cost_part *regions = parts + LINE_COUNT;
    struct cost_part *product_lines = regions + region_count;
    for (int line = 0; line < LINE_COUNT; line++) {
        parts[line] = (struct cost_part){names[line], figure_of(sums->lines[line], COST_DRAWS)};
    }
    for (size_t r = 0; r < region_count; r++) {
        regions[r] = (struct cost_part){work->model.regions[r].name,
                                        figure_of(sums->regions[r], COST_DRAWS)};
    }
    for (size_t p = 0; p < product_count; p++) {
        product_lines[p] = (struct cost_part){work->product_lines[p],
                                              figure_of(sums->product_lines[p], COST_DRAWS)};
    }
    estimate->lines = parts;
    estimate->line_count = LINE_COUNT;
    estimate->regions = regions;
    estimate->region_count = region_count;
    estimate->product_lines = product_lines;
    estimate->product_line_count = product_count;
    return true;
}

static void find_totals(const struct cost_work *work, double growth, struct cost_estimate *estimate)
{
    const struct cost_sums *sums = &work->sums;
    struct cost_figure cost = figure_of(sums->total, COST_DRAWS);
    estimate->p5 = percentile(sums->total, COST_DRAWS, 0.05);
    estimate->p95 = percentile(sums->total, COST_DRAWS, 0.95);
    estimate->p10 = cost.p10;
    estimate->p50 = cost.p50;
    estimate->p90 = cost.p90;
    estimate->mean = cost.mean;
    for (size_t i = 0; i < COST_DRAWS; i++) {
        sums->varying[i] *= growth;
    }
    estimate->further_hour = isnan(growth) ? no_figure() : figure_of(sums->varying, COST_DRAWS);
    estimate->deferred_revenue = figure_of(sums->deferred, COST_DRAWS);
    estimate->revenue_at_risk = figure_of(sums->at_risk, COST_DRAWS);
    estimate->customers_loss = figure_of(sums->loss, COST_DRAWS);
    estimate->callers = figure_of(sums->callers, COST_DRAWS);
    estimate->contacts = figure_of(sums->contacts, COST_DRAWS);
    estimate->phone = figure_of(sums->phone, COST_DRAWS);
    estimate->written = figure_of(sums->written, COST_DRAWS);
}

bool cost_estimate_drawn(const struct cost_parameters *parameters, const struct cost_draws *draws,
                         const struct cost_basis *basis, struct arena *arena,
                         struct cost_estimate *estimate, struct failure *failure)
{
    *estimate = (struct cost_estimate){.currency = COST_CURRENCY, .seed = draws->seed};
    struct cost_work *work = calloc(1, sizeof *work);
    if (work == NULL) {
        return failure_memory(failure, "estimating the cost");
    }
    work->complete = true;
    cost_work_prepare(work, parameters, draws, basis);
    bool done = work->complete;
    if (done) {
        cost_model_run(&work->model, work->plans, work->plan_count, COST_DRAWS, &work->sums);
        /* The tornado runs the model again, over the regions' calls that the queues need. */
        done = find_queues(work, arena, estimate) && find_parts(work, arena, estimate) &&
               find_drivers(work, parameters, arena, estimate);
    }
    if (done) {
        find_totals(work, basis->growth_an_hour, estimate);
    }
    arena_free(&work->arena);
    free(work);
    return done || failure_memory(failure, "estimating the cost");
}

bool cost_estimate(const struct cost_parameters *parameters, const struct cost_basis *basis,
                   uint64_t seed, struct arena *arena, struct cost_estimate *estimate,
                   struct failure *failure)
{
    struct cost_draws *draws = NULL;
    bool done = cost_draws_new(parameters, seed, NULL, &draws, failure) &&
                cost_estimate_drawn(parameters, draws, basis, arena, estimate, failure);
    cost_draws_release(draws);
    return done;
}
