/* What has changed, and who is told? The hard thing is that the same history must tell the same
 * story: verdicts are told minute by minute in event time, so a restart that takes in a day at once
 * writes the same rows again, and the table keeps the first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/publish.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/json_value.h"
#include "analyzer/statements.h"
#include "analyzer/webhook_message.h"
#include "common/buffer.h"
#include "common/log.h"

/* A stretch without any load longer than this (the collectors were off, or a replay of the past is
 * followed by the present) is passed in one step: nothing can be decided in it. */
#define STRIDE_LIMIT (2 * INSTANT_DAY)

struct publisher {
    struct live *live;
    struct change_record *changes; /* all since the start, oldest first */
    size_t change_count, change_capacity;
    size_t changes_written;
    instant_us advanced_to; /* INSTANT_NONE before the first */
    uint64_t advances, advances_told, advances_written;
    int64_t parameters_version;
};

bool publisher_new(struct live *live, struct publisher **publisher, struct failure *failure)
{
    *publisher = calloc(1, sizeof **publisher);
    if (*publisher == NULL) {
        return failure_memory(failure, "starting to publish");
    }
    (*publisher)->live = live;
    (*publisher)->advanced_to = INSTANT_NONE;
    return true;
}

static void free_change(struct change_record *change)
{
    free(change->update_id);
    free(change->sentence);
    free(change->reasons_json);
}

void publish_forget(struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->change_count; i++) {
        free_change(&publisher->changes[i]);
    }
    free(publisher->changes);
    *publisher = (struct publisher){.live = publisher->live,
                                    .advanced_to = INSTANT_NONE,
                                    .parameters_version = publisher->parameters_version};
}

void publisher_free(struct publisher *publisher)
{
    if (publisher != NULL) {
        publish_forget(publisher);
        free(publisher);
    }
}

/* ---- From one run to the next ---- */

_Static_assert(sizeof(struct change_record) == 72,
               "a field more or less: carry it below, or say why not");

static void carry_change(struct carry *carry, struct change_record *change)
{
    carry_text(carry, (const char **)&change->update_id, NULL);
    carry_value(carry, &change->decided_at);
    carry_value(carry, &change->verdict);
    carry_value(carry, &change->previous);
    carry_value(carry, &change->log10_e_value);
    carry_value(carry, &change->rate_ratio);
    carry_text(carry, (const char **)&change->sentence, NULL);
    carry_text(carry, (const char **)&change->reasons_json, NULL);
}

/* Changes are written again by whoever leads next, and the table keeps the first. */
void publish_carry(struct carry *carry, struct publisher *publisher)
{
    size_t count = carry_count(carry, publisher->change_count, sizeof(size_t));
    if (carry_restores(carry)) {
        publisher->changes = calloc(count + 1, sizeof *publisher->changes);
        if (publisher->changes == NULL) {
            carry_refuse_memory(carry);
            return;
        }
        publisher->change_count = count;
        publisher->change_capacity = count + 1;
        publisher->advances = 1;
    }
    for (size_t i = 0; i < count; i++) {
        carry_change(carry, &publisher->changes[i]);
    }
    carry_value(carry, &publisher->advanced_to);
    if (carry_restores(carry) && carry->failed) {
        publish_forget(publisher);
    }
}

static const struct update_answer *find_answer(const struct answers *answers, const char *id)
{
    for (size_t i = 0; i < answers->update_count; i++) {
        if (strcmp(answers->updates[i].id, id) == 0) {
            return &answers->updates[i];
        }
    }
    return NULL;
}

static bool fill_change(struct change_record *record, const struct verdict_change *change,
                        const struct update_answer *answer, struct failure *failure)
{
    struct buffer reasons = {0};
    json_t *texts =
        answer != NULL ? json_value_texts(answer->reasons, answer->reason_count) : json_array();
    if (!json_value_write(texts, texts != NULL, &reasons, failure)) {
        buffer_free(&reasons);
        return false;
    }
    *record = (struct change_record){
        .update_id = strdup(change->update_id),
        .decided_at = change->decided_at,
        .verdict = change->verdict,
        .previous = change->previous,
        .log10_e_value = change->log10_e_value,
        .rate_ratio = change->rate_ratio,
        .sentence = answer != NULL && answer->sentence != NULL ? strdup(answer->sentence) : NULL,
        .reasons_json = reasons.data,
    };
    if (record->update_id == NULL) {
        free_change(record);
        failure_memory(failure, "noting a change of verdict");
        return false;
    }
    return true;
}

