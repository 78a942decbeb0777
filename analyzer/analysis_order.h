/* Takes a minute's reports to the hosts they are of, by threads side by side.
 *
 *   order -> find -> check -> place -> hear        of nearly all hosts, and then, when the others'
 *   learn kinds, follow updates, meet hosts        are known,
 *   place -> hear                                  of the others
 *
 * Order is by host id, then as struct fleet wants a host's own reports. Each thread has a part of
 * it, and goes through that heap by heap, so that a report and its host are fetched from memory
 * once. Only hosts that nobody knew, of a kind or with an update that nobody knew, have to wait:
 * kinds, slots and hosts are numbered in the one order, whatever number of parts there are. What
 * parts note is put together after; see analysis_place.h and exposure_part.h for why the answers
 * are those of one part, bit for bit.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANALYSIS_ORDER_H
#define EPICENTER_ANALYZER_ANALYSIS_ORDER_H

#include "analyzer/analysis_state.h"
#include "common/failure.h"

MUST_CHECK bool analysis_take_reports(struct analysis *analysis, const struct open_minute *open,
                                      struct failure *failure);

#endif
