/* Group commit: the batches of many requests wait in one bounded queue, and committer threads take
 * whatever waits into one transaction each.
 *
 * While the database is away, batches are refused at once instead of waiting for it; the committers
 * look twice a second whether it is back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_COMMIT_H
#define EPICENTER_COLLECTOR_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/batch.h"
#include "common/failure.h"

struct commit;

struct commit_options {
    const char *conninfo; /* must outlive the commit */
    bool heartbeats;      /* an empty load every 10 s without one; not in a replay */
};

MUST_CHECK bool commit_start(const struct commit_options *options, struct commit **commit,
                             struct failure *failure);

/* Hands the batch over until its `done` is called. FAILURE_UNAVAILABLE, and the batch stays the
 * caller's, when the queue is full, the database away, or the commit stopping. */
MUST_CHECK bool commit_submit(struct commit *commit, struct batch *batch, struct failure *failure);

/* Commits what waits, answers it, and ends the threads. */
void commit_stop(struct commit *commit);

/* Reports in one load, for the histogram of group sizes: is the commit shared, and how widely? */
#define COMMIT_LOAD_SIZES 6
static const unsigned commit_load_sizes[COMMIT_LOAD_SIZES] = {1, 10, 100, 1000, 10000, 50000};

/* What it did and how it is, for /readyz and /metrics. */
struct commit_status {
    bool database_answers;
    double stuck_s; /* how long batches have waited without any commit */
    size_t queued_rows;
    uint64_t loads, reports, updates, batches; /* committed */
    uint64_t invalid, forbidden;               /* reports refused, and written down as such */
    /* Loads of up to so many reports, the smaller ones included (a histogram). */
    uint64_t loads_up_to[COMMIT_LOAD_SIZES];
    uint64_t repeated_batches; /* of the batches: committed before, under their Idempotency-Key */
    uint64_t failed_batches;   /* answered with a failure */
    double commit_s;           /* time spent in transactions, summed */
};
void commit_read_status(struct commit *commit, struct commit_status *status);

#endif
