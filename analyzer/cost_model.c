/* From draws of parameters and of who is affected to draws of money; see cost_model.h.
 *
 * Money is a straight line in a few amounts: so much a caller, so much a host, so much a customer.
 * So strata on the same terms are counted together first, and priced once.
 *
 * Overtime is why there are two rounds: how many agents a desk is short of depends on the calls of
 * all strata of its region, and is then borne by each stratum by its calls.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_model.h"

#include <stddef.h>
#include <string.h>

#include "analyzer/cost_stretch.h"
#include "analyzer/parallel.h"

/* fmax, but inline: it is asked several times for each draw and stratum, and never of a NAN. */
static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

/* The values of a row in the draws from `first` on. */
static const double *row_of(const struct cost_model *model, const size_t *row, enum cost_name name,
                            size_t first)
{
    return model->rows[row[name]].draws + first;
}

/* ---- Stretches of draws ---- */

static void clear_added(struct cost_amounts *amounts)
{
    memset(amounts, 0, offsetof(struct cost_amounts, of[AMOUNT_ADDED_COUNT]));
}

/* Consumers have no seats. */
static void add_amounts(const struct cost_amounts *amounts, enum customer_kind kind,
                        struct cost_amounts *sum)
{
    int end = kind == CUSTOMER_CORPORATE ? AMOUNT_ADDED_COUNT : AMOUNT_SEATS;
    for (int amount = 0; amount < end; amount++) {
        cost_stretch_add(amounts->of[amount], sum->of[amount]);
    }
}

/* ---- First round: who, and the desks ---- */

/* Of draws that are taken round and round. `room` is for a stretch that goes over their end. */
static const double *stretch_of(const double *draws, size_t count, size_t first,
                                double room[COST_STRETCH])
{
    size_t begin = first % count;
    if (begin + COST_STRETCH <= count) {
        return draws + begin;
    }
    for (size_t i = 0; i < COST_STRETCH; i++) {
        room[i] = draws[(begin + i) % count];
    }
    return room;
}

static bool pays_eligible_seats(const struct cost_model *model, const struct cost_plan *plan)
{
    const struct cost_parameters *parameters = model->parameters;
    bool pays = false;
    for (size_t i = 0; plan->kind == CUSTOMER_CORPORATE && i < parameters->scheme_count; i++) {
        const struct cost_scheme *scheme = &parameters->schemes[i];
        pays |= (plan->schemes >> i & 1) != 0 && scheme->recipients == RECIPIENTS_ELIGIBLE &&
                scheme->form != FORM_FIXED;
    }
    return pays;
}

/* A company has as many seats as the registry has on average, and no fewer than are hit. */
static void add_seats(const struct cost_plan *plan, const double *restrict customers,
                      const double *restrict hosts, bool eligible_too,
                      struct cost_amounts *restrict sum)
{
    double usual = plan->customers_all > 0 ? plan->hosts_all / plan->customers_all : 0;
    for (size_t i = 0; i < COST_STRETCH; i++) {
        double struck = plan->customer_share * customers[i];
        double seats = larger(plan->host_share * hosts[i], usual * struck);
        sum->of[AMOUNT_SEATS][i] += struck > 0 ? seats : 0;
    }
    for (size_t i = 0; eligible_too && i < COST_STRETCH; i++) {
        double struck = plan->customer_share * customers[i];
        double each = larger(struck > 0 ? plan->host_share * hosts[i] / struck : 0, usual);
        sum->of[AMOUNT_ELIGIBLE_SEATS][i] += each * larger(plan->customers_all, struck);
    }
}

static void add_plan(const struct cost_model *model, const struct cost_plan *plan, size_t first,
                     struct cost_amounts *restrict sum)
{
    double rooms[2][COST_STRETCH];
    const double *restrict customers =
        stretch_of(plan->customers, plan->draw_count, first, rooms[0]);
    const double *restrict hosts = stretch_of(plan->hosts, plan->draw_count, first, rooms[1]);
    double customer_share = plan->customer_share;
    double host_share = plan->host_share;
    double all = plan->customers_all;
    for (size_t i = 0; i < COST_STRETCH; i++) {
        double struck = customer_share * customers[i];
        sum->of[AMOUNT_CUSTOMERS][i] += struck;
        sum->of[AMOUNT_HOSTS][i] += host_share * hosts[i];
        sum->of[AMOUNT_OTHERS][i] += larger(all - struck, 0);
    }
    if (plan->kind == CUSTOMER_CORPORATE) {
        add_seats(plan, customers, hosts, pays_eligible_seats(model, plan), sum);
    }
}

