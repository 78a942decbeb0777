/* Takes the reports of a minute that say something new to their hosts.
 *
 * Hosts nobody knew are met, side by side, and numbered in order. To place, which learns segments
 * and counts exposures, is done in order for the few reports that need it. What hosts say of
 * themselves is heard side by side again. The answers are those of one part, bit for bit: parts end
 * between hosts, and what they note is put together in order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANALYSIS_PLACE_H
#define EPICENTER_ANALYZER_ANALYSIS_PLACE_H

#include "analyzer/analysis_order.h"
#include "analyzer/analysis_state.h"
#include "common/failure.h"

/* Before the reports of a minute are put in order: makes room for what they name. */
MUST_CHECK bool analysis_prepare(struct analysis *analysis, struct failure *failure);

/* Installations and attributes: decides where hosts are counted, before anything that can change
 * that is heard. */
MUST_CHECK bool analysis_place(struct minute_order *order, struct failure *failure);

/* CPU figures, which bring onsets. */
MUST_CHECK bool analysis_hear(struct minute_order *order, struct failure *failure);

#endif
