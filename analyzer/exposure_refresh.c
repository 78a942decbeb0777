/* Where is each host counted? See exposure.h for what counts, exposure_refresh.h for how.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exposure_refresh.h"

#include <stdlib.h>

#include "analyzer/deadline.h"
#include "analyzer/exposure_age.h"
#include "analyzer/exposure_cells.h"
#include "analyzer/exposure_mask.h"
#include "analyzer/parallel.h"
#include "common/prefetch.h"

/* So many items ahead a line of memory is asked for; see analysis_place.c. */
#define AHEAD 24U
#define FAR_AHEAD 48U

/* With fewer hosts threads cost more than they bring. */
#define PART_HOSTS 4096

/* ---- One host ---- */

static uint8_t arrival_class(const struct exposure *exposure, const struct fleet_host *host)
{
    return age_class_of(exposure, host, exposure->minute - host->since / 60);
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

/* Whether a host that goes from a cell to one of this mask has just turned healthy. One that falls
 * ill and recovers within a minute does so without ever leaving. */
static bool arrives(const struct exposure *exposure, uint32_t left, uint64_t mask)
{
    return left == EXPOSURE_NONE || exposure->cells[left].mask >> (2 * EXPOSURE_ARRIVAL_SLOT) !=
                                        mask >> (2 * EXPOSURE_ARRIVAL_SLOT);
}

static bool has_updates(uint64_t mask)
{
    return (mask & ~(UINT64_C(3) << (2 * EXPOSURE_ARRIVAL_SLOT))) != 0;
}

/* The minute in which a healthy host is next longer healthy by a class; INT32_MAX: never. */
static int32_t settles_at(const struct exposure *exposure, const struct fleet_host *host)
{
    uint8_t age_class = arrival_class(exposure, host);
    return age_class == 0 ? INT32_MAX
                          : host->since / 60 + age_class_ends(exposure, host, age_class);
}

/* Makes room for the deadline of each block of hosts. */
static bool reach_blocks(struct exposure *exposure, const struct fleet *fleet,
                         struct failure *failure)
{
    uint32_t count = fleet->capacity / FLEET_BLOCK;
    if (count <= exposure->block_count) {
        return true;
    }
    _Atomic int32_t *settle_at = realloc(exposure->settle_at, count * sizeof *settle_at);
    if (settle_at == NULL) {
        return failure_memory(failure, "counting who is exposed");
    }
    for (uint32_t i = exposure->block_count; i < count; i++) {
        atomic_init(&settle_at[i], INT32_MAX);
    }
    exposure->settle_at = settle_at;
    exposure->block_count = count;
    return true;
}

static void watch_settling(const struct exposure *exposure, const struct fleet *fleet,
                           uint32_t number)
{
    deadline_bring_forward(&exposure->settle_at[number / FLEET_BLOCK],
                           settles_at(exposure, &fleet->hosts[number]));
}

/* A host mostly stays in its stratum when it changes cells. */
bool exposure_stratum_of(struct exposure *exposure, const struct fleet_host *host, uint32_t *number,
                         struct failure *failure)
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
    uint64_t mask = 0;
    if (host->state == HOST_HEALTHY) {
        uint32_t stratum;
        mask = host_mask(exposure, host);
        if (!exposure_stratum_of(exposure, host, &stratum, failure) ||
            !exposure_find_cell(exposure, stratum, mask, &wanted, failure)) {
            return false;
        }
    }
    if (wanted == host->risk_cell) {
        return true;
    }
    if (wanted != EXPOSURE_NONE && arrives(exposure, host->risk_cell, mask)) {
        if (!reach_blocks(exposure, fleet, failure)) {
            return false;
        }
        watch_settling(exposure, fleet, number);
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

/* ---- Many hosts ---- */

/* A cell nobody was counted in before. */
struct fresh_cell {
    uint64_t mask;
    uint32_t segment;
    uint8_t size_class;
    uint32_t entered; /* hosts */
    uint32_t cell;    /* what it has become, once the parts are joined */
};

/* What one thread counts apart. */
struct refresh_part {
    struct refresh_cell {
        int32_t moved;    /* hosts that entered less those that left */
        uint32_t towards; /* where one went from here: mostly where the next goes, too */
    } * cells;            /* as many as there were before */
    struct fresh_cell *fresh;
    uint32_t fresh_count, fresh_capacity;
    struct hash_index by_key;
    struct settler {
        uint32_t host, fresh;
    } * settlers; /* hosts that have gone to fresh cells */
    uint32_t settler_count, settler_capacity;
    bool failed;
    struct failure failure;
};

struct refresh_run {
    struct exposure *exposure;
    struct fleet *fleet;
    const uint32_t *items; /* hosts, or blocks of hosts */
    size_t count;
    bool by_block;
    unsigned parts;
    struct refresh_part part[PARALLEL_PARTS_MOST];
};

/* The cell a healthy host belongs in, or EXPOSURE_NONE where there is none yet. */
static uint32_t look_up(const struct exposure *exposure, const struct fleet_host *host,
                        uint64_t mask, struct refresh_part *part)
{
    if (host->risk_cell != EXPOSURE_NONE) {
        uint32_t number = exposure->cells[host->risk_cell].stratum;
        const struct exposure_stratum *stratum = &exposure->strata[number];
        if (stratum->segment == host->segment && stratum->size_class == host->size_class) {
            uint32_t *towards = &part->cells[host->risk_cell].towards;
            if (*towards == EXPOSURE_NONE || exposure->cells[*towards].mask != mask) {
                *towards = exposure_look_up_cell(exposure, number, mask);
            }
            return *towards;
        }
    }
    uint32_t stratum = exposure_look_up_stratum(exposure, host->segment, host->size_class);
    return stratum == EXPOSURE_NONE ? EXPOSURE_NONE
                                    : exposure_look_up_cell(exposure, stratum, mask);
}

struct fresh_key {
    const struct refresh_part *part;
    const struct fleet_host *host;
    uint64_t mask;
};

static bool same_fresh(const void *context, uint32_t item)
{
    const struct fresh_key *key = context;
    const struct fresh_cell *fresh = &key->part->fresh[item];
    return fresh->mask == key->mask && fresh->segment == key->host->segment &&
           fresh->size_class == key->host->size_class;
}

static bool go_to_fresh(struct refresh_part *part, const struct fleet_host *host, uint32_t number,
                        uint64_t mask, struct failure *failure)
{
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
        part->fresh[part->fresh_count++] = (struct fresh_cell){
            .mask = mask, .segment = host->segment, .size_class = host->size_class};
    }
    if (!exposure_make_room((void **)&part->settlers, part->settler_count, &part->settler_capacity,
                            sizeof *part->settlers, failure)) {
        return false;
    }
    part->settlers[part->settler_count++] = (struct settler){.host = number, .fresh = found};
    part->fresh[found].entered++;
    return true;
}

/* As exposure_refresh, but that counts are kept apart, and a fresh cell becomes one of all only
 * when parts are joined. */
static bool refresh(struct refresh_run *run, struct refresh_part *part, uint32_t number,
                    struct failure *failure)
{
    struct fleet_host *host = &run->fleet->hosts[number];
    bool at_risk = host->state == HOST_HEALTHY;
    uint64_t mask = at_risk ? host_mask(run->exposure, host) : 0;
    uint32_t wanted = at_risk ? look_up(run->exposure, host, mask, part) : EXPOSURE_NONE;
    if (wanted == host->risk_cell && (wanted != EXPOSURE_NONE || !at_risk)) {
        return true;
    }
    if (at_risk && wanted == EXPOSURE_NONE && !go_to_fresh(part, host, number, mask, failure)) {
        return false;
    }
    if (at_risk && arrives(run->exposure, host->risk_cell, mask)) {
        watch_settling(run->exposure, run->fleet, number);
    }
    if (host->risk_cell != EXPOSURE_NONE) {
        part->cells[host->risk_cell].moved--;
    }
    if (wanted != EXPOSURE_NONE) {
        part->cells[wanted].moved++;
    }
    host->risk_cell = wanted;
    return true;
}

/* What a host is counted by, once the host itself is there. */
PREFETCHING expect_installs(const struct exposure *exposure, const struct fleet_host *host)
{
    if (host->installs != EXPOSURE_NONE) {
        __builtin_prefetch(&exposure->installs[host->installs]);
    }
}

/* Counts the healthy of a block anew who are longer healthy by a class, and finds its next time. */
static bool settle_block(struct refresh_run *run, struct refresh_part *part, uint32_t block,
                         struct failure *failure)
{
    const struct exposure *exposure = run->exposure;
    const struct fleet *fleet = run->fleet;
    uint32_t begin = block * FLEET_BLOCK;
    uint32_t end = fleet->count - begin < FLEET_BLOCK ? fleet->count : begin + FLEET_BLOCK;
    uint32_t older[FLEET_BLOCK];
    uint32_t count = 0;
    int32_t next = INT32_MAX;
    for (uint32_t number = begin; number < end; number++) {
        const struct fleet_host *host = &fleet->hosts[number];
        if (host->risk_cell == EXPOSURE_NONE) {
            continue;
        }
        int32_t minute = settles_at(exposure, host);
        next = minute < next ? minute : next;
        uint64_t mask = exposure->cells[host->risk_cell].mask;
        if (mask >> (2 * EXPOSURE_ARRIVAL_SLOT) != arrival_class(exposure, host)) {
            expect_installs(exposure, host);
            older[count++] = number;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!refresh(run, part, older[i], failure)) {
            return false;
        }
    }
    atomic_store_explicit(&exposure->settle_at[block], next, memory_order_relaxed);
    return true;
}

static void refresh_items(void *context, unsigned number)
{
    struct refresh_run *run = context;
    struct refresh_part part = run->part[number]; /* apart from the others' in memory, too */
    size_t begin = run->count * number / run->parts;
    size_t end = run->count * (number + 1) / run->parts;
    for (size_t i = begin; !part.failed && i < end; i++) {
        if (run->by_block) {
            part.failed = !settle_block(run, &part, run->items[i], &part.failure);
            continue;
        }
        if (i + FAR_AHEAD < end) {
            __builtin_prefetch(&run->fleet->hosts[run->items[i + FAR_AHEAD]], 1);
            expect_installs(run->exposure, &run->fleet->hosts[run->items[i + AHEAD]]);
        }
        part.failed = !refresh(run, &part, run->items[i], &part.failure);
    }
    run->part[number] = part;
}

static void count_entered(struct exposure *exposure, uint32_t number, uint32_t entered)
{
    struct exposure_cell *cell = &exposure->cells[number];
    cell->at_risk += entered;
    exposure->strata[cell->stratum].masked_at_risk += has_updates(cell->mask) ? entered : 0;
}

/* Counts what the parts have counted apart. Fresh cells are made in the order in which one thread
 * would have come to them, so they are numbered the same. */
static bool join(struct refresh_run *run, struct failure *failure)
{
    struct exposure *exposure = run->exposure;
    uint32_t count = exposure->cell_count;
    for (unsigned number = 0; number < run->parts; number++) {
        const struct refresh_part *part = &run->part[number];
        if (part->failed) {
            *failure = part->failure;
            return false;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (part->cells[i].moved != 0) { /* modulo 2^32, as it is counted */
                count_entered(exposure, i, (uint32_t)part->cells[i].moved);
            }
        }
    }
    for (unsigned number = 0; number < run->parts; number++) {
        const struct refresh_part *part = &run->part[number];
        for (uint32_t i = 0; i < part->fresh_count; i++) {
            struct fresh_cell *fresh = &part->fresh[i];
            uint32_t stratum;
            if (!exposure_find_stratum(exposure, fresh->segment, fresh->size_class, &stratum,
                                       failure) ||
                !exposure_find_cell(exposure, stratum, fresh->mask, &fresh->cell, failure)) {
                return false;
            }
            count_entered(exposure, fresh->cell, fresh->entered);
        }
    }
    return true;
}

static void settle_in(void *context, unsigned number)
{
    const struct refresh_run *run = context;
    const struct refresh_part *part = &run->part[number];
    for (uint32_t i = 0; i < part->settler_count; i++) {
        if (i + AHEAD < part->settler_count) {
            __builtin_prefetch(&run->fleet->hosts[part->settlers[i + AHEAD].host], 1);
        }
        const struct settler *settler = &part->settlers[i];
        run->fleet->hosts[settler->host].risk_cell = part->fresh[settler->fresh].cell;
    }
}

static bool open_part(struct refresh_part *part, uint32_t cells, struct failure *failure)
{
    part->cells = malloc(((size_t)cells + 1) * sizeof *part->cells);
    if (part->cells == NULL) {
        return failure_memory(failure, "counting who is exposed");
    }
    for (uint32_t i = 0; i < cells; i++) {
        part->cells[i] = (struct refresh_cell){.towards = EXPOSURE_NONE};
    }
    return true;
}

static bool run_parts(struct refresh_run *run, size_t hosts, struct failure *failure)
{
    size_t parts = hosts / PART_HOSTS;
    unsigned most = run->exposure->threads;
    run->parts = parts <= 1 || most <= 1 ? 1 : parts < most ? (unsigned)parts : most;
    bool done = reach_blocks(run->exposure, run->fleet, failure);
    for (unsigned i = 0; done && i < run->parts; i++) {
        done = open_part(&run->part[i], run->exposure->cell_count, failure);
    }
    if (done) {
        parallel_run(run->parts, refresh_items, run);
        done = join(run, failure);
    }
    if (done) {
        parallel_run(run->parts, settle_in, run);
    }
    for (unsigned i = 0; i < run->parts; i++) {
        free(run->part[i].cells);
        free(run->part[i].fresh);
        free(run->part[i].settlers);
        hash_index_free(&run->part[i].by_key);
    }
    return done;
}

bool exposure_refresh_all(struct exposure *exposure, struct fleet *fleet, const uint32_t *hosts,
                          size_t count, struct failure *failure)
{
    if (count == 0) {
        return true;
    }
    struct refresh_run run = {.exposure = exposure, .fleet = fleet, .items = hosts, .count = count};
    return run_parts(&run, count, failure);
}

bool exposure_settle(struct exposure *exposure, struct fleet *fleet, struct failure *failure)
{
    uint32_t *due = NULL;
    uint32_t count = 0;
    uint32_t capacity = 0;
    bool done = true;
    for (uint32_t block = 0; done && block < exposure->block_count; block++) {
        if (atomic_load_explicit(&exposure->settle_at[block], memory_order_relaxed) <=
            exposure->minute) {
            done = exposure_make_room((void **)&due, count, &capacity, sizeof *due, failure);
            if (done) {
                due[count++] = block;
            }
        }
    }
    struct refresh_run run = {
        .exposure = exposure, .fleet = fleet, .items = due, .count = count, .by_block = true};
    done = done && (count == 0 || run_parts(&run, (size_t)count * FLEET_BLOCK, failure));
    free(due);
    return done;
}
