/* How does a group of requests become rows, once? See load.h. The hard thing is what to say when
 * the answer to COMMIT is lost: the load row is part of the transaction, so it is there exactly
 * when the reports are (resolve.h asks).
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/load.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <libpq-fe.h>

#include "collector/known_ids.h"
#include "collector/repeat.h"
#include "collector/resolve.h"
#include "collector/statements.h"
#include "common/buffer.h"
#include "common/database.h"
#include "common/report.h"
#include "common/uuid.h"

/* A commit that takes longer is as good as lost: hosts give up after 10 s and send again. */
#define STATEMENT_TIMEOUT_MS 8000
/* So is one whose statements take as long together. */
#define COMMIT_DEADLINE_S 8.0
/* Refused reports kept for people to look at; each is under 1 KB. */
#define REJECTED_KEPT "100000"
/* Keys forgotten at a time; once a minute that keeps up with 1,600 keys a second. */
#define KEYS_FORGOTTEN "100000"

struct load_writer {
    const char *conninfo;
    char collector[96];
    struct database *database; /* NULL until it could be opened */
    unsigned connections;      /* of the database, when what follows was learnt */
    struct known_ids segments; /* in the database already, or in the transaction under way */
    struct known_ids host_names;
    struct buffer reports, updates, rejected; /* rows for COPY, kept for their memory */
};

/* What is in one group. */
struct group {
    const struct batch *first;
    struct resolve_load load; /* load_id 0: nothing but rejections */
    size_t report_count, update_count, rejection_count;
    instant_us received_from, received_until;
    json_t *segments, *host_names; /* new ones; NULL: none */
};

bool load_writer_new(const char *conninfo, struct load_writer **writer, struct failure *failure)
{
    struct load_writer *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "preparing to write to the database");
    }
    made->conninfo = conninfo;
    char host[65] = "";
    if (gethostname(host, sizeof host - 1) != 0) {
        (void)snprintf(host, sizeof host, "unnamed");
    }
    (void)snprintf(made->collector, sizeof made->collector, "%s:%ld", host, (long)getpid());
    *writer = made;
    return true;
}

void load_writer_free(struct load_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    database_close(writer->database);
    known_ids_free(&writer->segments);
    known_ids_free(&writer->host_names);
    buffer_free(&writer->reports);
    buffer_free(&writer->updates);
    buffer_free(&writer->rejected);
    free(writer);
}

static bool ensure_open(struct load_writer *writer, struct failure *failure)
{
    return writer->database != NULL ||
           database_open(writer->conninfo, "epicenter collector", STATEMENT_TIMEOUT_MS,
                         &writer->database, failure);
}

/* ---- What is in the group ---- */

static bool append_item(json_t **array, json_t *item, struct failure *failure)
{
    if (*array == NULL) {
        *array = json_array();
    }
    if (item == NULL || *array == NULL || json_array_append_new(*array, item) != 0) {
        return failure_memory(failure, "naming segments and hosts");
    }
    return true;
}

static bool note_segment(struct load_writer *writer, struct group *group,
                         const struct report *report, struct failure *failure)
{
    bool added;
    if (!known_ids_add(&writer->segments, &report->segment_id, &added, failure)) {
        return false;
    }
    if (!added) {
        return true;
    }
    char id[UUID_TEXT_SIZE];
    json_t *attributes = json_object();
    for (size_t i = 0; i < report->attribute_count; i++) {
        if (json_object_set_new(attributes, report->attributes[i].name,
                                json_string(report->attributes[i].value)) != 0) {
            json_decref(attributes);
            return failure_memory(failure, "naming a segment");
        }
    }
    return append_item(&group->segments,
                       json_pack("{s:s, s:o}", "segment_id", uuid_format(&report->segment_id, id),
                                 "attributes", attributes),
                       failure);
}

static bool note_host_name(struct load_writer *writer, struct group *group,
                           const struct report *report, struct failure *failure)
{
    bool added;
    if (!known_ids_add(&writer->host_names, &report->host_id, &added, failure)) {
        return false;
    }
    if (!added) {
        return true;
    }
    char id[UUID_TEXT_SIZE];
    return append_item(&group->host_names,
                       json_pack("{s:s, s:s, s:s}", "host_id", uuid_format(&report->host_id, id),
                                 "customer_id", report->customer_id, "name", report->host_name),
                       failure);
}

static bool note_report(struct load_writer *writer, struct group *group,
                        const struct report *report, struct failure *failure)
{
    if (group->report_count == 0 || report->received_at < group->received_from) {
        group->received_from = report->received_at;
    }
    if (group->report_count == 0 || report->received_at > group->received_until) {
        group->received_until = report->received_at;
    }
    group->report_count++;
    group->update_count += report->update_count;
    return (!report->has_host || note_segment(writer, group, report, failure)) &&
           (report->host_name == NULL || note_host_name(writer, group, report, failure));
}

