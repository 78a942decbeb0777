/* Who may touch what, and when? Two locks, never held together: one for the analysis, held while it
 * works or is looked at; one for the pointers and numbers below, held for an instant.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/live.h"

#include <stdlib.h>

struct live {
    struct analysis *analysis;
    pthread_rwlock_t analysis_lock;
    pthread_mutex_t mutex; /* of what follows */
    struct snapshot *snapshot;
    struct live_status status;
};

bool live_new(struct analysis *analysis, struct live **live, struct failure *failure)
{
    struct live *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to serve");
    }
    made->analysis = analysis;
    pthread_rwlock_init(&made->analysis_lock, NULL);
    pthread_mutex_init(&made->mutex, NULL);
    *live = made;
    return true;
}

void live_free(struct live *live)
{
    if (live == NULL) {
        return;
    }
    snapshot_release(live->snapshot);
    pthread_rwlock_destroy(&live->analysis_lock);
    pthread_mutex_destroy(&live->mutex);
    free(live);
}

struct analysis *live_lock(struct live *live)
{
    pthread_rwlock_wrlock(&live->analysis_lock);
    return live->analysis;
}

struct analysis *live_share(struct live *live)
{
    pthread_rwlock_rdlock(&live->analysis_lock);
    return live->analysis;
}

void live_unlock(struct live *live)
{
    pthread_rwlock_unlock(&live->analysis_lock);
}

pthread_rwlock_t *live_analysis_lock(struct live *live)
{
    return &live->analysis_lock;
}

void live_publish(struct live *live, struct snapshot *take_snapshot)
{
    pthread_mutex_lock(&live->mutex);
    struct snapshot *before = live->snapshot;
    live->snapshot = take_snapshot;
    pthread_mutex_unlock(&live->mutex);
    snapshot_release(before);
}

struct snapshot *live_snapshot(struct live *live)
{
    pthread_mutex_lock(&live->mutex);
    struct snapshot *snapshot = live->snapshot != NULL ? snapshot_hold(live->snapshot) : NULL;
    pthread_mutex_unlock(&live->mutex);
    return snapshot;
}

void live_set_status(struct live *live, const struct live_status *status)
{
    pthread_mutex_lock(&live->mutex);
    live->status = *status;
    pthread_mutex_unlock(&live->mutex);
}

struct live_status live_status(struct live *live)
{
    pthread_mutex_lock(&live->mutex);
    struct live_status status = live->status;
    pthread_mutex_unlock(&live->mutex);
    return status;
}
