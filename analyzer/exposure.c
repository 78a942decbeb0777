/* Risk sets by stratum and mask; see exposure.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exposure.h"

#include <stdlib.h>

#include "analyzer/exposure_age.h"
#include "analyzer/exposure_cells.h"
#include "analyzer/exposure_refresh.h"

/* Installations remembered for a host beyond those in the window or known to have harmed it. */
#define INSTALLS_KEPT 4

/* Told again with another latency or a corrected clock, an installation moves by seconds. */
#define SAME_INSTALL_S 300

/* So many items ahead a line of memory is asked for; see analysis_place.c. */
#define AHEAD 24U

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

int32_t exposure_window_minutes(const struct exposure *exposure, const struct fleet_host *host)
{
    return age_window(exposure, host);
}

bool exposure_covers(const struct exposure *exposure, const struct fleet_host *host,
                     fleet_second installed, fleet_second began)
{
    return installed <= began + host->interval_s &&
           began - installed <= age_window(exposure, host) * 60;
}

/* ---- Installations ---- */

static int32_t heard_minute(const struct exposure_install *install)
{
    return install->installed / 60 + install->heard_after_min;
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
        bool over =
            install->age_class == 0 && minute - heard_minute(install) > age_exposed(exposure, host);
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
    bool exposes = newest && heard_after < age_window(exposure, host);
    *record = (struct exposure_install){
        .host = number,
        .next = host->installs,
        .update = update,
        .affected = EXPOSURE_NONE,
        .installed = installed,
        .heard_after_min = (uint16_t)(exposes && heard_after > 0 ? heard_after : 0),
        .age_class = exposes ? age_class_of(exposure, host, 0) : 0};
    host->installs = *install;
    exposure->updates[update].installed++;
    if (record->age_class != 0) {
        exposure->updates[update].exposed_now++;
        follow_update(exposure, update);
        if (!wheel_put(&exposure->ageing, minute,
                       heard_minute(record) + age_class_ends(exposure, host, record->age_class),
                       *install, failure)) {
            return false;
        }
        if (host->state == HOST_HEALTHY) {
            uint32_t stratum;
            struct exposure_tally *tally;
            if (!exposure_stratum_of(exposure, host, &stratum, failure) ||
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

/* Puts the installation into the class of its age and down for the end of that. */
static bool age(struct exposure *exposure, const struct fleet_host *host, uint32_t number,
                int32_t minute, struct failure *failure)
{
    struct exposure_install *install = &exposure->installs[number];
    install->age_class = age_class_of(exposure, host, minute - heard_minute(install));
    if (install->age_class == 0) {
        exposure->updates[install->update].exposed_now--;
        return true;
    }
    return wheel_put(&exposure->ageing, minute,
                     heard_minute(install) + age_class_ends(exposure, host, install->age_class),
                     number, failure);
}

/* Ages what is due, and counts anew the hosts it is on, each once. */
static bool age_all(struct exposure *exposure, struct fleet *fleet, struct wheel_bucket due,
                    struct failure *failure)
{
    uint32_t *hosts = malloc(((size_t)due.count + 1) * sizeof *hosts);
    if (hosts == NULL) {
        return failure_memory(failure, "counting who is exposed");
    }
    uint32_t count = 0;
    bool done = true;
    for (uint32_t i = 0; done && i < due.count; i++) {
        if (i + 2 * AHEAD < due.count) {
            __builtin_prefetch(&exposure->installs[due.items[i + 2 * AHEAD]], 1);
        }
        if (i + AHEAD < due.count) {
            __builtin_prefetch(&fleet->hosts[exposure->installs[due.items[i + AHEAD]].host], 1);
        }
        const struct exposure_install *install = &exposure->installs[due.items[i]];
        if (install->age_class == 0) {
            continue; /* rolled back, or installed again, meanwhile */
        }
        struct fleet_host *host = &fleet->hosts[install->host];
        if (!host->event_noted) {
            host->event_noted = 1;
            hosts[count++] = install->host;
        }
        done = age(exposure, host, due.items[i], exposure->minute, failure);
    }
    for (uint32_t i = 0; i < count; i++) {
        fleet->hosts[hosts[i]].event_noted = 0;
    }
    done = done && exposure_refresh_all(exposure, fleet, hosts, count, failure);
    free(hosts);
    return done;
}

bool exposure_begin_minute(struct exposure *exposure, struct fleet *fleet, int32_t minute,
                           struct failure *failure)
{
    exposure->minute = minute;
    struct wheel_bucket due = wheel_take(&exposure->ageing, minute);
    bool done = due.count == 0 || age_all(exposure, fleet, due, failure);
    wheel_done(&exposure->ageing, minute, due);
    return done && exposure_settle(exposure, fleet, failure);
}
