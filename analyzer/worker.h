/* A thread with a connection of its own, that takes requests one after another: what asks the
 * database for one reader keeps nobody else's answer.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_WORKER_H
#define EPICENTER_ANALYZER_WORKER_H

#include "common/database.h"
#include "common/failure.h"
#include "common/http_server.h"

struct worker;

struct worker_options {
    const char *conninfo;
    const char *name; /* in pg_stat_activity */
    void *context;
    /* Answers the request; false: the worker does, with what *failure says. */
    bool (*work)(void *context, struct database *database, struct http_request *request, void *job,
                 struct failure *failure);
    void (*free_job)(void *job);
};

/* The database is connected to when the first asks. */
MUST_CHECK bool worker_new(const struct worker_options *options, struct worker **worker,
                           struct failure *failure);
/* Answers whoever waits, then ends. NULL is fine. */
void worker_free(struct worker *worker);

/* Hands the request and its job over, or answers that too many wait. */
void worker_put(struct worker *worker, struct http_request *request, void *take_job);

#endif
