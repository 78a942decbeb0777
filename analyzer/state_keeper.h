/* Keeps the live analyzer's state in the database, so that one that starts goes on from the newest
 * and reads only what came since. What a state is, is the stations' business (carry.h), and how it
 * is sealed stored_state.h's; here it is written, without keeping verdicts waiting, and found
 * again.
 *
 *   following thread: copies the state in memory --hands over--> own thread: packs it and sends it
 *
 * Only who leads stores. A standby has a state of its own by following; one that starts, on
 * whatever machine, takes the leader's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_STATE_KEEPER_H
#define EPICENTER_ANALYZER_STATE_KEEPER_H

#include "analyzer/follow.h"
#include "analyzer/live.h"
#include "analyzer/publish.h"
#include "common/database.h"
#include "common/failure.h"

struct state_keeper;

/* What a state is of. */
struct state_parts {
    struct live *live;
    struct follow *follow;
    struct publisher *publisher;
};

/* The connection string is borrowed. */
MUST_CHECK bool state_keeper_new(const char *conninfo, struct state_keeper **keeper,
                                 struct failure *failure);
/* Waits until what is being written is. NULL is fine. */
void state_keeper_free(struct state_keeper *keeper);

/* Goes on from the stored state where there is one of use, and says in the log what it did; the
 * parts have taken in nothing yet, and otherwise still have not. Fails when the database is away.
 */
MUST_CHECK bool state_keeper_resume(struct state_keeper *keeper, struct database *database,
                                    const struct state_parts *parts, struct failure *failure);

/* Stores the present state in place of the one before, between two steps of the follower. While the
 * last one is still being written it does nothing, or waits for it when `insists`. What goes wrong
 * is said in the log: the state before stays. */
void state_keeper_store(struct state_keeper *keeper, const struct state_parts *parts, bool insists);

#endif
