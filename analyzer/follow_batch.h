/* The rows of some loads as reports again: copies report and report_update out in binary, puts each
 * update back into the report it came in, and looks the segments up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_FOLLOW_BATCH_H
#define EPICENTER_ANALYZER_FOLLOW_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/segment_book.h"
#include "common/arena.h"
#include "common/database.h"
#include "common/failure.h"
#include "common/instant.h"
#include "common/report.h"

/* Which rows: those of the loads named, which lie within these bounds. */
struct follow_range {
    const int64_t *load_ids; /* ascending */
    size_t load_count;
    instant_us received_from; /* INSTANT_NONE: unknown, so all partitions are looked through */
    instant_us received_until;
};

struct follow_row {
    int64_t load_id;
    struct report report;
};

struct follow_update {
    int64_t load_id;
    struct uuid host_id;
    instant_us observed_at;
    size_t number; /* in the order copied, so that equal keys keep it */
    const char *customer_id;
    instant_us received_at;
    struct report_update update;
};

/* A zeroed struct is an empty batch. */
struct follow_batch {
    struct follow_row *rows;
    size_t row_count, row_capacity;
    struct follow_update *updates;
    size_t update_count, update_capacity;
    struct arena arena; /* texts, until the next read */
};

/* Replaces the content by the rows in `range`. */
MUST_CHECK bool follow_batch_read(struct follow_batch *batch, struct database *database,
                                  struct segment_book *segments, const struct follow_range *range,
                                  struct failure *failure);

void follow_batch_free(struct follow_batch *batch);

#endif
