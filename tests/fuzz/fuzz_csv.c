/* Can any CSV file make the reader crash or give a cell that it must not, and is what we write what
 * we read? The first byte chooses between a strange file and cells that are written and read back.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/csv.h"
#include "common/utf8.h"
#include "tests/fuzz/memory_file.h"

#define CELLS 2

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const char *const columns[CELLS] = {"a", "b"};

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_strange(const uint8_t *bytes, size_t length)
{
    struct csv_reader *reader = NULL;
    struct failure failure = {0};
    if (!csv_open(memory_file(bytes, length), columns, CELLS, &reader, &failure)) {
        demand(failure.code != FAILURE_NONE);
        return;
    }
    size_t line = csv_line(reader);
    for (;;) {
        const char *cells[CELLS];
        bool end = false;
        if (!csv_next(reader, cells, &end, &failure)) {
            demand(failure.code != FAILURE_NONE);
            break;
        }
        if (end) {
            break;
        }
        demand(csv_line(reader) > line);
        line = csv_line(reader);
        for (size_t i = 0; i < CELLS; i++) {
            demand(utf8_is_valid(cells[i], strlen(cells[i])));
        }
    }
    csv_close(reader);
}

/* Cells as texts, a line of two; the fuzzer separates them by NULs. */
static void check_written(const char *text, size_t length)
{
    const char *left = text;
    const char *right = memchr(text, '\0', length);
    if (right == NULL || !utf8_is_valid(left, strlen(left)) ||
        !utf8_is_valid(right + 1, strlen(right + 1))) {
        return;
    }
    const char *const sent[CELLS] = {left, right + 1};
    struct buffer file = {0};
    struct csv_reader *reader = NULL;
    struct failure failure = {0};
    const char *cells[CELLS];
    bool end = false;
    buffer_append_text(&file, "a,b\r\n");
    csv_append_cell(&file, sent[0]);
    buffer_append_text(&file, ",");
    csv_append_cell(&file, sent[1]);
    buffer_append_text(&file, "\r\n");
    demand(csv_open(memory_file(file.data, file.length), columns, CELLS, &reader, &failure));
    demand(csv_next(reader, cells, &end, &failure) && !end);
    for (size_t i = 0; i < CELLS; i++) {
        bool formula = sent[i][0] != '\0' && strchr("=+-@\t\r", sent[i][0]) != NULL;
        demand(!formula || cells[i][0] == '\'');
        demand(strcmp(cells[i] + formula, sent[i]) == 0);
    }
    csv_close(reader);
    buffer_free(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length == 0) {
        return 0;
    }
    if (bytes[0] & 1) {
        char *text = calloc(1, length + 1);
        demand(text != NULL);
        memcpy(text, bytes + 1, length - 1);
        check_written(text, length - 1);
        free(text);
    } else {
        check_strange(bytes + 1, length - 1);
    }
    return 0;
}
