/* What do the API's readers get until the next minute? Texts, written while the answers hold still.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

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

static bool write_changes(const struct change_record *changes, size_t count, struct buffer *out,
                          struct failure *failure)
{
    bool complete = true;
    json_t *array = json_array();
    size_t first = count > SNAPSHOT_CHANGES ? count - SNAPSHOT_CHANGES : 0;
    for (size_t i = first; i < count; i++) {
        json_value_append(array, change_value(&changes[i]), &complete);
    }
    json_t *document = json_object();
    json_value_set(document, "changes", array, &complete);
    return json_value_write(document, complete, out, failure);
}

static bool copy_text(struct arena *arena, const char **text)
{
    *text = arena_copy_text(arena, *text, strlen(*text));
    return *text != NULL;
}

static bool copy_outreach(struct arena *arena, const struct update_answer *update,
                          struct snapshot_update *entry)
{
    entry->outreach = arena_allocate(arena, (update->outreach_count + 1) * sizeof *entry->outreach);
    if (entry->outreach == NULL) {
        return false;
    }
    entry->outreach_total = update->outreach_total;
    for (size_t i = 0; i < update->outreach_count; i++) {
        struct outreach_entry *one = &entry->outreach[i];
        *one = update->outreach[i];
        bool copied = copy_text(arena, &one->customer_id) && copy_text(arena, &one->name) &&
                      copy_text(arena, &one->region);
        for (size_t j = 0; copied && j < one->reason_count; j++) {
            copied = copy_text(arena, &one->reasons[j]);
        }
        if (!copied) {
            return false;
        }
        entry->outreach_count++;
    }
    return true;
}

static bool fill_updates(struct snapshot *snapshot, const struct answers *answers,
                         struct failure *failure)
{
    snapshot->updates =
        calloc(answers->update_count > 0 ? answers->update_count : 1, sizeof *snapshot->updates);
    if (snapshot->updates == NULL) {
        return failure_memory(failure, "publishing the answers");
    }
    for (size_t i = 0; i < answers->update_count; i++) {
        const struct update_answer *update = &answers->updates[i];
        struct snapshot_update *entry = &snapshot->updates[snapshot->update_count++];
        snapshot->verdict_counts[update->verdict]++;
        entry->decided = update->verdict == VERDICT_HOLD || update->verdict == VERDICT_CLEAR;
        entry->id = strdup(update->id);
        if (entry->id == NULL || !copy_outreach(&snapshot->arena, update, entry)) {
            return failure_memory(failure, "publishing the answers");
        }
        if (!answer_write_update_json(update, &entry->document, failure) ||
            !write_verdict(update, answers->as_of, &entry->verdict, failure)) {
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
    if (!answer_write_json(answers, &made->document, failure) ||
        !write_changes(changes, change_count, &made->changes, failure) ||
        !fill_updates(made, answers, failure)) {
        snapshot_release(made);
        return false;
    }
    *snapshot = made;
    return true;
}

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
    atomic_fetch_add(&snapshot->references, 1);
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot == NULL || atomic_fetch_sub(&snapshot->references, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < snapshot->update_count; i++) {
        free(snapshot->updates[i].id);
        buffer_free(&snapshot->updates[i].document);
        buffer_free(&snapshot->updates[i].verdict);
    }
    free(snapshot->updates);
    buffer_free(&snapshot->document);
    buffer_free(&snapshot->changes);
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
