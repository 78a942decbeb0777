/* Who is next? See worker.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Requests waiting at once: each takes a few milliseconds, so this is a second's wait. */
#define WAITING_MOST 256

/* What is asked here touches a few rows; a statement that takes seconds has met a server that
 * hangs.
 */
#define STATEMENT_TIMEOUT_MS 5000

struct waiting {
    struct http_request *request;
    void *job;
};

struct worker {
    struct worker_options options;
    char *conninfo;
    struct database *database; /* the thread's; NULL until it has been reached once */
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    bool stopping;
    struct waiting waiting[WAITING_MOST]; /* a ring */
    size_t first, count;
};

static void do_job(struct worker *worker, const struct waiting *next)
{
    struct failure failure;
    bool good = (worker->database != NULL ||
                 database_open(worker->conninfo, worker->options.name, STATEMENT_TIMEOUT_MS,
                               &worker->database, &failure)) &&
                worker->options.work(worker->options.context, worker->database, next->request,
                                     next->job, &failure);
    if (!good) {
        http_respond_failure(next->request, &failure);
    }
    worker->options.free_job(next->job);
}

static void *serve_jobs(void *context)
{
    struct worker *worker = context;
    pthread_mutex_lock(&worker->mutex);
    while (!worker->stopping || worker->count > 0) {
        if (worker->count == 0) {
            pthread_cond_wait(&worker->changed, &worker->mutex);
            continue;
        }
        struct waiting next = worker->waiting[worker->first];
        worker->first = (worker->first + 1) % WAITING_MOST;
        worker->count--;
        pthread_mutex_unlock(&worker->mutex);
        do_job(worker, &next);
        pthread_mutex_lock(&worker->mutex);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

void worker_put(struct worker *worker, struct http_request *request, void *take_job)
{
    pthread_mutex_lock(&worker->mutex);
    bool put = worker->count < WAITING_MOST && !worker->stopping;
    if (put) {
        worker->waiting[(worker->first + worker->count) % WAITING_MOST] =
            (struct waiting){.request = request, .job = take_job};
        worker->count++;
        pthread_cond_signal(&worker->changed);
    }
    pthread_mutex_unlock(&worker->mutex);
    if (!put) {
        http_respond_problem(request, 503, "too many wait for the database");
        worker->options.free_job(take_job);
    }
}

bool worker_new(const struct worker_options *options, struct worker **worker,
                struct failure *failure)
{
    struct worker *made = calloc(1, sizeof *made);
    if (made == NULL || (made->conninfo = strdup(options->conninfo)) == NULL) {
        free(made);
        return failure_memory(failure, "starting to serve");
    }
    made->options = *options;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->changed, NULL);
    int status = pthread_create(&made->thread, NULL, serve_jobs, made);
    if (status != 0) {
        pthread_cond_destroy(&made->changed);
        pthread_mutex_destroy(&made->mutex);
        free(made->conninfo);
        free(made);
        return failure_set(failure, FAILURE_SYSTEM, "a thread cannot be started: %s",
                           strerror(status));
    }
    *worker = made;
    return true;
}

void worker_free(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    worker->stopping = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    database_close(worker->database);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->mutex);
    free(worker->conninfo);
    free(worker);
}
