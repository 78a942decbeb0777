/* Reports in, answers out: what waits for its minute to close, and what is read of the state. The
 * closing itself is in analysis_minute.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis_state.h"
#include "analyzer/cost_draws.h"
#include "analyzer/parallel.h"
#include "common/large_pages.h"

#define ALPHA_DEFAULT 0.001
#define RISK_WINDOW_DEFAULT (60 * INSTANT_MINUTE)
#define MARGIN_DEFAULT 1.5

bool analysis_new(const struct analysis_options *options, const struct registry *registry,
                  const struct cost_parameters *parameters, struct analysis **analysis,
                  struct failure *failure)
{
    struct analysis *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting an analysis");
    }
    made->options = *options;
    if (made->options.alpha == 0) {
        made->options.alpha = ALPHA_DEFAULT;
    }
    if (made->options.risk_window == 0) {
        made->options.risk_window = RISK_WINDOW_DEFAULT;
    }
    if (made->options.margin == 0) {
        made->options.margin = MARGIN_DEFAULT;
    }
    if (made->options.threads == 0) {
        made->options.threads = parallel_processors();
    }
    if (made->options.threads > PARALLEL_PARTS_MOST) {
        made->options.threads = PARALLEL_PARTS_MOST;
    }
    made->met.keeps_all = true;
    made->registry = registry;
    made->parameters = parameters;
    exposure_init(&made->exposure, (int32_t)(made->options.risk_window / INSTANT_MINUTE),
                  &made->segments);
    made->exposure.threads = made->options.threads;
    *analysis = made;
    return true;
}

static void name_list_free(struct name_list *list)
{
    free(list->texts);
    hash_index_free(&list->by_text);
}

static size_t slab_bytes(uint32_t share)
{
    return (size_t)share * PENDING_HEAPS * sizeof(struct pending_report);
}

/* Its share of the slab, or NULL where there is none. */
static struct pending_report *slab_heap(const struct open_minute *open, unsigned heap)
{
    return open->slab == NULL ? NULL : open->slab + (size_t)open->slab_share * heap;
}

static void free_heaps(struct open_minute *open)
{
    for (unsigned heap = 0; heap < PENDING_HEAPS; heap++) {
        if (open->heaps[heap].reports != slab_heap(open, heap)) {
            free(open->heaps[heap].reports);
        }
        open->heaps[heap] = (struct pending_heap){0};
    }
}

static void open_minute_free(struct open_minute *open)
{
    free_heaps(open);
    (void)large_pages_resize(open->slab, slab_bytes(open->slab_share), 0);
    free(open->updates);
    *open = (struct open_minute){0};
}

void analysis_free_spare(struct analysis *analysis)
{
    open_minute_free(&analysis->spare);
}

static void free_answers(struct analysis *analysis)
{
    for (unsigned part = 0; part < PARALLEL_PARTS_MOST; part++) {
        arena_free(&analysis->answer_arenas[part]);
        analysis->answer_arenas[part] = (struct arena){0};
    }
}

void analysis_free(struct analysis *analysis)
{
    if (analysis == NULL) {
        return;
    }
    arena_free(&analysis->names_arena);
    name_list_free(&analysis->customers);
    name_list_free(&analysis->updates);
    free(analysis->customer_sizes);
    free(analysis->segment_kinds);
    segments_free(&analysis->met);
    segments_free(&analysis->segments);
    for (size_t i = 0; i < analysis->open_count; i++) {
        open_minute_free(&analysis->open[i]);
    }
    free(analysis->open);
    analysis_free_spare(analysis);
    fleet_free(&analysis->fleet);
    exposure_free(&analysis->exposure);
    lattice_free(&analysis->lattice);
    course_free(&analysis->course);
    impact_free(&analysis->impact);
    cost_population_free(&analysis->population);
    cost_draws_release(analysis->cost_draws);
    free(analysis->states);
    free(analysis->changes);
    free_answers(analysis);
    free(analysis);
}

/* ---- Taking reports in ---- */

struct name_key {
    const struct name_list *list;
    const char *text;
};

static bool same_name(const void *context, uint32_t item)
{
    const struct name_key *key = context;
    return strcmp(key->list->texts[item], key->text) == 0;
}

