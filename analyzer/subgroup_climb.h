/* Which segment is the likeliest? By climbing: hold one attribute to other values, or to none, as
 * makes it likeliest the others being as they are, until nothing does.
 *
 * For one attribute that is exact and quick, since the values to keep are those with the highest
 * gains (multidimensional subset scan: Neill, McFowland and Zheng 2013; Zhang and Neill 2016). Over
 * all attributes it may end at a lesser height, so climbs begin at the whole fleet and at the
 * likeliest values and pairs of values. The work grows with cells × attributes, that of the pairs
 * with cells × pairs of attributes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_SUBGROUP_CLIMB_H
#define EPICENTER_ANALYZER_SUBGROUP_CLIMB_H

#include "analyzer/subgroup_trial.h"
#include "common/failure.h"

/* Finds where climbs begin. The parts are listed. */
MUST_CHECK bool subgroup_find_starts(struct subgroup_search *search, struct failure *failure);

#define SUBGROUP_TRIALS 4

/* Climbs from everywhere; the likeliest end is trials[0], the others are scratch. All have room for
 * what is kept. */
void subgroup_climb(struct subgroup_search *search, struct subgroup_trial trials[SUBGROUP_TRIALS]);

#endif
