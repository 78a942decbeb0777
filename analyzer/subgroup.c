/* Judging what the search found; see subgroup.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/subgroup.h"

#include <math.h>
#include <stdlib.h>

#include "analyzer/subgroup_climb.h"
#include "analyzer/subgroup_trial.h"

/* A value left outside that is shown, by its lower bound, to have more than this share of the
 * segment's excess rate is harmed, too. A share of hosts for whom the trigger is absent (no
 * matching file, not online) lowers a whole value's rate by less than that. */
#define UNHARMED_SHARE 0.25

/* Onsets that harm would have shown in a value; with fewer it is too rare to judge. */
#define JUDGED_ONSETS 1.0

/* The sign by which the segment's harm shows most. */
static int leading_sign(const struct subgroup_trial *trial)
{
    int leading = 0;
    for (int sign = 1; sign < SUBGROUP_SIGNS; sign++) {
        leading = trial->rates[sign] > trial->rates[leading] ? sign : leading;
    }
    return leading;
}

/* Lower bound, about 97.5 %, of the excess rate: Poisson by the square root, which is exact enough
 * from 0 on (Freeman-Tukey). */
static double excess_rate_low(const struct subgroup_sums *sums, int sign)
{
    double root = sqrt(sums->onsets[sign]) - 1;
    double low = root > 0 ? root * root : 0;
    return sums->minutes[sign] > 0 ? (low - sums->expected[sign]) / sums->minutes[sign] : 0;
}

static uint8_t judged(const struct subgroup_part *part, const struct subgroup_trial *trial)
{
    if (trial->kept[part->value]) {
        return part->gain > 0 ? SUBGROUP_INSIDE : SUBGROUP_UNJUDGED;
    }
    int sign = leading_sign(trial);
    if (part->sums.minutes[sign] > 0 &&
        excess_rate_low(&part->sums, sign) > UNHARMED_SHARE * trial->rates[sign]) {
        return SUBGROUP_INSIDE;
    }
    return trial->rates[sign] * part->sums.minutes[sign] >= JUDGED_ONSETS ? SUBGROUP_OUTSIDE
                                                                          : SUBGROUP_UNJUDGED;
}

/* Judges the values of a constrained attribute, each among the hosts inside by all others. Values
 * too rare to judge one by one are left outside only where that is what the constraint is about.
 * One that keeps out nobody is dropped. */
static void judge(const struct subgroup_search *search, const struct subgroup_trial *trial,
                  uint32_t attribute, struct subgroup *subgroup)
{
    const struct subgroup_part *parts = &search->parts[search->first[attribute]];
    uint32_t count = search->first[attribute + 1] - search->first[attribute];
    bool keeps_out = !subgroup_is_empty(&search->unsaid[attribute].sums);
    for (uint32_t i = 0; i < count; i++) {
        subgroup->standing[parts[i].value] = judged(&parts[i], trial);
        keeps_out |= subgroup->standing[parts[i].value] == SUBGROUP_OUTSIDE;
    }
    for (uint32_t i = 0; i < count && !keeps_out; i++) {
        bool rare = subgroup->standing[parts[i].value] == SUBGROUP_UNJUDGED;
        if (rare && !trial->kept[parts[i].value] && !subgroup_is_empty(&parts[i].sums)) {
            subgroup->standing[parts[i].value] = SUBGROUP_OUTSIDE;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        keeps_out |= subgroup->standing[parts[i].value] == SUBGROUP_OUTSIDE;
    }
    subgroup->constrained[attribute] = keeps_out;
    for (uint32_t i = 0; i < count && !keeps_out; i++) {
        subgroup->standing[parts[i].value] = SUBGROUP_UNJUDGED;
    }
}

static bool search_and_judge(struct subgroup_search *search, bool *kept, struct subgroup *subgroup,
                             struct failure *failure)
{
    struct subgroup_trial trials[SUBGROUP_TRIALS] = {{.score = 0}};
    const struct subgroup_trial *best = &trials[0];
    uint32_t values = search->segments->value_count;
    for (uint32_t i = 0; i < SUBGROUP_TRIALS; i++) {
        trials[i].kept = &kept[(size_t)i * values];
    }
    subgroup_list(search);
    if (!subgroup_find_starts(search, failure)) {
        return false;
    }
    /* How much the rates of cells differ by themselves is seen once most of the harm is told. */
    subgroup_climb(search, trials);
    search->dispersion = subgroup_dispersion(search, best);
    if (search->dispersion > 0) {
        subgroup_climb(search, trials);
    }
    subgroup_weigh(search, best, 1);
    for (uint32_t i = 0; i < best->held_count; i++) {
        judge(search, best, best->held[i], subgroup);
    }
    return true;
}

bool subgroup_find(const struct segments *segments, const struct subgroup_cell *cells, size_t count,
                   struct subgroup *subgroup, struct failure *failure)
{
    size_t values = segments->value_count + (size_t)1;
    struct subgroup_search search = {.segments = segments, .cells = cells, .count = count};
    bool *kept = calloc(values, SUBGROUP_TRIALS * sizeof *kept);
    *subgroup = (struct subgroup){.value_count = segments->value_count};
    subgroup->standing = calloc(values, sizeof *subgroup->standing);
    search.parts = calloc(values, sizeof *search.parts);
    search.part_of = calloc(values, sizeof *search.part_of);
    bool done = kept != NULL && subgroup->standing != NULL && search.parts != NULL &&
                search.part_of != NULL;
    done = done ? search_and_judge(&search, kept, subgroup, failure)
                : failure_memory(failure, "looking for the segment");
    if (!done) {
        subgroup_free(subgroup);
    }
    free(search.part_of);
    free(search.parts);
    free(kept);
    return done;
}

bool subgroup_contains(const struct subgroup *subgroup, const struct segments *segments,
                       uint32_t number)
{
    for (uint32_t a = 0; a < segments->attribute_count; a++) {
        uint32_t value =
            number == SEGMENT_NONE ? SEGMENT_NO_VALUE : segments->items[number].values[a];
        if (subgroup->constrained[a] &&
            (value == SEGMENT_NO_VALUE || value >= subgroup->value_count ||
             subgroup->standing[value] == SUBGROUP_OUTSIDE)) {
            return false;
        }
    }
    return true;
}

void subgroup_free(struct subgroup *subgroup)
{
    free(subgroup->standing);
    *subgroup = (struct subgroup){0};
}
