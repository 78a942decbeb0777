/* How often may somebody guess? Counts failures by who and where, for a quarter of an hour. Pure:
 * time is told, memory is bounded; where it is full the oldest failures are forgotten.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_THROTTLE_H
#define EPICENTER_ANALYZER_THROTTLE_H

#include <stdint.h>

#include "common/instant.h"

#define THROTTLE_WINDOW (15 * INSTANT_MINUTE)

/* A quarter of an hour has time for some nine thousand guesses at a tenth of a second; whoever
 * fills the places with made-up names still meets the limit of the network. */
#define THROTTLE_PLACES 1024

struct throttle {
    struct throttle_count {
        uint64_t key;
        instant_us since;  /* of the first failure */
        unsigned failures; /* 0: the place is free */
    } counts[THROTTLE_PLACES];
};

/* How long to wait before the next try, 0 for none: as many as `limit` have failed. `key` is a
 * hash that a guesser cannot foresee. */
instant_us throttle_wait(const struct throttle *throttle, uint64_t key, unsigned limit,
                         instant_us now);
void throttle_fail(struct throttle *throttle, uint64_t key, instant_us now);
/* Somebody got in: what failed before is forgiven. */
void throttle_forgive(struct throttle *throttle, uint64_t key);

#endif
