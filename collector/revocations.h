/* Which tokens were revoked: the table token_revocation, in memory, to be asked by every request.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_REVOCATIONS_H
#define EPICENTER_COLLECTOR_REVOCATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/database.h"
#include "common/failure.h"
#include "common/instant.h"
#include "common/token.h"

struct revocation;

/* A zeroed struct is an empty list. */
struct revocations {
    struct revocation *rows; /* sorted */
    size_t count;
};

/* Reads the table into the empty list, as far as it is about tokens younger than `lifetime`. */
MUST_CHECK bool revocations_read(struct database *database, instant_us lifetime,
                                 struct revocations *list, struct failure *failure);
void revocations_free(struct revocations *list);

/* Whether the token is one of them. */
bool revocations_hold(const struct revocations *list, const struct token *token);

#endif
