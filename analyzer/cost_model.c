/* From draws of parameters and of who is affected to draws of money; see cost_model.h.
 *
 * Overtime is why there are two rounds: how many agents a desk is short of depends on the calls of
 * all strata of its region, and is then borne by each stratum by its calls.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_model.h"

#include <math.h>
#include <string.h>

#include "analyzer/parallel.h"

/* The values of one draw in one stratum. Strata are gone through within a draw, since most of them
 * have the values of the one before. */
struct draw {
    double v[COST_NAME_COUNT];
    double customers, hosts;
    size_t index;
};

static void take(const struct cost_model *model, const struct cost_plan *plan, size_t index,
                 struct draw *draw)
{
    for (int n = 0; !plan->rows_as_before && n < COST_NAME_COUNT; n++) {
        draw->v[n] = model->rows[plan->row[n]].draws[index];
    }
    draw->customers = plan->customer_share * plan->customers[index % plan->draw_count];
    draw->hosts = plan->host_share * plan->hosts[index % plan->draw_count];
    draw->index = index;
}

struct contacts {
    double affected, callers; /* callers who are affected, and all */
    double contacts, phone, written;
};

static struct contacts contacts_of(const struct cost_plan *plan, const struct draw *draw)
{
    const double *v = draw->v;
    double affected =
        plan->kind == CUSTOMER_CONSUMER
            ? draw->customers * v[CONTACT_RATE_CONSUMER]
            : draw->customers * v[CONTACT_RATE_CORPORATE] + draw->hosts * v[CONTACT_RATE_HOST];
    double others = fmax(plan->customers_all - draw->customers, 0) * v[BYSTANDER_RATE];
    struct contacts made = {.affected = affected, .callers = affected + others};
    made.contacts = made.callers * v[REPEAT_CONTACTS];
    made.written = made.contacts * v[WRITTEN_SHARE];
    made.phone = made.contacts - made.written;
    return made;
}

/* ---- First round: the desks ---- */

static void add_calls(const struct cost_model *model, const struct cost_plan *plan,
                      const struct draw *draw)
{
    struct cost_region *region = &model->regions[plan->region];
    struct contacts made = contacts_of(plan, draw);
    size_t i = draw->index;
    double per_caller = fmax(draw->v[ATTEMPTS_PER_CALLER], draw->v[REPEAT_CONTACTS]);
    region->calls[i] += made.phone;
    region->written[i] += made.written;
    region->minutes[i] += made.phone * draw->v[HANDLE_TIME];
    region->dialled[i] += made.callers * (1 - draw->v[WRITTEN_SHARE]) * per_caller + made.written;
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
static void price_overtime(const struct cost_model *model, struct cost_region *region, size_t first,
                           size_t end)
{
    const struct cost_row *rows = model->rows;
    for (size_t i = first; i < end; i++) {
        region->overtime[i] = 0;
        if (region->calls[i] > 0) {
            region->overtime[i] = overtime_minutes(model, region, i) *
                                  rows[region->rows[COST_PER_MINUTE]].draws[i] *
                                  rows[region->rows[OVERTIME_PREMIUM]].draws[i] / region->calls[i];
        }
    }
}

/* ---- Second round: the money ---- */

struct money {
    double lines[LINE_COUNT];
    double varying, deferred, at_risk, loss;
};

static void pay_schemes(const struct cost_model *model, const struct cost_plan *plan,
                        const struct draw *draw, double hosts_each, struct money *money)
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
            amount * (all ? fmax(plan->customers_all, draw->customers) : draw->customers);
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
                               const struct draw *draw, const struct contacts *made)
{
    const double *v = draw->v;
    bool corporate = plan->kind == CUSTOMER_CORPORATE;
    double all = fmax(plan->customers_all, draw->customers);
    double each = draw->customers > 0 ? draw->hosts / draw->customers : 0;
    each = fmax(each, plan->customers_all > 0 ? plan->hosts_all / plan->customers_all : 0);
    struct money money = {.varying = 0};
    double *lines = money.lines;
    lines[LINE_CALLS] = made->phone * v[HANDLE_TIME] * v[COST_PER_MINUTE];
    lines[LINE_WRITTEN] = made->written * v[WRITTEN_TIME] * v[COST_PER_MINUTE];
    lines[LINE_OVERTIME] = made->phone * model->regions[plan->region].overtime[draw->index];
    lines[LINE_PARTNERS] = made->contacts * v[PARTNER_SHARE] * v[PARTNER_CONTACT_COST];
    if (made->callers > 0) {
        money.varying =
            made->affected / made->callers *
            (lines[LINE_CALLS] + lines[LINE_WRITTEN] + lines[LINE_OVERTIME] + lines[LINE_PARTNERS]);
    }
    if (corporate) {
        lines[LINE_REPAIRS] =
            draw->hosts * v[REMEDIATION_RATE] * v[REMEDIATION_TIME] * v[COST_PER_MINUTE];
        lines[LINE_VISITS] = draw->hosts * v[VISIT_RATE] * v[VISIT_COST];
    } else {
        lines[LINE_CLAIMS] = draw->customers * v[CLAIM_RATE] * v[REIMBURSEMENT];
    }
    money.varying += lines[LINE_REPAIRS] + lines[LINE_VISITS] + lines[LINE_CLAIMS];
    lines[LINE_NOTICES] = all * v[NOTICE_COST];
    pay_schemes(model, plan, draw, each, &money);
    double yearly = 12 * (corporate ? v[MONTHLY_PRICE_HOST] * each : v[MONTHLY_PRICE_CONSUMER]);
    money.at_risk = draw->customers * v[CHURN_RATE] * yearly;
    money.loss =
        draw->hosts * v[DOWN_HOURS] * v[corporate ? HOST_HOUR_CORPORATE : HOST_HOUR_CONSUMER];
    return money;
}

