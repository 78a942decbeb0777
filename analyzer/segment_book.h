/* The attributes behind segment ids: read from the database once, kept for good. Segments are
 * never changed and there are few of them (thousands for millions of hosts).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_SEGMENT_BOOK_H
#define EPICENTER_ANALYZER_SEGMENT_BOOK_H

#include <stddef.h>

#include "common/database.h"
#include "common/failure.h"
#include "common/report.h"
#include "common/uuid.h"

struct segment_book;

MUST_CHECK bool segment_book_new(struct segment_book **book, struct failure *failure);
void segment_book_free(struct segment_book *book);

/* Notes that the segment will be asked for. */
MUST_CHECK bool segment_book_want(struct segment_book *book, const struct uuid *segment_id,
                                  struct failure *failure);

/* Reads what is wanted and not known yet, in one query. */
MUST_CHECK bool segment_book_fetch(struct segment_book *book, struct database *database,
                                   struct failure *failure);

/* Sorted attributes, owned by the book; NULL and 0 when the database does not have the segment. */
const struct report_attribute *segment_book_attributes(const struct segment_book *book,
                                                       const struct uuid *segment_id,
                                                       size_t *count);

#endif
