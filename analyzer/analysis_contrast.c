/* Where does it do harm, and where not? For each value hosts share, "Windows XP" or "JP", those of
 * the verdict's comparisons whose exposed hosts have it: their onsets, and as many as they would
 * have had at the rate of their own controls. So a harmless update that came along with a bad one
 * stands at a ratio of 1 here, too, and the part of the fleet that happens to be busier at none.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis_state.h"

/* An attribute of more values than this is not compared in a table a person reads. */
#define VALUES_MOST 40

/* By onsets, then by hosts, then by name: the first rows are those to read, where there is harm,
 * and those least moved by chance, where there is none. */
static int compare_rows(const void *left, const void *right)
{
    const struct contrast_row *a = left;
    const struct contrast_row *b = right;
    if (a->compared.onsets != b->compared.onsets) {
        return a->compared.onsets > b->compared.onsets ? -1 : 1;
    }
    if (a->exposed_hosts != b->exposed_hosts) {
        return a->exposed_hosts > b->exposed_hosts ? -1 : 1;
    }
    int attributes = strcmp(a->attribute, b->attribute);
    return attributes != 0 ? attributes : strcmp(a->value, b->value);
}

static bool is_compared(const struct segment_attribute *attribute)
{
    return !attribute->left_out && attribute->value_count > 1 &&
           attribute->value_count <= VALUES_MOST;
}

static void count_hosts(const struct exposure *exposure, const struct segments *segments,
                        uint32_t update, struct contrast_row *by_value)
{
    uint32_t first = exposure->updates[update].first_tally;
    for (uint32_t i = first; i != EXPOSURE_NONE; i = exposure->tallies[i].next) {
        const struct exposure_tally *tally = &exposure->tallies[i];
        uint32_t segment = exposure->strata[tally->stratum].segment;
        for (uint32_t a = 0; segment != SEGMENT_NONE && a < segments->attribute_count; a++) {
            uint32_t value = segments->items[segment].values[a];
            if (value != SEGMENT_NO_VALUE && is_compared(&segments->attributes[a])) {
                by_value[value].exposed_hosts += tally->exposed_hosts;
            }
        }
    }
}

static void fill_row(const struct analysis *analysis, uint32_t update, bool suspected,
                     uint32_t value, struct contrast_row *row)
{
    const struct segments *segments = &analysis->segments;
    const struct segment_value *known = &segments->values[value];
    row->attribute = segments->attributes[known->attribute].name;
    row->within = known->parent;
    row->value = known->text;
    struct lattice_tally tally = {.count = {.observed = 0}};
    bool by_past = analysis->states[update].by_past;
    if (update < analysis->lattice.update_count) {
        const struct lattice_update *lattice = &analysis->lattice.updates[update];
        tally = by_past ? lattice_read_past(lattice, value)
                        : lattice_read_value(lattice, value, suspected);
    }
    row->rate_ratio = evidence_rate_ratio(&tally.sum, analysis->options.alpha);
    /* Against the past the likelihood says nothing of ratios below 1, where a value may well be. */
    if (by_past && tally.count.expected > 0) {
        row->rate_ratio.likely = tally.count.observed / tally.count.expected;
    }
    row->compared = analysis_compared(row->rate_ratio, &tally.count);
}

bool analysis_contrast(const struct analysis *analysis, uint32_t update, bool suspected,
                       struct arena *arena, struct update_answer *answer, struct failure *failure)
{
    const struct segments *segments = &analysis->segments;
    struct contrast_row *by_value = calloc(segments->value_count + 1, sizeof *by_value);
    struct contrast_row *rows = arena_allocate(arena, ANSWER_CONTRASTS * sizeof *rows);
    if (by_value == NULL || rows == NULL) {
        free(by_value);
        return failure_memory(failure, "answering by segment");
    }
    count_hosts(&analysis->exposure, segments, update, by_value);
    size_t count = 0;
    for (uint32_t value = 0; value < segments->value_count; value++) {
        if (by_value[value].exposed_hosts > 0) {
            fill_row(analysis, update, suspected, value, &by_value[value]);
            by_value[count++] = by_value[value];
        }
    }
    qsort(by_value, count, sizeof *by_value, compare_rows);
    answer->contrast_count = count < ANSWER_CONTRASTS ? count : ANSWER_CONTRASTS;
    memcpy(rows, by_value, answer->contrast_count * sizeof *rows);
    answer->contrasts = rows;
    free(by_value);
    return true;
}
