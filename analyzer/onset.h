/* Since when? The time at which an update's harm began, with an interval.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ONSET_H
#define EPICENTER_ANALYZER_ONSET_H

#include <stddef.h>

#include "analyzer/answer.h"

/* From the times (seconds, any origin; sorted ascending in place) at which exposed hosts of the
 * segment began to be distressed. `noise_per_s` is the rate at which they would without the update;
 * `earliest_s` the first installation, before which there was nothing to harm.
 *
 * likely is the first of them that opens a run of five too dense for the noise (Poisson, one in a
 * thousand), less stragglers that stand off from the run; the interval reaches back by 2.3 mean
 * gaps of that run, within which a process of that rate has its first event nine times in ten, and
 * forward by one. NAN when there are none. */
struct range onset_of(double *began_s, size_t count, double noise_per_s, double earliest_s);

#endif
