/* What happened at the door? See access_log.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/access_log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "collector/statements.h"
#include "common/instant.h"
#include "common/report.h"
#include "common/uuid.h"

/* A thousand intruders within five seconds are an attack, and more of them tell no more. */
#define ENTRIES_LIMIT 1024
/* Rows of the table, newest first; with their texts some 4 MB. */
#define EVENTS_KEPT "10000"
#define DETAIL_SIZE 256
#define ADDRESS_SIZE 48

const char *const access_event_names[ACCESS_EVENT_COUNT] = {
    [ACCESS_FORBIDDEN_WRITE] = "forbidden_write", [ACCESS_REVOKED_TOKEN] = "revoked_token",
    [ACCESS_EXPIRED_TOKEN] = "expired_token",     [ACCESS_REPLAY_TOKEN] = "replay_token",
    [ACCESS_CERTIFICATE] = "certificate",         [ACCESS_IDENTITY_CONFLICT] = "identity_conflict",
};

struct entry {
    enum access_event event;
    struct uuid host_id;
    uint64_t occurrences;
    instant_us first_at, last_at;
    char customer_id[REPORT_TEXT_LIMIT + 1];
    char address[ADDRESS_SIZE];
    char detail[DETAIL_SIZE];
};

struct access_log {
    pthread_mutex_t lock; /* guards what follows */
    uint64_t events[ACCESS_EVENT_COUNT];
    size_t count;
    struct entry entries[ENTRIES_LIMIT];
};

bool access_log_new(struct access_log **log, struct failure *failure)
{
    struct access_log *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to check tokens");
    }
    (void)pthread_mutex_init(&made->lock, NULL);
    *log = made;
    return true;
}

void access_log_free(struct access_log *log)
{
    if (log != NULL) {
        (void)pthread_mutex_destroy(&log->lock);
        free(log);
    }
}

static bool is_of(const struct entry *entry, enum access_event event, const struct token *token)
{
    return entry->event == event && uuid_compare(&entry->host_id, &token->host_id) == 0 &&
           strcmp(entry->customer_id, token->customer_id) == 0;
}

/* The entry, a fresh one where there is room for it, or NULL. The lock is held. */
static struct entry *find_entry(struct access_log *log, enum access_event event,
                                const struct token *token, instant_us now)
{
    for (size_t i = 0; i < log->count; i++) {
        if (is_of(&log->entries[i], event, token)) {
            return &log->entries[i];
        }
    }
    if (log->count == ENTRIES_LIMIT) {
        return NULL;
    }
    struct entry *entry = &log->entries[log->count++];
    *entry = (struct entry){.event = event, .host_id = token->host_id, .first_at = now};
    memcpy(entry->customer_id, token->customer_id, sizeof entry->customer_id);
    return entry;
}

void access_log_note(struct access_log *log, enum access_event event, const struct token *token,
                     const char *address, const char *detail)
{
    instant_us now = instant_now();
    (void)pthread_mutex_lock(&log->lock);
    log->events[event]++;
    struct entry *entry = find_entry(log, event, token, now);
    if (entry != NULL) {
        entry->occurrences++;
        entry->last_at = now;
        (void)snprintf(entry->address, sizeof entry->address, "%s", address);
        (void)snprintf(entry->detail, sizeof entry->detail, "%s", detail);
    }
    (void)pthread_mutex_unlock(&log->lock);
}

static json_t *describe(const struct entry *entry)
{
    char host_id[UUID_TEXT_SIZE];
    /* A detail cut within a character is no JSON text; its beginning says enough. */
    json_t *detail = json_string(entry->detail);
    if (detail == NULL) {
        detail = json_string("(cut)");
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I}", "event",
                     access_event_names[entry->event], "customer_id", entry->customer_id, "host_id",
                     uuid_format(&entry->host_id, host_id), "address", entry->address, "detail",
                     detail, "occurrences", (json_int_t)entry->occurrences, "first_us",
                     (json_int_t)entry->first_at, "last_us", (json_int_t)entry->last_at);
}

static char *describe_all(const struct entry *entries, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(list, describe(&entries[i]));
    }
    char *text = list != NULL ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

/* After a failure: what was taken out goes back, before what came meanwhile. */
static void put_back(struct access_log *log, const struct entry *entries, size_t count)
{
    (void)pthread_mutex_lock(&log->lock);
    size_t room = ENTRIES_LIMIT - log->count;
    for (size_t i = 0; i < count && i < room; i++) {
        log->entries[log->count++] = entries[i];
    }
    (void)pthread_mutex_unlock(&log->lock);
}

bool access_log_write(struct access_log *log, struct database *database, struct failure *failure)
{
    (void)pthread_mutex_lock(&log->lock);
    size_t count = log->count;
    struct entry *entries = count > 0 ? malloc(count * sizeof *entries) : NULL;
    if (entries != NULL) {
        memcpy(entries, log->entries, count * sizeof *entries);
        log->count = 0;
    }
    (void)pthread_mutex_unlock(&log->lock);
    if (count == 0) {
        return true;
    }
    char *text = entries != NULL ? describe_all(entries, count) : NULL;
    const char *const rows[] = {text};
    bool good = text == NULL ? failure_memory(failure, "writing down refusals")
                             : database_run(database, STATEMENT_ADD_EVENTS, 1, rows, NULL, failure);
    if (!good && entries != NULL) {
        put_back(log, entries, count);
    }
    free(text);
    free(entries);
    return good && access_log_trim(database, failure);
}

bool access_log_trim(struct database *database, struct failure *failure)
{
    static const char *const kept[] = {EVENTS_KEPT};
    return database_run(database, STATEMENT_TRIM_EVENTS, 1, kept, NULL, failure);
}

void access_log_counts(struct access_log *log, uint64_t events[ACCESS_EVENT_COUNT])
{
    (void)pthread_mutex_lock(&log->lock);
    memcpy(events, log->events, sizeof log->events);
    (void)pthread_mutex_unlock(&log->lock);
}
