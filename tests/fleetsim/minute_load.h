/* The reports of one simulated minute, as bodies ready to be sent.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_MINUTE_LOAD_H
#define EPICENTER_FLEETSIM_MINUTE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/failure.h"
#include "tests/fleetsim/observation.h"
#include "tests/fleetsim/report_text.h"
#include "tests/fleetsim/sender.h"
#include "tests/fleetsim/simulation.h"

/* A zeroed struct is an empty load; its memory is used again by the next minute. */
struct minute_load {
    struct observation_list reports; /* in the order received */
    struct batch *batches;           /* in the same order */
    size_t batch_count;
    size_t batch_capacity;
    struct buffer plain; /* of the batch being compressed */
    instant_us until;    /* end of the minute */
    double done;         /* share of the run that then lies behind */
};

/* Fills the load with the simulation's next minute; false in *more when there is none. */
MUST_CHECK bool minute_load_next(struct simulation *simulation, struct report_text *report_text,
                                 size_t batch_reports, bool gzip, struct minute_load *load,
                                 bool *more, struct failure *failure);
void minute_load_free(struct minute_load *load);

#endif
