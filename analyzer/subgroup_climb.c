/* Steps and where they begin; see subgroup_climb.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/subgroup_climb.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* While the segment is too wide its rates are a fraction of the true ones. So steps are tried at
 * the rates, at twice and at four times them. */
#define RATES 3

#define SCORES_DIFFER 1e-9 /* by more than arithmetic */

/* The attribute held to `keep` of its values, those with the highest gains; 0: to none. */
struct step {
    uint32_t attribute, keep;
    double times, score, cost;
};

static int by_gain(const void *left, const void *right)
{
    const struct subgroup_part *a = left;
    const struct subgroup_part *b = right;
    if (a->gain != b->gain) {
        return a->gain > b->gain ? -1 : 1;
    }
    return (a->value > b->value) - (a->value < b->value);
}

static void rank_parts(struct subgroup_search *search, uint32_t attribute)
{
    uint32_t first = search->first[attribute];
    qsort(&search->parts[first], search->first[attribute + 1] - first, sizeof *search->parts,
          by_gain);
}

/* On a tie the coarser attribute says it in fewer words. */
static bool is_better(const struct subgroup_search *search, const struct step *step,
                      const struct step *best)
{
    if (fabs(step->score - best->score) > SCORES_DIFFER) {
        return step->score > best->score;
    }
    return search->segments->attributes[step->attribute].parent == NULL &&
           search->segments->attributes[best->attribute].parent != NULL;
}

/* The best the attribute can be held to, the others being as they are. */
static void try_attribute(struct subgroup_search *search, const struct subgroup_trial *trial,
                          uint32_t attribute, double times, struct step *best)
{
    uint32_t first = search->first[attribute];
    uint32_t values = search->first[attribute + 1] - first;
    uint32_t most = search->is_unsaid[attribute] ? values : values - 1;
    double others = 0;
    for (uint32_t a = 0; a < search->segments->attribute_count; a++) {
        others += a != attribute ? trial->cost[a] : 0;
    }
    rank_parts(search, attribute);
    double gain = 0;
    for (uint32_t k = 1; k <= most; k++) {
        gain += search->parts[first + k - 1].gain;
        double cost = subgroup_cost(search, attribute, k);
        struct step step = {attribute, k, times, gain - others - cost, cost};
        *best = is_better(search, &step, best) ? step : *best;
    }
    gain = search->unsaid[attribute].gain;
    for (uint32_t k = 0; k < values; k++) {
        gain += search->parts[first + k].gain;
    }
    struct step step = {attribute, 0, times, gain - others, 0};
    *best = is_better(search, &step, best) ? step : *best;
}

static struct step best_step(struct subgroup_search *search, const struct subgroup_trial *trial)
{
    struct step best = {.score = -INFINITY};
    for (int i = 0; i < RATES; i++) {
        double times = (double)(1U << i);
        subgroup_weigh(search, trial, times);
        for (uint32_t a = 0; a < search->segments->attribute_count; a++) {
            if (search->first[a + 1] > search->first[a]) {
                try_attribute(search, trial, a, times, &best);
            }
        }
    }
    return best;
}

static void copy_trial(const struct subgroup_search *search, struct subgroup_trial *to,
                       const struct subgroup_trial *from)
{
    bool *kept = to->kept;
    memcpy(kept, from->kept, search->segments->value_count * sizeof *kept);
    *to = *from;
    to->kept = kept;
}

static void take_step(struct subgroup_search *search, struct subgroup_trial *trial,
                      const struct step *step)
{
    uint32_t a = step->attribute;
    subgroup_weigh(search, trial, step->times);
    rank_parts(search, a);
    for (uint32_t i = search->first[a]; i < search->first[a + 1]; i++) {
        trial->kept[search->parts[i].value] = i - search->first[a] < step->keep;
    }
    trial->cost[a] = step->cost;
    subgroup_fit(search, trial);
}

/* Steps until none makes it likelier; `next` is scratch. */
static void climb_from(struct subgroup_search *search, struct subgroup_trial *trial,
                       struct subgroup_trial *next)
{
    for (;;) {
        struct step step = best_step(search, trial);
        copy_trial(search, next, trial);
        take_step(search, next, &step);
        if (next->score <= trial->score + SCORES_DIFFER) {
            return;
        }
        copy_trial(search, trial, next);
    }
}

static void consider_start(struct subgroup_search *search, const struct subgroup_start *start)
{
    struct subgroup_start *starts = search->starts;
    int at = SUBGROUP_STARTS;
    while (at > 0 && start->score > starts[at - 1].score) {
        if (at < SUBGROUP_STARTS) {
            starts[at] = starts[at - 1];
        }
        at--;
    }
    if (at < SUBGROUP_STARTS) {
        starts[at] = *start;
    }
}

static uint32_t attribute_of(const struct subgroup_search *search, uint32_t value)
{
    return search->segments->values[value].attribute;
}

