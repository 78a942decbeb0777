/* Who waits for the analysis? See aside.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/aside.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A host takes microseconds and a what-if a second; more than a minute of them nobody waits for. */
#define WAITING_MOST 64

struct aside {
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    bool stopping;
    struct waiting {
        http_handler handler;
        void *context;
        struct http_request *request;
    } waiting[WAITING_MOST]; /* a ring */
    size_t first, count;
};

static void *serve(void *argument)
{
    struct aside *aside = argument;
    pthread_mutex_lock(&aside->mutex);
    while (!aside->stopping || aside->count > 0) {
        if (aside->count == 0) {
            pthread_cond_wait(&aside->changed, &aside->mutex);
            continue;
        }
        struct waiting next = aside->waiting[aside->first];
        aside->first = (aside->first + 1) % WAITING_MOST;
        aside->count--;
        pthread_mutex_unlock(&aside->mutex);
        next.handler(next.context, next.request);
        pthread_mutex_lock(&aside->mutex);
    }
    pthread_mutex_unlock(&aside->mutex);
    return NULL;
}

bool aside_new(struct aside **aside, struct failure *failure)
{
    struct aside *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to serve");
    }
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->changed, NULL);
    int status = pthread_create(&made->thread, NULL, serve, made);
    if (status != 0) {
        pthread_cond_destroy(&made->changed);
        pthread_mutex_destroy(&made->mutex);
        free(made);
        return failure_set(failure, FAILURE_SYSTEM, "a thread cannot be started: %s",
                           strerror(status));
    }
    *aside = made;
    return true;
}

void aside_free(struct aside *aside)
{
    if (aside == NULL) {
        return;
    }
    pthread_mutex_lock(&aside->mutex);
    aside->stopping = true;
    pthread_cond_signal(&aside->changed);
    pthread_mutex_unlock(&aside->mutex);
    pthread_join(aside->thread, NULL);
    pthread_cond_destroy(&aside->changed);
    pthread_mutex_destroy(&aside->mutex);
    free(aside);
}

void aside_put(struct aside *aside, http_handler handler, void *context,
               struct http_request *request)
{
    pthread_mutex_lock(&aside->mutex);
    bool put = aside->count < WAITING_MOST && !aside->stopping;
    if (put) {
        aside->waiting[(aside->first + aside->count) % WAITING_MOST] =
            (struct waiting){.handler = handler, .context = context, .request = request};
        aside->count++;
        pthread_cond_signal(&aside->changed);
    }
    pthread_mutex_unlock(&aside->mutex);
    if (!put) {
        http_respond_problem(request, 503, "too many wait for the analysis");
    }
}
