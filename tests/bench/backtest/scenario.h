/* A published incident as a file: what was known of it, what we assume, what came of it.
 *
 * A group of customers is either counted (affected_customers, affected_hosts) or reckoned from a
 * base: base_customers x hosts_per_customer, the share that the trigger's segment has of customers
 * (segment_share) and of a customer's hosts (share_within), and the window. With by_host the hosts
 * of one customer fetch updates each for itself; otherwise a customer fetches once for all.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_BACKTEST_SCENARIO_H
#define EPICENTER_TESTS_BENCH_BACKTEST_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "analyzer/cost_parameters.h"

#define GROUPS_MOST 4
#define PUBLISHED_MOST 8

struct exposure_ranges {
    struct range online_share, poll_minutes, symptom_share;
};

struct scenario_group {
    const char *region, *product_line;
    enum customer_kind kind;
    bool counted, by_host;
    struct range affected_customers, affected_hosts;
    struct range base_customers, hosts_per_customer, segment_share, share_within;
};

struct published_figure {
    const char *figure, *name, *unit;
    double value, value_high; /* the same where it is not a range */
    bool at_least, shown_only;
};

struct scenario {
    json_t *document; /* owns the texts */
    const char *title;
    struct range window_minutes;
    struct scenario_group groups[GROUPS_MOST];
    size_t group_count;
    struct cost_scheme schemes[2];
    size_t scheme_count;
    struct published_figure published[PUBLISHED_MOST];
    size_t published_count;
};

/* Both end the program with a message when the file is not as it must be. */
void exposure_load(const char *path, struct exposure_ranges *ranges);
void scenario_load(const char *path, struct scenario *scenario);
void scenario_free(struct scenario *scenario);

#endif
