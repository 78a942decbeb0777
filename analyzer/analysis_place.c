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

#include "analyzer/parallel.h"
#include "common/large_pages.h"

/* With fewer reports in a minute threads cost more than they bring. */
#define PART_REPORTS 4096

/* So many reports ahead a line is asked for: a miss takes about as long as ten reports. */
#define AHEAD 16

/* A report while it is sorted. */
struct sort_key {
    uint64_t prefix; /* of the host's id, as a number that sorts like it */
    uint32_t report;
};

struct minute_order {
    struct analysis *analysis;
    struct open_minute *open;       /* its reports are put in order in place */
    struct pending_report *buckets; /* the same by the first bits of the host's id */
    uint32_t *bucket_ends;
    unsigned bucket_bits;
    struct sort_key *keys, *spare_keys;
    uint32_t *hosts;  /* by place in the order; FLEET_NONE until it is known */
    uint8_t *changes; /* likewise: it must be placed */
    size_t count;
    unsigned parts;
    size_t ends[PARALLEL_PARTS_MOST]; /* where each part ends */
    struct fleet heard[PARALLEL_PARTS_MOST];
    struct failure failures[PARALLEL_PARTS_MOST];
    bool failed[PARALLEL_PARTS_MOST];
};

static size_t part_begins(const struct minute_order *order, unsigned part)
{
    return part == 0 ? 0 : order->ends[part - 1];
}

/* ---- Order ---- */

static int compare_reports(const void *left, const void *right)
{
    const struct pending_report *a = left;
    const struct pending_report *b = right;
    int order = memcmp(&a->host_id, &b->host_id, sizeof a->host_id);
    if (order != 0) {
        return order;
    }
    if (a->observed_at != b->observed_at) {
        return a->observed_at < b->observed_at ? -1 : 1;
    }
    if (a->has_cpu != b->has_cpu) {
        return a->has_cpu ? -1 : 1; /* as fleet_hear wants it */
    }
    if (a->received_at != b->received_at) {
        return a->received_at < b->received_at ? -1 : 1;
    }
    return (a->busy > b->busy) - (a->busy < b->busy);
}

static int compare_keys(const void *left, const void *right, void *context)
{
    const struct sort_key *a = left;
    const struct sort_key *b = right;
    const struct pending_report *reports = context;
    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix ? -1 : 1;
    }
    return compare_reports(&reports[a->report], &reports[b->report]);
}

/* Few enough for the simplest sort, which is then the fastest. */
#define FEW 24

static void sort_few(struct sort_key *keys, size_t count, struct pending_report *reports)
{
    if (count > FEW) {
        qsort_r(keys, count, sizeof *keys, compare_keys, reports);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct sort_key moving = keys[i];
        size_t at = i;
        for (; at > 0 && compare_keys(&moving, &keys[at - 1], reports) < 0; at--) {
            keys[at] = keys[at - 1];
        }
        keys[at] = moving;
    }
}

static uint64_t prefix_of(const struct uuid *id)
{
    uint64_t prefix;
    memcpy(&prefix, id, sizeof prefix);
    return __builtin_bswap64(prefix);
}

/* Host ids are random, or hashes, so their first bits make even buckets. A bucket of some 500
 * reports stays in the processor's cache while it is sorted. */
#define BUCKET_REPORTS 512
#define BUCKET_BITS_MOST 11

static size_t bucket_of(const struct minute_order *order, const struct pending_report *report)
{
    return order->bucket_bits == 0 ? 0 : prefix_of(&report->host_id) >> (64 - order->bucket_bits);
}

static void spread(struct minute_order *order)
{
    const struct pending_report *reports = order->open->reports;
    uint32_t *next = order->bucket_ends;
    size_t buckets = (size_t)1 << order->bucket_bits;
    for (size_t i = 0; i < order->count; i++) {
        next[bucket_of(order, &reports[i]) + 1]++;
    }
    for (size_t i = 0; i < buckets; i++) {
        next[i + 1] += next[i];
    }
    for (size_t i = 0; i < order->count; i++) {
        order->buckets[next[bucket_of(order, &reports[i])]++] = reports[i];
    }
}

