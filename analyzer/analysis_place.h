/* Takes a minute's reports to their hosts, in one fixed order however they came.
 *
 *   order -> find -> check -> place -> hear
 *
 * Order is by host id, then as struct fleet wants a host's own reports. To find hosts, to check
 * which of them anything changes for, and to hear what they say of themselves are done for parts of
 * the order side by side, as a report of one host says nothing of another; to place, which learns
 * segments and counts exposures, is done in order for the few reports that need it. The answers are
 * those of one part, bit for bit: parts end between hosts, and what they note is put together in
 * order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANALYSIS_PLACE_H
#define EPICENTER_ANALYZER_ANALYSIS_PLACE_H

#include "analyzer/analysis_state.h"
#include "common/failure.h"

/* Installations and attributes: decides where hosts are counted, before anything is heard. Puts the
 * reports of `open` in order. The caller frees *order, also after a failure. */
struct minute_order;
MUST_CHECK bool analysis_place(struct analysis *analysis, struct open_minute *open,
                               struct minute_order **order, struct failure *failure);

/* CPU figures, which bring onsets. */
MUST_CHECK bool analysis_hear(struct minute_order *order, struct failure *failure);

void minute_order_free(struct minute_order *order);

#endif
