/* Adds contrasts to the parts of the lattice; see lattice.h. What is opened when is in
 * lattice_open.c, what it all says in lattice_read.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/lattice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void free_accounts(struct lattice_update *update)
{
    free(update->own.values);
    free(update->early);
    free(update->past);
    if (update->shared != NULL) {
        free(update->shared->values);
        free(update->shared);
    }
}

void lattice_free(struct lattice *lattice)
{
    for (uint32_t i = 0; i < lattice->update_count; i++) {
        free_accounts(&lattice->updates[i]);
    }
    free(lattice->updates);
    free(lattice->tallies);
    free(lattice->sides);
    *lattice = (struct lattice){0};
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

static bool holds(const struct segments *segments, uint32_t segment,
                  const struct lattice_conjunction *conjunction)
{
    bool all = segment != SEGMENT_NONE;
    for (uint32_t t = 0; all && t < conjunction->term_count; t++) {
        uint32_t value = conjunction->values[t];
        all = segments->items[segment].values[segments->values[value].attribute] == value;
    }
    return all;
}

void lattice_add_count(struct lattice_count *sum, const struct lattice_count *count)
{
    sum->observed += count->observed;
    sum->expected += count->expected;
    sum->variance += count->variance;
}

/* The hypergeometric mean and variance of the exposed onsets under no effect. */
static struct lattice_count count_of(const struct exposure_contrast *contrast)
{
    double hosts = (double)contrast->exposed_at_risk + contrast->control_at_risk;
    double share = contrast->exposed_at_risk / hosts;
    double spread = hosts > 1 ? (hosts - contrast->onsets) / (hosts - 1) : 0;
    return (struct lattice_count){.observed = contrast->exposed_onsets,
                                  .expected = contrast->onsets * share,
                                  .variance = contrast->onsets * share * (1 - share) * spread};
}

/* The other's entry: its own, or else a free one, or at last that of its slot. An update that
 * leaves its slot and comes back in another is still the same company. */
static struct lattice_company *company_of(struct lattice_update *update, uint32_t other, int slot)
{
    struct lattice_company *place = &update->company[slot];
    for (size_t i = 0; i < EXPOSURE_SLOTS; i++) {
        struct lattice_company *company = &update->company[i];
        if (company->update == other) {
            return company;
        }
        if (company->update == EXPOSURE_NONE && place->update != EXPOSURE_NONE) {
            place = company;
        }
    }
    *place = (struct lattice_company){.update = other};
    return place;
}

/* What the update has in company of others that are in their window on both sides. */
static void count_company(struct lattice_update *update, const struct exposure *exposure,
                          const struct exposure_contrast *contrast,
                          const struct lattice_count *count)
{
    for (uint64_t left = contrast->company; left != 0; left &= left - 1) {
        int slot = __builtin_ctzll(left) / 2;
        lattice_add_count(&company_of(update, exposure->slots[slot], slot)->count, count);
    }
}

/* One contrast as the parts take it. */
struct contribution {
    struct evidence_sum sum;
    struct lattice_count count;
    enum exposure_sign sign;
};

static void add_to_part(struct lattice_part *part, const struct contribution *contribution)
{
    evidence_add(&part->signs[contribution->sign], &contribution->sum);
    lattice_add_count(&part->count, &contribution->count);
}

/* The contrast with only those of its exposed hosts that are in a part, against all its controls.
 * For any one part this is a fair comparison too, so its evidence is a martingale of its own. */
static struct contribution contribution_of(const struct exposure_contrast *contrast,
                                           const struct lattice_side *side)
{
    struct exposure_contrast part = *contrast;
    part.exposed_at_risk = side->at_risk;
    part.exposed_onsets = side->onsets;
    part.onsets = contrast->onsets - contrast->exposed_onsets + side->onsets;
    struct contribution contribution = {.count = count_of(&part), .sign = contrast->sign};
    evidence_contribution(part.exposed_at_risk, part.control_at_risk, part.onsets,
                          part.exposed_onsets, &contribution.sum);
    return contribution;
}

static void add_side(struct lattice_part *part, const struct exposure_contrast *contrast,
                     const struct lattice_side *side, const struct contribution *whole)
{
    if (side->at_risk == contrast->exposed_at_risk) {
        add_to_part(part, whole);
    } else if (side->at_risk > 0) {
        struct contribution contribution = contribution_of(contrast, side);
        add_to_part(part, &contribution);
    }
}

static uint32_t segment_of(const struct exposure *exposure, const struct exposure_member *member)
{
    return exposure->strata[member->stratum].segment;
}

