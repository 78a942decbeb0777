/* One made rollout through the analyzer's library, read at the end of every minute.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_DETECTION_TRIAL_H
#define EPICENTER_TESTS_BENCH_DETECTION_TRIAL_H

#include "tests/bench/detection/made_rollout.h"
#include "tests/bench/detection/rivals.h"

#define TRIAL_ALPHA 0.01

/* What came of it. */
struct trial {
    double held_at;                 /* the update under test, minutes; MADE_NEVER: it was not */
    bool others_held;               /* any other was, ever */
    bool others_named;              /* the second is named as of one bundle with it */
    bool ratio_covered;             /* by the confidence sequence of the whole fleet, throughout */
    bool segment_right;             /* exactly */
    bool onset_dated, onset_inside; /* the first harm in the interval … */
    double onset_width;             /* … of so many minutes */
    double true_hosts, said_hosts, common_hosts; /* of the segment, true and said */
    double harmed_before[MADE_MINUTES + 1];      /* hosts, by minute; the last: in all */
    struct rival_scores rivals;
};

/* Ends the program when memory is out. */
void trial_run(const struct made_rollout *rollout, struct trial *trial);

#endif
