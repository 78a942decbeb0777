/* Meet, place, hear; see analysis_place.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/analysis_place.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis_customer.h"
#include "common/prefetch.h"

/* So many reports ahead a line is asked for: a miss takes as long as 20 reports that say little. */
#define AHEAD 24
/* Twice, where what the line names is asked for in turn. */
#define FAR_AHEAD 48

/* ---- List ---- */

/* The rest: what is to be placed or heard, in order, from one end to the other of the memory that
 * the reports themselves lie about in. */
static void list_part(void *context, unsigned number)
{
    struct minute_order *order = context;
    struct order_rest *rest = order->room.rest + order->begins[order->first_heap[number]];
    size_t count = 0;
    for (unsigned i = order->first_heap[number]; i < order->first_heap[number + 1]; i++) {
        struct heap_view heap = view_heap(order, i);
        for (size_t at = 0; at < heap.count; at++) {
            /* Without a branch, which would be a coin toss. */
            rest[count] = (struct order_rest){.report = heap_report(&heap, at),
                                              .host = heap.hosts[at],
                                              .place = (uint32_t)(order->begins[i] + at)};
            count += (heap.flags[at] & (ORDER_HEARD | ORDER_CHANGES)) != ORDER_HEARD;
        }
    }
    order->part[number].rest = rest;
    order->part[number].rest_count = count;
}

PREFETCHING expect(const struct fleet *fleet, const struct order_rest *ahead)
{
    __builtin_prefetch(ahead->report);
    if (ahead->host != FLEET_NONE) {
        __builtin_prefetch(&fleet->hosts[ahead->host], 1);
    }
}

/* ---- Meet ---- */

/* Numbers are given in the order of the reports. */
static void meet_part(void *context, unsigned number)
{
    struct minute_order *order = context;
    struct order_part *part = &order->part[number];
    struct fleet *fleet = &order->analysis->fleet;
    uint32_t next = part->meets_from;
    for (size_t i = 0; part->met > 0 && i < part->rest_count; i++) {
        struct order_rest *rest = &part->rest[i];
        if (i + AHEAD < part->rest_count) {
            expect(fleet, &rest[AHEAD]);
        }
        bool meets = (order->room.flags[rest->place] & ORDER_MEETS) != 0;
        if (meets && !fleet_put(fleet, next, &rest->report->host_id, rest->report->customer,
                                &part->failure)) {
            part->failed = true;
            return;
        }
        next += meets;
        if (rest->host == FLEET_NONE) {
            rest->host = next - 1; /* as well when the report before was of the same host */
            order->room.hosts[rest->place] = rest->host;
        }
    }
}

static bool meet(struct minute_order *order, struct failure *failure)
{
    struct fleet *fleet = &order->analysis->fleet;
    uint32_t met = 0;
    for (unsigned part = 0; part < order->parts; part++) {
        order->part[part].meets_from = fleet->count + met;
        met += order->part[part].met;
    }
    if (met == 0) {
        return true;
    }
    if (!fleet_make_room(fleet, met, failure) || !minute_order_run(order, meet_part, failure)) {
        return false;
    }
    fleet_take_put(fleet, met);
    return true;
}

/* ---- Movers ---- */

/* A customer that gains or loses a host this minute changes its size on the way, unless its seats
 * are registered. So its other hosts are placed anew. */
static void follow_movers_part(void *context, unsigned part)
{
    struct minute_order *order = context;
    struct analysis *analysis = order->analysis;
    for (unsigned number = order->first_heap[part]; number < order->first_heap[part + 1];
         number++) {
        struct heap_view heap = view_heap(order, number);
        for (size_t i = 0; i < heap.count; i++) {
            if ((heap.flags[i] & ORDER_CHANGES) != 0) {
                continue;
            }
            uint32_t customer = heap_report(&heap, i)->customer;
            if (customer_moved(analysis, customer) && !customer_is_registered(analysis, customer)) {
                heap.flags[i] |= ORDER_CHANGES;
            }
        }
    }
}

/* ---- Place ---- */