static void count_callers(const struct cost_model *model, const struct cost_plan *plan,
                          size_t first, struct cost_amounts *restrict sum)
{
    bool corporate = plan->kind == CUSTOMER_CORPORATE;
    const double *restrict by_customer =
        row_of(model, plan->row, corporate ? CONTACT_RATE_CORPORATE : CONTACT_RATE_CONSUMER, first);
    const double *restrict by_host = row_of(model, plan->row, CONTACT_RATE_HOST, first);
    const double *restrict by_other = row_of(model, plan->row, BYSTANDER_RATE, first);
    double hosts_call = corporate ? 1 : 0;
    for (size_t i = 0; i < COST_STRETCH; i++) {
        double affected = sum->of[AMOUNT_CUSTOMERS][i] * by_customer[i] +
                          hosts_call * sum->of[AMOUNT_HOSTS][i] * by_host[i];
        sum->of[AMOUNT_AFFECTED_CALLERS][i] = affected;
        sum->of[AMOUNT_CALLERS][i] = affected + sum->of[AMOUNT_OTHERS][i] * by_other[i];
        sum->of[AMOUNT_ELIGIBLE][i] = sum->of[AMOUNT_CUSTOMERS][i] + sum->of[AMOUNT_OTHERS][i];
    }
}

static void add_calls(const struct cost_model *model, const struct cost_plan *plan, size_t first,
                      const double *restrict callers)
{
    struct cost_region *region = &model->regions[plan->region];
    const double *restrict repeat = row_of(model, plan->row, REPEAT_CONTACTS, first);
    const double *restrict share = row_of(model, plan->row, WRITTEN_SHARE, first);
    const double *restrict handling = row_of(model, plan->row, HANDLE_TIME, first);
    const double *restrict attempts = row_of(model, plan->row, ATTEMPTS_PER_CALLER, first);
    double *restrict calls = region->calls + first;
    double *restrict minutes = region->minutes + first;
    double *restrict written = region->written + first;
    double *restrict dialled = region->dialled + first;
    for (size_t i = 0; i < COST_STRETCH; i++) {
        double contacts = callers[i] * repeat[i];
        double in_writing = contacts * share[i];
        calls[i] += contacts - in_writing;
        written[i] += in_writing;
        minutes[i] += (contacts - in_writing) * handling[i];
        dialled[i] += callers[i] * (1 - share[i]) * larger(attempts[i], repeat[i]) + in_writing;
    }
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
    double needed = cost_needs_agents(model->needs, minutes / (60 * hours), handle_s);
    return cost_day_shortage(&region->day, needed).share * hours * 60;
}

/* The extra pay, per call. */
static void price_overtime(const struct cost_model *model, const struct cost_region *region,
                           size_t first, double overtime[COST_STRETCH])
{
    const double *a_minute = row_of(model, region->rows, COST_PER_MINUTE, first);
    const double *premium = row_of(model, region->rows, OVERTIME_PREMIUM, first);
    for (size_t i = 0; i < COST_STRETCH; i++) {
        double calls = region->calls[first + i];
        overtime[i] = calls > 0 ? overtime_minutes(model, region, first + i) * a_minute[i] *
                                      premium[i] / calls
                                : 0;
    }
}

/* ---- Second round: the money ---- */

/* What one of an amount costs: by the line it is booked on, and in all; and where there are
 * schemes, what they give for it at once and as free months. */
struct prices {
    double lines[LINE_COUNT][COST_STRETCH];
    double each[AMOUNT_COUNT][COST_STRETCH];
    double given[AMOUNT_COUNT][COST_STRETCH], put_off[AMOUNT_COUNT][COST_STRETCH];
};

/* The amount that a line is paid for. Compensation is what the schemes make it. */
static const enum cost_amount paid_for[LINE_COUNT] = {
    [LINE_CALLS] = AMOUNT_CALLERS,      [LINE_WRITTEN] = AMOUNT_CALLERS,
    [LINE_OVERTIME] = AMOUNT_CALLERS,   [LINE_REPAIRS] = AMOUNT_HOSTS,
    [LINE_VISITS] = AMOUNT_HOSTS,       [LINE_CLAIMS] = AMOUNT_CUSTOMERS,
    [LINE_COMPENSATION] = AMOUNT_COUNT, [LINE_PARTNERS] = AMOUNT_CALLERS,
    [LINE_NOTICES] = AMOUNT_ELIGIBLE};

