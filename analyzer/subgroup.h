/* Which hosts does the update harm? The likeliest segment: one in which the update adds onsets at
 * one rate, while outside it adds none, with what it costs to say the segment taken off.
 *
 * A segment holds some attributes to one or more of their values. Segments are compared by the
 * likelihood of all onsets, inside and outside, so a value is left outside when it looks more like
 * unharmed hosts than like harmed ones. Peeling unharmed values off the fleet one attribute at a
 * time takes far more onsets: each has to be shown unharmed beside an excess that is thinned over
 * everybody. Not all segments are tried: the search climbs, from several places.
 * The costs make the shortest of equals the likeliest (minimum description length, Rissanen 1978).
 * How much kinds of hosts differ by themselves is estimated, and the likelihood tempered with it.
 * See subgroup_trial.h for the likelihood and subgroup_climb.h for the search.
 *
 * In the end every value of the attributes so held is judged: inside where harmed, outside where
 * not; one too rare to judge is neither left out nor named.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_SUBGROUP_H
#define EPICENTER_ANALYZER_SUBGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/segment.h"
#include "common/arena.h"
#include "common/failure.h"

/* What shows the harm has a rate of its own: a pinned host is rare news, and would be lost among
 * machines that are switched off. */
#define SUBGROUP_SIGNS 2

/* What came of the update in one segment, by one sign. */
struct subgroup_cell {
    uint32_t segment;       /* never SEGMENT_NONE */
    uint32_t sign;          /* below SUBGROUP_SIGNS */
    double exposed_minutes; /* host-minutes at risk */
    double onsets;          /* among the exposed */
    double expected;        /* as many as the control leads one to expect */
};

/* A set of allowed values for some attributes; a host is inside when each of its values is allowed.
 */
struct subgroup {
    bool constrained[REPORT_ATTRIBUTES_LIMIT]; /* by attribute number */
    uint8_t *standing;                         /* by value number, enum subgroup_standing */
    uint32_t value_count;
};
enum subgroup_standing {
    SUBGROUP_UNJUDGED = 0, /* too rare to judge; inside, and not named */
    SUBGROUP_INSIDE,       /* harmed */
    SUBGROUP_OUTSIDE,      /* shown unharmed */
};

void subgroup_free(struct subgroup *subgroup);

/* Finds it. Without any excess the subgroup is the whole fleet. Hosts that do not say an attribute
 * that is held are outside. */
MUST_CHECK bool subgroup_find(const struct segments *segments, const struct subgroup_cell *cells,
                              size_t count, struct subgroup *subgroup, struct failure *failure);

bool subgroup_contains(const struct subgroup *subgroup, const struct segments *segments,
                       uint32_t segment);

/* The subgroup as a list of conjunctions, those that hold an excess, and in words. Everything is
 * allocated in `arena`. An attribute is named within its parent: os_version brings os with it. */
MUST_CHECK bool subgroup_describe(const struct subgroup *subgroup, const struct segments *segments,
                                  const struct subgroup_cell *cells, size_t count,
                                  struct arena *arena,
                                  const struct segment_conjunction **conjunctions,
                                  size_t *conjunction_count, const char **text,
                                  struct failure *failure);

#endif