static bool note_change(struct publisher *publisher, const struct verdict_change *change,
                        const struct answers *answers, struct failure *failure)
{
    if (publisher->change_count == publisher->change_capacity) {
        size_t capacity = publisher->change_capacity == 0 ? 64 : 2 * publisher->change_capacity;
        struct change_record *grown = realloc(publisher->changes, capacity * sizeof *grown);
        if (grown == NULL) {
            return failure_memory(failure, "noting a change of verdict");
        }
        publisher->changes = grown;
        publisher->change_capacity = capacity;
    }
    struct change_record *record = &publisher->changes[publisher->change_count];
    if (!fill_change(record, change, find_answer(answers, change->update_id), failure)) {
        return false;
    }
    publisher->change_count++;

    char at[INSTANT_TEXT_SIZE];
    char e_value[32];
    snprintf(e_value, sizeof e_value, "10^%.1f", record->log10_e_value);
    log_info("the verdict of an update changed", log_text("update", record->update_id),
             log_text("from", verdict_name(record->previous)),
             log_text("to", verdict_name(record->verdict)),
             log_text("at", instant_format(record->decided_at, at)), log_text("e_value", e_value),
             log_text("why", record->sentence));
    return true;
}

/* Notes what the last advance has changed. */
static bool note_changes(struct publisher *publisher, struct analysis *analysis,
                         struct failure *failure)
{
    const struct answers *answers = NULL;
    const struct verdict_change *change;
    for (analysis_next_change(analysis, &change); change != NULL;
         analysis_next_change(analysis, &change)) {
        if ((answers == NULL && !analysis_answers(analysis, &answers, failure)) ||
            !note_change(publisher, change, answers, failure)) {
            return false;
        }
    }
    return true;
}

static bool advance_to(struct publisher *publisher, instant_us until, struct failure *failure)
{
    struct analysis *analysis = live_lock(publisher->live);
    bool good = analysis_advance(analysis, until, failure);
    live_unlock(publisher->live);
    if (good) {
        analysis = live_share(publisher->live);
        good = note_changes(publisher, analysis, failure);
        live_unlock(publisher->live);
    }
    publisher->advanced_to = good ? until : publisher->advanced_to;
    publisher->advances += good ? 1 : 0;
    return good;
}

bool publish_advance(struct publisher *publisher, instant_us first_received,
                     instant_us known_before, struct failure *failure)
{
    if (known_before == INSTANT_NONE) {
        return true;
    }
    instant_us target = known_before - known_before % INSTANT_MINUTE;
    if (publisher->advanced_to == INSTANT_NONE) {
        instant_us start = first_received != INSTANT_NONE && first_received < target
                               ? first_received - first_received % INSTANT_MINUTE
                               : target - INSTANT_MINUTE;
        publisher->advanced_to = start;
    }
    while (publisher->advanced_to < target) {
        instant_us left = target - publisher->advanced_to;
        instant_us next =
            left > STRIDE_LIMIT ? target - INSTANT_DAY : publisher->advanced_to + INSTANT_MINUTE;
        if (!advance_to(publisher, next, failure)) {
            return false;
        }
    }
    return true;
}

instant_us publish_advanced_to(const struct publisher *publisher)
{
    return publisher->advanced_to;
}

uint64_t publish_advances(const struct publisher *publisher)
{
    return publisher->advances;
}

void publish_set_parameters_version(struct publisher *publisher, int64_t version)
{
    publisher->parameters_version = version;
}

void publish_again(struct publisher *publisher)
{
    struct analysis *analysis = live_lock(publisher->live);
    analysis_answer_again(analysis);
    live_unlock(publisher->live);
    publisher->advances++;
}

