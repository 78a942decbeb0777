/* The schema, brought up to date: sql/NNNN_name.sql in order, each in a transaction of its own,
 * recorded with a checksum in schema_migration. Running it again does nothing; a file that changed
 * after it was applied is an error; two programs migrating at once wait for each other (advisory
 * lock).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_MIGRATE_H
#define EPICENTER_COMMON_MIGRATE_H

#include <stddef.h>

#include "common/database.h"
#include "common/failure.h"

/* Applies what is missing of `directory`; `applied` (may be NULL) gets how many that were. */
MUST_CHECK bool migrate(struct database *database, const char *directory, size_t *applied,
                        struct failure *failure);

#endif
