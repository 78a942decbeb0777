/* A growing run of bytes with a sticky failure; see buffer.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 256

static bool reserve(struct buffer *buffer, size_t more)
{
    if (buffer->failed || more > SIZE_MAX - 1 - buffer->length) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->length + more + 1;
    if (needed <= buffer->capacity) {
        return true;
    }
    size_t capacity = buffer->capacity == 0 ? CAPACITY_FIRST : buffer->capacity;
    while (capacity < needed) {
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    }
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    if (!reserve(buffer, length)) {
        return;
    }
    if (length > 0) {
        memcpy(buffer->data + buffer->length, bytes, length);
    }
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    /* Most often there is room, and formatting twice would be most of the work. */
    size_t room = buffer->failed ? 0 : buffer->capacity - buffer->length;
    char *end = room > 0 ? buffer->data + buffer->length : NULL;
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(end, room, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < room) {
        buffer->length += (size_t)length;
    } else if (length >= 0 && reserve(buffer, (size_t)length)) {
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    } else {
        buffer->failed = true;
        if (room > 0) {
            *end = '\0';
        }
    }
    va_end(again);
}

/* The number in six digits without its sign and point, and how many of them stand behind the point;
 * false where that takes more care than a multiplication: an exponent, or so near to the middle
 * between two sixth digits that its error (under 1e-9 of one) may count. */
static bool take_six_digits(double size, uint32_t *digits, unsigned *behind)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    if (!(size >= 1e-4 && size < 1e6)) {
        return false;
    }
    *behind = 0;
    while (size * powers[*behind] < 1e5) {
        if (++*behind == sizeof powers / sizeof *powers) {
            return false;
        }
    }
    double scaled = size * powers[*behind];
    *digits = (uint32_t)(scaled + 0.5);
    double past_middle = scaled + 0.5 - *digits;
    return *digits < 1000000 && past_middle > 1e-6 && past_middle < 1 - 1e-6;
}

void buffer_append_six_digits(struct buffer *buffer, double number)
{
    uint32_t digits;
    unsigned behind;
    bool negative = number < 0;
    if (!take_six_digits(negative ? -number : number, &digits, &behind)) {
        buffer_append_format(buffer, "%.6g", number);
        return;
    }
    char text[16]; /* at most a sign, "0." and nine */
    size_t at = sizeof text;
    for (; behind > 0; behind--, digits /= 10) {
        if (digits % 10 != 0 || at < sizeof text) {
            text[--at] = (char)('0' + digits % 10);
        }
    }
    if (at < sizeof text) {
        text[--at] = '.';
    }
    do {
        text[--at] = (char)('0' + digits % 10);
        digits /= 10;
    } while (digits > 0);
    if (negative) {
        text[--at] = '-';
    }
    buffer_append(buffer, text + at, sizeof text - at);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

bool buffer_check(const struct buffer *buffer, struct failure *failure)
{
    return !buffer->failed || failure_memory(failure, "writing a buffer");
}
