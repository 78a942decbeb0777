/* What would it cost if a parameter were another? The same draws of who is affected, the same seed,
 * the parameters as they are and as they are asked about.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_WHAT_IF_H
#define EPICENTER_ANALYZER_COST_WHAT_IF_H

#include "analyzer/answer.h"
#include "common/buffer.h"
#include "common/failure.h"

/* Appends {"update_id", "as_of", "set", "now", "then"}: the cost as it is and with the settings,
 * each as in the answers. `settings` is as cost_csv_parse_setting takes it, several parted by
 * semicolons. FAILURE_NOT_FOUND for an update that is not there or has no cost, FAILURE_INVALID for
 * a setting that is not understood. */
MUST_CHECK bool cost_what_if(const struct answers *answers, const char *update_id,
                             const char *settings, struct buffer *out, struct failure *failure);

#endif
