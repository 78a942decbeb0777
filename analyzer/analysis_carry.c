/* What of an analysis is carried over; see carry.h. What is not: answers and the census, which are
 * made from the rest; the population, which is counted from the registry; the draws of the cost's
 * parameters; and what has been looked up in the registry.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdlib.h>

#include "analyzer/analysis_state.h"

_Static_assert(sizeof(struct name_list) == 48,
               "a field more or less: carry it below, or say why not");
_Static_assert(sizeof(struct open_minute) == 6200, "likewise");
_Static_assert(sizeof(struct customer_size) == 16, "likewise");
_Static_assert(sizeof(struct verdict_change) == 56, "likewise");
_Static_assert(sizeof(struct update_state) == 136, "likewise");
_Static_assert(sizeof(struct history) == 5408, "likewise");
_Static_assert(sizeof(struct analysis) == 17640, "likewise");

/* An array of `count` zeroed elements; NULL, and noted, when memory is out. */
static void *room_for(struct carry *carry, size_t count, size_t size)
{
    void *room = calloc(count + 1, size);
    if (room == NULL) {
        carry_refuse_memory(carry);
    }
    return room;
}

static void carry_options(struct carry *carry, const struct analysis_options *options)
{
    struct analysis_options carried = *options;
    carry_value(carry, &carried.alpha);
    carry_value(carry, &carried.risk_window);
    carry_value(carry, &carried.margin);
    carry_value(carry, &carried.seed);
    if (!carry->failed &&
        (carried.alpha != options->alpha || carried.risk_window != options->risk_window ||
         carried.margin != options->margin || carried.seed != options->seed)) {
        carry_refuse(carry, "it was made with other options");
    }
}

static void carry_names(struct carry *carry, struct analysis *analysis, struct name_list *list)
{
    struct arena texts = {0};
    size_t count = carry_count(carry, list->count, sizeof(size_t));
    for (size_t i = 0; i < count && !carry->failed; i++) {
        const char *text = carry_restores(carry) ? NULL : list->texts[i];
        carry_text(carry, &text, &texts);
        uint32_t number;
        struct failure failure;
        if (carry_restores(carry) && !carry->failed &&
            !analysis_intern(analysis, list, text, &number, &failure)) {
            carry_note_failure(carry, &failure);
        }
    }
    arena_free(&texts);
}

static void carry_customer_sizes(struct carry *carry, struct analysis *analysis)
{
    carry_array(carry, (void **)&analysis->customer_sizes, &analysis->customer_sizes_count, NULL,
                sizeof *analysis->customer_sizes);
    for (uint32_t i = 0; carry_restores(carry) && i < analysis->customer_sizes_count; i++) {
        atomic_init(&analysis->customer_sizes[i].known, 0);
    }
}

/* ---- Minutes that are open ---- */

static void carry_heap(struct carry *carry, struct pending_heap *heap)
{
    size_t count = carry_count(carry, heap->count, sizeof *heap->reports);
    if (carry_restores(carry) && count > 0) {
        heap->reports = aligned_alloc(sizeof *heap->reports, count * sizeof *heap->reports);
        if (heap->reports == NULL) {
            carry_refuse_memory(carry);
            return;
        }
        heap->count = heap->capacity = (uint32_t)count;
    }
    carry_value(carry, &heap->update_count);
    carry_bytes(carry, heap->reports, count * sizeof *heap->reports);
}

static void carry_open_minute(struct carry *carry, struct open_minute *open)
{
    carry_value(carry, &open->minute);
    for (unsigned heap = 0; heap < PENDING_HEAPS; heap++) {
        carry_heap(carry, &open->heaps[heap]);
    }
    carry_value(carry, &open->report_count);
    size_t count = carry_count(carry, open->update_count, sizeof *open->updates);
    if (carry_restores(carry)) {
        open->updates = room_for(carry, count, sizeof *open->updates);
        if (open->updates == NULL) {
            return;
        }
        open->update_count = count;
        open->update_capacity = count + 1;
    }
    carry_bytes(carry, open->updates, count * sizeof *open->updates);
}

