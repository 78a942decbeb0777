/* The cost estimate as JSON, as the API, --json and `what-if` give it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_JSON_H
#define EPICENTER_ANALYZER_COST_JSON_H

#include <jansson.h>

#include "analyzer/answer.h"

/* Keys as the fields of struct cost_estimate; a figure is {"p10","p50","p90","mean"}, null where it
 * is not known. NULL when memory is out. */
json_t *cost_json_value(const struct cost_estimate *cost);

#endif
