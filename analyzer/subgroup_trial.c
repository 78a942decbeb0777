/* Likelihoods and costs of a segment on trial; see subgroup_trial.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/subgroup_trial.h"

#include <math.h>
#include <string.h>

#include "analyzer/distribution.h"

/* Where the control had no onset at all it may still have had half a one, as Jeffreys' prior has
 * it: no number of onsets proves anything by being impossible without the update. */
#define ONSETS_UNSEEN 0.5

/* One more attribute in the description costs as much as if half of all descriptions had one more,
 * beside saying which; so does one more value of an attribute. Twice as much would take twice the
 * onsets to part a thin value from the rest. */
#define ONE_MORE M_LN2

void subgroup_sums_add(struct subgroup_sums *sums, const struct subgroup_cell *cell)
{
    sums->minutes[cell->sign] += cell->exposed_minutes;
    sums->onsets[cell->sign] += cell->onsets;
    sums->expected[cell->sign] += cell->expected;
}

bool subgroup_is_empty(const struct subgroup_sums *sums)
{
    double minutes = 0;
    for (int sign = 0; sign < SUBGROUP_SIGNS; sign++) {
        minutes += sums->minutes[sign];
    }
    return minutes <= 0;
}

double subgroup_own_gain(const struct subgroup_search *search, const struct subgroup_sums *sums)
{
    double gain = 0;
    for (int sign = 0; sign < SUBGROUP_SIGNS; sign++) {
        double onsets = sums->onsets[sign];
        double expected = sums->expected[sign] + search->unseen[sign] * sums->minutes[sign];
        if (expected > 0 && onsets > expected) {
            gain += onsets * log(onsets / expected) - (onsets - expected);
        }
    }
    return gain;
}

bool subgroup_divides(const struct subgroup_search *search, uint32_t attribute)
{
    return search->first[attribute + 1] - search->first[attribute] +
               (search->is_unsaid[attribute] ? 1 : 0) >
           1;
}

void subgroup_list(struct subgroup_search *search)
{
    const struct segments *segments = search->segments;
    double minutes[SUBGROUP_SIGNS] = {0};
    memset(search->part_of, 0, (segments->value_count + 1) * sizeof *search->part_of);
    for (size_t i = 0; i < search->count; i++) {
        minutes[search->cells[i].sign] += search->cells[i].exposed_minutes;
        for (uint32_t a = 0; a < segments->attribute_count; a++) {
            uint32_t value = segments->items[search->cells[i].segment].values[a];
            if (value == SEGMENT_NO_VALUE) {
                search->is_unsaid[a] = true;
            } else {
                search->part_of[value] = 1;
            }
        }
    }
    for (int sign = 0; sign < SUBGROUP_SIGNS; sign++) {
        search->unseen[sign] = minutes[sign] > 0 ? ONSETS_UNSEEN / minutes[sign] : 0;
    }
    uint32_t count = 0;
    for (uint32_t a = 0; a < segments->attribute_count; a++) {
        search->first[a] = count;
        for (uint32_t v = 0; v < segments->value_count; v++) {
            if (segments->values[v].attribute == a && search->part_of[v] != 0) {
                search->parts[count++].value = v;
            }
        }
        search->first[a + 1] = count;
        search->dividing += subgroup_divides(search, a) ? 1 : 0;
    }
}

static double log_choices(uint32_t of, uint32_t chosen)
{
    return distribution_log_gamma(of + 1.0) - distribution_log_gamma(chosen + 1.0) -
           distribution_log_gamma(of - chosen + 1.0);
}

double subgroup_cost(const struct subgroup_search *search, uint32_t attribute, uint32_t kept)
{
    uint32_t of = search->first[attribute + 1] - search->first[attribute] +
                  (search->is_unsaid[attribute] ? 1 : 0);
    uint32_t fewer = kept < of - kept ? kept : of - kept;
    return log(search->dividing) + ONE_MORE + log_choices(of, kept) + fewer * ONE_MORE;
}

static double expected_of(const struct subgroup_search *search, const struct subgroup_cell *cell)
{
    return cell->expected + search->unseen[cell->sign] * cell->exposed_minutes;
}

/* Log of how much likelier the cell's onsets are inside, at the rate, than outside. */
static double cell_gain(const struct subgroup_search *search, const struct subgroup_cell *cell,
                        double rate)
{
    double expected = expected_of(search, cell);
    double excess = rate * cell->exposed_minutes;
    if (expected <= 0 || excess <= 0) {
        return 0;
    }
    double gain = cell->onsets > 0 ? cell->onsets * log1p(excess / expected) : 0;
    double d = search->dispersion;
    return gain -
           (d > 0 ? (cell->onsets + 1 / d) * log1p(d * excess / (1 + d * expected)) : excess);
}

