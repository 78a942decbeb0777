/* What did these loads hold? The hard thing: a report with updates lies in two tables, and the
 * analysis is to be given the same reports as from a file. Rows belong together by load, host and
 * the host's own time; a handful of updates stands against many reports, so the updates are sorted
 * and each finds its report by search.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/follow_batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/statements.h"

struct copying {
    struct follow_batch *batch;
    struct segment_book *segments;
    const struct follow_range *range;
};

static bool is_wanted(const struct follow_range *range, int64_t load_id)
{
    size_t low = 0;
    size_t high = range->load_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (range->load_ids[middle] < load_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < range->load_count && range->load_ids[low] == load_id;
}

/* Room for one more item in an array; NULL when memory is out. */
static void *grown(void *items, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity) {
        return items;
    }
    size_t larger = *capacity == 0 ? 1024 : 2 * *capacity;
    void *moved = realloc(items, larger * item_size);
    if (moved != NULL) {
        *capacity = larger;
    }
    return moved;
}

static bool read_text(struct arena *arena, struct copy_field field, const char **text,
                      struct failure *failure)
{
    *text = arena_copy_text(arena, field.bytes != NULL ? (const char *)field.bytes : "",
                            field.bytes != NULL ? field.length : 0);
    return *text != NULL || failure_memory(failure, "copying rows");
}

/* What both tables begin with: load, host, customer, segment, observed, received. */
static bool read_head(const struct copy_field *fields, struct arena *arena, int64_t *load_id,
                      struct report *report, struct failure *failure)
{
    report->has_host = fields[3].bytes != NULL;
    return copy_read_int64(fields[0], load_id, failure) &&
           copy_read_uuid(fields[1], &report->host_id, failure) &&
           read_text(arena, fields[2], &report->customer_id, failure) &&
           (!report->has_host || copy_read_uuid(fields[3], &report->segment_id, failure)) &&
           copy_read_instant(fields[4], &report->observed_at, failure) &&
           copy_read_instant(fields[5], &report->received_at, failure);
}

static bool read_fraction(struct copy_field field, double *value, struct failure *failure)
{
    *value = NAN;
    return field.bytes == NULL || copy_read_double(field, value, failure);
}

static bool take_report(void *context, const struct copy_field *fields, size_t count,
                        struct failure *failure)
{
    const struct copying *copying = context;
    struct follow_batch *batch = copying->batch;
    struct follow_row row = {0};
    if (count != 10) {
        return failure_set(failure, FAILURE_SYSTEM, "table report has %zu columns, not 10", count);
    }
    if (!copy_read_int64(fields[0], &row.load_id, failure)) {
        return false;
    }
    if (!is_wanted(copying->range, row.load_id)) {
        return true;
    }
    struct report *report = &row.report;
    report->has_cpu = fields[6].bytes != NULL;
    if (!read_head(fields, &batch->arena, &row.load_id, report, failure) ||
        !read_fraction(fields[6], &report->interval_s, failure) ||
        !read_fraction(fields[7], &report->busy, failure) ||
        !read_fraction(fields[8], &report->peak, failure) ||
        !read_fraction(fields[9], &report->product_busy, failure)) {
        return false;
    }
    if (report->has_host && !segment_book_want(copying->segments, &report->segment_id, failure)) {
        return false;
    }
    struct follow_row *rows =
        grown(batch->rows, batch->row_count, &batch->row_capacity, sizeof *rows);
    if (rows == NULL) {
        return failure_memory(failure, "copying rows");
    }
    batch->rows = rows;
    rows[batch->row_count++] = row;
    return true;
}

static bool take_update(void *context, const struct copy_field *fields, size_t count,
                        struct failure *failure)
{
    const struct copying *copying = context;
    struct follow_batch *batch = copying->batch;
    struct follow_update row = {.number = batch->update_count};
    struct report head = {0};
    int16_t outcome;
    if (count != 9) {
        return failure_set(failure, FAILURE_SYSTEM, "table report_update has %zu columns, not 9",
                           count);
    }
    if (!copy_read_int64(fields[0], &row.load_id, failure)) {
        return false;
    }
    if (!is_wanted(copying->range, row.load_id)) {
        return true;
    }
    if (!read_head(fields, &batch->arena, &row.load_id, &head, failure) ||
        !read_text(&batch->arena, fields[6], &row.update.id, failure) ||
        !copy_read_int16(fields[7], &outcome, failure) ||
        !copy_read_instant(fields[8], &row.update.at, failure)) {
        return false;
    }
    row.host_id = head.host_id;
    row.observed_at = head.observed_at;
    row.received_at = head.received_at;
    row.customer_id = head.customer_id;
    row.update.outcome = (enum update_outcome)outcome;
    struct follow_update *updates =
        grown(batch->updates, batch->update_count, &batch->update_capacity, sizeof *updates);
    if (updates == NULL) {
        return failure_memory(failure, "copying rows");
    }
    batch->updates = updates;
    updates[batch->update_count++] = row;
    return true;
}

