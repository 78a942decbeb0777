/* How is the collector? Liveness, readiness and counters.
 *
 * GET /healthz: 200 as long as the process answers. GET /readyz: 503 when the database does not
 * answer, or nothing was committed for 15 s while reports wait. GET /metrics: OpenMetrics 1.0 where
 * Accept names it, otherwise the text format 0.0.4 that came before it.
 *
 * The routes' context is a struct service.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_STATUS_H
#define EPICENTER_COLLECTOR_STATUS_H

#include "common/http_server.h"

void status_health(void *context, struct http_request *request);
void status_readiness(void *context, struct http_request *request);
void status_metrics(void *context, struct http_request *request);

#endif
