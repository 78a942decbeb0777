/* Requests that take long: one of a host may have to wait for the analysis, which is held while a
 * minute is judged, and what if is reckoned anew. They are answered on a thread of their own, so
 * that the threads that serve everybody else never wait. SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ASIDE_H
#define EPICENTER_ANALYZER_ASIDE_H

#include "common/failure.h"
#include "common/http_server.h"

struct aside;

MUST_CHECK bool aside_new(struct aside **aside, struct failure *failure);
/* Answers whoever waits, then ends. No aside_put may be under way or come later. NULL is fine. */
void aside_free(struct aside *aside);

/* Takes the request over: `handler` is called for it, or it is answered that too many wait. */
void aside_put(struct aside *aside, http_handler handler, void *context,
               struct http_request *request);

#endif
