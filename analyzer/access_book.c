/* Whose credential is this? See access_book.h. The hard thing is time: how long a session still has
 * is reckoned by the database's clock, and carried on by ours from when it was read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/access_book.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "analyzer/credential.h"
#include "analyzer/statements.h"
#include "common/buffer.h"

/* A session that is used is written down this often: with 30 minutes of silence allowed, nobody
 * notices half a one. */
#define HEARD_INTERVAL (30 * INSTANT_SECOND)

struct entry {
    uint8_t hash[CREDENTIAL_HASH_BYTES];
    struct identity identity;
    bool is_session;
    bool heard;              /* since the last load, long enough after the time that is written */
    instant_us ends_at;      /* of a session, in any case */
    instant_us idle_ends_at; /* unless it is heard of */
    instant_us idle_allowed;
};

struct access_book {
    pthread_mutex_t mutex; /* of what follows */
    struct entry *entries; /* in the order of their hashes */
    size_t count;
};

bool access_book_new(struct access_book **book, struct failure *failure)
{
    struct access_book *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to serve");
    }
    pthread_mutex_init(&made->mutex, NULL);
    *book = made;
    return true;
}

void access_book_free(struct access_book *book)
{
    if (book == NULL) {
        return;
    }
    pthread_mutex_destroy(&book->mutex);
    free(book->entries);
    free(book);
}

static int compare(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    return memcmp(left->hash, right->hash, sizeof left->hash);
}

bool access_book_find(struct access_book *book, const char *credential, instant_us now,
                      struct identity *identity)
{
    struct entry key = {0};
    bool good = false;
    credential_hash(credential, key.hash);
    pthread_mutex_lock(&book->mutex);
    struct entry *entry =
        book->count > 0 ? bsearch(&key, book->entries, book->count, sizeof *book->entries, compare)
                        : NULL;
    if (entry != NULL &&
        (!entry->is_session || (now < entry->ends_at && now < entry->idle_ends_at))) {
        *identity = entry->identity;
        good = true;
        if (entry->is_session) {
            entry->heard |= now + entry->idle_allowed - entry->idle_ends_at > HEARD_INTERVAL;
        }
    }
    pthread_mutex_unlock(&book->mutex);
    return good;
}

/* ---- Loading ---- */

/* {hash,hash,…} of the sessions heard of. */
static void list_heard(struct access_book *book, struct buffer *list)
{
    char hex[CREDENTIAL_HEX_SIZE];
    pthread_mutex_lock(&book->mutex);
    for (size_t i = 0; i < book->count; i++) {
        if (book->entries[i].heard) {
            buffer_append_text(list, list->length == 0 ? "{" : ",");
            buffer_append_text(list, sodium_bin2hex(hex, sizeof hex, book->entries[i].hash,
                                                    CREDENTIAL_HASH_BYTES));
        }
    }
    pthread_mutex_unlock(&book->mutex);
    if (list->length > 0) {
        buffer_append_text(list, "}");
    }
}

static bool write_heard(struct access_book *book, struct database *database,
                        struct failure *failure)
{
    struct buffer list = {0};
    list_heard(book, &list);
    const char *parameters[] = {list.data};
    bool good = buffer_check(&list, failure) &&
                (list.length == 0 ||
                 database_run(database, STATEMENT_SESSION_HEARD, 1, parameters, NULL, failure));
    buffer_free(&list);
    return good;
}

static bool read_entry(const PGresult *rows, int row, instant_us now, struct entry *entry,
                       struct failure *failure)
{
    const char *name = PQgetvalue(rows, row, 1);
    const char *role = PQgetvalue(rows, row, 2);
    *entry = (struct entry){.is_session = !PQgetisnull(rows, row, 3)};
    if (sodium_hex2bin(entry->hash, sizeof entry->hash, PQgetvalue(rows, row, 0),
                       CREDENTIAL_HEX_SIZE - 1, NULL, NULL, NULL) != 0) {
        return failure_set(failure, FAILURE_SYSTEM, "the database holds a hash that is none");
    }
    entry->identity.is_program = !entry->is_session;
    (void)snprintf(entry->identity.name, sizeof entry->identity.name, "%s%s",
                   entry->is_session ? "" : "key ", name);
    if (!entry->is_session) {
        return role_of_scope(role, &entry->identity.role, failure);
    }
    entry->ends_at = now + strtoll(PQgetvalue(rows, row, 3), NULL, 10);
    entry->idle_ends_at = now + strtoll(PQgetvalue(rows, row, 4), NULL, 10);
    entry->idle_allowed = strtoll(PQgetvalue(rows, row, 5), NULL, 10);
    return role_parse(role, &entry->identity.role, failure);
}

bool access_book_load(struct access_book *book, struct database *database, struct failure *failure)
{
    PGresult *rows = NULL;
    instant_us now = instant_now();
    if (!write_heard(book, database, failure) ||
        !database_run(database, STATEMENT_ACCESS, 0, NULL, &rows, failure)) {
        return false;
    }
    size_t count = (size_t)PQntuples(rows);
    struct entry *entries = calloc(count + 1, sizeof *entries);
    if (entries == NULL) {
        PQclear(rows);
        return failure_memory(failure, "reading who may come in");
    }
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        good = read_entry(rows, (int)i, now, &entries[i], failure);
    }
    PQclear(rows);
    if (!good) {
        free(entries);
        return false;
    }
    qsort(entries, count, sizeof *entries, compare);
    pthread_mutex_lock(&book->mutex);
    struct entry *old = book->entries;
    book->entries = entries;
    book->count = count;
    pthread_mutex_unlock(&book->mutex);
    free(old);
    return true;
}
