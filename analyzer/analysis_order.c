/* Order, find, and what is done with each host's reports then; see analysis_order.h.
 *
 * The hard thing is memory: a report meets a host it has not met for minutes, so nearly each step
 * would wait for a cache line. What is needed next is asked for some reports ahead.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/analysis_order.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis_customer.h"
#include "analyzer/analysis_place.h"
#include "analyzer/analysis_sort.h"
#include "analyzer/parallel.h"
#include "common/prefetch.h"
#include "common/uuid.h"

/* With fewer reports in a minute threads cost more than they bring. */
#define PART_REPORTS 4096

/* So many reports ahead a line is asked for: a miss takes as long as 20 reports that say little. */
#define AHEAD 24
/* Twice, where what the line names is asked for in turn. */
#define FAR_AHEAD 48

struct order_part {
    struct place_part place;
    /* Reports whose hosts must wait, in order, and the hosts: FLEET_NONE until they are met. */
    const struct pending_report **rest;
    uint32_t *hosts;
    size_t rest_count, rest_capacity;
    uint32_t met, meets_from; /* hosts nobody knew, and the number of the first of them */
    uint32_t last;            /* host found */
    bool failed;
};

struct minute_order {
    struct analysis *analysis;
    const struct open_minute *open;
    size_t most_in_heap;
    unsigned parts;
    unsigned first_heap[PARALLEL_PARTS_MOST + 1]; /* each part begins with */
    uint32_t updates[PARALLEL_PARTS_MOST];        /* that each part's reports tell of */
    struct order_part part[PARALLEL_PARTS_MOST];
    struct exposure_parts exposed;
};

/* ---- Parts ---- */

/* Parts end between heaps, so between hosts. */
static void divide(struct minute_order *order)
{
    const struct pending_heap *heaps = order->open->heaps;
    size_t parts = order->open->report_count / PART_REPORTS;
    unsigned most = order->analysis->options.threads;
    order->parts = parts < 1 ? 1 : parts < most ? (unsigned)parts : most;
    size_t before = 0;
    unsigned part = 0;
    for (unsigned heap = 0; heap < PENDING_HEAPS; heap++) {
        while (part + 1 < order->parts &&
               before >= order->open->report_count * (part + 1) / order->parts) {
            order->first_heap[++part] = heap;
        }
        before += heaps[heap].count;
        order->updates[part] += heaps[heap].update_count;
        order->most_in_heap =
            heaps[heap].count > order->most_in_heap ? heaps[heap].count : order->most_in_heap;
    }
    while (part < order->parts) {
        order->first_heap[++part] = PENDING_HEAPS;
    }
}

static bool run_parts(struct minute_order *order, void (*work)(void *order, unsigned part),
                      struct failure *failure)
{
    parallel_run(order->parts, work, order);
    for (unsigned p = 0; p < order->parts; p++) {
        if (order->part[p].failed) {
            *failure = order->part[p].place.failure;
            return false;
        }
    }
    return true;
}

/* Does the work with what parts hear, and puts that together, in order. */
static bool run_hearing(struct minute_order *order, void (*work)(void *order, unsigned part),
                        struct failure *failure)
{
    struct fleet *fleet = &order->analysis->fleet;
    for (unsigned p = 0; p < order->parts; p++) {
        order->part[p].place.heard = fleet_part(fleet);
    }
    bool done = run_parts(order, work, failure);
    for (unsigned p = 0; p < order->parts; p++) {
        done = fleet_join(fleet, &order->part[p].place.heard, done, failure) && done;
    }
    return done;
}

/* ---- Nearly all hosts ---- */

static bool leave(struct order_part *part, uint32_t host, const struct host_reports *told)
{
    for (size_t i = 0; i < told->count; i++) {
        if (part->rest_count == part->rest_capacity) {
            size_t capacity = part->rest_capacity;
            if (!analysis_make_room((void **)&part->rest, part->rest_count, &part->rest_capacity,
                                    sizeof(void *), &part->place.failure) ||
                !analysis_make_room((void **)&part->hosts, part->rest_count, &capacity,
                                    sizeof *part->hosts, &part->place.failure)) {
                return false;
            }
        }
        part->rest[part->rest_count] = told->reports[i];
        part->hosts[part->rest_count++] = host;
    }
    part->met += host == FLEET_NONE;
    return place_note_wants(&part->place, host, told);
}

