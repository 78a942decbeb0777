/* What a monitor reads: OpenMetrics 1.0 text.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_API_METRICS_H
#define EPICENTER_ANALYZER_API_METRICS_H

#include "analyzer/live.h"
#include "analyzer/snapshot.h"
#include "common/buffer.h"

#define API_METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* `snapshot` may be NULL: then what comes from the answers is left out. */
void api_metrics_write(const struct live_status *status, const struct snapshot *snapshot,
                       struct buffer *out);

#endif
