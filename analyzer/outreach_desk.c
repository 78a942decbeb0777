/* Who asks for what at the support desk? See outreach_desk.h. The hard thing is that an update's id
 * and a customer's may hold slashes, so that a path is read from its end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/outreach_desk.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyzer/api_answer.h"
#include "analyzer/api_page.h"
#include "analyzer/door.h"
#include "analyzer/outreach_case.h"
#include "analyzer/outreach_hosts.h"
#include "analyzer/outreach_list.h"
#include "analyzer/snapshot.h"
#include "analyzer/worker.h"
#include "common/arena.h"
#include "common/buffer.h"
#include "common/database.h"

enum job_kind { JOB_LIST, JOB_TAKE, JOB_OUTCOME, JOB_RELEASE };

struct job {
    enum job_kind kind;
    struct http_request *request;
    char *update_id;
    char *customer_id; /* from the path; NULL: none there */
    json_t *body;      /* NULL: a list */
};

struct outreach_desk {
    struct live *live;
    struct worker *worker;
};

static void free_job(void *job)
{
    struct job *freed = job;
    free(freed->update_id);
    free(freed->customer_id);
    json_decref(freed->body);
    free(freed);
}

/* ---- What is asked for ---- */

/* An agent is who is signed in, or the program whose key it is. */
static const char *agent_of(const struct job *job)
{
    return door_identity(job->request)->name;
}

static bool read_filter(const struct job *job, bool csv, struct outreach_filter *filter,
                        struct failure *failure)
{
    const struct http_request *request = job->request;
    const char *states = http_request_query(request, "state");
    const char *region = http_request_query(request, "region");
    const char *reachable = http_request_query(request, "reachable");
    struct api_page page;
    char *end = NULL;
    *filter =
        (struct outreach_filter){.agent = agent_of(job),
                                 .region = region != NULL && *region != '\0' ? region : NULL,
                                 .reachable = reachable != NULL && strcmp(reachable, "1") == 0,
                                 .after = OUTREACH_FROM_START,
                                 .limit = csv ? ANSWER_OUTREACH_DEPTH : OUTREACH_LIMIT_DEFAULT};
    if (!api_page_read(request, &page, failure)) {
        return false;
    }
    filter->limit = page.limit != SIZE_MAX ? page.limit : filter->limit;
    if (page.cursor != NULL) {
        filter->after = strtoll(page.cursor, &end, 10);
        if (*page.cursor < '0' || *page.cursor > '9' || *end != '\0') {
            return failure_set(failure, FAILURE_INVALID, "this is no cursor");
        }
    }
    return states == NULL || outreach_filter_states(filter, states, failure);
}

/* ---- Doing it ---- */

static const struct outreach_entry *find_entry(const struct snapshot_update *update, const char *id)
{
    for (size_t i = 0; i < update->outreach_count; i++) {
        if (strcmp(update->outreach[i].customer_id, id) == 0) {
            return &update->outreach[i];
        }
    }
    return NULL;
}

static bool give_list(struct outreach_desk *desk, struct database *database, const struct job *job,
                      const struct snapshot *snapshot, const struct snapshot_update *update,
                      struct arena *arena, struct failure *failure)
{
    struct outreach_filter filter;
    struct outreach_case *cases;
    size_t count;
    struct outreach_list list;
    struct buffer body = {0};
    bool csv = api_wants_csv(job->request, "outreach.csv");
    bool good =
        read_filter(job, csv, &filter, failure) &&
        outreach_case_list(database, update->id, arena, &cases, &count, failure) &&
        outreach_list_make(update->outreach, update->outreach_count, cases, count, &filter, arena,
                           &list, failure) &&
        (csv ? outreach_list_csv(&list, &body, failure)
             : outreach_list_json(&list, update->id, update->outreach_total, &body, failure));
    if (good) {
        http_respond_header(job->request, "Vary", "Accept");
        if (list.next > 0) {
            char cursor[24];
            (void)snprintf(cursor, sizeof cursor, "%u", (unsigned)list.next);
            api_page_next(job->request, cursor);
        }
        api_respond(job->request, desk->live, snapshot->as_of, csv ? API_CSV_TYPE : API_JSON_TYPE,
                    &body);
    }
    buffer_free(&body);
    return good;
}

/* The next one of the queue as the body narrows it. */
static bool take_next(struct database *database, const struct job *job,
                      const struct snapshot_update *update, const char *agent, struct arena *arena,
                      bool *taken, struct outreach_case *one, struct failure *failure)
{
    const char *region = json_string_value(json_object_get(job->body, "region"));
    bool reachable = json_is_true(json_object_get(job->body, "reachable"));
    size_t count = 0;
    const char **customers =
        arena_allocate(arena, (update->outreach_count + 1) * sizeof *customers);
    if (customers == NULL) {
        return failure_memory(failure, "taking a customer");
    }
    for (size_t i = 0; i < update->outreach_count; i++) {
        const struct outreach_entry *entry = &update->outreach[i];
        if ((region == NULL || *region == '\0' || strcmp(entry->region, region) == 0) &&
            (!reachable || entry->reachable_now) && !entry->recovered) {
            customers[count++] = entry->customer_id;
        }
    }
    return outreach_case_take_next(database, update->id, customers, count, agent, OUTREACH_HOLD_S,
                                   arena, taken, one, failure);
}

