/* What do the answers say of the updates? See api_updates.h. The hard thing is that an update's id
 * may hold slashes, and may even end as one of our paths does.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/api_updates.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/answer.h"
#include "analyzer/api_answer.h"
#include "analyzer/api_page.h"
#include "analyzer/snapshot.h"
#include "common/buffer.h"

/* ---- Lists ---- */

/* A list that is kept whole, and its elements, of which pages are made. */
struct list {
    const struct kept_text *whole;
    const char *beginning, *end;
    size_t count;
    const char *(*key)(const struct snapshot *snapshot, size_t i);
    const struct buffer *(*element)(const struct snapshot *snapshot, size_t i);
};

static bool find_start(const struct snapshot *snapshot, const struct list *list,
                       const struct api_page *page, size_t *start, struct failure *failure)
{
    *start = 0;
    if (page->cursor == NULL) {
        return true;
    }
    while (*start < list->count && strcmp(list->key(snapshot, *start), page->cursor) != 0) {
        ++*start;
    }
    if (*start == list->count) {
        return failure_set(failure, FAILURE_INVALID,
                           "nothing in the list has this cursor; begin again without");
    }
    ++*start;
    return true;
}

static bool write_page(struct http_request *request, const struct snapshot *snapshot,
                       const struct list *list, const struct api_page *page, struct buffer *body,
                       struct failure *failure)
{
    size_t start;
    if (!find_start(snapshot, list, page, &start, failure)) {
        return false;
    }
    size_t left = list->count - start;
    size_t count = left < page->limit ? left : page->limit;
    buffer_append_text(body, list->beginning);
    for (size_t i = start; i < start + count; i++) {
        const struct buffer *element = list->element(snapshot, i);
        buffer_append_text(body, i > start ? "," : "");
        buffer_append(body, element->data, element->length);
    }
    buffer_append_text(body, list->end);
    if (left > count) {
        api_page_next(request, list->key(snapshot, start + count - 1));
    }
    return buffer_check(body, failure);
}

static void give_list(struct live *live, struct http_request *request,
                      const struct snapshot *snapshot, const struct list *list)
{
    struct api_page page;
    struct failure failure;
    struct buffer body = {0};
    bool good = api_page_read(request, &page, &failure);
    if (good && !page.asked) {
        api_respond_kept(request, live, snapshot->as_of, API_JSON_TYPE, list->whole);
    } else if (good && write_page(request, snapshot, list, &page, &body, &failure)) {
        api_respond(request, live, snapshot->as_of, API_JSON_TYPE, &body);
    } else {
        http_respond_failure(request, &failure);
    }
    buffer_free(&body);
}

static const char *update_key(const struct snapshot *snapshot, size_t i)
{
    return snapshot->updates[i].id;
}

static const struct buffer *update_document(const struct snapshot *snapshot, size_t i)
{
    return &snapshot->updates[i].document.plain;
}

void api_updates_list(struct live *live, struct http_request *request)
{
    struct snapshot *snapshot = api_hold_snapshot(request, live);
    if (snapshot == NULL) {
        return;
    }
    if (api_wants_csv(request, "updates.csv")) {
        api_respond_kept(request, live, snapshot->as_of, API_CSV_TYPE, &snapshot->table);
    } else {
        struct list list = {.whole = &snapshot->document,
                            .beginning = snapshot->beginning.data,
                            .end = ANSWER_JSON_END,
                            .count = snapshot->update_count,
                            .key = update_key,
                            .element = update_document};
        give_list(live, request, snapshot, &list);
    }
    snapshot_release(snapshot);
}

static const char *change_key(const struct snapshot *snapshot, size_t i)
{
    return snapshot->change_elements[i].key;
}

static const struct buffer *change_document(const struct snapshot *snapshot, size_t i)
{
    return &snapshot->change_elements[i].document;
}

void api_updates_changes(struct live *live, struct http_request *request)
{
    struct snapshot *snapshot = api_hold_snapshot(request, live);
    if (snapshot == NULL) {
        return;
    }
    struct list list = {.whole = &snapshot->changes,
                        .beginning = SNAPSHOT_CHANGES_BEGINNING,
                        .end = SNAPSHOT_CHANGES_END,
                        .count = snapshot->change_count,
                        .key = change_key,
                        .element = change_document};
    give_list(live, request, snapshot, &list);
    snapshot_release(snapshot);
}

/* ---- One update ---- */

enum part { PART_ALL, PART_VERDICT, PART_IMPACT, PART_COST, PART_COURSE };

static const char *const suffixes[] = {[PART_VERDICT] = "/verdict",
                                       [PART_IMPACT] = "/impact",
                                       [PART_COST] = "/cost",
                                       [PART_COURSE] = "/course"};
#define PARTS (sizeof suffixes / sizeof *suffixes)

/* The part of `rest` that is the update's id, which the caller frees, and what of it is asked for.
 * The whole is tried as an id first. NULL: memory is out. */
static char *update_id_of(const struct snapshot *snapshot, const char *rest, enum part *part)
{
    size_t length = strlen(rest);
    *part = PART_ALL;
    if (snapshot != NULL && snapshot_find(snapshot, rest) != NULL) {
        return strdup(rest);
    }
    for (size_t i = PART_VERDICT; i < PARTS; i++) {
        size_t tail = strlen(suffixes[i]);
        if (length > tail && strcmp(rest + length - tail, suffixes[i]) == 0) {
            *part = (enum part)i;
            return strndup(rest, length - tail);
        }
    }
    return strdup(rest);
}

static void give_part(struct live *live, struct http_request *request,
                      const struct snapshot *snapshot, const struct snapshot_update *update,
                      enum part part)
{
    const struct kept_text *texts[] = {[PART_ALL] = &update->document,
                                       [PART_VERDICT] = &update->verdict,
                                       [PART_IMPACT] = &update->impact,
                                       [PART_COST] = &update->cost,
                                       [PART_COURSE] = &update->course};
    bool csv = (part == PART_IMPACT && api_wants_csv(request, "impact.csv")) ||
               (part == PART_COST && api_wants_csv(request, "cost.csv"));
    const struct kept_text *table =
        part == PART_IMPACT ? &update->impact_table : &update->cost_table;
    api_respond_kept(request, live, snapshot->as_of, csv ? API_CSV_TYPE : API_JSON_TYPE,
                     csv ? table : texts[part]);
}

void api_updates_one(struct live *live, struct http_request *request)
{
    struct snapshot *snapshot = api_hold_snapshot(request, live);
    if (snapshot == NULL) {
        return;
    }
    enum part part;
    char *id = update_id_of(snapshot, http_request_rest(request), &part);
    const struct snapshot_update *update = id != NULL ? snapshot_find(snapshot, id) : NULL;
    if (update == NULL) {
        api_add_state(request, live, snapshot->as_of);
        http_respond_problem(request, 404, "no host has reported this update");
    } else {
        give_part(live, request, snapshot, update, part);
    }
    free(id);
    snapshot_release(snapshot);
}

void api_updates_at_gate(struct live *live, struct gate *gate, struct http_request *request)
{
    struct snapshot *snapshot = live_snapshot(live);
    enum part part;
    char *id = update_id_of(snapshot, http_request_rest(request), &part);
    bool waits = part == PART_VERDICT && id != NULL &&
                 gate_wait(gate, request, id, api_query_number(request, "wait", 0));
    snapshot_release(snapshot);
    free(id);
    if (!waits) {
        api_updates_one(live, request);
    }
}
