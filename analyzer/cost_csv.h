/* Cost parameters, staffing, compensation and exchange rates from CSV files.
 *
 *   cost-parameters.csv   name,region,tier,product_line,low,likely,high,unit,source,dated
 *   staffing.csv          region,hour,agents
 *   compensation.csv      name,region,tier,product_line,kind,recipients,form,low,likely,high,
 *                         source,dated
 *   exchange-rates.csv    currency,usd,source,dated
 *
 * Empty region, tier, product_line and kind are all; an empty unit is the parameter's usual one;
 * hour is UTC, 0 to 23; dated a date. A row that is not understood costs only itself: it is named
 * with file, line and column on `messages`.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_CSV_H
#define EPICENTER_ANALYZER_COST_CSV_H

#include <stddef.h>
#include <stdio.h>

#include "analyzer/cost_parameters.h"
#include "common/failure.h"

struct cost_csv_counts {
    size_t taken, refused;
};

/* Sets what the file says in `parameters`. False only when the file cannot be read at all. */
MUST_CHECK bool cost_csv_read_parameters(struct cost_parameters *parameters, const char *path,
                                         FILE *messages, struct cost_csv_counts *counts,
                                         struct failure *failure);
MUST_CHECK bool cost_csv_read_staffing(struct cost_parameters *parameters, const char *path,
                                       FILE *messages, struct cost_csv_counts *counts,
                                       struct failure *failure);
MUST_CHECK bool cost_csv_read_compensation(struct cost_parameters *parameters, const char *path,
                                           FILE *messages, struct cost_csv_counts *counts,
                                           struct failure *failure);
MUST_CHECK bool cost_csv_read_exchange_rates(struct cost_parameters *parameters, const char *path,
                                             FILE *messages, struct cost_csv_counts *counts,
                                             struct failure *failure);

/* Reads "handle_time=8,15,30", or with a region "handle_time@Japan=8,15,30", as --set takes it. */
MUST_CHECK bool cost_csv_parse_setting(const char *text, struct cost_parameter *parameter,
                                       struct failure *failure);

#endif