/* Two values of different attributes that some cell has, or one twice: one alone. */
static void consider(struct subgroup_search *search, uint32_t one, uint32_t other,
                     const struct subgroup_sums *sums)
{
    struct subgroup_start start = {.values = {one, other},
                                   .score = subgroup_own_gain(search, sums)};
    if (start.score > 0 && subgroup_divides(search, attribute_of(search, one)) &&
        subgroup_divides(search, attribute_of(search, other))) {
        start.score -= subgroup_cost(search, attribute_of(search, one), 1);
        start.score -= one != other ? subgroup_cost(search, attribute_of(search, other), 1) : 0;
        consider_start(search, &start);
    }
}

/* Of the cells with one value: sums by value number of the attributes from its own on. */
struct pairs {
    struct subgroup_sums *sums; /* all zero between values */
    uint32_t *newest;           /* by value number: its newest cell … */
    uint32_t *next;             /* … by cell: the one before with the same value, or NO_CELL */
};
#define NO_CELL UINT32_MAX

static void list_cells(const struct subgroup_search *search, uint32_t attribute,
                       const struct pairs *pairs)
{
    for (uint32_t p = search->first[attribute]; p < search->first[attribute + 1]; p++) {
        pairs->newest[search->parts[p].value] = NO_CELL;
    }
    for (uint32_t i = 0; i < search->count; i++) {
        uint32_t value = search->segments->items[search->cells[i].segment].values[attribute];
        if (value != SEGMENT_NO_VALUE) {
            pairs->next[i] = pairs->newest[value];
            pairs->newest[value] = i;
        }
    }
}

/* Adds up the cells with the value by what other values they have; then considers each of those
 * beside it, and itself alone. */
static void pair_value(struct subgroup_search *search, uint32_t value, const struct pairs *pairs)
{
    for (int take = 0; take < 2; take++) {
        for (uint32_t i = pairs->newest[value]; i != NO_CELL; i = pairs->next[i]) {
            const uint32_t *values = search->segments->items[search->cells[i].segment].values;
            for (uint32_t a = attribute_of(search, value); a < search->segments->attribute_count;
                 a++) {
                struct subgroup_sums *sums =
                    values[a] == SEGMENT_NO_VALUE ? NULL : &pairs->sums[values[a]];
                if (sums != NULL && take == 0) {
                    subgroup_sums_add(sums, &search->cells[i]);
                } else if (sums != NULL && !subgroup_is_empty(sums)) {
                    consider(search, value, values[a], sums);
                    *sums = (struct subgroup_sums){.minutes = {0}};
                }
            }
        }
    }
}

bool subgroup_find_starts(struct subgroup_search *search, struct failure *failure)
{
    size_t values = search->segments->value_count + (size_t)1;
    const struct pairs pairs = {.sums = calloc(values, sizeof *pairs.sums),
                                .newest = calloc(values, sizeof *pairs.newest),
                                .next = calloc(search->count + 1, sizeof *pairs.next)};
    bool done = pairs.sums != NULL && pairs.newest != NULL && pairs.next != NULL;
    for (uint32_t a = 0; done && a < search->segments->attribute_count; a++) {
        list_cells(search, a, &pairs);
        for (uint32_t p = search->first[a]; p < search->first[a + 1]; p++) {
            pair_value(search, search->parts[p].value, &pairs);
        }
    }
    free(pairs.next);
    free(pairs.newest);
    free(pairs.sums);
    return done || failure_memory(failure, "looking for the segment");
}

static void begin_at(struct subgroup_search *search, struct subgroup_trial *trial,
                     const struct subgroup_start *start)
{
    for (int i = 0; i < 2; i++) {
        uint32_t a = attribute_of(search, start->values[i]);
        for (uint32_t p = search->first[a]; p < search->first[a + 1]; p++) {
            trial->kept[search->parts[p].value] = search->parts[p].value == start->values[i];
        }
        trial->cost[a] = subgroup_cost(search, a, 1);
    }
    subgroup_fit(search, trial);
}

void subgroup_climb(struct subgroup_search *search, struct subgroup_trial trials[SUBGROUP_TRIALS])
{
    struct subgroup_trial *best = &trials[0];
    struct subgroup_trial *fleet = &trials[1];
    memset(fleet->cost, 0, sizeof fleet->cost);
    subgroup_fit(search, fleet);
    copy_trial(search, best, fleet);
    climb_from(search, best, &trials[3]);
    for (int i = 0; i < SUBGROUP_STARTS && search->starts[i].score > 0; i++) {
        copy_trial(search, &trials[2], fleet);
        begin_at(search, &trials[2], &search->starts[i]);
        climb_from(search, &trials[2], &trials[3]);
        if (trials[2].score > best->score + SCORES_DIFFER) {
            copy_trial(search, best, &trials[2]);
        }
    }
}