static bool learn_segment(struct analysis *analysis, uint32_t met, uint32_t *segment,
                          struct failure *failure)
{
    struct segment_kind known = analysis->segment_kinds[met];
    if (known.settled == analysis->segments.left_out_count + 1) {
        *segment = known.kind;
        return true;
    }
    const struct segment *as_met = &analysis->met.items[met];
    if (!segments_intern(&analysis->segments, &as_met->id, as_met->attributes,
                         as_met->attribute_count, segment, failure)) {
        return false;
    }
    analysis->segment_kinds[met] =
        (struct segment_kind){.kind = *segment, .settled = analysis->segments.left_out_count + 1};
    return true;
}

static bool place_host(struct analysis *analysis, const struct pending_report *pending,
                       uint32_t number, bool meets, struct failure *failure)
{
    struct fleet_host *host = &analysis->fleet.hosts[number];
    analysis->customer_sizes[host->customer].hosts += meets;
    if (host->customer != pending->customer) {
        analysis->customer_sizes[host->customer].hosts--;
        host->customer = pending->customer;
        analysis->customer_sizes[host->customer].hosts++;
    }
    uint32_t segment = host->segment;
    if (pending->segment != SEGMENT_NONE &&
        !learn_segment(analysis, pending->segment, &segment, failure)) {
        return false;
    }
    uint8_t size_class = customer_size_class(analysis, host->customer);
    if (segment == host->segment && size_class == host->size_class) {
        return true;
    }
    host->segment = segment;
    host->size_class = size_class;
    return exposure_refresh(&analysis->exposure, &analysis->fleet, number, failure);
}

static bool take_updates(struct analysis *analysis, const struct open_minute *open,
                         const struct pending_report *pending, uint32_t host,
                         struct failure *failure)
{
    struct exposure *exposure = &analysis->exposure;
    fleet_second received = fleet_second_of(pending->received_at);
    for (uint32_t i = 0; i < pending->update_count; i++) {
        const struct pending_update *update = &open->updates[pending->first_update + i];
        struct exposure_update *known = &exposure->updates[update->update];
        uint32_t install = EXPOSURE_NONE;
        fleet_second installed =
            fleet_correct(&analysis->fleet.hosts[host], update->at, pending->received_at);
        switch (update->outcome) {
        case UPDATE_INSTALLED:
            known->first_seen = received < known->first_seen ? received : known->first_seen;
            if (!exposure_install(exposure, &analysis->fleet, host, update->update, installed,
                                  open->minute, &install, failure) ||
                (install != EXPOSURE_NONE &&
                 !impact_take_late_install(&analysis->impact, exposure, &analysis->fleet, install,
                                           failure))) {
                return false;
            }
            break;
        case UPDATE_FAILED:
            known->failed++;
            break;
        case UPDATE_ROLLED_BACK:
            if (!exposure_roll_back(exposure, &analysis->fleet, host, update->update, failure)) {
                return false;
            }
            break;
        }
    }
    return true;
}

/* Whether the report is one of the minute once more: it is counted once. */
static bool is_told_again(const struct minute_order *order, const struct order_rest *rest)
{
    const struct pending_report *told = rest->report;
    unsigned number = told->host_id.bytes[0];
    struct heap_view heap = view_heap(order, number);
    const struct pending_update *updates = &order->open->updates[told->first_update];
    for (size_t i = rest->place - order->begins[number]; told->update_count > 0 && i > 0; i--) {
        const struct pending_report *before = heap_report(&heap, i - 1);
        if (before->observed_at != told->observed_at ||
            !uuid_equal(&before->host_id, &told->host_id)) {
            break;
        }
        bool same = before->update_count == told->update_count;
        for (uint32_t u = 0; same && u < told->update_count; u++) {
            const struct pending_update *update = &order->open->updates[before->first_update + u];
            same = update->update == updates[u].update && update->at == updates[u].at &&
                   update->outcome == updates[u].outcome;
        }
        if (same) {
            return true;
        }
    }
    return false;
}

static bool place_report(const struct minute_order *order, const struct order_rest *rest,
                         struct failure *failure)
{
    struct analysis *analysis = order->analysis;
    bool meets = (order->room.flags[rest->place] & ORDER_MEETS) != 0;
    if (!place_host(analysis, rest->report, rest->host, meets, failure)) {
        return false;
    }
    fleet_note_delay(&analysis->fleet.hosts[rest->host], rest->report->observed_at,
                     rest->report->received_at);
    return is_told_again(order, rest) ||
           take_updates(analysis, order->open, rest->report, rest->host, failure);
}

