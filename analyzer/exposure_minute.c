/* What did this minute show? Adds the minute's hosts and onsets to the tallies and compares exposed
 * hosts with their like, update by update and bundle by bundle; see exposure.h.
 *
 * Which comparisons are made depends on who is at risk, which is known before any onset of the
 * minute, and never on the onsets themselves: that is what lets evidence be read at every moment.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/exposure.h"
#include "analyzer/exposure_cells.h"
#include "analyzer/exposure_contrast.h"
#include "analyzer/exposure_mask.h"

/* Two updates are a bundle while at least this share of the hosts that have either have both: of
 * the few that tell them apart there is then too little to learn. */
#define BUNDLE_SHARE 0.95
/* Fewer hosts than this come together by chance. */
#define BUNDLE_HOSTS 20

void exposure_note_onset(struct exposure *exposure, const struct fleet_host *host,
                         enum exposure_sign sign, bool thinned)
{
    struct exposure_cell *cell = &exposure->cells[host->risk_cell];
    cell->onsets[sign]++;
    cell->thinned[sign] += thinned && !(sign == SIGN_SEEN && host->has_told);
}

void exposure_note_told(struct exposure *exposure, struct fleet *fleet)
{
    for (uint32_t i = 0; i < exposure->told_count; i++) {
        struct fleet_host *host = &fleet->hosts[exposure->told[i]];
        if (host->has_told && host->risk_cell != EXPOSURE_NONE) {
            exposure->cells[host->risk_cell].told++;
        }
        host->has_told = false;
    }
    for (uint32_t i = 0; i < exposure->awaited_count; i++) {
        struct fleet_host *host = &fleet->hosts[exposure->awaited[i]];
        if (!host->has_told && host->risk_cell != EXPOSURE_NONE && host->interval_s > 60) {
            exposure->cells[host->risk_cell].awaited += (host->interval_s + 30U) / 60 - 1;
        }
        host->has_told = true; /* for a moment: once, of however many */
    }
    for (uint32_t i = 0; i < exposure->awaited_count; i++) {
        fleet->hosts[exposure->awaited[i]].has_told = false;
    }
    exposure->told_count = exposure->awaited_count = 0;
}

/* ---- Tallies ---- */

/* What one minute of one stratum adds up to, by sign and slot. */
struct minute_sums {
    struct {
        uint64_t at_risk, onsets;
        uint64_t exposed[EXPOSURE_SLOTS];
        uint64_t fresh[EXPOSURE_SLOTS]; /* exposed, but so lately that the sign tells of before */
        uint64_t exposed_onsets[EXPOSURE_SLOTS], exposed_thinned[EXPOSURE_SLOTS];
    } signs[SIGN_COUNT];
    uint64_t slots;  /* low bit of each pair set for slots in any mask */
    bool has_onsets; /* thinned ones */
};

static void sum_cell(const struct exposure_cell *cell, struct minute_sums *sums)
{
    uint64_t slots = exposure_slots_of(cell->mask);
    sums->slots |= cell->at_risk > 0 ? slots : 0;
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        sums->has_onsets |= cell->thinned[sign] != 0;
        if (sign == SIGN_SILENT && !exposure_can_be_silent(cell->mask)) {
            continue;
        }
        sums->signs[sign].at_risk += cell->at_risk;
        sums->signs[sign].onsets += cell->onsets[sign];
        for (uint64_t left = slots; left != 0; left &= left - 1) {
            int slot = __builtin_ctzll(left) / 2;
            if (exposure_shows(cell->mask, slot, (enum exposure_sign)sign)) {
                sums->signs[sign].exposed[slot] += cell->at_risk;
                sums->signs[sign].exposed_onsets[slot] += cell->onsets[sign];
                sums->signs[sign].exposed_thinned[slot] += cell->thinned[sign];
            } else {
                sums->signs[sign].fresh[slot] += cell->at_risk;
            }
        }
    }
}

static void sum_stratum(const struct exposure *exposure, const struct exposure_stratum *stratum,
                        struct minute_sums *sums)
{
    for (uint32_t i = stratum->first_cell; i != EXPOSURE_NONE; i = exposure->cells[i].next) {
        sum_cell(&exposure->cells[i], sums);
    }
}

static bool add_to_tallies(struct exposure *exposure, uint32_t number,
                           const struct minute_sums *sums, struct failure *failure)
{
    for (uint64_t slots = sums->slots; slots != 0; slots &= slots - 1) {
        int slot = __builtin_ctzll(slots) / 2;
        struct exposure_tally *tally;
        if (!exposure_find_tally(exposure, exposure->slots[slot], number, &tally, failure)) {
            return false;
        }
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            uint64_t control = sums->signs[sign].at_risk - sums->signs[sign].exposed[slot];
            uint64_t exposed_onsets = sums->signs[sign].exposed_onsets[slot];
            tally->exposed_minutes[sign] += (double)sums->signs[sign].exposed[slot];
            tally->exposed_onsets[sign] += (uint32_t)exposed_onsets;
            /* Who is fresh has just been heard of, and as a control alone would never fall silent.
             */
            if (control > sums->signs[sign].fresh[slot]) {
                tally->control_minutes[sign] += (double)control;
                tally->control_onsets[sign] +=
                    (uint32_t)(sums->signs[sign].onsets - exposed_onsets);
            }
        }
    }
    return true;
}

