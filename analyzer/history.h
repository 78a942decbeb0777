/* How much is usual at this hour? The fleet's own past by hour of the week, for updates that have
 * left nobody to compare with.
 *
 * Comparing with the past is not a randomised comparison: what is new today besides the update
 * looks like the update. So it is taken only where there is nothing better, carries a small weight,
 * and what the past leads one to expect is raised by how much it has varied from hour to hour.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_HISTORY_H
#define EPICENTER_ANALYZER_HISTORY_H

#include <stdint.h>

#include "analyzer/exposure.h"

#define HISTORY_HOURS (7 * 24)

struct history {
    struct exposure_quiet hours[HISTORY_HOURS]; /* by hour of the week, from 2000-01-01T00:00Z */
    struct exposure_quiet total;
};

/* A zeroed struct history is empty. Takes the quiet host-minutes and onsets of `minute`. */
void history_take(struct history *history, int32_t minute, const struct exposure_quiet *quiet);

/* How many times the mean rate of all times may be usual in `minute`; INFINITY when the past has
 * nothing to say of such an hour. Silence needs the same hour of another day, as people go home
 * all at once. */
double history_factor(const struct history *history, int32_t minute, enum exposure_sign sign);

#endif
