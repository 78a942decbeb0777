/* Which channel partners serve the affected customers? One call to a partner may do for all of its
 * own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_PARTNER_H
#define EPICENTER_ANALYZER_PARTNER_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/outreach.h"
#include "common/arena.h"
#include "common/failure.h"
#include "common/hash_index.h"

/* Zeroed: none. */
struct partners {
    struct impact_partner *all; /* in the order in which the candidates name them */
    size_t count, capacity;
    struct hash_index by_name;
};

/* NULL: the customer has none, or is not registered. */
const char *partner_of(const struct outreach_candidate *candidate);

/* Counts the candidates; names are borrowed from them. */
MUST_CHECK bool partners_count(const struct outreach_candidate *candidates, size_t count,
                               struct partners *partners, struct failure *failure);

/* The candidate's partner, or NULL. */
const struct impact_partner *partners_find(const struct partners *partners,
                                           const struct outreach_candidate *candidate);

/* A list in `arena`, most customers first, then most hosts, then by name; of so many partners a
 * page has no more than the first PARTNERS_LISTED. */
#define PARTNERS_LISTED 50
MUST_CHECK bool partners_list(const struct partners *partners, struct arena *arena,
                              const struct impact_partner **list, size_t *count,
                              struct failure *failure);

void partners_free(struct partners *partners);

#endif