static void add_money(const struct cost_model *model, const struct cost_plan *plan,
                      const struct draw *draw, const struct cost_sums *sums)
{
    struct contacts made = contacts_of(plan, draw);
    struct money money = price_draw(model, plan, draw, &made);
    size_t i = draw->index;
    double total = 0;
    for (int line = 0; line < LINE_COUNT; line++) {
        total += money.lines[line];
    }
    sums->total[i] += total;
    if (sums->lines[0] == NULL) {
        return;
    }
    for (int line = 0; line < LINE_COUNT; line++) {
        sums->lines[line][i] += money.lines[line];
    }
    sums->regions[plan->region][i] += total;
    sums->product_lines[plan->product_line][i] += total;
    sums->varying[i] += money.varying;
    sums->deferred[i] += money.deferred;
    sums->at_risk[i] += money.at_risk;
    sums->loss[i] += money.loss;
    sums->callers[i] += made.callers;
    sums->contacts[i] += made.contacts;
    sums->phone[i] += made.phone;
    sums->written[i] += made.written;
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

static void run_part(void *context, unsigned part)
{
    const struct run *run = context;
    const struct cost_model *model = run->model;
    size_t first = run->draws * part / run->parts;
    size_t end = run->draws * (part + 1) / run->parts;
    for (size_t r = 0; r < model->region_count; r++) {
        double *const sums[] = {model->regions[r].calls, model->regions[r].minutes,
                                model->regions[r].written, model->regions[r].dialled};
        for (size_t s = 0; s < sizeof sums / sizeof *sums; s++) {
            memset(sums[s] + first, 0, (end - first) * sizeof **sums);
        }
    }
    struct draw draw = {.index = 0};
    for (size_t i = first; i < end; i++) {
        for (size_t p = 0; p < run->plan_count; p++) {
            take(model, &run->plans[p], i, &draw);
            add_calls(model, &run->plans[p], &draw);
        }
    }
    for (size_t r = 0; r < model->region_count; r++) {
        price_overtime(model, &model->regions[r], first, end);
    }
    for (size_t i = first; i < end; i++) {
        for (size_t p = 0; p < run->plan_count; p++) {
            take(model, &run->plans[p], i, &draw);
            add_money(model, &run->plans[p], &draw, run->sums);
        }
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
