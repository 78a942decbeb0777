/* Since when? The time at which an update's harm began, with an interval of 90 %.
 *
 * Nobody sees the moment a host is harmed, only the first report that covers it: each sighting
 * leaves an interval. And ordinary distress goes on all the while. So the beginning is the change
 * point of a Poisson process of interval-censored events, from the rate of the noise to some higher
 * one, and the interval is that of its posterior.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ONSET_H
#define EPICENTER_ANALYZER_ONSET_H

#include <stddef.h>

#include "analyzer/answer.h"

/* A host of the segment turned distressed while exposed, between these times (seconds, any origin).
 */
struct onset_sighting {
    double from_s, until_s;
};

/* Sorts the sightings. `noise_per_s` is the rate at which there would be sightings without the
 * update; `earliest_s` the first installation, before which there was nothing to harm.
 *
 * likely is the median of the posterior, low and high its 5 % and 95 % points. All NAN when there
 * are no sightings. */
struct range onset_of(struct onset_sighting *sightings, size_t count, double noise_per_s,
                      double earliest_s);

/* Until when? The same for the end of the harm, at the latest `latest_s`; sorts the sightings the
 * other way round. */
struct range onset_end_of(struct onset_sighting *sightings, size_t count, double noise_per_s,
                          double latest_s);

#endif
