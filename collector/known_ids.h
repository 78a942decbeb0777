/* Which ids are in the database already? A set that a transaction adds to and, when it fails, takes
 * back from.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_KNOWN_IDS_H
#define EPICENTER_COLLECTOR_KNOWN_IDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"
#include "common/hash_index.h"
#include "common/uuid.h"

/* A zeroed struct knows nothing. */
struct known_ids {
    struct hash_index index;
    struct uuid *ids; /* in the order they were added */
    size_t count, capacity;
    size_t kept; /* the first so many are in the database for good */
};

/* Adds the id; *added says whether it is new. */
MUST_CHECK bool known_ids_add(struct known_ids *known, const struct uuid *id, bool *added,
                              struct failure *failure);

/* The transaction that added has committed. Forgets everything beyond a million ids: asking the
 * database again is cheap, and the set stays under 32 MB. */
void known_ids_keep(struct known_ids *known);

/* The transaction has failed. */
void known_ids_take_back(struct known_ids *known);

void known_ids_free(struct known_ids *known);

#endif
