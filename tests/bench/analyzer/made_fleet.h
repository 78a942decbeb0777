/* A large fleet for measuring: plain arithmetic says what each host reports when, so that SQL can
 * make the same columns (rival.mjs) and nothing needs to be kept.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_ANALYZER_MADE_FLEET_H
#define EPICENTER_TESTS_BENCH_ANALYZER_MADE_FLEET_H

#include <stddef.h>
#include <stdint.h>

#include "common/report.h"

/* Every host reports every five minutes, as real ones do. */
#define MADE_INTERVAL_MINUTES 5
#define MADE_STARTED_AT (INT64_C(1114200000) * INSTANT_SECOND) /* 2005-04-22T20:00:00Z */

struct made_fleet {
    uint32_t hosts;
    uint32_t host_share; /* one host in so many installs … */
    uint32_t updates;    /* … one of so many updates … */
    int install_minutes; /* … in one of the minutes up to this one */
    uint32_t segments;
    uint32_t customers;
    char (*customer_ids)[16];
    struct made_segment *made_segments;
    struct report_update *by_update; /* of the minute being made */
    char (*update_ids)[24];
};

/* Ends the program when memory is out. `customers` is one for each hundred hosts. */
void made_fleet_open(struct made_fleet *fleet);
void made_fleet_close(struct made_fleet *fleet);

/* Writes the reports received in `minute` (0 …) by the hosts first, first + step, …; as many as
 * made_fleet_count says. Pointers in them are good until the next call. */
size_t made_fleet_count(const struct made_fleet *fleet, uint32_t first, uint32_t step);
void made_fleet_reports(const struct made_fleet *fleet, int minute, uint32_t first, uint32_t step,
                        struct report *reports);

#endif