static size_t kept_rejections(const struct decode_output *output)
{
    return output->rejection_count < DECODE_REJECTIONS_KEPT ? output->rejection_count
                                                            : DECODE_REJECTIONS_KEPT;
}

static bool survey(struct load_writer *writer, struct group *group, struct failure *failure)
{
    for (const struct batch *batch = group->first; batch != NULL; batch = batch->next) {
        if (!batch_is_first(batch)) {
            continue;
        }
        for (size_t i = 0; i < batch->output.report_count; i++) {
            if (!note_report(writer, group, &batch->output.reports[i], failure)) {
                return false;
            }
        }
        group->rejection_count += kept_rejections(&batch->output);
    }
    return true;
}

/* ---- Rows ---- */

static void encode_host(struct buffer *rows, int64_t load_id, const struct report *report)
{
    copy_int64(rows, load_id);
    copy_uuid(rows, &report->host_id);
    copy_text(rows, report->customer_id);
    if (report->has_host) {
        copy_uuid(rows, &report->segment_id);
    } else {
        copy_null(rows);
    }
    copy_instant(rows, report->observed_at);
    copy_instant(rows, report->received_at);
}

static void encode_report(struct load_writer *writer, int64_t load_id, const struct report *report)
{
    struct buffer *rows = &writer->reports;
    copy_row(rows, 10);
    encode_host(rows, load_id, report);
    if (report->has_cpu) {
        copy_double(rows, report->interval_s);
        copy_double(rows, report->busy);
        copy_double(rows, report->peak);
        copy_double(rows, report->product_busy);
    } else {
        for (int i = 0; i < 4; i++) {
            copy_null(rows);
        }
    }
    for (size_t i = 0; i < report->update_count; i++) {
        const struct report_update *update = &report->updates[i];
        copy_row(&writer->updates, 9);
        encode_host(&writer->updates, load_id, report);
        copy_text(&writer->updates, update->id);
        copy_int16(&writer->updates, (int16_t)update->outcome);
        copy_instant(&writer->updates, update->at);
    }
}

static void encode_rejections(struct buffer *rows, const struct batch *batch)
{
    for (size_t i = 0; i < kept_rejections(&batch->output); i++) {
        const struct decode_rejection *rejection = &batch->output.rejections[i];
        copy_row(rows, 5);
        copy_text(rows, batch->source);
        copy_text(rows, batch->customer_id[0] != '\0' ? batch->customer_id : NULL);
        copy_int32(rows, rejection->line < INT32_MAX ? (int32_t)rejection->line : INT32_MAX);
        copy_text(rows, rejection->detail);
        copy_text(rows, rejection->excerpt);
    }
}

static void begin_rows(struct buffer *rows)
{
    buffer_clear(rows);
    copy_begin(rows);
}

static void encode_group(struct load_writer *writer, const struct group *group)
{
    begin_rows(&writer->reports);
    begin_rows(&writer->updates);
    begin_rows(&writer->rejected);
    for (const struct batch *batch = group->first; batch != NULL; batch = batch->next) {
        if (!batch_is_first(batch)) {
            continue;
        }
        for (size_t i = 0; i < batch->output.report_count; i++) {
            encode_report(writer, group->load.load_id, &batch->output.reports[i]);
        }
        encode_rejections(&writer->rejected, batch);
    }
    copy_end(&writer->reports);
    copy_end(&writer->updates);
    copy_end(&writer->rejected);
}

/* ---- The transaction ---- */

static bool add_named(struct load_writer *writer, const char *statement, const json_t *items,
                      struct failure *failure)
{
    if (items == NULL) {
        return true;
    }
    char *text = json_dumps(items, JSON_COMPACT);
    if (text == NULL) {
        return failure_memory(failure, "naming segments and hosts");
    }
    const char *const parameters[] = {text};
    bool good = database_run(writer->database, statement, 1, parameters, NULL, failure);
    free(text);
    return good;
}

static bool add_load(struct load_writer *writer, size_t rows, instant_us from, instant_us until,
                     struct resolve_load *load, struct failure *failure)
{
    char count[24];
    char from_text[INSTANT_TEXT_SIZE];
    char until_text[INSTANT_TEXT_SIZE];
    (void)snprintf(count, sizeof count, "%zu", rows);
    const char *const parameters[] = {writer->collector, count,
                                      rows > 0 ? instant_format(from, from_text) : NULL,
                                      instant_format(until, until_text)};
    PGresult *result = NULL;
    if (!database_run(writer->database, STATEMENT_ADD_LOAD, 4, parameters, &result, failure)) {
        return false;
    }
    load->load_id = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    (void)snprintf(load->transaction, sizeof load->transaction, "%s", PQgetvalue(result, 0, 1));
    load->collector = writer->collector;
    PQclear(result);
    return true;
}

