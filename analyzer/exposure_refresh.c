/* Who is to be counted anew, and when? See exposure.h for what counts, exposure_part.h for how it
 * is counted.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exposure_refresh.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "analyzer/exposure_age.h"
#include "analyzer/exposure_cells.h"
#include "analyzer/exposure_mask.h"
#include "analyzer/exposure_part.h"
#include "common/prefetch.h"

/* So many items ahead a line of memory is asked for; see analysis_order.c. */
#define AHEAD 24U
#define FAR_AHEAD 48U

/* With fewer hosts threads cost more than they bring. */
#define PART_HOSTS 4096

/* ---- One host ---- */

static uint8_t arrival_class(const struct exposure *exposure, const struct fleet_host *host)
{
    return age_class_of(exposure, host, exposure->minute - host->since / 60);
}

uint64_t exposure_host_mask(const struct exposure *exposure, const struct fleet_host *host)
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

static int32_t settles_at(const struct exposure *exposure, const struct fleet_host *host,
                          uint8_t age_class)
{
    return age_class == 0 ? INT32_MAX
                          : host->since / 60 + age_class_ends(exposure, host, age_class);
}

int32_t exposure_settles_at(const struct exposure *exposure, const struct fleet_host *host)
{
    return settles_at(exposure, host, arrival_class(exposure, host));
}

