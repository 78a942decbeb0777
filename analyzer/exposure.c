/* Risk sets by stratum and mask; see exposure.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exposure.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/segment.h"

/* Where the age classes part, in minutes: a pinned host shows on its second report, so most of the
 * harm of an update appears in the second class and the first few minutes are unlike both. */
#define AGE_FIRST 10
#define AGE_SECOND 20

/* Installations remembered for a host beyond those in the window or known to have harmed it. */
#define INSTALLS_KEPT 4

/* Told again with another latency or a corrected clock, an installation moves by seconds. */
#define SAME_INSTALL_S 300

void exposure_init(struct exposure *exposure, int32_t window_minutes)
{
    *exposure = (struct exposure){.window_minutes = window_minutes,
                                  .free_install = EXPOSURE_NONE,
                                  .free_cell = EXPOSURE_NONE};
    for (size_t i = 0; i < EXPOSURE_SLOTS; i++) {
        exposure->slots[i] = EXPOSURE_NONE;
    }
}

void exposure_free(struct exposure *exposure)
{
    free(exposure->updates);
    free(exposure->installs);
    free(exposure->strata);
    free(exposure->cells);
    free(exposure->tallies);
    free(exposure->contrasts);
    hash_index_free(&exposure->by_stratum);
    hash_index_free(&exposure->by_cell);
    hash_index_free(&exposure->by_tally);
    wheel_free(&exposure->ageing);
    *exposure = (struct exposure){0};
}

/* Makes room for one more of `size` bytes in an array. */
static bool make_room(void **array, uint32_t count, uint32_t *capacity, size_t size,
                      struct failure *failure)
{
    if (count < *capacity) {
        return true;
    }
    uint32_t grown = *capacity == 0 ? 256 : *capacity * 2;
    void *moved = realloc(*array, grown * size);
    if (moved == NULL) {
        return failure_memory(failure, "counting exposed hosts");
    }
    *array = moved;
    *capacity = grown;
    return true;
}

bool exposure_know_update(struct exposure *exposure, uint32_t update, struct failure *failure)
{
    while (exposure->update_count <= update) {
        if (!make_room((void **)&exposure->updates, exposure->update_count,
                       &exposure->update_capacity, sizeof *exposure->updates, failure)) {
            return false;
        }
        exposure->updates[exposure->update_count++] = (struct exposure_update){
            .slot = EXPOSURE_NONE, .first_tally = EXPOSURE_NONE, .first_seen = INT32_MAX};
    }
    return true;
}

uint8_t exposure_age_class(const struct exposure *exposure, int32_t age_minutes)
{
    if (age_minutes >= exposure->window_minutes) {
        return 0;
    }
    return age_minutes < AGE_FIRST ? 1 : age_minutes < AGE_SECOND ? 2 : 3;
}

bool exposure_covers(const struct exposure *exposure, fleet_second installed, fleet_second began,
                     uint16_t interval_s)
{
    /* Figures cover a whole interval, so distress may seem to begin up to one before its cause. */
    return installed <= began + interval_s && began - installed <= exposure->window_minutes * 60;
}

/* ---- Strata, cells and tallies by their keys ---- */

struct pair_key {
    const struct exposure *exposure;
    uint32_t first, second;
};

static bool same_stratum(const void *context, uint32_t item)
{
    const struct pair_key *key = context;
    const struct exposure_stratum *stratum = &key->exposure->strata[item];
    return stratum->segment == key->first && stratum->size_class == key->second;
}

static bool find_stratum(struct exposure *exposure, uint32_t segment, uint8_t size_class,
                         uint32_t *number, struct failure *failure)
{
    struct pair_key key = {.exposure = exposure, .first = segment, .second = size_class};
    uint64_t hash = hash_number((uint64_t)segment << 8 | size_class);
    *number = hash_index_find(&exposure->by_stratum, hash, same_stratum, &key);
    if (*number != HASH_INDEX_NONE) {
        return true;
    }
    if (!make_room((void **)&exposure->strata, exposure->stratum_count, &exposure->stratum_capacity,
                   sizeof *exposure->strata, failure) ||
        !hash_index_add(&exposure->by_stratum, hash, exposure->stratum_count, failure)) {
        return false;
    }
    *number = exposure->stratum_count++;
    exposure->strata[*number] = (struct exposure_stratum){
        .segment = segment, .size_class = size_class, .first_cell = EXPOSURE_NONE};
    return true;
}

