/* Order, find, check, hear the calm; see analysis_order.h.
 *
 * The hard thing is memory: a report meets a host it has not met for minutes, so nearly each step
 * would wait for a cache line. What is needed next is asked for some reports ahead.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/analysis_order.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis_customer.h"
#include "analyzer/analysis_sort.h"
#include "common/uuid.h"

/* With fewer reports in a minute threads cost more than they bring. */
#define PART_REPORTS 4096

struct heap_view view_heap(const struct minute_order *order, unsigned heap)
{
    size_t begins = order->begins[heap];
    return (struct heap_view){.reports = order->open->heaps[heap].reports,
                              .places = order->room.places + begins,
                              .hosts = order->room.hosts + begins,
                              .flags = order->room.flags + begins,
                              .count = order->begins[heap + 1] - begins};
}

/* ---- Parts ---- */

/* Parts end between heaps, so between hosts. */
static void divide(struct minute_order *order)
{
    unsigned heap = 0;
    for (unsigned part = 0; part < order->parts; part++) {
        order->first_heap[part] = heap;
        while (heap < PENDING_HEAPS &&
               (part == order->parts - 1 ||
                order->begins[heap] < order->count * (part + 1) / order->parts)) {
            heap++;
        }
    }
    order->first_heap[order->parts] = PENDING_HEAPS;
}

/* A tenth more than asked for, so that the next minute rarely needs a little more. */
static bool make_room(struct order_room *room, size_t count, struct failure *failure)
{
    if (count < room->capacity) {
        return true;
    }
    size_t capacity = count + count / 10 + 1;
    order_room_free(room);
    *room = (struct order_room){.places = malloc(capacity * sizeof *room->places),
                                .hosts = malloc(capacity * sizeof *room->hosts),
                                .flags = malloc(capacity * sizeof *room->flags),
                                .rest = malloc(capacity * sizeof *room->rest),
                                .capacity = capacity};
    return (room->places != NULL && room->hosts != NULL && room->flags != NULL &&
            room->rest != NULL) ||
           failure_memory(failure, "ordering reports");
}

static bool prepare(struct minute_order *order, struct failure *failure)
{
    for (unsigned heap = 0; heap < PENDING_HEAPS; heap++) {
        size_t in_heap = order->open->heaps[heap].count;
        order->begins[heap + 1] = order->begins[heap] + in_heap;
        order->most_in_heap = in_heap > order->most_in_heap ? in_heap : order->most_in_heap;
    }
    order->count = order->begins[PENDING_HEAPS];
    size_t parts = order->count / PART_REPORTS;
    unsigned most = order->analysis->options.threads;
    order->parts = parts < 1 ? 1 : parts < most ? (unsigned)parts : most;
    divide(order);
    return make_room(&order->room, order->count, failure);
}

bool minute_order_run(struct minute_order *order, void (*work)(void *order, unsigned part),
                      struct failure *failure)
{
    parallel_run(order->parts, work, order);
    for (unsigned part = 0; part < order->parts; part++) {
        if (order->part[part].failed) {
            *failure = order->part[part].failure;
            return false;
        }
    }
    return true;
}

void minute_order_begin_hearing(struct minute_order *order)
{
    for (unsigned part = 0; part < order->parts; part++) {
        order->part[part].heard = fleet_part(&order->analysis->fleet);
    }
}

bool minute_order_end_hearing(struct minute_order *order, bool take, struct failure *failure)
{
    for (unsigned part = 0; part < order->parts; part++) {
        take = fleet_join(&order->analysis->fleet, &order->part[part].heard, take, failure) && take;
    }
    return take;
}

/* ---- Find, check, hear ---- */

/* What one thread works with; apart from the others' in memory, too. */
struct order_work {
    struct analysis *analysis;
    struct order_part part;
    uint32_t last; /* host found */
};

/* Whether a report is not as its host was when last heard. What movers make of the sizes of their
 * customers comes later; see follow_movers_part. */
static bool must_place(struct analysis *analysis, const struct pending_report *pending,
                       uint32_t number, bool *moves)
{
    if (number == FLEET_NONE) {
        *moves = true;
        customer_note_move(analysis, pending->customer);
        return true;
    }
    const struct fleet_host *host = &analysis->fleet.hosts[number];
    if (host->customer != pending->customer) {
        *moves = true;
        customer_note_move(analysis, pending->customer);
        customer_note_move(analysis, host->customer);
        return true;
    }
    if (pending->update_count > 0) {
        return true;
    }
    if (pending->segment != SEGMENT_NONE) {
        struct segment_kind kind = analysis->segment_kinds[pending->segment];
        if (kind.settled != analysis->segments.left_out_count + 1 || kind.kind != host->segment) {
            return true;
        }
    }
    return customer_size_class(analysis, host->customer) != host->size_class;
}

