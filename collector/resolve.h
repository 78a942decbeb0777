/* Was it committed after all? Asked when the answer to a COMMIT was lost.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_RESOLVE_H
#define EPICENTER_COLLECTOR_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/database.h"

/* A transaction that wrote a load. */
struct resolve_load {
    int64_t load_id;
    char transaction[24]; /* xid8, as text */
    const char *collector;
};

/* Asks on fresh connections until the database knows, which takes it as long as recovery does and
 * the transaction is under way; after 10 s, which is as long as a host waits, it gives up. True
 * only when the load is there. */
bool resolve_is_committed(struct database *database, const struct resolve_load *load);

#endif
