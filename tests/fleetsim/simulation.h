/* The whole run as a sequence of minutes: each gives the reports the server receives in it, in the
 * order received. What `registry`, `write` and `replay` all stand on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_SIMULATION_H
#define EPICENTER_FLEETSIM_SIMULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "common/instant.h"
#include "tests/fleetsim/behaviour.h"
#include "tests/fleetsim/observation.h"
#include "tests/fleetsim/population.h"
#include "tests/fleetsim/scenario.h"

struct simulation_options {
    size_t hosts; /* 0: the scenario's */
    uint64_t seed;
    /* Only reports received in [from, until) are given out; INSTANT_NONE: the scenario's span. What
     * is given out is the same with and without a cut. */
    instant_us from, until;
};

struct simulation {
    const struct scenario *scenario;
    struct simulation_options options;
    struct population population;
    struct behaviour *behaviour;
    instant_us at;                 /* everything before has happened */
    struct observation_list later; /* sent in this minute, received in the next */

    /* What was given out so far. */
    uint64_t reports;
    instant_us first_received_at, last_received_at; /* INSTANT_NONE before the first */
};

/* The scenario must outlive it. */
MUST_CHECK bool simulation_new(const struct scenario *scenario,
                               const struct simulation_options *options,
                               struct simulation *simulation, struct failure *failure);
void simulation_free(struct simulation *simulation);

/* Replaces `reports` by those of the next minute, ordered by (received_at, seat). False in *more
 * when the span is over; `reports` is then empty. */
MUST_CHECK bool simulation_next(struct simulation *simulation, struct observation_list *reports,
                                bool *more, struct failure *failure);

/* How much of what is given out lies behind, 0 to 1. */
double simulation_done(const struct simulation *simulation);

#endif
