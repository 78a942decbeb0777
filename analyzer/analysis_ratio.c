/* How many times the rate, and from how many onsets? A rate ratio and what it comes from, told
 * together, so that a reader who divides the one by the other is told the same.
 *
 * At the most likely ratio the exposed would have had onsets / ratio without the update: that is
 * the score equation of the partial likelihood, and their time at risk at Breslow's estimate of the
 * baseline rate (discussion of Cox 1972). It counts what was compared: thinned, as the ratio is,
 * and without hosts that have another update known to do harm. The tallies have more, all onsets of
 * exposed hosts and all hosts of their strata without the update, and are for counting whom harm
 * hit: as an expectation they would charge an update with the harm of whatever came along with it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "analyzer/analysis_state.h"
#include "analyzer/subgroup.h"

struct compared_onsets analysis_compared(struct range ratio, const struct lattice_count *count)
{
    return (struct compared_onsets){
        .onsets = (uint64_t)llround(count->observed),
        /* Without an onset among them as many as at a ratio of 1: onsets / ratio would be none. */
        .expected = isnan(ratio.likely)   ? NAN
                    : count->observed > 0 ? count->observed / ratio.likely
                                          : count->expected};
}

static void tell(struct update_answer *answer, struct range ratio,
                 const struct lattice_count *count)
{
    answer->rate_ratio = ratio;
    answer->compared = analysis_compared(ratio, count);
}

void analysis_tell_ratio(const struct analysis *analysis, uint32_t update,
                         struct update_answer *answer)
{
    static const struct lattice_count nothing;
    const struct update_state *state = &analysis->states[update];
    const struct lattice_count *count = &nothing;
    if (update < analysis->lattice.update_count) {
        const struct lattice_update *lattice = &analysis->lattice.updates[update];
        count = state->by_past ? &lattice->alone.count : &lattice->own.fleet.count;
    }
    tell(answer, state->decided.rate_ratio, count);
}

/* What the comparisons of the subgroup's strata add up to. */
static struct lattice_tally sum_inside(const struct analysis *analysis, uint32_t update,
                                       const struct subgroup *subgroup)
{
    struct lattice_tally sum = {.count = {.observed = 0}};
    const struct exposure *exposure = &analysis->exposure;
    for (uint32_t i = exposure->updates[update].first_tally; i != EXPOSURE_NONE;
         i = exposure->tallies[i].next) {
        uint32_t segment = exposure->strata[exposure->tallies[i].stratum].segment;
        if (i < analysis->lattice.tally_count &&
            subgroup_contains(subgroup, &analysis->segments, segment)) {
            const struct lattice_tally *tally = &analysis->lattice.tallies[i];
            evidence_add(&sum.sum, &tally->sum);
            lattice_add_count(&sum.count, &tally->count);
        }
    }
    return sum;
}

void analysis_tell_ratio_inside(const struct analysis *analysis, uint32_t update,
                                const struct subgroup *subgroup, struct update_answer *answer)
{
    struct lattice_tally inside = sum_inside(analysis, update, subgroup);
    struct range ratio = evidence_rate_ratio(&inside.sum, analysis->options.alpha);
    if (!isnan(ratio.likely) && !analysis->states[update].by_past) {
        tell(answer, ratio, &inside.count);
    }
}
