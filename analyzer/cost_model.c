/* From draws of parameters and of who is affected to draws of money; see cost_model.h.
 *
 * Overtime is why there are two rounds: how many agents a desk is short of depends on the calls of
 * all strata of its region, and is then borne by each stratum by its calls.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_model.h"

#include <string.h>

#include "analyzer/parallel.h"

/* The values of the rows in one draw. Strata are gone through within a draw, since most of them
 * have the rows of the one before. */
struct draw {
    double v[COST_NAME_COUNT];
    size_t index;
};

/* fmax, but inline: it is asked several times for each draw and stratum, and never of a NAN. */
static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

static void take_rows(const struct cost_model *model, const struct cost_plan *plan,
                      struct draw *draw)
{
    for (int n = 0; !plan->rows_as_before && n < COST_NAME_COUNT; n++) {
        draw->v[n] = model->rows[plan->row[n]].draws[draw->index];
    }
}

static struct cost_struck struck_of(const struct cost_plan *plan, const struct draw *draw)
{
    const double *v = draw->v;
    size_t at = plan->draw_count == COST_DRAWS ? draw->index : draw->index % plan->draw_count;
    struct cost_struck struck = {.customers = plan->customer_share * plan->customers[at],
                                 .hosts = plan->host_share * plan->hosts[at]};
    struck.affected =
        plan->kind == CUSTOMER_CONSUMER
            ? struck.customers * v[CONTACT_RATE_CONSUMER]
            : struck.customers * v[CONTACT_RATE_CORPORATE] + struck.hosts * v[CONTACT_RATE_HOST];
    double others = larger(plan->customers_all - struck.customers, 0) * v[BYSTANDER_RATE];
    struck.callers = struck.affected + others;
    struck.contacts = struck.callers * v[REPEAT_CONTACTS];
    struck.written = struck.contacts * v[WRITTEN_SHARE];
    struck.phone = struck.contacts - struck.written;
    return struck;
}

/* ---- First round: the desks ---- */

static void add_calls(const struct cost_model *model, const struct cost_plan *plan,
                      const struct draw *draw, const struct cost_struck *struck)
{
    struct cost_region *region = &model->regions[plan->region];
    size_t i = draw->index;
    double per_caller = larger(draw->v[ATTEMPTS_PER_CALLER], draw->v[REPEAT_CONTACTS]);
    region->calls[i] += struck->phone;
    region->written[i] += struck->written;
    region->minutes[i] += struck->phone * draw->v[HANDLE_TIME];
    region->dialled[i] +=
        struck->callers * (1 - draw->v[WRITTEN_SHARE]) * per_caller + struck->written;
}

/* Agent-minutes beyond the roster. Where that is not known, all of them: a desk has people for its
 * ordinary calls, and these come on top. */
static double overtime_minutes(const struct cost_model *model, const struct cost_region *region,
                               size_t index)
{
    double hours = model->rows[region->rows[CONTACT_HOURS]].draws[index];
    double minutes = region->minutes[index];
    if (region->day.count == 0 || !(hours > 0)) {
        return minutes;
    }
    double handle_s = 60 * minutes / region->calls[index];
    double needed = cost_needs_agents(&model->needs, minutes / (60 * hours), handle_s);
    return cost_day_shortage(&region->day, needed).share * hours * 60;
}

/* The extra pay, per call. */
static void price_overtime(const struct cost_model *model, struct cost_region *region, size_t index)
{
    const struct cost_row *rows = model->rows;
    region->overtime[index] = 0;
    if (region->calls[index] > 0) {
        region->overtime[index] = overtime_minutes(model, region, index) *
                                  rows[region->rows[COST_PER_MINUTE]].draws[index] *
                                  rows[region->rows[OVERTIME_PREMIUM]].draws[index] /
                                  region->calls[index];
    }
}

/* ---- Second round: the money ---- */

struct money {
    double lines[LINE_COUNT];
    double varying, deferred, at_risk, loss;
};

