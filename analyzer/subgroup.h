/* Which hosts does the update harm? The subgroup of the fleet that holds the excess of onsets, by
 * peeling: start with everybody, and again and again take away those values of one attribute that
 * show no harm, until every value left does.
 *
 * This is the patient rule induction method (Friedman and Fisher 1999) on whole attribute values:
 * peel what has at most a quarter of the subgroup's excess rate, by its upper bound; at the end,
 * paste back what turns out to be harmed within the final subgroup, and drop every constraint that
 * keeps nobody out. A value too rare to judge is neither peeled nor named.
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

/* What came of the update in one segment. */
struct subgroup_cell {
    uint32_t segment;
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

/* Finds it. Without any excess the subgroup is the whole fleet. */
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