static void price_contacts(const struct cost_model *model, const struct cost_plan *terms,
                           size_t first, const double *restrict overtime,
                           struct prices *restrict prices)
{
    const double *restrict repeat = row_of(model, terms->row, REPEAT_CONTACTS, first);
    const double *restrict share = row_of(model, terms->row, WRITTEN_SHARE, first);
    const double *restrict handling = row_of(model, terms->row, HANDLE_TIME, first);
    const double *restrict writing = row_of(model, terms->row, WRITTEN_TIME, first);
    const double *restrict a_minute = row_of(model, terms->row, COST_PER_MINUTE, first);
    const double *restrict partners = row_of(model, terms->row, PARTNER_SHARE, first);
    const double *restrict a_contact = row_of(model, terms->row, PARTNER_CONTACT_COST, first);
    for (size_t i = 0; i < COST_STRETCH; i++) {
        double written = repeat[i] * share[i];
        double phone = repeat[i] - written;
        prices->lines[LINE_CALLS][i] = phone * handling[i] * a_minute[i];
        prices->lines[LINE_WRITTEN][i] = written * writing[i] * a_minute[i];
        prices->lines[LINE_OVERTIME][i] = phone * overtime[i];
        prices->lines[LINE_PARTNERS][i] = repeat[i] * partners[i] * a_contact[i];
    }
}

static void price_schemes(const struct cost_model *model, const struct cost_plan *terms,
                          size_t first, struct prices *restrict prices)
{
    const struct cost_parameters *parameters = model->parameters;
    bool corporate = terms->kind == CUSTOMER_CORPORATE;
    const double *price =
        row_of(model, terms->row, corporate ? MONTHLY_PRICE_HOST : MONTHLY_PRICE_CONSUMER, first);
    const double *claiming = row_of(model, terms->row, CLAIM_RATE, first);
    for (size_t s = 0; s < parameters->scheme_count; s++) {
        const struct cost_scheme *scheme = &parameters->schemes[s];
        const double *amount = model->rows[parameters->count + s].draws + first;
        bool all = scheme->recipients == RECIPIENTS_ELIGIBLE;
        bool fixed = scheme->form == FORM_FIXED;
        enum cost_amount each = corporate && !fixed ? all ? AMOUNT_ELIGIBLE_SEATS : AMOUNT_SEATS
                                : all               ? AMOUNT_ELIGIBLE
                                                    : AMOUNT_CUSTOMERS;
        double *into =
            scheme->form == FORM_FREE_MONTHS ? prices->put_off[each] : prices->given[each];
        for (size_t i = 0; (terms->schemes >> s & 1) != 0 && i < COST_STRETCH; i++) {
            into[i] += amount[i] * (fixed ? 1 : price[i]) *
                       (scheme->recipients == RECIPIENTS_CLAIMING ? claiming[i] : 1);
        }
    }
}

static void price_terms(const struct cost_model *model, const struct cost_plan *terms, size_t first,
                        const double overtime[COST_STRETCH], struct prices *prices)
{
    memset(prices, 0, terms->schemes != 0 ? sizeof *prices : offsetof(struct prices, given));
    price_contacts(model, terms, first, overtime, prices);
    memcpy(prices->lines[LINE_NOTICES], row_of(model, terms->row, NOTICE_COST, first),
           sizeof prices->lines[LINE_NOTICES]);
    if (terms->kind == CUSTOMER_CORPORATE) {
        double minutes[COST_STRETCH];
        cost_stretch_multiply(row_of(model, terms->row, REMEDIATION_RATE, first),
                              row_of(model, terms->row, REMEDIATION_TIME, first), minutes);
        cost_stretch_multiply(minutes, row_of(model, terms->row, COST_PER_MINUTE, first),
                              prices->lines[LINE_REPAIRS]);
        cost_stretch_multiply(row_of(model, terms->row, VISIT_RATE, first),
                              row_of(model, terms->row, VISIT_COST, first),
                              prices->lines[LINE_VISITS]);
    } else {
        cost_stretch_multiply(row_of(model, terms->row, CLAIM_RATE, first),
                              row_of(model, terms->row, REIMBURSEMENT, first),
                              prices->lines[LINE_CLAIMS]);
    }
    for (int line = 0; line < LINE_COUNT; line++) {
        if (line != LINE_COMPENSATION) {
            cost_stretch_add(prices->lines[line], prices->each[paid_for[line]]);
        }
    }
    if (terms->schemes != 0) {
        price_schemes(model, terms, first, prices);
        for (int amount = 0; amount < AMOUNT_COUNT; amount++) {
            cost_stretch_add(prices->given[amount], prices->each[amount]);
        }
    }
}

