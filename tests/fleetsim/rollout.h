/* Which updates does a host take, and on which is a faulty one harmless? Answers that belong to
 * the host and the update for good, however often and in whatever order they are asked.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_ROLLOUT_H
#define EPICENTER_FLEETSIM_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/instant.h"
#include "tests/fleetsim/population.h"
#include "tests/fleetsim/scenario.h"

struct rollout {
    const struct scenario *scenario;
    uint64_t seed;
    uint32_t newer[SCENARIO_UPDATES_LIMIT]; /* by update: those after it in its series */
};

void rollout_begin(struct rollout *rollout, const struct scenario *scenario, uint64_t seed);

/* Whether the host takes this update when it is offered. */
bool rollout_adopts(const struct rollout *rollout, size_t seat, size_t update);

/* The set of updates that a host with `installed` takes when it asks at `at`: of each series the
 * newest that is out for its segment, unless it has that or a newer one. */
uint32_t rollout_taken(const struct rollout *rollout, size_t seat,
                       const struct fleet_segment *segment, uint32_t installed, instant_us at);

/* Whether the host lacks what a faulty update needs to do harm. */
bool rollout_is_untouched(const struct rollout *rollout, size_t seat, size_t update);

#endif