struct cell_key {
    const struct exposure *exposure;
    uint32_t stratum;
    uint64_t mask;
};

static bool same_cell(const void *context, uint32_t item)
{
    const struct cell_key *key = context;
    const struct exposure_cell *cell = &key->exposure->cells[item];
    return cell->stratum == key->stratum && cell->mask == key->mask;
}

static uint64_t cell_hash(uint32_t stratum, uint64_t mask)
{
    return hash_number(hash_number(stratum) ^ mask);
}

static uint32_t look_up_cell(const struct exposure *exposure, uint32_t stratum, uint64_t mask)
{
    struct cell_key key = {.exposure = exposure, .stratum = stratum, .mask = mask};
    return hash_index_find(&exposure->by_cell, cell_hash(stratum, mask), same_cell, &key);
}

static bool find_cell(struct exposure *exposure, uint32_t stratum, uint64_t mask, uint32_t *number,
                      struct failure *failure)
{
    *number = look_up_cell(exposure, stratum, mask);
    if (*number != HASH_INDEX_NONE) {
        return true;
    }
    uint32_t fresh = exposure->free_cell;
    if (fresh == EXPOSURE_NONE) {
        if (!make_room((void **)&exposure->cells, exposure->cell_count, &exposure->cell_capacity,
                       sizeof *exposure->cells, failure)) {
            return false;
        }
        fresh = exposure->cell_count;
    }
    if (!hash_index_add(&exposure->by_cell, cell_hash(stratum, mask), fresh, failure)) {
        return false;
    }
    if (fresh == exposure->cell_count) {
        exposure->cell_count++;
    } else {
        exposure->free_cell = exposure->cells[fresh].next;
    }
    exposure->cells[fresh] = (struct exposure_cell){
        .mask = mask, .stratum = stratum, .next = exposure->strata[stratum].first_cell};
    exposure->strata[stratum].first_cell = fresh;
    *number = fresh;
    return true;
}

static bool same_tally(const void *context, uint32_t item)
{
    const struct pair_key *key = context;
    const struct exposure_tally *tally = &key->exposure->tallies[item];
    return tally->update == key->first && tally->stratum == key->second;
}

static bool find_tally(struct exposure *exposure, uint32_t update, uint32_t stratum,
                       struct exposure_tally **tally, struct failure *failure)
{
    struct pair_key key = {.exposure = exposure, .first = update, .second = stratum};
    uint64_t hash = hash_number((uint64_t)update << 32 | stratum);
    uint32_t number = hash_index_find(&exposure->by_tally, hash, same_tally, &key);
    if (number == HASH_INDEX_NONE) {
        if (!make_room((void **)&exposure->tallies, exposure->tally_count,
                       &exposure->tally_capacity, sizeof *exposure->tallies, failure) ||
            !hash_index_add(&exposure->by_tally, hash, exposure->tally_count, failure)) {
            return false;
        }
        number = exposure->tally_count++;
        exposure->tallies[number] = (struct exposure_tally){
            .update = update, .stratum = stratum, .next = exposure->updates[update].first_tally};
        exposure->updates[update].first_tally = number;
    }
    *tally = &exposure->tallies[number];
    return true;
}

/* ---- Installations ---- */

static uint64_t host_mask(const struct exposure *exposure, const struct fleet_host *host)
{
    uint64_t mask = 0;
    for (uint32_t i = host->installs; i != EXPOSURE_NONE; i = exposure->installs[i].next) {
        const struct exposure_install *install = &exposure->installs[i];
        uint32_t slot = exposure->updates[install->update].slot;
        /* Newest first: an update installed twice counts as its last installation. */
        if (install->age_class != 0 && slot != EXPOSURE_NONE && (mask >> (2 * slot) & 3) == 0) {
            mask |= (uint64_t)install->age_class << (2 * slot);
        }
    }
    return mask;
}

bool exposure_refresh(struct exposure *exposure, struct fleet *fleet, uint32_t number,
                      struct failure *failure)
{
    struct fleet_host *host = &fleet->hosts[number];
    uint32_t wanted = EXPOSURE_NONE;
    if (host->state == HOST_HEALTHY) {
        uint32_t stratum;
        if (!find_stratum(exposure, host->segment, host->size_class, &stratum, failure) ||
            !find_cell(exposure, stratum, host_mask(exposure, host), &wanted, failure)) {
            return false;
        }
    }
    if (wanted == host->risk_cell) {
        return true;
    }
    if (host->risk_cell != EXPOSURE_NONE) {
        struct exposure_cell *left = &exposure->cells[host->risk_cell];
        left->at_risk--;
        exposure->strata[left->stratum].masked_at_risk -= left->mask != 0;
    }
    if (wanted != EXPOSURE_NONE) {
        struct exposure_cell *entered = &exposure->cells[wanted];
        entered->at_risk++;
        exposure->strata[entered->stratum].masked_at_risk += entered->mask != 0;
    }
    host->risk_cell = wanted;
    return true;
}

