/* Who holds which credential? Sessions and keys as the database has them, in memory, so that each
 * request is judged at once and also while the database is away. The database is the truth: what
 * is written there by others (a key revoked, a session ended) counts from the next load on.
 *
 * Any thread may find; one thread loads.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ACCESS_BOOK_H
#define EPICENTER_ANALYZER_ACCESS_BOOK_H

#include <stdbool.h>

#include "analyzer/role.h"
#include "common/database.h"
#include "common/failure.h"
#include "common/instant.h"

struct access_book;

MUST_CHECK bool access_book_new(struct access_book **book, struct failure *failure);
void access_book_free(struct access_book *book);

/* Writes down which sessions have been heard of, and reads everything again. */
MUST_CHECK bool access_book_load(struct access_book *book, struct database *database,
                                 struct failure *failure);

/* Whether `credential` is a session or a key that is good at `now`; a session is heard of by it. */
bool access_book_find(struct access_book *book, const char *credential, instant_us now,
                      struct identity *identity);

#endif
