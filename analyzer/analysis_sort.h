/* In which order are the reports of a minute taken? By host, then by the host's own time, then as
 * fleet_hear wants them, and at last by what they say: the same order however they came. A heap of
 * reports at a time; the reports stay where they are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANALYSIS_SORT_H
#define EPICENTER_ANALYZER_ANALYSIS_SORT_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/analysis_state.h"
#include "common/failure.h"

/* Room to sort a heap in, for one thread, and what came of it. */
struct sort_room {
    uint64_t *keys, *spare;
    const struct pending_report **reports; /* of the heap, in their order */
};

/* For heaps of up to `most` reports. Freed in any case by sort_room_free. */
MUST_CHECK bool sort_room_make(struct sort_room *room, size_t most, struct failure *failure);
void sort_room_free(struct sort_room *room);

/* Sets room->reports to those of the heap of that number. */
void sort_heap(const struct sort_room *room, const struct analysis *analysis,
               const struct open_minute *open, unsigned number);

#endif
