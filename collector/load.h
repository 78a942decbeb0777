/* One load: a group of batches, written to the database in one transaction.
 *
 * A writer is used by one thread. It need not find the database there when it is made, and goes on
 * by itself once it is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_LOAD_H
#define EPICENTER_COLLECTOR_LOAD_H

#include <stddef.h>

#include "collector/batch.h"
#include "common/failure.h"
#include "common/instant.h"

struct load_writer;

/* `conninfo` must outlive the writer. Writes as "<host name>:<process id>". */
MUST_CHECK bool load_writer_new(const char *conninfo, struct load_writer **writer,
                                struct failure *failure);
void load_writer_free(struct load_writer *writer);

/* Commits the batches from `first` on (by `next`): all or none, but of those with an
 * Idempotency-Key only what was not committed before (their `repeat` says so then). When the answer
 * to COMMIT is lost, looks for the load on a fresh connection and goes by what is there.
 * FAILURE_UNAVAILABLE when the database is away or too slow. */
MUST_CHECK bool load_write(struct load_writer *writer, const struct batch *first,
                           struct failure *failure);

/* An empty load that says: up to `now` there is nothing. */
MUST_CHECK bool load_write_heartbeat(struct load_writer *writer, instant_us now,
                                     struct failure *failure);

/* Deletes all but the newest refused reports. */
MUST_CHECK bool load_trim_rejected(struct load_writer *writer, struct failure *failure);

/* Forgets Idempotency-Keys older than a day, some at a time. */
MUST_CHECK bool load_trim_keys(struct load_writer *writer, struct failure *failure);

/* Proves that the database answers. */
MUST_CHECK bool load_ping(struct load_writer *writer, struct failure *failure);

#endif