static void pay_schemes(const struct cost_model *model, const struct cost_plan *plan,
                        const struct draw *draw, const struct cost_struck *struck,
                        double hosts_each, struct money *money)
{
    const struct cost_parameters *parameters = model->parameters;
    double price = plan->kind == CUSTOMER_CONSUMER ? draw->v[MONTHLY_PRICE_CONSUMER]
                                                   : draw->v[MONTHLY_PRICE_HOST] * hosts_each;
    for (size_t i = 0; i < parameters->scheme_count; i++) {
        const struct cost_scheme *scheme = &parameters->schemes[i];
        if ((plan->schemes >> i & 1) == 0) {
            continue;
        }
        double amount = model->rows[parameters->count + i].draws[draw->index];
        bool all = scheme->recipients == RECIPIENTS_ELIGIBLE;
        double given =
            amount * (all ? larger(plan->customers_all, struck->customers) : struck->customers);
        given *= scheme->recipients == RECIPIENTS_CLAIMING ? draw->v[CLAIM_RATE] : 1;
        given *= scheme->form == FORM_FIXED ? 1 : price;
        if (scheme->form == FORM_FREE_MONTHS) {
            money->deferred += given;
        } else {
            money->lines[LINE_COMPENSATION] += given;
            money->varying += all ? 0 : given;
        }
    }
}

static struct money price_draw(const struct cost_model *model, const struct cost_plan *plan,
                               const struct draw *draw, const struct cost_struck *struck)
{
    const double *v = draw->v;
    bool corporate = plan->kind == CUSTOMER_CORPORATE;
    double all = larger(plan->customers_all, struck->customers);
    double each = struck->customers > 0 ? struck->hosts / struck->customers : 0;
    each = larger(each, plan->customers_all > 0 ? plan->hosts_all / plan->customers_all : 0);
    struct money money = {.varying = 0};
    double *lines = money.lines;
    lines[LINE_CALLS] = struck->phone * v[HANDLE_TIME] * v[COST_PER_MINUTE];
    lines[LINE_WRITTEN] = struck->written * v[WRITTEN_TIME] * v[COST_PER_MINUTE];
    lines[LINE_OVERTIME] = struck->phone * model->regions[plan->region].overtime[draw->index];
    lines[LINE_PARTNERS] = struck->contacts * v[PARTNER_SHARE] * v[PARTNER_CONTACT_COST];
    if (struck->callers > 0) {
        money.varying =
            struck->affected / struck->callers *
            (lines[LINE_CALLS] + lines[LINE_WRITTEN] + lines[LINE_OVERTIME] + lines[LINE_PARTNERS]);
    }
    if (corporate) {
        lines[LINE_REPAIRS] =
            struck->hosts * v[REMEDIATION_RATE] * v[REMEDIATION_TIME] * v[COST_PER_MINUTE];
        lines[LINE_VISITS] = struck->hosts * v[VISIT_RATE] * v[VISIT_COST];
    } else {
        lines[LINE_CLAIMS] = struck->customers * v[CLAIM_RATE] * v[REIMBURSEMENT];
    }
    money.varying += lines[LINE_REPAIRS] + lines[LINE_VISITS] + lines[LINE_CLAIMS];
    lines[LINE_NOTICES] = all * v[NOTICE_COST];
    pay_schemes(model, plan, draw, struck, each, &money);
    double yearly = 12 * (corporate ? v[MONTHLY_PRICE_HOST] * each : v[MONTHLY_PRICE_CONSUMER]);
    money.at_risk = struck->customers * v[CHURN_RATE] * yearly;
    money.loss =
        struck->hosts * v[DOWN_HOURS] * v[corporate ? HOST_HOUR_CORPORATE : HOST_HOUR_CONSUMER];
    return money;
}

static double total_of(const struct money *money)
{
    double total = 0;
    for (int line = 0; line < LINE_COUNT; line++) {
        total += money->lines[line];
    }
    return total;
}

/* What one draw comes to over all strata: summed here and written once, since a draw in memory is
 * as many places far apart as there are sums. */
