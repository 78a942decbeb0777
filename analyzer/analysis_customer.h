/* How large is a host's customer? Hosts of customers of one size class are compared with each
 * other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANALYSIS_CUSTOMER_H
#define EPICENTER_ANALYZER_ANALYSIS_CUSTOMER_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/analysis_state.h"
#include "common/failure.h"

/* Makes room for the sizes of all customers known by name. */
MUST_CHECK bool customer_sizes_reach(struct analysis *analysis, struct failure *failure);

/* log2 of its registered seats or, where none are, of the hosts seen. */
uint8_t customer_size_class(struct analysis *analysis, uint32_t customer);

/* Whether seats are registered for it. */
bool customer_is_registered(struct analysis *analysis, uint32_t customer);

/* Notes, from any thread, that a host comes or goes in the minute being closed; and whether one
 * does. */
void customer_note_move(struct analysis *analysis, uint32_t customer);
bool customer_moved(const struct analysis *analysis, uint32_t customer);

#endif
