/* The parameters of the cost estimate and their defaults; see cost_parameters.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_parameters.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COMPILED "2026-11-23"
#define NO_SOURCE "No public source. Set your own."

struct row {
    const char *name;
    struct range range;
    const char *unit, *source, *dated;
};

static const struct row rows[COST_NAME_COUNT] = {
    [CONTACT_RATE_CONSUMER] =
        {"contact_rate_consumer",
         {0.05, 0.15, 0.40},
         "callers per affected consumer",
         "No public source: no published incident gives a net contact rate. Set your own.",
         COMPILED},
    [CONTACT_RATE_CORPORATE] =
        {"contact_rate_corporate",
         {0.3, 0.6, 0.9},
         "callers per affected corporate customer",
         "No public source; corporate customers have a named contact and use it. Set your own.",
         COMPILED},
    [CONTACT_RATE_HOST] = {"contact_rate_host",
                           {0, 0.01, 0.10},
                           "further callers per affected corporate host",
                           "No public source: how a customer's calls grow with its share of hosts "
                           "hit. Set your own.",
                           COMPILED},
    [BYSTANDER_RATE] = {"bystander_rate",
                        {0, 0.005, 0.05},
                        "callers per customer that is not affected",
                        "No public source: news of an incident makes others call. Set your own.",
                        COMPILED},
    [REPEAT_CONTACTS] =
        {"repeat_contacts",
         {1.10, 1.43, 2.50},
         "handled contacts per caller",
         "1 / first contact resolution: 70 % on average (SQM Group); 40 % in an overload",
         COMPILED},
    [ATTEMPTS_PER_CALLER] =
        {"attempts_per_caller",
         {1.4, 2.5, 10},
         "attempts per caller, where the staffing is not known",
         "1.43 is 1 / first contact resolution (SQM Group); up to 10 redials in utility outages "
         "(Electric Energy Online)",
         COMPILED},
    [REDIAL_SHARE] = {"redial_share",
                      {0.5, 0.8, 0.95},
                      "share of lost callers that try again",
                      "No public source. Set your own.",
                      COMPILED},
    [WRITTEN_SHARE] = {"written_share",
                       {0.05, 0.2, 0.5},
                       "share of contacts by mail or chat",
                       "No public source: depends on the channels offered. Set your own.",
                       COMPILED},
    [HANDLE_TIME] = {"handle_time",
                     {8, 15, 30},
                     "minutes per handled call",
                     "Technical support 8-15 min, a walk through safe mode 20-30: practitioners' "
                     "figures, no public study. Set your own.",
                     COMPILED},
    [WRITTEN_TIME] = {"written_time",
                      {3, 8, 20},
                      "agent minutes per mail or chat",
                      "Mail and chat cost 0.7 to 0.8 of a call (ContactBabel: call USD 5.25, mail "
                      "4.42, chat 3.82); the width has no public source",
                      "2016-12-31"},
    [COST_PER_MINUTE] = {"cost_per_minute",
                         {0.4, 1.5, 4.4},
                         "USD per minute of handle time",
                         "Cost per contact USD 6 (HDI, low end), 22 (MetricNet, level 1 service "
                         "desk), 66 (with one escalation), over 15 minutes",
                         COMPILED},
    [CONTACT_HOURS] = {"contact_hours",
                       {24, 78, 240},
                       "hours over which the contacts come",
                       "370,000 attempts in 78 hours at a level rate, 4,594 an hour in the first "
                       "16 and 4,744 over all (Trend Micro, 2005); the width has no public source",
                       "2005-04-26"},
    [PATIENCE] = {"patience",
                  {1, 3, 15},
                  "minutes a caller waits before giving up",
                  "5-8 % abandon at 28 s mean wait, worldwide (IFC), so patience is some minutes; "
                  "the width has no public source",
                  COMPILED},
    [OVERTIME_PREMIUM] = {"overtime_premium",
                          {0.25, 0.35, 0.5},
                          "extra pay as a share of pay",
                          "Japan 0.25, holidays 0.35; USA 0.5: law, from practice, not looked up",
                          COMPILED},
    [REMEDIATION_RATE] = {"remediation_rate",
                          {0, 0.02, 0.20},
                          "share of affected corporate hosts we repair",
                          NO_SOURCE,
                          COMPILED},
    [REMEDIATION_TIME] = {"remediation_time",
                          {3, 20, 30},
                          "minutes per host repaired from afar",
                          "20 min by hand, 3-5 min with prepared recovery keys (Grant Thornton "
                          "Australia on the outage of 19 July 2024)",
                          "2024-07-19"},
    [VISIT_RATE] = {"visit_rate",
                    {0, 0.0005, 0.01},
                    "visits per affected corporate host",
                    NO_SOURCE,
                    COMPILED},
    [VISIT_COST] = {"visit_cost",
                    {70, 200, 600},
                    "USD per visit",
                    "Deskside about 70, field 200 and over, vendor 600 (quoted after MetricNet, "
                    "not looked up)",
                    COMPILED},
    [CLAIM_RATE] = {"claim_rate",
                    {0.02, 0.10, 0.17},
                    "claims per affected consumer",
                    "29,000 claims to 170,000 downloads (Trend Micro, 9 May to 15 June 2005) is "
                    "the highest published",
                    "2005-07-15"},
    [REIMBURSEMENT] =
        {"reimbursement",
         {0, 40, 80},
         "USD per claim",
         "Repair invoices reimbursed up to JPY 8,500, about USD 80 (Trend Micro, 2005)",
         "2005-04-28"},
    [PARTNER_SHARE] = {"partner_share",
                       {0, 0.01, 0.2},
                       "contacts partners bill to us, per contact of ours",
                       "About 3,000 calls at NEC beside 370,000 attempts at the vendor (2005); the "
                       "width has no public source",
                       "2005-04-25"},
    [PARTNER_CONTACT_COST] = {"partner_contact_cost",
                              {6, 22, 66},
                              "USD per contact a partner bills",
                              "Taken as our own cost of a contact (HDI, MetricNet)",
                              COMPILED},
    [NOTICE_COST] = {"notice_cost",
                     {0, 0.05, 0.5},
                     "USD per customer, hit or not, to tell them",
                     "No public source: advertisements were a main cost in 2005 (Trend Micro's "
                     "CFO), without a figure. Set your own.",
                     COMPILED},
    [MONTHLY_PRICE_CONSUMER] = {"monthly_price_consumer",
                                {1, 3, 6},
                                "USD a month per consumer",
                                "No public source looked up. Set your own price.",
                                COMPILED},
    [MONTHLY_PRICE_HOST] = {"monthly_price_host",
                            {1, 4, 15},
                            "USD a month per corporate host",
                            "No public source looked up. Set your own price.",
                            COMPILED},
    [CHURN_RATE] = {"churn_rate",
                    {0, 0.005, 0.05},
                    "affected customers lost",
                    "Gross retention fell by under 0.5 points (CrowdStrike, Q3 FY2025); the width "
                    "has no public source",
                    "2024-10-31"},
    [DOWN_HOURS] = {"down_hours",
                    {1, 12, 72},
                    "hours an affected host is down",
                    "89 % of hosts back the same night, 97 % after six days (July 2024)",
                    "2024-07-25"},
    [HOST_HOUR_CONSUMER] = {"host_hour_consumer",
                            {0, 2, 10},
                            "USD a consumer loses per host and hour",
                            NO_SOURCE,
                            COMPILED},
    [HOST_HOUR_CORPORATE] = {"host_hour_corporate",
                             {10, 40, 300},
                             "USD a company loses per host and hour",
                             "No public source: an office worker's hour as the likely value; hosts "
                             "that serve customers cost more. Set your own.",
                             COMPILED},
};

/* Those that are shares, and cannot be over 1. */
static bool is_share(enum cost_name name)
{
    return name == REDIAL_SHARE || name == WRITTEN_SHARE || name == REMEDIATION_RATE ||
           name == CHURN_RATE || name == CLAIM_RATE || name == BYSTANDER_RATE;
}

