/* Who calls whom? The state of each customer's outreach, in the database, so that two agents never
 * hold the same customer and every change is in the log (sql/0011_outreach.sql).
 *
 *            take                    outcome
 *   new ----------------> taken ----------------> reached, message_left, escalated, fixed,
 * dismissed ^                     |  ^                       | |  release, run out   |  | take |
 *    +---------------------+  +-----------------------+      recovered: by itself
 *
 * Recovered by itself is not kept but seen: one that is new, or got no further than a message, and
 * whose hosts are all back (outreach_list.h). Should they fall again, it is what it was.
 *
 * A case that is let go returns to the state it had before it was taken. A customer without a row
 * is new.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_OUTREACH_CASE_H
#define EPICENTER_ANALYZER_OUTREACH_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/database.h"
#include "common/failure.h"
#include "common/instant.h"

enum outreach_state {
    OUTREACH_NEW,
    OUTREACH_TAKEN,
    OUTREACH_REACHED,
    OUTREACH_MESSAGE_LEFT,
    OUTREACH_ESCALATED,
    OUTREACH_FIXED,
    OUTREACH_RECOVERED,
    OUTREACH_DISMISSED,
};
#define OUTREACH_STATES (OUTREACH_DISMISSED + 1)

/* As the database and the API write them: "message_left". */
const char *outreach_state_name(enum outreach_state state);
MUST_CHECK bool outreach_state_parse(const char *name, enum outreach_state *state,
                                     struct failure *failure);

struct outreach_case {
    const char *customer_id;
    enum outreach_state state;
    const char *holder;    /* NULL: nobody */
    instant_us held_until; /* INSTANT_NONE: nobody */
    const char *note;      /* of the last outcome, "" for none */
    instant_us since;      /* in this state */
    int64_t version;
};

/* The longest call that outreach.c reckons with takes 35 minutes; a quarter of an hour more than
 * that and the agent has gone home. */
#define OUTREACH_HOLD_S (50 * 60)

/* Of a note, in bytes: what one writes down during a call, not a file. */
#define OUTREACH_NOTE_LIMIT 2000

/* Takes the first of `customers` (in the order to call them) that nobody has come near, for
 * `hold_s` seconds. *taken is false when there is none. Texts of the case are in `arena`, here and
 * below. */
MUST_CHECK bool outreach_case_take_next(struct database *database, const char *update_id,
                                        const char *const *customers, size_t count,
                                        const char *agent, double hold_s, struct arena *arena,
                                        bool *taken, struct outreach_case *one,
                                        struct failure *failure);

/* Takes this customer, whatever its state, or holds it longer. FAILURE_CONFLICT when somebody else
 * has it, and says who. */
MUST_CHECK bool outreach_case_take(struct database *database, const char *update_id,
                                   const char *customer_id, const char *agent, double hold_s,
                                   struct arena *arena, struct outreach_case *one,
                                   struct failure *failure);

/* Ends the hold of `agent` with what came of it: FAILURE_INVALID for new and taken, which are no
 * outcomes; FAILURE_CONFLICT when the agent does not hold it (any more). */
MUST_CHECK bool outreach_case_outcome(struct database *database, const char *update_id,
                                      const char *customer_id, const char *agent,
                                      enum outreach_state outcome, const char *note,
                                      struct arena *arena, struct outreach_case *one,
                                      struct failure *failure);

/* Lets it go as if it had not been taken. FAILURE_CONFLICT as above. */
MUST_CHECK bool outreach_case_release(struct database *database, const char *update_id,
                                      const char *customer_id, const char *agent,
                                      struct arena *arena, struct outreach_case *one,
                                      struct failure *failure);

/* All cases of an update that have a row, by customer id. */
MUST_CHECK bool outreach_case_list(struct database *database, const char *update_id,
                                   struct arena *arena, struct outreach_case **cases, size_t *count,
                                   struct failure *failure);

#endif
