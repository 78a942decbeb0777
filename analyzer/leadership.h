/* Which of the analyzers on one database writes verdicts and tells webhooks? The one whose
 * connection holds an advisory lock. PostgreSQL gives it up when that connection ends, however the
 * analyzer did, so another takes over without anybody's judgement of who is dead.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_LEADERSHIP_H
#define EPICENTER_ANALYZER_LEADERSHIP_H

#include <stdbool.h>

#include "common/database.h"
#include "common/failure.h"
#include "common/instant.h"

/* A zeroed struct holds nothing. */
struct leadership {
    bool held;
    unsigned connection; /* by database_connections: the lock lives as long as it */
    instant_us asked_at; /* by the machine's clock */
};

/* Takes the lock where it is free, asking once a second; sets `held`. A lock that went with its
 * connection is taken anew before `held` is true again. */
MUST_CHECK bool leadership_seek(struct leadership *leadership, struct database *database,
                                instant_us now, struct failure *failure);

#endif
