/* How busy is one host's processor over a window of time? Ordinary work with bursts, scheduled
 * scans, the minutes after a start, and harm, each weighed by its share of the window.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_PROCESSOR_H
#define EPICENTER_FLEETSIM_PROCESSOR_H

#include <stdint.h>

#include "common/instant.h"
#include "common/random_stream.h"
#include "tests/fleetsim/scenario.h"

struct processor {
    float base_busy;
    float boot_busy;
    float scan_busy;
    struct bounds harm_busy;
    instant_us started_at;
    instant_us scan_from, scan_until; /* the next or present scan */
    instant_us harm_from, harm_until; /* the last harm; until NEVER while it lasts */
};

/* Fractions of all processors in ten-thousandths, as the reports carry them: four decimals. */
#define READING_ONE 10000
struct reading {
    uint16_t busy;
    uint16_t peak;
    uint16_t product_busy;
    double harmed_share; /* of the window */
};

/* The machine starts at `at`: no harm yet, the next scan somewhere ahead. A machine that has been
 * on for long is started at an `at` in the past. */
void processor_start(struct processor *processor, const struct ordinary *ordinary, instant_us at,
                     struct random_stream *random);

/* The mean over (from, until], `factor` times the host's base level being ordinary. `from` is not
 * before the start of the machine. */
struct reading processor_read(struct processor *processor, const struct ordinary *ordinary,
                              instant_us from, instant_us until, double factor,
                              struct random_stream *random);

#endif
