/* What do a host's reports of a minute say? Where it is counted, and how it is.
 *
 * To place is to count a host by its customer, its segment and what it has installed, as they are
 * by the last of its reports in the minute; to hear is to take what its reports say of its state.
 * All of a host's reports are placed before any is heard, and hosts may be gone through in any
 * order and by threads side by side: what one says changes nothing for another in the minute. Sizes
 * of customers and the kinds of hosts are those known when the minute began, and what is to be
 * known after is noted apart.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANALYSIS_PLACE_H
#define EPICENTER_ANALYZER_ANALYSIS_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/analysis_state.h"
#include "analyzer/exposure_part.h"
#include "common/failure.h"

/* What one thread works with, and notes apart. */
struct place_part {
    struct analysis *analysis;
    const struct open_minute *open;
    struct fleet heard; /* see fleet_part */
    struct exposure_part *exposed;
    struct customer_move {
        uint32_t customer;
        int32_t change; /* of its hosts */
    } * moves;
    size_t move_count, move_capacity;
    struct impact_late_install *late;
    size_t late_count, late_capacity;
    uint32_t *kinds; /* numbers in `met` of kinds to be learned, in the order they were met */
    size_t kind_count, kind_capacity;
    bool *is_noted; /* by number in `met`: among the kinds; NULL before the first */
    struct failure failure;
};

void place_part_free(struct place_part *part);

/* A host's reports of the minute, in their order. */
struct host_reports {
    const struct pending_report *const *reports;
    size_t count; /* 1 or more */
};

enum place_need {
    PLACE_NOT,  /* it is counted where it was */
    PLACE_NOW,  /* it must be placed */
    PLACE_LATER /* … when kinds have been learned and updates are followed that it tells of */
};

/* For a host that is known. */
enum place_need place_check(struct analysis *analysis, const struct open_minute *open,
                            uint32_t number, const struct host_reports *told);

/* Notes the kinds and updates that a host must wait for; FLEET_NONE: one nobody knows. */
MUST_CHECK bool place_note_wants(struct place_part *part, uint32_t host,
                                 const struct host_reports *told);

/* Notes that a customer has gained or lost a host. */
MUST_CHECK bool place_note_move(struct place_part *part, uint32_t customer, int32_t change);

MUST_CHECK bool place_host(struct place_part *part, uint32_t host, const struct host_reports *told);
MUST_CHECK bool place_hear(struct place_part *part, uint32_t host, const struct host_reports *told);

/* Learns the kinds a part has noted; to be called in the order of the parts. `left_out`: how many
 * attributes were left out before the first of them. */
MUST_CHECK bool place_learn_kinds(struct place_part *part, uint32_t left_out,
                                  struct failure *failure);

/* Takes what a part has noted of customers. */
void place_take_moves(struct place_part *part);

#endif
