/* How far is it? One line, redrawn on a terminal and repeated every ten seconds elsewhere.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_PROGRESS_H
#define EPICENTER_FLEETSIM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/instant.h"
#include "common/time_zone.h"

struct progress {
    bool terminal;
    bool drawn;
    double started_s; /* monotonic */
    double shown_s;
    const struct time_zone *zone; /* of the times shown */
};

/* Seconds of a clock that only goes forward. */
double progress_clock_s(void);

void progress_start(struct progress *progress, const struct time_zone *zone);
/* Shows it if it is time to. `at` is simulated time, `done` 0 to 1. */
void progress_show(struct progress *progress, instant_us at, uint64_t reports, double done);
/* Shows the end and leaves the line. */
void progress_end(struct progress *progress, instant_us at, uint64_t reports, double done);

#endif