static void add_to_values(struct lattice *lattice, struct lattice_account *account,
                          const struct exposure *exposure, const struct segments *segments,
                          const struct exposure_contrast *contrast,
                          const struct contribution *whole)
{
    const struct exposure_member *members = &exposure->members[contrast->first_member];
    for (uint32_t a = 0; a < segments->attribute_count; a++) {
        for (uint32_t m = 0; m < contrast->member_count; m++) {
            uint32_t segment = segment_of(exposure, &members[m]);
            uint32_t value =
                segment == SEGMENT_NONE ? SEGMENT_NO_VALUE : segments->items[segment].values[a];
            if (value != SEGMENT_NO_VALUE) {
                lattice->sides[value].at_risk += members[m].at_risk;
                lattice->sides[value].onsets += members[m].onsets;
            }
        }
        for (uint32_t m = 0; m < contrast->member_count; m++) {
            uint32_t segment = segment_of(exposure, &members[m]);
            uint32_t value =
                segment == SEGMENT_NONE ? SEGMENT_NO_VALUE : segments->items[segment].values[a];
            if (value != SEGMENT_NO_VALUE && lattice->sides[value].at_risk > 0) {
                add_side(&account->values[value], contrast, &lattice->sides[value], whole);
                lattice->sides[value] = (struct lattice_side){0};
            }
        }
    }
}

static void add_to_account(struct lattice *lattice, struct lattice_account *account,
                           const struct exposure *exposure, const struct segments *segments,
                           const struct exposure_contrast *contrast,
                           const struct contribution *whole)
{
    add_to_part(&account->fleet, whole);
    for (uint32_t i = 0; i < account->start_count; i++) {
        add_to_part(&account->starts[i], whole);
    }
    add_to_values(lattice, account, exposure, segments, contrast, whole);
    for (uint32_t i = 0; i < account->conjunction_count; i++) {
        struct lattice_side side = {0};
        for (uint32_t m = 0; m < contrast->member_count; m++) {
            const struct exposure_member *member = &exposure->members[contrast->first_member + m];
            if (holds(segments, segment_of(exposure, member), &account->conjunctions[i])) {
                side.at_risk += member->at_risk;
                side.onsets += member->onsets;
            }
        }
        add_side(&account->conjunctions[i].part, contrast, &side, whole);
    }
}

/* What a member has of a contrast: its own onsets, and by the number of its hosts of those among
 * the controls. By hosts alone, a stratum that is struck would be told to have had many more onsets
 * than were to be expected of it, since those would be half another's that it has struck itself,
 * and whoever is spared more than its own. Shared so, one control stands for one member only, and
 * the most likely ratio of some members to the controls is that of their rates: (x / E) / (d0 /
 * E0). */
static double share_of(const struct exposure_contrast *contrast,
                       const struct exposure_member *member)
{
    double hosts = (double)member->at_risk / contrast->exposed_at_risk;
    double controls = contrast->onsets - contrast->exposed_onsets;
    return contrast->onsets == 0 ? hosts : (member->onsets + controls * hosts) / contrast->onsets;
}

/* Shares the contrast out among the strata its exposed hosts are from; the shares add up to it. */
static bool add_to_tallies(struct lattice *lattice, const struct exposure *exposure,
                           const struct exposure_contrast *contrast,
                           const struct contribution *whole, struct failure *failure)
{
    for (uint32_t m = 0; m < contrast->member_count; m++) {
        const struct exposure_member *member = &exposure->members[contrast->first_member + m];
        if (!reach((void **)&lattice->tallies, &lattice->tally_count, member->tally + 1,
                   sizeof *lattice->tallies, failure)) {
            return false;
        }
        struct lattice_tally *tally = &lattice->tallies[member->tally];
        double share = share_of(contrast, member);
        tally->count.observed += member->onsets;
        tally->count.expected += whole->count.expected * share;
        tally->count.variance += whole->count.variance * share;
        for (int k = 0; k < EVIDENCE_POINTS; k++) {
            double log_theta = log(evidence_theta(k));
            double spent = contrast->exposed_onsets * log_theta - whole->sum.log_ratio[k];
            tally->sum.log_ratio[k] += member->onsets * log_theta - share * spent;
        }
    }
    return true;
}

static void clear_update(struct lattice_update *update)
{
    memset(update, 0, sizeof *update);
    for (size_t slot = 0; slot < EXPOSURE_SLOTS; slot++) {
        update->company[slot].update = EXPOSURE_NONE;
    }
}

static bool reach_update(struct lattice *lattice, uint32_t number, struct failure *failure)
{
    uint32_t before = lattice->update_count;
    if (!reach((void **)&lattice->updates, &lattice->update_count, number + 1,
               sizeof *lattice->updates, failure)) {
        return false;
    }
    for (uint32_t i = before; i < lattice->update_count; i++) {
        clear_update(&lattice->updates[i]);
    }
    return true;
}

/* Keeps what the update's bundle has shared so far: from now on it is compared by itself. */
static bool keep_early(struct lattice_update *update, struct failure *failure)
{
    uint32_t count = update->shared == NULL ? 0 : update->shared->value_count;
    if (count == 0) {
        return true;
    }
    update->early = malloc(count * sizeof *update->early);
    if (update->early == NULL) {
        return failure_memory(failure, "weighing the evidence");
    }
    memcpy(update->early, update->shared->values, count * sizeof *update->early);
    update->early_count = count;
    return true;
}

