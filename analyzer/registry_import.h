/* What would, or does, a file of the registry change in the database?
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_REGISTRY_IMPORT_H
#define EPICENTER_ANALYZER_REGISTRY_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzer/registry_csv.h"
#include "common/database.h"
#include "common/failure.h"

enum registry_kind {
    REGISTRY_CUSTOMERS,
    REGISTRY_SEATS,
    REGISTRY_UPDATES,
    REGISTRY_REGIONS,
    REGISTRY_PRODUCT_LINES
};

/* By id: of several rows for one the last counts, and the others not at all. */
struct registry_import_counts {
    size_t added, changed, unchanged;
};

/* Upserts by id in one transaction: all of it or, when any row is bad, nothing. A dry run writes
 * nothing, and counts those rows that are not refused. Seats of a customer the table does not have
 * are refused, and so are regions and product lines that are not listed, once there is a list.
 * `source->refused` is for dry runs only. */
MUST_CHECK bool registry_import(struct database *database, enum registry_kind kind,
                                const struct registry_source *source, bool dry_run,
                                struct registry_import_counts *counts, struct failure *failure);

#endif