/* How many of the attributes shut the cell out, counted to two; the first in *shut_by. */
static uint32_t count_shut(const struct subgroup_search *search, const struct subgroup_trial *trial,
                           const struct subgroup_cell *cell, uint32_t *shut_by)
{
    uint32_t shut = 0;
    const uint32_t *values = search->segments->items[cell->segment].values;
    for (uint32_t i = 0; i < trial->held_count && shut < 2; i++) {
        uint32_t value = values[trial->held[i]];
        if (value == SEGMENT_NO_VALUE || !trial->kept[value]) {
            *shut_by = shut++ == 0 ? trial->held[i] : *shut_by;
        }
    }
    return shut;
}

static bool is_inside(const struct subgroup_search *search, const struct subgroup_trial *trial,
                      const struct subgroup_cell *cell)
{
    uint32_t shut_by = 0;
    return count_shut(search, trial, cell, &shut_by) == 0;
}

static struct subgroup_part *part_of(struct subgroup_search *search, uint32_t segment,
                                     uint32_t attribute)
{
    uint32_t value = search->segments->items[segment].values[attribute];
    return value == SEGMENT_NO_VALUE ? &search->unsaid[attribute]
                                     : &search->parts[search->part_of[value]];
}

static void part_add(struct subgroup_part *part, const struct subgroup_cell *cell, double gain)
{
    subgroup_sums_add(&part->sums, cell);
    part->gain += gain;
}

void subgroup_weigh(struct subgroup_search *search, const struct subgroup_trial *trial,
                    double times)
{
    uint32_t attributes = search->segments->attribute_count;
    for (uint32_t i = 0; i < search->first[attributes]; i++) {
        search->parts[i].sums = (struct subgroup_sums){.minutes = {0}};
        search->parts[i].gain = 0;
        search->part_of[search->parts[i].value] = i;
    }
    memset(search->unsaid, 0, sizeof search->unsaid);
    for (size_t i = 0; i < search->count; i++) {
        const struct subgroup_cell *cell = &search->cells[i];
        uint32_t shut_by = 0;
        uint32_t shut = count_shut(search, trial, cell, &shut_by);
        double gain = shut < 2 ? cell_gain(search, cell, times * trial->rates[cell->sign]) : 0;
        if (shut == 1) {
            part_add(part_of(search, cell->segment, shut_by), cell, gain);
        } else if (shut == 0) {
            for (uint32_t a = 0; a < attributes; a++) {
                part_add(part_of(search, cell->segment, a), cell, gain);
            }
        }
    }
}

void subgroup_fit(const struct subgroup_search *search, struct subgroup_trial *trial)
{
    trial->held_count = 0;
    for (uint32_t a = 0; a < search->segments->attribute_count; a++) {
        if (trial->cost[a] > 0) {
            trial->held[trial->held_count++] = a;
        }
    }
    struct subgroup_sums inside = {.minutes = {0}};
    for (size_t i = 0; i < search->count; i++) {
        if (is_inside(search, trial, &search->cells[i])) {
            subgroup_sums_add(&inside, &search->cells[i]);
        }
    }
    for (int sign = 0; sign < SUBGROUP_SIGNS; sign++) {
        double excess = fmax(0, inside.onsets[sign] - inside.expected[sign]);
        trial->rates[sign] = inside.minutes[sign] > 0 ? excess / inside.minutes[sign] : 0;
    }
    trial->score = 0;
    for (size_t i = 0; i < search->count; i++) {
        if (is_inside(search, trial, &search->cells[i])) {
            trial->score +=
                cell_gain(search, &search->cells[i], trial->rates[search->cells[i].sign]);
        }
    }
    for (uint32_t a = 0; a < search->segments->attribute_count; a++) {
        trial->score -= trial->cost[a];
    }
}

/* Log likelihood of the onsets at this mean, but for what does not depend on it or the dispersion.
 */
static double log_likelihood(double onsets, double mean, double dispersion)
{
    if (dispersion == 0) {
        return onsets * log(mean) - mean;
    }
    double shape = 1 / dispersion;
    return onsets * log(dispersion * mean) - (onsets + shape) * log1p(dispersion * mean) +
           distribution_log_gamma(onsets + shape) - distribution_log_gamma(shape);
}

double subgroup_dispersion(const struct subgroup_search *search, const struct subgroup_trial *trial)
{
    static const double dispersions[] = {0, 0.01, 0.03, 0.1, 0.25, 0.5, 1};
    double best = 0;
    double highest = -INFINITY;
    for (size_t k = 0; k < sizeof dispersions / sizeof *dispersions; k++) {
        double sum = 0;
        for (size_t i = 0; i < search->count; i++) {
            const struct subgroup_cell *cell = &search->cells[i];
            double mean = expected_of(search, cell);
            mean += is_inside(search, trial, cell)
                        ? trial->rates[cell->sign] * cell->exposed_minutes
                        : 0;
            sum += mean > 0 ? log_likelihood(cell->onsets, mean, dispersions[k]) : 0;
        }
        if (sum > highest) {
            highest = sum;
            best = dispersions[k];
        }
    }
    return best;
}
