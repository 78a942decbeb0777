/* Adds contrasts to the parts of the lattice and reads it; see lattice.h. What is opened when is in
 * lattice_open.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/lattice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT_FLEET (3.0 / 8)
#define WEIGHT_STARTS (1.0 / 8)
#define WEIGHT_VALUES (2.0 / 8)
#define WEIGHT_CONJUNCTIONS (1.0 / 8)
#define WEIGHT_BUNDLE (1.0 / 16)
#define WEIGHT_ALONE (1.0 / 16)

/* Another update is needed for the harm when apart from it the rate is raised by at most this share
 * of how it is raised in its company, by its upper bound; and something was expected. */
#define COMPANY_SHARE 0.25
#define COMPANY_OCCASION 3.0

/* Harm apart from another update that is told from the harm of the two together. */
#define HARM_APART 0.5

#define WEIGHT_BOTH_SIGNS 0.5
#define WEIGHT_ONE_SIGN 0.25

void lattice_free(struct lattice *lattice)
{
    for (uint32_t i = 0; i < lattice->update_count; i++) {
        free(lattice->updates[i].values);
    }
    free(lattice->updates);
    free(lattice->tallies);
    free(lattice->sides);
    *lattice = (struct lattice){0};
}

/* Grows a zeroed array of `size`-byte elements to at least `needed`. */
static bool reach(void **array, uint32_t *count, uint32_t needed, size_t size,
                  struct failure *failure)
{
    if (*count >= needed) {
        return true;
    }
    uint32_t grown = needed + needed / 2 + 16;
    char *moved = realloc(*array, grown * size);
    if (moved == NULL) {
        return failure_memory(failure, "weighing the evidence");
    }
    memset(moved + *count * size, 0, (grown - *count) * size);
    *array = moved;
    *count = grown;
    return true;
}

static bool holds(const struct segments *segments, uint32_t segment,
                  const struct lattice_conjunction *conjunction)
{
    bool all = segment != SEGMENT_NONE;
    for (uint32_t t = 0; all && t < conjunction->term_count; t++) {
        uint32_t value = conjunction->values[t];
        all = segments->items[segment].values[segments->values[value].attribute] == value;
    }
    return all;
}

static void add_count(struct lattice_count *sum, const struct lattice_count *count)
{
    sum->observed += count->observed;
    sum->expected += count->expected;
    sum->variance += count->variance;
}

/* The hypergeometric mean and variance of the exposed onsets under no effect. */
static struct lattice_count count_of(const struct exposure_contrast *contrast)
{
    double hosts = (double)contrast->exposed_at_risk + contrast->control_at_risk;
    double share = contrast->exposed_at_risk / hosts;
    double spread = hosts > 1 ? (hosts - contrast->onsets) / (hosts - 1) : 0;
    return (struct lattice_count){.observed = contrast->exposed_onsets,
                                  .expected = contrast->onsets * share,
                                  .variance = contrast->onsets * share * (1 - share) * spread};
}

/* The other's entry: its own, or else a free one, or at last that of its slot. An update that
 * leaves its slot and comes back in another is still the same company. */
static struct lattice_company *company_of(struct lattice_update *update, uint32_t other, int slot)
{
    struct lattice_company *place = &update->company[slot];
    for (size_t i = 0; i < EXPOSURE_SLOTS; i++) {
        struct lattice_company *company = &update->company[i];
        if (company->update == other) {
            return company;
        }
        if (company->update == EXPOSURE_NONE && place->update != EXPOSURE_NONE) {
            place = company;
        }
    }
    *place = (struct lattice_company){.update = other};
    return place;
}

/* What the update has in company of others that are in their window on both sides. */
static void count_company(struct lattice_update *update, const struct exposure *exposure,
                          const struct exposure_contrast *contrast,
                          const struct lattice_count *count)
{
    for (uint64_t left = contrast->company; left != 0; left &= left - 1) {
        int slot = __builtin_ctzll(left) / 2;
        add_count(&company_of(update, exposure->slots[slot], slot)->count, count);
    }
}

/* One contrast as the parts take it. */
struct contribution {
    struct evidence_sum sum;
    struct lattice_count count;
    enum exposure_sign sign;
};

