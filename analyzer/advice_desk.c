/* Who asks what to say, and who says it? See advice_desk.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/advice_desk.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyzer/advice.h"
#include "analyzer/api_answer.h"
#include "analyzer/door.h"
#include "analyzer/snapshot.h"
#include "analyzer/worker.h"
#include "common/arena.h"
#include "common/buffer.h"
#include "common/database.h"

struct advice_desk {
    struct live *live;
    struct worker *worker;
};

struct job {
    char *update_id;
    json_t *body; /* NULL: it is only read */
};

static void free_job(void *job)
{
    struct job *freed = job;
    free(freed->update_id);
    json_decref(freed->body);
    free(freed);
}

static bool work(void *context, struct database *database, struct http_request *request, void *one,
                 struct failure *failure)
{
    const struct advice_desk *desk = context;
    const struct job *job = one;
    struct snapshot *snapshot = api_hold_snapshot(request, desk->live);
    if (snapshot == NULL) {
        return true;
    }
    const struct snapshot_update *update = snapshot_find(snapshot, job->update_id);
    struct arena arena = {0};
    struct buffer body = {0};
    bool good = false;
    if (update == NULL) {
        (void)failure_set(failure, FAILURE_NOT_FOUND, "no host has reported this update");
    } else {
        struct advice advice = update->advice;
        good = (job->body == NULL ? advice_read(database, update->id, &arena, &advice, failure)
                                  : advice_write(database, update->id, door_identity(request)->name,
                                                 job->body, &arena, &advice, failure)) &&
               advice_json(&advice, update->id, &body, failure);
    }
    if (good && job->body == NULL) {
        api_respond(request, desk->live, snapshot->as_of, API_JSON_TYPE, &body);
    } else if (good) {
        api_add_state(request, desk->live, snapshot->as_of);
        http_respond(request, 200, API_JSON_TYPE, &body);
    }
    buffer_free(&body);
    arena_free(&arena);
    snapshot_release(snapshot);
    return good;
}

static void put(struct advice_desk *desk, struct http_request *request, json_t *take_body)
{
    const char *rest = http_request_rest(request);
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL || (job->update_id = strndup(rest, strlen(rest) - strlen("/advice"))) == NULL) {
        free(job);
        json_decref(take_body);
        http_respond_problem(request, 503, "out of memory");
        return;
    }
    job->body = take_body;
    worker_put(desk->worker, request, job);
}

void advice_desk_read(struct advice_desk *desk, struct http_request *request)
{
    put(desk, request, NULL);
}

void advice_desk_write(struct advice_desk *desk, struct http_request *request)
{
    json_t *body = api_read_json(request);
    if (body != NULL) {
        put(desk, request, body);
    }
}

bool advice_desk_new(const char *conninfo, struct live *live, struct advice_desk **desk,
                     struct failure *failure)
{
    struct advice_desk *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to serve");
    }
    made->live = live;
    const struct worker_options options = {.conninfo = conninfo,
                                           .name = "epicenter advice",
                                           .context = made,
                                           .work = work,
                                           .free_job = free_job};
    if (!worker_new(&options, &made->worker, failure)) {
        free(made);
        return false;
    }
    *desk = made;
    return true;
}

void advice_desk_free(struct advice_desk *desk)
{
    if (desk != NULL) {
        worker_free(desk->worker);
    }
    free(desk);
}
