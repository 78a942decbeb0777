/* RFC 4180, one record at a time; see csv.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/csv.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

/* A record longer than this is a missing quote, not a record. */
#define RECORD_LIMIT ((size_t)1 << 20)

#define NOWHERE SIZE_MAX

struct csv_reader {
    FILE *file;
    char *path;
    size_t wanted;      /* columns the caller asked for */
    size_t width;       /* columns of the file */
    size_t *place;      /* column of the file, by wanted column; NOWHERE: it has none */
    struct buffer text; /* the record's cells, each ending in NUL */
    size_t *starts;     /* of the cells in `text` */
    size_t start_capacity, cell_count;
    size_t line; /* of the record last read */
    size_t next_line;
};

static bool bad(const struct csv_reader *reader, struct failure *failure, const char *what)
{
    return failure_set(failure, FAILURE_INVALID, "%s line %zu: %s", reader->path, reader->line,
                       what);
}

static bool end_cell(struct csv_reader *reader, size_t start, struct failure *failure)
{
    if (reader->cell_count == reader->start_capacity) {
        size_t capacity = reader->start_capacity == 0 ? 32 : reader->start_capacity * 2;
        size_t *starts = realloc(reader->starts, capacity * sizeof *starts);
        if (starts == NULL) {
            return failure_memory(failure, "reading CSV");
        }
        reader->starts = starts;
        reader->start_capacity = capacity;
    }
    reader->starts[reader->cell_count++] = start;
    buffer_append(&reader->text, "", 1);
    return buffer_check(&reader->text, failure);
}

static bool put(struct csv_reader *reader, int byte, struct failure *failure)
{
    if (byte == '\0') {
        return bad(reader, failure, "a NUL byte");
    }
    if (reader->text.length >= RECORD_LIMIT) {
        return bad(reader, failure, "the record is over 1 MiB; is a quote missing?");
    }
    char one = (char)byte;
    buffer_append(&reader->text, &one, 1);
    return true;
}

/* Unlocked: a reader is used by one thread, and a lock for every byte is most of the time. */
static int next_byte(struct csv_reader *reader)
{
    return getc_unlocked(reader->file);
}

/* The rest of a quoted cell, after its opening quote; *byte is what follows its closing one. */
static bool read_quoted(struct csv_reader *reader, int *byte, struct failure *failure)
{
    for (;;) {
        *byte = next_byte(reader);
        if (*byte == EOF) {
            return bad(reader, failure, "a quoted cell does not end");
        }
        if (*byte == '"') {
            *byte = next_byte(reader);
            if (*byte != '"') {
                break;
            }
        }
        reader->next_line += *byte == '\n';
        if (!put(reader, *byte, failure)) {
            return false;
        }
    }
    if (*byte != ',' && *byte != '\n' && *byte != '\r' && *byte != EOF) {
        return bad(reader, failure, "text after a closing quote");
    }
    return true;
}

/* Reads one record into cells; *end when there is none. Empty lines are passed over. */
static bool read_record(struct csv_reader *reader, bool *end, struct failure *failure)
{
    buffer_clear(&reader->text);
    reader->cell_count = 0;
    *end = false;
    int byte = next_byte(reader);
    while (byte == '\n' || byte == '\r') {
        reader->next_line += byte == '\n';
        byte = next_byte(reader);
    }
    reader->line = reader->next_line;
    if (byte == EOF) {
        *end = true;
        return !ferror(reader->file) || bad(reader, failure, strerror(errno));
    }
    for (;;) {
        size_t start = reader->text.length;
        if (byte == '"') {
            if (!read_quoted(reader, &byte, failure)) {
                return false;
            }
        } else {
            for (; byte != ',' && byte != '\n' && byte != '\r' && byte != EOF;
                 byte = next_byte(reader)) {
                if (!put(reader, byte, failure)) {
                    return false;
                }
            }
        }
        if (!end_cell(reader, start, failure)) {
            return false;
        }
        if (byte != ',') {
            break;
        }
        byte = next_byte(reader);
    }
    if (byte == '\r') {
        byte = next_byte(reader);
        if (byte != '\n' && byte != EOF) {
            ungetc(byte, reader->file);
        }
    }
    reader->next_line += byte != EOF;
    return true;
}

