/* What was answered then? See snapshot_desk.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/snapshot_desk.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/api_answer.h"
#include "analyzer/kept_text.h"
#include "analyzer/snapshot.h"
#include "analyzer/statements.h"
#include "analyzer/worker.h"
#include "common/database.h"

struct snapshot_desk {
    struct live *live;
    struct worker *worker;
};

/* Reads the document into `text` and names it anew. */
static bool read_document(struct database *database, const char *id, struct kept_text *text,
                          struct failure *failure)
{
    PGresult *rows = NULL;
    if (!database_run(database, STATEMENT_SNAPSHOT_READ, 1, &id, &rows, failure)) {
        return false;
    }
    bool good = PQntuples(rows) > 0;
    if (!good) {
        (void)failure_set(failure, FAILURE_NOT_FOUND,
                          "no such snapshot is kept; those with an update held or suspected are");
    } else {
        buffer_append(&text->plain, PQgetvalue(rows, 0, 1), (size_t)PQgetlength(rows, 0, 1));
        good = buffer_check(&text->plain, failure);
        kept_text_name(text);
    }
    if (good && strcmp(text->name, PQgetvalue(rows, 0, 0)) != 0) {
        good = failure_set(failure, FAILURE_SYSTEM,
                           "snapshot %s is not what was answered: it has been changed in the "
                           "database",
                           PQgetvalue(rows, 0, 0));
    }
    PQclear(rows);
    return good;
}

static bool work(void *context, struct database *database, struct http_request *request, void *job,
                 struct failure *failure)
{
    const struct snapshot_desk *desk = context;
    struct kept_text text = {.plain = {0}};
    bool good = read_document(database, job, &text, failure);
    if (good) {
        http_respond_header(request, "Epicenter-Snapshot", text.name);
        api_respond_kept(request, desk->live, INSTANT_NONE, API_JSON_TYPE, &text);
    }
    kept_text_free(&text);
    return good;
}

static bool is_id(const char *text)
{
    size_t length = strlen(text);
    return length >= SNAPSHOT_ID_LEAST && length < KEPT_TEXT_NAME_SIZE &&
           strspn(text, "0123456789abcdef") == length;
}

/* The newest one is at hand, stored yet or not. */
static bool respond_newest(const struct snapshot_desk *desk, struct http_request *request,
                           const char *id)
{
    struct snapshot *snapshot = live_snapshot(desk->live);
    bool newest = snapshot != NULL && strncmp(snapshot->document.name, id, strlen(id)) == 0;
    if (newest) {
        http_respond_header(request, "Epicenter-Snapshot", snapshot->document.name);
        api_respond_kept(request, desk->live, INSTANT_NONE, API_JSON_TYPE, &snapshot->document);
    }
    snapshot_release(snapshot);
    return newest;
}

void snapshot_desk_read(struct snapshot_desk *desk, struct http_request *request)
{
    const char *id = http_request_rest(request);
    if (!is_id(id)) {
        http_respond_problem(request, 400, "a snapshot's id is %d to %d hexadecimal digits",
                             SNAPSHOT_ID_LEAST, KEPT_TEXT_NAME_SIZE - 1);
        return;
    }
    if (respond_newest(desk, request, id)) {
        return;
    }
    char *job = strdup(id);
    if (job == NULL) {
        http_respond_problem(request, 503, "out of memory");
        return;
    }
    worker_put(desk->worker, request, job);
}

bool snapshot_desk_new(const char *conninfo, struct live *live, struct snapshot_desk **desk,
                       struct failure *failure)
{
    struct snapshot_desk *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to serve");
    }
    made->live = live;
    const struct worker_options options = {.conninfo = conninfo,
                                           .name = "epicenter snapshots",
                                           .context = made,
                                           .work = work,
                                           .free_job = free};
    if (!worker_new(&options, &made->worker, failure)) {
        free(made);
        return false;
    }
    *desk = made;
    return true;
}

void snapshot_desk_free(struct snapshot_desk *desk)
{
    if (desk != NULL) {
        worker_free(desk->worker);
    }
    free(desk);
}