struct tally {
    struct money money;
    struct cost_struck struck;
};

static void add_plan(const struct money *money, const struct cost_struck *struck,
                     struct tally *tally)
{
    for (int line = 0; line < LINE_COUNT; line++) {
        tally->money.lines[line] += money->lines[line];
    }
    tally->money.varying += money->varying;
    tally->money.deferred += money->deferred;
    tally->money.at_risk += money->at_risk;
    tally->money.loss += money->loss;
    tally->struck.callers += struck->callers;
    tally->struck.contacts += struck->contacts;
    tally->struck.phone += struck->phone;
    tally->struck.written += struck->written;
}

static void write_tally(const struct tally *tally, size_t i, const struct cost_sums *sums)
{
    sums->total[i] += total_of(&tally->money);
    if (sums->lines[0] == NULL) {
        return;
    }
    for (int line = 0; line < LINE_COUNT; line++) {
        sums->lines[line][i] += tally->money.lines[line];
    }
    sums->varying[i] += tally->money.varying;
    sums->deferred[i] += tally->money.deferred;
    sums->at_risk[i] += tally->money.at_risk;
    sums->loss[i] += tally->money.loss;
    sums->callers[i] += tally->struck.callers;
    sums->contacts[i] += tally->struck.contacts;
    sums->phone[i] += tally->struck.phone;
    sums->written[i] += tally->struck.written;
}

/* ---- All draws ---- */

/* Draws have nothing to do with each other, so each processor takes a stretch of them. */
struct run {
    const struct cost_model *model;
    const struct cost_plan *plans;
    size_t plan_count, draws;
    const struct cost_sums *sums;
    unsigned parts;
};

/* Draws times strata under which a thread is not worth starting: some 50 microseconds' work. */
#define ALONE 2000

/* Callers of all strata, then what their desks take beyond the roster, then the money. */
static void run_draw(const struct run *run, size_t index, struct cost_struck *struck)
{
    const struct cost_model *model = run->model;
    struct draw draw = {.index = index};
    struct tally tally = {.money = {.varying = 0}};
    for (size_t r = 0; r < model->region_count; r++) {
        struct cost_region *region = &model->regions[r];
        region->calls[index] = region->minutes[index] = 0;
        region->written[index] = region->dialled[index] = 0;
    }
    for (size_t p = 0; p < run->plan_count; p++) {
        take_rows(model, &run->plans[p], &draw);
        struck[p] = struck_of(&run->plans[p], &draw);
        add_calls(model, &run->plans[p], &draw, &struck[p]);
    }
    for (size_t r = 0; r < model->region_count; r++) {
        price_overtime(model, &model->regions[r], index);
    }
    for (size_t p = 0; p < run->plan_count; p++) {
        const struct cost_plan *plan = &run->plans[p];
        take_rows(model, plan, &draw);
        struct money money = price_draw(model, plan, &draw, &struck[p]);
        add_plan(&money, &struck[p], &tally);
        if (run->sums->lines[0] != NULL) {
            double total = total_of(&money);
            run->sums->regions[plan->region][index] += total;
            run->sums->product_lines[plan->product_line][index] += total;
        }
    }
    write_tally(&tally, index, run->sums);
}

static void run_part(void *context, unsigned part)
{
    const struct run *run = context;
    struct cost_struck *struck = &run->model->struck[part * run->plan_count];
    size_t end = run->draws * (part + 1) / run->parts;
    for (size_t i = run->draws * part / run->parts; i < end; i++) {
        run_draw(run, i, struck);
    }
}

void cost_model_run(const struct cost_model *model, const struct cost_plan *plans, size_t count,
                    size_t draws, const struct cost_sums *sums)
{
    struct run run = {.model = model,
                      .plans = plans,
                      .plan_count = count,
                      .draws = draws,
                      .sums = sums,
                      .parts = draws * count > ALONE ? parallel_processors() : 1};
    parallel_run(run.parts, run_part, &run);
}