static void follow_update(struct exposure *exposure, uint32_t update)
{
    struct exposure_update *wanted = &exposure->updates[update];
    for (uint32_t slot = 0; wanted->slot == EXPOSURE_NONE && slot < EXPOSURE_SLOTS; slot++) {
        uint32_t holder = exposure->slots[slot];
        if (holder == EXPOSURE_NONE || exposure->updates[holder].exposed_now == 0) {
            if (holder != EXPOSURE_NONE) {
                exposure->updates[holder].slot = EXPOSURE_NONE;
            }
            exposure->slots[slot] = update;
            wanted->slot = slot;
        }
    }
}

/* Frees what is of no more use, oldest last in the list: out of the window, harmless, and beyond
 * the few kept to show. A freed record is no longer in the wheel, as its window has passed. */
static void forget_old_installs(struct exposure *exposure, struct fleet_host *host, int32_t minute)
{
    uint32_t *link = &host->installs;
    for (uint32_t kept = 0; *link != EXPOSURE_NONE; kept++) {
        struct exposure_install *install = &exposure->installs[*link];
        bool over = minute - install->installed / 60 > exposure->window_minutes;
        if (kept >= INSTALLS_KEPT && over && install->affected == EXPOSURE_NONE) {
            uint32_t gone = *link;
            *link = install->next;
            install->next = exposure->free_install;
            exposure->free_install = gone;
        } else {
            link = &install->next;
        }
    }
}

static bool take_record(struct exposure *exposure, uint32_t *record, struct failure *failure)
{
    if (exposure->free_install != EXPOSURE_NONE) {
        *record = exposure->free_install;
        exposure->free_install = exposure->installs[*record].next;
        return true;
    }
    *record = exposure->install_count;
    if (!make_room((void **)&exposure->installs, exposure->install_count,
                   &exposure->install_capacity, sizeof *exposure->installs, failure)) {
        return false;
    }
    exposure->install_count++;
    return true;
}

/* When the record next changes its age class. */
static int32_t next_ageing(const struct exposure *exposure, const struct exposure_install *install)
{
    int32_t installed = install->installed / 60;
    int32_t at = install->age_class == 1   ? installed + AGE_FIRST
                 : install->age_class == 2 ? installed + AGE_SECOND
                                           : installed + exposure->window_minutes;
    int32_t end = installed + exposure->window_minutes;
    return at < end ? at : end;
}

static bool is_known(const struct exposure *exposure, const struct fleet_host *host,
                     uint32_t update, fleet_second installed)
{
    for (uint32_t i = host->installs; i != EXPOSURE_NONE; i = exposure->installs[i].next) {
        const struct exposure_install *install = &exposure->installs[i];
        if (install->update == update && abs(install->installed - installed) < SAME_INSTALL_S) {
            return true;
        }
    }
    return false;
}

/* The newest installation of the update on the host is what exposes it; an older one steps back. */
static void retire_older(struct exposure *exposure, const struct fleet_host *host, uint32_t update)
{
    for (uint32_t i = host->installs; i != EXPOSURE_NONE; i = exposure->installs[i].next) {
        struct exposure_install *install = &exposure->installs[i];
        if (install->update == update && install->age_class != 0) {
            install->age_class = 0;
            exposure->updates[update].exposed_now--;
        }
    }
}