/* ---- Nobody to compare with ---- */

/* At this share of the hosts of the strata it is in, the rest are too few, and too odd, to be a
 * control: machines that refuse updates. */
#define ALONE_SHARE 0.95
/* A stratum's own quiet rate counts as much as that of the fleet once it has seen this many onsets.
 */
#define QUIET_ONSETS 3.0
/* Where hardly any onset was ever seen, as many more may have been missed by chance: at one in a
 * hundred. */
#define QUIET_MISSED 4.6

/* By slot, over all strata. */
struct alone_sums {
    uint64_t at_risk[EXPOSURE_SLOTS], exposed[EXPOSURE_SLOTS];
    uint64_t onsets[EXPOSURE_SLOTS][SIGN_COUNT];
    double expected[EXPOSURE_SLOTS][SIGN_COUNT];
};

static double quiet_rate(const struct exposure *exposure, const struct exposure_stratum *stratum,
                         int sign)
{
    const struct exposure_quiet *fleet = &exposure->quiet;
    if (fleet->minutes[sign] <= 0) {
        return INFINITY;
    }
    double rate = (fleet->onsets[sign] + QUIET_MISSED) / fleet->minutes[sign];
    return (stratum->quiet.onsets[sign] + QUIET_ONSETS) /
           (stratum->quiet.minutes[sign] + QUIET_ONSETS / rate);
}

static void add_alone(const struct exposure *exposure, const struct exposure_stratum *stratum,
                      const struct minute_sums *sums, struct alone_sums *alone)
{
    for (uint64_t slots = sums->slots; slots != 0; slots &= slots - 1) {
        int slot = __builtin_ctzll(slots) / 2;
        alone->at_risk[slot] += sums->signs[SIGN_SEEN].at_risk;
        alone->exposed[slot] += sums->signs[SIGN_SEEN].exposed[slot];
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            alone->onsets[slot][sign] += sums->signs[sign].exposed_thinned[slot];
            alone->expected[slot][sign] +=
                (double)sums->signs[sign].exposed[slot] * quiet_rate(exposure, stratum, sign);
        }
    }
}

/* Lists the exposed hosts by stratum. The strata are gone through once more for it: that anybody is
 * alone is rare. */
static bool list_members(struct exposure *exposure, int slot, struct exposure_alone *alone,
                         struct failure *failure)
{
    alone->first_member = exposure->alone_member_count;
    uint32_t i = exposure->updates[alone->update].first_tally;
    for (; i != EXPOSURE_NONE; i = exposure->tallies[i].next) {
        const struct exposure_stratum *stratum = &exposure->strata[exposure->tallies[i].stratum];
        if (stratum->masked_at_risk == 0) {
            continue;
        }
        struct minute_sums sums = {0};
        sum_stratum(exposure, stratum, &sums);
        if (!exposure_make_room((void **)&exposure->alone_members, exposure->alone_member_count,
                                &exposure->alone_member_capacity, sizeof *exposure->alone_members,
                                failure)) {
            return false;
        }
        struct exposure_alone_member *member =
            &exposure->alone_members[exposure->alone_member_count++];
        *member = (struct exposure_alone_member){.stratum = exposure->tallies[i].stratum};
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            member->onsets[sign] = (uint32_t)sums.signs[sign].exposed_thinned[slot];
            member->expected[sign] =
                (double)sums.signs[sign].exposed[slot] * quiet_rate(exposure, stratum, sign);
        }
    }
    alone->member_count = exposure->alone_member_count - alone->first_member;
    return true;
}

static bool list_alone(struct exposure *exposure, const struct alone_sums *sums,
                       struct failure *failure)
{
    exposure->alone_count = exposure->alone_member_count = 0;
    for (int slot = 0; slot < EXPOSURE_SLOTS; slot++) {
        if (sums->exposed[slot] == 0 ||
            (double)sums->exposed[slot] < ALONE_SHARE * (double)sums->at_risk[slot]) {
            continue;
        }
        struct exposure_alone *alone = &exposure->alone[exposure->alone_count++];
        alone->update = exposure->slots[slot];
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            alone->onsets[sign] = (uint32_t)sums->onsets[slot][sign];
            alone->expected[sign] = sums->expected[slot][sign];
        }
        if (!list_members(exposure, slot, alone, failure)) {
            return false;
        }
    }
    return true;
}

/* ---- Bundles ---- */

struct overlap {
    uint64_t hosts[EXPOSURE_SLOTS][EXPOSURE_SLOTS]; /* exposed to both; on the diagonal to one */
};

