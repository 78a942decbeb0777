/* What threads have counted apart, put together; see exposure_part.h.
 *
 * The hard thing is that nothing may depend on who counted what: what nobody had before is made in
 * the order of what it is, and what is not whole numbers is added in an order of its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exposure_part.h"

#include <stdlib.h>

#include "analyzer/exposure_cells.h"
#include "analyzer/exposure_mask.h"
#include "analyzer/exposure_refresh.h"
#include "analyzer/parallel.h"

/* So many items ahead a line of memory is asked for; see analysis_order.c. */
#define AHEAD 24U

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
        if (!exposure_list(all, count, capacity, hosts[i], failure)) {
            return false;
        }
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