/* Whether anything is paid for an amount on these terms. */
static bool is_paid(const struct cost_plan *terms, int amount)
{
    bool corporate = terms->kind == CUSTOMER_CORPORATE;
    switch ((enum cost_amount)amount) {
    case AMOUNT_CALLERS:
    case AMOUNT_ELIGIBLE:
        return true;
    case AMOUNT_CUSTOMERS:
        return !corporate || terms->schemes != 0;
    case AMOUNT_HOSTS:
        return corporate;
    case AMOUNT_SEATS:
    case AMOUNT_ELIGIBLE_SEATS:
        return corporate && terms->schemes != 0;
    default:
        return false;
    }
}

/* What comes beside the cost of what is affected, and what grows with it. */
static void add_beside(const struct cost_model *model, const struct cost_plan *terms, size_t first,
                       const struct cost_amounts *restrict sum,
                       const struct prices *restrict prices, const struct cost_sums *sums)
{
    bool corporate = terms->kind == CUSTOMER_CORPORATE;
    const double *restrict payers = sum->of[corporate ? AMOUNT_SEATS : AMOUNT_CUSTOMERS];
    const double *restrict price =
        row_of(model, terms->row, corporate ? MONTHLY_PRICE_HOST : MONTHLY_PRICE_CONSUMER, first);
    const double *restrict churn = row_of(model, terms->row, CHURN_RATE, first);
    const double *restrict hours = row_of(model, terms->row, DOWN_HOURS, first);
    const double *restrict an_hour =
        row_of(model, terms->row, corporate ? HOST_HOUR_CORPORATE : HOST_HOUR_CONSUMER, first);
    double *restrict at_risk = sums->at_risk + first;
    double *restrict loss = sums->loss + first;
    double *restrict varying = sums->varying + first;
    for (size_t i = 0; i < COST_STRETCH; i++) {
        at_risk[i] += payers[i] * churn[i] * 12 * price[i];
        loss[i] += sum->of[AMOUNT_HOSTS][i] * hours[i] * an_hour[i];
        varying[i] += sum->of[AMOUNT_AFFECTED_CALLERS][i] * prices->each[AMOUNT_CALLERS][i] +
                      sum->of[AMOUNT_HOSTS][i] * prices->each[AMOUNT_HOSTS][i] +
                      sum->of[AMOUNT_CUSTOMERS][i] * prices->each[AMOUNT_CUSTOMERS][i] +
                      sum->of[AMOUNT_SEATS][i] * prices->each[AMOUNT_SEATS][i];
    }
}

static void add_contacts(const struct cost_model *model, const struct cost_plan *terms,
                         size_t first, const double *restrict callers, const struct cost_sums *sums)
{
    const double *restrict repeat = row_of(model, terms->row, REPEAT_CONTACTS, first);
    const double *restrict share = row_of(model, terms->row, WRITTEN_SHARE, first);
    double *restrict all_callers = sums->callers + first;
    double *restrict all_contacts = sums->contacts + first;
    double *restrict phone = sums->phone + first;
    double *restrict written = sums->written + first;
    for (size_t i = 0; i < COST_STRETCH; i++) {
        double contacts = callers[i] * repeat[i];
        all_callers[i] += callers[i];
        all_contacts[i] += contacts;
        phone[i] += contacts - contacts * share[i];
        written[i] += contacts * share[i];
    }
}

