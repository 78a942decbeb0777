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
#include "collector/load_rows.h"
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

struct load_writer {
    const char *conninfo;
    char collector[96];
    struct database *database; /* NULL until it could be opened */
    unsigned connections;      /* of the database, when what follows was learnt */
    struct known_ids segments; /* in the database already, or in the transaction under way */
    struct known_ids host_names;
    struct load_rows rows; /* kept for their memory */
    struct load_columns columns;
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
    load_rows_free(&writer->rows);
    load_columns_free(&writer->columns);
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
        group->rejection_count += decode_rejections_kept(&batch->output);
    }
    return true;
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
struct load_texts {
    char count[24], from[INSTANT_TEXT_SIZE], until[INSTANT_TEXT_SIZE];
    const char *values[4];
};

static void fill_load(const struct load_writer *writer, size_t rows, instant_us from,
                      instant_us until, struct load_texts *texts)
{
    (void)snprintf(texts->count, sizeof texts->count, "%zu", rows);
    texts->values[0] = writer->collector;
    texts->values[1] = texts->count;
    texts->values[2] = rows > 0 ? instant_format(from, texts->from) : NULL;
    texts->values[3] = instant_format(until, texts->until);
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
    struct load_texts texts;
    PGresult *result = NULL;
    fill_load(writer, rows, from, until, &texts);
    if (!database_run(writer->database, STATEMENT_ADD_LOAD, 4, texts.values, &result, failure)) {
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
    load_rows_encode(&writer->rows, group->first, group->load.load_id);
    if (group->report_count > 0 && !database_copy_in(writer->database, STATEMENT_COPY_REPORTS,
                                                     &writer->rows.reports, failure)) {
        return false;
    }
    if (group->update_count > 0 && !database_copy_in(writer->database, STATEMENT_COPY_UPDATES,
                                                     &writer->rows.updates, failure)) {
        return false;
    }
    return group->rejection_count == 0 ||
           database_copy_in(writer->database, STATEMENT_COPY_REJECTED, &writer->rows.rejected,
                            failure);
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

/* BEGIN and the load; nothing is in doubt when this fails. */
static bool begin_small(struct load_writer *writer, struct group *group, struct failure *failure)
{
    struct load_texts load;
    struct database_value values[4];
    PGresult *result = NULL;
    bool in_doubt;
    fill_load(writer, group->report_count, group->received_from, group->received_until, &load);
    for (size_t i = 0; i < 4; i++) {
        values[i] = (struct database_value){.bytes = load.values[i]};
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
    struct load_values values;
    char load_id[24];
    bool in_doubt = false;
    (void)snprintf(load_id, sizeof load_id, "%lld", (long long)group->load.load_id);
    load_columns_encode(&writer->columns, group->first);
    if (!load_columns_values(&writer->columns, load_id, group->report_count, group->update_count,
                             &values, failure)) {
        roll_back(writer);
        return false;
    }
    struct database_step steps[3] = {
        {STATEMENT_INSERT_REPORTS, values.reports, LOAD_REPORT_COLUMNS + 1}};
    size_t count = 1;
    if (group->update_count > 0) {
        steps[count++] = (struct database_step){STATEMENT_INSERT_UPDATES, values.updates,
                                                LOAD_UPDATE_COLUMNS + 1};
    }
    steps[count++] = (struct database_step){STATEMENT_COMMIT, NULL, 0};
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
