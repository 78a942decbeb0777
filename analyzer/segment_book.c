/* What does this segment id stand for? A cache over table segment that is filled in batches: while
 * rows are being copied out the connection is busy, so ids are noted first and read after.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/segment_book.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyzer/statements.h"
#include "common/arena.h"
#include "common/buffer.h"
#include "common/hash_index.h"

struct segment_entry {
    struct uuid id;
    const struct report_attribute *attributes;
    size_t attribute_count;
};

struct segment_book {
    struct segment_entry *entries;
    size_t count, capacity;
    size_t fetched; /* entries before this one have been read */
    struct hash_index by_id;
    struct arena arena;
};

bool segment_book_new(struct segment_book **book, struct failure *failure)
{
    *book = calloc(1, sizeof **book);
    return *book != NULL || failure_memory(failure, "keeping segments");
}

void segment_book_free(struct segment_book *book)
{
    if (book == NULL) {
        return;
    }
    hash_index_free(&book->by_id);
    arena_free(&book->arena);
    free(book->entries);
    free(book);
}

struct search {
    const struct segment_book *book;
    const struct uuid *id;
};

static bool is_entry(const void *context, uint32_t item)
{
    const struct search *search = context;
    return uuid_compare(&search->book->entries[item].id, search->id) == 0;
}

static uint32_t find(const struct segment_book *book, const struct uuid *id)
{
    struct search search = {book, id};
    return hash_index_find(&book->by_id, hash_bytes(id, sizeof *id), is_entry, &search);
}

bool segment_book_want(struct segment_book *book, const struct uuid *segment_id,
                       struct failure *failure)
{
    if (find(book, segment_id) != HASH_INDEX_NONE) {
        return true;
    }
    if (book->count == book->capacity) {
        size_t capacity = book->capacity == 0 ? 256 : 2 * book->capacity;
        struct segment_entry *grown = realloc(book->entries, capacity * sizeof *grown);
        if (grown == NULL) {
            return failure_memory(failure, "keeping segments");
        }
        book->entries = grown;
        book->capacity = capacity;
    }
    if (!hash_index_add(&book->by_id, hash_bytes(segment_id, sizeof *segment_id),
                        (uint32_t)book->count, failure)) {
        return false;
    }
    book->entries[book->count++] = (struct segment_entry){.id = *segment_id};
    return true;
}

/* Fills the entry from the JSON of its row. */
static bool read_attributes(struct segment_book *book, struct segment_entry *entry,
                            const char *text, struct failure *failure)
{
    bool good = false;
    json_t *object = json_loads(text, 0, NULL);
    size_t size = json_object_size(object);
    struct report_attribute *attributes =
        arena_allocate(&book->arena, (size > 0 ? size : 1) * sizeof *attributes);
    if (!json_is_object(object)) {
        failure_set(failure, FAILURE_INVALID, "a row of table segment does not hold an object");
        goto done;
    }
    if (attributes == NULL) {
        failure_memory(failure, "keeping segments");
        goto done;
    }
    const char *name;
    json_t *value;
    size_t count = 0;
    json_object_foreach(object, name, value)
    {
        if (json_is_string(value)) {
            attributes[count].name = arena_copy_text(&book->arena, name, strlen(name));
            attributes[count].value =
                arena_copy_text(&book->arena, json_string_value(value), json_string_length(value));
            if (attributes[count].name == NULL || attributes[count].value == NULL) {
                failure_memory(failure, "keeping segments");
                goto done;
            }
            count++;
        }
    }
    report_sort_attributes(attributes, count);
    entry->attributes = attributes;
    entry->attribute_count = count;
    good = true;

done:
    json_decref(object);
    return good;
}

static bool take_row(struct segment_book *book, const char *id_text, const char *attributes,
                     struct failure *failure)
{
    struct uuid id;
    uint32_t item = uuid_parse(id_text, &id) ? find(book, &id) : HASH_INDEX_NONE;
    return item == HASH_INDEX_NONE ||
           read_attributes(book, &book->entries[item], attributes, failure);
}

bool segment_book_fetch(struct segment_book *book, struct database *database,
                        struct failure *failure)
{
    if (book->fetched == book->count) {
        return true;
    }
    bool good = false;
    struct buffer ids = {0};
    PGresult *rows = NULL;
    for (size_t i = book->fetched; i < book->count; i++) {
        char text[UUID_TEXT_SIZE];
        buffer_append_format(&ids, "%s%s", i == book->fetched ? "{" : ",",
                             uuid_format(&book->entries[i].id, text));
    }
    buffer_append_text(&ids, "}");
    const char *parameters[] = {ids.data};
    if (!buffer_check(&ids, failure) ||
        !database_run(database, STATEMENT_SEGMENTS, 1, parameters, &rows, failure)) {
        goto done;
    }
    for (int row = 0; row < PQntuples(rows); row++) {
        if (!take_row(book, PQgetvalue(rows, row, 0), PQgetvalue(rows, row, 1), failure)) {
            goto done;
        }
    }
    book->fetched = book->count;
    good = true;

done:
    PQclear(rows);
    buffer_free(&ids);
    return good;
}

const struct report_attribute *segment_book_attributes(const struct segment_book *book,
                                                       const struct uuid *segment_id, size_t *count)
{
    uint32_t item = find(book, segment_id);
    *count = item == HASH_INDEX_NONE ? 0 : book->entries[item].attribute_count;
    return item == HASH_INDEX_NONE ? NULL : book->entries[item].attributes;
}