bool analysis_intern(struct analysis *analysis, struct name_list *list, const char *text,
                     uint32_t *number, struct failure *failure)
{
    *number = list->last;
    if (list->last < list->count && strcmp(list->texts[list->last], text) == 0) {
        return true;
    }
    size_t length = strlen(text);
    struct name_key key = {.list = list, .text = text};
    uint64_t hash = hash_bytes(text, length);
    *number = hash_index_find(&list->by_text, hash, same_name, &key);
    if (*number != HASH_INDEX_NONE) {
        list->last = *number;
        return true;
    }
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 256 : list->capacity * 2;
        const char **texts = realloc(list->texts, capacity * sizeof *texts);
        if (texts == NULL) {
            return failure_memory(failure, "learning a name");
        }
        list->texts = texts;
        list->capacity = capacity;
    }
    const char *copy = arena_copy_text(&analysis->names_arena, text, length);
    if (copy == NULL || !hash_index_add(&list->by_text, hash, list->count, failure)) {
        return failure_memory(failure, "learning a name");
    }
    list->texts[list->count] = copy;
    *number = list->last = list->count++;
    return true;
}

/* Fewer reports than this do not fill large pages. */
#define SLAB_REPORTS 65536

/* Where the last minute brought many reports, the next one's wait in large pages: they are gone
 * through in an order of their own, and of such a step finding out where the page is would be most.
 * A quarter more than usual, so that a fleet that reports evenly never has a heap moved. */
static void prepare_slab(const struct analysis *analysis, struct open_minute *open)
{
    size_t share = analysis->usual_count / PENDING_HEAPS * 5 / 4;
    if (analysis->usual_count < SLAB_REPORTS || share > UINT32_MAX) {
        share = 0;
    }
    if (open->slab_share < share || open->slab_share > share * 4) {
        free_heaps(open);
        (void)large_pages_resize(open->slab, slab_bytes(open->slab_share), 0);
        open->slab = large_pages_resize(NULL, 0, slab_bytes((uint32_t)share));
        open->slab_share = open->slab == NULL ? 0 : (uint32_t)share;
    }
    for (unsigned heap = 0; open->slab != NULL && heap < PENDING_HEAPS; heap++) {
        open->heaps[heap] =
            (struct pending_heap){.reports = slab_heap(open, heap), .capacity = open->slab_share};
    }
}

/* NULL when memory is out. */
static struct open_minute *find_open(struct analysis *analysis, int32_t minute,
                                     struct failure *failure)
{
    size_t at = analysis->open_count;
    while (at > 0 && analysis->open[at - 1].minute > minute) {
        at--;
    }
    if (at > 0 && analysis->open[at - 1].minute == minute) {
        return &analysis->open[at - 1];
    }
    if (analysis->open_count == analysis->open_capacity) {
        size_t capacity = analysis->open_capacity == 0 ? 16 : analysis->open_capacity * 2;
        struct open_minute *open = realloc(analysis->open, capacity * sizeof *open);
        if (open == NULL) {
            failure_memory(failure, "taking a report");
            return NULL;
        }
        analysis->open = open;
        analysis->open_capacity = capacity;
    }
    memmove(&analysis->open[at + 1], &analysis->open[at],
            (analysis->open_count - at) * sizeof *analysis->open);
    analysis->open_count++;
    analysis->open[at] = analysis->spare;
    analysis->open[at].minute = minute;
    analysis->spare = (struct open_minute){0};
    prepare_slab(analysis, &analysis->open[at]);
    return &analysis->open[at];
}

bool analysis_make_room(void **array, size_t count, size_t *capacity, size_t size,
                        struct failure *failure)
{
    if (count < *capacity) {
        return true;
    }
    size_t grown = *capacity == 0 ? 256 : *capacity * 2;
    void *moved = realloc(*array, grown * size);
    if (moved == NULL) {
        return failure_memory(failure, "taking a report");
    }
    *array = moved;
    *capacity = grown;
    large_pages_ask(moved, grown * size);
    return true;
}

bool analysis_reach(void **array, uint32_t *count, uint32_t known, size_t size,
                    struct failure *failure)
{
    if (known <= *count) {
        return true;
    }
    size_t reached = (size_t)known + known / 2;
    char *moved = realloc(*array, reached * size);
    if (moved == NULL) {
        return failure_memory(failure, "taking a report");
    }
    memset(moved + *count * size, 0, (reached - *count) * size);
    *array = moved;
    *count = (uint32_t)reached;
    return true;
}