static int compare_keys(int64_t left_load, const struct uuid *left_host, instant_us left_at,
                        int64_t right_load, const struct uuid *right_host, instant_us right_at)
{
    if (left_load != right_load) {
        return left_load < right_load ? -1 : 1;
    }
    int by_host = uuid_compare(left_host, right_host);
    if (by_host != 0) {
        return by_host;
    }
    return (left_at > right_at) - (left_at < right_at);
}

static int compare_updates(const void *left, const void *right)
{
    const struct follow_update *a = left;
    const struct follow_update *b = right;
    int by_key = compare_keys(a->load_id, &a->host_id, a->observed_at, b->load_id, &b->host_id,
                              b->observed_at);
    return by_key != 0 ? by_key : (a->number > b->number) - (a->number < b->number);
}

/* First update that does not come before the report. */
static size_t find_updates(const struct follow_batch *batch, const struct follow_row *row)
{
    size_t low = 0;
    size_t high = batch->update_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct follow_update *update = &batch->updates[middle];
        if (compare_keys(update->load_id, &update->host_id, update->observed_at, row->load_id,
                         &row->report.host_id, row->report.observed_at) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool belongs(const struct follow_update *update, const struct follow_row *row)
{
    return update->load_id == row->load_id &&
           uuid_compare(&update->host_id, &row->report.host_id) == 0 &&
           update->observed_at == row->report.observed_at;
}

/* Gives each report its updates; one load may hold a report twice, then both get them. */
static bool join_updates(struct follow_batch *batch, struct failure *failure)
{
    if (batch->update_count == 0) {
        return true;
    }
    qsort(batch->updates, batch->update_count, sizeof *batch->updates, compare_updates);
    struct report_update *sorted =
        arena_allocate(&batch->arena, batch->update_count * sizeof *sorted);
    if (sorted == NULL) {
        return failure_memory(failure, "copying rows");
    }
    for (size_t i = 0; i < batch->update_count; i++) {
        sorted[i] = batch->updates[i].update;
    }
    for (size_t i = 0; i < batch->row_count; i++) {
        struct follow_row *row = &batch->rows[i];
        size_t first = find_updates(batch, row);
        size_t last = first;
        while (last < batch->update_count && belongs(&batch->updates[last], row)) {
            last++;
        }
        row->report.updates = last > first ? sorted + first : NULL;
        row->report.update_count = last - first;
    }
    return true;
}

static bool set_bounds(struct database *database, const struct follow_range *range,
                       struct failure *failure)
{
    char first[24];
    char last[24];
    char from[INSTANT_TEXT_SIZE] = "-infinity";
    char until[INSTANT_TEXT_SIZE] = "infinity";
    snprintf(first, sizeof first, "%lld", (long long)range->load_ids[0]);
    snprintf(last, sizeof last, "%lld", (long long)range->load_ids[range->load_count - 1]);
    if (range->received_from != INSTANT_NONE) {
        instant_format(range->received_from, from);
        instant_format(range->received_until, until);
    }
    const char *parameters[] = {first, last, from, until};
    return database_run(database, STATEMENT_COPY_BOUNDS, 4, parameters, NULL, failure);
}

bool follow_batch_read(struct follow_batch *batch, struct database *database,
                       struct segment_book *segments, const struct follow_range *range,
                       struct failure *failure)
{
    struct copying copying = {.batch = batch, .segments = segments, .range = range};
    arena_free(&batch->arena);
    batch->row_count = 0;
    batch->update_count = 0;
    if (!set_bounds(database, range, failure) ||
        !database_copy_out(database, STATEMENT_COPY_REPORTS, take_report, &copying, failure) ||
        !database_copy_out(database, STATEMENT_COPY_UPDATES, take_update, &copying, failure) ||
        !segment_book_fetch(segments, database, failure) || !join_updates(batch, failure)) {
        return false;
    }
    for (size_t i = 0; i < batch->row_count; i++) {
        struct report *report = &batch->rows[i].report;
        if (report->has_host) {
            report->attributes =
                segment_book_attributes(segments, &report->segment_id, &report->attribute_count);
            report->has_host = report->attributes != NULL;
        }
    }
    return true;
}

void follow_batch_free(struct follow_batch *batch)
{
    arena_free(&batch->arena);
    free(batch->rows);
    free(batch->updates);
    *batch = (struct follow_batch){0};
}
