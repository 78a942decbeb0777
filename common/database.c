/* libpq behind struct failure, and PostgreSQL's binary COPY; see database.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/database.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"

/* PostgreSQL counts from 2000-01-01. */
#define POSTGRES_EPOCH (INT64_C(946684800) * INSTANT_SECOND)

/* A COPY is sent in pieces of this size, so that libpq's own buffer stays small. */
#define COPY_CHUNK ((size_t)1 << 20)

/* A server that does not answer within this is away. */
#define CONNECT_TIMEOUT_S "5"

/* One that vanished without a word (its machine lost power) is noticed while we wait for it: after
 * 10 s of silence it is asked every 2 s, and given up 10 s later. Only over TCP. */
#define ALIVE_AFTER_S "10"
#define ALIVE_EVERY_S "2"
#define VANISHED_AFTER_MS "10000"

/* A server over its own statement_timeout by as much hangs, or its machine does; over a Unix socket
 * nothing else would ever tell. */
#define SILENCE_MS 2000

/* How often libpq is asked while nothing comes: it takes an allocation that failed for half a
 * message, and would wait for the other half for ever (getCopyStart of libpq 15). */
#define LOOK_MS 250

struct database {
    PGconn *connection;
    char *conninfo;
    char *program;
    char options[64];
    int patience_ms;      /* for one answer; -1: for ever */
    unsigned connections; /* made so far */
    bool lost;            /* the connection has failed, though libpq may not say so yet */
    bool silent;          /* lost because it did not answer in time */
};

/* ---- Failures ---- */