static bool add_updates(struct analysis *analysis, struct open_minute *open,
                        const struct report *report, struct failure *failure)
{
    for (size_t i = 0; i < report->update_count; i++) {
        if (!analysis_make_room((void **)&open->updates, open->update_count, &open->update_capacity,
                                sizeof *open->updates, failure)) {
            return false;
        }
        struct pending_update *update = &open->updates[open->update_count];
        *update = (struct pending_update){.outcome = report->updates[i].outcome,
                                          .at = report->updates[i].at};
        if (!analysis_intern(analysis, &analysis->updates, report->updates[i].id, &update->update,
                             failure) ||
            !exposure_know_update(&analysis->exposure, update->update, failure)) {
            return false;
        }
        open->update_count++;
    }
    return true;
}

/* Leaves a closed minute's memory to the next one: fresh pages cost as much as all else about
 * taking a report. Not that of a minute with four times the usual reports, which is a rare one. */
static void recycle(struct analysis *analysis, struct open_minute *open)
{
    if (analysis->usual_count > 0 && open->report_count / 4 > analysis->usual_count) {
        open_minute_free(open);
        return;
    }
    open_minute_free(&analysis->spare);
    if (open->slab != NULL) {
        free_heaps(open);
    }
    for (unsigned heap = 0; heap < PENDING_HEAPS; heap++) {
        open->heaps[heap].count = open->heaps[heap].update_count = 0;
    }
    open->report_count = open->update_count = 0;
    analysis->spare = *open;
}

static bool grow_heap(struct open_minute *open, unsigned number, struct failure *failure)
{
    struct pending_heap *heap = &open->heaps[number];
    size_t capacity = heap->capacity > 0 ? (size_t)heap->capacity * 2 : 4;
    /* A report is one cache line when it does not lie across two. */
    struct pending_report *moved = aligned_alloc(sizeof *moved, capacity * sizeof *moved);
    if (moved == NULL) {
        return failure_memory(failure, "taking a report");
    }
    if (heap->count > 0) {
        memcpy(moved, heap->reports, heap->count * sizeof *moved);
    }
    if (heap->reports != slab_heap(open, number)) {
        free(heap->reports);
    }
    heap->reports = moved;
    heap->capacity = (uint32_t)capacity;
    return true;
}

bool analysis_add(struct analysis *analysis, const struct report *report, struct failure *failure)
{
    int32_t minute = fleet_second_of(report->received_at) / 60;
    if (analysis->started && minute < analysis->next_minute) {
        analysis->late_reports++;
        minute = analysis->next_minute;
    }
    struct open_minute *open = find_open(analysis, minute, failure);
    if (open == NULL) {
        return false;
    }
    struct pending_heap *heap = &open->heaps[report->host_id.bytes[0]];
    if (heap->count == heap->capacity && !grow_heap(open, report->host_id.bytes[0], failure)) {
        return false;
    }
    struct pending_report *pending = &heap->reports[heap->count];
    /* grow_heap has made it: NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    *pending = (struct pending_report){.host_id = report->host_id,
                                       .segment = SEGMENT_NONE,
                                       .reading = {.observed_at = report->observed_at,
                                                   .received_at = report->received_at,
                                                   .interval_s = report->interval_s,
                                                   .busy = report->has_cpu ? report->busy : NAN},
                                       .first_update = (uint32_t)open->update_count,
                                       .update_count = (uint8_t)report->update_count};
    if (!analysis_intern(analysis, &analysis->customers, report->customer_id, &pending->customer,
                         failure) ||
        (report->has_host &&
         !segments_intern(&analysis->met, &report->segment_id, report->attributes,
                          report->attribute_count, &pending->segment, failure)) ||
        !add_updates(analysis, open, report, failure)) {
        return false;
    }
    heap->count++;
    heap->update_count += pending->update_count;
    /* Where the heap's next report will go: by then the line is there. */
    __builtin_prefetch(&pending[1], 1);
    open->report_count++;
    return true;
}

/* ---- Time passes ---- */

/* After this many minutes without a report everybody is silent and no update is in its window, so
 * closing more of them changes nothing: five of the longest intervals, and the window. */
static int32_t quiet_limit(const struct analysis *analysis)
{
    return 5 * UINT16_MAX / 60 + analysis->exposure.window_minutes + 60;
}

static void drop_changes_read(struct analysis *analysis)
{
    if (analysis->changes_read > 0) {
        analysis->change_count -= analysis->changes_read;
        memmove(analysis->changes, analysis->changes + analysis->changes_read,
                analysis->change_count * sizeof *analysis->changes);
        analysis->changes_read = 0;
    }
}

