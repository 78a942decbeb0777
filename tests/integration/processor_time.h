/* How busy is this machine really? The kernel's own account, /proc/stat, read ten times a second
 * beside the program under test: the oracle for what an agent says of the same seconds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_INTEGRATION_PROCESSOR_TIME_H
#define EPICENTER_INTEGRATION_PROCESSOR_TIME_H

#include <stdbool.h>

#include "common/instant.h"

struct processor_time; /* readings, oldest first; a thread of its own adds to them */

/* NULL when the thread cannot be started. */
struct processor_time *processor_time_start(void);
/* Ends the readings; what was read can be asked for until it is freed. */
void processor_time_stop(struct processor_time *readings);
void processor_time_free(struct processor_time *readings);

/* Fraction of all processors that was not idle between two instants, as collectd's `active` counts
 * it (waiting for a disk is not idle). False when the readings do not cover the span. Only after
 * processor_time_stop. */
bool processor_time_busy(const struct processor_time *readings, instant_us from, instant_us until,
                         double *busy);

#endif