void cost_parameters_default(struct cost_parameters *parameters)
{
    memset(parameters, 0, sizeof *parameters);
    parameters->count = COST_NAME_COUNT;
    exchange_rates_default(&parameters->rates);
    for (size_t i = 0; i < COST_NAME_COUNT; i++) {
        struct cost_parameter *item = &parameters->items[i];
        item->range = rows[i].range;
        snprintf(item->name, sizeof item->name, "%s", rows[i].name);
        snprintf(item->unit, sizeof item->unit, "%s", rows[i].unit);
        snprintf(item->source, sizeof item->source, "%s", rows[i].source);
        snprintf(item->dated, sizeof item->dated, "%s", rows[i].dated);
    }
}

static bool check_range(const char *what, const char *name, const struct range *range,
                        struct failure *failure)
{
    if (isfinite(range->low) && isfinite(range->likely) && isfinite(range->high) &&
        range->low >= 0 && range->low <= range->likely && range->likely <= range->high) {
        return true;
    }
    return failure_set(failure, FAILURE_INVALID,
                       "%s %s: low <= likely <= high must hold, none negative, not %g, %g, %g",
                       what, name, range->low, range->likely, range->high);
}

static bool same_scope(const struct cost_scope *a, const struct cost_scope *b)
{
    return strcmp(a->region, b->region) == 0 && strcmp(a->tier, b->tier) == 0 &&
           strcmp(a->product_line, b->product_line) == 0;
}

