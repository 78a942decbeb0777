/* A fleet as rows: FLEET_CUSTOMERS customers in FLEET_REGIONS regions with a host each, reporting
 * every five minutes, and FLEET_UPDATES updates, the last of which does harm. Made by the database
 * itself, from hashes of the host's number, so that it is the same each time.
 *
 * Every other host installs the harmful one within five minutes, and four in ten of those hang; one
 * in sixty has each of the others, for three hours, so that no suspicion falls on them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_API_STORED_FLEET_H
#define EPICENTER_TESTS_BENCH_API_STORED_FLEET_H

#include <stdint.h>

#include "tests/support/private_cluster.h"

#define FLEET_CUSTOMERS 100000
#define FLEET_REGIONS 20
#define FLEET_UPDATES 30
#define FLEET_MINUTES 60
#define FLEET_FIRST_UPDATE "pattern/0"

/* The customers with their seats, the updates, and the kinds of hosts. */
void stored_fleet_register(struct private_cluster *cluster);

/* One minute (0 …) of reports as one load. */
void stored_fleet_minute(struct private_cluster *cluster, int minute);

#endif
