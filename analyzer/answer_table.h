/* Affected customers and hosts by region and product line, as a table of the terminal summary.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANSWER_TABLE_H
#define EPICENTER_ANALYZER_ANSWER_TABLE_H

#include "analyzer/answer.h"
#include "analyzer/text_layout.h"

/* Appends the table, the total last. At most ten rows before it; of more, the nine with the most
 * affected customers and one that adds up the others. */
void answer_table_put(const struct text_page *page, const struct update_answer *update);

#endif