/* Everything between BEGIN and COMMIT. */
static bool store_group(struct load_writer *writer, struct group *group, struct failure *failure)
{
    if (!add_named(writer, STATEMENT_ADD_SEGMENTS, group->segments, failure) ||
        !add_named(writer, STATEMENT_ADD_HOST_NAMES, group->host_names, failure)) {
        return false;
    }
    if (group->report_count > 0 && !add_load(writer, group->report_count, group->received_from,
                                             group->received_until, &group->load, failure)) {
        return false;
    }
    encode_group(writer, group);
    if (group->report_count > 0 &&
        !database_copy_in(writer->database, STATEMENT_COPY_REPORTS, &writer->reports, failure)) {
        return false;
    }
    if (group->update_count > 0 &&
        !database_copy_in(writer->database, STATEMENT_COPY_UPDATES, &writer->updates, failure)) {
        return false;
    }
    return group->rejection_count == 0 ||
           database_copy_in(writer->database, STATEMENT_COPY_REJECTED, &writer->rejected, failure);
}

static double clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Commits, and when the answer is lost finds out what happened. */
static bool commit_group(struct load_writer *writer, const struct group *group,
                         struct failure *failure)
{
    bool in_doubt;
    return database_commit(writer->database, &in_doubt, failure) ||
           (in_doubt && group->load.load_id != 0 &&
            resolve_is_committed(writer->database, &group->load));
}

static void roll_back(struct load_writer *writer)
{
    struct failure ignored; /* the first failure is the one to tell */
    bool rolled_back = database_run(writer->database, STATEMENT_ROLLBACK, 0, NULL, NULL, &ignored);
    (void)rolled_back;
}

static bool begin_group(struct load_writer *writer, struct failure *failure)
{
    if (!ensure_open(writer, failure)) {
        return false;
    }
    if (!database_run_script(writer->database, STATEMENT_BEGIN, failure)) {
        /* Once more: a connection lost while idle shows only now, and nothing with it. */
        roll_back(writer);
        if (!database_run_script(writer->database, STATEMENT_BEGIN, failure)) {
            return false;
        }
    }
    if (writer->connections != database_connections(writer->database)) {
        known_ids_free(&writer->segments);
        known_ids_free(&writer->host_names);
        writer->connections = database_connections(writer->database);
    }
    return true;
}

/* All of it, in one transaction. */
static bool write_group(struct load_writer *writer, struct group *group, struct failure *failure)
{
    double began_s = clock_s();
    if (!begin_group(writer, failure)) {
        return false;
    }
    bool stored = repeat_claim(writer->database, group->first, failure) &&
                  survey(writer, group, failure) && store_group(writer, group, failure);
    if (stored && clock_s() - began_s > COMMIT_DEADLINE_S) {
        stored = failure_set(failure, FAILURE_UNAVAILABLE,
                             "the database took longer than %.0f s to store the reports",
                             COMMIT_DEADLINE_S);
    }
    if (!stored) {
        roll_back(writer);
        return false;
    }
    return commit_group(writer, group, failure);
}

bool load_write(struct load_writer *writer, const struct batch *first, struct failure *failure)
{
    struct group group = {.first = first};
    bool good = write_group(writer, &group, failure);
    if (good) {
        known_ids_keep(&writer->segments);
        known_ids_keep(&writer->host_names);
    } else {
        known_ids_take_back(&writer->segments);
        known_ids_take_back(&writer->host_names);
    }
    json_decref(group.segments);
    json_decref(group.host_names);
    return good;
}

/* ---- Between loads ---- */

bool load_write_heartbeat(struct load_writer *writer, instant_us now, struct failure *failure)
{
    struct resolve_load load;
    return ensure_open(writer, failure) && add_load(writer, 0, now, now, &load, failure);
}

bool load_trim_rejected(struct load_writer *writer, struct failure *failure)
{
    const char *const parameters[] = {REJECTED_KEPT};
    return ensure_open(writer, failure) &&
           database_run(writer->database, STATEMENT_TRIM_REJECTED, 1, parameters, NULL, failure);
}

bool load_trim_keys(struct load_writer *writer, struct failure *failure)
{
    const char *const parameters[] = {KEYS_FORGOTTEN};
    return ensure_open(writer, failure) &&
           database_run(writer->database, STATEMENT_TRIM_KEYS, 1, parameters, NULL, failure);
}

bool load_ping(struct load_writer *writer, struct failure *failure)
{
    return ensure_open(writer, failure) && database_ping(writer->database, failure);
}
