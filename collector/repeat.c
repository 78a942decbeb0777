/* Was this request committed before? See repeat.h. The hard thing is two of the same at once: the
 * insertion of a key waits for whoever inserts it, too, and only then says that it was there; so
 * the answer is read by a statement of its own, which sees what the other has committed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/repeat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <libpq-fe.h>
#include <sodium.h>

#include "collector/batch.h"
#include "collector/statements.h"
#include "common/report.h"

/* Customer and key in one name; no customer has this byte. */
#define NAME_SIZE (REPORT_TEXT_LIMIT + 1 + REPEAT_KEY_LIMIT + 1)

bool repeat_read_key(const char *header, char key[REPEAT_KEY_LIMIT + 1], struct failure *failure)
{
    bool quoted = header[0] == '"';
    size_t length = 0;
    const char *at = header + quoted;
    for (; *at != '\0' && !(quoted && *at == '"'); at++) {
        if (quoted && *at == '\\' && (at[1] == '"' || at[1] == '\\')) {
            at++;
        }
        if (*at < ' ' || *at > '~' || length == REPEAT_KEY_LIMIT) {
            length = 0;
            break;
        }
        key[length++] = *at;
    }
    key[length] = '\0';
    return (length > 0 && (quoted ? strcmp(at, "\"") == 0 : *at == '\0')) ||
           failure_set(failure, FAILURE_INVALID,
                       "Idempotency-Key: send 1 to %d printable characters in quotation marks",
                       REPEAT_KEY_LIMIT);
}

void repeat_fingerprint(const char *route, bool one_report, const void *body, size_t length,
                        uint8_t fingerprint[REPEAT_FINGERPRINT_SIZE])
{
    crypto_generichash_state state;
    const unsigned char form = one_report;
    (void)crypto_generichash_init(&state, NULL, 0, REPEAT_FINGERPRINT_SIZE);
    (void)crypto_generichash_update(&state, (const unsigned char *)route, strlen(route) + 1);
    (void)crypto_generichash_update(&state, &form, 1);
    (void)crypto_generichash_update(&state, body, length);
    (void)crypto_generichash_final(&state, fingerprint, REPEAT_FINGERPRINT_SIZE);
}

/* ---- In the transaction ---- */

static const char *name_of(const char *customer_id, const char *key, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "%s\n%s", customer_id, key);
    return name;
}

/* The keys for both statements; NULL when memory is out. */
static char *describe(const struct batch *first)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (const struct batch *batch = first; good && batch != NULL; batch = batch->next) {
        const struct repeat *repeat = batch->repeat;
        char fingerprint[2 * REPEAT_FINGERPRINT_SIZE + 1];
        if (repeat == NULL) {
            continue;
        }
        (void)sodium_bin2hex(fingerprint, sizeof fingerprint, repeat->fingerprint,
                             sizeof repeat->fingerprint);
        json_t *item =
            json_pack("{s:I, s:s, s:s, s:s, s:s#}", "n", (json_int_t)json_array_size(list),
                      "customer_id", batch->customer_id, "key", repeat->key, "fingerprint",
                      fingerprint, "answer", repeat->answer.data, (int)repeat->answer.length);
        good = item != NULL && json_array_append_new(list, item) == 0;
    }
    char *text = good ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

/* Runs a statement over the keys and takes its rows into an object: "customer\nkey" to the fields
 * after these two, as an array. */
static json_t *ask(struct database *database, const char *statement, const char *keys,
                   struct failure *failure)
{
    const char *const parameters[] = {keys};
    PGresult *result = NULL;
    if (!database_run(database, statement, 1, parameters, &result, failure)) {
        return NULL;
    }
    json_t *rows = json_object();
    bool good = rows != NULL;
    for (int row = 0; good && row < PQntuples(result); row++) {
        char name[NAME_SIZE];
        json_t *fields = json_array();
        for (int field = 2; good && field < PQnfields(result); field++) {
            good = json_array_append_new(fields, json_string(PQgetvalue(result, row, field))) == 0;
        }
        (void)name_of(PQgetvalue(result, row, 0), PQgetvalue(result, row, 1), name);
        good = json_object_set_new(rows, name, fields) == 0 && good;
    }
    PQclear(result);
    if (!good) {
        json_decref(rows);
        failure_memory(failure, "looking for repeated requests");
        return NULL;
    }
    return rows;
}

/* One whose key was there: is it the same request? */
static bool judge(const struct batch *batch, const json_t *committed, struct failure *failure)
{
    struct repeat *repeat = batch->repeat;
    char name[NAME_SIZE];
    char fingerprint[2 * REPEAT_FINGERPRINT_SIZE + 1];
    const json_t *fields =
        json_object_get(committed, name_of(batch->customer_id, repeat->key, name));
    const char *was = json_string_value(json_array_get(fields, 0));
    const char *answer = json_string_value(json_array_get(fields, 1));
    if (was == NULL || answer == NULL) {
        return failure_set(failure, FAILURE_UNAVAILABLE,
                           "an Idempotency-Key was forgotten while it was looked up");
    }
    (void)sodium_bin2hex(fingerprint, sizeof fingerprint, repeat->fingerprint,
                         sizeof repeat->fingerprint);
    repeat->kind = strcmp(was, fingerprint) == 0 ? REPEAT_SAME : REPEAT_OTHER;
    buffer_clear(&repeat->answer);
    buffer_append_text(&repeat->answer, answer);
    return true;
}

/* Those that were not claimed now are looked up; of two with one key in the group, the first has
 * claimed it. */
static bool judge_all(struct database *database, const struct batch *first, json_t *claimed,
                      const char *keys, struct failure *failure)
{
    json_t *committed = NULL;
    bool good = true;
    for (const struct batch *batch = first; good && batch != NULL; batch = batch->next) {
        char name[NAME_SIZE];
        if (batch->repeat == NULL) {
            continue;
        }
        batch->repeat->kind = REPEAT_FIRST;
        if (json_object_del(claimed, name_of(batch->customer_id, batch->repeat->key, name)) == 0) {
            continue;
        }
        if (committed == NULL) {
            committed = ask(database, STATEMENT_READ_KEYS, keys, failure);
        }
        good = committed != NULL && judge(batch, committed, failure);
    }
    json_decref(committed);
    return good;
}

bool repeat_claim(struct database *database, const struct batch *first, struct failure *failure)
{
    const struct batch *batch = first;
    while (batch != NULL && batch->repeat == NULL) {
        batch = batch->next;
    }
    if (batch == NULL) {
        return true;
    }
    char *keys = describe(batch);
    if (keys == NULL) {
        return failure_memory(failure, "writing down Idempotency-Keys");
    }
    json_t *claimed = ask(database, STATEMENT_CLAIM_KEYS, keys, failure);
    bool good = claimed != NULL && judge_all(database, batch, claimed, keys, failure);
    json_decref(claimed);
    free(keys);
    return good;
}
