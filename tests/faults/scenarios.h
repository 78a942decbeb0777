/* The faults: each happens to a stage, a few times in a short run and often in a full one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FAULTS_SCENARIOS_H
#define EPICENTER_FAULTS_SCENARIOS_H

#include <stdbool.h>

#include "tests/faults/stage.h"

/* Starts the stage's cluster, collector and fleet, and does its worst; whoever calls judges. A
 * scenario that cannot be done here sets `skipped` and starts nothing. */
typedef void (*scenario)(struct stage *stage, bool full);

void scenario_collector_killed(struct stage *stage, bool full);
void scenario_postgres_killed(struct stage *stage, bool full);
void scenario_postgres_slow(struct stage *stage, bool full);
void scenario_disk_full(struct stage *stage, bool full);
void scenario_few_files(struct stage *stage, bool full);
void scenario_slow_senders(struct stage *stage, bool full);
void scenario_late_and_repeated(struct stage *stage, bool full);
void scenario_wrong_clocks(struct stage *stage, bool full);
void scenario_calls_fail(struct stage *stage, bool full);

#endif
