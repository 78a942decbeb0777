/* What do the API's readers get until the next minute? Texts, written while the answers hold still.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyzer/answer_copy.h"
#include "analyzer/answer_csv.h"
#include "analyzer/cost_draws.h"
#include "analyzer/json_value.h"

static bool write_verdict(const struct update_answer *update, instant_us as_of, struct buffer *out,
                          struct failure *failure)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "update", json_value_text(update->id), &complete);
    json_value_set(object, "verdict", json_value_text(verdict_name(update->verdict)), &complete);
    json_value_set(object, "sentence", json_value_text(update->sentence), &complete);
    json_value_set(object, "action", json_value_text(update->action), &complete);
    json_value_set(object, "reasons", json_value_texts(update->reasons, update->reason_count),
                   &complete);
    json_value_set(object, "as_of", json_value_instant(as_of), &complete);
    json_value_set(object, "e_value", json_value_e_value(update->log10_e_value), &complete);
    json_value_set(object, "log10_e_value", json_value_number(update->log10_e_value), &complete);
    json_value_set(object, "rate_ratio", json_value_range(update->rate_ratio), &complete);
    return json_value_write(object, complete, out, failure);
}

static json_t *change_value(const struct change_record *change)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "update", json_value_text(change->update_id), &complete);
    json_value_set(object, "decided_at", json_value_instant(change->decided_at), &complete);
    json_value_set(object, "verdict", json_value_text(verdict_name(change->verdict)), &complete);
    json_value_set(object, "previous", json_value_text(verdict_name(change->previous)), &complete);
    json_value_set(object, "e_value", json_value_e_value(change->log10_e_value), &complete);
    json_value_set(object, "log10_e_value", json_value_number(change->log10_e_value), &complete);
    json_value_set(object, "rate_ratio", json_value_range(change->rate_ratio), &complete);
    json_value_set(object, "sentence", json_value_text(change->sentence), &complete);
    json_value_set(object, "reasons", json_loads(change->reasons_json, 0, NULL), &complete);
    if (!complete) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* The table verdict_change has the same two for its key. */
static bool make_change(struct arena *arena, const struct change_record *change,
                        struct snapshot_change *element, struct failure *failure)
{
    struct buffer key = {0};
    char at[INSTANT_TEXT_SIZE];
    buffer_append_format(&key, "%s/%s", instant_format(change->decided_at, at), change->update_id);
    element->key = key.failed ? NULL : arena_copy_text(arena, key.data, key.length);
    buffer_free(&key);
    if (element->key == NULL) {
        return failure_memory(failure, "publishing the answers");
    }
    json_t *value = change_value(change);
    return json_value_write(value, value != NULL, &element->document, failure);
}

static bool fill_changes(struct snapshot *snapshot, const struct change_record *changes,
                         size_t count, struct failure *failure)
{
    struct buffer *whole = &snapshot->changes.plain;
    size_t first = count > SNAPSHOT_CHANGES ? count - SNAPSHOT_CHANGES : 0;
    snapshot->change_elements = calloc(count - first + 1, sizeof *snapshot->change_elements);
    if (snapshot->change_elements == NULL) {
        return failure_memory(failure, "publishing the answers");
    }
    buffer_append_text(whole, SNAPSHOT_CHANGES_BEGINNING);
    for (size_t i = first; i < count; i++) {
        struct snapshot_change *element = &snapshot->change_elements[snapshot->change_count++];
        if (!make_change(&snapshot->arena, &changes[i], element, failure)) {
            return false;
        }
        buffer_append_text(whole, i > first ? "," : "");
        buffer_append(whole, element->document.data, element->document.length);
    }
    buffer_append_text(whole, SNAPSHOT_CHANGES_END);
    kept_text_name(&snapshot->changes);
    return buffer_check(whole, failure);
}

static bool fill_update(struct snapshot_update *entry, const struct update_answer *update,
                        instant_us as_of, struct failure *failure)
{
    if (!answer_write_update_json(update, &entry->document.plain, failure) ||
        !write_verdict(update, as_of, &entry->verdict.plain, failure) ||
        !answer_write_impact_json(update, as_of, &entry->impact.plain, failure) ||
        !answer_csv_impact(update, &entry->impact_table.plain, failure) ||
        !answer_write_course_json(update, as_of, &entry->course.plain, failure) ||
        !answer_write_cost_json(update, as_of, &entry->cost.plain, failure) ||
        !answer_csv_cost(update, &entry->cost_table.plain, failure)) {
        return false;
    }
    kept_text_name(&entry->document);
    kept_text_name(&entry->verdict);
    kept_text_name(&entry->impact);
    kept_text_name(&entry->impact_table);
    kept_text_name(&entry->cost);
    kept_text_name(&entry->course);
    kept_text_name(&entry->cost_table);
    return true;
}

