/* The safe logrank test on a grid; see evidence.h for the method and its source.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/evidence.h"

#include <math.h>
#include <string.h>

#define STEPS_AN_OCTAVE 4

/* Where the weights of the e-value are largest, a ratio of 5, and how far from it they are half of
 * that, 2 and 11: at twice the spread nothing is gained over equal weights any more. */
#define LIKELY_POINT (EVIDENCE_UNIT + 9)
#define LIKELY_SPREAD 5.0

static double log_theta(int point)
{
    return M_LN2 / STEPS_AN_OCTAVE * (point - EVIDENCE_UNIT);
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

/* An upper bound of the concave log likelihood ratio at a place of the grid, in steps: the chords
 * of the points beside it, drawn on, lie above it. */
static double bound_at(const double *log_ratio, double place)
{
    int left = (int)place;
    double beyond = place - left;
    if (beyond <= 0) {
        return log_ratio[left];
    }
    double from_left = log_ratio[left] + beyond * (log_ratio[left] - log_ratio[left - 1]);
    double from_right =
        log_ratio[left + 1] + (1 - beyond) * (log_ratio[left + 1] - log_ratio[left + 2]);
    return fmin(from_left, from_right);
}

double evidence_log_e_over(const struct evidence_sum *sum, double most)
{
    double place = EVIDENCE_UNIT + log2(most) * STEPS_AN_OCTAVE;
    if (place > EVIDENCE_POINTS - 3) {
        return -INFINITY; /* the grid does not reach far enough to tell */
    }
    double largest = -INFINITY;
    for (int k = (int)place + 1; k < EVIDENCE_POINTS; k++) {
        largest = fmax(largest, sum->log_ratio[k]);
    }
    double mean = 0;
    double weights = 0;
    for (int k = (int)place + 1; k < EVIDENCE_POINTS; k++) {
        double off = (k - LIKELY_POINT) / LIKELY_SPREAD;
        double weight = 1 / (1 + off * off);
        mean += weight * exp(sum->log_ratio[k] - largest);
        weights += weight;
    }
    return largest + log(mean / weights) - bound_at(sum->log_ratio, place);
}

double evidence_log_e(const struct evidence_sum *sum)
{
    return evidence_log_e_over(sum, 1);
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
    return log_theta(point) + direction * steps * (M_LN2 / STEPS_AN_OCTAVE);
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
    return exp(log_theta(best) + offset * (M_LN2 / STEPS_AN_OCTAVE));
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

void evidence_contribution_alone(double expected, uint32_t onsets,
                                 struct evidence_sum *contribution)
{
    for (int k = 0; k < EVIDENCE_POINTS; k++) {
        contribution->log_ratio[k] =
            k > EVIDENCE_UNIT ? onsets * log_theta(k) - (evidence_theta(k) - 1) * expected : 0;
    }
}
