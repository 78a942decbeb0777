/* The chapters of a scenario file that have a file of their own; used by scenario.c alone.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_SCENARIO_PARTS_H
#define EPICENTER_FLEETSIM_SCENARIO_PARTS_H

#include "common/failure.h"
#include "tests/fleetsim/scenario.h"
#include "tests/fleetsim/scenario_json.h"

/* {"value": share, …}, shares adding up to 1. */
MUST_CHECK bool scenario_read_choice(const struct json_place *place, struct arena *arena,
                                     struct choice *choice, struct failure *failure);
/* Turns the shares in choice->cumulative into running sums; complains at `place` when they do not
 * add up to 1. */
MUST_CHECK bool scenario_accumulate(const struct json_place *place, struct choice *choice,
                                    struct failure *failure);

/* machines, regions, product_lines, kinds: in this order, as the later ones name the earlier. */
MUST_CHECK bool scenario_read_population(const struct json_place *root, struct scenario *scenario,
                                         struct failure *failure);

/* updates and their faults. */
MUST_CHECK bool scenario_read_calendar(const struct json_place *root, struct scenario *scenario,
                                       struct failure *failure);

#endif
