/* What does the lattice say? The weighted average of its parts, and what it bounds; see lattice.h
 * for the weights and why they are fair.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "analyzer/lattice.h"

#define WEIGHT_ALONE (1.0 / 16)
#define WEIGHT_SHARED (1.0 / 16)
#define WEIGHT_SHARED_FIRST (1.0 / 2)

/* Within an account. */
#define WEIGHT_FLEET (6.0 / 14)
#define WEIGHT_STARTS (1.0 / 14)
#define WEIGHT_VALUES (4.0 / 14)
#define WEIGHT_CONJUNCTIONS (3.0 / 14)

/* Of the values' weight, to those known when the account was begun. */
#define SHARE_KNOWN (7.0 / 8)

/* Within a part. */
#define WEIGHT_BOTH_SIGNS 0.5
#define WEIGHT_ONE_SIGN 0.25

/* Another update is needed for the harm when apart from it the rate is raised by at most this share
 * of how it is raised in its company, by its upper bound; and something was expected. */
#define COMPANY_SHARE 0.25
#define COMPANY_OCCASION 3.0

/* Harm apart from another update that is told from the harm of the two together. */
#define HARM_APART 0.5

static double log_add(double left, double right)
{
    double larger = left > right ? left : right;
    double smaller = left > right ? right : left;
    return larger + log1p(exp(smaller - larger));
}

static struct evidence_sum both(const struct lattice_part *part)
{
    struct evidence_sum sum = part->signs[SIGN_SEEN];
    evidence_add(&sum, &part->signs[SIGN_SILENT]);
    return sum;
}

static double part_log_e(const struct lattice_part *part, double most)
{
    struct evidence_sum sum = both(part);
    double log_e = log(WEIGHT_BOTH_SIGNS) + evidence_log_e_over(&sum, most);
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        log_e =
            log_add(log_e, log(WEIGHT_ONE_SIGN) + evidence_log_e_over(&part->signs[sign], most));
    }
    return log_e;
}

/* 1/(i(i+1)), which adds up to 1 over all i from 1: however many there will be. */
static double rank_weight(uint32_t rank)
{
    return 1.0 / ((rank + 1.0) * (rank + 2.0));
}

/* A quarter of what is left: it may take a few that were chance until the right one is seen. */
static double conjunction_weight(uint32_t rank)
{
    return WEIGHT_CONJUNCTIONS * 0.25 * pow(0.75, rank);
}

/* How many values each attribute had when the account was begun, and how many attributes had more
 * than one: one alone is the whole fleet once more. */
struct known_values {
    uint32_t counts[REPORT_ATTRIBUTES_LIMIT];
    uint32_t attributes;
};

static struct known_values count_known(const struct lattice_account *account,
                                       const struct segments *segments)
{
    struct known_values known = {.attributes = 0};
    for (uint32_t i = 0; i < account->known_count; i++) {
        known.attributes += ++known.counts[segments->values[i].attribute] == 2 ? 1 : 0;
    }
    return known;
}

/* The values that were known share most of the weight by attribute and then by value; those that
 * may yet come have the rest by rank. */
static double value_weight(const struct lattice_account *account, const struct known_values *known,
                           const struct segment_value *value, uint32_t number)
{
    double weight = (1 - SHARE_KNOWN) * rank_weight(value->attribute) * rank_weight(value->rank);
    if (number < account->known_count && known->counts[value->attribute] > 1) {
        weight += SHARE_KNOWN / known->attributes / known->counts[value->attribute];
    }
    return WEIGHT_VALUES * weight;
}

/* An average against a rate ratio of at most `most` so far, and what of its weights is not used. */
struct average {
    double most, log_e, unused;
};

static void count_in(struct average *average, const struct lattice_part *part, double weight)
{
    average->log_e = log_add(average->log_e, log(weight) + part_log_e(part, average->most));
    average->unused -= weight;
}

static void count_account_in(struct average *average, const struct lattice_account *account,
                             const struct segments *segments, double weight)
{
    count_in(average, &account->fleet, weight * WEIGHT_FLEET);
    for (uint32_t i = 0; i < account->start_count; i++) {
        count_in(average, &account->starts[i], weight * WEIGHT_STARTS * rank_weight(i));
    }
    struct known_values known = count_known(account, segments);
    for (uint32_t i = 0; i < segments->value_count && i < account->value_count; i++) {
        count_in(average, &account->values[i],
                 weight * value_weight(account, &known, &segments->values[i], i));
    }
    for (uint32_t i = 0; i < account->conjunction_count; i++) {
        count_in(average, &account->conjunctions[i].part, weight * conjunction_weight(i));
    }
}

/* log e-values against ratios of at most `most` in every part. */
struct averages {
    double own, all;
};

static double log_e_of(const struct average *average)
{
    return average->unused > 0 ? log_add(average->log_e, log(average->unused)) : average->log_e;
}

static struct averages average_over(const struct lattice_update *update,
                                    const struct segments *segments, double most)
{
    double shared = update->shared_first ? WEIGHT_SHARED_FIRST : WEIGHT_SHARED;
    struct average all = {.most = most, .log_e = -INFINITY, .unused = 1};
    if (update->own.begun) {
        count_account_in(&all, &update->own, segments, 1 - WEIGHT_ALONE - shared);
    }
    if (update->has_alone) {
        count_in(&all, &update->alone, WEIGHT_ALONE);
    }
    struct averages averages = {.own = log_e_of(&all)};
    if (update->shared != NULL) {
        count_account_in(&all, update->shared, segments, shared);
    }
    averages.all = log_e_of(&all);
    return averages;
}

