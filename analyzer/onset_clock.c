/* The exposed, summed up; see onset_clock.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/onset_clock.h"

#include <math.h>
#include <stdlib.h>

/* It never stands still, so that every reading has its time: some host is always just exposed. */
#define SLOWEST 1e-3 /* of its fastest */

/* A rollout, on the clock of the course. */
struct rollout {
    const struct course_update *path;
    double first_s, heard_after_s, window_s;
};

/* What a mark counts was heard of by the end of its minute; how long after is told in whole
 * minutes, which leaves half of one out. */
static double mark_s(const struct rollout *rollout, uint32_t i)
{
    return 60.0 * rollout->path->marks[i].minute + 30 - rollout->heard_after_s;
}

/* Between two points of a rising line; beyond its ends as steep as at them. */
static double interpolate(const double *x, const double *y, size_t count, double at)
{
    size_t low = 0;
    size_t high = count - 1;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (x[middle] <= at) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return y[low] + (y[high] - y[low]) * (at - x[low]) / (x[high] - x[low]);
}

/* Hosts that had installed it by a time: none before the first, and none more after the last. */
static double installed_by(const struct rollout *rollout, double at_s)
{
    double before_s = rollout->first_s;
    double before = 0;
    for (uint32_t i = 0; i < rollout->path->count && at_s > before_s; i++) {
        double then_s = mark_s(rollout, i);
        double then = rollout->path->marks[i].installed;
        if (then_s >= at_s) {
            return before + (then - before) * (at_s - before_s) / (then_s - before_s);
        }
        before_s = fmax(then_s, before_s);
        before = then;
    }
    return before;
}

static double exposed_at(const struct rollout *rollout, double at_s)
{
    return installed_by(rollout, at_s) - installed_by(rollout, at_s - rollout->window_s);
}

static int compare(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;
    return (*a > *b) - (*a < *b);
}

/* The times, each once. */
static void place_knots(struct onset_clock *clock, const struct rollout *rollout, double now_s)
{
    double last_s = fmax(now_s, rollout->first_s + 1);
    clock->count = 0;
    clock->at_s[clock->count++] = rollout->first_s;
    clock->at_s[clock->count++] = last_s;
    for (uint32_t i = 0; i <= rollout->path->count; i++) {
        double at_s = i == 0 ? rollout->first_s : mark_s(rollout, i - 1);
        const double changes[] = {at_s, at_s + rollout->window_s};
        for (size_t c = 0; c < 2; c++) {
            if (changes[c] > rollout->first_s && changes[c] < last_s) {
                clock->at_s[clock->count++] = changes[c];
            }
        }
    }
    qsort(clock->at_s, clock->count, sizeof *clock->at_s, compare);
    size_t kept = 1;
    for (size_t i = 1; i < clock->count; i++) {
        if (clock->at_s[i] > clock->at_s[kept - 1]) {
            clock->at_s[kept++] = clock->at_s[i];
        }
    }
    clock->count = kept;
}

void onset_clock_set(struct onset_clock *clock, const struct course_update *path, double first_s,
                     double heard_after_s, double now_s, double window_s)
{
    const struct rollout rollout = {
        .path = path, .first_s = first_s, .heard_after_s = heard_after_s, .window_s = window_s};
    double exposed[ONSET_CLOCK_KNOTS] = {0};
    double most = 1;
    place_knots(clock, &rollout, now_s);
    for (size_t i = 0; i < clock->count; i++) {
        exposed[i] = exposed_at(&rollout, clock->at_s[i]);
        most = fmax(most, exposed[i]);
    }
    clock->reading_s[0] = 0;
    for (size_t i = 1; i < clock->count; i++) {
        double pace = fmax((exposed[i - 1] + exposed[i]) / 2, SLOWEST * most);
        clock->reading_s[i] =
            clock->reading_s[i - 1] + pace * (clock->at_s[i] - clock->at_s[i - 1]);
    }
    size_t last = clock->count - 1;
    double scale = (clock->at_s[last] - first_s) / clock->reading_s[last];
    for (size_t i = 0; i < clock->count; i++) {
        clock->reading_s[i] = first_s + scale * clock->reading_s[i];
    }
}

double onset_clock_read(const struct onset_clock *clock, double at_s)
{
    return interpolate(clock->at_s, clock->reading_s, clock->count, at_s);
}

double onset_clock_when(const struct onset_clock *clock, double reading_s)
{
    return interpolate(clock->reading_s, clock->at_s, clock->count, reading_s);
}
