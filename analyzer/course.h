/* How has it gone since the first installation? For each update a path of points: the evidence, and
 * by deployment ring how many hosts have it and how many of those turned distressed.
 *
 * A rollout lasts an hour or a week, and the path must be drawn and sent whole. So it is kept at a
 * bounded number of points: when they run out every other one is dropped and the next ones are
 * taken half as often. What is drawn is thinner the longer it lasts, and never wrong: each point is
 * the state at the end of its minute.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COURSE_H
#define EPICENTER_ANALYZER_COURSE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/carry.h"
#include "analyzer/exposure.h"
#include "analyzer/segment.h"
#include "common/arena.h"
#include "common/failure.h"

/* Points kept of an update; a chart is about 600 pixels wide, so twice as many would not show. */
#define COURSE_POINTS 128

struct course_mark {
    int32_t minute; /* at the end of which */
    float log10_e;
    uint32_t installed; /* told apart from the hosts by ring, which are counted once a stratum */
    uint32_t hosts[ANSWER_RINGS], distressed[ANSWER_RINGS];
};

struct course_update {
    struct course_mark *marks;
    uint32_t count, capacity;
    int32_t step; /* minutes between marks; 0 before the first */
};

struct course {
    struct course_update *updates; /* by update number */
    uint32_t update_count;
    uint32_t rings[ANSWER_RINGS]; /* value numbers, in the order they were met */
    uint32_t ring_count;
    uint32_t tallies_met; /* the rings of so many tallies are known */
};

/* A zeroed struct course is empty. */
void course_free(struct course *course);

/* Gives rings met in the minute their places, in the order in which segments discovered them; to be
 * called before any update's end of the minute is taken, as updates are numbered as they came. */
void course_meet_rings(struct course *course, const struct exposure *exposure,
                       const struct segments *segments);

/* Takes the end of `minute` for one update, whose evidence is `log10_e`. Cheap when nothing has
 * changed or no mark is due. */
MUST_CHECK bool course_take(struct course *course, const struct exposure *exposure,
                            const struct segments *segments, uint32_t update, int32_t minute,
                            double log10_e, struct failure *failure);

/* Begins anew with one update. */
void course_forget(struct course *course, uint32_t update);

/* Fills `answer`'s course, up to `now` (the last minute closed). */
MUST_CHECK bool course_answer(const struct course *course, const struct segments *segments,
                              uint32_t update, int32_t now, struct arena *arena,
                              struct update_answer *answer, struct failure *failure);

/* Restored into an empty course. */
void course_carry(struct carry *carry, struct course *course);

#endif
