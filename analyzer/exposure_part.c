/* Where is each host counted, by threads side by side? See exposure_part.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exposure_part.h"

#include <stdlib.h>

#include "analyzer/deadline.h"
#include "analyzer/exposure_age.h"
#include "analyzer/exposure_cells.h"
#include "analyzer/exposure_mask.h"
#include "analyzer/exposure_refresh.h"

/* ---- Open ---- */

bool exposure_open_parts(struct exposure_parts *parts, struct exposure *exposure,
                         struct fleet *fleet, unsigned count, struct failure *failure)
{
    parts->exposure = exposure;
    parts->fleet = fleet;
    parts->count = count;
    if (!exposure_reach_blocks(exposure, fleet, failure)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        struct exposure_part *part = &parts->part[i];
        *part = (struct exposure_part){.exposure = exposure, .fleet = fleet};
        part->cells = calloc((size_t)exposure->cell_count + 1, sizeof *part->cells);
        part->updates = calloc((size_t)exposure->update_count + 1, sizeof *part->updates);
        if (part->cells == NULL || part->updates == NULL) {
            return failure_memory(failure, "counting who is exposed");
        }
    }
    return true;
}

void exposure_free_parts(struct exposure_parts *parts)
{
    for (unsigned i = 0; i < parts->count; i++) {
        struct exposure_part *part = &parts->part[i];
        free(part->cells);
        free(part->fresh);
        hash_index_free(&part->by_key);
        free(part->settlers);
        free(part->movers);
        free(part->updates);
        free(part->tally_hosts);
        free(part->newcomers);
        free(part->wanted);
        free(part->freed);
        free(part->told);
        free(part->awaited);
        wheel_free(&part->ageing);
        *part = (struct exposure_part){0};
    }
    parts->count = 0;
}

/* ---- One host ---- */

/* Whether a host that goes from a cell to one of this mask has just turned healthy. One that falls
 * ill and recovers within a minute does so without ever leaving. */
static bool arrives(const struct exposure *exposure, uint32_t left, uint64_t mask)
{
    return left == EXPOSURE_NONE ||
           exposure_class(exposure->cells[left].mask, EXPOSURE_ARRIVAL_SLOT) !=
               exposure_class(mask, EXPOSURE_ARRIVAL_SLOT);
}

static bool is_of_stratum(const struct exposure *exposure, const struct fleet_host *host,
                          uint32_t number)
{
    const struct exposure_stratum *stratum = &exposure->strata[number];
    return stratum->segment == host->segment && stratum->size_class == host->size_class;
}

uint32_t exposure_stratum_of(const struct exposure *exposure, const struct fleet_host *host)
{
    if (host->risk_cell < EXPOSURE_PENDING) {
        uint32_t number = exposure->cells[host->risk_cell].stratum;
        if (is_of_stratum(exposure, host, number)) {
            return number; /* a host mostly stays in its stratum when it changes cells */
        }
    }
    return exposure_look_up_stratum(exposure, host->segment, host->size_class);
}

/* The cell a healthy host belongs in, or EXPOSURE_NONE where there is none yet. */
static uint32_t look_up(const struct exposure_part *part, const struct fleet_host *host,
                        uint64_t mask)
{
    const struct exposure *exposure = part->exposure;
    uint32_t stratum = exposure_stratum_of(exposure, host);
    if (stratum == EXPOSURE_NONE) {
        return EXPOSURE_NONE;
    }
    if (host->risk_cell == EXPOSURE_NONE || exposure->cells[host->risk_cell].stratum != stratum) {
        return exposure_look_up_cell(exposure, stratum, mask);
    }
    uint32_t *towards = &part->cells[host->risk_cell].towards;
    if (*towards == 0 || exposure->cells[*towards - 1].mask != mask) {
        *towards = exposure_look_up_cell(exposure, stratum, mask) + 1; /* none: 0 */
    }
    return *towards - 1;
}

struct fresh_key {
    const struct exposure_part *part;
    const struct fleet_host *host;
    uint64_t mask;
};

static bool same_fresh(const void *context, uint32_t item)
{
    const struct fresh_key *key = context;
    const struct exposure_fresh_cell *fresh = &key->part->fresh[item];
    return fresh->mask == key->mask && fresh->segment == key->host->segment &&
           fresh->size_class == key->host->size_class;
}

