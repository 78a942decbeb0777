/* Sends the simulated fleet's reports to a collector and keeps the ledger of what it acknowledged.
 *
 * A simulated minute is sent over several connections at once, so its batches may be committed in
 * any order; the next minute begins only when all of them are acknowledged. That keeps arrival
 * within what the analyzer allows (ANALYSIS_LATENESS) however long a batch had to be retried.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_REPLAY_H
#define EPICENTER_FLEETSIM_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "tests/fleetsim/sender.h"
#include "tests/fleetsim/simulation.h"

struct replay_options {
    struct sender_options sender;
    size_t batch_reports;
};

/* What a replay did. */
struct replay_result {
    uint64_t acknowledged;
    uint64_t resent; /* batches */
    double seconds;
};

/* Runs the simulation to its end. The ledger is closed and complete to the last acknowledgement
 * also when it fails. */
MUST_CHECK bool replay_run(struct simulation *simulation, const struct replay_options *options,
                           const char *directory, struct replay_result *result,
                           struct failure *failure);

#endif
