/* When is a machine on, and how busy do people keep it at that hour?
 *
 * Each machine turns on and off as a two-state process in continuous time. Its rates are chosen so
 * that the share of machines that are on follows the scenario's curve exactly: with turnover c and
 * curve p, on-rate = c p + max(p', 0) / (1 - p) and off-rate = c (1 - p) + max(-p', 0) / p give
 * d(share)/dt = p' at share = p. So on a rising morning machines still switch off now and then, as
 * real ones do.
 *
 * A rhythm is a pair of time zone and sort of machine: zone * machine_count + machine.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_POWER_H
#define EPICENTER_FLEETSIM_POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "common/instant.h"
#include "common/random_stream.h"
#include "tests/fleetsim/scenario.h"

/* Later than anything that happens. */
#define NEVER INT64_MAX

struct power;

/* The tables over the scenario's span, for each of its time zones. */
MUST_CHECK bool power_new(const struct scenario *scenario, struct power **power,
                          struct failure *failure);
void power_free(struct power *power);

/* Share of the rhythm's machines that are on at `at`, which lies within the span. */
double power_share_on(const struct power *power, size_t rhythm, instant_us at);

/* Factor on a host's base level at `at`. */
double power_busy_factor(const struct power *power, size_t rhythm, instant_us at);

/* When a machine that is `on` since or at `now` turns the other way; NEVER when not within the
 * span. Whole milliseconds after `now`. */
instant_us power_next_change(const struct power *power, size_t rhythm, bool on, instant_us now,
                             struct random_stream *random);

#endif