static void add_to_part(struct lattice_part *part, const struct contribution *contribution)
{
    evidence_add(&part->signs[contribution->sign], &contribution->sum);
    add_count(&part->count, &contribution->count);
}

/* The contrast with only those of its exposed hosts that are in a part, against all its controls.
 * For any one part this is a fair comparison too, so its evidence is a martingale of its own. */
static struct contribution contribution_of(const struct exposure_contrast *contrast,
                                           const struct lattice_side *side)
{
    struct exposure_contrast part = *contrast;
    part.exposed_at_risk = side->at_risk;
    part.exposed_onsets = side->onsets;
    part.onsets = contrast->onsets - contrast->exposed_onsets + side->onsets;
    struct contribution contribution = {.count = count_of(&part), .sign = contrast->sign};
    evidence_contribution(part.exposed_at_risk, part.control_at_risk, part.onsets,
                          part.exposed_onsets, &contribution.sum);
    return contribution;
}

static void add_side(struct lattice_part *part, const struct exposure_contrast *contrast,
                     const struct lattice_side *side, const struct contribution *whole)
{
    if (side->at_risk == contrast->exposed_at_risk) {
        add_to_part(part, whole);
    } else if (side->at_risk > 0) {
        struct contribution contribution = contribution_of(contrast, side);
        add_to_part(part, &contribution);
    }
}

static uint32_t segment_of(const struct exposure *exposure, const struct exposure_member *member)
{
    return exposure->strata[member->stratum].segment;
}

static void add_to_values(struct lattice *lattice, struct lattice_update *update,
                          const struct exposure *exposure, const struct segments *segments,
                          const struct exposure_contrast *contrast,
                          const struct contribution *whole)
{
    const struct exposure_member *members = &exposure->members[contrast->first_member];
    for (uint32_t a = 0; a < segments->attribute_count; a++) {
        for (uint32_t m = 0; m < contrast->member_count; m++) {
            uint32_t segment = segment_of(exposure, &members[m]);
            uint32_t value =
                segment == SEGMENT_NONE ? SEGMENT_NO_VALUE : segments->items[segment].values[a];
            if (value != SEGMENT_NO_VALUE) {
                lattice->sides[value].at_risk += members[m].at_risk;
                lattice->sides[value].onsets += members[m].onsets;
            }
        }
        for (uint32_t m = 0; m < contrast->member_count; m++) {
            uint32_t segment = segment_of(exposure, &members[m]);
            uint32_t value =
                segment == SEGMENT_NONE ? SEGMENT_NO_VALUE : segments->items[segment].values[a];
            if (value != SEGMENT_NO_VALUE && lattice->sides[value].at_risk > 0) {
                add_side(&update->values[value], contrast, &lattice->sides[value], whole);
                lattice->sides[value] = (struct lattice_side){0};
            }
        }
    }
}

static void add_to_own(struct lattice *lattice, struct lattice_update *update,
                       const struct exposure *exposure, const struct segments *segments,
                       const struct exposure_contrast *contrast, const struct contribution *whole)
{
    add_to_part(&update->fleet, whole);
    for (uint32_t i = 0; i < update->start_count; i++) {
        add_to_part(&update->starts[i], whole);
    }
    add_to_values(lattice, update, exposure, segments, contrast, whole);
    for (uint32_t i = 0; i < update->conjunction_count; i++) {
        struct lattice_side side = {0};
        for (uint32_t m = 0; m < contrast->member_count; m++) {
            const struct exposure_member *member = &exposure->members[contrast->first_member + m];
            if (holds(segments, segment_of(exposure, member), &update->conjunctions[i])) {
                side.at_risk += member->at_risk;
                side.onsets += member->onsets;
            }
        }
        add_side(&update->conjunctions[i].part, contrast, &side, whole);
    }
}

/* Shares the contrast out among the strata its exposed hosts are from, so that the shares add up to
 * it: to each its onsets, and of what is to be expected its share of the hosts. */
