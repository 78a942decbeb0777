/* Hosts that report without pause, from threads of their own, until they are told to stop, and that
 * send again whatever was not acknowledged. What was acknowledged, they write down.
 *
 * Every report is unique in host and time, and its busy fraction says which it is. Half of the
 * hosts are up to seven days late, within a round reports come in no order, and one request in ten
 * is an earlier one once more.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FAULTS_FLEET_H
#define EPICENTER_FAULTS_FLEET_H

#include <stddef.h>
#include <stdint.h>

#include "tests/fleetsim/ledger.h"

struct fleet;

struct fleet_options {
    const char *url;
    const char *token;
    unsigned connections;
    size_t reports_most; /* in one request; sizes from one report to this */
    uint64_t seed;
};

struct fleet *fleet_start(const struct fleet_options *options);

/* Distinct reports acknowledged, and requests sent a second time on purpose, so far. */
size_t fleet_acknowledged(struct fleet *fleet);
size_t fleet_repeated(struct fleet *fleet);

/* Whether it has given up: nothing was acknowledged for two minutes, or an answer was a fault. Says
 * why. */
const char *fleet_trouble(struct fleet *fleet);

/* Lets it finish what it has begun, so that whatever was sent is acknowledged, and ends it. The
 * records are the caller's to free. */
void fleet_finish(struct fleet *fleet, struct ledger_record **records, size_t *count);

#endif