/* Makes room for the deadline of each block of hosts. */
bool exposure_reach_blocks(struct exposure *exposure, const struct fleet *fleet,
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

/* ---- Many hosts ---- */

/* Hosts are shared out to threads by runs of so many: those of a minute's reports are numbered in
 * long runs, which one thread must not have alone. Not less than a block, which has one deadline.
 */
#define RUN_HOSTS (16 * FLEET_BLOCK)

/* A minute's work: each thread counts the hosts that are its own. */
struct refresh_run {
    const uint32_t *items; /* installations that are due */
    size_t count;
    const uint32_t *blocks; /* of hosts, some of which are due */
    size_t block_count;
    struct exposure_parts parts;
    struct refresh_part {
        struct host_list {
            uint32_t *hosts;
            uint32_t count, capacity;
        } lists[PARALLEL_PARTS_MOST]; /* by the thread whose they are */
        bool failed;
        struct failure failure;
    } * work; /* by part */
};

static unsigned owner_of(const struct refresh_run *run, uint32_t host)
{
    return run->parts.count <= 1 ? 0 : host / RUN_HOSTS % run->parts.count;
}

/* What a host is counted by, once the host itself is there. */
PREFETCHING expect_installs(const struct exposure *exposure, const struct fleet_host *host)
{
    if (host->installs != EXPOSURE_NONE) {
        __builtin_prefetch(&exposure->installs[host->installs]);
    }
}

static bool recount_all(struct exposure_part *part, const uint32_t *hosts, size_t count,
                        struct failure *failure)
{
    const struct fleet *fleet = part->fleet;
    for (size_t i = 0; i < count; i++) {
        if (i + FAR_AHEAD < count) {
            __builtin_prefetch(&fleet->hosts[hosts[i + FAR_AHEAD]], 1);
            expect_installs(part->exposure, &fleet->hosts[hosts[i + AHEAD]]);
        }
        if (!exposure_recount(part, hosts[i], failure)) {
            return false;
        }
    }
    return true;
}

/* Ages installations, whosever they are, and tells their owners whom they are on. */
static bool age_part_of(struct refresh_run *run, struct refresh_part *work,
                        struct exposure_part *part, size_t begin, size_t end)
{
    struct exposure_install *installs = part->exposure->installs;
    for (size_t i = begin; i < end; i++) {
        if (i + FAR_AHEAD < end) {
            __builtin_prefetch(&installs[run->items[i + FAR_AHEAD]], 1);
            __builtin_prefetch(&part->fleet->hosts[installs[run->items[i + AHEAD]].host], 1);
        }
        struct exposure_install *install = &installs[run->items[i]];
        if (install->age_class == 0) {
            install->is_due = false;
            continue; /* rolled back meanwhile */
        }
        struct host_list *list = &work->lists[owner_of(run, install->host)];
        bool was_fresh = install->age_class == EXPOSURE_FRESH;
        if (!exposure_age(part, run->items[i], &work->failure) ||
            !exposure_list(&list->hosts, &list->count, &list->capacity, install->host,
                           &work->failure) ||
            (was_fresh && install->age_class != EXPOSURE_FRESH &&
             !exposure_list(&part->awaited, &part->awaited_count, &part->awaited_capacity,
                            install->host, &work->failure))) {
            return false;
        }
    }
    return true;
}

static void age_part(void *context, unsigned number)
{
    struct refresh_run *run = context;
    struct exposure_part part = run->parts.part[number];
    size_t begin = run->count * number / run->parts.count;
    size_t end = run->count * (number + 1) / run->parts.count;
    run->work[number].failed = !age_part_of(run, &run->work[number], &part, begin, end);
    run->parts.part[number] = part;
}

/* Counts the healthy of a block anew who are longer healthy by a class, and finds its next time. */
static bool settle_block(struct exposure_part *part, uint32_t block, struct failure *failure)
{
    const struct exposure *exposure = part->exposure;
    const struct fleet *fleet = part->fleet;
    uint32_t begin = block * FLEET_BLOCK;
    uint32_t end = fleet->count - begin < FLEET_BLOCK ? fleet->count : begin + FLEET_BLOCK;
    int32_t next = INT32_MAX;
    for (uint32_t number = begin; number < end; number++) {
        const struct fleet_host *host = &fleet->hosts[number];
        if (host->risk_cell == EXPOSURE_NONE) {
            continue;
        }
        uint8_t now = arrival_class(exposure, host);
        int32_t minute = settles_at(exposure, host, now);
        next = minute < next ? minute : next;
        if (host->risk_cell != EXPOSURE_PENDING &&
            exposure_class(exposure->cells[host->risk_cell].mask, EXPOSURE_ARRIVAL_SLOT) != now &&
            !exposure_settle(part, number, now, failure)) {
            return false;
        }
    }
    atomic_store_explicit(&exposure->settle_at[block], next, memory_order_relaxed);
    return true;
}

/* Counts a thread's own hosts anew: those with installations that have aged, and those longer
 * healthy by a class. */
static void settle_part(void *context, unsigned number)
{
    struct refresh_run *run = context;
    struct refresh_part *work = &run->work[number];
    struct exposure_part part = run->parts.part[number];
    for (unsigned from = 0; !work->failed && from < run->parts.count; from++) {
        const struct host_list *list = &run->work[from].lists[number];
        work->failed = !recount_all(&part, list->hosts, list->count, &work->failure);
    }
    for (size_t i = 0; !work->failed && i < run->block_count; i++) {
        if (owner_of(run, run->blocks[i] * FLEET_BLOCK) == number) {
            work->failed = !settle_block(&part, run->blocks[i], &work->failure);
        }
    }
    run->parts.part[number] = part;
}

/* A host that was not watched and turns healthy tells of nothing but the end of harm known before.
 */
static bool may_tell(const struct exposure *exposure, const struct fleet_host *host,
                     const struct fleet_event *event)
{
    if (event->from != HOST_NEW || event->to != HOST_HEALTHY) {
        return host->installs != EXPOSURE_NONE;
    }
    bool harmed = false;
    for (uint32_t i = host->installs; i != EXPOSURE_NONE; i = exposure->installs[i].next) {
        harmed |= exposure->installs[i].affected != EXPOSURE_NONE;
    }
    return harmed;
}

/* Counts a thread's own hosts anew: those whose state has changed. */
static void change_part(void *context, unsigned number)
{
    struct refresh_run *run = context;
    struct refresh_part *work = &run->work[number];
    struct exposure_part part = run->parts.part[number]; /* apart from the others' in memory, too */
    const struct fleet *fleet = part.fleet;
    for (size_t i = 0; !work->failed && i < fleet->event_count; i++) {
        struct fleet_event *event = &fleet->events[i];
        if (i + AHEAD < fleet->event_count &&
            owner_of(run, fleet->events[i + AHEAD].host) == number) {
            __builtin_prefetch(&fleet->hosts[fleet->events[i + AHEAD].host], 1);
        }
        if (owner_of(run, event->host) == number) {
            event->tells = may_tell(part.exposure, &fleet->hosts[event->host], event);
            work->failed = !exposure_recount(&part, event->host, &work->failure);
        }
    }
    run->parts.part[number] = part;
}

/* ---- Runs ---- */

static bool open_run(struct refresh_run *run, struct exposure *exposure, struct fleet *fleet,
                     size_t hosts, struct failure *failure)
{
    size_t parts = hosts / PART_HOSTS;
    unsigned most = exposure->threads;
    unsigned count = parts <= 1 || most <= 1 ? 1 : parts < most ? (unsigned)parts : most;
    run->work = calloc(count, sizeof *run->work);
    if (run->work == NULL) {
        return failure_memory(failure, "counting who is exposed");
    }
    return exposure_open_parts(&run->parts, exposure, fleet, count, failure);
}

static bool run_parts(struct refresh_run *run, void (*work)(void *run, unsigned part),
                      struct failure *failure)
{
    parallel_run(run->parts.count, work, run);
    for (unsigned p = 0; p < run->parts.count; p++) {
        if (run->work[p].failed) {
            *failure = run->work[p].failure;
            return false;
        }
    }
    return true;
}

static void close_run(struct refresh_run *run)
{
    for (unsigned p = 0; run->work != NULL && p < run->parts.count; p++) {
        for (unsigned to = 0; to < run->parts.count; to++) {
            free(run->work[p].lists[to].hosts);
        }
    }
    free(run->work);
    exposure_free_parts(&run->parts);
}

bool exposure_refresh_changed(struct exposure *exposure, struct fleet *fleet,
                              struct failure *failure)
{
    if (fleet->event_count == 0) {
        return true;
    }
    struct refresh_run run = {0};
    bool done = open_run(&run, exposure, fleet, fleet->event_count, failure) &&
                run_parts(&run, change_part, failure) && exposure_join_parts(&run.parts, failure);
    close_run(&run);
    return done;
}

/* Blocks of hosts some of whom may be longer healthy by a class since this minute. */
static bool find_blocks(const struct exposure *exposure, uint32_t **blocks, uint32_t *count,
                        struct failure *failure)
{
    uint32_t capacity = 0;
    for (uint32_t block = 0; block < exposure->block_count; block++) {
        if (atomic_load_explicit(&exposure->settle_at[block], memory_order_relaxed) <=
            exposure->minute) {
            if (!exposure_list(blocks, count, &capacity, block, failure)) {
                return false;
            }
        }
    }
    return true;
}

bool exposure_begin_minute(struct exposure *exposure, struct fleet *fleet, int32_t minute,
                           struct failure *failure)
{
    exposure->minute = minute;
    uint32_t *blocks = NULL;
    uint32_t block_count = 0;
    struct wheel_bucket due = wheel_take(&exposure->ageing, minute);
    bool done = find_blocks(exposure, &blocks, &block_count, failure);
    if (done && (due.count > 0 || block_count > 0)) {
        struct refresh_run run = {
            .items = due.items, .count = due.count, .blocks = blocks, .block_count = block_count};
        size_t hosts = due.count + (size_t)block_count * FLEET_BLOCK;
        done = open_run(&run, exposure, fleet, hosts, failure) &&
               (due.count == 0 || run_parts(&run, age_part, failure)) &&
               run_parts(&run, settle_part, failure) && exposure_join_parts(&run.parts, failure);
        close_run(&run);
    }
    wheel_done(&exposure->ageing, minute, due);
    free(blocks);
    return done;
}
