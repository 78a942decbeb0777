/* Are onsets and expected, as the answers tell them, those of the comparisons the rate ratio comes
 * from? Oracle: the twin's contrasts, by the definition; see twin_compare.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "twin_compare.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The likely ratio lies between two points of a grid by a parabola, the twin's mean by a line. */
#define INTERPOLATED 0.005

static bool says(const struct twin_segment *segment, const struct segment_term *term)
{
    for (size_t a = 0; a < segment->attribute_count; a++) {
        if (strcmp(segment->attributes[a].name, term->attribute) == 0) {
            return strcmp(segment->attributes[a].value, term->value) == 0;
        }
    }
    return false;
}

/* TWIN_SEGMENTS: of hosts that tell nothing. */
static bool is_inside(const struct trial *trial, const struct update_answer *answer, size_t segment)
{
    bool inside = false;
    for (size_t c = 0; c < answer->segment_count; c++) {
        const struct segment_conjunction *conjunction = &answer->segment[c];
        bool all = true;
        for (size_t t = 0; all && t < conjunction->term_count; t++) {
            all = segment < TWIN_SEGMENTS &&
                  says(&trial->twin.segments[segment], &conjunction->terms[t]);
        }
        inside |= all;
    }
    return inside || answer->segment_count == 0;
}

static void add(struct twin_compared *sum, const struct twin_compared *one)
{
    sum->onsets += one->onsets;
    sum->unmoved += one->unmoved;
    for (int k = 0; k < TWIN_POINTS; k++) {
        sum->without[k] += one->without[k];
    }
}

/* False where a ratio is as likely as any other: without an onset, or where whoever was compared
 * had one. */
static bool tells(const struct twin_compared *compared)
{
    long double lowest = compared->without[0] / 8; /* the mean itself, at a ratio of 1/8 … */
    long double highest = compared->without[TWIN_POINTS - 1] * 128; /* … and of 128 */
    return highest > lowest * (1 + 1e-9L);
}

/* Inside the segment where one is suspected and something is told there, or of all. */
static struct twin_compared compared(const struct trial *trial, const struct update_answer *answer,
                                     size_t update)
{
    struct twin_compared inside = {0};
    bool suspected = answer->verdict == VERDICT_HOLD || answer->verdict == VERDICT_SUSPECT;
    for (size_t s = 0; suspected && s <= TWIN_SEGMENTS; s++) {
        if ((s < trial->twin.segment_count || s == TWIN_SEGMENTS) && is_inside(trial, answer, s)) {
            add(&inside, &trial->evidence.updates[update].compared_in[s]);
        }
    }
    return tells(&inside) ? inside : trial->evidence.updates[update].compared;
}

/* As many as there would have been without the update, at a ratio within the grid. */
static double without_update(const struct twin_compared *ours, double ratio)
{
    double place = 12 + 4 * log2(ratio);
    int below = (int)place;
    double beyond = place - below;
    return exp((1 - beyond) * log((double)ours->without[below]) +
               beyond * log((double)ours->without[below + 1]));
}

static void differ(const struct trial *trial, const struct update_answer *answer,
                   const struct twin_compared *ours, double expected)
{
    fail_msg("seed %llu, %s, %s in %s: the analyzer tells %llu onsets and expects %.12g at a ratio "
             "of %.12g, the twin %.12g and %.12g",
             (unsigned long long)trial->seed, answer->id, verdict_name(answer->verdict),
             answer->segment_text, (unsigned long long)answer->compared.onsets,
             answer->compared.expected, answer->rate_ratio.likely, ours->onsets, expected);
}

static void compare_ratio(const struct trial *trial, const struct update_answer *answer,
                          size_t update)
{
    struct twin_compared ours = compared(trial, answer, update);
    double ratio = answer->rate_ratio.likely;
    bool none = !tells(&ours);
    bool at_an_end = ratio < 0.126 || ratio > 127; /* of the grid, and the likely one beyond it */
    double expected = NAN;
    if (!none && !isnan(ratio)) {
        expected = ours.onsets == 0 ? ours.unmoved
                   : at_an_end      ? ours.onsets / ratio
                                    : without_update(&ours, ratio);
    }
    double apart = fabs(answer->compared.expected - expected);
    if ((double)answer->compared.onsets != ours.onsets || isnan(ratio) != none ||
        isnan(answer->compared.expected) != none ||
        (!none && !(apart <= INTERPOLATED * expected))) {
        differ(trial, answer, &ours, expected);
    }
}

struct twin_met_ratios twin_compare_ratios(struct trial *trial)
{
    const struct answers *answers;
    struct failure failure;
    struct twin_met_ratios met = {0};
    assert_true(analysis_answers(trial->analysis, &answers, &failure));
    for (size_t i = 0; i < answers->update_count; i++) {
        const struct update_answer *answer = &answers->updates[i];
        size_t update = twin_update(&trial->twin, answer->id);
        if (strstr(answer->control, "own past") == NULL) {
            compare_ratio(trial, answer, update);
            met.all += answer->compared.onsets > 0;
            met.of_parts +=
                answer->compared.onsets > 0 && answer->segment_count > 0 &&
                (double)answer->compared.onsets < trial->evidence.updates[update].compared.onsets;
        }
    }
    return met;
}
