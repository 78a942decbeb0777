/* Where is each host counted, by threads side by side? See exposure_part.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exposure_part.h"

#include <stdlib.h>

#include "analyzer/deadline.h"
#include "analyzer/exposure_age.h"
#include "analyzer/exposure_cells.h"
#include "analyzer/exposure_mask.h"
#include "analyzer/exposure_refresh.h"
#include "common/prefetch.h"

/* So many items ahead a line of memory is asked for; see analysis_order.c. */
#define AHEAD 24U

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

bool exposure_await(struct exposure_part *part, uint32_t number, struct failure *failure)
{
    if (!exposure_make_room((void **)&part->awaited, part->awaited_count, &part->awaited_capacity,
                            sizeof *part->awaited, failure)) {
        return false;
    }
    part->awaited[part->awaited_count++] = number;
    return true;
}

/* ---- Join ---- */

static void count_entered(struct exposure *exposure, uint32_t number, uint32_t entered)
{
    struct exposure_cell *cell = &exposure->cells[number];
    cell->at_risk += entered;
    exposure->strata[cell->stratum].masked_at_risk +=
        exposure_slots_of(cell->mask) != 0 ? entered : 0;
}

static int compare_fresh(const void *left, const void *right)
{
    const struct exposure_fresh_cell *a = *(const struct exposure_fresh_cell *const *)left;
    const struct exposure_fresh_cell *b = *(const struct exposure_fresh_cell *const *)right;
    if (a->segment != b->segment) {
        return a->segment < b->segment ? -1 : 1;
    }
    if (a->size_class != b->size_class) {
        return a->size_class < b->size_class ? -1 : 1;
    }
    return (a->mask > b->mask) - (a->mask < b->mask);
}

static bool make_cell(struct exposure *exposure, struct exposure_fresh_cell *fresh,
                      struct failure *failure)
{
    uint32_t stratum;
    if (!exposure_find_stratum(exposure, fresh->segment, fresh->size_class, &stratum, failure) ||
        !exposure_find_cell(exposure, stratum, fresh->mask, &fresh->cell, failure)) {
        return false;
    }
    count_entered(exposure, fresh->cell, fresh->entered);
    return true;
}

/* In the order of what they are, so that it does not matter which part came to them, or when. */
static bool make_cells(struct exposure_parts *parts, struct failure *failure)
{
    size_t count = 0;
    for (unsigned p = 0; p < parts->count; p++) {
        count += parts->part[p].fresh_count;
    }
    struct exposure_fresh_cell **fresh = malloc((count + 1) * sizeof(void *));
    if (fresh == NULL) {
        return failure_memory(failure, "counting who is exposed");
    }
    count = 0;
    for (unsigned p = 0; p < parts->count; p++) {
        for (uint32_t i = 0; i < parts->part[p].fresh_count; i++) {
            fresh[count++] = &parts->part[p].fresh[i];
        }
    }
    qsort(fresh, count, sizeof(void *), compare_fresh);
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        done = make_cell(parts->exposure, fresh[i], failure);
    }
    free(fresh);
    return done;
}

static void settle_in(void *context, unsigned number)
{
    const struct exposure_parts *parts = context;
    const struct exposure_part *part = &parts->part[number];
    for (uint32_t i = 0; i < part->settler_count; i++) {
        if (i + AHEAD < part->settler_count) {
            __builtin_prefetch(&part->fleet->hosts[part->settlers[i + AHEAD].host], 1);
        }
        const struct exposure_settler *settler = &part->settlers[i];
        part->fleet->hosts[settler->host].risk_cell = part->fresh[settler->fresh].cell;
    }
}

static bool join_cells(struct exposure_parts *parts, struct failure *failure)
{
    struct exposure *exposure = parts->exposure;
    uint32_t count = exposure->cell_count;
    bool any_fresh = false;
    for (unsigned p = 0; p < parts->count; p++) {
        const struct exposure_part *part = &parts->part[p];
        for (uint32_t i = 0; i < count; i++) {
            if (part->cells[i].moved != 0) { /* modulo 2^32, as it is counted */
                count_entered(exposure, i, (uint32_t)part->cells[i].moved);
            }
        }
        any_fresh |= part->fresh_count > 0;
    }
    if (!any_fresh) {
        return true;
    }
    if (!make_cells(parts, failure)) {
        return false;
    }
    parallel_run(parts->count, settle_in, parts);
    return true;
}

struct move {
    uint32_t from, to; /* strata */
};

static int compare_moves(const void *left, const void *right)
{
    const struct move *a = left;
    const struct move *b = right;
    if (a->from != b->from) {
        return a->from < b->from ? -1 : 1;
    }
    return (a->to > b->to) - (a->to < b->to);
}

static uint32_t count_hosts(const struct exposure *exposure, uint32_t stratum)
{
    uint32_t hosts = 0;
    for (uint32_t i = exposure->strata[stratum].first_cell; i != EXPOSURE_NONE;
         i = exposure->cells[i].next) {
        hosts += exposure->cells[i].at_risk;
    }
    return hosts;
}

static void add_quiet(struct exposure_quiet *sum, const struct exposure_quiet *quiet, double share)
{
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        sum->minutes[sign] += share * quiet->minutes[sign];
        sum->onsets[sign] += share * quiet->onsets[sign];
    }
}

/* `count` hosts leave one stratum: their share of its quiet times goes with each to where it goes.
 */