static bool fill_updates(struct snapshot *snapshot, const struct answers *answers,
                         struct failure *failure)
{
    snapshot->updates =
        calloc(answers->update_count > 0 ? answers->update_count : 1, sizeof *snapshot->updates);
    snapshot->answers = answer_copy(answers, &snapshot->arena);
    if (snapshot->updates == NULL || snapshot->answers == NULL) {
        return failure_memory(failure, "publishing the answers");
    }
    for (size_t i = 0; i < answers->update_count; i++) {
        const struct update_answer *update = &answers->updates[i];
        const struct update_answer *copy = &snapshot->answers->updates[i];
        struct snapshot_update *entry = &snapshot->updates[snapshot->update_count++];
        snapshot->verdict_counts[update->verdict]++;
        entry->decided = update->verdict == VERDICT_HOLD || update->verdict == VERDICT_CLEAR;
        entry->id = copy->id;
        entry->outreach = copy->outreach;
        entry->outreach_count = copy->outreach_count;
        entry->outreach_total = copy->outreach_total;
        entry->hosts = copy->hosts;
        if (!advice_default(update, &snapshot->arena, &entry->advice, failure) ||
            !fill_update(entry, update, answers->as_of, failure)) {
            return false;
        }
    }
    return true;
}

/* From the updates' own documents. */
static bool fill_document(struct snapshot *snapshot, const struct answers *answers,
                          struct failure *failure)
{
    struct buffer *whole = &snapshot->document.plain;
    if (!answer_write_beginning_json(answers, &snapshot->beginning, failure) ||
        !answer_csv_updates(answers, &snapshot->table.plain, failure)) {
        return false;
    }
    buffer_append(whole, snapshot->beginning.data, snapshot->beginning.length);
    for (size_t i = 0; i < snapshot->update_count; i++) {
        const struct buffer *document = &snapshot->updates[i].document.plain;
        buffer_append_text(whole, i > 0 ? "," : "");
        buffer_append(whole, document->data, document->length);
    }
    buffer_append_text(whole, ANSWER_JSON_END);
    kept_text_name(&snapshot->document);
    kept_text_name(&snapshot->table);
    return buffer_check(whole, failure);
}

static bool fill_first_pages(struct snapshot *snapshot, const struct answers *answers,
                             struct failure *failure)
{
    for (int page = 0; page < FIRST_PAGES; page++) {
        first_page_write(answers, (enum first_page)page, &snapshot->first_pages[page]);
        if (!buffer_check(&snapshot->first_pages[page], failure)) {
            return false;
        }
    }
    return true;
}

bool snapshot_new(const struct answers *answers, const struct change_record *changes,
                  size_t change_count, struct snapshot **snapshot, struct failure *failure)
{
    struct snapshot *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "publishing the answers");
    }
    atomic_init(&made->references, 1);
    made->as_of = answers->as_of;
    made->fleet = answers->fleet;
    made->cost_draws = cost_draws_hold(answers->cost_draws);
    if (!fill_changes(made, changes, change_count, failure) ||
        !fill_updates(made, answers, failure) || !fill_document(made, answers, failure) ||
        !fill_first_pages(made, answers, failure)) {
        snapshot_release(made);
        return false;
    }
    *snapshot = made;
    return true;
}

bool snapshot_pack(struct snapshot *snapshot, struct failure *failure)
{
    return kept_text_pack(&snapshot->document, failure) &&
           kept_text_pack(&snapshot->changes, failure);
}

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
    atomic_fetch_add(&snapshot->references, 1);
    return snapshot;
}

static void free_update(struct snapshot_update *update)
{
    kept_text_free(&update->document);
    kept_text_free(&update->verdict);
    kept_text_free(&update->impact);
    kept_text_free(&update->impact_table);
    kept_text_free(&update->cost);
    kept_text_free(&update->course);
    kept_text_free(&update->cost_table);
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot == NULL || atomic_fetch_sub(&snapshot->references, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < snapshot->update_count; i++) {
        free_update(&snapshot->updates[i]);
    }
    for (size_t i = 0; i < snapshot->change_count; i++) {
        buffer_free(&snapshot->change_elements[i].document);
    }
    free(snapshot->updates);
    free(snapshot->change_elements);
    kept_text_free(&snapshot->document);
    for (int page = 0; page < FIRST_PAGES; page++) {
        buffer_free(&snapshot->first_pages[page]);
    }
    kept_text_free(&snapshot->table);
    kept_text_free(&snapshot->changes);
    buffer_free(&snapshot->beginning);
    cost_draws_release(snapshot->cost_draws);
    arena_free(&snapshot->arena);
    free(snapshot);
}

const struct snapshot_update *snapshot_find(const struct snapshot *snapshot, const char *update_id)
{
    for (size_t i = 0; i < snapshot->update_count; i++) {
        if (strcmp(snapshot->updates[i].id, update_id) == 0) {
            return &snapshot->updates[i];
        }
    }
    return NULL;
}
