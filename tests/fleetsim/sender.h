/* Gets batches of reports acknowledged by a collector, whatever happens to it meanwhile.
 *
 * A few keep-alive connections, one batch each at a time. A batch that is answered by anything but
 * a 2xx, or not at all, waits (50 ms, doubling to 2 s, or as long as Retry-After says, 2 s at
 * most) and is sent again, until it is acknowledged or nothing has been for `give_up_after_s`.
 * Answers that sending again cannot change (400, 401, 403, 404, 405, 413, 415, 422) end the run at
 * once, as does a 200 that refuses a report: both are faults of the simulation or of the collector.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_SENDER_H
#define EPICENTER_FLEETSIM_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/failure.h"

struct sender;

struct sender_options {
    const char *collector; /* base URL */
    const char *token;
    unsigned connections;
    double give_up_after_s;
    bool gzip; /* the bodies are compressed */
};

/* A body to send; `count` reports are in it. */
struct batch {
    struct buffer body;
    size_t first; /* number of its first report within the minute */
    size_t count;
};

/* Called after a batch was acknowledged; false stops the sending. */
typedef bool (*sender_acknowledged)(void *context, const struct batch *batch,
                                    struct failure *failure);
/* Called every now and then while waiting. */
typedef void (*sender_waiting)(void *context);

MUST_CHECK bool sender_new(const struct sender_options *options, struct sender **sender,
                           struct failure *failure);
void sender_free(struct sender *sender);

/* Returns when all batches are acknowledged. */
MUST_CHECK bool sender_send(struct sender *sender, const struct batch *batches, size_t count,
                            sender_acknowledged acknowledged, sender_waiting waiting, void *context,
                            struct failure *failure);

/* Batches sent again so far. */
uint64_t sender_resent(const struct sender *sender);

#endif
