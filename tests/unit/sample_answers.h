/* Answers made by hand for the tests of what writes them out: one update on HOLD with everything
 * filled in (Japanese names, a name with an escape sequence, an infinite bound), one not decided
 * with nothing to date, one clear.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_UNIT_SAMPLE_ANSWERS_H
#define EPICENTER_TESTS_UNIT_SAMPLE_ANSWERS_H

#include "analyzer/answer.h"

/* The same static value each time; tests copy what they change. */
struct answers sample_answers(void);

#endif