/* All reports of one host, from `begin` to `end`, are placed or none: what one says of its clock
 * dates the next one's installations. */
static void take_host(struct order_work *work, struct heap_view *heap, size_t begin, size_t end)
{
    struct analysis *analysis = work->analysis;
    uint32_t host = heap->hosts[begin];
    bool changes = false;
    for (size_t i = begin; i < end; i++) {
        heap->hosts[i] = host;
        heap->flags[i] = 0;
        changes |= must_place(analysis, heap_report(heap, i), host, &work->part.moved);
    }
    for (size_t i = begin; changes && i < end; i++) {
        heap->flags[i] |= ORDER_CHANGES;
    }
    if (host == FLEET_NONE) {
        heap->flags[begin] |= ORDER_MEETS;
        work->part.met++;
        return;
    }
    for (size_t i = begin; i < end; i++) {
        struct fleet_reading reading = reading_of(heap_report(heap, i));
        if (end - begin == 1 && fleet_hear_calm(&work->part.heard, host, &reading)) {
            heap->flags[i] |= ORDER_HEARD;
        } else if (!changes) { /* otherwise in its turn, before its own installations */
            fleet_note_delay(&analysis->fleet.hosts[host], reading.observed_at,
                             reading.received_at);
        }
    }
}

static bool is_same_host(const struct heap_view *heap, size_t a, size_t b)
{
    return uuid_equal(&heap_report(heap, a)->host_id, &heap_report(heap, b)->host_id);
}

static void take_heap(struct order_work *work, struct heap_view *heap)
{
    const struct analysis *analysis = work->analysis;
    for (size_t begin = 0; begin < heap->count;) {
        const struct uuid *ids[FLEET_FIND_MOST];
        size_t begins[FLEET_FIND_MOST + 1]; /* of each host's reports */
        uint32_t hosts[FLEET_FIND_MOST];
        size_t count = 0;
        for (; begin < heap->count && count < FLEET_FIND_MOST; count++) {
            begins[count] = begin;
            ids[count] = &heap_report(heap, begin)->host_id;
            __builtin_prefetch(&analysis->customer_sizes[heap_report(heap, begin)->customer]);
            do {
                begin++;
            } while (begin < heap->count && is_same_host(heap, begin, begin - 1));
        }
        begins[count] = begin;
        fleet_find_in_order(&analysis->fleet, ids, count, &work->last, hosts);
        for (size_t i = 0; i < count; i++) {
            heap->hosts[begins[i]] = hosts[i];
            take_host(work, heap, begins[i], begins[i + 1]);
        }
    }
}

static void take_part(void *context, unsigned part)
{
    struct minute_order *order = context;
    struct order_work work = {
        .analysis = order->analysis, .part = order->part[part], .last = FLEET_NONE};
    struct sort_room room;
    work.part.failed = !sort_room_make(&room, order->most_in_heap, &work.part.failure);
    for (unsigned number = order->first_heap[part];
         !work.part.failed && number < order->first_heap[part + 1]; number++) {
        struct heap_view heap = view_heap(order, number);
        sort_heap(&room, &order->open->heaps[number], order->room.places + order->begins[number]);
        take_heap(&work, &heap);
    }
    sort_room_free(&room);
    order->part[part] = work.part;
}

bool minute_order_make(struct analysis *analysis, struct open_minute *open,
                       struct minute_order **made, struct failure *failure)
{
    struct minute_order *order = calloc(1, sizeof *order);
    *made = order;
    if (order == NULL) {
        return failure_memory(failure, "ordering reports");
    }
    order->analysis = analysis;
    order->open = open;
    order->room = analysis->order_room;
    analysis->order_room = (struct order_room){0};
    if (!prepare(order, failure)) {
        return false;
    }
    minute_order_begin_hearing(order);
    bool done = minute_order_run(order, take_part, failure);
    return minute_order_end_hearing(order, done, failure);
}

void minute_order_free(struct minute_order *order)
{
    if (order != NULL) {
        order->analysis->order_room = order->room;
        free(order);
    }
}

void order_room_free(struct order_room *room)
{
    free(room->places);
    free(room->hosts);
    free(room->flags);
    free(room->rest);
    *room = (struct order_room){0};
}