/* All lines, of all cells of the terms. */
static void add_lines(const struct cost_plan *terms, size_t first, const struct cost_amounts *sum,
                      const struct prices *prices, const struct cost_sums *sums)
{
    for (int line = 0; line < LINE_COUNT; line++) {
        if (line != LINE_COMPENSATION) {
            cost_stretch_add_product(sum->of[paid_for[line]], prices->lines[line],
                                     sums->lines[line] + first);
        }
    }
    for (int amount = 0; terms->schemes != 0 && amount < AMOUNT_COUNT; amount++) {
        cost_stretch_add_product(sum->of[amount], prices->given[amount],
                                 sums->lines[LINE_COMPENSATION] + first);
        cost_stretch_add_product(sum->of[amount], prices->put_off[amount], sums->deferred + first);
    }
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

/* Fills in, for each of the region's terms, the sum of its cells and then a cell for each product
 * line. */
static void count_region(const struct run *run, const struct cost_plan *plans, size_t count,
                         size_t first, struct cost_amounts *amounts)
{
    struct cost_region *region = &run->model->regions[plans->region];
    double *const filled[] = {region->calls, region->minutes, region->written, region->dialled};
    for (size_t i = 0; i < sizeof filled / sizeof *filled; i++) {
        memset(filled[i] + first, 0, COST_STRETCH * sizeof(double));
    }
    struct cost_amounts *sum = NULL;
    for (size_t p = 0; p < count; p++) {
        if (sum == NULL || !plans[p].same_terms) {
            sum = amounts++;
            clear_added(sum);
        }
        if (!plans[p].same_cell) {
            clear_added(amounts);
        }
        add_plan(run->model, &plans[p], first, amounts);
        if (p + 1 == count || !plans[p + 1].same_cell) {
            add_amounts(amounts, plans[p].kind, sum);
            count_callers(run->model, &plans[p], first, amounts);
            amounts++;
        }
        if (p + 1 == count || !plans[p + 1].same_terms) {
            count_callers(run->model, &plans[p], first, sum);
            add_calls(run->model, &plans[p], first, sum->of[AMOUNT_CALLERS]);
        }
    }
}

/* Adds to the region's total. */
static void pay_cell(const struct run *run, const struct cost_plan *plan, size_t first,
                     const struct cost_amounts *cell, const struct prices *prices,
                     double region_total[COST_STRETCH])
{
    double total[COST_STRETCH] = {0};
    for (int amount = 0; amount < AMOUNT_COUNT; amount++) {
        if (is_paid(plan, amount)) {
            cost_stretch_add_product(cell->of[amount], prices->each[amount], total);
        }
    }
    cost_stretch_add(total, region_total);
    if (run->sums->lines[0] != NULL) {
        cost_stretch_add(total, run->sums->product_lines[plan->product_line] + first);
    }
}

static void pay_region(const struct run *run, const struct cost_plan *plans, size_t count,
                       size_t first, const struct cost_amounts *amounts)
{
    bool whole = run->sums->lines[0] != NULL;
    double overtime[COST_STRETCH];
    double total[COST_STRETCH] = {0};
    struct prices prices;
    price_overtime(run->model, &run->model->regions[plans->region], first, overtime);
    for (size_t p = 0; p < count; p++) {
        const struct cost_plan *plan = &plans[p];
        if (p == 0 || !plan->same_terms) {
            const struct cost_amounts *sum = amounts++;
            price_terms(run->model, plan, first, overtime, &prices);
            if (whole) {
                add_lines(plan, first, sum, &prices, run->sums);
                add_beside(run->model, plan, first, sum, &prices, run->sums);
                add_contacts(run->model, plan, first, sum->of[AMOUNT_CALLERS], run->sums);
            }
        }
        if (!plan->same_cell) {
            pay_cell(run, plan, first, amounts++, &prices, total);
        }
    }
    cost_stretch_add(total, run->sums->total + first);
    if (whole) {
        cost_stretch_add(total, run->sums->regions[plans->region] + first);
    }
}

static void run_stretch(const struct run *run, size_t first, struct cost_amounts *amounts)
{
    size_t end;
    for (size_t p = 0; p < run->plan_count; p = end) {
        for (end = p; end < run->plan_count && run->plans[end].region == run->plans[p].region;) {
            end++;
        }
        count_region(run, &run->plans[p], end - p, first, amounts);
        pay_region(run, &run->plans[p], end - p, first, amounts);
    }
}

static void run_part(void *context, unsigned part)
{
    const struct run *run = context;
    struct cost_amounts *amounts = &run->model->room[part * run->model->room_count];
    size_t stretches = run->draws / COST_STRETCH;
    size_t end = stretches * (part + 1) / run->parts;
    for (size_t i = stretches * part / run->parts; i < end; i++) {
        run_stretch(run, i * COST_STRETCH, amounts);
    }
}

/* Draws times strata under which a thread is not worth starting: some 100 microseconds' work. */
#define ALONE 20000

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
