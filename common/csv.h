/* Reading CSV (RFC 4180) with a header line, and writing cells that a spreadsheet cannot run.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_CSV_H
#define EPICENTER_COMMON_CSV_H

#include <stddef.h>
#include <stdio.h>

#include "common/buffer.h"
#include "common/failure.h"

struct csv_reader; /* one open file */

/* Opens `path` and reads its header. Every name in `columns` (count of them) must be there; others
 * are ignored; order is free. A UTF-8 byte order mark is skipped. */
MUST_CHECK bool csv_open(const char *path, const char *const *columns, size_t count,
                         struct csv_reader **reader, struct failure *failure);

/* Where the text is. */
struct csv_source {
    const char *path; /* of a file; with `text`, only what messages call it */
    const char *text; /* NULL: the file's; otherwise it must outlive the reader */
    size_t length;
};

/* As csv_open, but only the first `needed` of the columns must be there: the cells of others that
 * the header does not have are "". */
MUST_CHECK bool csv_open_some(const struct csv_source *source, const char *const *columns,
                              size_t count, size_t needed, struct csv_reader **reader,
                              struct failure *failure);

/* Reads the next record. `cells[i]` is the text of columns[i], valid until the next call. Sets
 * *end at the end of the file. Errors (a quote that does not end, another number of cells than the
 * header has, text that is not UTF-8) name the file and the line. */
MUST_CHECK bool csv_next(struct csv_reader *reader, const char **cells, bool *end,
                         struct failure *failure);

/* Line of the record last read, for messages. */
size_t csv_line(const struct csv_reader *reader);
void csv_close(struct csv_reader *reader);

/* Appends one cell, quoted where needed; a cell that a spreadsheet would take for a formula
 * (leading = + - @ tab or return) gets a leading apostrophe. */
void csv_append_cell(struct buffer *buffer, const char *text);

#endif
