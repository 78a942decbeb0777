/* What happened at the door, summed up until it can be written down: one entry for each kind of
 * event and holder of a token, so that a flood of the same costs one row.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_ACCESS_LOG_H
#define EPICENTER_COLLECTOR_ACCESS_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "collector/access.h"
#include "common/database.h"
#include "common/failure.h"
#include "common/token.h"

struct access_log;

MUST_CHECK bool access_log_new(struct access_log **log, struct failure *failure);
void access_log_free(struct access_log *log);

/* From any thread. Beyond 1,024 entries that wait, events are counted but not written down. */
void access_log_note(struct access_log *log, enum access_event event, const struct token *token,
                     const char *address, const char *detail);

/* Writes the entries down and forgets them; keeps them when it fails. By one thread. */
MUST_CHECK bool access_log_write(struct access_log *log, struct database *database,
                                 struct failure *failure);

/* Bounds the table, and forgets where old events came from. */
MUST_CHECK bool access_log_trim(struct database *database, struct failure *failure);

void access_log_counts(struct access_log *log, uint64_t events[ACCESS_EVENT_COUNT]);

#endif
