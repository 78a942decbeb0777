/* What falls due in which minute? Numbers put down for a future minute, taken when it closes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_WHEEL_H
#define EPICENTER_ANALYZER_WHEEL_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/carry.h"
#include "common/failure.h"

/* A zeroed struct is an empty wheel. */
struct wheel {
    struct wheel_bucket {
        uint32_t *items;
        uint32_t count, capacity;
    } * buckets;   /* bucket of minute m at m modulo span */
    uint32_t span; /* a power of two, or 0 */
    int32_t next;  /* first minute not yet taken */
};

/* Puts `item` down for `minute`; one already taken counts as the next. `now` is the minute being
 * closed: where an empty wheel starts. */
MUST_CHECK bool wheel_put(struct wheel *wheel, int32_t now, int32_t minute, uint32_t item,
                          struct failure *failure);

/* Puts down all of another wheel, whose memory stays its own. */
MUST_CHECK bool wheel_join(struct wheel *wheel, const struct wheel *other, int32_t now,
                           struct failure *failure);

/* Takes the bucket of `minute`, which must be the next minute or later; nothing may be due before
 * it. The bucket is the caller's to read until wheel_done, which must follow; wheel_put may be
 * called meanwhile. */
struct wheel_bucket wheel_take(struct wheel *wheel, int32_t minute);
void wheel_done(struct wheel *wheel, int32_t minute, struct wheel_bucket bucket);

/* Restored into an empty wheel. */
void wheel_carry(struct carry *carry, struct wheel *wheel);

void wheel_free(struct wheel *wheel);

#endif