static bool add_to_tallies(struct lattice *lattice, const struct exposure *exposure,
                           const struct exposure_contrast *contrast,
                           const struct contribution *whole, struct failure *failure)
{
    for (uint32_t m = 0; m < contrast->member_count; m++) {
        const struct exposure_member *member = &exposure->members[contrast->first_member + m];
        if (!reach((void **)&lattice->tallies, &lattice->tally_count, member->tally + 1,
                   sizeof *lattice->tallies, failure)) {
            return false;
        }
        struct lattice_tally *tally = &lattice->tallies[member->tally];
        double share = (double)member->at_risk / contrast->exposed_at_risk;
        tally->count.observed += member->onsets;
        tally->count.expected += whole->count.expected * share;
        tally->count.variance += whole->count.variance * share;
        for (int k = 0; k < EVIDENCE_POINTS; k++) {
            double log_theta = log(evidence_theta(k));
            double spent = contrast->exposed_onsets * log_theta - whole->sum.log_ratio[k];
            tally->sum.log_ratio[k] += member->onsets * log_theta - share * spent;
        }
    }
    return true;
}

static void clear_update(struct lattice_update *update)
{
    memset(update, 0, sizeof *update);
    for (size_t slot = 0; slot < EXPOSURE_SLOTS; slot++) {
        update->company[slot].update = EXPOSURE_NONE;
    }
}

static bool reach_update(struct lattice *lattice, uint32_t number, struct failure *failure)
{
    uint32_t before = lattice->update_count;
    if (!reach((void **)&lattice->updates, &lattice->update_count, number + 1,
               sizeof *lattice->updates, failure)) {
        return false;
    }
    for (uint32_t i = before; i < lattice->update_count; i++) {
        clear_update(&lattice->updates[i]);
    }
    return true;
}

static bool take_contrast(struct lattice *lattice, const struct exposure *exposure,
                          const struct segments *segments, const struct exposure_contrast *contrast,
                          struct failure *failure)
{
    if (!reach_update(lattice, contrast->update, failure) ||
        !reach((void **)&lattice->sides, &lattice->side_count, segments->value_count,
               sizeof *lattice->sides, failure)) {
        return false;
    }
    struct lattice_update *update = &lattice->updates[contrast->update];
    if (!reach((void **)&update->values, &update->value_count, segments->value_count,
               sizeof *update->values, failure)) {
        return false;
    }
    struct lattice_side everybody = {.at_risk = contrast->exposed_at_risk,
                                     .onsets = contrast->exposed_onsets};
    struct contribution whole = contribution_of(contrast, &everybody);
    update->touched = true;
    /* What a bundle shares stands for its hosts until something tells them apart. */
    if ((!contrast->shared || !update->begun) &&
        !add_to_tallies(lattice, exposure, contrast, &whole, failure)) {
        return false;
    }
    if (contrast->shared) {
        update->has_bundle = true;
        add_to_part(&update->bundle, &whole);
        return true;
    }
    if (!update->begun) {
        update->begun = true;
        update->first_minute = exposure->minute;
    }
    count_company(update, exposure, contrast, &whole.count);
    add_to_own(lattice, update, exposure, segments, contrast, &whole);
    return true;
}

bool lattice_take(struct lattice *lattice, const struct exposure *exposure,
                  const struct segments *segments, struct failure *failure)
{
    for (size_t i = 0; i < exposure->contrast_count; i++) {
        if (!take_contrast(lattice, exposure, segments, &exposure->contrasts[i], failure)) {
            return false;
        }
    }
    return true;
}

bool lattice_take_alone(struct lattice *lattice, const struct exposure_alone *alone,
                        const double factors[SIGN_COUNT], struct failure *failure)
{
    if (!reach_update(lattice, alone->update, failure)) {
        return false;
    }
    struct lattice_update *update = &lattice->updates[alone->update];
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        double expected = alone->expected[sign] * factors[sign];
        if (expected > 0 && isfinite(expected)) {
            struct evidence_sum contribution;
            evidence_contribution_alone(expected, alone->onsets[sign], &contribution);
            evidence_add(&update->alone.signs[sign], &contribution);
            update->alone.count.observed += alone->onsets[sign];
            update->alone.count.expected += expected;
            update->has_alone = update->touched = true;
        }
    }
    return true;
}

void lattice_forget(struct lattice *lattice, const struct exposure *exposure, uint32_t number)
{
    for (uint32_t i = exposure->updates[number].first_tally; i != EXPOSURE_NONE;
         i = exposure->tallies[i].next) {
        if (i < lattice->tally_count) {
            lattice->tallies[i] = (struct lattice_tally){0};
        }
    }
    if (number < lattice->update_count) {
        free(lattice->updates[number].values);
        clear_update(&lattice->updates[number]);
    }
}

