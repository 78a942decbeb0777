/* The safe logrank test on a grid; see evidence.h for the method and its source.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/evidence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double log_theta(int point)
{
    return M_LN2 / 4 * (point - EVIDENCE_UNIT);
}

double evidence_theta(int point)
{
    return exp(log_theta(point));
}

/* log of the sum over j of w_j theta^(j-x), with log w_j in `log_weights` from `first` on, less the
 * same at theta 1; in logs, as theta^j overflows for the onsets of a region at once. */
static double log_mean_power(const double *log_weights, uint32_t count, uint32_t first, uint32_t x,
                             double log_odds)
{
    double largest = log_weights[0] + ((double)first - x) * log_odds;
    for (uint32_t i = 1; i < count; i++) {
        double term = log_weights[i] + ((double)first + i - x) * log_odds;
        largest = term > largest ? term : largest;
    }
    double sum = exp(log_weights[0] + ((double)first - x) * log_odds - largest);
    for (uint32_t i = 1; i < count; i++) {
        sum += exp(log_weights[i] + ((double)first + i - x) * log_odds - largest);
    }
    return largest + log(sum);
}

/* Above this many onsets in one minute of one stratum the outcome is cut short: more would add
 * nothing to a verdict that is certain, and the table below would not be a small one. */
#define ONSETS_MOST 512

static void several_onsets(uint32_t exposed, uint32_t control, uint32_t onsets, uint32_t x,
                           struct evidence_sum *contribution)
{
    uint32_t first = onsets > control ? onsets - control : 0;
    uint32_t last = onsets < exposed ? onsets : exposed;
    double log_weights[ONSETS_MOST + 1] = {0};
    for (uint32_t j = first; j < last; j++) {
        /* C(E1,j+1)C(E0,d-j-1) / (C(E1,j)C(E0,d-j)) */
        log_weights[j - first + 1] = log_weights[j - first] +
                                     log((double)(exposed - j) * (onsets - j)) -
                                     log((double)(j + 1) * ((double)control - onsets + j + 1));
    }
    uint32_t count = last - first + 1;
    double at_one = log_mean_power(log_weights, count, first, x, 0);
    for (int k = 0; k < EVIDENCE_POINTS; k++) {
        contribution->log_ratio[k] =
            at_one - log_mean_power(log_weights, count, first, x, log_theta(k));
    }
}

void evidence_contribution(uint32_t exposed_at_risk, uint32_t control_at_risk, uint32_t onsets,
                           uint32_t exposed_onsets, struct evidence_sum *contribution)
{
    memset(contribution, 0, sizeof *contribution);
    if (exposed_at_risk == 0 || control_at_risk == 0 || onsets == 0) {
        return;
    }
    if (onsets > ONSETS_MOST) {
        exposed_onsets = (uint32_t)((uint64_t)exposed_onsets * ONSETS_MOST / onsets);
        onsets = ONSETS_MOST;
    }
    if (onsets > 1) {
        several_onsets(exposed_at_risk, control_at_risk, onsets, exposed_onsets, contribution);
        return;
    }
    double share = (double)exposed_at_risk / ((double)exposed_at_risk + control_at_risk);
    for (int k = 0; k < EVIDENCE_POINTS; k++) {
        contribution->log_ratio[k] =
            (exposed_onsets ? log_theta(k) : 0) - log1p((evidence_theta(k) - 1) * share);
    }
}

void evidence_add(struct evidence_sum *sum, const struct evidence_sum *contribution)
{
    for (int k = 0; k < EVIDENCE_POINTS; k++) {
        sum->log_ratio[k] += contribution->log_ratio[k];
    }
}

static double log_mean_exp(const double *values, int count)
{
    double largest = values[0];
    for (int i = 1; i < count; i++) {
        largest = values[i] > largest ? values[i] : largest;
    }
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += exp(values[i] - largest);
    }
    return largest + log(sum / count);
}

double evidence_log_e(const struct evidence_sum *sum)
{
    return log_mean_exp(sum->log_ratio + EVIDENCE_UNIT + 1, EVIDENCE_POINTS - EVIDENCE_UNIT - 1);
}

/* Where the line through (point, inside) — one step apart — falls to `level` beyond `point`, as log
 * theta; at most one step. `direction` is -1 downwards, 1 upwards. */
static double crossing(const double *log_ratio, int point, int direction, double level)
{
    int inside = point - direction;
    double fall =
        inside >= 0 && inside < EVIDENCE_POINTS ? log_ratio[inside] - log_ratio[point] : 0;
    double excess = log_ratio[point] - level;
    double steps = fall > 0 && excess < fall ? excess / fall : 1;
    return log_theta(point) + direction * steps * (M_LN2 / 4);
}