/* The account the contrast belongs to, with room for every value; NULL when memory is out. */
static struct lattice_account *open_account(struct lattice_update *update, bool shared,
                                            const struct exposure *exposure,
                                            const struct segments *segments,
                                            struct failure *failure)
{
    if (shared && update->shared == NULL) {
        update->shared = calloc(1, sizeof *update->shared);
        if (update->shared == NULL) {
            (void)failure_memory(failure, "weighing the evidence");
            return NULL;
        }
        update->shared_first = !update->own.begun;
    }
    struct lattice_account *account = shared ? update->shared : &update->own;
    if (!reach((void **)&account->values, &account->value_count, segments->value_count,
               sizeof *account->values, failure)) {
        return NULL;
    }
    if (!account->begun) {
        if (!shared && !keep_early(update, failure)) {
            return NULL;
        }
        account->begun = true;
        account->first_minute = exposure->minute;
        account->known_count = segments->value_count;
    }
    return account;
}

static bool take_contrast(struct lattice *lattice, const struct exposure *exposure,
                          const struct segments *segments, const struct exposure_contrast *contrast,
                          struct failure *failure)
{
    if (!reach_update(lattice, contrast->update, failure) ||
        !reach((void **)&lattice->sides, &lattice->side_count, segments->value_count,
               sizeof *lattice->sides, failure)) {
        return false;
    }
    struct lattice_update *update = &lattice->updates[contrast->update];
    struct lattice_side everybody = {.at_risk = contrast->exposed_at_risk,
                                     .onsets = contrast->exposed_onsets};
    struct contribution whole = contribution_of(contrast, &everybody);
    /* What a bundle shares stands for its hosts until something tells them apart. */
    if ((!contrast->shared || !update->own.begun) &&
        !add_to_tallies(lattice, exposure, contrast, &whole, failure)) {
        return false;
    }
    struct lattice_account *account =
        open_account(update, contrast->shared, exposure, segments, failure);
    if (account == NULL) {
        return false;
    }
    update->touched = true;
    if (!contrast->shared) {
        count_company(update, exposure, contrast, &whole.count);
    }
    add_to_account(lattice, account, exposure, segments, contrast, &whole);
    return true;
}

static bool take_contrasts(struct lattice *lattice, const struct exposure *exposure,
                           const struct segments *segments, bool shared, struct failure *failure)
{
    for (size_t i = 0; i < exposure->contrast_count; i++) {
        if (exposure->contrasts[i].shared == shared &&
            !take_contrast(lattice, exposure, segments, &exposure->contrasts[i], failure)) {
            return false;
        }
    }
    return true;
}

/* What an update is compared by itself comes first: from that minute on its bundle, whichever of
 * its strata are next, stands for its hosts no more. */
bool lattice_take(struct lattice *lattice, const struct exposure *exposure,
                  const struct segments *segments, struct failure *failure)
{
    return take_contrasts(lattice, exposure, segments, false, failure) &&
           take_contrasts(lattice, exposure, segments, true, failure);
}

/* The sign's share of the exposed hosts by value; `factor` as for them all. */
static void add_to_past(struct lattice_update *update, const struct exposure *exposure,
                        const struct segments *segments, const struct exposure_alone *alone,
                        int sign, double factor)
{
    for (uint32_t m = 0; m < alone->member_count; m++) {
        const struct exposure_alone_member *member =
            &exposure->alone_members[alone->first_member + m];
        uint32_t segment = exposure->strata[member->stratum].segment;
        for (uint32_t a = 0; segment != SEGMENT_NONE && a < segments->attribute_count; a++) {
            uint32_t value = segments->items[segment].values[a];
            if (value != SEGMENT_NO_VALUE) {
                update->past[value].observed += member->onsets[sign];
                update->past[value].expected += member->expected[sign] * factor;
            }
        }
    }
}

bool lattice_take_alone(struct lattice *lattice, const struct exposure *exposure,
                        const struct segments *segments, const struct exposure_alone *alone,
                        const double factors[SIGN_COUNT], struct failure *failure)
{
    if (!reach_update(lattice, alone->update, failure)) {
        return false;
    }
    struct lattice_update *update = &lattice->updates[alone->update];
    if (!reach((void **)&update->past, &update->past_count, segments->value_count,
               sizeof *update->past, failure)) {
        return false;
    }
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        double expected = alone->expected[sign] * factors[sign];
        if (expected > 0 && isfinite(expected)) {
            struct evidence_sum contribution;
            evidence_contribution_alone(expected, alone->onsets[sign], &contribution);
            evidence_add(&update->alone.signs[sign], &contribution);
            update->alone.count.observed += alone->onsets[sign];
            update->alone.count.expected += expected;
            add_to_past(update, exposure, segments, alone, sign, factors[sign]);
            update->has_alone = update->touched = true;
        }
    }
    return true;
}

void lattice_forget(struct lattice *lattice, const struct exposure *exposure, uint32_t number)
{
    for (uint32_t i = exposure->updates[number].first_tally; i != EXPOSURE_NONE;
         i = exposure->tallies[i].next) {
        if (i < lattice->tally_count) {
            lattice->tallies[i] = (struct lattice_tally){0};
        }
    }
    if (number < lattice->update_count) {
        free_accounts(&lattice->updates[number]);
        clear_update(&lattice->updates[number]);
    }
}