static bool is_away(const char *state)
{
    /* Lost, shutting down, out of disk, memory or connections, unable to read or write its disk,
     * read-only, over its statement_timeout or lock_timeout, and in the way of another transaction:
     * what may succeed later. */
    static const char *const prefixes[] = {"08",    "57P0",  "53",    "58030",
                                           "25006", "57014", "55P03", "40"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (strncmp(state, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* The first line of libpq's message, which ends in a newline and may go on with hints. */
static bool fail(struct database *database, const PGresult *result, const char *doing,
                 struct failure *failure)
{
    const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message =
        result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (message == NULL) {
        message = database->silent ? "it does not answer" : PQerrorMessage(database->connection);
    }
    /* libpq's own errors carry no SQLSTATE. After a write that failed it leaves the status as it
     * was until the next statement fails, too. A server that only reads is not the one we want:
     * the next connection looks for another. */
    bool lost = state == NULL || PQstatus(database->connection) != CONNECTION_OK ||
                strcmp(state, "25006") == 0;
    database->lost = database->lost || lost;
    enum failure_code code = FAILURE_SYSTEM;
    if (lost || (state != NULL && is_away(state))) {
        code = FAILURE_UNAVAILABLE;
    } else if (state != NULL && strcmp(state, "23505") == 0) {
        code = FAILURE_CONFLICT;
    }
    return failure_set(failure, code, "the database, %s: %.*s%s%s%s", doing,
                       (int)strcspn(message, "\n"), message, state == NULL ? "" : " (",
                       state == NULL ? "" : state, state == NULL ? "" : ")");
}

/* ---- Connecting ---- */

/* libpq would write notices to standard error as they are, in the middle of the log. */
static void log_notice(void *context, const char *message)
{
    (void)context;
    char line[256];
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(message, "\n"), message);
    log_debug("the database remarks", log_text("notice", line));
}

static bool connect_now(struct database *database, struct failure *failure)
{
    /* What comes before dbname, which is the whole of conninfo, is a default that it may change. */
    const char *const names[] = {"tcp_user_timeout",
                                 "keepalives_idle",
                                 "keepalives_interval",
                                 "target_session_attrs",
                                 "dbname",
                                 "fallback_application_name",
                                 "connect_timeout",
                                 "options",
                                 "client_encoding",
                                 NULL};
    const char *const values[] = {VANISHED_AFTER_MS,
                                  ALIVE_AFTER_S,
                                  ALIVE_EVERY_S,
                                  "read-write", /* both programs write; a standby is passed over */
                                  database->conninfo,
                                  database->program,
                                  CONNECT_TIMEOUT_S,
                                  database->options,
                                  "UTF8",
                                  NULL};
    PQfinish(database->connection);
    database->connection = PQconnectdbParams(names, values, 1);
    if (database->connection == NULL) {
        return failure_memory(failure, "connecting to the database");
    }
    if (PQstatus(database->connection) != CONNECTION_OK) {
        const char *message = PQerrorMessage(database->connection);
        return failure_set(failure, FAILURE_UNAVAILABLE, "cannot connect to the database: %.*s",
                           (int)strcspn(message, "\n"), message);
    }
    if (PQsetnonblocking(database->connection, 1) != 0) {
        database->lost = true;
        return failure_memory(failure, "connecting to the database");
    }
    (void)PQsetNoticeProcessor(database->connection, log_notice, NULL);
    database->lost = false;
    database->silent = false;
    database->connections++;
    return true;
}

static bool connected(struct database *database, struct failure *failure)
{
    return (!database->lost && PQstatus(database->connection) == CONNECTION_OK) ||
           connect_now(database, failure);
}

bool database_open(const char *conninfo, const char *program, int statement_timeout_ms,
                   struct database **database, struct failure *failure)
{
    struct database *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "connecting to the database");
    }
    made->conninfo = strdup(conninfo);
    made->program = strdup(program);
    made->patience_ms = statement_timeout_ms == 0 ? -1 : statement_timeout_ms + SILENCE_MS;
    snprintf(made->options, sizeof made->options, "-c statement_timeout=%d -c TimeZone=UTC",
             statement_timeout_ms);
    if (made->conninfo == NULL || made->program == NULL) {
        database_close(made);
        return failure_memory(failure, "connecting to the database");
    }
    if (!connect_now(made, failure)) {
        database_close(made);
        return false;
    }
    *database = made;
    return true;
}

void database_close(struct database *database)
{
    if (database != NULL) {
        PQfinish(database->connection);
        free(database->conninfo);
        free(database->program);
        free(database);
    }
}

/* ---- Waiting, with an end ---- */

static int64_t clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until there is something to read, or with `writing` room to write, or for LOOK_MS; false when it
 * has taken too long altogether, and then the connection counts as lost. */
static bool await_socket(struct database *database, bool writing, int64_t began_ms)
{
    struct pollfd socket = {.fd = PQsocket(database->connection), .events = POLLIN};
    socket.events = (short)(socket.events | (writing ? POLLOUT : 0));
    if (poll(&socket, 1, LOOK_MS) < 0 && errno != EINTR) {
        database->lost = true;
    } else if (database->patience_ms >= 0 && clock_ms() - began_ms > database->patience_ms) {
        database->lost = true;
        database->silent = true;
    }
    return !database->lost;
}

/* Sends what libpq still holds back. */
static bool flush(struct database *database)
{
    int64_t began_ms = clock_ms();
    int left;
    while ((left = PQflush(database->connection)) > 0) {
        if (!await_socket(database, true, began_ms) || !PQconsumeInput(database->connection)) {
            return false;
        }
    }
    return left == 0;
}

/* The next result, as PQgetResult has it; NULL too when it does not come, and then the connection
 * is lost. */
static PGresult *next_result(struct database *database)
{
    int64_t began_ms = clock_ms();
    if (!flush(database)) {
        database->lost = true;
        return NULL;
    }
    while (PQisBusy(database->connection)) {
        if (!await_socket(database, false, began_ms)) {
            return NULL;
        }
        if (!PQconsumeInput(database->connection)) {
            break; /* PQgetResult says why */
        }
    }
    return PQgetResult(database->connection);
}

/* ---- Statements ---- */

/* The last result of what was sent, as PQexec has it, but NULL when the answer is not whole. */
static PGresult *answer_of(struct database *database, int sent)
{
    PGresult *last = NULL;
    PGresult *result;
    if (sent != 1) {
        return NULL;
    }
    while ((result = next_result(database)) != NULL) {
        PQclear(last);
        last = result;
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT ||
            PQstatus(database->connection) != CONNECTION_OK) {
            break;
        }
    }
    if (database->lost) {
        PQclear(last);
        last = NULL;
    }
    return last;
}

