/* Who is compared with whom? First hosts of one stratum whose masks differ in the update alone.
 * What is left over of thin strata, exposed hosts without a control and controls nobody was
 * compared with, is then compared within their common parent: product line, system, region and
 * ring, and never wider. Each host is counted once, and who is compared depends on who is at risk
 * alone, which is known before any onset of the minute; so the evidence stays a martingale.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exposure_contrast.h"

#include <stdlib.h>

#include "analyzer/exposure_cells.h"
#include "analyzer/exposure_mask.h"

/* A stratum of more healthy hosts than this has controls of its own as long as anybody has, and
 * need not be mixed with others. */
#define THIN_HOSTS 100

static bool add_member(struct exposure *exposure, uint32_t update, uint32_t stratum,
                       uint32_t at_risk, uint32_t onsets, struct failure *failure)
{
    struct exposure_tally *tally;
    if (!exposure_find_tally(exposure, update, stratum, &tally, failure) ||
        !exposure_make_room((void **)&exposure->members, exposure->member_count,
                            &exposure->member_capacity, sizeof *exposure->members, failure)) {
        return false;
    }
    exposure->members[exposure->member_count++] =
        (struct exposure_member){.stratum = stratum,
                                 .tally = (uint32_t)(tally - exposure->tallies),
                                 .at_risk = at_risk,
                                 .onsets = onsets};
    return true;
}

/* The cell's hosts by what the minute can show of them; see exposure.h. */
static uint32_t at_risk_now(const struct exposure_cell *cell, enum exposure_sign sign)
{
    return sign == SIGN_SEEN ? cell->at_risk - cell->told : cell->at_risk + cell->awaited;
}

/* One comparison being made: an update, or its bundle, by one sign. */
struct comparison {
    uint32_t update;
    int slot;
    uint64_t bits;
    enum exposure_sign sign;
};

/* Adds a contrast of which the members have been added from `first_member` on; takes them back when
 * nothing came of it. */
static bool add_contrast(struct exposure *exposure, const struct comparison *comparison,
                         uint64_t control_mask, const struct exposure_match *match,
                         uint32_t first_member, struct failure *failure)
{
    if (match->exposed_at_risk == 0 || match->control_at_risk == 0 ||
        match->exposed_onsets + match->control_onsets == 0) {
        exposure->member_count = first_member;
        return true;
    }
    if (!exposure_make_room((void **)&exposure->contrasts, exposure->contrast_count,
                            &exposure->contrast_capacity, sizeof *exposure->contrasts, failure)) {
        return false;
    }
    exposure->contrasts[exposure->contrast_count++] = (struct exposure_contrast){
        .update = comparison->update,
        .sign = comparison->sign,
        .shared = comparison->bits != exposure_slot_bits(comparison->slot),
        .company = exposure_slots_of(control_mask),
        .exposed_at_risk = match->exposed_at_risk,
        .control_at_risk = match->control_at_risk,
        .exposed_onsets = match->exposed_onsets,
        .onsets = match->exposed_onsets + match->control_onsets,
        .first_member = first_member,
        .member_count = exposure->member_count - first_member};
    return true;
}

/* How many updates of the bundle the sign can tell of. */
static int shown(uint64_t mask, uint64_t bits, enum exposure_sign sign)
{
    int count = 0;
    for (uint64_t left = bits & EXPOSURE_LOW_BITS; left != 0; left &= left - 1) {
        count += exposure_shows(mask, __builtin_ctzll(left) / 2, sign);
    }
    return count;
}

static bool is_thin(const struct exposure_stratum *stratum)
{
    return stratum->minute.at_risk < THIN_HOSTS;
}

static bool leave_over(struct exposure *exposure, uint32_t stratum, uint64_t mask,
                       const struct exposure_cell *cell, enum exposure_sign sign,
                       struct failure *failure)
{
    if (!exposure_make_room((void **)&exposure->leftovers, exposure->leftover_count,
                            &exposure->leftover_capacity, sizeof *exposure->leftovers, failure)) {
        return false;
    }
    exposure->leftovers[exposure->leftover_count++] =
        (struct exposure_leftover){.mask = mask,
                                   .stratum = stratum,
                                   .at_risk = at_risk_now(cell, sign),
                                   .onsets = cell->thinned[sign]};
    return true;
}