/* How much less likely the margin is than the likely ratio, by the grid point nearest to it. */
static double gain_over(const struct evidence_sum *sum, double margin)
{
    double most = 0;
    int nearest = 0;
    for (int k = 0; k < EVIDENCE_POINTS; k++) {
        most = sum->log_ratio[k] > most ? sum->log_ratio[k] : most;
        if (fabs(evidence_theta(k) - margin) < fabs(evidence_theta(nearest) - margin)) {
            nearest = k;
        }
    }
    return most - sum->log_ratio[nearest];
}

/* The bounds: the largest ratio that is shut out with all below it, of 1, the grid points between
 * and the margin. */
static void find_lows(const struct lattice_update *update, const struct segments *segments,
                      double alpha, double margin, struct lattice_reading *reading)
{
    double needed = -log(alpha);
    bool own_out = reading->own_log_e >= needed;
    bool out = reading->log_e >= needed;
    reading->own_low = own_out ? 1 : 0;
    reading->bundle_low = out ? 1 : 0;
    for (int k = EVIDENCE_UNIT + 1; (own_out || out) && reading->bundle_low < margin; k++) {
        double most = fmin(evidence_theta(k), margin);
        struct averages averages = average_over(update, segments, most);
        own_out = own_out && averages.own >= needed;
        out = out && averages.all >= needed;
        reading->own_low = own_out ? most : reading->own_low;
        reading->bundle_low = out ? most : reading->bundle_low;
        if (most >= margin) {
            break;
        }
    }
}

struct lattice_reading lattice_read(const struct lattice_update *update,
                                    const struct segments *segments, double alpha, double margin)
{
    struct averages averages = average_over(update, segments, 1);
    struct evidence_sum fleet = both(&update->own.fleet);
    struct evidence_sum past = both(&update->alone);
    double alone =
        update->has_alone ? log(WEIGHT_ALONE) + part_log_e(&update->alone, 1) : -INFINITY;
    bool by_past = alone > averages.all - M_LN2;
    struct lattice_reading reading = {.log_e = averages.all,
                                      .own_log_e = averages.own,
                                      .fleet_log_e = evidence_log_e(&fleet),
                                      .by_past = by_past,
                                      .rate_ratio =
                                          evidence_rate_ratio(by_past ? &past : &fleet, alpha),
                                      .clear_gain = gain_over(&fleet, margin)};
    find_lows(update, segments, alpha, margin, &reading);
    return reading;
}

static void add_part(struct lattice_tally *tally, const struct lattice_part *part)
{
    struct evidence_sum sum = both(part);
    evidence_add(&tally->sum, &sum);
    lattice_add_count(&tally->count, &part->count);
}

struct lattice_tally lattice_read_value(const struct lattice_update *update, uint32_t value,
                                        bool with_bundle)
{
    struct lattice_tally tally = {.count = {.observed = 0}};
    const struct lattice_account *shared = with_bundle ? update->shared : NULL;
    if (value < update->own.value_count) {
        add_part(&tally, &update->own.values[value]);
    }
    if (update->own.begun && with_bundle && value < update->early_count) {
        add_part(&tally, &update->early[value]);
    } else if (!update->own.begun && shared != NULL && value < shared->value_count) {
        add_part(&tally, &shared->values[value]);
    }
    return tally;
}

/* Poisson likelihoods of counts that add up are that of their sums. */
struct lattice_tally lattice_read_past(const struct lattice_update *update, uint32_t value)
{
    struct lattice_tally tally = {.count = {.observed = 0}};
    if (value < update->past_count) {
        tally.count = update->past[value];
        evidence_contribution_alone(tally.count.expected, (uint32_t)tally.count.observed,
                                    &tally.sum);
    }
    return tally;
}

/* How much the rate is raised, less 1, by the one-step estimate of the log rate ratio (Peto), plus
 * so many of its standard errors. */
static double excess_ratio(const struct lattice_count *count, double errors)
{
    if (count->variance <= 0) {
        return errors > 0 ? INFINITY : 0;
    }
    double log_ratio = (count->observed - count->expected) / count->variance;
    return expm1(log_ratio + errors / sqrt(count->variance));
}

/* What is counted of hosts that do not have the company's update. */
static struct lattice_count count_apart(const struct lattice_update *update,
                                        const struct lattice_company *company)
{
    const struct lattice_count *all = &update->own.fleet.count;
    return (struct lattice_count){.observed = all->observed - company->count.observed,
                                  .expected = all->expected - company->count.expected,
                                  .variance = all->variance - company->count.variance};
}

bool lattice_harms_without(const struct lattice_update *update, uint32_t other)
{
    struct lattice_count apart = update->own.fleet.count;
    for (size_t slot = 0; slot < EXPOSURE_SLOTS; slot++) {
        if (update->company[slot].update == other) {
            apart = count_apart(update, &update->company[slot]);
        }
    }
    return excess_ratio(&apart, -2) > HARM_APART;
}

uint32_t lattice_only_with(const struct lattice_update *update)
{
    for (size_t slot = 0; slot < EXPOSURE_SLOTS; slot++) {
        const struct lattice_company *company = &update->company[slot];
        struct lattice_count apart = count_apart(update, company);
        if (company->update == EXPOSURE_NONE || apart.expected < COMPANY_OCCASION) {
            continue;
        }
        double together = excess_ratio(&company->count, 0);
        double apart_high = excess_ratio(&apart, 2);
        if (together > 0 && apart_high <= COMPANY_SHARE * together) {
            return company->update;
        }
    }
    return EXPOSURE_NONE;
}
