/* Takes a minute's reports to the hosts they are of, in one fixed order however they came, and
 * hears at once those that say nothing new.
 *
 *   order -> find -> check -> hear the calm -> place -> hear the others
 *
 * Order is by host id, then as struct fleet wants a host's own reports. The first four are done
 * here, for parts of the order side by side, as a report of one host says nothing of another. They
 * are done heap by heap, so that a report and its host are fetched from memory once. Nearly all
 * reports end here: of hosts known and counted where they are, that were healthy and still are. To
 * hear them before they or others are placed changes nothing, as placing a host looks at what a
 * calm report leaves as it is: state and since when, interval, installations, and the clock's
 * delay, which is noted either way. The others are for analysis_place.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANALYSIS_ORDER_H
#define EPICENTER_ANALYZER_ANALYSIS_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/analysis_state.h"
#include "analyzer/parallel.h"
#include "common/failure.h"

/* What is to be done yet about a report, or has been: bits. */
#define ORDER_CHANGES 1 /* where its host is counted: it must be placed */
#define ORDER_MEETS 2   /* it is the first of a host nobody knew */
#define ORDER_HEARD 4

struct minute_order {
    struct analysis *analysis;
    struct open_minute *open;
    struct order_room room;
    size_t begins[PENDING_HEAPS + 1]; /* the place of each heap's first report */
    size_t count, most_in_heap;
    unsigned parts;
    unsigned first_heap[PARALLEL_PARTS_MOST + 1]; /* each part begins with */
    struct order_part {
        struct order_rest *rest; /* what the first steps leave to be placed or heard */
        size_t rest_count;
        uint32_t met;        /* hosts nobody knew … */
        uint32_t meets_from; /* … and the number of the first of them */
        bool moved;          /* a customer gained or lost a host */
        bool failed;
        struct failure failure;
        struct fleet heard;
    } part[PARALLEL_PARTS_MOST];
};

/* A heap's reports in their order, and what is known of them. */
struct heap_view {
    const struct pending_report *reports;
    const uint32_t *places; /* of the reports */
    uint32_t *hosts;        /* FLEET_NONE until it is known */
    uint8_t *flags;
    size_t count;
};

struct heap_view view_heap(const struct minute_order *order, unsigned heap);

static inline const struct pending_report *heap_report(const struct heap_view *heap, size_t at)
{
    return &heap->reports[heap->places[at]];
}

/* The caller frees *order, also after a failure. */
MUST_CHECK bool minute_order_make(struct analysis *analysis, struct open_minute *open,
                                  struct minute_order **order, struct failure *failure);
void minute_order_free(struct minute_order *order);

/* Does `work` for each part at once. Fails when a part has failed. */
MUST_CHECK bool minute_order_run(struct minute_order *order,
                                 void (*work)(void *order, unsigned part), struct failure *failure);

/* For the time being: what the parts have heard apart goes to the fleet, in order. */
void minute_order_begin_hearing(struct minute_order *order);
MUST_CHECK bool minute_order_end_hearing(struct minute_order *order, bool take,
                                         struct failure *failure);

static inline struct fleet_reading reading_of(const struct pending_report *pending)
{
    return (struct fleet_reading){.observed_at = pending->observed_at,
                                  .received_at = pending->received_at,
                                  .has_cpu = pending->has_cpu,
                                  .interval_s = pending->interval_s,
                                  .busy = pending->busy};
}

#endif