bool exposure_install(struct exposure *exposure, struct fleet *fleet, uint32_t number,
                      uint32_t update, fleet_second installed, int32_t minute, uint32_t *install,
                      struct failure *failure)
{
    struct fleet_host *host = &fleet->hosts[number];
    *install = EXPOSURE_NONE;
    if (is_known(exposure, host, update, installed)) {
        return true;
    }
    retire_older(exposure, host, update);
    if (!take_record(exposure, install, failure)) {
        return false;
    }
    struct exposure_install *record = &exposure->installs[*install];
    *record = (struct exposure_install){.host = number,
                                        .next = host->installs,
                                        .update = update,
                                        .affected = EXPOSURE_NONE,
                                        .installed = installed,
                                        .age_class =
                                            exposure_age_class(exposure, minute - installed / 60)};
    host->installs = *install;
    exposure->updates[update].installed++;
    if (record->age_class != 0) {
        exposure->updates[update].exposed_now++;
        follow_update(exposure, update);
        if (!wheel_put(&exposure->ageing, minute, next_ageing(exposure, record), *install,
                       failure)) {
            return false;
        }
        if (host->state == HOST_HEALTHY) {
            uint32_t stratum;
            struct exposure_tally *tally;
            if (!find_stratum(exposure, host->segment, host->size_class, &stratum, failure) ||
                !find_tally(exposure, update, stratum, &tally, failure)) {
                return false;
            }
            tally->exposed_hosts++;
        }
    }
    forget_old_installs(exposure, host, minute);
    return exposure_refresh(exposure, fleet, number, failure);
}

bool exposure_roll_back(struct exposure *exposure, struct fleet *fleet, uint32_t number,
                        uint32_t update, struct failure *failure)
{
    exposure->updates[update].rolled_back++;
    retire_older(exposure, &fleet->hosts[number], update);
    return exposure_refresh(exposure, fleet, number, failure);
}

static bool age(struct exposure *exposure, struct fleet *fleet, uint32_t number, int32_t minute,
                struct failure *failure)
{
    struct exposure_install *install = &exposure->installs[number];
    if (install->age_class == 0) {
        return true; /* rolled back, or installed again, meanwhile */
    }
    install->age_class = exposure_age_class(exposure, minute - install->installed / 60);
    if (install->age_class == 0) {
        exposure->updates[install->update].exposed_now--;
    } else if (!wheel_put(&exposure->ageing, minute, next_ageing(exposure, install), number,
                          failure)) {
        return false;
    }
    return exposure_refresh(exposure, fleet, install->host, failure);
}

bool exposure_begin_minute(struct exposure *exposure, struct fleet *fleet, int32_t minute,
                           struct failure *failure)
{
    struct wheel_bucket due = wheel_take(&exposure->ageing, minute);
    bool done = true;
    for (uint32_t i = 0; done && i < due.count; i++) {
        done = age(exposure, fleet, due.items[i], minute, failure);
    }
    wheel_done(&exposure->ageing, minute, due);
    return done;
}

/* ---- The end of a minute ---- */

void exposure_note_onset(struct exposure *exposure, const struct fleet_host *host,
                         enum exposure_sign sign, bool thinned)
{
    struct exposure_cell *cell = &exposure->cells[host->risk_cell];
    cell->onsets[sign]++;
    cell->thinned += thinned;
}

/* What one minute of one stratum adds up to, by slot. */
struct minute_sums {
    uint64_t exposed[EXPOSURE_SLOTS];
    uint32_t exposed_onsets[EXPOSURE_SLOTS][SIGN_COUNT];
    uint64_t at_risk;
    uint32_t onsets[SIGN_COUNT];
    uint64_t slots; /* low bit of each pair set for slots in any mask */
    bool any_thinned;
};

static void sum_stratum(const struct exposure *exposure, const struct exposure_stratum *stratum,
                        struct minute_sums *sums)
{
    const uint64_t low_bits = UINT64_C(0x5555555555555555);
    *sums = (struct minute_sums){0};
    for (uint32_t i = stratum->first_cell; i != EXPOSURE_NONE; i = exposure->cells[i].next) {
        const struct exposure_cell *cell = &exposure->cells[i];
        sums->at_risk += cell->at_risk;
        sums->any_thinned |= cell->thinned != 0;
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            sums->onsets[sign] += cell->onsets[sign];
        }
        uint64_t slots = cell->at_risk == 0 ? 0 : (cell->mask | cell->mask >> 1) & low_bits;
        sums->slots |= slots;
        for (; slots != 0; slots &= slots - 1) {
            int slot = __builtin_ctzll(slots) / 2;
            sums->exposed[slot] += cell->at_risk;
            for (int sign = 0; sign < SIGN_COUNT; sign++) {
                sums->exposed_onsets[slot][sign] += cell->onsets[sign];
            }
        }
    }
}