/* Hosts that have an update that is known to do harm, beside those compared, are left out; and of
 * silence those that just turned healthy, which are not at risk of it. */
static bool is_left_out(const struct exposure *exposure, const struct comparison *comparison,
                        uint64_t mask)
{
    return (mask & exposure->spoilt[comparison->slot] & ~comparison->bits) != 0 ||
           (comparison->sign == SIGN_SILENT && !exposure_can_be_silent(mask));
}

/* Adds each cell that has updates of the bundle to the cell that differs from it in them alone:
 * exposed when the sign can tell of all of them, control when of none. Exposed hosts of a thin
 * stratum that find no such cell are left over. */
static bool match_cells(struct exposure *exposure, uint32_t number,
                        const struct comparison *comparison, struct failure *failure)
{
    int all = __builtin_popcountll(comparison->bits & EXPOSURE_LOW_BITS);
    enum exposure_sign sign = comparison->sign;
    for (uint32_t i = exposure->strata[number].first_cell; i != EXPOSURE_NONE;
         i = exposure->cells[i].next) {
        const struct exposure_cell *cell = &exposure->cells[i];
        int count = shown(cell->mask, comparison->bits, sign);
        bool partly = count != 0 && count != all;
        uint32_t at_risk = at_risk_now(cell, sign);
        if ((cell->mask & comparison->bits) == 0 || at_risk == 0 || partly ||
            is_left_out(exposure, comparison, cell->mask)) {
            continue;
        }
        uint64_t mask = cell->mask & ~comparison->bits;
        uint32_t found = exposure_look_up_cell(exposure, number, mask);
        if (found != HASH_INDEX_NONE && at_risk_now(&exposure->cells[found], sign) > 0) {
            struct exposure_match *match = &exposure->cells[found].match;
            match->exposed_at_risk += count > 0 ? at_risk : 0;
            match->exposed_onsets += count > 0 ? cell->thinned[sign] : 0;
            match->control_at_risk += count > 0 ? 0 : at_risk;
            match->control_onsets += count > 0 ? 0 : cell->thinned[sign];
        } else if (count > 0 && is_thin(&exposure->strata[number]) &&
                   !leave_over(exposure, number, mask, cell, sign, failure)) {
            return false;
        }
    }
    return true;
}

static int compare_leftovers(const void *left, const void *right)
{
    const struct exposure_leftover *a = left;
    const struct exposure_leftover *b = right;
    if (a->mask != b->mask) {
        return a->mask < b->mask ? -1 : 1;
    }
    return (a->stratum > b->stratum) - (a->stratum < b->stratum);
}

/* The first of the leftovers with this mask, or NULL: it carries the controls of them all. */
static struct exposure_leftover *find_leftover(struct exposure *exposure, uint64_t mask)
{
    size_t low = 0;
    size_t high = exposure->leftover_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (exposure->leftovers[middle].mask < mask) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < exposure->leftover_count && exposure->leftovers[low].mask == mask;
    return found ? &exposure->leftovers[low] : NULL;
}

/* Compares within the stratum; what there is of controls without exposed hosts goes to the
 * leftovers of other strata. */
static bool compare_stratum(struct exposure *exposure, uint32_t number,
                            const struct comparison *comparison, struct failure *failure)
{
    bool done = true;
    for (uint32_t i = exposure->strata[number].first_cell; i != EXPOSURE_NONE;
         i = exposure->cells[i].next) {
        struct exposure_cell *cell = &exposure->cells[i];
        struct exposure_match match = cell->match;
        cell->match = (struct exposure_match){0};
        uint32_t at_risk = at_risk_now(cell, comparison->sign);
        if ((cell->mask & comparison->bits) != 0 || at_risk == 0 ||
            is_left_out(exposure, comparison, cell->mask)) {
            continue;
        }
        match.control_at_risk += at_risk;
        match.control_onsets += cell->thinned[comparison->sign];
        if (match.exposed_at_risk > 0) {
            uint32_t first_member = exposure->member_count;
            done = done &&
                   add_member(exposure, comparison->update, number, match.exposed_at_risk,
                              match.exposed_onsets, failure) &&
                   add_contrast(exposure, comparison, cell->mask, &match, first_member, failure);
        } else if (is_thin(&exposure->strata[number])) {
            struct exposure_leftover *leftover = find_leftover(exposure, cell->mask);
            if (leftover != NULL) {
                leftover->control_at_risk += match.control_at_risk;
                leftover->control_onsets += match.control_onsets;
            }
        }
    }
    return done;
}