static void move_quiet(struct exposure *exposure, const struct move *moves, size_t count)
{
    struct exposure_stratum *from = &exposure->strata[moves->from];
    const struct exposure_quiet before = from->quiet;
    uint32_t stay = count_hosts(exposure, moves->from);
    double each = 1 / ((double)stay + (double)count);
    from->quiet = (struct exposure_quiet){0};
    add_quiet(&from->quiet, &before, stay * each);
    for (size_t i = 0; i < count; i++) {
        add_quiet(&exposure->strata[moves[i].to].quiet, &before, each);
    }
}

/* Hosts take their past along when they go to another stratum. An update that changes what its
 * hosts say of themselves would otherwise bring them all to one that has none, and there be
 * compared with what is usual in the fleet, however unlike it they have always been. */
static bool join_moves(struct exposure_parts *parts, struct failure *failure)
{
    struct exposure *exposure = parts->exposure;
    size_t count = 0;
    for (unsigned p = 0; p < parts->count; p++) {
        count += parts->part[p].mover_count;
    }
    struct move *moves = malloc((count + 1) * sizeof *moves);
    if (moves == NULL) {
        return failure_memory(failure, "counting who is exposed");
    }
    count = 0;
    for (unsigned p = 0; p < parts->count; p++) {
        for (uint32_t i = 0; i < parts->part[p].mover_count; i++) {
            const struct exposure_mover *mover = &parts->part[p].movers[i];
            /* A healthy host, so its stratum has been made by now if it was not there. */
            moves[count++] = (struct move){
                .from = mover->from,
                .to = exposure_stratum_of(exposure, &parts->fleet->hosts[mover->host])};
        }
    }
    qsort(moves, count, sizeof *moves, compare_moves);
    for (size_t first = 0, next; first < count; first = next) {
        for (next = first; next < count && moves[next].from == moves[first].from; next++) {
        }
        move_quiet(exposure, &moves[first], next - first);
    }
    free(moves);
    return true;
}

static int compare_newcomers(const void *left, const void *right)
{
    const struct exposure_newcomer *a = left;
    const struct exposure_newcomer *b = right;
    if (a->update != b->update) {
        return a->update < b->update ? -1 : 1;
    }
    return (a->stratum > b->stratum) - (a->stratum < b->stratum);
}

/* Tallies nobody had before, in the order of what they are, as cells above. */
static bool make_tallies(struct exposure_parts *parts, struct failure *failure)
{
    struct exposure *exposure = parts->exposure;
    size_t count = 0;
    for (unsigned p = 0; p < parts->count; p++) {
        count += parts->part[p].newcomer_count;
    }
    struct exposure_newcomer *all = malloc((count + 1) * sizeof *all);
    if (all == NULL) {
        return failure_memory(failure, "counting who is exposed");
    }
    count = 0;
    for (unsigned p = 0; p < parts->count; p++) {
        for (uint32_t i = 0; i < parts->part[p].newcomer_count; i++) {
            all[count] = parts->part[p].newcomers[i];
            /* A healthy host, so its stratum has been made by now if it was not there. */
            all[count].stratum =
                exposure_stratum_of(exposure, &parts->fleet->hosts[all[count].host]);
            count++;
        }
    }
    qsort(all, count, sizeof *all, compare_newcomers);
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        struct exposure_tally *tally;
        done = exposure_find_tally(exposure, all[i].update, all[i].stratum, &tally, failure);
        if (done) {
            tally->exposed_hosts++;
        }
    }
    free(all);
    return done;
}

static bool join_updates(struct exposure *exposure, struct exposure_part *part,
                         struct failure *failure)
{
    for (uint32_t i = 0; i < exposure->update_count; i++) {
        struct exposure_update *update = &exposure->updates[i];
        const struct exposure_part_update *apart = &part->updates[i];
        update->installed += apart->installed;
        update->failed += apart->failed;
        update->rolled_back += apart->rolled_back;
        update->exposed_now += (uint64_t)(int64_t)apart->exposed; /* modulo 2^64 */
        if (apart->is_seen && apart->first_seen < update->first_seen) {
            update->first_seen = apart->first_seen;
        }
    }
    return wheel_join(&exposure->ageing, &part->ageing, exposure->minute, failure);
}

static bool join_installs(struct exposure_parts *parts, struct failure *failure)
{
    struct exposure *exposure = parts->exposure;
    for (unsigned p = 0; p < parts->count; p++) {
        const struct exposure_part *part = &parts->part[p];
        for (uint32_t i = 0; part->tally_hosts != NULL && i < exposure->tally_count; i++) {
            exposure->tallies[i].exposed_hosts += part->tally_hosts[i];
        }
    }
    return make_tallies(parts, failure) && exposure_join_records(parts, failure);
}

static bool join_list(uint32_t **all, uint32_t *count, uint32_t *capacity, const uint32_t *hosts,
                      uint32_t more, struct failure *failure)
{
    for (uint32_t i = 0; i < more; i++) {
        if (!exposure_make_room((void **)all, *count, capacity, sizeof **all, failure)) {
            return false;
        }
        (*all)[(*count)++] = hosts[i];
    }
    return true;
}

static bool join_watched(struct exposure *exposure, const struct exposure_part *part,
                         struct failure *failure)
{
    return join_list(&exposure->told, &exposure->told_count, &exposure->told_capacity, part->told,
                     part->told_count, failure) &&
           join_list(&exposure->awaited, &exposure->awaited_count, &exposure->awaited_capacity,
                     part->awaited, part->awaited_count, failure);
}

bool exposure_join_parts(struct exposure_parts *parts, struct failure *failure)
{
    bool done =
        join_cells(parts, failure) && join_moves(parts, failure) && join_installs(parts, failure);
    for (unsigned p = 0; done && p < parts->count; p++) {
        done = join_updates(parts->exposure, &parts->part[p], failure) &&
               join_watched(parts->exposure, &parts->part[p], failure);
    }
    return done;
}
