/* Since when? The time of an update's first harm, with an interval of 90 %.
 *
 * Nobody sees the moment a host is harmed, only the first report that covers it: each sighting
 * leaves an interval. And ordinary distress goes on all the while. So harm is a Poisson process of
 * interval-censored events that begins at a change point, on top of a process of noise; of each
 * sighting after the change point it can be said how likely it is harm, and the interval is that of
 * the posterior of the first one that is. A lone host that was harmed before all others counts as
 * the noise around it lets it. Of the harmed, a few in a hundred were in ordinary distress already
 * and are never sighted; the first may be one of them.
 *
 * Both rates are taken to stay the same. Where they grow with the hosts exposed, give times on a
 * clock that goes as fast as hosts are exposed: see analysis_date.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ONSET_H
#define EPICENTER_ANALYZER_ONSET_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzer/answer.h"
#include "common/failure.h"

/* A host of the segment turned distressed between these times (seconds, any origin), while exposed.
 */
struct onset_sighting {
    double from_s, until_s;
    /* What part these are of the time in which it may have turned distressed without the update:
     * where that began before the installation, noise is the likelier. */
    double share;
};

/* Sorts the sightings. `noise_per_s` is the rate at which there would be sightings without the
 * update; `earliest_s` the first installation, before which there was nothing to harm.
 *
 * likely is the median of the posterior, low and high its 5 % and 95 % points. All NAN when there
 * are no sightings. Fails only out of memory. */
MUST_CHECK bool onset_of(struct onset_sighting *sightings, size_t count, double noise_per_s,
                         double earliest_s, struct range *onset, struct failure *failure);

/* Until when? The same for the last harm, at the latest `latest_s`; sorts the sightings the other
 * way round. */
MUST_CHECK bool onset_end_of(struct onset_sighting *sightings, size_t count, double noise_per_s,
                             double latest_s, struct range *end, struct failure *failure);

#endif
