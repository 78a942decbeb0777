/* What does every machine of the fleet do, minute by minute? Turns on and off, reports, asks for
 * updates, installs them, suffers, locks up, is restarted, recovers.
 *
 *            start                 harm                lock-up
 *     OFF ----------> WELL ------------------> HARMED ---------> LOCKED UP
 *      ^               ^ |                      | |                  |
 *      |               | +--- switched off --+  | +--- switched off, |
 *      |               +------ recovery -----|--+      restarted ----+
 *      +-------------------------------------+---------------------- +
 *     OFF --- start of a machine that was harmed, a share ---> DEAD (silent for good)
 *
 * Each host draws from a random stream of its own and no host sees another, so the same seed gives
 * the same reports in whatever order hosts are visited.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_BEHAVIOUR_H
#define EPICENTER_FLEETSIM_BEHAVIOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "common/instant.h"
#include "tests/fleetsim/observation.h"
#include "tests/fleetsim/population.h"
#include "tests/fleetsim/scenario.h"

#define FAULT_NONE UINT8_MAX

/* What became of a host that installed a faulty update which strikes it. */
struct host_fate {
    instant_us installed_at; /* true times, not the host's clock's */
    instant_us harmed_at;    /* NEVER: not harmed (recovered or switched off before) */
    instant_us silent_at;    /* locked up or dead the first time; NEVER: not */
    uint8_t fault;           /* index of the update; FAULT_NONE: none installed */
    bool seen_pinned;        /* two reports in a row received, after harm, at 0.95 or more */
    bool seen_slowed;        /* three reports in a row received, all of their window harmed */
    bool seen_silent;        /* after harm nothing was received for three intervals, whyever */
};

struct behaviour;

/* The fleet at the beginning of the span. Scenario and population must outlive it. */
MUST_CHECK bool behaviour_new(const struct scenario *scenario, const struct population *population,
                              struct behaviour **behaviour, struct failure *failure);
void behaviour_free(struct behaviour *behaviour);

/* Lets everything happen that happens before `until`, at most a minute ahead, and appends the
 * reports: those received before `until` to `now`, the others to `later`. In no particular order.
 */
MUST_CHECK bool behaviour_advance(struct behaviour *behaviour, instant_us until,
                                  struct observation_list *now, struct observation_list *later,
                                  struct failure *failure);

/* Call once, when the span is over: tells which harmed hosts have been silent to its end. */
void behaviour_finish(struct behaviour *behaviour, instant_us at);
const struct host_fate *behaviour_fate(const struct behaviour *behaviour, size_t seat);
/* The updates the host has, as a set. */
uint32_t behaviour_installed(const struct behaviour *behaviour, size_t seat);

#endif
