/* Where the analyzer's threads meet: one that follows the database and works the analysis, and
 * those that answer the API.
 *
 *   following thread --publishes--> snapshot, status --read by--> API threads
 *                    \--locks--> analysis <--shares, for one look-up--/
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_LIVE_H
#define EPICENTER_ANALYZER_LIVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "analyzer/analysis.h"
#include "analyzer/follow.h"
#include "analyzer/snapshot.h"
#include "common/failure.h"

struct live;

/* The analysis is borrowed; from here on it is used only between live_lock or live_share and
 * live_unlock. */
MUST_CHECK bool live_new(struct analysis *analysis, struct live **live, struct failure *failure);
void live_free(struct live *live);

/* Alone with it, to change what it knows. */
struct analysis *live_lock(struct live *live);
/* Beside others who only look: analysis_host, and one thread at a time that has it answered, which
 * may take seconds. */
struct analysis *live_share(struct live *live);
void live_unlock(struct live *live);
pthread_rwlock_t *live_analysis_lock(struct live *live);

/* Replaces the snapshot; readers of the one before keep it until they release it. */
void live_publish(struct live *live, struct snapshot *take_snapshot);

/* The newest snapshot, held for the caller, who releases it; NULL before the first. */
struct snapshot *live_snapshot(struct live *live);

struct live_status {
    bool database_up;
    bool horizon_replayed;
    bool leads; /* writes verdicts and tells webhooks; otherwise it stands by */
    char trouble[sizeof((struct failure *)0)->message]; /* why not, for people; "" when all is well
                                                         */
    struct follow_counts followed;
    uint64_t advances; /* analysis_advance calls that moved it */
    uint64_t database_faults;
};
void live_set_status(struct live *live, const struct live_status *status);
struct live_status live_status(struct live *live);

#endif
