/* What does a page say before its script runs, or where none may? The verdict, what it has done,
 * the candidates and whom to call, as HTML in the page's own classes, so that the script finds the
 * page looking as it will leave it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_FIRST_PAGE_H
#define EPICENTER_ANALYZER_FIRST_PAGE_H

#include "analyzer/answer.h"
#include "common/buffer.h"

enum first_page { FIRST_OPERATIONS, FIRST_EXECUTIVES, FIRST_SUPPORT };
#define FIRST_PAGES 3

/* Stands in a page's file where this belongs. */
#define FIRST_PAGE_PLACE "<!--first-->"

/* Appends the content of one page; nothing before there is an update to speak of. Executives are
 * told no names of customers. Numbers are as English writes them: who reads is not known yet. */
void first_page_write(const struct answers *answers, enum first_page page, struct buffer *out);

#endif
