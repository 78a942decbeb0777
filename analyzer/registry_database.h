/* The registry in the database: read into memory for the analyzer.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_REGISTRY_DATABASE_H
#define EPICENTER_ANALYZER_REGISTRY_DATABASE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/registry.h"
#include "common/database.h"
#include "common/failure.h"

/* How often anything that registry_load or cost_database_load reads has changed. Asked before a
 * load: what changes meanwhile then counts as a change. */
MUST_CHECK bool registry_read_version(struct database *database, int64_t *version,
                                      struct failure *failure);

/* Makes the registry that of the tables: what has been deleted there goes, too. */
MUST_CHECK bool registry_load(struct registry *registry, struct database *database,
                              struct failure *failure);

#endif
