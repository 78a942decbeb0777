/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/gate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyzer/snapshot.h"

/* Pipelines at the gate at once; each holds a connection of the server's 4,096. */
#define WAITING_MOST 256

/* A verdict changes at most once a minute; nobody notices a fifth of a second more. */
#define LOOK_MS 200

struct gate {
    struct live *live;
    gate_answer answer;
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    bool stopping;
    struct waiting {
        struct http_request *request;
        char *update_id;
        struct timespec until;
    } waiting[WAITING_MOST];
    size_t count;
};

static bool is_decided(struct live *live, const char *update_id)
{
    struct snapshot *snapshot = live_snapshot(live);
    const struct snapshot_update *update =
        snapshot != NULL ? snapshot_find(snapshot, update_id) : NULL;
    bool decided = update != NULL && update->decided;
    snapshot_release(snapshot);
    return decided;
}

static bool is_past(const struct timespec *until)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > until->tv_sec ||
           (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

static struct timespec after_ms(long milliseconds)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += milliseconds / 1000;
    at.tv_nsec += milliseconds % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Takes out one that need not wait any longer. */
static bool take_ready(struct gate *gate, struct waiting *ready)
{
    for (size_t i = 0; i < gate->count; i++) {
        struct waiting *waiting = &gate->waiting[i];
        if (gate->stopping || is_past(&waiting->until) ||
            is_decided(gate->live, waiting->update_id)) {
            *ready = *waiting;
            *waiting = gate->waiting[--gate->count];
            return true;
        }
    }
    return false;
}

static void *keep(void *context)
{
    struct gate *gate = context;
    pthread_mutex_lock(&gate->mutex);
    while (!gate->stopping || gate->count > 0) {
        struct waiting ready;
        while (take_ready(gate, &ready)) {
            pthread_mutex_unlock(&gate->mutex);
            gate->answer(gate->live, ready.request);
            free(ready.update_id);
            pthread_mutex_lock(&gate->mutex);
        }
        if (gate->stopping) {
            continue;
        }
        if (gate->count == 0) {
            pthread_cond_wait(&gate->changed, &gate->mutex);
        } else {
            struct timespec look = after_ms(LOOK_MS);
            pthread_cond_timedwait(&gate->changed, &gate->mutex, &look);
        }
    }
    pthread_mutex_unlock(&gate->mutex);
    return NULL;
}

bool gate_new(struct live *live, gate_answer answer, struct gate **gate, struct failure *failure)
{
    struct gate *made = calloc(1, sizeof *made);
    pthread_condattr_t attributes;
    if (made == NULL) {
        return failure_memory(failure, "starting to serve");
    }
    made->live = live;
    made->answer = answer;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&made->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int status = pthread_create(&made->thread, NULL, keep, made);
    if (status != 0) {
        pthread_cond_destroy(&made->changed);
        pthread_mutex_destroy(&made->mutex);
        free(made);
        return failure_set(failure, FAILURE_SYSTEM, "a thread cannot be started: %s",
                           strerror(status));
    }
    *gate = made;
    return true;
}

void gate_free(struct gate *gate)
{
    if (gate == NULL) {
        return;
    }
    pthread_mutex_lock(&gate->mutex);
    gate->stopping = true;
    pthread_cond_signal(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
    pthread_join(gate->thread, NULL);
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->mutex);
    free(gate);
}

bool gate_wait(struct gate *gate, struct http_request *request, const char *update_id,
               unsigned long wait_s)
{
    if (wait_s == 0 || is_decided(gate->live, update_id)) {
        return false;
    }
    char *id = strdup(update_id);
    pthread_mutex_lock(&gate->mutex);
    bool taken = id != NULL && gate->count < WAITING_MOST && !gate->stopping;
    if (taken) {
        long patience_s = wait_s < GATE_WAIT_MOST_S ? (long)wait_s : GATE_WAIT_MOST_S;
        gate->waiting[gate->count++] = (struct waiting){
            .request = request, .update_id = id, .until = after_ms(1000 * patience_s)};
        pthread_cond_signal(&gate->changed);
    }
    pthread_mutex_unlock(&gate->mutex);
    if (!taken) {
        free(id);
    }
    return taken;
}