/* By the next eight bits, which leaves two or three to compare, then back where they came from. */
static void sort_bucket(struct minute_order *order, size_t begin, size_t end)
{
    uint32_t next[257] = {0};
    struct sort_key *keys = order->keys + begin;
    size_t count = end - begin;
    unsigned shift = 64 - order->bucket_bits - 8;
    for (size_t i = 0; i < count; i++) {
        uint64_t prefix = prefix_of(&order->buckets[begin + i].host_id);
        order->spare_keys[begin + i] =
            (struct sort_key){.prefix = prefix, .report = (uint32_t)(begin + i)};
        next[(prefix >> shift & 0xff) + 1]++;
    }
    for (size_t i = 0; i < 256; i++) {
        next[i + 1] += next[i];
    }
    for (size_t i = begin; i < end; i++) {
        struct sort_key key = order->spare_keys[i];
        keys[next[key.prefix >> shift & 0xff]++] = key;
    }
    for (size_t i = 0, first = 0; i < 256; first = next[i++]) {
        sort_few(keys + first, next[i] - first, order->buckets);
    }
    for (size_t i = 0; i < count; i++) {
        order->open->reports[begin + i] = order->buckets[keys[i].report];
    }
}

static void sort_part(void *context, unsigned part)
{
    struct minute_order *order = context;
    size_t buckets = (size_t)1 << order->bucket_bits;
    for (size_t i = 0; i < buckets; i++) {
        size_t begin = i == 0 ? 0 : order->bucket_ends[i - 1];
        if (begin >= part_begins(order, part) && begin < order->ends[part]) {
            sort_bucket(order, begin, order->bucket_ends[i]);
        }
    }
}

/* Parts end between buckets, so between hosts. */
static void part_at_buckets(struct minute_order *order)
{
    size_t buckets = (size_t)1 << order->bucket_bits;
    size_t bucket = 0;
    for (unsigned part = 0; part < order->parts; part++) {
        size_t end = order->count * (part + 1) / order->parts;
        while (bucket < buckets - 1 && order->bucket_ends[bucket] < end) {
            bucket++;
        }
        order->ends[part] = part == order->parts - 1 ? order->count : order->bucket_ends[bucket];
    }
}

static bool put_in_order(struct minute_order *order, struct failure *failure)
{
    size_t count = order->count;
    size_t parts = count / PART_REPORTS;
    unsigned most = order->analysis->options.threads;
    order->parts = parts < 1 ? 1 : parts < most ? (unsigned)parts : most;
    while (order->bucket_bits < BUCKET_BITS_MOST &&
           (size_t)BUCKET_REPORTS << order->bucket_bits < count) {
        order->bucket_bits++;
    }
    order->bucket_ends = calloc(((size_t)1 << order->bucket_bits) + 1, sizeof *order->bucket_ends);
    order->buckets = malloc((count + 1) * sizeof *order->buckets);
    order->keys = malloc((count + 1) * sizeof *order->keys);
    order->spare_keys = malloc((count + 1) * sizeof *order->spare_keys);
    order->hosts = malloc((count + 1) * sizeof *order->hosts);
    order->changes = calloc(count + 1, sizeof *order->changes);
    if (order->bucket_ends == NULL || order->buckets == NULL || order->keys == NULL ||
        order->spare_keys == NULL || order->hosts == NULL || order->changes == NULL) {
        return failure_memory(failure, "ordering reports");
    }
    large_pages_ask(order->buckets, count * sizeof *order->buckets);
    large_pages_ask(order->keys, count * sizeof *order->keys);
    large_pages_ask(order->spare_keys, count * sizeof *order->spare_keys);
    spread(order);
    part_at_buckets(order);
    parallel_run(order->parts, sort_part, order);
    return true;
}

/* ---- Find ---- */

static void find_part(void *context, unsigned part)
{
    struct minute_order *order = context;
    size_t end = order->ends[part];
    for (size_t begin = part_begins(order, part); begin < end; begin += FLEET_FIND_MOST) {
        const struct uuid *ids[FLEET_FIND_MOST];
        size_t count = end - begin < FLEET_FIND_MOST ? end - begin : FLEET_FIND_MOST;
        for (size_t i = 0; i < count; i++) {
            ids[i] = &order->open->reports[begin + i].host_id;
        }
        fleet_find_several(&order->analysis->fleet, ids, count, &order->hosts[begin]);
    }
}

/* ---- Customers ---- */

static uint8_t size_class_of(uint64_t hosts)
{
    return hosts <= 1 ? 0 : (uint8_t)(63 - __builtin_clzll(hosts));
}