/* What a report names, once the report itself is there. */
PREFETCHING expect_named(const struct minute_order *order, const struct pending_report *report)
{
    if (report->update_count > 0) {
        __builtin_prefetch(&order->open->updates[report->first_update]);
    }
    __builtin_prefetch(&order->analysis->customer_sizes[report->customer], 1);
}

/* Places the listed reports of a part that stand at `*from` or later. Stops when an attribute is
 * left out on the way, and sets *from to the place after. */
static bool place_listed(const struct minute_order *order, const struct order_part *part,
                         size_t *from, bool *stopped, struct failure *failure)
{
    const struct segments *segments = &order->analysis->segments;
    uint32_t left_out_count = segments->left_out_count;
    for (size_t i = 0; i < part->rest_count; i++) {
        const struct order_rest *rest = &part->rest[i];
        if (i + FAR_AHEAD < part->rest_count) {
            expect(&order->analysis->fleet, &rest[FAR_AHEAD]);
            expect_named(order, rest[AHEAD].report);
        }
        if (rest->place < *from || (order->room.flags[rest->place] & ORDER_CHANGES) == 0) {
            continue;
        }
        if (!place_report(order, rest, failure)) {
            return false;
        }
        if (segments->left_out_count != left_out_count) {
            *from = rest->place + 1;
            *stopped = true;
            return true;
        }
    }
    return true;
}

/* An attribute left out on the way changes the kind of whoever comes after: from there on,
 * everybody is placed. */
static bool place_in_order(struct minute_order *order, struct failure *failure)
{
    size_t from = 0;
    for (unsigned part = 0; part < order->parts;) {
        bool stopped = false;
        if (!place_listed(order, &order->part[part], &from, &stopped, failure)) {
            return false;
        }
        if (!stopped) {
            part++;
            continue;
        }
        for (size_t place = from; place < order->count; place++) {
            order->room.flags[place] |= ORDER_CHANGES;
        }
        if (!minute_order_run(order, list_part, failure)) {
            return false;
        }
    }
    return true;
}

static bool reach_segments(struct analysis *analysis, struct failure *failure)
{
    uint32_t known = analysis->met.count;
    if (known > analysis->segment_kinds_count) {
        uint32_t count = known + known / 2;
        struct segment_kind *kinds = realloc(analysis->segment_kinds, count * sizeof *kinds);
        if (kinds == NULL) {
            return failure_memory(failure, "learning a kind of host");
        }
        memset(kinds + analysis->segment_kinds_count, 0,
               (count - analysis->segment_kinds_count) * sizeof *kinds);
        analysis->segment_kinds = kinds;
        analysis->segment_kinds_count = count;
    }
    return true;
}

bool analysis_prepare(struct analysis *analysis, struct failure *failure)
{
    return customer_sizes_reach(analysis, failure) && reach_segments(analysis, failure);
}

bool analysis_place(struct minute_order *order, struct failure *failure)
{
    bool moved = false;
    for (unsigned part = 0; part < order->parts; part++) {
        moved |= order->part[part].moved;
    }
    return (!moved || minute_order_run(order, follow_movers_part, failure)) &&
           minute_order_run(order, list_part, failure) && meet(order, failure) &&
           place_in_order(order, failure);
}

/* ---- Hear ---- */

static void hear_part(void *context, unsigned number)
{
    struct minute_order *order = context;
    struct order_part part = order->part[number]; /* apart from the others' in memory, too */
    for (size_t i = 0; !part.failed && i < part.rest_count; i++) {
        const struct order_rest *rest = &part.rest[i];
        if (i + AHEAD < part.rest_count) {
            expect(&part.heard, &rest[AHEAD]);
        }
        if ((order->room.flags[rest->place] & ORDER_HEARD) == 0) {
            struct fleet_reading reading = reading_of(rest->report);
            part.failed = !fleet_hear(&part.heard, rest->host, &reading, &part.failure);
        }
    }
    order->part[number] = part;
}

bool analysis_hear(struct minute_order *order, struct failure *failure)
{
    minute_order_begin_hearing(order);
    bool done = minute_order_run(order, hear_part, failure);
    return minute_order_end_hearing(order, done, failure);
}