static bool take(struct database *database, const struct job *job,
                 const struct snapshot_update *update, const char *agent, struct arena *arena,
                 bool *taken, struct outreach_case *one, struct failure *failure)
{
    const char *customer = json_string_value(json_object_get(job->body, "customer"));
    if (customer == NULL) {
        return take_next(database, job, update, agent, arena, taken, one, failure);
    }
    *taken = true;
    if (find_entry(update, customer) == NULL) {
        return failure_set(failure, FAILURE_NOT_FOUND, "%.100s is not on the list", customer);
    }
    return outreach_case_take(database, update->id, customer, agent, OUTREACH_HOLD_S, arena, one,
                              failure);
}

static bool end_hold(struct database *database, const struct job *job,
                     const struct snapshot_update *update, const char *agent, struct arena *arena,
                     struct outreach_case *one, struct failure *failure)
{
    if (job->kind == JOB_RELEASE) {
        return outreach_case_release(database, update->id, job->customer_id, agent, arena, one,
                                     failure);
    }
    const char *name = json_string_value(json_object_get(job->body, "state"));
    const char *note = json_string_value(json_object_get(job->body, "note"));
    enum outreach_state outcome;
    return outreach_state_parse(name != NULL ? name : "", &outcome, failure) &&
           outreach_case_outcome(database, update->id, job->customer_id, agent, outcome,
                                 note != NULL ? note : "", arena, one, failure);
}

static bool make_change(struct outreach_desk *desk, struct database *database,
                        const struct job *job, const struct snapshot *snapshot,
                        const struct snapshot_update *update, struct arena *arena,
                        struct failure *failure)
{
    struct outreach_case one = {0};
    bool found = true;
    const char *agent = agent_of(job);
    if (!(job->kind == JOB_TAKE ? take(database, job, update, agent, arena, &found, &one, failure)
                                : end_hold(database, job, update, agent, arena, &one, failure))) {
        return false;
    }
    api_add_state(job->request, desk->live, snapshot->as_of);
    if (!found) {
        http_respond(job->request, 204, NULL, NULL);
        return true;
    }
    struct outreach_place place = {.entry = find_entry(update, one.customer_id), .one = &one};
    struct buffer body = {0};
    if (!outreach_place_json(&place, &body, failure)) {
        buffer_free(&body);
        return false;
    }
    http_respond(job->request, 200, API_JSON_TYPE, &body);
    return true;
}

static bool work(void *context, struct database *database, struct http_request *request, void *one,
                 struct failure *failure)
{
    struct outreach_desk *desk = context;
    const struct job *job = one;
    struct snapshot *snapshot = api_hold_snapshot(request, desk->live);
    if (snapshot == NULL) {
        return true;
    }
    const struct snapshot_update *update = snapshot_find(snapshot, job->update_id);
    struct arena arena = {0};
    bool good;
    if (update == NULL) {
        good = failure_set(failure, FAILURE_NOT_FOUND, "no host has reported this update");
    } else if (job->kind == JOB_LIST) {
        good = give_list(desk, database, job, snapshot, update, &arena, failure);
    } else {
        good = make_change(desk, database, job, snapshot, update, &arena, failure);
    }
    arena_free(&arena);
    snapshot_release(snapshot);
    return good;
}

/* ---- At the door ---- */

static struct job *job_new(enum job_kind kind, struct http_request *request)
{
    struct job *job = calloc(1, sizeof *job);
    if (job != NULL) {
        job->kind = kind;
        job->request = request;
    }
    return job;
}

/* Where `suffix` begins, when `path` ends in it and something stands before it. */
static const char *ends_in(const char *path, const char *suffix)
{
    size_t length = strlen(path);
    size_t tail = strlen(suffix);
    return length > tail && strcmp(path + length - tail, suffix) == 0 ? path + length - tail : NULL;
}

void outreach_desk_list(struct outreach_desk *desk, struct http_request *request)
{
    const char *path = http_request_rest(request);
    const char *end = ends_in(path, "/outreach");
    if (end == NULL) {
        http_respond_problem(request, 404, "no host has reported this update");
        return;
    }
    struct job *job = job_new(JOB_LIST, request);
    if (job == NULL || (job->update_id = strndup(path, (size_t)(end - path))) == NULL) {
        free(job);
        http_respond_problem(request, 503, "out of memory");
        return;
    }
    worker_put(desk->worker, request, job);
}

/* The last "/outreach/" before `end`. */
static const char *find_outreach(const char *path, const char *end)
{
    static const char part[] = "/outreach/";
    const char *found = NULL;
    for (const char *at = strstr(path, part); at != NULL && at > path && at + sizeof part - 1 < end;
         at = strstr(at + 1, part)) {
        found = at;
    }
    return found;
}

