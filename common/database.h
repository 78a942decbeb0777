/* PostgreSQL by libpq: one connection, parameters only, binary COPY both ways.
 *
 * A struct database is used by one thread at a time. It reconnects by itself on the next use after
 * a connection was lost; whatever was in flight fails with FAILURE_UNAVAILABLE and is the caller's
 * to repeat. Of several hosts in the connection string it takes the first that can be written to,
 * unless the string has a target_session_attrs of its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_DATABASE_H
#define EPICENTER_COMMON_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "common/buffer.h"
#include "common/failure.h"
#include "common/instant.h"
#include "common/uuid.h"

struct database;

/* Remembers `conninfo` (any libpq connection string or URI; libpq's own variables and passfile
 * apply) and connects. `program` is shown in pg_stat_activity. `statement_timeout_ms` 0: none;
 * otherwise a server that is silent for 2 s longer counts as lost. */
MUST_CHECK bool database_open(const char *conninfo, const char *program, int statement_timeout_ms,
                              struct database **database, struct failure *failure);
void database_close(struct database *database);

/* Runs one statement with text parameters ($1 …; NULL is SQL NULL) and expects rows or nothing.
 * `result` (may be NULL) is text format and the caller's to PQclear. Errors carry the server's
 * message and its SQLSTATE; a lost connection, a server that is starting, full or too slow is
 * FAILURE_UNAVAILABLE, a unique violation FAILURE_CONFLICT. */
MUST_CHECK bool database_run(struct database *database, const char *sql, size_t parameter_count,
                             const char *const *parameters, PGresult **result,
                             struct failure *failure);

/* Several statements in one round trip: each is prepared by the connection when it first sees the
 * text (by its address: a constant), and none behind one that fails is run. `rows` (may be NULL)
 * gets the rows of the last statement that gives some, the caller's to PQclear. *in_doubt: all was
 * sent and the answer did not come, so a COMMIT among them may have happened. */
#define DATABASE_VALUES_MOST 16
#define DATABASE_PREPARED_MOST 16
struct database_value {
    const void *bytes; /* text with its NUL, or binary; NULL: SQL NULL */
    size_t length;     /* of binary */
    bool binary;
};
struct database_step {
    const char *sql;
    const struct database_value *values;
    size_t value_count;
};
MUST_CHECK bool database_pipeline(struct database *database, const struct database_step *steps,
                                  size_t count, PGresult **rows, bool *in_doubt,
                                  struct failure *failure);

/* Several statements without parameters, as a migration file holds them. */
MUST_CHECK bool database_run_script(struct database *database, const char *sql,
                                    struct failure *failure);

/* Sends a whole binary COPY … FROM STDIN; `rows` is as copy_writer made it. */
MUST_CHECK bool database_copy_in(struct database *database, const char *copy_sql,
                                 const struct buffer *rows, struct failure *failure);

/* Runs COPY … TO STDOUT (FORMAT binary) and hands each row to `row`; a false from it stops the
 * copy. COPY takes no parameters, so a query with some is first PREPAREd away into a view or uses
 * settings; see follow.c. Fields are valid during the call only. */
struct copy_field {
    const uint8_t *bytes; /* NULL: SQL NULL */
    size_t length;
};
typedef bool (*copy_row_handler)(void *context, const struct copy_field *fields, size_t count,
                                 struct failure *failure);
MUST_CHECK bool database_copy_out(struct database *database, const char *copy_sql,
                                  copy_row_handler row, void *context, struct failure *failure);

/* Commits the transaction under way; never on another connection than the one it began on. When the
 * answer was lost `in_doubt` is true: it may have been committed, or may yet be. */
MUST_CHECK bool database_commit(struct database *database, bool *in_doubt, struct failure *failure);

/* How often it has connected. What a caller remembers of the database holds only while this stays
 * the same: the next connection may lead to another server, which lost the newest transactions. */
unsigned database_connections(const struct database *database);

/* A Unix or TCP round trip that proves the connection works. */
MUST_CHECK bool database_ping(struct database *database, struct failure *failure);

/* ---- Rows of a binary COPY, in PostgreSQL's wire forms ---- */

#define COPY_SIGNATURE "PGCOPY\n\377\r\n" /* with its NUL */
void copy_begin(struct buffer *rows);     /* the header; once */
void copy_row(struct buffer *rows, int16_t field_count);
void copy_null(struct buffer *rows);
void copy_int16(struct buffer *rows, int16_t value);
void copy_int32(struct buffer *rows, int32_t value);
void copy_int64(struct buffer *rows, int64_t value);
void copy_double(struct buffer *rows, double value); /* NAN writes NULL */
void copy_bool(struct buffer *rows, bool value);
void copy_text(struct buffer *rows, const char *text); /* NULL writes NULL */
void copy_bytes(struct buffer *rows, const void *bytes, size_t length);
void copy_uuid(struct buffer *rows, const struct uuid *uuid);
void copy_instant(struct buffer *rows, instant_us instant); /* timestamptz */
void copy_end(struct buffer *rows);                         /* the trailer; once */

/* An array as a binary parameter: array_begin, as many copy_… fields as there are elements, and
 * array_end with their number. The types are PostgreSQL's own numbers (pg_type.oid). */
#define ARRAY_OF_TEXT 25U
#define ARRAY_OF_INT2 21U
#define ARRAY_OF_DOUBLE 701U
#define ARRAY_OF_INSTANT 1184U
#define ARRAY_OF_UUID 2950U
void array_begin(struct buffer *array, uint32_t element_type);
void array_end(struct buffer *array, size_t count);

/* Reading them back. Fail with FAILURE_SYSTEM when the length is not the type's. */
MUST_CHECK bool copy_read_int16(struct copy_field field, int16_t *value, struct failure *failure);
MUST_CHECK bool copy_read_int32(struct copy_field field, int32_t *value, struct failure *failure);
MUST_CHECK bool copy_read_int64(struct copy_field field, int64_t *value, struct failure *failure);
MUST_CHECK bool copy_read_double(struct copy_field field, double *value, struct failure *failure);
MUST_CHECK bool copy_read_uuid(struct copy_field field, struct uuid *value,
                               struct failure *failure);
MUST_CHECK bool copy_read_instant(struct copy_field field, instant_us *value,
                                  struct failure *failure);

#endif
