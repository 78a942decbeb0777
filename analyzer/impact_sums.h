/* What impact_count.c adds up of one update and impact_tell.c makes answers of.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_IMPACT_SUMS_H
#define EPICENTER_ANALYZER_IMPACT_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/impact.h"
#include "analyzer/impact_census.h"
#include "analyzer/impact_estimate.h"
#include "common/hash_index.h"

/* One region and product line. Inside and outside are of the segment. */
struct impact_sums_cell {
    uint64_t hosts[SIGN_COUNT];     /* noted */
    uint64_t customers[SIGN_COUNT]; /* with a noted host; seen before silent */
    double expected_hosts[SIGN_COUNT];
    double control_minutes[SIGN_COUNT], control_onsets[SIGN_COUNT];
    double exposed_minutes, noted_minutes;
    uint64_t inside, outside;                 /* hosts that report */
    uint64_t unheard_inside, unheard_outside; /* silent, never told of the update */
    bool counts_unheard; /* those inside are more than a coincidence, and counted as affected */
};

/* One customer with noted or unheard hosts in one product line. */
struct impact_sums_share {
    uint32_t customer, cell;
    uint32_t hosts[SIGN_COUNT], still_affected;
    uint32_t unheard; /* inside the segment */
    fleet_second first_onset;
    fleet_second last_recovered; /* 0: no host has */
};

struct impact_sums {
    const struct impact_census *census;
    struct impact_sums_cell *cells; /* by the census' place */
    struct impact_sums_share *shares;
    uint32_t share_count, share_capacity;
    struct hash_index by_share;
    uint64_t outside_on, outside_distressed; /* hosts that are not silent */
};

/* Fills answer->cells and all else that is counted or estimated. */
MUST_CHECK bool impact_tell(struct impact_sums *sums, const struct impact_customers *customers,
                            const struct impact_drawing *drawing, struct arena *arena,
                            struct impact_answer *answer, struct failure *failure);

#endif