bool analysis_advance(struct analysis *analysis, instant_us received_before,
                      struct failure *failure)
{
    int32_t until = fleet_second_of(received_before) / 60; /* minutes before this one have ended */
    if (!analysis->started) {
        if (analysis->open_count == 0 || analysis->open[0].minute >= until) {
            return true;
        }
        analysis->started = true;
        analysis->next_minute = analysis->first_minute = analysis->open[0].minute;
    }
    if (analysis->next_minute >= until) {
        return true;
    }
    drop_changes_read(analysis);
    analysis->answered = false;
    while (analysis->next_minute < until) {
        bool waiting = analysis->open_count > 0;
        if (waiting && analysis->open[0].minute == analysis->next_minute) {
            struct open_minute open = analysis->open[0];
            analysis->open_count--;
            memmove(analysis->open, analysis->open + 1,
                    analysis->open_count * sizeof *analysis->open);
            bool closed = analysis_close_minute(analysis, &open, failure);
            size_t count = open.report_count;
            recycle(analysis, &open);
            analysis->usual_count = count;
            if (!closed) {
                return false;
            }
        } else if (analysis->quiet_minutes < quiet_limit(analysis)) {
            struct open_minute empty = {.minute = analysis->next_minute};
            if (!analysis_close_minute(analysis, &empty, failure)) {
                return false;
            }
        } else {
            int32_t next =
                waiting && analysis->open[0].minute < until ? analysis->open[0].minute : until;
            analysis->next_minute = next - 1;
        }
        analysis->next_minute++;
    }
    return true;
}

/* ---- Reading ---- */

bool analysis_answers(struct analysis *analysis, const struct answers **answers,
                      struct failure *failure)
{
    if (!analysis->answered) {
        free_answers(analysis);
        if (!analysis_fill_answers(analysis, failure)) {
            return false;
        }
        analysis->answered = true;
    }
    *answers = &analysis->answers;
    return true;
}

void analysis_answer_again(struct analysis *analysis)
{
    analysis->answered = false;
}

void analysis_next_change(struct analysis *analysis, const struct verdict_change **change)
{
    *change = analysis->changes_read < analysis->change_count
                  ? &analysis->changes[analysis->changes_read++]
                  : NULL;
}

static void view_updates(const struct analysis *analysis, const struct fleet_host *host,
                         struct host_view *view)
{
    size_t most = sizeof view->updates / sizeof *view->updates;
    for (uint32_t i = host->installs; i != EXPOSURE_NONE && view->update_count < most;
         i = analysis->exposure.installs[i].next) {
        const struct exposure_install *install = &analysis->exposure.installs[i];
        view->updates[view->update_count++] =
            (struct host_update){.id = analysis->updates.texts[install->update],
                                 .installed_at = fleet_instant_of(install->installed),
                                 .exposed = install->age_class != 0};
    }
}

bool analysis_host(const struct analysis *analysis, const struct uuid *host_id,
                   struct host_view *view)
{
    uint32_t number = fleet_find(&analysis->fleet, host_id);
    if (number == FLEET_NONE) {
        return false;
    }
    const struct fleet_host *host = &analysis->fleet.hosts[number];
    *view = (struct host_view){.state = (enum host_state)host->state,
                               .state_since = fleet_instant_of(host->since),
                               .last_seen_at = fleet_instant_of(host->last_seen),
                               .interval_s = host->interval_s,
                               .last_busy = host->has_cpu ? host->busy / 10000.0 : NAN,
                               .baseline_busy =
                                   host->baseline_count > 0 ? (double)host->baseline_mean : NAN,
                               .customer_id = analysis->customers.texts[host->customer]};
    if (host->segment != SEGMENT_NONE) {
        const struct segment *segment = &analysis->segments.items[host->segment];
        /* Both structs are a name and a value, in this order. */
        _Static_assert(sizeof(struct segment_term) == sizeof(struct report_attribute),
                       "a term is an attribute");
        view->attributes =
            (struct segment_conjunction){.terms = (const struct segment_term *)segment->attributes,
                                         .term_count = segment->attribute_count};
    }
    view_updates(analysis, host, view);
    return true;
}

const char *host_state_name(enum host_state state)
{
    static const char *const names[] = {"new", "healthy", "pinned", "elevated", "silent"};
    return names[state];
}
