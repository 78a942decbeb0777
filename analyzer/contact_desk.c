/* Who wants to call whom? See contact_desk.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/contact_desk.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyzer/api_answer.h"
#include "analyzer/contact.h"
#include "analyzer/door.h"
#include "analyzer/worker.h"
#include "common/buffer.h"
#include "common/database.h"

struct contact_desk {
    struct worker *worker;
};

struct job {
    char *customer_id;
    json_t *body; /* NULL: masked */
};

static void free_job(void *job)
{
    struct job *freed = job;
    free(freed->customer_id);
    json_decref(freed->body);
    free(freed);
}

static bool work(void *context, struct database *database, struct http_request *request, void *one,
                 struct failure *failure)
{
    (void)context;
    const struct job *job = one;
    struct buffer body = {0};
    const struct contact_reason reason = {
        .update_id = json_string_value(json_object_get(job->body, "update")),
        .reason = json_string_value(json_object_get(job->body, "reason"))};
    bool good = job->body == NULL ? contact_mask(database, job->customer_id, &body, failure)
                                  : contact_open(database, job->customer_id, door_identity(request),
                                                 &reason, &body, failure);
    if (good) {
        http_respond_header(request, "Cache-Control", "no-store");
        http_respond(request, 200, API_JSON_TYPE, &body);
    }
    buffer_free(&body);
    return good;
}

static void put(struct contact_desk *desk, struct http_request *request, size_t length,
                json_t *take_body)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL || (job->customer_id = strndup(http_request_rest(request), length)) == NULL) {
        free(job);
        json_decref(take_body);
        http_respond_problem(request, 503, "out of memory");
        return;
    }
    job->body = take_body;
    worker_put(desk->worker, request, job);
}

void contact_desk_mask(struct contact_desk *desk, struct http_request *request)
{
    put(desk, request, strlen(http_request_rest(request)), NULL);
}

void contact_desk_open(struct contact_desk *desk, struct http_request *request)
{
    json_t *body = api_read_json(request);
    if (body != NULL) {
        put(desk, request, strlen(http_request_rest(request)) - strlen("/open"), body);
    }
}

bool contact_desk_new(const char *conninfo, struct contact_desk **desk, struct failure *failure)
{
    struct contact_desk *made = calloc(1, sizeof *made);
    const struct worker_options options = {
        .conninfo = conninfo, .name = "epicenter contacts", .work = work, .free_job = free_job};
    if (made == NULL) {
        return failure_memory(failure, "starting to serve");
    }
    if (!worker_new(&options, &made->worker, failure)) {
        free(made);
        return false;
    }
    *desk = made;
    return true;
}

void contact_desk_free(struct contact_desk *desk)
{
    if (desk != NULL) {
        worker_free(desk->worker);
    }
    free(desk);
}
