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
#include "tests/unit/random_fleet.h"

#define START RANDOM_FLEET_START

/* Hosts come and go, some clocks are wrong, reports are lost, and update 1 pins the Windows XP
 * hosts that install it. */
struct random_fleet make_fleet(uint64_t seed, uint32_t hosts, int minutes);

/* The same, and every host says a serial number, which is no kind of host; 1,000 hosts at most. */
struct random_fleet make_fleet_with_serials(uint64_t seed, uint32_t hosts, int minutes);

/* Fleets of either sort: of hosts that do little but be harmed, and of hosts to which everything
 * happens. All reports arrive when they are received, before the end. */
struct random_fleet any_fleet(uint64_t seed);

struct run {
    struct registry *registry;
    struct cost_parameters *parameters;
    struct analysis *analysis;
    struct buffer changes; /* all so far, as text */
};

void run_open(struct run *run, unsigned threads);
void run_close(struct run *run);
void add(struct run *run, const struct random_report *told);
void advance(struct run *run, instant_us until);

/* The answers and how they came about. How many reports came twice is no part of them, nor how many
 * late, as one that is out of order is so again when it comes twice. */
struct buffer answers_of(struct run *run);

/* The same of reports given minute by minute, in the order received, up to the minute. */
struct buffer expected(const struct random_fleet *fleet, int minutes);

/* Frees both. */
void assert_same(struct buffer *actual, struct buffer *wanted);

#endif
