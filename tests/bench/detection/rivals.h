/* What others do instead, on the same reports: each gives a score by minute, and alarms where the
 * score passes a threshold that the bench sets by the harmless rollouts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_DETECTION_RIVALS_H
#define EPICENTER_TESTS_BENCH_DETECTION_RIVALS_H

#include "tests/bench/detection/made_rollout.h"

enum rival { RIVAL_PINNED_SHARE, RIVAL_MANN_WHITNEY, RIVAL_LOGRANK, RIVAL_COUNT };
extern const char *const rival_names[RIVAL_COUNT];

#define RIVAL_LOOK_MINUTES 5
enum { RIVAL_LOOKS = MADE_MINUTES / RIVAL_LOOK_MINUTES };

struct rival_scores {
    float highest[RIVAL_COUNT][MADE_MINUTES]; /* so far, at the end of the minute */
};

void rivals_score(const struct made_rollout *rollout, struct rival_scores *scores);

#endif
