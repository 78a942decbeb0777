/* What the routes of the collector share. Made and owned by command_serve.c; every part of it may
 * be used from any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_SERVICE_H
#define EPICENTER_COLLECTOR_SERVICE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "collector/commit.h"
#include "common/http_server.h"
#include "common/token.h"

struct enrol;

struct service {
    struct commit *commit;
    struct enrol *enrol;
    const struct token_keys *keys;
    bool replay; /* takes replay tokens, and customer_id and received_at from bodies */
    atomic_ullong bytes_received; /* bodies, on the wire */
    /* Requests of /v1/… answered, by status in hundreds: 2xx, 4xx, 5xx. */
    atomic_ullong answered[6];
};

static inline void service_count(struct service *service, unsigned status)
{
    atomic_fetch_add_explicit(&service->answered[status / 100 % 6], 1, memory_order_relaxed);
}

#endif