static void skip_byte_order_mark(FILE *file)
{
    int first = getc(file);
    if (first != 0xef) {
        ungetc(first, file);
        return;
    }
    int second = getc(file);
    int third = getc(file);
    if (second != 0xbb || third != 0xbf) {
        rewind(file);
    }
}

static bool find_columns(struct csv_reader *reader, const char *const *columns, size_t needed,
                         struct failure *failure)
{
    for (size_t i = 0; i < reader->wanted; i++) {
        size_t at = 0;
        while (at < reader->cell_count &&
               strcmp(reader->text.data + reader->starts[at], columns[i]) != 0) {
            at++;
        }
        if (at == reader->cell_count && i < needed) {
            return failure_set(failure, FAILURE_INVALID, "%s line 1: there is no column \"%s\"",
                               reader->path, columns[i]);
        }
        reader->place[i] = at < reader->cell_count ? at : NOWHERE;
    }
    reader->width = reader->cell_count;
    return true;
}

static FILE *open_source(const struct csv_source *source)
{
    /* fmemopen only reads in mode r. NOLINTNEXTLINE(performance-no-int-to-ptr) */
    return source->text != NULL ? fmemopen((void *)(uintptr_t)source->text, source->length, "re")
                                : fopen(source->path, "re");
}

bool csv_open_some(const struct csv_source *source, const char *const *columns, size_t count,
                   size_t needed, struct csv_reader **reader, struct failure *failure)
{
    struct csv_reader *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "reading CSV");
    }
    made->next_line = 1;
    made->wanted = count;
    made->path = strdup(source->path);
    made->place = calloc(count + 1, sizeof *made->place);
    if (made->path == NULL || made->place == NULL) {
        csv_close(made);
        return failure_memory(failure, "reading CSV");
    }
    made->file = open_source(source);
    if (made->file == NULL) {
        failure_set(failure, FAILURE_NOT_FOUND, "cannot read %s: %s", source->path,
                    strerror(errno));
        csv_close(made);
        return false;
    }
    skip_byte_order_mark(made->file);
    bool end;
    bool done = read_record(made, &end, failure);
    if (done && end) {
        done = failure_set(failure, FAILURE_INVALID, "%s is empty; it needs a header line",
                           source->path);
    }
    if (!done || !find_columns(made, columns, needed, failure)) {
        csv_close(made);
        return false;
    }
    *reader = made;
    return true;
}

bool csv_open(const char *path, const char *const *columns, size_t count,
              struct csv_reader **reader, struct failure *failure)
{
    const struct csv_source source = {.path = path};
    return csv_open_some(&source, columns, count, count, reader, failure);
}

bool csv_next(struct csv_reader *reader, const char **cells, bool *end, struct failure *failure)
{
    if (!read_record(reader, end, failure)) {
        return false;
    }
    if (*end) {
        return true;
    }
    if (reader->cell_count != reader->width) {
        return failure_set(failure, FAILURE_INVALID,
                           "%s line %zu: %zu cells where the header has %zu", reader->path,
                           reader->line, reader->cell_count, reader->width);
    }
    if (!utf8_is_valid(reader->text.data, reader->text.length)) {
        return bad(reader, failure, "not UTF-8; save the file in that encoding");
    }
    for (size_t i = 0; i < reader->wanted; i++) {
        size_t at = reader->place[i];
        cells[i] = at == NOWHERE ? "" : reader->text.data + reader->starts[at];
    }
    return true;
}

size_t csv_line(const struct csv_reader *reader)
{
    return reader->line;
}

void csv_close(struct csv_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->file != NULL) {
        fclose(reader->file);
    }
    free(reader->path);
    free(reader->place);
    free(reader->starts);
    buffer_free(&reader->text);
    free(reader);
}

void csv_append_cell(struct buffer *buffer, const char *text)
{
    bool formula = *text != '\0' && strchr("=+-@\t\r", *text) != NULL;
    bool quoted = strpbrk(text, "\",\r\n") != NULL;
    buffer_append_text(buffer, quoted ? "\"" : "");
    buffer_append_text(buffer, formula ? "'" : "");
    while (*text != '\0') {
        size_t length = strcspn(text, "\"");
        bool quote = text[length] == '"';
        buffer_append(buffer, text, length + (quote ? 1 : 0));
        buffer_append_text(buffer, quote ? "\"" : "");
        text += length + (quote ? 1 : 0);
    }
    buffer_append_text(buffer, quoted ? "\"" : "");
}