static bool add_to_tallies(struct exposure *exposure, uint32_t number,
                           const struct minute_sums *sums, struct failure *failure)
{
    for (uint64_t slots = sums->slots; slots != 0; slots &= slots - 1) {
        int slot = __builtin_ctzll(slots) / 2;
        struct exposure_tally *tally;
        if (!find_tally(exposure, exposure->slots[slot], number, &tally, failure)) {
            return false;
        }
        tally->exposed_minutes += (double)sums->exposed[slot];
        tally->control_minutes += (double)(sums->at_risk - sums->exposed[slot]);
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            tally->exposed_onsets[sign] += sums->exposed_onsets[slot][sign];
            tally->control_onsets[sign] += sums->onsets[sign] - sums->exposed_onsets[slot][sign];
        }
    }
    return true;
}

static bool add_contrast(struct exposure *exposure, const struct exposure_contrast *contrast,
                         struct failure *failure)
{
    if (exposure->contrast_count == exposure->contrast_capacity) {
        size_t capacity = exposure->contrast_capacity == 0 ? 256 : exposure->contrast_capacity * 2;
        struct exposure_contrast *grown = realloc(exposure->contrasts, capacity * sizeof *grown);
        if (grown == NULL) {
            return failure_memory(failure, "comparing exposed hosts");
        }
        exposure->contrasts = grown;
        exposure->contrast_capacity = capacity;
    }
    exposure->contrasts[exposure->contrast_count++] = *contrast;
    return true;
}

/* Compares, for one slot, each cell without it to the cells that differ from it in that slot. */
static bool contrast_slot(struct exposure *exposure, uint32_t number, int slot,
                          struct failure *failure)
{
    struct exposure_tally *tally;
    if (!find_tally(exposure, exposure->slots[slot], number, &tally, failure)) {
        return false;
    }
    for (uint32_t i = exposure->strata[number].first_cell; i != EXPOSURE_NONE;
         i = exposure->cells[i].next) {
        const struct exposure_cell *control = &exposure->cells[i];
        if ((control->mask >> (2 * slot) & 3) != 0 || control->at_risk == 0) {
            continue;
        }
        struct exposure_contrast contrast = {.update = exposure->slots[slot],
                                             .stratum = number,
                                             .tally = (uint32_t)(tally - exposure->tallies),
                                             .control_at_risk = control->at_risk,
                                             .onsets = control->thinned};
        for (uint64_t age_class = 1; age_class <= 3; age_class++) {
            uint32_t found =
                look_up_cell(exposure, number, control->mask | age_class << (2 * slot));
            if (found != HASH_INDEX_NONE) {
                contrast.exposed_at_risk += exposure->cells[found].at_risk;
                contrast.exposed_onsets += exposure->cells[found].thinned;
            }
        }
        contrast.onsets += contrast.exposed_onsets;
        if (contrast.onsets > 0 && contrast.exposed_at_risk > 0 &&
            !add_contrast(exposure, &contrast, failure)) {
            return false;
        }
    }
    return true;
}

/* Clears the minute's onsets and frees cells nobody is counted in. */
static void sweep_stratum(struct exposure *exposure, struct exposure_stratum *stratum)
{
    uint32_t *link = &stratum->first_cell;
    while (*link != EXPOSURE_NONE) {
        struct exposure_cell *cell = &exposure->cells[*link];
        cell->thinned = 0;
        memset(cell->onsets, 0, sizeof cell->onsets);
        if (cell->at_risk == 0) {
            uint32_t gone = *link;
            hash_index_remove(&exposure->by_cell, cell_hash(cell->stratum, cell->mask), gone);
            *link = cell->next;
            cell->next = exposure->free_cell;
            exposure->free_cell = gone;
        } else {
            link = &cell->next;
        }
    }
}

bool exposure_end_minute(struct exposure *exposure, struct failure *failure)
{
    exposure->contrast_count = 0;
    for (uint32_t number = 0; number < exposure->stratum_count; number++) {
        struct exposure_stratum *stratum = &exposure->strata[number];
        if (stratum->masked_at_risk > 0) {
            struct minute_sums sums;
            sum_stratum(exposure, stratum, &sums);
            if (!add_to_tallies(exposure, number, &sums, failure)) {
                return false;
            }
            for (uint64_t slots = sums.any_thinned ? sums.slots : 0; slots != 0;
                 slots &= slots - 1) {
                if (!contrast_slot(exposure, number, __builtin_ctzll(slots) / 2, failure)) {
                    return false;
                }
            }
        }
        sweep_stratum(exposure, stratum);
    }
    return true;
}
