/* What the cost stands on, in the database: the tables cost_parameter, staffing,
 * compensation and exchange_rate.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_DATABASE_H
#define EPICENTER_ANALYZER_COST_DATABASE_H

#include "analyzer/cost_csv.h"
#include "analyzer/cost_parameters.h"
#include "common/database.h"
#include "common/failure.h"

/* The defaults and over them what the tables have. A row that is not understood costs only itself:
 * it is logged and left out. On failure `parameters` stay as they were. */
MUST_CHECK bool cost_database_load(struct cost_parameters *parameters, struct database *database,
                                   struct failure *failure);

/* Writes the default of every cost parameter the table does not have for all customers, and of
 * every exchange rate it does not have. */
MUST_CHECK bool cost_database_store_defaults(struct database *database, struct failure *failure);

/* Adds or replaces the rows of `imported` beyond the defaults, in one transaction: parameters by
 * name and scope, hours by region, schemes by name, rates by currency. */
MUST_CHECK bool cost_database_store(struct database *database,
                                    const struct cost_parameters *imported,
                                    struct failure *failure);

#endif
