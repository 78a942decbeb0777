/* What one request wants committed, and who waits for it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_BATCH_H
#define EPICENTER_COLLECTOR_BATCH_H

#include <stdbool.h>

#include "collector/decode.h"
#include "collector/repeat.h"
#include "common/failure.h"
#include "common/report.h"

struct batch;

/* Called once, from another thread: `failure` is NULL when all of the batch is committed and
 * otherwise says why none of it is known to be. The batch is the callee's then. */
typedef void (*batch_done)(struct batch *batch, const struct failure *failure);

struct batch {
    struct decode_output output;             /* reports to store, rejections to keep */
    const char *source;                      /* the route; lives as long as the program */
    char customer_id[REPORT_TEXT_LIMIT + 1]; /* of the token; empty for a replay token */
    struct repeat *repeat;                   /* its Idempotency-Key; NULL: none */
    batch_done done;
    void *context;      /* for `done` */
    struct batch *next; /* for whoever has the batch */
};

/* Once its keys are judged: whether there is anything of it to store. */
static inline bool batch_is_first(const struct batch *batch)
{
    return batch->repeat == NULL || batch->repeat->kind == REPEAT_FIRST;
}

#endif
