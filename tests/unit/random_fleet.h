/* Random fleets with everything that makes counting hard: updates in flight at once, bundles,
 * roll-backs, installing again, hosts that come late, fall silent and return, reports twice, late,
 * out of order or held back and sent at once, wrong clocks, customers that grow, attributes that
 * change or are never told. The same seed gives the same reports on every machine.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_RANDOM_FLEET_H
#define EPICENTER_TESTS_RANDOM_FLEET_H

#include <stddef.h>
#include <stdint.h>

#include "common/report.h"

#define RANDOM_FLEET_START (INT64_C(1114200000) * INSTANT_SECOND) /* 2005-04-22T20:00:00Z */

#define RANDOM_FLEET_UPDATES 3
#define RANDOM_FLEET_ATTRIBUTES 6

struct random_report {
    struct report report;
    struct report_update updates[RANDOM_FLEET_UPDATES];
    struct report_attribute attributes[RANDOM_FLEET_ATTRIBUTES];
    instant_us arrives_at; /* after its receipt by more than a minute where it comes late */
};

struct random_fleet {
    struct random_report *told; /* in the order of arrival */
    size_t count, capacity;
    int minutes;
};

/* Every text in the reports is the module's own and stays; `told` is the caller's to free. */
struct random_fleet random_fleet_new(uint64_t seed, uint32_t hosts, int minutes);

/* Adds a copy. */
void random_fleet_add(struct random_fleet *fleet, const struct random_report *told);

/* Puts the reports in the order of arrival and points them to their updates and attributes: to be
 * called again after arrives_at was changed or a report was added. */
void random_fleet_sort(struct random_fleet *fleet);

/* Seats to register for a customer; 0: none. */
uint32_t random_fleet_seats(const char *customer_id);
#define RANDOM_FLEET_CUSTOMERS 24
const char *random_fleet_customer(size_t number);

#endif