static bool count_customer_host(struct analysis *analysis, uint32_t customer,
                                struct failure *failure)
{
    if (customer >= analysis->customer_hosts_count) {
        uint32_t count = customer + customer / 2 + 256;
        uint32_t *hosts = realloc(analysis->customer_hosts, count * sizeof *hosts);
        if (hosts == NULL) {
            return failure_memory(failure, "counting a customer's hosts");
        }
        memset(hosts + analysis->customer_hosts_count, 0,
               (count - analysis->customer_hosts_count) * sizeof *hosts);
        analysis->customer_hosts = hosts;
        analysis->customer_hosts_count = count;
    }
    analysis->customer_hosts[customer]++;
    return true;
}

/* The class by the seats that are registered, as they stay the same while hosts come and go, plus
 * one; 0 where none are. Looked up once a minute; threads that do so at once find the same. */
static unsigned registered_class(struct analysis *analysis, uint32_t customer)
{
    struct customer_size *size = &analysis->customer_sizes[customer];
    uint64_t known = atomic_load_explicit(&size->known, memory_order_relaxed);
    uint64_t stamp = (uint64_t)(uint32_t)analysis->next_minute << 8;
    if ((known & ~UINT64_C(0xff)) == (stamp | UINT64_C(1) << 40)) {
        return known & 0xff;
    }
    const struct registry_customer *registered =
        analysis->registry == NULL
            ? NULL
            : registry_customer(analysis->registry, analysis->customers.texts[customer]);
    uint64_t seats = registered == NULL ? 0 : registry_total_seats(registered);
    unsigned class = seats > 0 ? size_class_of(seats) + 1U : 0;
    atomic_store_explicit(&size->known, stamp | UINT64_C(1) << 40 | class, memory_order_relaxed);
    return class;
}

static uint8_t customer_size_class(struct analysis *analysis, uint32_t customer)
{
    unsigned class = registered_class(analysis, customer);
    return class > 0 ? (uint8_t)(class - 1) : size_class_of(analysis->customer_hosts[customer]);
}

static bool reach_customers(struct analysis *analysis, struct failure *failure)
{
    uint32_t known = analysis->customers.count;
    if (known > analysis->customer_sizes_count) {
        uint32_t count = known + known / 2;
        struct customer_size *sizes = realloc(analysis->customer_sizes, count * sizeof *sizes);
        if (sizes == NULL) {
            return failure_memory(failure, "counting a customer's hosts");
        }
        memset(sizes + analysis->customer_sizes_count, 0,
               (count - analysis->customer_sizes_count) * sizeof *sizes);
        analysis->customer_sizes = sizes;
        analysis->customer_sizes_count = count;
    }
    return true;
}

/* ---- Check ---- */

/* A customer that gains or loses a host this minute changes its size on the way, unless its seats
 * are registered. */
static void note_movers(struct minute_order *order)
{
    struct analysis *analysis = order->analysis;
    for (size_t i = 0; i < order->count; i++) {
        uint32_t host = order->hosts[i];
        if (order->changes[i] != 0) {
            analysis->customer_sizes[order->open->reports[i].customer].moved_in =
                analysis->next_minute + 1;
        }
        if (order->changes[i] != 0 && host != FLEET_NONE) {
            analysis->customer_sizes[analysis->fleet.hosts[host].customer].moved_in =
                analysis->next_minute + 1;
        }
    }
}

static void find_movers_part(void *context, unsigned part)
{
    struct minute_order *order = context;
    const struct fleet *fleet = &order->analysis->fleet;
    find_part(order, part);
    for (size_t i = part_begins(order, part); i < order->ends[part]; i++) {
        uint32_t host = order->hosts[i];
        order->changes[i] =
            host == FLEET_NONE || fleet->hosts[host].customer != order->open->reports[i].customer;
    }
}

static bool must_place(struct minute_order *order, size_t at)
{
    struct analysis *analysis = order->analysis;
    const struct pending_report *pending = &order->open->reports[at];
    const struct fleet_host *host = &analysis->fleet.hosts[order->hosts[at]];
    if (pending->update_count > 0) {
        return true;
    }
    if (pending->segment != SEGMENT_NONE) {
        struct segment_kind kind = analysis->segment_kinds[pending->segment];
        if (kind.settled != analysis->segments.left_out_count + 1 || kind.kind != host->segment) {
            return true;
        }
    }
    unsigned class = registered_class(analysis, host->customer);
    return class > 0
               ? class - 1 != host->size_class
               : analysis->customer_sizes[host->customer].moved_in == analysis->next_minute + 1 ||
                     size_class_of(analysis->customer_hosts[host->customer]) != host->size_class;
}

