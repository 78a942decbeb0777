/* How long ago is an installation, or a host's turn to health, in classes? For the files of
 * exposure, which ask it several times for each host they count.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_EXPOSURE_AGE_H
#define EPICENTER_ANALYZER_EXPOSURE_AGE_H

#include <stdint.h>

#include "analyzer/exposure.h"

static inline int32_t age_patience(const struct fleet_host *host)
{
    return (fleet_patience_s(host) + 59) / 60;
}

/* See exposure_window_minutes. */
static inline int32_t age_window(const struct exposure *exposure, const struct fleet_host *host)
{
    int32_t least = age_patience(host) + 2 * host->interval_s / 60;
    return exposure->window_minutes > least ? exposure->window_minutes : least;
}

/* How long the host counts as exposed: the window, and as long as it takes to find it pinned. */
static inline int32_t age_exposed(const struct exposure *exposure, const struct fleet_host *host)
{
    return age_window(exposure, host) + (2 * host->interval_s + 59) / 60;
}

/* 1 (EXPOSURE_FRESH): less long ago than it takes to find the host silent; 2: than twice that; 3:
 * than its risk window and two intervals; 0: longer ago. */
static inline uint8_t age_class_of(const struct exposure *exposure, const struct fleet_host *host,
                                   int32_t age_minutes)
{
    if (age_minutes >= age_exposed(exposure, host)) {
        return 0;
    }
    int32_t patience = age_patience(host);
    return age_minutes < patience ? EXPOSURE_FRESH : age_minutes < 2 * patience ? 2 : 3;
}

/* The age at which a class is left. */
static inline int32_t age_class_ends(const struct exposure *exposure, const struct fleet_host *host,
                                     uint8_t age_class)
{
    return age_class == 3 ? age_exposed(exposure, host) : age_class * age_patience(host);
}

#endif
