/* A clock that goes as fast as hosts are exposed to an update: harm and ordinary distress of the
 * exposed, which become more and fewer as a rollout goes on, come at even rates on it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ONSET_CLOCK_H
#define EPICENTER_ANALYZER_ONSET_CLOCK_H

#include <stddef.h>

#include "analyzer/course.h"

/* Where it changes its pace: a mark of the course, and the end of the risk window of those who
 * installed then. */
#define ONSET_CLOCK_KNOTS (2 * COURSE_POINTS + 4)

struct onset_clock {
    double at_s[ONSET_CLOCK_KNOTS], reading_s[ONSET_CLOCK_KNOTS]; /* both rise */
    size_t count;
};

/* From the first installation until `now_s` it goes as long as any clock (seconds, the origin of
 * the course's minutes). Exposed are those who installed within `window_s`; how many did when is
 * told by the course, for the whole fleet; who installed it is heard of `heard_after_s` later, on
 * average. */
void onset_clock_set(struct onset_clock *clock, const struct course_update *path, double first_s,
                     double heard_after_s, double now_s, double window_s);

/* What it reads at a time, and when it reads that. */
double onset_clock_read(const struct onset_clock *clock, double at_s);
double onset_clock_when(const struct onset_clock *clock, double reading_s);

#endif
