/* What the routes of the collector share. Made and owned by command_serve.c; every part of it may
 * be used from any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_SERVICE_H
#define EPICENTER_COLLECTOR_SERVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "collector/commit.h"
#include "common/http_server.h"

struct access;
struct enrol;
struct gate;

/* The statuses that the routes answer with; the last one stands for any other, too. */
#define SERVICE_STATUS_COUNT 9
static const unsigned service_statuses[SERVICE_STATUS_COUNT] = {200, 400, 401, 403, 413,
                                                                415, 422, 429, 503};

struct service {
    struct commit *commit;
    struct enrol *enrol;
    struct access *access;
    struct gate *gate;
    struct http_kept_answer *accepted_one; /* what nearly every single report gets */
    bool replay; /* takes replay tokens, and customer_id and received_at from bodies */
    atomic_ullong bytes_received;                 /* bodies, on the wire */
    atomic_ullong answered[SERVICE_STATUS_COUNT]; /* requests of /v1/…, by service_statuses */
};

static inline void service_count(struct service *service, unsigned status)
{
    size_t index = 0;
    while (index < SERVICE_STATUS_COUNT - 1 && service_statuses[index] != status) {
        index++;
    }
    atomic_fetch_add_explicit(&service->answered[index], 1, memory_order_relaxed);
}

#endif
