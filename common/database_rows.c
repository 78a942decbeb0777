/* The wire forms of PostgreSQL's binary COPY, and of arrays as binary parameters; see database.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/database.h"

#include <math.h>
#include <string.h>

/* PostgreSQL counts from 2000-01-01. */
#define POSTGRES_EPOCH (INT64_C(946684800) * INSTANT_SECOND)

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
    buffer_append(rows, COPY_SIGNATURE, sizeof COPY_SIGNATURE);
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

/* ---- Arrays ---- */

void array_begin(struct buffer *array, uint32_t element_type)
{
    buffer_clear(array);
    append_big(array, 1, 4); /* dimensions */
    append_big(array, 1, 4); /* there may be nulls */
    append_big(array, element_type, 4);
    append_big(array, 0, 4); /* how many: array_end knows */
    append_big(array, 1, 4); /* the first is number 1 */
}

void array_end(struct buffer *array, size_t count)
{
    const size_t at = 12; /* behind dimensions, nulls and type */
    for (size_t i = 0; i < 4 && array->length >= at + 4; i++) {
        array->data[at + i] = (char)(uint8_t)(count >> (8 * (3 - i)));
    }
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