bool database_run(struct database *database, const char *sql, size_t parameter_count,
                  const char *const *parameters, PGresult **result, struct failure *failure)
{
    if (!connected(database, failure)) {
        return false;
    }
    PGresult *rows =
        answer_of(database, PQsendQueryParams(database->connection, sql, (int)parameter_count, NULL,
                                              parameters, NULL, NULL, 0));
    ExecStatusType status = PQresultStatus(rows);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        fail(database, rows, "running a statement", failure);
        PQclear(rows);
        return false;
    }
    if (result != NULL) {
        *result = rows;
    } else {
        PQclear(rows);
    }
    return true;
}

bool database_run_script(struct database *database, const char *sql, struct failure *failure)
{
    if (!connected(database, failure)) {
        return false;
    }
    PGresult *last = answer_of(database, PQsendQuery(database->connection, sql));
    ExecStatusType status = PQresultStatus(last);
    bool done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
                status == PGRES_EMPTY_QUERY || fail(database, last, "running a script", failure);
    PQclear(last);
    return done;
}

bool database_commit(struct database *database, bool *in_doubt, struct failure *failure)
{
    *in_doubt = false;
    if (database->lost || PQstatus(database->connection) != CONNECTION_OK) {
        return failure_set(failure, FAILURE_UNAVAILABLE,
                           "the connection to the database was lost before COMMIT");
    }
    PGresult *result = answer_of(database, PQsendQuery(database->connection, "commit"));
    bool answered = PQresultStatus(result) == PGRES_COMMAND_OK;
    bool done = answered && strcmp(PQcmdStatus(result), "COMMIT") == 0;
    if (answered && !done) {
        failure_set(failure, FAILURE_SYSTEM, "the database rolled back what it was to commit");
    } else if (!answered) {
        fail(database, result, "committing", failure);
        *in_doubt = database->lost;
    }
    PQclear(result);
    return done;
}

unsigned database_connections(const struct database *database)
{
    return database->connections;
}

bool database_ping(struct database *database, struct failure *failure)
{
    return database_run(database, "select 1", 0, NULL, NULL, failure);
}

/* Reads results until there are none left; false, with the first error, when any is one. */
static bool finish_copy(struct database *database, const char *doing, struct failure *failure)
{
    bool done = true;
    PGresult *result;
    while ((result = next_result(database)) != NULL) {
        if (done && PQresultStatus(result) != PGRES_COMMAND_OK) {
            done = fail(database, result, doing, failure);
        }
        PQclear(result);
        if (PQstatus(database->connection) != CONNECTION_OK) {
            break; /* a broken connection would answer for ever */
        }
    }
    bool whole = !database->lost && PQstatus(database->connection) == CONNECTION_OK;
    return done && (whole || fail(database, NULL, doing, failure));
}

static bool start_copy(struct database *database, const char *sql, ExecStatusType wanted,
                       struct failure *failure)
{
    if (!connected(database, failure)) {
        return false;
    }
    PGresult *start = answer_of(database, PQsendQuery(database->connection, sql));
    bool done = PQresultStatus(start) == wanted || fail(database, start, "starting COPY", failure);
    PQclear(start);
    return done;
}

bool database_copy_in(struct database *database, const char *copy_sql, const struct buffer *rows,
                      struct failure *failure)
{
    if (!buffer_check(rows, failure) || !start_copy(database, copy_sql, PGRES_COPY_IN, failure)) {
        return false;
    }
    for (size_t sent = 0; sent < rows->length;) {
        size_t size = rows->length - sent < COPY_CHUNK ? rows->length - sent : COPY_CHUNK;
        if (PQputCopyData(database->connection, rows->data + sent, (int)size) != 1 ||
            !flush(database)) {
            /* Nobody reads its results: while rows are awaited there is always one more. */
            return fail(database, NULL, "sending rows", failure);
        }
        sent += size;
    }
    if (PQputCopyEnd(database->connection, NULL) != 1) {
        return fail(database, NULL, "ending COPY", failure);
    }
    return finish_copy(database, "storing rows", failure);
}

