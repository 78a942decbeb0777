/* Monte Carlo of the support cost; see cost.h.
 *
 * All draws of all parameters are made first and kept, so that what a parameter is worth is found
 * by setting it alone and leaving every other draw as it was: the difference is the parameter's,
 * not the noise of another sample.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/random_stream.h"

/* At 10,000 the P90 of a PERT product moves by under 1 % from seed to seed; at twice as many by a
 * third less, for twice the time. */
#define DRAWS 10000

enum parameter {
    CONTACT_RATE_CONSUMER,
    CONTACT_RATE_CORPORATE,
    REPEAT_CONTACTS,
    HANDLE_TIME,
    COST_PER_MINUTE,
    REMEDIATION_RATE,
    REMEDIATION_TIME,
    CLAIM_RATE,
    REIMBURSEMENT,
    PARAMETER_COUNT
};

static const struct cost_parameter defaults[PARAMETER_COUNT] = {
    [CONTACT_RATE_CONSUMER] =
        {"contact_rate_consumer",
         {0.05, 0.15, 0.40},
         "contacts per affected consumer",
         "No public source: no published incident gives a net contact rate. Set your own.",
         "2026-11-23"},
    [CONTACT_RATE_CORPORATE] =
        {"contact_rate_corporate",
         {0.3, 0.6, 0.9},
         "contacts per affected corporate customer",
         "No public source; corporate customers have a named contact and use it. Set your own.",
         "2026-11-23"},
    [REPEAT_CONTACTS] =
        {"repeat_contacts",
         {1.10, 1.43, 2.50},
         "handled contacts per contacting customer",
         "1 / first contact resolution: 70 % on average (SQM Group); 40 % in an overload",
         "2026-11-23"},
    [HANDLE_TIME] = {"handle_time",
                     {8, 15, 30},
                     "minutes per handled contact",
                     "Technical support 8-15 min, a walk through safe mode 20-30: practitioners' "
                     "figures, no public study. Set your own.",
                     "2026-11-23"},
    [COST_PER_MINUTE] = {"cost_per_minute",
                         {0.4, 1.5, 4.4},
                         "USD per minute of handle time",
                         "Cost per contact USD 6 (HDI, low end), 22 (MetricNet, level 1 service "
                         "desk), 66 (with one escalation), over 15 minutes",
                         "2026-11-23"},
    [REMEDIATION_RATE] = {"remediation_rate",
                          {0, 0.02, 0.20},
                          "share of affected corporate hosts we repair",
                          "No public source. Set your own.",
                          "2026-11-23"},
    [REMEDIATION_TIME] = {"remediation_time",
                          {3, 20, 30},
                          "minutes per repaired host",
                          "20 min by hand, 3-5 min with prepared recovery keys (Grant Thornton "
                          "Australia on the outage of 19 July 2024)",
                          "2024-07-19"},
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
};

void cost_parameters_default(struct cost_parameters *parameters)
{
    *parameters = (struct cost_parameters){.count = PARAMETER_COUNT};
    memcpy(parameters->items, defaults, sizeof defaults);
}

bool cost_parameters_set(struct cost_parameters *parameters, const struct cost_parameter *parameter,
                         struct failure *failure)
{
    const struct range *range = &parameter->range;
    if (!isfinite(range->low) || !isfinite(range->high) || range->low < 0 ||
        !(range->low <= range->likely) || !(range->likely <= range->high)) {
        return failure_set(failure, FAILURE_INVALID,
                           "cost parameter %s: low <= likely <= high must hold, none negative",
                           parameter->name);
    }
    for (size_t i = 0; i < parameters->count; i++) {
        if (strcmp(parameters->items[i].name, parameter->name) == 0) {
            parameters->items[i] = *parameter;
            return true;
        }
    }
    return failure_set(failure, FAILURE_INVALID, "there is no cost parameter \"%s\"",
                       parameter->name);
}

/* ---- The draws ---- */

enum { CONSUMERS = PARAMETER_COUNT, CORPORATES, CORPORATE_HOSTS, COLUMN_COUNT };

struct draws {
    double column[COLUMN_COUNT][DRAWS];
    double cost[DRAWS];
};

