/* Whom may support call, and who looked? See contact.h. The hash is reckoned here once more, by
 * another implementation than the database's, so that neither is trusted alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/contact.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "analyzer/json_value.h"
#include "analyzer/statements.h"
#include "common/csv.h"

#define REASON_CHARACTERS_LEAST 3
#define REASON_CHARACTERS_MOST 500

/* ---- Importing ---- */

static const char *const columns[] = {"customer_id", "position", "name", "task", "phone", "email"};
#define COLUMNS (sizeof columns / sizeof *columns)

static bool read_rows(struct csv_reader *reader, json_t *rows, const char *path,
                      struct failure *failure)
{
    const char *cells[COLUMNS];
    bool end = false;
    while (csv_next(reader, cells, &end, failure)) {
        if (end) {
            return true;
        }
        bool complete = true;
        char *rest;
        long position = strtol(cells[1], &rest, 10);
        if (rest == cells[1] || *rest != '\0' || position < 1 || position > 20) {
            return failure_set(failure, FAILURE_INVALID,
                               "%s line %zu, position: \"%.40s\" is not a number from 1 to 20",
                               path, csv_line(reader), cells[1]);
        }
        if (*cells[2] == '\0') {
            return failure_set(failure, FAILURE_INVALID, "%s line %zu, name: must not be empty",
                               path, csv_line(reader));
        }
        json_t *row = json_object();
        for (size_t i = 0; i < COLUMNS; i++) {
            json_value_set(row, columns[i], json_value_text(cells[i]), &complete);
        }
        json_value_append(rows, row, &complete);
        if (!complete) {
            return failure_memory(failure, "importing");
        }
    }
    return false;
}

bool contact_import(struct database *database, const char *path, size_t *count,
                    struct failure *failure)
{
    struct csv_reader *reader;
    if (!csv_open(path, columns, COLUMNS, &reader, failure)) {
        return false;
    }
    json_t *rows = json_array();
    char *text = NULL;
    bool good = rows != NULL && read_rows(reader, rows, path, failure);
    csv_close(reader);
    *count = json_array_size(rows);
    if (good && (text = json_dumps(rows, JSON_COMPACT)) == NULL) {
        good = failure_memory(failure, "importing");
    }
    const char *parameters[] = {text};
    good = good && database_run(database, STATEMENT_CONTACT_IMPORT, 1, parameters, NULL, failure);
    free(text);
    json_decref(rows);
    return good;
}

/* ---- Reading ---- */

static bool write_contacts(const PGresult *rows, const char *customer_id, bool opened,
                           struct buffer *out, struct failure *failure)
{
    static const char *const names[] = {"task", "name", "phone", "email"};
    bool complete = true;
    json_t *contacts = json_array();
    for (int row = 0; row < PQntuples(rows); row++) {
        json_t *contact = json_object();
        json_value_set(contact, "position",
                       json_integer(strtol(PQgetvalue(rows, row, 0), NULL, 10)), &complete);
        for (int i = 0; i < 4; i++) {
            json_value_set(contact, names[i], json_value_text(PQgetvalue(rows, row, i + 1)),
                           &complete);
        }
        json_value_append(contacts, contact, &complete);
    }
    json_t *document = json_object();
    json_value_set(document, "customer_id", json_value_text(customer_id), &complete);
    json_value_set(document, "opened", json_boolean(opened), &complete);
    json_value_set(document, "contacts", contacts, &complete);
    return json_value_write(document, complete, out, failure);
}

bool contact_mask(struct database *database, const char *customer_id, struct buffer *out,
                  struct failure *failure)
{
    PGresult *rows = NULL;
    if (!database_run(database, STATEMENT_CONTACT_MASKED, 1, &customer_id, &rows, failure)) {
        return false;
    }
    bool good = write_contacts(rows, customer_id, false, out, failure);
    PQclear(rows);
    return good;
}

static size_t count_characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0U) != 0x80U;
    }
    return count;
}

bool contact_open(struct database *database, const char *customer_id,
                  const struct identity *identity, const struct contact_reason *reason,
                  struct buffer *out, struct failure *failure)
{
    size_t length = reason->reason != NULL ? count_characters(reason->reason) : 0;
    if (reason->update_id == NULL || length < REASON_CHARACTERS_LEAST ||
        length > REASON_CHARACTERS_MOST) {
        return failure_set(failure, FAILURE_INVALID,
                           "contacts are opened for an update and with a reason of %d to %d "
                           "characters",
                           REASON_CHARACTERS_LEAST, REASON_CHARACTERS_MOST);
    }
    PGresult *rows = NULL;
    const char *parameters[] = {reason->update_id, customer_id, identity->name,
                                role_name(identity->role), reason->reason};
    if (!database_run(database, STATEMENT_CONTACT_OPEN, 5, parameters, &rows, failure)) {
        return false;
    }
    bool good = PQntuples(rows) > 0 ? write_contacts(rows, customer_id, true, out, failure)
                                    : failure_set(failure, FAILURE_NOT_FOUND,
                                                  "nobody is known to call at %.100s", customer_id);
    PQclear(rows);
    return good;
}

/* ---- The log ---- */

#define FIELDS 7 /* of a row that are hashed, from the first */

static bool row_is_good(const PGresult *rows, int row, const char *previous,
                        char hash[CONTACT_HASH_SIZE])
{
    uint8_t bytes[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    struct buffer line = {0};
    for (int i = 0; i < FIELDS; i++) {
        const char *field = PQgetvalue(rows, row, i);
        buffer_append_format(&line, "%s%zu:", i > 0 ? "," : "", strlen(field));
        buffer_append_text(&line, field);
    }
    bool good =
        !line.failed &&
        sodium_hex2bin(bytes, sizeof bytes, previous, strlen(previous), NULL, NULL, NULL) == 0 &&
        strtoll(PQgetvalue(rows, row, 0), NULL, 10) == row + 1 &&
        strcmp(PQgetvalue(rows, row, FIELDS), previous) == 0;
    if (good) {
        crypto_hash_sha256_init(&state);
        crypto_hash_sha256_update(&state, bytes, sizeof bytes);
        crypto_hash_sha256_update(&state, (const unsigned char *)line.data, line.length);
        crypto_hash_sha256_final(&state, bytes);
        sodium_bin2hex(hash, CONTACT_HASH_SIZE, bytes, sizeof bytes);
        good = strcmp(PQgetvalue(rows, row, FIELDS + 1), hash) == 0;
    }
    buffer_free(&line);
    return good;
}

bool contact_verify(struct database *database, size_t *count, char last[CONTACT_HASH_SIZE],
                    struct failure *failure)
{
    PGresult *rows = NULL;
    if (!database_run(database, STATEMENT_CONTACT_OPENINGS, 0, NULL, &rows, failure)) {
        return false;
    }
    bool good = true;
    memset(last, '0', CONTACT_HASH_SIZE - 1);
    last[CONTACT_HASH_SIZE - 1] = '\0';
    *count = (size_t)PQntuples(rows);
    for (int row = 0; good && row < PQntuples(rows); row++) {
        char previous[CONTACT_HASH_SIZE];
        memcpy(previous, last, sizeof previous);
        good = row_is_good(rows, row, previous, last) ||
               failure_set(failure, FAILURE_CONFLICT,
                           "the log is not as it was written: at opening %s a row was changed, "
                           "added or taken out",
                           PQgetvalue(rows, row, 0));
    }
    PQclear(rows);
    return good;
}