static void carry_open(struct carry *carry, struct analysis *analysis)
{
    size_t count = carry_count(carry, analysis->open_count, sizeof(size_t));
    if (carry_restores(carry)) {
        analysis->open = room_for(carry, count, sizeof *analysis->open);
        if (analysis->open == NULL) {
            return;
        }
        analysis->open_count = count;
        analysis->open_capacity = count + 1;
    }
    for (size_t i = 0; i < count; i++) {
        carry_open_minute(carry, &analysis->open[i]);
    }
}

/* ---- Verdicts ---- */

static void carry_states(struct carry *carry, struct analysis *analysis)
{
    carry_array(carry, (void **)&analysis->states, &analysis->state_count, NULL,
                sizeof *analysis->states);
    for (uint32_t i = 0; carry_restores(carry) && i < analysis->state_count; i++) {
        analysis->states[i].decided.mates = NULL; /* set anew whenever it is decided */
        analysis->states[i].decided.mate_count = 0;
    }
}

/* The update's number for its id, which is the list's own text. */
static uint32_t number_of(const struct analysis *analysis, const char *update_id)
{
    uint32_t number = 0;
    while (analysis->updates.texts[number] != update_id) {
        number++;
    }
    return number;
}

/* Those not told yet. */
static void carry_changes(struct carry *carry, struct analysis *analysis)
{
    size_t count = carry_count(carry, analysis->change_count - analysis->changes_read,
                               sizeof *analysis->changes);
    if (carry_restores(carry)) {
        analysis->changes = room_for(carry, count, sizeof *analysis->changes);
        if (analysis->changes == NULL) {
            return;
        }
        analysis->change_count = count;
        analysis->change_capacity = count + 1;
    }
    for (size_t i = 0; i < count && !carry->failed; i++) {
        struct verdict_change *change = &analysis->changes[analysis->changes_read + i];
        uint32_t number = carry_restores(carry) ? 0 : number_of(analysis, change->update_id);
        carry_value(carry, change);
        carry_value(carry, &number);
        if (carry_restores(carry) && number < analysis->updates.count) {
            change->update_id = analysis->updates.texts[number];
        } else if (carry_restores(carry)) {
            change->update_id = "";
            carry_refuse(carry, "it tells of an update it does not know");
        }
    }
}

/* ---- All of it ---- */

static void carry_all(struct carry *carry, struct analysis *analysis)
{
    carry_options(carry, &analysis->options);
    carry_names(carry, analysis, &analysis->customers);
    carry_names(carry, analysis, &analysis->updates);
    carry_customer_sizes(carry, analysis);
    carry_array(carry, (void **)&analysis->segment_kinds, &analysis->segment_kinds_count, NULL,
                sizeof *analysis->segment_kinds);
    segments_carry(carry, &analysis->met);
    segments_carry(carry, &analysis->segments);
    carry_open(carry, analysis);
    carry_value(carry, &analysis->usual_count);
    carry_value(carry, &analysis->started);
    carry_value(carry, &analysis->first_minute);
    carry_value(carry, &analysis->next_minute);
    carry_value(carry, &analysis->quiet_minutes);
    carry_value(carry, &analysis->late_reports);
    fleet_carry(carry, &analysis->fleet);
    exposure_carry(carry, &analysis->exposure);
    carry_value(carry, &analysis->history);
    lattice_carry(carry, &analysis->lattice);
    course_carry(carry, &analysis->course);
    impact_carry(carry, &analysis->impact);
    carry_states(carry, analysis);
    carry_changes(carry, analysis);
}

/* Each gets what the other has; what points into the one it belongs to is put right. */
static void exchange(struct analysis *left, struct analysis *right)
{
    struct analysis both = *left;
    *left = *right;
    *right = both;
    left->exposure.segments = &left->segments;
    right->exposure.segments = &right->segments;
}

void analysis_carry(struct carry *carry, struct analysis *analysis)
{
    struct analysis *restored;
    struct failure failure;
    if (!carry_restores(carry)) {
        carry_all(carry, analysis);
        return;
    }
    /* Apart, as what is refused halfway must leave nothing behind. */
    if (!analysis_new(&analysis->options, analysis->registry, analysis->parameters, &restored,
                      &failure)) {
        carry_note_failure(carry, &failure);
        return;
    }
    carry_all(carry, restored);
    if (!carry->failed) {
        exchange(analysis, restored);
    }
    analysis_free(restored);
}