static double cost_of(const double v[COLUMN_COUNT])
{
    double contacting =
        v[CONSUMERS] * v[CONTACT_RATE_CONSUMER] + v[CORPORATES] * v[CONTACT_RATE_CORPORATE];
    double handling = contacting * v[REPEAT_CONTACTS] * v[HANDLE_TIME];
    double remediation = v[CORPORATE_HOSTS] * v[REMEDIATION_RATE] * v[REMEDIATION_TIME];
    return (handling + remediation) * v[COST_PER_MINUTE] +
           v[CONSUMERS] * v[CLAIM_RATE] * v[REIMBURSEMENT];
}

/* Costs of all draws; `held` (or COLUMN_COUNT) is set to `value` in every one. */
static void find_costs(struct draws *draws, int held, double value)
{
    for (int i = 0; i < DRAWS; i++) {
        double row[COLUMN_COUNT];
        for (int c = 0; c < COLUMN_COUNT; c++) {
            row[c] = draws->column[c][i];
        }
        if (held != COLUMN_COUNT) {
            row[held] = value;
        }
        draws->cost[i] = cost_of(row);
    }
}

/* Nearest rank: the smallest draw that at least this share of the draws is at or below. Found by
 * Hoare's selection (1961), which moves draws about: a sort for each of the drivers' medians would
 * take half of the whole estimate's time. */
static double percentile(struct draws *draws, double share)
{
    double *cost = draws->cost;
    int wanted = (int)ceil(share * DRAWS) - 1;
    int first = 0;
    int last = DRAWS - 1;
    while (first < last) {
        double pivot = cost[first + (last - first) / 2];
        int low = first;
        int high = last;
        while (low <= high) {
            while (cost[low] < pivot) {
                low++;
            }
            while (cost[high] > pivot) {
                high--;
            }
            if (low <= high) {
                double lower = cost[high];
                cost[high--] = cost[low];
                cost[low++] = lower;
            }
        }
        if (wanted <= high) {
            last = high;
        } else if (wanted >= low) {
            first = low;
        } else {
            break;
        }
    }
    return cost[wanted];
}

static void find_drivers(struct draws *draws, const struct cost_parameters *parameters,
                         struct cost_estimate *estimate)
{
    size_t kept = sizeof estimate->drivers / sizeof *estimate->drivers;
    for (int p = 0; p < PARAMETER_COUNT; p++) {
        const struct cost_parameter *parameter = &parameters->items[p];
        find_costs(draws, p, parameter->range.low);
        double at_low = percentile(draws, 0.5);
        find_costs(draws, p, parameter->range.high);
        struct cost_driver driver = {.parameter = parameter->name,
                                     .swing = percentile(draws, 0.5) - at_low};
        for (size_t i = 0; i < kept && driver.swing > 0; i++) {
            if (estimate->drivers[i].parameter == NULL ||
                driver.swing > estimate->drivers[i].swing) {
                struct cost_driver smaller = estimate->drivers[i];
                estimate->drivers[i] = driver;
                driver = smaller;
                if (driver.parameter == NULL) {
                    break;
                }
            }
        }
    }
}

void cost_estimate(const struct cost_parameters *parameters, const struct cost_basis *basis,
                   uint64_t seed, struct cost_estimate *estimate)
{
    *estimate = (struct cost_estimate){.currency = COST_CURRENCY, .seed = seed};
    struct draws *draws = malloc(sizeof *draws);
    if (draws == NULL) {
        estimate->p10 = estimate->p50 = estimate->p90 = NAN;
        return;
    }
    const struct range bases[] = {basis->consumers, basis->corporates, basis->corporate_hosts};
    for (int c = 0; c < COLUMN_COUNT; c++) {
        struct range range =
            c < PARAMETER_COUNT ? parameters->items[c].range : bases[c - PARAMETER_COUNT];
        struct random_stream random = random_stream_new(seed, (uint64_t)c);
        for (int i = 0; i < DRAWS; i++) {
            draws->column[c][i] = random_pert(&random, range.low, range.likely, range.high);
        }
    }
    find_drivers(draws, parameters, estimate);
    find_costs(draws, COLUMN_COUNT, 0);
    estimate->p10 = percentile(draws, 0.10);
    estimate->p50 = percentile(draws, 0.50);
    estimate->p90 = percentile(draws, 0.90);
    free(draws);
}
