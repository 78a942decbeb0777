/* A long list in pages: ?limit=&cursor=, and where the next one is, as a Link header with
 * rel="next" (RFC 8288), so that a page has the form of the whole.
 *
 * A cursor is the key of the last element of the page before. The lists are of the present: what
 * has moved before it in the meantime comes on no page, what has moved behind it comes twice.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_API_PAGE_H
#define EPICENTER_ANALYZER_API_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"
#include "common/http_server.h"

struct api_page {
    bool asked;         /* a limit or a cursor was given; otherwise the list is wanted whole */
    size_t limit;       /* SIZE_MAX: none was given */
    const char *cursor; /* NULL: from the beginning */
};

/* FAILURE_INVALID for a limit that is none. */
MUST_CHECK bool api_page_read(const struct http_request *request, struct api_page *page,
                              struct failure *failure);

/* Adds the Link header: this question with this cursor. */
void api_page_next(struct http_request *request, const char *cursor);

#endif
