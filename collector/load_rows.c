/* Reports as PostgreSQL takes them; see load_rows.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/load_rows.h"

#include <math.h>

#include "collector/decode.h"
#include "common/report.h"

/* ---- Rows of a COPY ---- */

static void encode_host(struct buffer *rows, int64_t load_id, const struct report *report)
{
    copy_int64(rows, load_id);
    copy_uuid(rows, &report->host_id);
    copy_text(rows, report->customer_id);
    if (report->has_host) {
        copy_uuid(rows, &report->segment_id);
    } else {
        copy_null(rows);
    }
    copy_instant(rows, report->observed_at);
    copy_instant(rows, report->received_at);
}

static void encode_report(struct load_rows *all, int64_t load_id, const struct report *report)
{
    struct buffer *rows = &all->reports;
    copy_row(rows, 10);
    encode_host(rows, load_id, report);
    if (report->has_cpu) {
        copy_double(rows, report->interval_s);
        copy_double(rows, report->busy);
        copy_double(rows, report->peak);
        copy_double(rows, report->product_busy);
    } else {
        for (int i = 0; i < 4; i++) {
            copy_null(rows);
        }
    }
    for (size_t i = 0; i < report->update_count; i++) {
        const struct report_update *update = &report->updates[i];
        copy_row(&all->updates, 9);
        encode_host(&all->updates, load_id, report);
        copy_text(&all->updates, update->id);
        copy_int16(&all->updates, (int16_t)update->outcome);
        copy_instant(&all->updates, update->at);
    }
}

static void encode_rejections(struct buffer *rows, const struct batch *batch)
{
    for (size_t i = 0; i < decode_rejections_kept(&batch->output); i++) {
        const struct decode_rejection *rejection = &batch->output.rejections[i];
        copy_row(rows, 5);
        copy_text(rows, batch->source);
        copy_text(rows, batch->customer_id[0] != '\0' ? batch->customer_id : NULL);
        copy_int32(rows, rejection->line < INT32_MAX ? (int32_t)rejection->line : INT32_MAX);
        copy_text(rows, rejection->detail);
        copy_text(rows, rejection->excerpt);
    }
}

static void begin_rows(struct buffer *rows)
{
    buffer_clear(rows);
    copy_begin(rows);
}

void load_rows_encode(struct load_rows *rows, const struct batch *first, int64_t load_id)
{
    begin_rows(&rows->reports);
    begin_rows(&rows->updates);
    begin_rows(&rows->rejected);
    for (const struct batch *batch = first; batch != NULL; batch = batch->next) {
        if (!batch_is_first(batch)) {
            continue;
        }
        for (size_t i = 0; i < batch->output.report_count; i++) {
            encode_report(rows, load_id, &batch->output.reports[i]);
        }
        encode_rejections(&rows->rejected, batch);
    }
    copy_end(&rows->reports);
    copy_end(&rows->updates);
    copy_end(&rows->rejected);
}

void load_rows_free(struct load_rows *rows)
{
    buffer_free(&rows->reports);
    buffer_free(&rows->updates);
    buffer_free(&rows->rejected);
}

/* ---- Arrays for an INSERT ---- */

#define COLUMNS (LOAD_REPORT_COLUMNS + LOAD_UPDATE_COLUMNS)
static void begin_columns(struct buffer *columns)
{
    static const uint32_t types[COLUMNS] = {
        ARRAY_OF_UUID,   ARRAY_OF_TEXT,   ARRAY_OF_UUID,    ARRAY_OF_INSTANT, ARRAY_OF_INSTANT,
        ARRAY_OF_DOUBLE, ARRAY_OF_DOUBLE, ARRAY_OF_DOUBLE,  ARRAY_OF_DOUBLE,  ARRAY_OF_UUID,
        ARRAY_OF_TEXT,   ARRAY_OF_UUID,   ARRAY_OF_INSTANT, ARRAY_OF_INSTANT, ARRAY_OF_TEXT,
        ARRAY_OF_INT2,   ARRAY_OF_INSTANT};
    for (size_t i = 0; i < COLUMNS; i++) {
        array_begin(&columns[i], types[i]);
    }
}

/* The first five columns, which both tables have. */
static void add_host_columns(struct buffer *columns, const struct report *report)
{
    copy_uuid(&columns[0], &report->host_id);
    copy_text(&columns[1], report->customer_id);
    if (report->has_host) {
        copy_uuid(&columns[2], &report->segment_id);
    } else {
        copy_null(&columns[2]);
    }
    copy_instant(&columns[3], report->observed_at);
    copy_instant(&columns[4], report->received_at);
}

static void add_columns(struct buffer *columns, const struct report *report)
{
    add_host_columns(columns, report);
    copy_double(&columns[5], report->has_cpu ? report->interval_s : NAN);
    copy_double(&columns[6], report->has_cpu ? report->busy : NAN);
    copy_double(&columns[7], report->has_cpu ? report->peak : NAN);
    copy_double(&columns[8], report->has_cpu ? report->product_busy : NAN);
    struct buffer *updates = columns + LOAD_REPORT_COLUMNS;
    for (size_t i = 0; i < report->update_count; i++) {
        add_host_columns(updates, report);
        copy_text(&updates[5], report->updates[i].id);
        copy_int16(&updates[6], (int16_t)report->updates[i].outcome);
        copy_instant(&updates[7], report->updates[i].at);
    }
}

void load_columns_encode(struct load_columns *columns, const struct batch *first)
{
    begin_columns(columns->buffers);
    for (const struct batch *batch = first; batch != NULL; batch = batch->next) {
        for (size_t i = 0; i < batch->output.report_count; i++) {
            add_columns(columns->buffers, &batch->output.reports[i]);
        }
    }
}

/* The values of one INSERT: the load, then `count` arrays of `rows` elements. */
static bool fill(const char *load_id, struct buffer *columns, size_t count, size_t rows,
                 struct database_value *values, struct failure *failure)
{
    values[0] = (struct database_value){.bytes = load_id};
    for (size_t i = 0; i < count; i++) {
        array_end(&columns[i], rows);
        if (!buffer_check(&columns[i], failure)) {
            return false;
        }
        values[i + 1] = (struct database_value){columns[i].data, columns[i].length, true};
    }
    return true;
}

bool load_columns_values(struct load_columns *columns, const char *load_id, size_t report_count,
                         size_t update_count, struct load_values *values, struct failure *failure)
{
    return fill(load_id, columns->buffers, LOAD_REPORT_COLUMNS, report_count, values->reports,
                failure) &&
           fill(load_id, columns->buffers + LOAD_REPORT_COLUMNS, LOAD_UPDATE_COLUMNS, update_count,
                values->updates, failure);
}

void load_columns_free(struct load_columns *columns)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        buffer_free(&columns->buffers[i]);
    }
}
