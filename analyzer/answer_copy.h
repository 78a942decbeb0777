/* Answers that stand alone: the analysis goes on and frees what it answered with, its registry and
 * parameters change, and readers still have the copy.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANSWER_COPY_H
#define EPICENTER_ANALYZER_ANSWER_COPY_H

#include <stdbool.h>

#include "analyzer/answer.h"
#include "common/arena.h"

/* Everything in `arena`, texts, draws and parameters included; but for course, contrasts and
 * recovery, which only the documents tell and which are left empty; and for cost_draws, which are
 * the answers' own and have to be held. NULL: out of memory. */
const struct answers *answer_copy(const struct answers *answers, struct arena *arena);

#endif