/* ---- Reading ---- */

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

static double part_log_e(const struct lattice_part *part)
{
    struct evidence_sum sum = both(part);
    double log_e = log(WEIGHT_BOTH_SIGNS) + evidence_log_e(&sum);
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        log_e = log_add(log_e, log(WEIGHT_ONE_SIGN) + evidence_log_e(&part->signs[sign]));
    }
    return log_e;
}

/* Each bound at its share of alpha, so that all hold together. */
static double part_low(const struct lattice_part *part, double alpha)
{
    struct evidence_sum sum = both(part);
    double low = evidence_rate_ratio(&sum, alpha * WEIGHT_BOTH_SIGNS).low;
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        double one = evidence_rate_ratio(&part->signs[sign], alpha * WEIGHT_ONE_SIGN).low;
        low = one > low ? one : low;
    }
    return low;
}

/* 1/(i(i+1)), which adds up to 1 over all i from 1: however many there will be. */
static double rank_weight(uint32_t rank)
{
    return 1.0 / ((rank + 1.0) * (rank + 2.0));
}

static double value_weight(const struct segment_value *value)
{
    return WEIGHT_VALUES * rank_weight(value->attribute) * rank_weight(value->rank);
}

/* The average so far, and what of the weights is not yet used. */
struct average {
    double log_e, low, unused, alpha;
};

static void count_in(struct average *average, const struct lattice_part *part, double weight)
{
    double log_e = log(weight) + part_log_e(part);
    double low = part_low(part, average->alpha * weight);
    average->log_e = log_add(average->log_e, log_e);
    average->low = low > average->low ? low : average->low;
    average->unused -= weight;
}

static double log_e_of(const struct average *average)
{
    return average->unused > 0 ? log_add(average->log_e, log(average->unused)) : average->log_e;
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

struct lattice_reading lattice_read(const struct lattice_update *update,
                                    const struct segments *segments, double alpha, double margin)
{
    struct average own = {.log_e = -INFINITY, .unused = 1, .alpha = alpha};
    count_in(&own, &update->fleet, WEIGHT_FLEET);
    for (uint32_t i = 0; i < update->start_count; i++) {
        count_in(&own, &update->starts[i], WEIGHT_STARTS * rank_weight(i));
    }
    for (uint32_t i = 0; i < segments->value_count && i < update->value_count; i++) {
        count_in(&own, &update->values[i], value_weight(&segments->values[i]));
    }
    for (uint32_t i = 0; i < update->conjunction_count; i++) {
        count_in(&own, &update->conjunctions[i].part, WEIGHT_CONJUNCTIONS * rank_weight(i));
    }
    if (update->has_alone) {
        count_in(&own, &update->alone, WEIGHT_ALONE);
    }
    struct average all = own;
    all.low = 0;
    if (update->has_bundle) {
        count_in(&all, &update->bundle, WEIGHT_BUNDLE);
    }
    struct evidence_sum fleet = both(&update->fleet);
    struct evidence_sum past = both(&update->alone);
    double alone = update->has_alone ? log(WEIGHT_ALONE) + part_log_e(&update->alone) : -INFINITY;
    bool by_past = alone > log_e_of(&all) - M_LN2;
    return (struct lattice_reading){.log_e = log_e_of(&all),
                                    .own_log_e = log_e_of(&own),
                                    .fleet_log_e = evidence_log_e(&fleet),
                                    .own_low = own.low,
                                    .bundle_low = all.low,
                                    .by_past = by_past,
                                    .rate_ratio =
                                        evidence_rate_ratio(by_past ? &past : &fleet, alpha),
                                    .clear_gain = gain_over(&fleet, margin)};
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
    const struct lattice_count *all = &update->fleet.count;
    return (struct lattice_count){.observed = all->observed - company->count.observed,
                                  .expected = all->expected - company->count.expected,
                                  .variance = all->variance - company->count.variance};
}

bool lattice_harms_without(const struct lattice_update *update, uint32_t other)
{
    struct lattice_count apart = update->fleet.count;
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