/* ---- COPY out ---- */

/* The most columns a query of ours copies out. */
#define FIELDS_MOST 32

struct copy_reading {
    copy_row_handler row;
    void *context;
    bool header_read;
    bool ended;
};

static const char copy_signature[11] = "PGCOPY\n\377\r\n";

static uint32_t big32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* One row, at *at; PostgreSQL sends each in a message of its own. */
static bool take_row(struct copy_reading *reading, const uint8_t *bytes, size_t length, size_t *at,
                     struct failure *failure)
{
    struct copy_field fields[FIELDS_MOST];
    if (length - *at < 2) {
        return failure_set(failure, FAILURE_SYSTEM, "the database sent half a row");
    }
    int16_t count = (int16_t)(bytes[*at] << 8 | bytes[*at + 1]);
    *at += 2;
    if (count == -1) {
        reading->ended = true;
        return true;
    }
    if (count < 0 || count > FIELDS_MOST) {
        return failure_set(failure, FAILURE_SYSTEM, "the database sent a row of %d fields", count);
    }
    for (int16_t i = 0; i < count; i++) {
        if (length - *at < 4) {
            return failure_set(failure, FAILURE_SYSTEM, "the database sent half a row");
        }
        uint32_t size = big32(bytes + *at);
        *at += 4;
        if (size == UINT32_MAX) {
            fields[i] = (struct copy_field){0};
            continue;
        }
        if (length - *at < size) {
            return failure_set(failure, FAILURE_SYSTEM, "the database sent half a field");
        }
        fields[i] = (struct copy_field){.bytes = bytes + *at, .length = size};
        *at += size;
    }
    return reading->row(reading->context, fields, (size_t)count, failure);
}

static bool take_message(struct copy_reading *reading, const uint8_t *bytes, size_t length,
                         struct failure *failure)
{
    size_t at = 0;
    if (!reading->header_read) {
        if (length < sizeof copy_signature + 8 ||
            memcmp(bytes, copy_signature, sizeof copy_signature) != 0) {
            return failure_set(failure, FAILURE_SYSTEM, "the database sent no binary COPY");
        }
        at = sizeof copy_signature + 8 + big32(bytes + sizeof copy_signature + 4);
        reading->header_read = true;
    }
    while (at < length && !reading->ended) {
        if (!take_row(reading, bytes, length, &at, failure)) {
            return false;
        }
    }
    return true;
}

bool database_copy_out(struct database *database, const char *copy_sql, copy_row_handler row,
                       void *context, struct failure *failure)
{
    if (!start_copy(database, copy_sql, PGRES_COPY_OUT, failure)) {
        return false;
    }
    struct copy_reading reading = {.row = row, .context = context};
    bool done = true;
    char *message = NULL;
    int length;
    while ((length = PQgetCopyData(database->connection, &message, 0)) > 0) {
        /* After a failure the rest is read and dropped, so that the connection stays usable. */
        done = done && take_message(&reading, (const uint8_t *)message, (size_t)length, failure);
        PQfreemem(message);
    }
    if (length == -2 && done) {
        done = fail(database, NULL, "reading rows", failure);
    }
    struct failure later;
    if (!finish_copy(database, "reading rows", &later) && done) {
        *failure = later;
        done = false;
    }
    return done;
}

/* ---- Rows ---- */

static void append_big(struct buffer *rows, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    }
    buffer_append(rows, bytes, size);
}

