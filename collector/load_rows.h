/* Reports as PostgreSQL takes them: as rows of a binary COPY, or, few of them, as one array a
 * column for an INSERT. Column for column what statements.h names.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_LOAD_ROWS_H
#define EPICENTER_COLLECTOR_LOAD_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/batch.h"
#include "common/buffer.h"
#include "common/database.h"
#include "common/failure.h"

/* Zeroed they are empty; each use begins anew and keeps the memory of the one before. That memory
 * is out shows in the buffers (buffer_check), of which database_copy_in takes care itself. */
struct load_rows {
    struct buffer reports, updates, rejected;
};

void load_rows_encode(struct load_rows *rows, const struct batch *first, int64_t load_id);
void load_rows_free(struct load_rows *rows);

/* Columns of report and of report_update, without the load. */
#define LOAD_REPORT_COLUMNS 9
#define LOAD_UPDATE_COLUMNS 8

struct load_columns {
    struct buffer buffers[LOAD_REPORT_COLUMNS + LOAD_UPDATE_COLUMNS];
};

/* The values of STATEMENT_INSERT_REPORTS and STATEMENT_INSERT_UPDATES, in the columns' memory. */
struct load_values {
    struct database_value reports[LOAD_REPORT_COLUMNS + 1];
    struct database_value updates[LOAD_UPDATE_COLUMNS + 1];
};

/* Reports of batches that have no rejections and are no repeats. */
void load_columns_encode(struct load_columns *columns, const struct batch *first);
MUST_CHECK bool load_columns_values(struct load_columns *columns, const char *load_id,
                                    size_t report_count, size_t update_count,
                                    struct load_values *values, struct failure *failure);
void load_columns_free(struct load_columns *columns);

#endif
