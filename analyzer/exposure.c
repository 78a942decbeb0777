/* Risk sets by stratum and mask; see exposure.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exposure.h"

#include <stdlib.h>

#include "analyzer/exposure_cells.h"

/* Installations remembered for a host beyond those in the window or known to have harmed it. */
#define INSTALLS_KEPT 4

/* Told again with another latency or a corrected clock, an installation moves by seconds. */
#define SAME_INSTALL_S 300

/* So many items ahead a line of memory is asked for; see analysis_place.c. */
#define AHEAD 16U

void exposure_init(struct exposure *exposure, int32_t window_minutes,
                   const struct segments *segments)
{
    *exposure = (struct exposure){.window_minutes = window_minutes,
                                  .segments = segments,
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
    free(exposure->members);
    free(exposure->leftovers);
    hash_index_free(&exposure->by_stratum);
    hash_index_free(&exposure->by_cell);
    hash_index_free(&exposure->by_tally);
    wheel_free(&exposure->ageing);
    free(exposure->settle_at);
    *exposure = (struct exposure){0};
}

bool exposure_know_update(struct exposure *exposure, uint32_t update, struct failure *failure)
{
    while (exposure->update_count <= update) {
        if (!exposure_make_room((void **)&exposure->updates, exposure->update_count,
                                &exposure->update_capacity, sizeof *exposure->updates, failure)) {
            return false;
        }
        exposure->updates[exposure->update_count++] = (struct exposure_update){
            .slot = EXPOSURE_NONE, .first_tally = EXPOSURE_NONE, .first_seen = INT32_MAX};
    }
    return true;
}

static int32_t patience_minutes(const struct fleet_host *host)
{
    return (fleet_patience_s(host) + 59) / 60;
}

int32_t exposure_window_minutes(const struct exposure *exposure, const struct fleet_host *host)
{
    int32_t least = patience_minutes(host) + 2 * host->interval_s / 60;
    return exposure->window_minutes > least ? exposure->window_minutes : least;
}

/* How long the host counts as exposed: the window, and as long as it takes to find it pinned. */
static int32_t exposed_minutes(const struct exposure *exposure, const struct fleet_host *host)
{
    return exposure_window_minutes(exposure, host) + (2 * host->interval_s + 59) / 60;
}

uint8_t exposure_age_class(const struct exposure *exposure, const struct fleet_host *host,
                           int32_t age_minutes)
{
    if (age_minutes >= exposed_minutes(exposure, host)) {
        return 0;
    }
    int32_t patience = patience_minutes(host);
    return age_minutes < patience ? EXPOSURE_FRESH : age_minutes < 2 * patience ? 2 : 3;
}

/* The age at which a class is left. */
static int32_t class_ends(const struct exposure *exposure, const struct fleet_host *host,
                          uint8_t age_class)
{
    return age_class == 3 ? exposed_minutes(exposure, host) : age_class * patience_minutes(host);
}

bool exposure_covers(const struct exposure *exposure, const struct fleet_host *host,
                     fleet_second installed, fleet_second began)
{
    return installed <= began + host->interval_s &&
           began - installed <= exposure_window_minutes(exposure, host) * 60;
}

/* ---- Installations ---- */

static int32_t heard_minute(const struct exposure_install *install)
{
    return install->installed / 60 + install->heard_after_min;
}

static uint8_t arrival_class(const struct exposure *exposure, const struct fleet_host *host)
{
    return exposure_age_class(exposure, host, exposure->minute - host->since / 60);
}

static uint64_t host_mask(const struct exposure *exposure, const struct fleet_host *host)
{
    uint64_t mask = (uint64_t)arrival_class(exposure, host) << (2 * EXPOSURE_ARRIVAL_SLOT);
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

/* A host that falls ill and recovers within a minute turns healthy anew without ever leaving. */
static bool arrives(const struct exposure *exposure, uint32_t left, uint32_t entered)
{
    return entered != EXPOSURE_NONE &&
           (left == EXPOSURE_NONE ||
            exposure->cells[left].mask >> (2 * EXPOSURE_ARRIVAL_SLOT) !=
                exposure->cells[entered].mask >> (2 * EXPOSURE_ARRIVAL_SLOT));
}

static bool has_updates(uint64_t mask)
{
    return (mask & ~(UINT64_C(3) << (2 * EXPOSURE_ARRIVAL_SLOT))) != 0;
}

/* The minute in which a healthy host is next longer healthy by a class; INT32_MAX: never. */
static int32_t settles_at(const struct exposure *exposure, const struct fleet_host *host)
{
    uint8_t age_class = arrival_class(exposure, host);
    return age_class == 0 ? INT32_MAX : host->since / 60 + class_ends(exposure, host, age_class);
}

static bool reach_blocks(struct exposure *exposure, const struct fleet *fleet,
                         struct failure *failure)
{
    uint32_t count = fleet->capacity / FLEET_BLOCK;
    int32_t *settle_at = realloc(exposure->settle_at, count * sizeof *settle_at);
    if (settle_at == NULL) {
        return failure_memory(failure, "counting who is exposed");
    }
    for (uint32_t i = exposure->block_count; i < count; i++) {
        settle_at[i] = INT32_MAX;
    }
    exposure->settle_at = settle_at;
    exposure->block_count = count;
    return true;
}

static bool watch_settling(struct exposure *exposure, const struct fleet *fleet, uint32_t number,
                           struct failure *failure)
{
    uint32_t block = number / FLEET_BLOCK;
    if (block >= exposure->block_count && !reach_blocks(exposure, fleet, failure)) {
        return false;
    }
    int32_t minute = settles_at(exposure, &fleet->hosts[number]);
    if (minute < exposure->settle_at[block]) {
        exposure->settle_at[block] = minute;
    }
    return true;
}

/* A host mostly stays in its stratum when it changes cells. */
static bool find_stratum_of(struct exposure *exposure, const struct fleet_host *host,
                            uint32_t *number, struct failure *failure)
{
    if (host->risk_cell != EXPOSURE_NONE) {
        *number = exposure->cells[host->risk_cell].stratum;
        const struct exposure_stratum *stratum = &exposure->strata[*number];
        if (stratum->segment == host->segment && stratum->size_class == host->size_class) {
            return true;
        }
    }
    return exposure_find_stratum(exposure, host->segment, host->size_class, number, failure);
}

bool exposure_refresh(struct exposure *exposure, struct fleet *fleet, uint32_t number,
                      struct failure *failure)
{
    struct fleet_host *host = &fleet->hosts[number];
    uint32_t wanted = EXPOSURE_NONE;
    if (host->state == HOST_HEALTHY) {
        uint32_t stratum;
        if (!find_stratum_of(exposure, host, &stratum, failure) ||
            !exposure_find_cell(exposure, stratum, host_mask(exposure, host), &wanted, failure)) {
            return false;
        }
    }
    if (wanted == host->risk_cell) {
        return true;
    }
    if (arrives(exposure, host->risk_cell, wanted) &&
        !watch_settling(exposure, fleet, number, failure)) {
        return false;
    }
    if (host->risk_cell != EXPOSURE_NONE) {
        struct exposure_cell *left = &exposure->cells[host->risk_cell];
        left->at_risk--;
        exposure->strata[left->stratum].masked_at_risk -= has_updates(left->mask);
    }
    if (wanted != EXPOSURE_NONE) {
        struct exposure_cell *entered = &exposure->cells[wanted];
        entered->at_risk++;
        exposure->strata[entered->stratum].masked_at_risk += has_updates(entered->mask);
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

/* Frees what is of no more use, oldest last in the list: no longer exposed, harmless, and
 * beyond the few kept to show. A freed record is no longer in the wheel, as its time has passed. */
static void forget_old_installs(struct exposure *exposure, struct fleet_host *host, int32_t minute)
{
    uint32_t *link = &host->installs;
    for (uint32_t kept = 0; *link != EXPOSURE_NONE; kept++) {
        struct exposure_install *install = &exposure->installs[*link];
        bool over = install->age_class == 0 &&
                    minute - heard_minute(install) > exposed_minutes(exposure, host);
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
    if (!exposure_make_room((void **)&exposure->installs, exposure->install_count,
                            &exposure->install_capacity, sizeof *exposure->installs, failure)) {
        return false;
    }
    exposure->install_count++;
    return true;
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

/* Of an older one it was told before: reports come late, and out of order. */
static bool is_newest(const struct exposure *exposure, const struct fleet_host *host,
                      uint32_t update, fleet_second installed)
{
    for (uint32_t i = host->installs; i != EXPOSURE_NONE; i = exposure->installs[i].next) {
        const struct exposure_install *install = &exposure->installs[i];
        if (install->update == update && install->installed > installed) {
            return false;
        }
    }
    return true;
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
    bool newest = is_newest(exposure, host, update, installed);
    if (newest) {
        retire_older(exposure, host, update);
    }
    if (!take_record(exposure, install, failure)) {
        return false;
    }
    struct exposure_install *record = &exposure->installs[*install];
    int32_t heard_after = minute - installed / 60;
    /* What was installed longer ago than the window is told too late to learn from. */
    bool exposes = newest && heard_after < exposure_window_minutes(exposure, host);
    *record = (struct exposure_install){
        .host = number,
        .next = host->installs,
        .update = update,
        .affected = EXPOSURE_NONE,
        .installed = installed,
        .heard_after_min = (uint16_t)(exposes && heard_after > 0 ? heard_after : 0),
        .age_class = exposes ? exposure_age_class(exposure, host, 0) : 0};
    host->installs = *install;
    exposure->updates[update].installed++;
    if (record->age_class != 0) {
        exposure->updates[update].exposed_now++;
        follow_update(exposure, update);
        if (!wheel_put(&exposure->ageing, minute,
                       heard_minute(record) + class_ends(exposure, host, record->age_class),
                       *install, failure)) {
            return false;
        }
        if (host->state == HOST_HEALTHY) {
            uint32_t stratum;
            struct exposure_tally *tally;
            if (!find_stratum_of(exposure, host, &stratum, failure) ||
                !exposure_find_tally(exposure, update, stratum, &tally, failure)) {
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
    bool known = false;
    bool taken_back = true;
    for (uint32_t i = fleet->hosts[number].installs; i != EXPOSURE_NONE;
         i = exposure->installs[i].next) {
        struct exposure_install *install = &exposure->installs[i];
        if (install->update == update) {
            known = true;
            taken_back &= install->taken_back;
            install->taken_back = true;
        }
    }
    if (known && taken_back) {
        return true; /* it is told again */
    }
    exposure->updates[update].rolled_back++;
    retire_older(exposure, &fleet->hosts[number], update);
    return exposure_refresh(exposure, fleet, number, failure);
}

void exposure_forget(struct exposure *exposure, uint32_t update)
{
    for (uint32_t i = exposure->updates[update].first_tally; i != EXPOSURE_NONE;
         i = exposure->tallies[i].next) {
        struct exposure_tally *tally = &exposure->tallies[i];
        *tally = (struct exposure_tally){
            .update = update, .stratum = tally->stratum, .next = tally->next};
    }
    exposure->updates[update].mate_count = 0;
}

static bool age(struct exposure *exposure, struct fleet *fleet, uint32_t number, int32_t minute,
                struct failure *failure)
{
    struct exposure_install *install = &exposure->installs[number];
    if (install->age_class == 0) {
        return true; /* rolled back, or installed again, meanwhile */
    }
    const struct fleet_host *host = &fleet->hosts[install->host];
    install->age_class = exposure_age_class(exposure, host, minute - heard_minute(install));
    if (install->age_class == 0) {
        exposure->updates[install->update].exposed_now--;
    } else if (!wheel_put(&exposure->ageing, minute,
                          heard_minute(install) + class_ends(exposure, host, install->age_class),
                          number, failure)) {
        return false;
    }
    return exposure_refresh(exposure, fleet, install->host, failure);
}

/* Counts the healthy of a block anew who are longer healthy by a class, and finds its next time. */
static bool settle_block(struct exposure *exposure, struct fleet *fleet, uint32_t block,
                         struct failure *failure)
{
    uint32_t begin = block * FLEET_BLOCK;
    uint32_t end = fleet->count - begin < FLEET_BLOCK ? fleet->count : begin + FLEET_BLOCK;
    int32_t next = INT32_MAX;
    for (uint32_t number = begin; number < end; number++) {
        const struct fleet_host *host = &fleet->hosts[number];
        if (host->risk_cell == EXPOSURE_NONE) {
            continue;
        }
        uint64_t mask = exposure->cells[host->risk_cell].mask;
        if (mask >> (2 * EXPOSURE_ARRIVAL_SLOT) != arrival_class(exposure, host) &&
            !exposure_refresh(exposure, fleet, number, failure)) {
            return false;
        }
        int32_t minute = settles_at(exposure, host);
        next = minute < next ? minute : next;
    }
    exposure->settle_at[block] = next;
    return true;
}

bool exposure_begin_minute(struct exposure *exposure, struct fleet *fleet, int32_t minute,
                           struct failure *failure)
{
    exposure->minute = minute;
    bool done = true;
    struct wheel_bucket due = wheel_take(&exposure->ageing, minute);
    for (uint32_t i = 0; done && i < due.count; i++) {
        if (i + 2 * AHEAD < due.count) {
            __builtin_prefetch(&exposure->installs[due.items[i + 2 * AHEAD]], 1);
        }
        if (i + AHEAD < due.count) {
            __builtin_prefetch(&fleet->hosts[exposure->installs[due.items[i + AHEAD]].host], 1);
        }
        done = age(exposure, fleet, due.items[i], minute, failure);
    }
    wheel_done(&exposure->ageing, minute, due);
    for (uint32_t block = 0; done && block < exposure->block_count; block++) {
        if (exposure->settle_at[block] <= minute) {
            done = settle_block(exposure, fleet, block, failure);
        }
    }
    return done;
}