static void append_field(struct buffer *rows, uint64_t value, size_t size)
{
    uint8_t bytes[12] = {0, 0, 0, (uint8_t)size};
    for (size_t i = 0; i < size; i++) {
        bytes[4 + i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    }
    buffer_append(rows, bytes, 4 + size);
}

void copy_begin(struct buffer *rows)
{
    buffer_append(rows, copy_signature, sizeof copy_signature);
    append_big(rows, 0, 8); /* flags and the length of the header extension */
}

void copy_row(struct buffer *rows, int16_t field_count)
{
    append_big(rows, (uint16_t)field_count, 2);
}

void copy_null(struct buffer *rows)
{
    append_big(rows, UINT32_MAX, 4);
}

void copy_int16(struct buffer *rows, int16_t value)
{
    append_field(rows, (uint16_t)value, 2);
}

void copy_int32(struct buffer *rows, int32_t value)
{
    append_field(rows, (uint32_t)value, 4);
}

void copy_int64(struct buffer *rows, int64_t value)
{
    append_field(rows, (uint64_t)value, 8);
}

void copy_double(struct buffer *rows, double value)
{
    uint64_t bits;
    if (isnan(value)) {
        copy_null(rows);
        return;
    }
    memcpy(&bits, &value, sizeof bits);
    append_field(rows, bits, 8);
}

void copy_bool(struct buffer *rows, bool value)
{
    append_field(rows, value, 1);
}

void copy_bytes(struct buffer *rows, const void *bytes, size_t length)
{
    append_big(rows, (uint32_t)length, 4);
    buffer_append(rows, bytes, length);
}

void copy_text(struct buffer *rows, const char *text)
{
    if (text == NULL) {
        copy_null(rows);
    } else {
        copy_bytes(rows, text, strlen(text));
    }
}

void copy_uuid(struct buffer *rows, const struct uuid *uuid)
{
    copy_bytes(rows, uuid->bytes, sizeof uuid->bytes);
}

void copy_instant(struct buffer *rows, instant_us instant)
{
    copy_int64(rows, instant - POSTGRES_EPOCH);
}

void copy_end(struct buffer *rows)
{
    append_big(rows, UINT16_MAX, 2);
}

static bool read_big(struct copy_field field, size_t size, uint64_t *value, struct failure *failure)
{
    if (field.bytes == NULL || field.length != size) {
        return failure_set(failure, FAILURE_SYSTEM,
                           "the database sent a field of %zu bytes for one of %zu", field.length,
                           size);
    }
    *value = 0;
    for (size_t i = 0; i < size; i++) {
        *value = *value << 8 | field.bytes[i];
    }
    return true;
}

bool copy_read_int16(struct copy_field field, int16_t *value, struct failure *failure)
{
    uint64_t bits = 0;
    bool done = read_big(field, 2, &bits, failure);
    *value = (int16_t)bits;
    return done;
}

bool copy_read_int32(struct copy_field field, int32_t *value, struct failure *failure)
{
    uint64_t bits = 0;
    bool done = read_big(field, 4, &bits, failure);
    *value = (int32_t)bits;
    return done;
}

bool copy_read_int64(struct copy_field field, int64_t *value, struct failure *failure)
{
    uint64_t bits = 0;
    bool done = read_big(field, 8, &bits, failure);
    *value = (int64_t)bits;
    return done;
}

bool copy_read_double(struct copy_field field, double *value, struct failure *failure)
{
    uint64_t bits = 0;
    bool done = read_big(field, 8, &bits, failure);
    memcpy(value, &bits, sizeof *value);
    return done;
}

bool copy_read_uuid(struct copy_field field, struct uuid *value, struct failure *failure)
{
    if (field.bytes == NULL || field.length != sizeof value->bytes) {
        return failure_set(failure, FAILURE_SYSTEM, "the database sent %zu bytes for a UUID",
                           field.length);
    }
    memcpy(value->bytes, field.bytes, sizeof value->bytes);
    return true;
}

bool copy_read_instant(struct copy_field field, instant_us *value, struct failure *failure)
{
    int64_t since = 0;
    bool done = copy_read_int64(field, &since, failure);
    *value = since + POSTGRES_EPOCH;
    return done;
}
