/* Who brings customers? See registry_desk.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/registry_desk.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyzer/api_answer.h"
#include "analyzer/json_value.h"
#include "analyzer/registry_import.h"
#include "analyzer/worker.h"
#include "common/buffer.h"
#include "common/database.h"

struct registry_desk {
    struct worker *worker;
};

struct job {
    enum registry_kind kind;
    const char *name; /* what messages call the file */
    bool dry_run;
};

/* What a dry run refuses: all are counted, the first are told. */
#define REFUSALS_TOLD 100

struct refusals {
    json_t *told;
    size_t count;
    bool complete;
};

static void note_refused(void *context, const char *why)
{
    struct refusals *refusals = context;
    if (refusals->count++ < REFUSALS_TOLD) {
        refusals->complete &= json_array_append_new(refusals->told, json_string(why)) == 0;
    }
}

static bool work(void *context, struct database *database, struct http_request *request, void *one,
                 struct failure *failure)
{
    (void)context;
    const struct job *job = one;
    const struct buffer *csv = http_request_body(request);
    struct registry_import_counts counts;
    struct refusals refusals = {.told = json_array(), .complete = true};
    const struct registry_source source = {
        .csv = {.path = job->name, .text = csv->data, .length = csv->length},
        .refused = job->dry_run ? note_refused : NULL,
        .context = &refusals};
    if (!registry_import(database, job->kind, &source, job->dry_run, &counts, failure)) {
        json_decref(refusals.told);
        return false;
    }
    bool complete = refusals.complete;
    struct buffer body = {0};
    json_t *object = json_object();
    json_value_set(object, "new", json_integer((json_int_t)counts.added), &complete);
    json_value_set(object, "changed", json_integer((json_int_t)counts.changed), &complete);
    json_value_set(object, "unchanged", json_integer((json_int_t)counts.unchanged), &complete);
    json_value_set(object, "refused", json_integer((json_int_t)refusals.count), &complete);
    json_value_set(object, "refusals", refusals.told, &complete);
    json_value_set(object, "dry_run", json_boolean(job->dry_run), &complete);
    bool good = json_value_write(object, complete, &body, failure);
    if (good) {
        http_respond_header(request, "Cache-Control", "no-store");
        http_respond(request, 200, API_JSON_TYPE, &body);
    }
    buffer_free(&body);
    return good;
}

static bool find_kind(const char *name, struct job *job)
{
    static const struct {
        const char *name, *file;
        enum registry_kind kind;
    } kinds[] = {{"customers", "customers.csv", REGISTRY_CUSTOMERS},
                 {"seats", "seats.csv", REGISTRY_SEATS},
                 {"updates", "updates.csv", REGISTRY_UPDATES},
                 {"regions", "regions.csv", REGISTRY_REGIONS},
                 {"product-lines", "product-lines.csv", REGISTRY_PRODUCT_LINES}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            job->kind = kinds[i].kind;
            job->name = kinds[i].file;
            return true;
        }
    }
    return false;
}

void registry_desk_import(struct registry_desk *desk, struct http_request *request)
{
    const char *type = http_request_header(request, "Content-Type");
    const char *dry_run = http_request_query(request, "dry_run");
    struct job found = {.dry_run = dry_run != NULL && strcmp(dry_run, "1") == 0};
    if (!find_kind(http_request_rest(request), &found)) {
        http_respond_problem(
            request, 404, "the registry has customers, seats, updates, regions and product-lines");
        return;
    }
    if (type == NULL || strncmp(type, "text/csv", strlen("text/csv")) != 0) {
        http_respond_problem(request, 415, "the body must be text/csv");
        return;
    }
    if (http_request_body(request)->length == 0) {
        http_respond_problem(request, 400, "%s is empty; it needs a header line", found.name);
        return;
    }
    struct job *job = malloc(sizeof *job);
    if (job == NULL) {
        http_respond_problem(request, 503, "out of memory");
        return;
    }
    *job = found;
    http_request_keep_body(request);
    worker_put(desk->worker, request, job);
}

bool registry_desk_new(const char *conninfo, struct registry_desk **desk, struct failure *failure)
{
    struct registry_desk *made = calloc(1, sizeof *made);
    const struct worker_options options = {
        .conninfo = conninfo, .name = "epicenter registry", .work = work, .free_job = free};
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

void registry_desk_free(struct registry_desk *desk)
{
    if (desk != NULL) {
        worker_free(desk->worker);
    }
    free(desk);
}