/* Fills update and customer from "…/outreach/{customer}" before `end`. */
static bool read_customer(const char *path, const char *end, struct job *job)
{
    const char *middle = end != NULL ? find_outreach(path, end) : NULL;
    if (middle == NULL) {
        return false;
    }
    const char *customer = middle + strlen("/outreach/");
    job->update_id = strndup(path, (size_t)(middle - path));
    job->customer_id = strndup(customer, (size_t)(end - customer));
    return job->update_id != NULL && job->customer_id != NULL;
}

/* Fills kind, update and customer from the path; false when it is no path of ours. */
static bool read_path(const char *path, struct job *job)
{
    const char *end = ends_in(path, "/outreach/take");
    if (end != NULL) {
        job->kind = JOB_TAKE;
        job->update_id = strndup(path, (size_t)(end - path));
        return job->update_id != NULL;
    }
    end = ends_in(path, "/outcome");
    job->kind = JOB_OUTCOME;
    if (end == NULL) {
        end = ends_in(path, "/release");
        job->kind = JOB_RELEASE;
    }
    return read_customer(path, end, job);
}

/* ---- The hosts of a customer, which no database is asked for ---- */

/* A cursor is how many come before. */
static bool read_place(const struct http_request *request, size_t *first, size_t *limit,
                       struct failure *failure)
{
    struct api_page page;
    char *end = NULL;
    if (!api_page_read(request, &page, failure)) {
        return false;
    }
    *limit = page.limit != SIZE_MAX ? page.limit : OUTREACH_LIMIT_DEFAULT;
    *limit = *limit < OUTREACH_HOSTS_EACH ? *limit : OUTREACH_HOSTS_EACH;
    *first = page.cursor != NULL ? strtoul(page.cursor, &end, 10) : 0;
    if (page.cursor != NULL && (*page.cursor < '0' || *page.cursor > '9' || *end != '\0' ||
                                *first > OUTREACH_HOSTS_EACH)) {
        return failure_set(failure, FAILURE_INVALID, "this is no cursor");
    }
    return true;
}

static bool give_hosts(const struct outreach_desk *desk, const struct job *job,
                       const struct snapshot *snapshot, struct failure *failure)
{
    size_t first;
    size_t limit;
    struct buffer body = {0};
    const struct snapshot_update *update = snapshot_find(snapshot, job->update_id);
    const struct outreach_entry *entry =
        update == NULL ? NULL : find_entry(update, job->customer_id);
    if (entry == NULL) {
        return failure_set(failure, FAILURE_NOT_FOUND, "%.100s is not on the list",
                           job->customer_id);
    }
    bool good =
        read_place(job->request, &first, &limit, failure) &&
        outreach_hosts_json(entry, &update->hosts, update->id, first, limit, &body, failure);
    if (good && first + limit < entry->host_count) {
        char cursor[24];
        (void)snprintf(cursor, sizeof cursor, "%zu", first + limit);
        api_page_next(job->request, cursor);
    }
    if (good) {
        api_respond(job->request, desk->live, snapshot->as_of, API_JSON_TYPE, &body);
    }
    buffer_free(&body);
    return good;
}

void outreach_desk_hosts(struct outreach_desk *desk, struct http_request *request)
{
    const char *path = http_request_rest(request);
    struct job job = {.request = request};
    struct failure failure;
    if (!read_customer(path, ends_in(path, "/hosts"), &job)) {
        http_respond_problem(request, 404, "hosts are given of a customer of an update's outreach");
    } else {
        struct snapshot *snapshot = api_hold_snapshot(request, desk->live);
        if (snapshot != NULL && !give_hosts(desk, &job, snapshot, &failure)) {
            http_respond_failure(request, &failure);
        }
        snapshot_release(snapshot);
    }
    free(job.update_id);
    free(job.customer_id);
}

void outreach_desk_change(struct outreach_desk *desk, struct http_request *request)
{
    struct job *job = job_new(JOB_TAKE, request);
    if (job == NULL) {
        http_respond_problem(request, 503, "out of memory");
    } else if (!read_path(http_request_rest(request), job)) {
        http_respond_problem(request, 404, "nothing is done here");
        free_job(job);
    } else if ((job->body = api_read_json(request)) == NULL) {
        free_job(job);
    } else {
        worker_put(desk->worker, request, job);
    }
}

/* ---- Start and end ---- */

bool outreach_desk_new(const char *conninfo, struct live *live, struct outreach_desk **desk,
                       struct failure *failure)
{
    struct outreach_desk *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to serve");
    }
    made->live = live;
    const struct worker_options options = {.conninfo = conninfo,
                                           .name = "epicenter outreach",
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

void outreach_desk_free(struct outreach_desk *desk)
{
    if (desk != NULL) {
        worker_free(desk->worker);
    }
    free(desk);
}
