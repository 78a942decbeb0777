/* Risk sets by stratum and mask; see exposure.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exposure.h"

#include <stdlib.h>

#include "analyzer/exposure_age.h"
#include "analyzer/exposure_cells.h"
#include "analyzer/exposure_part.h"
#include "analyzer/exposure_refresh.h"

/* Installations remembered for a host beyond those in the window or known to have harmed it. */
#define INSTALLS_KEPT 4

/* Told again with another latency or a corrected clock, an installation moves by seconds. */
#define SAME_INSTALL_S 300

void exposure_init(struct exposure *exposure, int32_t window_minutes,
                   const struct segments *segments)
{
    *exposure = (struct exposure){
        .window_minutes = window_minutes, .segments = segments, .free_cell = EXPOSURE_NONE};
    for (size_t i = 0; i < EXPOSURE_SLOTS; i++) {
        exposure->slots[i] = EXPOSURE_NONE;
    }
}

void exposure_free(struct exposure *exposure)
{
    free(exposure->updates);
    free(exposure->installs);
    free(exposure->free_installs);
    free(exposure->strata);
    free(exposure->cells);
    free(exposure->tallies);
    free(exposure->contrasts);
    free(exposure->members);
    free(exposure->alone_members);
    free(exposure->leftovers);
    free(exposure->told);
    free(exposure->awaited);
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

/* ---- Slots ---- */

bool exposure_want(struct exposure_part *part, const struct fleet_host *host, uint32_t update,
                   fleet_second installed, struct failure *failure)
{
    struct exposure *exposure = part->exposure;
    bool exposes = exposure->minute - installed / 60 < age_window(exposure, host);
    if (!exposes || part->updates[update].is_wanted) {
        return true;
    }
    part->updates[update].is_wanted = true;
    return exposure_list(&part->wanted, &part->wanted_count, &part->wanted_capacity, update,
                         failure);
}

static bool is_of_use(const struct exposure_parts *parts, uint32_t update)
{
    uint64_t exposed = parts->exposure->updates[update].exposed_now;
    bool is_wanted = false;
    for (unsigned p = 0; p < parts->count; p++) {
        const struct exposure_part_update *apart = &parts->part[p].updates[update];
        exposed += (uint64_t)(int64_t)apart->exposed; /* modulo 2^64 */
        is_wanted |= apart->is_wanted;
    }
    return exposed > 0 || is_wanted;
}

static void follow_update(const struct exposure_parts *parts, uint32_t update)
{
    struct exposure *exposure = parts->exposure;
    struct exposure_update *wanted = &exposure->updates[update];
    for (uint32_t slot = 0; wanted->slot == EXPOSURE_NONE && slot < EXPOSURE_SLOTS; slot++) {
        uint32_t holder = exposure->slots[slot];
        if (holder == EXPOSURE_NONE || !is_of_use(parts, holder)) {
            if (holder != EXPOSURE_NONE) {
                exposure->updates[holder].slot = EXPOSURE_NONE;
            }
            exposure->slots[slot] = update;
            wanted->slot = slot;
        }
    }
}

void exposure_follow(struct exposure_parts *parts)
{
    for (unsigned p = 0; p < parts->count; p++) {
        for (uint32_t i = 0; i < parts->part[p].wanted_count; i++) {
            follow_update(parts, parts->part[p].wanted[i]);
        }
    }
}

/* ---- Records ---- */

/* Which record is the i-th that is given away in a minute? Those of no more use first. */
static uint32_t record_number(const struct exposure *exposure, uint32_t i)
{
    uint32_t free_count = exposure->free_install_count;
    return i < free_count ? exposure->free_installs[free_count - 1 - i]
                          : exposure->install_count + (i - free_count);
}

bool exposure_let_install(struct exposure_parts *parts, const uint32_t *most,
                          struct failure *failure)
{
    struct exposure *exposure = parts->exposure;
    for (unsigned p = 0; p < parts->count; p++) {
        struct exposure_part *part = &parts->part[p];
        part->next_record = parts->records;
        parts->records += most[p];
        part->records_end = parts->records;
        part->tally_hosts = calloc((size_t)exposure->tally_count + 1, sizeof *part->tally_hosts);
        if (part->tally_hosts == NULL) {
            return failure_memory(failure, "counting exposed hosts");
        }
    }
    while (exposure->install_capacity - exposure->install_count < parts->records) {
        if (!exposure_make_room((void **)&exposure->installs, exposure->install_capacity,
                                &exposure->install_capacity, sizeof *exposure->installs, failure)) {
            return false;
        }
    }
    return true;
}

static bool free_record(struct exposure_part *part, uint32_t record, struct failure *failure)
{
    part->exposure->installs[record] = (struct exposure_install){
        .host = EXPOSURE_NONE, .update = EXPOSURE_NONE, .affected = EXPOSURE_NONE};
    return exposure_list(&part->freed, &part->freed_count, &part->freed_capacity, record, failure);
}

bool exposure_join_records(struct exposure_parts *parts, struct failure *failure)
{
    struct exposure *exposure = parts->exposure;
    for (unsigned p = 0; p < parts->count; p++) {
        struct exposure_part *part = &parts->part[p];
        for (; part->next_record < part->records_end; part->next_record++) {
            if (!free_record(part, record_number(exposure, part->next_record), failure)) {
                return false;
            }
        }
    }
    uint32_t from_free = parts->records < exposure->free_install_count
                             ? parts->records
                             : exposure->free_install_count;
    exposure->free_install_count -= from_free;
    exposure->install_count += parts->records - from_free;
    for (unsigned p = 0; p < parts->count; p++) {
        const struct exposure_part *part = &parts->part[p];
        for (uint32_t i = 0; i < part->freed_count; i++) {
            if (!exposure_list(&exposure->free_installs, &exposure->free_install_count,
                               &exposure->free_install_capacity, part->freed[i], failure)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- Installations ---- */

static int32_t heard_minute(const struct exposure_install *install)
{
    return install->installed / 60 + install->heard_after_min;
}

/* The one before it, where that is kept, stands for it: a roll-back still to come is the first. */
static void leave_to_older(const struct exposure *exposure, const struct exposure_install *gone)
{
    for (uint32_t i = gone->next; i != EXPOSURE_NONE; i = exposure->installs[i].next) {
        struct exposure_install *older = &exposure->installs[i];
        older->taken_back &= older->update != gone->update || gone->taken_back;
    }
}

/* Frees what is of no more use, oldest last in the list: no longer exposed, harmless, beyond the
 * few kept to show, and out of the wheel, which has it for longer where the host's interval was
 * longer when it was put down. */
static bool forget_old_installs(struct exposure_part *part, struct fleet_host *host,
                                struct failure *failure)
{
    const struct exposure *exposure = part->exposure;
    uint32_t *link = &host->installs;
    for (uint32_t kept = 0; *link != EXPOSURE_NONE; kept++) {
        struct exposure_install *install = &exposure->installs[*link];
        bool over = install->age_class == 0 &&
                    exposure->minute - heard_minute(install) > age_exposed(exposure, host);
        if (kept >= INSTALLS_KEPT && over && !install->is_due &&
            install->affected == EXPOSURE_NONE) {
            uint32_t gone = *link;
            leave_to_older(exposure, install);
            *link = install->next;
            if (!free_record(part, gone, failure)) {
                return false;
            }
        } else {
            link = &install->next;
        }
    }
    return true;
}

/* Told at about the same time, or while the host is exposed to the update already: agents that tell
 * in each report what they have, as of now, would make it fresh each time, until it fell silent,
 * and so all silence look like the update's doing. */
static bool is_known(const struct exposure *exposure, const struct fleet_host *host,
                     uint32_t update, fleet_second installed)
{
    for (uint32_t i = host->installs; i != EXPOSURE_NONE; i = exposure->installs[i].next) {
        const struct exposure_install *install = &exposure->installs[i];
        if (install->update == update &&
            (install->age_class != 0 || abs(install->installed - installed) < SAME_INSTALL_S)) {
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

/* By whichever of its installations the host is exposed to the update. */
static void end_exposure(struct exposure_part *part, const struct fleet_host *host, uint32_t update)
{
    const struct exposure *exposure = part->exposure;
    for (uint32_t i = host->installs; i != EXPOSURE_NONE; i = exposure->installs[i].next) {
        struct exposure_install *install = &exposure->installs[i];
        if (install->update == update && install->age_class != 0) {
            install->age_class = 0;
            part->updates[update].exposed--;
        }
    }
}

void exposure_see(struct exposure_part *part, uint32_t update, fleet_second received)
{
    struct exposure_part_update *seen = &part->updates[update];
    if (!seen->is_seen || received < seen->first_seen) {
        seen->first_seen = received;
        seen->is_seen = true;
    }
}

/* A host newly exposed, in the tally of its stratum. */
static bool count_newcomer(struct exposure_part *part, uint32_t number, uint32_t update,
                           struct failure *failure)
{
    const struct exposure *exposure = part->exposure;
    uint32_t stratum = exposure_stratum_of(exposure, &part->fleet->hosts[number]);
    uint32_t tally = stratum == EXPOSURE_NONE ? EXPOSURE_NONE
                                              : exposure_look_up_tally(exposure, update, stratum);
    if (tally != EXPOSURE_NONE) {
        part->tally_hosts[tally]++;
        return true;
    }
    if (!exposure_make_room((void **)&part->newcomers, part->newcomer_count,
                            &part->newcomer_capacity, sizeof *part->newcomers, failure)) {
        return false;
    }
    part->newcomers[part->newcomer_count++] =
        (struct exposure_newcomer){.update = update, .host = number};
    return true;
}

bool exposure_install(struct exposure_part *part, uint32_t number, uint32_t update,
                      fleet_second installed, uint32_t *install, struct failure *failure)
{
    struct exposure *exposure = part->exposure;
    struct fleet_host *host = &part->fleet->hosts[number];
    *install = EXPOSURE_NONE;
    if (is_known(exposure, host, update, installed)) {
        return true;
    }
    bool newest = is_newest(exposure, host, update, installed);
    *install = record_number(exposure, part->next_record++);
    struct exposure_install *record = &exposure->installs[*install];
    int32_t heard_after = exposure->minute - installed / 60;
    /* What was installed longer ago than the window is told too late to learn from. */
    bool exposes = newest && heard_after < age_window(exposure, host);
    *record = (struct exposure_install){
        .host = number,
        .next = host->installs,
        .update = update,
        .affected = EXPOSURE_NONE,
        .installed = installed,
        .heard_after_min = (uint16_t)(exposes && heard_after > 0 ? heard_after : 0),
        .age_class = exposes ? age_class_of(exposure, host, 0) : 0,
        .is_due = exposes};
    host->installs = *install;
    part->updates[update].installed++;
    if (record->age_class != 0) {
        if (!exposure_list(&part->told, &part->told_count, &part->told_capacity, number, failure)) {
            return false;
        }
        host->has_told = true;
        part->updates[update].exposed++;
        int32_t ends = heard_minute(record) + age_class_ends(exposure, host, record->age_class);
        if (!wheel_put(&part->ageing, exposure->minute, ends, *install, failure) ||
            (host->state == HOST_HEALTHY && !count_newcomer(part, number, update, failure))) {
            return false;
        }
    }
    return forget_old_installs(part, host, failure);
}

void exposure_roll_back(struct exposure_part *part, uint32_t number, uint32_t update)
{
    const struct exposure *exposure = part->exposure;
    const struct fleet_host *host = &part->fleet->hosts[number];
    bool known = false;
    bool taken_back = true;
    for (uint32_t i = host->installs; i != EXPOSURE_NONE; i = exposure->installs[i].next) {
        struct exposure_install *install = &exposure->installs[i];
        if (install->update == update) {
            known = true;
            taken_back &= install->taken_back;
            install->taken_back = true;
        }
    }
    if (known && taken_back) {
        return; /* it is told again */
    }
    part->updates[update].rolled_back++;
    end_exposure(part, host, update);
}

bool exposure_age(struct exposure_part *part, uint32_t number, struct failure *failure)
{
    const struct exposure *exposure = part->exposure;
    struct exposure_install *install = &exposure->installs[number];
    const struct fleet_host *host = &part->fleet->hosts[install->host];
    install->age_class = age_class_of(exposure, host, exposure->minute - heard_minute(install));
    install->is_due = install->age_class != 0;
    if (!install->is_due) {
        part->updates[install->update].exposed--;
        return true;
    }
    return wheel_put(&part->ageing, exposure->minute,
                     heard_minute(install) + age_class_ends(exposure, host, install->age_class),
                     number, failure);
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
