/* Where to look next? Conjunctions of attribute values with a striking excess so far, found by a
 * beam search, and fresh starts for the whole fleet; see lattice.h for why looking is free.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/lattice.h"

/* Subgroups carried from one length to the next: at one, a trigger of two attributes neither of
 * which is struck by itself would be missed; each more costs a pass over the strata. */
#define BEAM 4
/* In nats: half the square of 2.4 standard deviations, which noise reaches once in a hundred looks.
 * A look costs stake; at half of it stakes are spent on noise, at twice harm waits for its own. */
#define STRIKING 3.0
/* A longer conjunction must say this much more than the shorter one it grew from. */
#define BETTER 0.5
/* … and leave out some of its hosts, as a single value must of the fleet's: a stake on the same
 * hosts once more is wasted. */
#define NARROWER 0.95
/* Half an onset's variance beside its own, so that one onset where none was due is no marvel. */
#define VARIANCE_LEAST 0.5
/* Minutes from the first comparison to the first fresh start; each further one after twice that. */
#define FIRST_START 30

struct found {
    uint32_t values[LATTICE_TERMS];
    uint32_t term_count;
    double score;
};

/* The logrank statistic as a log likelihood ratio; 0 without an excess. */
static double score_of(const struct lattice_count *count)
{
    double excess = count->observed - count->expected;
    return excess > 0 ? excess * excess / (2 * (count->variance + VARIANCE_LEAST)) : 0;
}

/* Puts one among the best, best first; `count` is how many there are. */
static void keep_best(struct found best[BEAM], uint32_t *count, const struct found *one)
{
    uint32_t at = *count;
    while (at > 0 && best[at - 1].score < one->score) {
        at--;
    }
    if (at == BEAM) {
        return;
    }
    uint32_t kept = *count < BEAM ? *count : BEAM - 1;
    memmove(&best[at + 1], &best[at], (kept - at) * sizeof *best);
    best[at] = *one;
    *count = kept + 1;
}

struct search {
    const struct lattice *lattice;
    const struct exposure *exposure;
    const struct segments *segments;
    uint32_t update;
    struct lattice_count *counts; /* by value number: scratch */
};

static bool has_values(const struct segments *segments, uint32_t segment, const struct found *found)
{
    bool all = segment != SEGMENT_NONE;
    for (uint32_t t = 0; all && t < found->term_count; t++) {
        uint32_t value = found->values[t];
        all = segments->items[segment].values[segments->values[value].attribute] == value;
    }
    return all;
}

/* Counts by value within a conjunction; returns what they are of. */
static struct lattice_count count_within(const struct search *search, const struct found *within)
{
    struct lattice_count total = {.observed = 0};
    const struct segments *segments = search->segments;
    memset(search->counts, 0, segments->value_count * sizeof *search->counts);
    uint32_t i = search->exposure->updates[search->update].first_tally;
    for (; i != EXPOSURE_NONE; i = search->exposure->tallies[i].next) {
        uint32_t stratum = search->exposure->tallies[i].stratum;
        uint32_t segment = search->exposure->strata[stratum].segment;
        if (i >= search->lattice->tally_count || !has_values(segments, segment, within)) {
            continue;
        }
        const struct lattice_count *tally = &search->lattice->tallies[i].count;
        lattice_add_count(&total, tally);
        for (uint32_t a = 0; a < segments->attribute_count; a++) {
            uint32_t value = segments->items[segment].values[a];
            if (value != SEGMENT_NO_VALUE) {
                lattice_add_count(&search->counts[value], tally);
            }
        }
    }
    return total;
}

/* The conjunction and one value more, ascending; false when it has the value's attribute. */
static bool extend(const struct segments *segments, const struct found *from, uint32_t value,
                   struct found *longer)
{
    *longer = (struct found){0};
    bool placed = false;
    for (uint32_t t = 0; t < from->term_count; t++) {
        if (segments->values[from->values[t]].attribute == segments->values[value].attribute) {
            return false;
        }
        if (!placed && value < from->values[t]) {
            longer->values[longer->term_count++] = value;
            placed = true;
        }
        longer->values[longer->term_count++] = from->values[t];
    }
    if (!placed) {
        longer->values[longer->term_count++] = value;
    }
    return true;
}

