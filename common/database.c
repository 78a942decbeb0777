/* libpq behind struct failure, and COPY both ways; see database.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/database.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"

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
    /* What this connection has prepared, by the address of its text; the n-th is named "s<n>". */
    const char *prepared[DATABASE_PREPARED_MOST];
    size_t prepared_count;
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
    database->prepared_count = 0;
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

/* ---- Several statements at once ---- */

/* The place of `sql` among what this connection has prepared; *fresh: not yet. */
static size_t find_prepared(struct database *database, const char *sql, bool *fresh)
{
    size_t place = 0;
    while (place < database->prepared_count && database->prepared[place] != sql) {
        place++;
    }
    *fresh = place == database->prepared_count;
    return place;
}

static bool send_step(struct database *database, const struct database_step *step)
{
    char name[16];
    const char *values[DATABASE_VALUES_MOST];
    int lengths[DATABASE_VALUES_MOST];
    int formats[DATABASE_VALUES_MOST];
    bool fresh;
    size_t place = find_prepared(database, step->sql, &fresh);
    if (step->value_count > DATABASE_VALUES_MOST || place == DATABASE_PREPARED_MOST) {
        return false;
    }
    (void)snprintf(name, sizeof name, "s%zu", place);
    if (fresh) {
        if (PQsendPrepare(database->connection, name, step->sql, 0, NULL) != 1) {
            return false;
        }
        database->prepared[database->prepared_count++] = step->sql;
    }
    for (size_t i = 0; i < step->value_count; i++) {
        values[i] = step->values[i].bytes;
        lengths[i] = (int)step->values[i].length;
        formats[i] = step->values[i].binary ? 1 : 0;
    }
    return PQsendQueryPrepared(database->connection, name, (int)step->value_count, values, lengths,
                               formats, 0) == 1;
}

/* Takes what the server says up to the end of the pipeline: the result of the step that is asked
 * for, and the first error, which all behind it share. */
static bool take_answers(struct database *database, PGresult **last, PGresult **error)
{
    for (;;) {
        PGresult *result = next_result(database);
        if (database->lost || PQstatus(database->connection) != CONNECTION_OK) {
            PQclear(result);
            return false;
        }
        ExecStatusType status = PQresultStatus(result);
        if (result == NULL) {
            continue; /* the end of one step's results */
        }
        if (status == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            return true;
        }
        if (status == PGRES_FATAL_ERROR && *error == NULL) {
            *error = result;
        } else if (status == PGRES_TUPLES_OK) {
            PQclear(*last);
            *last = result;
        } else {
            PQclear(result);
        }
    }
}

bool database_pipeline(struct database *database, const struct database_step *steps, size_t count,
                       PGresult **rows, bool *in_doubt, struct failure *failure)
{
    PGresult *last = NULL;
    PGresult *error = NULL;
    *in_doubt = false;
    if (!connected(database, failure)) {
        return false;
    }
    size_t prepared = database->prepared_count;
    bool sent = PQenterPipelineMode(database->connection) == 1;
    for (size_t i = 0; i < count && sent; i++) {
        sent = send_step(database, &steps[i]);
    }
    sent = sent && PQpipelineSync(database->connection) == 1;
    bool whole = sent && take_answers(database, &last, &error);
    if (!whole) {
        /* Part of it may have gone out, and there is no way to take that back but to hang up. */
        database->lost = true;
        *in_doubt = sent;
    }
    bool done = whole && error == NULL;
    if (!done) {
        fail(database, error, "running statements", failure);
        /* Which of the new ones the server has prepared is not known: another connection has none.
         */
        database->lost = database->lost || database->prepared_count != prepared;
        PQclear(last);
    } else if (rows != NULL) {
        *rows = last;
    } else {
        PQclear(last);
    }
    PQclear(error);
    if (whole && PQexitPipelineMode(database->connection) != 1) {
        database->lost = true;
    }
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
        if (length < sizeof COPY_SIGNATURE + 8 ||
            memcmp(bytes, COPY_SIGNATURE, sizeof COPY_SIGNATURE) != 0) {
            return failure_set(failure, FAILURE_SYSTEM, "the database sent no binary COPY");
        }
        at = sizeof COPY_SIGNATURE + 8 + big32(bytes + sizeof COPY_SIGNATURE + 4);
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
