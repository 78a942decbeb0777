/* The path of an update; see course.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/course.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_VALUE UINT32_MAX

void course_free(struct course *course)
{
    for (uint32_t i = 0; i < course->update_count; i++) {
        free(course->updates[i].marks);
    }
    free(course->updates);
    *course = (struct course){0};
}

void course_forget(struct course *course, uint32_t update)
{
    if (update < course->update_count) {
        course->updates[update].count = 0;
        course->updates[update].step = 0;
    }
}

static bool reach_update(struct course *course, uint32_t update, struct failure *failure)
{
    if (update < course->update_count) {
        return true;
    }
    uint32_t count = update + 1;
    struct course_update *updates = realloc(course->updates, count * sizeof *updates);
    if (updates == NULL) {
        return failure_memory(failure, "keeping the course of an update");
    }
    memset(updates + course->update_count, 0, (count - course->update_count) * sizeof *updates);
    course->updates = updates;
    course->update_count = count;
    return true;
}

static uint32_t ring_attribute(const struct segments *segments)
{
    uint32_t a = 0;
    while (a < segments->attribute_count && strcmp(segments->attributes[a].name, "ring") != 0) {
        a++;
    }
    return a < segments->attribute_count ? a : NO_VALUE;
}

/* The ring's place among those drawn; ANSWER_RINGS for hosts that say none, or one too many. */
static uint32_t place_of_ring(const struct course *course, uint32_t value)
{
    for (uint32_t i = 0; i < course->ring_count; i++) {
        if (course->rings[i] == value) {
            return i;
        }
    }
    return ANSWER_RINGS;
}

/* The value of the tally's hosts, or SEGMENT_NO_VALUE. */
static uint32_t ring_of(const struct exposure *exposure, const struct segments *segments,
                        uint32_t tally, uint32_t attribute)
{
    uint32_t segment = exposure->strata[exposure->tallies[tally].stratum].segment;
    return segment == SEGMENT_NONE ? SEGMENT_NO_VALUE : segments->items[segment].values[attribute];
}

/* The first discovered of the rings of new tallies that have no place; SEGMENT_NO_VALUE: none. */
static uint32_t next_ring(const struct course *course, const struct exposure *exposure,
                          const struct segments *segments, uint32_t attribute)
{
    uint32_t next = SEGMENT_NO_VALUE;
    for (uint32_t i = course->tallies_met; i < exposure->tally_count; i++) {
        uint32_t ring = ring_of(exposure, segments, i, attribute);
        if (ring < next && place_of_ring(course, ring) == ANSWER_RINGS) {
            next = ring;
        }
    }
    return next;
}

void course_meet_rings(struct course *course, const struct exposure *exposure,
                       const struct segments *segments)
{
    uint32_t attribute = ring_attribute(segments);
    while (attribute != NO_VALUE && course->ring_count < ANSWER_RINGS) {
        uint32_t ring = next_ring(course, exposure, segments, attribute);
        if (ring == SEGMENT_NO_VALUE) {
            break;
        }
        course->rings[course->ring_count++] = ring;
    }
    course->tallies_met = exposure->tally_count;
}

static void count_rings(const struct course *course, const struct exposure *exposure,
                        const struct segments *segments, uint32_t update, struct course_mark *mark)
{
    uint32_t attribute = ring_attribute(segments);
    if (attribute == NO_VALUE) {
        return;
    }
    uint32_t first = exposure->updates[update].first_tally;
    for (uint32_t i = first; i != EXPOSURE_NONE; i = exposure->tallies[i].next) {
        const struct exposure_tally *tally = &exposure->tallies[i];
        uint32_t ring = place_of_ring(course, ring_of(exposure, segments, i, attribute));
        if (ring < ANSWER_RINGS) {
            mark->hosts[ring] += tally->exposed_hosts;
            mark->distressed[ring] +=
                tally->exposed_onsets[SIGN_SEEN] + tally->exposed_onsets[SIGN_SILENT];
        }
    }
}

/* Drops every other mark, the last one staying. */
static void thin(struct course_update *path)
{
    uint32_t kept = 0;
    for (uint32_t i = (path->count + 1) % 2; i < path->count; i += 2) {
        path->marks[kept++] = path->marks[i];
    }
    path->count = kept;
    path->step *= 2;
}