static bool take_host(struct order_part *part, uint32_t host, const struct host_reports *told)
{
    enum place_need need = host == FLEET_NONE
                               ? PLACE_LATER
                               : place_check(part->place.analysis, part->place.open, host, told);
    if (need == PLACE_LATER) {
        return leave(part, host, told);
    }
    return (need == PLACE_NOT || place_host(&part->place, host, told)) &&
           place_hear(&part->place, host, told);
}

/* What a report names, once the report itself is there. */
PREFETCHING expect_named(const struct place_part *part, const struct pending_report *report)
{
    if (report->update_count > 0) {
        __builtin_prefetch(&part->open->updates[report->first_update]);
    }
    __builtin_prefetch(&part->analysis->customer_sizes[report->customer]);
}

static bool take_heap(struct order_part *part, const struct pending_report *const *reports,
                      size_t count)
{
    const struct fleet *fleet = &part->place.analysis->fleet;
    for (size_t begin = 0; begin < count;) {
        const struct uuid *ids[FLEET_FIND_MOST];
        struct host_reports told[FLEET_FIND_MOST];
        uint32_t hosts[FLEET_FIND_MOST];
        size_t found = 0;
        for (; begin < count && found < FLEET_FIND_MOST; found++) {
            told[found] = (struct host_reports){.reports = reports + begin};
            ids[found] = &reports[begin]->host_id;
            expect_named(&part->place, reports[begin]);
            __builtin_prefetch(reports[begin + AHEAD < count ? begin + AHEAD : begin]);
            do {
                begin++;
                told[found].count++;
            } while (begin < count && uuid_equal(&reports[begin]->host_id, ids[found]));
        }
        fleet_find_in_order(fleet, ids, found, &part->last, hosts);
        for (size_t i = 0; i < found; i++) {
            if (!take_host(part, hosts[i], &told[i])) {
                return false;
            }
        }
    }
    return true;
}

static void take_part(void *context, unsigned number)
{
    struct minute_order *order = context;
    struct order_part part = order->part[number]; /* apart from the others' in memory, too */
    struct exposure_part exposed = order->exposed.part[number];
    struct sort_room room;
    part.place.exposed = &exposed;
    part.failed = !sort_room_make(&room, order->most_in_heap, &part.place.failure);
    for (unsigned heap = order->first_heap[number];
         !part.failed && heap < order->first_heap[number + 1]; heap++) {
        sort_heap(&room, order->analysis, order->open, heap);
        part.failed = !take_heap(&part, room.reports, order->open->heaps[heap].count);
    }
    sort_room_free(&room);
    order->part[number] = part;
    order->exposed.part[number] = exposed;
}

/* ---- The others ---- */

PREFETCHING expect_rest(const struct order_part *part, size_t at)
{
    const struct fleet *fleet = &part->place.analysis->fleet;
    if (at + FAR_AHEAD < part->rest_count) {
        __builtin_prefetch(part->rest[at + FAR_AHEAD]);
        if (part->hosts[at + FAR_AHEAD] != FLEET_NONE) {
            __builtin_prefetch(&fleet->hosts[part->hosts[at + FAR_AHEAD]], 1);
        }
        expect_named(&part->place, part->rest[at + AHEAD]);
    }
}

/* Numbers are given in the order of the reports. */
static void meet_part(void *context, unsigned number)
{
    struct minute_order *order = context;
    struct order_part part = order->part[number];
    struct fleet *fleet = &order->analysis->fleet;
    uint32_t next = part.meets_from;
    for (size_t i = 0; !part.failed && i < part.rest_count; i++) {
        expect_rest(&part, i);
        if (part.hosts[i] != FLEET_NONE) {
            continue;
        }
        const struct pending_report *report = part.rest[i];
        bool is_same = i > 0 && uuid_equal(&part.rest[i - 1]->host_id, &report->host_id);
        if (!is_same) {
            part.failed = !fleet_put(fleet, next++, &report->host_id, report->customer,
                                     &part.place.failure) ||
                          !place_note_move(&part.place, report->customer, 1);
        }
        part.hosts[i] = next - 1;
    }
    order->part[number] = part;
}