static void count_overlap(const struct exposure *exposure, struct overlap *overlap)
{
    memset(overlap, 0, sizeof *overlap);
    for (uint32_t s = 0; s < exposure->stratum_count; s++) {
        const struct exposure_stratum *stratum = &exposure->strata[s];
        uint32_t i = stratum->masked_at_risk > 0 ? stratum->first_cell : EXPOSURE_NONE;
        for (; i != EXPOSURE_NONE; i = exposure->cells[i].next) {
            const struct exposure_cell *cell = &exposure->cells[i];
            uint64_t slots = exposure_slots_of(cell->mask);
            for (uint64_t a = slots; a != 0; a &= a - 1) {
                for (uint64_t b = slots; b != 0; b &= b - 1) {
                    overlap->hosts[__builtin_ctzll(a) / 2][__builtin_ctzll(b) / 2] += cell->at_risk;
                }
            }
        }
    }
}

static void note_mate(struct exposure_update *update, uint32_t mate, bool together)
{
    for (uint32_t i = 0; i < update->mate_count; i++) {
        if (update->mates[i].update == mate) {
            update->mates[i].together = together;
            return;
        }
    }
    if (together && update->mate_count < EXPOSURE_MATES) {
        update->mates[update->mate_count++] =
            (struct exposure_mate){.update = mate, .together = true};
    }
}

/* Sets the bits of each slot's bundle, itself included. A slot nobody is exposed in keeps what was
 * last known of its update. */
static void find_bundles(struct exposure *exposure, uint64_t bundles[EXPOSURE_SLOTS])
{
    struct overlap overlap;
    count_overlap(exposure, &overlap);
    for (int a = 0; a < EXPOSURE_SLOTS; a++) {
        bundles[a] = exposure_slot_bits(a);
        for (int b = 0; b < EXPOSURE_SLOTS; b++) {
            uint64_t most = overlap.hosts[a][a] > overlap.hosts[b][b] ? overlap.hosts[a][a]
                                                                      : overlap.hosts[b][b];
            if (a == b || overlap.hosts[a][a] < BUNDLE_HOSTS) {
                continue;
            }
            bool together = (double)overlap.hosts[a][b] >= BUNDLE_SHARE * (double)most;
            bundles[a] |= together ? exposure_slot_bits(b) : 0;
            if (exposure->slots[b] != EXPOSURE_NONE) {
                note_mate(&exposure->updates[exposure->slots[a]], exposure->slots[b], together);
            }
        }
    }
}

/* ---- The minute ---- */

/* Keeps what was quiet, clears the minute's onsets and frees cells nobody is counted in. */
static void sweep_stratum(struct exposure *exposure, struct exposure_stratum *stratum)
{
    uint32_t *link = &stratum->first_cell;
    while (*link != EXPOSURE_NONE) {
        struct exposure_cell *cell = &exposure->cells[*link];
        for (int sign = 0; exposure_slots_of(cell->mask) == 0 && sign < SIGN_COUNT; sign++) {
            bool counts = sign == SIGN_SEEN || exposure_can_be_silent(cell->mask);
            stratum->quiet.minutes[sign] += counts ? cell->at_risk : 0;
            stratum->quiet.onsets[sign] += counts ? cell->thinned[sign] : 0;
            exposure->quiet_minute.minutes[sign] += counts ? cell->at_risk : 0;
            exposure->quiet_minute.onsets[sign] += counts ? cell->thinned[sign] : 0;
        }
        cell->told = cell->awaited = 0;
        memset(cell->thinned, 0, sizeof cell->thinned);
        memset(cell->onsets, 0, sizeof cell->onsets);
        if (cell->at_risk == 0) {
            uint32_t gone = *link;
            *link = cell->next;
            exposure_drop_cell(exposure, gone);
        } else {
            link = &cell->next;
        }
    }
}

bool exposure_end_minute(struct exposure *exposure, struct failure *failure)
{
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        exposure->quiet.minutes[sign] += exposure->quiet_minute.minutes[sign];
        exposure->quiet.onsets[sign] += exposure->quiet_minute.onsets[sign];
    }
    exposure->quiet_minute = (struct exposure_quiet){0};
    struct alone_sums alone = {0};
    uint64_t bundles[EXPOSURE_SLOTS];
    find_bundles(exposure, bundles);
    for (uint32_t number = 0; number < exposure->stratum_count; number++) {
        struct exposure_stratum *stratum = &exposure->strata[number];
        struct minute_sums sums = {0};
        sum_stratum(exposure, stratum, &sums);
        stratum->minute =
            (struct exposure_stratum_minute){.slots = sums.slots,
                                             .at_risk = (uint32_t)sums.signs[SIGN_SEEN].at_risk,
                                             .has_onsets = sums.has_onsets};
        if (stratum->masked_at_risk > 0) {
            add_alone(exposure, stratum, &sums, &alone);
            if (!add_to_tallies(exposure, number, &sums, failure)) {
                return false;
            }
        }
    }
    if (!list_alone(exposure, &alone, failure) || !exposure_contrast(exposure, bundles, failure)) {
        return false;
    }
    for (uint32_t number = 0; number < exposure->stratum_count; number++) {
        sweep_stratum(exposure, &exposure->strata[number]);
    }
    return true;
}
