/* Who waits for a verdict? A release pipeline asks with ?wait= and is answered when the update is
 * decided (HOLD or CLEAR), or when its patience is over, with the verdict as it is then.
 *
 * Requests wait without a thread each: they are held here, and one thread looks at the newest
 * snapshot on their behalf.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_GATE_H
#define EPICENTER_ANALYZER_GATE_H

#include <stdbool.h>

#include "analyzer/live.h"
#include "common/failure.h"
#include "common/http_server.h"

struct gate;

/* How a request is answered once it has waited. */
typedef void (*gate_answer)(struct live *live, struct http_request *request);

MUST_CHECK bool gate_new(struct live *live, gate_answer answer, struct gate **gate,
                         struct failure *failure);
/* Answers everybody who still waits. No gate_wait may be under way or come later. */
void gate_free(struct gate *gate);

/* Longer than any proxy's patience, and a pipeline that wants more asks again. */
#define GATE_WAIT_MOST_S 60

/* Takes the request over and answers it later. False, and the request stays the caller's to answer
 * now: the update is decided, `wait_s` is 0, or too many wait already (then asking again soon is
 * the pipeline's own loop). */
bool gate_wait(struct gate *gate, struct http_request *request, const char *update_id,
               unsigned long wait_s);

#endif