static bool go_to_fresh(struct exposure_part *part, uint32_t number, uint64_t mask,
                        struct failure *failure)
{
    const struct fleet_host *host = &part->fleet->hosts[number];
    struct fresh_key key = {.part = part, .host = host, .mask = mask};
    uint64_t hash =
        hash_number(hash_number(mask) + ((uint64_t)host->segment << 8) + host->size_class);
    uint32_t found = hash_index_find(&part->by_key, hash, same_fresh, &key);
    if (found == HASH_INDEX_NONE) {
        found = part->fresh_count;
        if (!exposure_make_room((void **)&part->fresh, found, &part->fresh_capacity,
                                sizeof *part->fresh, failure) ||
            !hash_index_add(&part->by_key, hash, found, failure)) {
            return false;
        }
        part->fresh[part->fresh_count++] = (struct exposure_fresh_cell){
            .mask = mask, .segment = host->segment, .size_class = host->size_class};
    }
    if (!exposure_make_room((void **)&part->settlers, part->settler_count, &part->settler_capacity,
                            sizeof *part->settlers, failure)) {
        return false;
    }
    part->settlers[part->settler_count++] =
        (struct exposure_settler){.host = number, .fresh = found};
    part->fresh[found].entered++;
    return true;
}

/* EXPOSURE_PENDING where there is none yet. */
static bool find_wanted(struct exposure_part *part, uint32_t number, uint64_t mask,
                        uint32_t *wanted, struct failure *failure)
{
    *wanted = look_up(part, &part->fleet->hosts[number], mask);
    if (*wanted != EXPOSURE_NONE) {
        return true;
    }
    *wanted = EXPOSURE_PENDING;
    return go_to_fresh(part, number, mask, failure);
}

static void move(struct exposure_part *part, struct fleet_host *host, uint32_t wanted)
{
    if (wanted == host->risk_cell) {
        return;
    }
    if (host->risk_cell != EXPOSURE_NONE) {
        part->cells[host->risk_cell].moved--;
    }
    if (wanted < EXPOSURE_PENDING) {
        part->cells[wanted].moved++;
    }
    host->risk_cell = wanted;
}

/* Notes that a host which is counted already is so in a stratum it is no longer of. */
static bool note_mover(struct exposure_part *part, uint32_t number, struct failure *failure)
{
    const struct fleet_host *host = &part->fleet->hosts[number];
    if (host->risk_cell == EXPOSURE_NONE) {
        return true;
    }
    uint32_t from = part->exposure->cells[host->risk_cell].stratum;
    if (is_of_stratum(part->exposure, host, from)) {
        return true;
    }
    if (!exposure_make_room((void **)&part->movers, part->mover_count, &part->mover_capacity,
                            sizeof *part->movers, failure)) {
        return false;
    }
    part->movers[part->mover_count++] = (struct exposure_mover){.from = from, .host = number};
    return true;
}

bool exposure_recount(struct exposure_part *part, uint32_t number, struct failure *failure)
{
    struct exposure *exposure = part->exposure;
    struct fleet_host *host = &part->fleet->hosts[number];
    if (host->risk_cell == EXPOSURE_PENDING) {
        return true; /* it has been */
    }
    uint32_t wanted = EXPOSURE_NONE;
    if (host->state == HOST_HEALTHY) {
        uint64_t mask = exposure_host_mask(exposure, host);
        if (!note_mover(part, number, failure) ||
            !find_wanted(part, number, mask, &wanted, failure)) {
            return false;
        }
        if (wanted != host->risk_cell && arrives(exposure, host->risk_cell, mask)) {
            deadline_bring_forward(&exposure->settle_at[number / FLEET_BLOCK],
                                   exposure_settles_at(exposure, host));
        }
    }
    move(part, host, wanted);
    return true;
}

bool exposure_settle(struct exposure_part *part, uint32_t number, uint8_t arrival_class,
                     struct failure *failure)
{
    struct fleet_host *host = &part->fleet->hosts[number];
    uint64_t mask =
        part->exposure->cells[host->risk_cell].mask & ~exposure_slot_bits(EXPOSURE_ARRIVAL_SLOT);
    mask |= (uint64_t)arrival_class << (2 * EXPOSURE_ARRIVAL_SLOT);
    uint32_t wanted;
    if (!find_wanted(part, number, mask, &wanted, failure)) {
        return false;
    }
    move(part, host, wanted);
    return true;
}
