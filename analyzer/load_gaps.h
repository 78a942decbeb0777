/* Which loads are still to come, and up to when is everything known? Load ids are given out before
 * their transactions commit, so a higher id may be seen first; some never come (a transaction that
 * was rolled back). Pure: ids and times in, no database.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_LOAD_GAPS_H
#define EPICENTER_ANALYZER_LOAD_GAPS_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/carry.h"
#include "common/failure.h"
#include "common/instant.h"

/* A missing id holds the clock back this long: ten times what a collector's commit takes on a busy
 * disk. Twice as long would delay a verdict by as much whenever a transaction is rolled back. */
#define LOAD_GAP_HOLDS (10 * INSTANT_SECOND)

/* … and is looked for this long; a commit later than a minute has met the collector's deadline. */
#define LOAD_GAP_LASTS (60 * INSTANT_SECOND)

/* More missing ids than this at once are a sequence set forward by hand, not transactions. */
#define LOAD_GAPS_LIMIT 4096

/* A zeroed struct has seen nothing. */
struct load_gaps {
    struct load_gap {
        int64_t load_id;
        instant_us noticed_at;   /* database clock when a higher id was written */
        instant_us until_before; /* newest receive time of the loads below it */
    } * missing;                 /* by load_id */
    size_t missing_count, missing_capacity;
    int64_t newest_id; /* 0: none seen */
    instant_us newest_until;
};

/* Takes note of a load whose rows have been read. A higher id than ever opens a gap for each id it
 * jumps over, except at the first; a lower one closes its own. */
MUST_CHECK bool load_gaps_seen(struct load_gaps *gaps, int64_t load_id, instant_us received_until,
                               instant_us loaded_at, struct failure *failure);

/* Forgets ids that have been missing for LOAD_GAP_LASTS by the database's clock. */
void load_gaps_expire(struct load_gaps *gaps, instant_us now);

/* The receive time up to which all loads are known; INSTANT_NONE before the first. `now` is the
 * database's clock. */
instant_us load_gaps_known_until(const struct load_gaps *gaps, instant_us now);

/* Restored into gaps that have seen nothing. */
void load_gaps_carry(struct carry *carry, struct load_gaps *gaps);

void load_gaps_free(struct load_gaps *gaps);

#endif
