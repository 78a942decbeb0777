/* Small fleets in which everything happens, and runs of an analysis over them: what the tests of
 * "the same answers, however they came about" compare.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_UNIT_FLEET_RUNS_H
#define EPICENTER_TESTS_UNIT_FLEET_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/analysis.h"
#include "analyzer/registry.h"
#include "common/buffer.h"
#include "common/instant.h"
#include "common/report.h"

#define START (INT64_C(1114200000) * INSTANT_SECOND) /* 2005-04-22T20:00:00Z */
#define ATTRIBUTES 4

struct told {
    struct report report;
    struct report_attribute attributes[ATTRIBUTES + 1];
    char serial[12];
    struct report_update update;
    instant_us arrives_at; /* orders the reports on their way in */
};

struct fleet_case {
    struct told
        *told; /* in the order of arrival; the caller's to free, with room for as many more */
    size_t count;
    int minutes;
    bool serials; /* every host says a serial number, which is no kind of host */
};

/* Hosts come and go, some clocks are wrong, reports are lost, and update 1 pins the Windows XP
 * hosts that install it. */
struct fleet_case make_fleet(uint64_t seed, uint32_t hosts, int minutes);
struct fleet_case make_fleet_saying(bool serials, uint64_t seed, uint32_t hosts, int minutes);

/* Orders them anew after a change. */
void sort_by_arrival(struct fleet_case *fleet);

struct run {
    struct registry *registry;
    struct cost_parameters parameters;
    struct analysis *analysis;
    struct buffer changes; /* all so far, as text */
};

void run_open(struct run *run, unsigned threads);
void run_close(struct run *run);
void add(struct run *run, const struct told *told);
void advance(struct run *run, instant_us until);

/* The answers and how they came about. The number of duplicates is no part of them. */
struct buffer answers_of(struct run *run);

/* The same of reports given minute by minute, in the order received, up to the minute. */
struct buffer expected(const struct fleet_case *fleet, int minutes);

/* Frees both. */
void assert_same(struct buffer *actual, struct buffer *wanted);

#endif
