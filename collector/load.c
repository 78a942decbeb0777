/* How does a group of requests become rows, once? See load.h. The hard thing is what to say when
 * the answer to COMMIT is lost: the load row is part of the transaction, so it is there exactly
 * when the reports are (resolve.h asks).
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/load.h"

#include <math.h>
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

/* Groups up to here are stored by INSERT from arrays, in two round trips instead of nine: to begin
 * a COPY costs as much as some hundred rows. From there on COPY's cheaper rows win. */
#define SMALL_ROWS 400

/* Columns of report, and of report_update behind them, without the load. */
#define REPORT_COLUMNS 9
#define UPDATE_COLUMNS 8
#define LOAD_COLUMNS (REPORT_COLUMNS + UPDATE_COLUMNS)

struct load_writer {
    const char *conninfo;
    char collector[96];
    struct database *database; /* NULL until it could be opened */
    unsigned connections;      /* of the database, when what follows was learnt */
    struct known_ids segments; /* in the database already, or in the transaction under way */
    struct known_ids host_names;
    struct buffer reports, updates, rejected; /* rows for COPY, kept for their memory */
    struct buffer columns[LOAD_COLUMNS];      /* likewise, of a small group */
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
    for (size_t i = 0; i < LOAD_COLUMNS; i++) {
        buffer_free(&writer->columns[i]);
    }
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

/* What STATEMENT_ADD_LOAD takes, as text. */
struct load_values {
    char count[24], from[INSTANT_TEXT_SIZE], until[INSTANT_TEXT_SIZE];
    const char *texts[4];
};

static void fill_load(const struct load_writer *writer, size_t rows, instant_us from,
                      instant_us until, struct load_values *values)
{
    (void)snprintf(values->count, sizeof values->count, "%zu", rows);
    values->texts[0] = writer->collector;
    values->texts[1] = values->count;
    values->texts[2] = rows > 0 ? instant_format(from, values->from) : NULL;
    values->texts[3] = instant_format(until, values->until);
}

static void read_load(const struct load_writer *writer, PGresult *take_result,
                      struct resolve_load *load)
{
    load->load_id = strtoll(PQgetvalue(take_result, 0, 0), NULL, 10);
    (void)snprintf(load->transaction, sizeof load->transaction, "%s",
                   PQgetvalue(take_result, 0, 1));
    load->collector = writer->collector;
    PQclear(take_result);
}

static bool add_load(struct load_writer *writer, size_t rows, instant_us from, instant_us until,
                     struct resolve_load *load, struct failure *failure)
{
    struct load_values values;
    PGresult *result = NULL;
    fill_load(writer, rows, from, until, &values);
    if (!database_run(writer->database, STATEMENT_ADD_LOAD, 4, values.texts, &result, failure)) {
        return false;
    }
    read_load(writer, result, load);
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

/* A connection that is new knows nothing of what the one before had stored. */
static bool meet_connection(struct load_writer *writer, struct failure *failure)
{
    if (writer->connections == database_connections(writer->database)) {
        return true;
    }
    known_ids_free(&writer->segments);
    known_ids_free(&writer->host_names);
    if (!database_run_script(writer->database, STATEMENT_SET_TIMEOUTS, failure)) {
        return false;
    }
    writer->connections = database_connections(writer->database);
    return true;
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
    return meet_connection(writer, failure);
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

/* ---- A small group, in two round trips ---- */

/* Nothing but a few reports whose segments are known: what single reports come to. */
static bool is_small(const struct batch *first)
{
    size_t rows = 0;
    for (const struct batch *batch = first; batch != NULL; batch = batch->next) {
        rows += batch->output.report_count;
        if (batch->repeat != NULL || batch->output.rejection_count > 0 || rows > SMALL_ROWS) {
            return false;
        }
    }
    return rows > 0;
}

static void begin_columns(struct buffer *columns)
{
    static const uint32_t types[LOAD_COLUMNS] = {
        ARRAY_OF_UUID,   ARRAY_OF_TEXT,   ARRAY_OF_UUID,    ARRAY_OF_INSTANT, ARRAY_OF_INSTANT,
        ARRAY_OF_DOUBLE, ARRAY_OF_DOUBLE, ARRAY_OF_DOUBLE,  ARRAY_OF_DOUBLE,  ARRAY_OF_UUID,
        ARRAY_OF_TEXT,   ARRAY_OF_UUID,   ARRAY_OF_INSTANT, ARRAY_OF_INSTANT, ARRAY_OF_TEXT,
        ARRAY_OF_INT2,   ARRAY_OF_INSTANT};
    for (size_t i = 0; i < LOAD_COLUMNS; i++) {
        array_begin(&columns[i], types[i]);
    }
}

/* The first five columns, which both tables have. */
static void add_host_columns(struct buffer *columns, const struct report *report)
{
    copy_uuid(&columns[0], &report->host_id);
    copy_text(&columns[1], report->customer_id);
    if (report->has_host) {
        copy_uuid(&columns[2], &report->segment_id);
    } else {
        copy_null(&columns[2]);
    }
    copy_instant(&columns[3], report->observed_at);
    copy_instant(&columns[4], report->received_at);
}

static void add_columns(struct buffer *columns, const struct report *report)
{
    add_host_columns(columns, report);
    copy_double(&columns[5], report->has_cpu ? report->interval_s : NAN);
    copy_double(&columns[6], report->has_cpu ? report->busy : NAN);
    copy_double(&columns[7], report->has_cpu ? report->peak : NAN);
    copy_double(&columns[8], report->has_cpu ? report->product_busy : NAN);
    struct buffer *updates = columns + REPORT_COLUMNS;
    for (size_t i = 0; i < report->update_count; i++) {
        add_host_columns(updates, report);
        copy_text(&updates[5], report->updates[i].id);
        copy_int16(&updates[6], (int16_t)report->updates[i].outcome);
        copy_instant(&updates[7], report->updates[i].at);
    }
}

/* The values of one INSERT: the load, then `count` arrays of `rows` elements. */
static bool fill_arrays(const char *load_id, struct buffer *columns, size_t count, size_t rows,
                        struct database_value *values, struct failure *failure)
{
    values[0] = (struct database_value){.bytes = load_id};
    for (size_t i = 0; i < count; i++) {
        array_end(&columns[i], rows);
        if (!buffer_check(&columns[i], failure)) {
            return false;
        }
        values[i + 1] = (struct database_value){columns[i].data, columns[i].length, true};
    }
    return true;
}

/* BEGIN and the load; nothing is in doubt when this fails. */
static bool begin_small(struct load_writer *writer, struct group *group, struct failure *failure)
{
    struct load_values load;
    struct database_value values[4];
    PGresult *result = NULL;
    bool in_doubt;
    fill_load(writer, group->report_count, group->received_from, group->received_until, &load);
    for (size_t i = 0; i < 4; i++) {
        values[i] = (struct database_value){.bytes = load.texts[i]};
    }
    const struct database_step steps[] = {{STATEMENT_BEGIN, NULL, 0},
                                          {STATEMENT_ADD_LOAD, values, 4}};
    if (!database_pipeline(writer->database, steps, 2, &result, &in_doubt, failure)) {
        return false;
    }
    read_load(writer, result, &group->load);
    return true;
}

/* The rows and COMMIT. */
static bool end_small(struct load_writer *writer, struct group *group, struct failure *failure)
{
    struct buffer *columns = writer->columns;
    struct database_value reports[REPORT_COLUMNS + 1];
    struct database_value updates[UPDATE_COLUMNS + 1];
    char load_id[24];
    bool in_doubt = false;
    begin_columns(columns);
    for (const struct batch *batch = group->first; batch != NULL; batch = batch->next) {
        for (size_t i = 0; i < batch->output.report_count; i++) {
            add_columns(columns, &batch->output.reports[i]);
        }
    }
    (void)snprintf(load_id, sizeof load_id, "%lld", (long long)group->load.load_id);
    bool filled =
        fill_arrays(load_id, columns, REPORT_COLUMNS, group->report_count, reports, failure) &&
        fill_arrays(load_id, columns + REPORT_COLUMNS, UPDATE_COLUMNS, group->update_count, updates,
                    failure);
    struct database_step steps[3] = {{STATEMENT_INSERT_REPORTS, reports, REPORT_COLUMNS + 1}};
    size_t count = 1;
    if (group->update_count > 0) {
        steps[count++] =
            (struct database_step){STATEMENT_INSERT_UPDATES, updates, UPDATE_COLUMNS + 1};
    }
    steps[count++] = (struct database_step){STATEMENT_COMMIT, NULL, 0};
    if (!filled) {
        roll_back(writer);
        return false;
    }
    if (database_pipeline(writer->database, steps, count, NULL, &in_doubt, failure)) {
        return true;
    }
    if (in_doubt) {
        return resolve_is_committed(writer->database, &group->load);
    }
    roll_back(writer);
    return false;
}

/* Tries the short way; *written: it is over, well or not. Otherwise nothing has happened, and the
 * long way is to be tried. */
static bool write_small(struct load_writer *writer, struct group *group, bool *written,
                        struct failure *failure)
{
    struct failure ignored; /* the long way will meet it, and has more to say */
    *written = false;
    if (!is_small(group->first) || !ensure_open(writer, failure) ||
        writer->connections != database_connections(writer->database)) {
        return false;
    }
    if (!survey(writer, group, failure) || group->segments != NULL || group->host_names != NULL ||
        !begin_small(writer, group, &ignored)) {
        return false;
    }
    *written = true;
    return end_small(writer, group, failure);
}

static void forget_group(struct load_writer *writer, struct group *group)
{
    known_ids_take_back(&writer->segments);
    known_ids_take_back(&writer->host_names);
    json_decref(group->segments);
    json_decref(group->host_names);
    *group = (struct group){.first = group->first};
}

bool load_write(struct load_writer *writer, const struct batch *first, struct failure *failure)
{
    struct group group = {.first = first};
    bool written;
    bool good = write_small(writer, &group, &written, failure);
    if (!written) {
        forget_group(writer, &group);
        good = write_group(writer, &group, failure);
    }
    if (good) {
        known_ids_keep(&writer->segments);
        known_ids_keep(&writer->host_names);
    }
    forget_group(writer, &group);
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