static double most_likely(const double *log_ratio)
{
    int best = 0;
    for (int k = 1; k < EVIDENCE_POINTS; k++) {
        best = log_ratio[k] > log_ratio[best] ? k : best;
    }
    if (best == 0 || best == EVIDENCE_POINTS - 1) {
        return evidence_theta(best);
    }
    /* The vertex of the parabola through the three points around the maximum. */
    double left = log_ratio[best - 1] - log_ratio[best];
    double right = log_ratio[best + 1] - log_ratio[best];
    double offset = left + right < 0 ? 0.5 * (left - right) / (left + right) : 0;
    return exp(log_theta(best) + offset * (M_LN2 / 4));
}

struct range evidence_rate_ratio(const struct evidence_sum *sum, double alpha)
{
    const double *log_ratio = sum->log_ratio;
    /* Without an onset every log ratio is zero, and with one not all are. */
    if (log_ratio[0] == 0 && log_ratio[EVIDENCE_POINTS - 1] == 0) {
        return (struct range){.low = 0, .likely = NAN, .high = INFINITY};
    }
    double level = log_mean_exp(log_ratio, EVIDENCE_POINTS) + log(alpha);
    int first = 0;
    int last = EVIDENCE_POINTS - 1;
    while (first < last && log_ratio[first] <= level) {
        first++;
    }
    while (last > first && log_ratio[last] <= level) {
        last--;
    }
    return (struct range){
        .low = first == 0 ? 0 : exp(crossing(log_ratio, first, -1, level)),
        .likely = most_likely(log_ratio),
        .high = last == EVIDENCE_POINTS - 1 ? INFINITY : exp(crossing(log_ratio, last, 1, level))};
}

/* ---- By update ---- */

void evidence_free(struct evidence *evidence)
{
    for (uint32_t i = 0; i < evidence->update_count; i++) {
        free(evidence->updates[i].values);
    }
    free(evidence->updates);
    free(evidence->tallies);
    *evidence = (struct evidence){0};
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

static bool take_contrast(struct evidence *evidence, const struct exposure *exposure,
                          const struct segments *segments, const struct exposure_contrast *contrast,
                          struct failure *failure)
{
    if (!reach((void **)&evidence->updates, &evidence->update_count, contrast->update + 1,
               sizeof *evidence->updates, failure) ||
        !reach((void **)&evidence->tallies, &evidence->tally_count, contrast->tally + 1,
               sizeof *evidence->tallies, failure)) {
        return false;
    }
    struct evidence_update *update = &evidence->updates[contrast->update];
    if (!reach((void **)&update->values, &update->value_count, segments->value_count,
               sizeof *update->values, failure)) {
        return false;
    }
    struct evidence_sum contribution;
    evidence_contribution(contrast->exposed_at_risk, contrast->control_at_risk, contrast->onsets,
                          contrast->exposed_onsets, &contribution);
    evidence_add(&update->fleet, &contribution);
    evidence_add(&evidence->tallies[contrast->tally], &contribution);
    update->touched = true;
    uint32_t segment = exposure->strata[contrast->stratum].segment;
    for (uint32_t a = 0; segment != SEGMENT_NONE && a < segments->attribute_count; a++) {
        uint32_t value = segments->items[segment].values[a];
        if (value != SEGMENT_NO_VALUE) {
            evidence_add(&update->values[value], &contribution);
        }
    }
    return true;
}

bool evidence_take(struct evidence *evidence, const struct exposure *exposure,
                   const struct segments *segments, struct failure *failure)
{
    for (size_t i = 0; i < exposure->contrast_count; i++) {
        if (!take_contrast(evidence, exposure, segments, &exposure->contrasts[i], failure)) {
            return false;
        }
    }
    return true;
}

static double value_weight(const struct segment_value *value)
{
    double attribute = (double)value->attribute + 1;
    double rank = (double)value->rank + 1;
    return 0.5 / (attribute * (attribute + 1) * rank * (rank + 1));
}

static double log_add(double left, double right)
{
    double larger = left > right ? left : right;
    double smaller = left > right ? right : left;
    return larger + log1p(exp(smaller - larger));
}

double evidence_update_log_e(const struct evidence_update *update, const struct segments *segments)
{
    double total = log(0.5) + evidence_log_e(&update->fleet);
    double undiscovered = 0.5;
    for (uint32_t i = 0; i < segments->value_count && i < update->value_count; i++) {
        double weight = value_weight(&segments->values[i]);
        undiscovered -= weight;
        total = log_add(total, log(weight) + evidence_log_e(&update->values[i]));
    }
    return undiscovered > 0 ? log_add(total, log(undiscovered)) : total;
}

double evidence_update_low(const struct evidence_update *update, const struct segments *segments,
                           double alpha)
{
    double best = evidence_rate_ratio(&update->fleet, alpha * 0.5).low;
    for (uint32_t i = 0; i < segments->value_count && i < update->value_count; i++) {
        double low =
            evidence_rate_ratio(&update->values[i], alpha * value_weight(&segments->values[i])).low;
        best = low > best ? low : best;
    }
    return best;
}