static void note_delay(struct fleet_host *host, const struct pending_report *pending)
{
    int64_t delay_s = (pending->received_at - pending->observed_at) / INSTANT_SECOND;
    if (delay_s < host->delay_s) {
        host->delay_s = (int32_t)(delay_s < INT32_MIN ? INT32_MIN : delay_s);
    }
}

static void ask_ahead(const struct minute_order *order, size_t at, size_t end)
{
    if (at + AHEAD < end && order->hosts[at + AHEAD] != FLEET_NONE) {
        __builtin_prefetch(&order->analysis->fleet.hosts[order->hosts[at + AHEAD]], 1);
    }
}

/* All reports of one host are placed or none: what one says of its clock dates the next one's
 * installations. */
static void check_part(void *context, unsigned part)
{
    struct minute_order *order = context;
    size_t end = order->ends[part];
    for (size_t begin = part_begins(order, part); begin < end;) {
        uint32_t host = order->hosts[begin];
        uint8_t changes = 0;
        size_t next = begin;
        do {
            ask_ahead(order, next, end);
            changes |= order->changes[next] != 0 || must_place(order, next);
            next++;
        } while (next < end && host != FLEET_NONE && order->hosts[next] == host);
        for (; begin < next; begin++) {
            order->changes[begin] = changes;
            if (changes == 0) {
                note_delay(&order->analysis->fleet.hosts[host], &order->open->reports[begin]);
            }
        }
    }
}

/* ---- Place ---- */

static bool learn_segment(struct analysis *analysis, uint32_t met, uint32_t *segment,
                          struct failure *failure)
{
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
    *number = *number == FLEET_NONE ? fleet_find(fleet, &pending->host_id) : *number;
    if (*number == FLEET_NONE &&
        (!fleet_add(fleet, &pending->host_id, pending->customer, number, failure) ||
         !count_customer_host(analysis, pending->customer, failure))) {
        return false;
    }
    struct fleet_host *host = &fleet->hosts[*number];
    if (host->customer != pending->customer) {
        analysis->customer_hosts[host->customer]--;
        host->customer = pending->customer;
        if (!count_customer_host(analysis, pending->customer, failure)) {
            return false;
        }
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

static bool place_in_order(struct minute_order *order, struct failure *failure)
{
    struct analysis *analysis = order->analysis;
    uint32_t left_out_count = analysis->segments.left_out_count;
    for (size_t i = 0; i < order->count; i++) {
        /* An attribute left out on the way changes the kind of whoever comes after. */
        if (order->changes[i] == 0 && analysis->segments.left_out_count == left_out_count) {
            continue;
        }
        ask_ahead(order, i, order->count);
        const struct pending_report *pending = &order->open->reports[i];
        uint32_t *host = &order->hosts[i];
        if (!place_host(analysis, pending, host, failure)) {
            return false;
        }
        note_delay(&analysis->fleet.hosts[*host], pending);
        if (!take_updates(analysis, order->open, pending, *host, failure)) {
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
    order->count = open->report_count;
    if (!put_in_order(order, failure) || !reach_customers(analysis, failure) ||
        !reach_segments(analysis, failure)) {
        return false;
    }
    parallel_run(order->parts, find_movers_part, order);
    note_movers(order);
    parallel_run(order->parts, check_part, order);
    return place_in_order(order, failure);
}

/* ---- Hear ---- */

static bool hear_range(struct minute_order *order, struct fleet *fleet, size_t begin, size_t end,
                       struct failure *failure)
{
    for (size_t i = begin; i < end; i++) {
        ask_ahead(order, i, end);
        const struct pending_report *pending = &order->open->reports[i];
        struct fleet_reading reading = {.observed_at = pending->observed_at,
                                        .received_at = pending->received_at,
                                        .has_cpu = pending->has_cpu,
                                        .interval_s = pending->interval_s,
                                        .busy = pending->busy};
        if (!fleet_hear(fleet, order->hosts[i], &reading, failure)) {
            return false;
        }
    }
    return true;
}

static void hear_part(void *context, unsigned part)
{
    struct minute_order *order = context;
    order->failed[part] = !hear_range(order, &order->heard[part], part_begins(order, part),
                                      order->ends[part], &order->failures[part]);
}

bool analysis_hear(struct minute_order *order, struct failure *failure)
{
    struct analysis *analysis = order->analysis;
    if (order->parts == 1) {
        return hear_range(order, &analysis->fleet, 0, order->count, failure);
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
        free(order->bucket_ends);
        free(order->buckets);
        free(order->keys);
        free(order->spare_keys);
        free(order->hosts);
        free(order->changes);
        free(order);
    }
}