static bool meet(struct minute_order *order, struct failure *failure)
{
    struct fleet *fleet = &order->analysis->fleet;
    uint32_t met = 0;
    for (unsigned p = 0; p < order->parts; p++) {
        order->part[p].meets_from = fleet->count + met;
        met += order->part[p].met;
    }
    if (met == 0) {
        return true;
    }
    if (!fleet_make_room(fleet, met, failure) || !run_parts(order, meet_part, failure)) {
        return false;
    }
    fleet_take_put(fleet, met);
    return true;
}

static void take_rest(void *context, unsigned number)
{
    struct minute_order *order = context;
    struct order_part part = order->part[number];
    struct exposure_part exposed = order->exposed.part[number];
    part.place.exposed = &exposed;
    for (size_t begin = 0; !part.failed && begin < part.rest_count;) {
        struct host_reports told = {.reports = part.rest + begin};
        uint32_t host = part.hosts[begin];
        do {
            expect_rest(&part, begin);
            begin++;
            told.count++;
        } while (begin < part.rest_count && part.hosts[begin] == host);
        part.failed =
            !place_host(&part.place, host, &told) || !place_hear(&part.place, host, &told);
    }
    order->part[number] = part;
    order->exposed.part[number] = exposed;
}

static bool take_others(struct minute_order *order, struct failure *failure)
{
    size_t rest = 0;
    uint32_t left_out = order->analysis->segments.left_out_count;
    for (unsigned p = 0; p < order->parts; p++) {
        rest += order->part[p].rest_count;
        if (!place_learn_kinds(&order->part[p].place, left_out, failure)) {
            return false;
        }
    }
    exposure_follow(&order->exposed);
    return rest == 0 || (meet(order, failure) && run_hearing(order, take_rest, failure));
}

/* ---- All ---- */

static bool take_late(struct minute_order *order, struct failure *failure)
{
    size_t count = 0;
    for (unsigned p = 0; p < order->parts; p++) {
        count += order->part[p].place.late_count;
    }
    if (count == 0) {
        return true;
    }
    struct impact_late_install *late = malloc(count * sizeof *late);
    if (late == NULL) {
        return failure_memory(failure, "noting harm");
    }
    count = 0;
    for (unsigned p = 0; p < order->parts; p++) {
        const struct place_part *part = &order->part[p].place;
        if (part->late_count > 0) {
            memcpy(late + count, part->late, part->late_count * sizeof *late);
            count += part->late_count;
        }
    }
    struct analysis *analysis = order->analysis;
    bool done = impact_take_late(&analysis->impact, &analysis->exposure, &analysis->fleet, late,
                                 count, failure);
    free(late);
    return done;
}

static bool join(struct minute_order *order, struct failure *failure)
{
    for (unsigned p = 0; p < order->parts; p++) {
        place_take_moves(&order->part[p].place);
    }
    return exposure_join_parts(&order->exposed, failure) && take_late(order, failure);
}

static void free_order(struct minute_order *order)
{
    for (unsigned p = 0; p < order->parts; p++) {
        place_part_free(&order->part[p].place);
        free(order->part[p].rest);
        free(order->part[p].hosts);
    }
    exposure_free_parts(&order->exposed);
    free(order);
}

bool analysis_take_reports(struct analysis *analysis, const struct open_minute *open,
                           struct failure *failure)
{
    if (open->report_count == 0) {
        return true;
    }
    struct minute_order *order = calloc(1, sizeof *order);
    if (order == NULL) {
        return failure_memory(failure, "ordering reports");
    }
    order->analysis = analysis;
    order->open = open;
    divide(order);
    for (unsigned p = 0; p < order->parts; p++) {
        order->part[p].last = FLEET_NONE;
        order->part[p].place.analysis = analysis;
        order->part[p].place.open = open;
    }
    bool done = exposure_open_parts(&order->exposed, &analysis->exposure, &analysis->fleet,
                                    order->parts, failure) &&
                exposure_let_install(&order->exposed, order->updates, failure) &&
                run_hearing(order, take_part, failure) && take_others(order, failure) &&
                join(order, failure);
    free_order(order);
    return done;
}
