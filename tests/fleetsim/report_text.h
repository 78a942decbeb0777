/* Writing the fleet's reports as lines of NDJSON, fast.
 *
 * The same as common's report_write_json, field by field (a test holds the two equal), but what a
 * host says of itself is written once a segment and numbers are written by hand.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_REPORT_TEXT_H
#define EPICENTER_FLEETSIM_REPORT_TEXT_H

#include "common/buffer.h"
#include "common/failure.h"
#include "tests/fleetsim/observation.h"
#include "tests/fleetsim/population.h"
#include "tests/fleetsim/scenario.h"

struct report_text;

/* Prepares the texts of all segments. Scenario and population must outlive it; used by one thread
 * at a time. */
MUST_CHECK bool report_text_new(const struct scenario *scenario,
                                const struct population *population,
                                struct report_text **report_text, struct failure *failure);
void report_text_free(struct report_text *report_text);

/* Appends one line, newline included. Check the buffer once, at the end. */
void report_text_append(struct report_text *report_text, const struct observation *observation,
                        struct buffer *buffer);

#endif