static bool make_room(struct course_update *path, struct failure *failure)
{
    if (path->count == COURSE_POINTS) {
        thin(path);
    }
    if (path->count < path->capacity) {
        return true;
    }
    uint32_t capacity = path->capacity == 0 ? 8 : 2 * path->capacity;
    struct course_mark *marks = realloc(path->marks, capacity * sizeof *marks);
    if (marks == NULL) {
        return failure_memory(failure, "keeping the course of an update");
    }
    path->marks = marks;
    path->capacity = capacity;
    return true;
}

bool course_take(struct course *course, const struct exposure *exposure,
                 const struct segments *segments, uint32_t update, int32_t minute, double log10_e,
                 struct failure *failure)
{
    if (!reach_update(course, update, failure)) {
        return false;
    }
    struct course_update *path = &course->updates[update];
    uint32_t installed = (uint32_t)exposure->updates[update].installed;
    if (path->count > 0) {
        const struct course_mark *last = &path->marks[path->count - 1];
        bool same = last->installed == installed && last->log10_e == (float)log10_e;
        if (same || minute - last->minute < path->step) {
            return true;
        }
    }
    if (path->step == 0) {
        path->step = 1;
    }
    if (!make_room(path, failure)) {
        return false;
    }
    struct course_mark mark = {.minute = minute, .log10_e = (float)log10_e, .installed = installed};
    count_rings(course, exposure, segments, update, &mark);
    path->marks[path->count++] = mark;
    return true;
}

/* ---- From one run to the next ---- */

_Static_assert(sizeof(struct course) == 48, "a field more or less: carry it below, or say why not");
_Static_assert(sizeof(struct course_update) == 24, "likewise");

void course_carry(struct carry *carry, struct course *course)
{
    size_t count = carry_count(carry, course->update_count, sizeof(size_t));
    if (carry_restores(carry) && count > 0) {
        course->updates = calloc(count, sizeof *course->updates);
        if (course->updates == NULL) {
            carry_refuse_memory(carry);
            return;
        }
        course->update_count = (uint32_t)count;
    }
    for (uint32_t i = 0; i < course->update_count; i++) {
        struct course_update *path = &course->updates[i];
        carry_array(carry, (void **)&path->marks, &path->count, &path->capacity,
                    sizeof *path->marks);
        carry_value(carry, &path->step);
    }
    carry_value(carry, &course->rings);
    carry_value(carry, &course->ring_count);
    carry_value(carry, &course->tallies_met);
}

/* ---- Answers ---- */

static struct course_point point_of(const struct course_mark *mark)
{
    struct course_point point = {.at = fleet_instant_of((mark->minute + 1) * 60),
                                 .log10_e_value = mark->log10_e};
    for (int ring = 0; ring < ANSWER_RINGS; ring++) {
        point.hosts[ring] = mark->hosts[ring];
        point.distressed[ring] = mark->distressed[ring];
    }
    return point;
}

static bool answer_points(const struct course *course, const struct segments *segments,
                          uint32_t update, int32_t now, struct arena *arena,
                          struct update_answer *answer, struct failure *failure)
{
    const struct course_update *path = &course->updates[update];
    struct course_point *points = arena_allocate(arena, (path->count + 1) * sizeof *points);
    const char **rings = arena_allocate(arena, ANSWER_RINGS * sizeof *rings);
    if (points == NULL || rings == NULL) {
        return failure_memory(failure, "answering with the course of an update");
    }
    for (uint32_t i = 0; i < course->ring_count; i++) {
        rings[i] = segments->values[course->rings[i]].text;
    }
    for (uint32_t i = 0; i < path->count; i++) {
        points[i] = point_of(&path->marks[i]);
    }
    answer->course_count = path->count;
    /* Nothing has changed since, or it is to come: the path reaches to the present either way. */
    if (path->count > 0 && path->marks[path->count - 1].minute < now) {
        points[path->count] = points[path->count - 1];
        points[path->count].at = fleet_instant_of((now + 1) * 60);
        points[path->count].log10_e_value = answer->log10_e_value;
        answer->course_count++;
    }
    answer->course = points;
    answer->rings = rings;
    answer->ring_count = course->ring_count;
    return true;
}

bool course_answer(const struct course *course, const struct segments *segments, uint32_t update,
                   int32_t now, struct arena *arena, struct update_answer *answer,
                   struct failure *failure)
{
    return update >= course->update_count ||
           answer_points(course, segments, update, now, arena, answer, failure);
}
