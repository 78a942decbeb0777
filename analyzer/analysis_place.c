/* Order, find, check, place, hear; see analysis_place.h.
 *
 * The hard thing is memory: a report meets a host it has not met for minutes, so nearly each step
 * waits for a cache line. What is needed next is asked for some reports ahead.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/analysis_place.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis_customer.h"
#include "analyzer/analysis_sort.h"
#include "analyzer/parallel.h"
#include "common/large_pages.h"
#include "common/uuid.h"

/* With fewer reports in a minute threads cost more than they bring. */
#define PART_REPORTS 4096

/* So many reports ahead a line is asked for: a miss takes about as long as ten reports. */
#define AHEAD 16

/* What a report changes: where its host is counted; a customer's number of hosts as well. */
#define CHANGES 1
#define MOVES 2

struct minute_order {
    struct analysis *analysis;
    struct open_minute *open;         /* its heaps are put in order one by one */
    uint32_t *hosts;                  /* by place in the order; FLEET_NONE until it is known */
    uint8_t *changes;                 /* likewise: it must be placed */
    size_t begins[PENDING_HEAPS + 1]; /* the place of each heap's first report */
    size_t count, most_in_heap;
    unsigned parts;
    unsigned first_heap[PARALLEL_PARTS_MOST + 1]; /* each part begins with */
    bool moved[PARALLEL_PARTS_MOST];              /* a customer gained or lost a host in it */
    struct fleet heard[PARALLEL_PARTS_MOST];
    struct failure failures[PARALLEL_PARTS_MOST];
    bool failed[PARALLEL_PARTS_MOST];
};

/* A heap's reports, and what is known of them, once it is in order. */
struct heap_view {
    const struct pending_report *reports;
    uint32_t *hosts;
    uint8_t *changes;
    size_t count;
};

static struct heap_view view_heap(const struct minute_order *order, unsigned heap)
{
    size_t begins = order->begins[heap];
    return (struct heap_view){.reports = order->open->heaps[heap].reports,
                              .hosts = order->hosts + begins,
                              .changes = order->changes + begins,
                              .count = order->begins[heap + 1] - begins};
}

/* ---- Order ---- */

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

static bool make_order(struct minute_order *order, struct failure *failure)
{
    for (unsigned heap = 0; heap < PENDING_HEAPS; heap++) {
        size_t in_heap = order->open->heaps[heap].count;
        order->begins[heap + 1] = order->begins[heap] + in_heap;
        order->most_in_heap = in_heap > order->most_in_heap ? in_heap : order->most_in_heap;
    }
    size_t count = order->count = order->begins[PENDING_HEAPS];
    size_t parts = count / PART_REPORTS;
    unsigned most = order->analysis->options.threads;
    order->parts = parts < 1 ? 1 : parts < most ? (unsigned)parts : most;
    order->hosts = malloc((count + 1) * sizeof *order->hosts);
    order->changes = calloc(count + 1, sizeof *order->changes);
    if (order->hosts == NULL || order->changes == NULL) {
        return failure_memory(failure, "ordering reports");
    }
    divide(order);
    return true;
}

/* ---- Find ---- */

static void find_heap(const struct minute_order *order, struct heap_view heap, uint32_t *last)
{
    const struct analysis *analysis = order->analysis;
    for (size_t begin = 0; begin < heap.count; begin += FLEET_FIND_MOST) {
        const struct uuid *ids[FLEET_FIND_MOST];
        size_t left = heap.count - begin;
        size_t count = left < FLEET_FIND_MOST ? left : FLEET_FIND_MOST;
        for (size_t i = 0; i < count; i++) {
            ids[i] = &heap.reports[begin + i].host_id;
            __builtin_prefetch(&analysis->customer_sizes[heap.reports[begin + i].customer]);
        }
        fleet_find_in_order(&analysis->fleet, ids, count, last, &heap.hosts[begin]);
    }
}

/* ---- Check ---- */

/* Whether a report is not as its host was when last heard. What movers make of the sizes of their
 * customers comes later; see note_movers. */
