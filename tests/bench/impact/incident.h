/* An incident whose truth is known: customers with seats of which some report, an update that pins
 * or locks up the hosts of one segment, and what the analyzer says of it an hour after the release
 * and later, beside what really happened to every seat, reporting or not.
 *
 * A host counts as affected when it has shown it, or would have, did it report: at its second
 * report at full load, or when three reports of it are missing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_IMPACT_INCIDENT_H
#define EPICENTER_TESTS_BENCH_IMPACT_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INCIDENT_ALPHA 0.01

enum incident_setting {
    SETTING_PLAIN,   /* 80 % of seats report */
    SETTING_SILENCE, /* half of the stricken lock up, half of those before they told of the update
                      */
    SETTING_THIN     /* 30 % of seats report */
};
#define INCIDENT_SETTINGS 3

#define INCIDENT_MOMENTS 2
/* Minutes after the release. */
extern const int incident_moments[INCIDENT_MOMENTS];

enum incident_rival { RIVAL_PINNED, RIVAL_SCALED, INCIDENT_RIVALS };

struct incident_result {
    bool held; /* by the first moment; the rest is unset where there is no verdict to judge by */
    struct incident_moment {
        bool hosts_inside, customers_inside, cost_inside, to_come_inside;
        uint32_t cells, host_cells_inside, customer_cells_inside;
        /* Of the customers' ranges: spanning so many that whole numbers matter little. */
        uint32_t wide_cells, wide_cells_inside;
        double true_hosts, true_customers;
        double to_come, true_to_come;   /* have it, and do not show it yet */
        double hosts, customers;        /* likely */
        double hosts_width;             /* of the interval, as a share of the truth */
        double rivals[INCIDENT_RIVALS]; /* customers */
    } moments[INCIDENT_MOMENTS];
};

/* The same seed and setting give the same result. Ends the program where it cannot go on. */
void incident_run(enum incident_setting setting, uint64_t seed, struct incident_result *result);

#endif