static bool compare_leftover(struct exposure *exposure, const struct comparison *comparison,
                             struct failure *failure)
{
    for (uint32_t i = 0; i < exposure->leftover_count;) {
        const struct exposure_leftover *first = &exposure->leftovers[i];
        struct exposure_match match = {.control_at_risk = first->control_at_risk,
                                       .control_onsets = first->control_onsets};
        uint32_t first_member = exposure->member_count;
        for (; i < exposure->leftover_count && exposure->leftovers[i].mask == first->mask; i++) {
            const struct exposure_leftover *one = &exposure->leftovers[i];
            match.exposed_at_risk += one->at_risk;
            match.exposed_onsets += one->onsets;
            if (first->control_at_risk > 0 &&
                !add_member(exposure, comparison->update, one->stratum, one->at_risk, one->onsets,
                            failure)) {
                return false;
            }
        }
        if (!add_contrast(exposure, comparison, first->mask, &match, first_member, failure)) {
            return false;
        }
    }
    return true;
}

/* One comparison over all strata of one parent. */
static bool compare_group(struct exposure *exposure, uint32_t parent,
                          const struct comparison *comparison, struct failure *failure)
{
    uint64_t slot = comparison->bits & EXPOSURE_LOW_BITS;
    exposure->leftover_count = 0;
    uint32_t i = exposure->strata[parent].first_child;
    for (; i != EXPOSURE_NONE; i = exposure->strata[i].next_child) {
        if ((exposure->strata[i].minute.slots & slot) != 0 &&
            !match_cells(exposure, i, comparison, failure)) {
            return false;
        }
    }
    if (exposure->leftover_count > 1) {
        qsort(exposure->leftovers, exposure->leftover_count, sizeof *exposure->leftovers,
              compare_leftovers);
    }
    for (i = exposure->strata[parent].first_child; i != EXPOSURE_NONE;
         i = exposure->strata[i].next_child) {
        bool lends = exposure->leftover_count > 0 && is_thin(&exposure->strata[i]);
        if (((exposure->strata[i].minute.slots & slot) != 0 || lends) &&
            !compare_stratum(exposure, i, comparison, failure)) {
            return false;
        }
    }
    return compare_leftover(exposure, comparison, failure);
}

static bool contrast_group(struct exposure *exposure, uint32_t parent,
                           const uint64_t bundles[EXPOSURE_SLOTS], struct failure *failure)
{
    uint64_t slots = 0;
    bool has_onsets = false;
    for (uint32_t i = exposure->strata[parent].first_child; i != EXPOSURE_NONE;
         i = exposure->strata[i].next_child) {
        slots |= exposure->strata[i].minute.slots;
        has_onsets |= exposure->strata[i].minute.has_onsets;
    }
    for (slots = has_onsets ? slots : 0; slots != 0; slots &= slots - 1) {
        int slot = __builtin_ctzll(slots) / 2;
        for (enum exposure_sign sign = SIGN_SEEN; sign < SIGN_COUNT; sign++) {
            struct comparison comparison = {.update = exposure->slots[slot],
                                            .slot = slot,
                                            .bits = exposure_slot_bits(slot),
                                            .sign = sign};
            if (!compare_group(exposure, parent, &comparison, failure)) {
                return false;
            }
            comparison.bits = bundles[slot];
            if (bundles[slot] != exposure_slot_bits(slot) &&
                !compare_group(exposure, parent, &comparison, failure)) {
                return false;
            }
        }
    }
    return true;
}

bool exposure_contrast(struct exposure *exposure, const uint64_t bundles[EXPOSURE_SLOTS],
                       struct failure *failure)
{
    exposure->contrast_count = exposure->member_count = 0;
    for (uint32_t i = 0; i < exposure->stratum_count; i++) {
        if (exposure->strata[i].first_child != EXPOSURE_NONE &&
            !contrast_group(exposure, i, bundles, failure)) {
            return false;
        }
    }
    return true;
}
