/* The answers as tables: RFC 4180 with a header line, for spreadsheets and scripts. Numbers are as
 * in the JSON (twelve digits), so that the two can be compared; what is not a number is an empty
 * cell; no cell can run in a spreadsheet.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANSWER_CSV_H
#define EPICENTER_ANALYZER_ANSWER_CSV_H

#include "analyzer/answer.h"
#include "common/buffer.h"
#include "common/failure.h"

/* A line for each update, in their order. */
MUST_CHECK bool answer_csv_updates(const struct answers *answers, struct buffer *out,
                                   struct failure *failure);

/* A line for each region and product line. There is no line for the whole: a customer with two
 * product lines is in two of these, and once in the table of updates. */
MUST_CHECK bool answer_csv_impact(const struct update_answer *update, struct buffer *out,
                                  struct failure *failure);

/* A line for the whole, for each kind, region and product line, and for what stands beside it. The
 * parts of one dimension add up to the whole in their means, not in their percentiles. */
MUST_CHECK bool answer_csv_cost(const struct update_answer *update, struct buffer *out,
                                struct failure *failure);

#endif