bool cost_parameters_set(struct cost_parameters *parameters, const struct cost_parameter *parameter,
                         struct failure *failure)
{
    enum cost_name name = CONTACT_RATE_CONSUMER;
    while (name < COST_NAME_COUNT && strcmp(rows[name].name, parameter->name) != 0) {
        name++;
    }
    if (name == COST_NAME_COUNT) {
        return failure_set(failure, FAILURE_INVALID, "there is no cost parameter \"%s\"",
                           parameter->name);
    }
    if (!check_range("cost parameter", parameter->name, &parameter->range, failure)) {
        return false;
    }
    if (is_share(name) && parameter->range.high > 1) {
        return failure_set(failure, FAILURE_INVALID,
                           "cost parameter %s is a share: %g is over 1 (write 5 %% as 0.05)",
                           parameter->name, parameter->range.high);
    }
    size_t at = 0;
    while (at < parameters->count &&
           (strcmp(parameters->items[at].name, parameter->name) != 0 ||
            !same_scope(&parameters->items[at].scope, &parameter->scope))) {
        at++;
    }
    if (at == COST_PARAMETER_LIMIT) {
        return failure_set(failure, FAILURE_INVALID, "cost parameter %s: there are %d rows already",
                           parameter->name, COST_PARAMETER_LIMIT);
    }
    parameters->items[at] = *parameter;
    if (*parameter->unit == '\0') {
        snprintf(parameters->items[at].unit, sizeof parameters->items[at].unit, "%s",
                 rows[name].unit);
    }
    parameters->count += at == parameters->count;
    return true;
}

bool cost_parameters_set_scheme(struct cost_parameters *parameters,
                                const struct cost_scheme *scheme, struct failure *failure)
{
    size_t at = 0;
    while (at < parameters->scheme_count &&
           strcmp(parameters->schemes[at].name, scheme->name) != 0) {
        at++;
    }
    if (*scheme->name == '\0') {
        return failure_set(failure, FAILURE_INVALID, "a compensation needs a name");
    }
    if (!check_range("compensation", scheme->name, &scheme->amount, failure)) {
        return false;
    }
    if (at == COST_SCHEME_LIMIT) {
        return failure_set(failure, FAILURE_INVALID, "compensation %s: there are %d already",
                           scheme->name, COST_SCHEME_LIMIT);
    }
    parameters->schemes[at] = *scheme;
    parameters->scheme_count += at == parameters->scheme_count;
    return true;
}

bool cost_parameters_set_agents(struct cost_parameters *parameters, const char *region,
                                uint32_t hour, uint32_t agents, struct failure *failure)
{
    size_t at = 0;
    while (at < parameters->desk_count && strcmp(parameters->desks[at].region, region) != 0) {
        at++;
    }
    if (hour >= 24) {
        return failure_set(failure, FAILURE_INVALID, "hour %u: hours are 0 to 23", hour);
    }
    if (at == COST_DESK_LIMIT) {
        return failure_set(failure, FAILURE_INVALID, "region %s: there are %d desks already",
                           region, COST_DESK_LIMIT);
    }
    struct cost_desk *desk = &parameters->desks[at];
    if (at == parameters->desk_count) {
        memset(desk, 0, sizeof *desk);
        snprintf(desk->region, sizeof desk->region, "%s", region);
        parameters->desk_count++;
    }
    desk->agents[hour] = agents;
    return true;
}

/* ---- Which row holds where ---- */

static bool covers(const char *scope, const char *actual)
{
    return *scope == '\0' || (actual != NULL && strcmp(scope, actual) == 0);
}

bool cost_scope_covers(const struct cost_scope *scope, const char *region, const char *tier,
                       const char *product_line)
{
    return covers(scope->region, region) && covers(scope->tier, tier) &&
           covers(scope->product_line, product_line);
}

/* One for each field named, plus what breaks ties. */
static int precision(const struct cost_scope *scope)
{
    int region = *scope->region != '\0';
    int tier = *scope->tier != '\0';
    int product_line = *scope->product_line != '\0';
    return 4 * (region + tier + product_line) + 2 * region + product_line;
}

size_t cost_parameters_find(const struct cost_parameters *parameters, enum cost_name name,
                            const char *region, const char *tier, const char *product_line)
{
    size_t best = name;
    for (size_t i = COST_NAME_COUNT; i < parameters->count; i++) {
        const struct cost_parameter *item = &parameters->items[i];
        if (strcmp(item->name, rows[name].name) == 0 &&
            cost_scope_covers(&item->scope, region, tier, product_line) &&
            precision(&item->scope) > precision(&parameters->items[best].scope)) {
            best = i;
        }
    }
    return best;
}

const struct cost_desk *cost_parameters_desk(const struct cost_parameters *parameters,
                                             const char *region)
{
    for (size_t i = 0; i < parameters->desk_count; i++) {
        if (region != NULL && strcmp(parameters->desks[i].region, region) == 0) {
            return &parameters->desks[i];
        }
    }
    return NULL;
}

static bool find_word(const char *text, const char *const *words, int count, int *which)
{
    for (*which = 0; *which < count; (*which)++) {
        if (strcmp(words[*which], text) == 0) {
            return true;
        }
    }
    return false;
}

bool cost_recipients_parse(const char *text, enum cost_recipients *recipients)
{
    static const char *const words[] = {"eligible", "affected", "claiming"};
    int which;
    bool found = find_word(text, words, 3, &which);
    *recipients = found ? (enum cost_recipients)which : RECIPIENTS_ELIGIBLE;
    return found;
}

bool cost_form_parse(const char *text, enum cost_form *form)
{
    static const char *const words[] = {"free_months", "credit", "fixed"};
    int which;
    bool found = find_word(text, words, 3, &which);
    *form = found ? (enum cost_form)which : FORM_FREE_MONTHS;
    return found;
}