bool publish_is_due(const struct publisher *publisher)
{
    return publisher->advances > publisher->advances_told;
}

bool publish_answers(struct publisher *publisher, struct failure *failure)
{
    struct snapshot *snapshot = NULL;
    const struct answers *answers;
    struct analysis *analysis = live_share(publisher->live);
    bool good =
        analysis_answers(analysis, &answers, failure) &&
        snapshot_new(answers, publisher->changes, publisher->change_count, &snapshot, failure);
    live_unlock(publisher->live);
    if (good && !snapshot_pack(snapshot, failure)) {
        snapshot_release(snapshot);
        return false;
    }
    if (good) {
        snapshot->parameters_version = publisher->parameters_version;
        live_publish(publisher->live, snapshot);
        publisher->advances_told = publisher->advances;
    }
    return good;
}

#define NUMBER_SIZE 32

/* A double as PostgreSQL reads it back exactly; NULL, which is SQL's, for NAN. */
static const char *number_text(double number, char text[NUMBER_SIZE])
{
    if (isnan(number)) {
        return NULL;
    }
    snprintf(text, NUMBER_SIZE, "%.17g", number);
    return text;
}

/* NULL where the form has nothing to say of this change. */
static const char *payload_text(const struct buffer *payload)
{
    return payload->length > 0 ? payload->data : NULL;
}

static bool write_change(struct database *database, const struct change_record *change,
                         struct failure *failure)
{
    char at[INSTANT_TEXT_SIZE];
    char numbers[4][NUMBER_SIZE];
    double log10_e_value = isnan(change->log10_e_value) ? 0 : change->log10_e_value;
    struct buffer standard = {0};
    struct buffer alerts = {0};
    bool good = webhook_message_standard(change, &standard, failure) &&
                webhook_message_alertmanager(change, &alerts, failure);
    const char *parameters[] = {
        change->update_id,
        instant_format(change->decided_at, at),
        verdict_name(change->verdict),
        number_text(log10_e_value, numbers[0]),
        number_text(change->rate_ratio.low, numbers[1]),
        number_text(change->rate_ratio.likely, numbers[2]),
        number_text(change->rate_ratio.high, numbers[3]),
        change->reasons_json,
        payload_text(&standard),
        payload_text(&alerts),
    };
    good = good && database_run(database, STATEMENT_VERDICT_CHANGE,
                                sizeof parameters / sizeof *parameters, parameters, NULL, failure);
    buffer_free(&standard);
    buffer_free(&alerts);
    return good;
}

static bool keep_snapshot(struct database *database, const struct snapshot *snapshot,
                          const char *as_of, struct failure *failure)
{
    char version[NUMBER_SIZE];
    (void)snprintf(version, sizeof version, "%" PRId64, snapshot->parameters_version);
    const char *parameters[] = {snapshot->document.name, as_of, version,
                                snapshot->document.plain.data};
    return snapshot->verdict_counts[VERDICT_HOLD] + snapshot->verdict_counts[VERDICT_SUSPECT] ==
               0 ||
           database_run(database, STATEMENT_SNAPSHOT_KEEP, 4, parameters, NULL, failure);
}

bool publish_write(struct publisher *publisher, struct database *database, struct failure *failure)
{
    while (publisher->changes_written < publisher->change_count) {
        if (!write_change(database, &publisher->changes[publisher->changes_written], failure)) {
            return false;
        }
        publisher->changes_written++;
    }
    if (publisher->advances_written == publisher->advances_told) {
        return true;
    }
    struct snapshot *snapshot = live_snapshot(publisher->live);
    bool good = true;
    if (snapshot != NULL && snapshot->as_of != INSTANT_NONE) {
        char as_of[INSTANT_TEXT_SIZE];
        const char *parameters[] = {instant_format(snapshot->as_of, as_of),
                                    snapshot->document.plain.data};
        good = database_run(database, STATEMENT_ANSWER, 2, parameters, NULL, failure) &&
               keep_snapshot(database, snapshot, as_of, failure);
    }
    snapshot_release(snapshot);
    if (good) {
        publisher->advances_written = publisher->advances_told;
    }
    return good;
}
