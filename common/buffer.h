/* A growing run of bytes: request bodies, JSON being written, rows for COPY.
 *
 * Appending never reports an error; the first one that runs out of memory sets `failed` and the
 * rest do nothing, so a writer checks once, at the end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_BUFFER_H
#define EPICENTER_COMMON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"

/* A zeroed struct is an empty buffer. */
struct buffer {
    char *data; /* NUL-terminated beyond `length` whenever not NULL */
    size_t length;
    size_t capacity;
    bool failed;
};

void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_format(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
/* The bytes of "%.6g", sooner: a table of ten thousand rows has eight such numbers in each. */
void buffer_append_six_digits(struct buffer *buffer, double number);

/* Forgets the content and keeps the memory. */
void buffer_clear(struct buffer *buffer);
void buffer_free(struct buffer *buffer);

/* True unless an append failed; fills `failure` otherwise. */
MUST_CHECK bool buffer_check(const struct buffer *buffer, struct failure *failure);

#endif