static bool must_place(struct analysis *analysis, const struct pending_report *pending,
                       uint32_t number, bool *moves)
{
    if (number == FLEET_NONE) {
        *moves = true;
        return true;
    }
    const struct fleet_host *host = &analysis->fleet.hosts[number];
    if (host->customer != pending->customer) {
        *moves = true;
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

static void note_delay(struct fleet_host *host, const struct pending_report *pending)
{
    int64_t delay_s = (pending->received_at - pending->observed_at) / INSTANT_SECOND;
    if (delay_s < host->delay_s) {
        host->delay_s = (int32_t)(delay_s < INT32_MIN ? INT32_MIN : delay_s);
    }
}

/* All reports of one host are placed or none: what one says of its clock dates the next one's
 * installations. */
static void check_heap(struct minute_order *order, struct heap_view heap, bool *moved)
{
    for (size_t begin = 0; begin < heap.count;) {
        uint32_t host = heap.hosts[begin];
        bool changes = false;
        size_t next = begin;
        do {
            bool moves = false;
            changes |= must_place(order->analysis, &heap.reports[next], host, &moves);
            *moved |= moves;
            heap.changes[next] = moves ? MOVES : 0;
            next++;
        } while (next < heap.count && host != FLEET_NONE && heap.hosts[next] == host);
        for (; begin < next; begin++) {
            heap.changes[begin] |= changes ? CHANGES : 0;
            if (!changes) {
                note_delay(&order->analysis->fleet.hosts[host], &heap.reports[begin]);
            }
        }
    }
}

/* Heap by heap, so that what one step has read the next finds in the processor's cache. */
static void order_part(void *context, unsigned part)
{
    struct minute_order *order = context;
    struct sort_room room;
    uint32_t last = FLEET_NONE;
    order->failed[part] = !sort_room_make(&room, order->most_in_heap, &order->failures[part]);
    for (unsigned heap = order->first_heap[part];
         !order->failed[part] && heap < order->first_heap[part + 1]; heap++) {
        sort_heap(&room, &order->open->heaps[heap]);
        find_heap(order, view_heap(order, heap), &last);
        check_heap(order, view_heap(order, heap), &order->moved[part]);
    }
    sort_room_free(&room);
}

/* A customer that gains or loses a host this minute changes its size on the way, unless its seats
 * are registered. */
static void note_movers(struct minute_order *order)
{
    struct analysis *analysis = order->analysis;
    for (unsigned number = 0; number < PENDING_HEAPS; number++) {
        struct heap_view heap = view_heap(order, number);
        for (size_t i = 0; i < heap.count; i++) {
            uint32_t host = heap.hosts[i];
            if ((heap.changes[i] & MOVES) != 0) {
                analysis->customer_sizes[heap.reports[i].customer].moved_in =
                    analysis->next_minute + 1;
            }
            if ((heap.changes[i] & MOVES) != 0 && host != FLEET_NONE) {
                analysis->customer_sizes[analysis->fleet.hosts[host].customer].moved_in =
                    analysis->next_minute + 1;
            }
        }
    }
}

/* So its other hosts are placed anew. */
static void follow_movers_part(void *context, unsigned part)
{
    struct minute_order *order = context;
    struct analysis *analysis = order->analysis;
    for (unsigned number = order->first_heap[part]; number < order->first_heap[part + 1];
         number++) {
        struct heap_view heap = view_heap(order, number);
        for (size_t i = 0; i < heap.count; i++) {
            uint32_t customer = heap.reports[i].customer;
            if (heap.changes[i] == 0 &&
                analysis->customer_sizes[customer].moved_in == analysis->next_minute + 1 &&
                !customer_is_registered(analysis, customer)) {
                heap.changes[i] = CHANGES;
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
                       uint32_t *number, struct failure *failure)
{
    struct fleet *fleet = &analysis->fleet;
    if (*number == FLEET_NONE) {
        if (!fleet_add(fleet, &pending->host_id, pending->customer, number, failure)) {
            return false;
        }
        analysis->customer_sizes[pending->customer].hosts++;
    }
    struct fleet_host *host = &fleet->hosts[*number];
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
    return exposure_refresh(&analysis->exposure, fleet, *number, failure);
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
static bool is_told_again(const struct open_minute *open, struct heap_view heap, size_t at)
{
    const struct pending_report *told = &heap.reports[at];
    const struct pending_update *updates = &open->updates[told->first_update];
    for (size_t i = at; told->update_count > 0 && i > 0; i--) {
        const struct pending_report *before = &heap.reports[i - 1];
        if (before->observed_at != told->observed_at ||
            !uuid_equal(&before->host_id, &told->host_id)) {
            break;
        }
        bool same = before->update_count == told->update_count;
        for (uint32_t u = 0; same && u < told->update_count; u++) {
            const struct pending_update *update = &open->updates[before->first_update + u];
            same = update->update == updates[u].update && update->at == updates[u].at &&
                   update->outcome == updates[u].outcome;
        }
        if (same) {
            return true;
        }
    }
    return false;
}

static void ask_ahead(const struct minute_order *order, struct heap_view heap, size_t at)
{
    if (at + AHEAD < heap.count && heap.hosts[at + AHEAD] != FLEET_NONE) {
        __builtin_prefetch(&order->analysis->fleet.hosts[heap.hosts[at + AHEAD]], 1);
    }
}

static bool place_report(const struct minute_order *order, struct heap_view heap, size_t at,
                         struct failure *failure)
{
    struct analysis *analysis = order->analysis;
    const struct pending_report *pending = &heap.reports[at];
    uint32_t *host = &heap.hosts[at];
    if (*host == FLEET_NONE && at > 0 &&
        uuid_equal(&heap.reports[at - 1].host_id, &pending->host_id)) {
        *host = heap.hosts[at - 1];
    }
    if (!place_host(analysis, pending, host, failure)) {
        return false;
    }
    note_delay(&analysis->fleet.hosts[*host], pending);
    return is_told_again(order->open, heap, at) ||
           take_updates(analysis, order->open, pending, *host, failure);
}

/* Of the reports that are placed, mostly few and far between, so many at once are asked for. */
#define PLACE_MOST 32

static void expect_report(const struct minute_order *order, struct heap_view heap, size_t at)
{
    const struct analysis *analysis = order->analysis;
    const struct pending_report *pending = &heap.reports[at];
    if (heap.hosts[at] == FLEET_NONE) {
        fleet_expect(&analysis->fleet, &pending->host_id);
    }
    if (pending->update_count > 0) {
        __builtin_prefetch(&order->open->updates[pending->first_update]);
    }
    __builtin_prefetch(&analysis->customer_sizes[pending->customer], 1);
}

static bool place_heap(const struct minute_order *order, struct heap_view heap,
                       uint32_t left_out_count, struct failure *failure)
{
    const struct analysis *analysis = order->analysis;
    for (size_t i = 0; i < heap.count;) {
        size_t places[PLACE_MOST];
        size_t count = 0;
        for (; i < heap.count && count < PLACE_MOST; i++) {
            /* An attribute left out on the way changes the kind of whoever comes after. */
            if (heap.changes[i] != 0 || analysis->segments.left_out_count != left_out_count) {
                __builtin_prefetch(&heap.reports[i]);
                if (heap.hosts[i] != FLEET_NONE) {
                    __builtin_prefetch(&analysis->fleet.hosts[heap.hosts[i]], 1);
                }
                places[count++] = i;
            }
        }
        for (size_t j = 0; j < count; j++) {
            expect_report(order, heap, places[j]);
        }
        for (size_t j = 0; j < count; j++) {
            if (!place_report(order, heap, places[j], failure)) {
                return false;
            }
            if (analysis->segments.left_out_count != left_out_count) {
                i = places[j] + 1; /* from here on, everybody */
                break;
            }
        }
    }
    return true;
}

static bool place_in_order(struct minute_order *order, struct failure *failure)
{
    uint32_t left_out_count = order->analysis->segments.left_out_count;
    bool done = true;
    for (unsigned heap = 0; done && heap < PENDING_HEAPS; heap++) {
        done = place_heap(order, view_heap(order, heap), left_out_count, failure);
    }
    return done;
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

bool analysis_place(struct analysis *analysis, struct open_minute *open, struct minute_order **made,
                    struct failure *failure)
{
    struct minute_order *order = calloc(1, sizeof *order);
    *made = order;
    if (order == NULL) {
        return failure_memory(failure, "ordering reports");
    }
    order->analysis = analysis;
    order->open = open;
    if (!make_order(order, failure) || !customer_sizes_reach(analysis, failure) ||
        !reach_segments(analysis, failure)) {
        return false;
    }
    parallel_run(order->parts, order_part, order);
    bool moved = false;
    for (unsigned part = 0; part < order->parts; part++) {
        if (order->failed[part]) {
            *failure = order->failures[part];
            return false;
        }
        moved |= order->moved[part];
    }
    if (moved) {
        note_movers(order);
        parallel_run(order->parts, follow_movers_part, order);
    }
    return place_in_order(order, failure);
}

/* ---- Hear ---- */

static bool hear_heap(const struct minute_order *order, struct fleet *fleet, struct heap_view heap,
                      struct failure *failure)
{
    for (size_t i = 0; i < heap.count; i++) {
        ask_ahead(order, heap, i);
        const struct pending_report *pending = &heap.reports[i];
        struct fleet_reading reading = {.observed_at = pending->observed_at,
                                        .received_at = pending->received_at,
                                        .has_cpu = pending->has_cpu,
                                        .interval_s = pending->interval_s,
                                        .busy = pending->busy};
        if (!fleet_hear(fleet, heap.hosts[i], &reading, failure)) {
            return false;
        }
    }
    return true;
}

static bool hear_heaps(const struct minute_order *order, struct fleet *fleet, unsigned begin,
                       unsigned end, struct failure *failure)
{
    bool done = true;
    for (unsigned heap = begin; done && heap < end; heap++) {
        done = hear_heap(order, fleet, view_heap(order, heap), failure);
    }
    return done;
}

static void hear_part(void *context, unsigned part)
{
    struct minute_order *order = context;
    struct fleet heard = order->heard[part]; /* apart from the others' counts in memory, too */
    order->failed[part] = !hear_heaps(order, &heard, order->first_heap[part],
                                      order->first_heap[part + 1], &order->failures[part]);
    order->heard[part] = heard;
}

bool analysis_hear(struct minute_order *order, struct failure *failure)
{
    struct analysis *analysis = order->analysis;
    if (order->parts == 1) {
        return hear_heaps(order, &analysis->fleet, 0, PENDING_HEAPS, failure);
    }
    for (unsigned part = 0; part < order->parts; part++) {
        order->heard[part] = fleet_part(&analysis->fleet);
    }
    parallel_run(order->parts, hear_part, order);
    bool done = true;
    for (unsigned part = 0; part < order->parts; part++) {
        if (done && order->failed[part]) {
            *failure = order->failures[part];
            done = false;
        }
        done = fleet_join(&analysis->fleet, &order->heard[part], done, failure) && done;
    }
    return done;
}

void minute_order_free(struct minute_order *order)
{
    if (order != NULL) {
        free(order->hosts);
        free(order->changes);
        free(order);
    }
}