static bool same(const uint32_t *left, uint32_t left_count, const uint32_t *right,
                 uint32_t right_count)
{
    return left_count == right_count && memcmp(left, right, left_count * sizeof *left) == 0;
}

/* The best conjunctions that are one value longer than those of `from`. */
static uint32_t grow(const struct search *search, const struct found from[BEAM],
                     uint32_t from_count, struct found best[BEAM])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < from_count; i++) {
        struct lattice_count within = count_within(search, &from[i]);
        for (uint32_t value = 0; value < search->segments->value_count; value++) {
            struct found longer;
            double score = score_of(&search->counts[value]);
            if (score < from[i].score + BETTER ||
                search->counts[value].expected > NARROWER * within.expected ||
                !extend(search->segments, &from[i], value, &longer)) {
                continue;
            }
            longer.score = score;
            bool known = false; /* reached from another side already */
            for (uint32_t k = 0; k < count; k++) {
                known |= same(best[k].values, best[k].term_count, longer.values, longer.term_count);
            }
            if (!known) {
                keep_best(best, &count, &longer);
            }
        }
    }
    return count;
}

static void open_conjunction(struct lattice_account *account, const struct found *found)
{
    bool open = account->conjunction_count == LATTICE_CONJUNCTIONS;
    for (uint32_t i = 0; i < account->conjunction_count; i++) {
        const struct lattice_conjunction *one = &account->conjunctions[i];
        open |= same(one->values, one->term_count, found->values, found->term_count);
    }
    if (open || found->score < STRIKING) {
        return;
    }
    struct lattice_conjunction *fresh = &account->conjunctions[account->conjunction_count++];
    *fresh = (struct lattice_conjunction){.term_count = found->term_count};
    memcpy(fresh->values, found->values, sizeof fresh->values);
}

static void look(struct lattice_account *account, const struct search *search)
{
    struct found found[LATTICE_TERMS][BEAM];
    uint32_t counts[LATTICE_TERMS] = {0};
    for (uint32_t v = 0; v < account->value_count && v < search->segments->value_count; v++) {
        struct found one = {.values = {v}, .term_count = 1};
        one.score = score_of(&account->values[v].count);
        bool narrower =
            account->values[v].count.expected <= NARROWER * account->fleet.count.expected;
        if (narrower && one.score > STRIKING / 3) {
            keep_best(found[0], &counts[0], &one);
        }
    }
    for (int length = 1; length < LATTICE_TERMS && counts[length - 1] > 0; length++) {
        counts[length] = grow(search, found[length - 1], counts[length - 1], found[length]);
        if (counts[length] > 0) {
            open_conjunction(account, &found[length][0]);
        }
    }
}

static void end_minute(struct lattice_account *account, const struct search *search, bool touched)
{
    if (account->begun && account->start_count < LATTICE_STARTS &&
        search->exposure->minute - account->first_minute >= FIRST_START << account->start_count) {
        account->starts[account->start_count++] = (struct lattice_part){0};
    }
    if (touched && account->conjunction_count < LATTICE_CONJUNCTIONS) {
        look(account, search);
    }
}

bool lattice_end_minute(struct lattice *lattice, const struct exposure *exposure,
                        const struct segments *segments, struct failure *failure)
{
    struct lattice_count *counts = malloc((segments->value_count + 1) * sizeof *counts);
    if (counts == NULL) {
        return failure_memory(failure, "looking for conjunctions");
    }
    for (uint32_t u = 0; u < lattice->update_count && u < exposure->update_count; u++) {
        struct lattice_update *update = &lattice->updates[u];
        struct search search = {.lattice = lattice,
                                .exposure = exposure,
                                .segments = segments,
                                .update = u,
                                .counts = counts};
        end_minute(&update->own, &search, update->touched);
        if (update->shared != NULL) {
            end_minute(update->shared, &search, update->touched);
        }
    }
    free(counts);
    return true;
}
