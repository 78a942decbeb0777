/* The database tail as a mouth of the analysis: follows report_load and gives the rows of each new
 * load to analysis_add. It has no thread and no clock; a caller steps it and advances the analysis
 * to where it says.
 *
 *   the horizon, load by load -> caught up: new loads as they commit, missing ids as they turn up
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_FOLLOW_H
#define EPICENTER_ANALYZER_FOLLOW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/analysis.h"
#include "analyzer/carry.h"
#include "common/database.h"
#include "common/failure.h"
#include "common/instant.h"

struct follow;

/* `horizon` is how far before the newest load it begins. The lock guards the analysis; it is held
 * only while rows already in memory are added. */
MUST_CHECK bool follow_new(struct analysis *analysis, pthread_rwlock_t *analysis_lock,
                           instant_us horizon, struct follow **follow, struct failure *failure);
void follow_free(struct follow *follow);

/* Takes in the next loads, some 65,000 rows at most, and sets *idle when all there was has been
 * taken: a pause then costs nothing and lets more loads come together, which are cheaper so.
 * After a failure nothing of the step has been added and the same step may be tried again, on the
 * same connection or another. */
MUST_CHECK bool follow_step(struct follow *follow, struct database *database, bool *idle,
                            struct failure *failure);

/* How far it has come: which loads are in the analysis, and which are still to come. Restored into
 * one that has taken no step; follow_resume then says whether it may go on from there
 * (FAILURE_INVALID with the reason where not: the loads are gone, or there is more to read than the
 * horizon), and follow_forget begins with the horizon after all. */
void follow_carry(struct carry *carry, struct follow *follow);
MUST_CHECK bool follow_resume(struct follow *follow, struct database *database,
                              struct failure *failure);
void follow_forget(struct follow *follow);

/* Every report received before this has been added: what analysis_advance wants. INSTANT_NONE
 * before the first load. Loads that are missing hold it back for LOAD_GAP_HOLDS. */
instant_us follow_known_before(const struct follow *follow);

/* The earliest receive time taken in; INSTANT_NONE before the first row. */
instant_us follow_first_received(const struct follow *follow);

/* True once the loads that were there at the start have been taken in. */
bool follow_has_caught_up(const struct follow *follow);

struct follow_counts {
    uint64_t loads, reports, updates;
    size_t missing_loads;
    unsigned percent; /* of the loads that were there at the start and were to be taken in */
};
struct follow_counts follow_counts(const struct follow *follow);

#endif
