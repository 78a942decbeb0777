/* Is the analyzer as its twin says? Compares the two after a minute, host by host and sum by sum,
 * and fails the test where they differ, with the seed and the minute. The analyzer's inside is read
 * here and nowhere else; its answers in twin_ratios.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_TWIN_COMPARE_H
#define EPICENTER_TESTS_TWIN_COMPARE_H

#include "analyzer/analysis_state.h"
#include "twin.h"

/* One fleet under both. */
struct trial {
    uint64_t seed;
    struct registry *registry;
    struct cost_parameters parameters;
    struct analysis *analysis;
    struct twin twin;
    struct twin_evidence evidence;
    struct twin_minute minute;
    uint32_t spoilt[TWIN_UPDATES];
    struct twin_tally {
        size_t update, segment;
        unsigned size_class;
        struct twin_count sum;
    } tallies[TWIN_UPDATES * TWIN_STRATA];
    size_t tally_count;
};

/* `trial->minute` has just been closed: adds it to the twin's sums, then compares everything. */
void twin_compare(struct trial *trial);

/* Compares what the answers say the rate ratios come from. Ratios against the past are left out. */
struct twin_met_ratios {
    size_t all, of_parts; /* with an onset among the exposed; of them, of a part of the fleet */
};
struct twin_met_ratios twin_compare_ratios(struct trial *trial);

/* Whether the analyzer holds the update: which verdicts it comes to is no matter for the twin. */
bool twin_compare_holds(const struct trial *trial, size_t update);

#endif
