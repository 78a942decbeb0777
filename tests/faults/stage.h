/* What each of the faults happens to: a private PostgreSQL, a collector, a fleet that reports, and
 * in the end the judgement of what was acknowledged.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FAULTS_STAGE_H
#define EPICENTER_FAULTS_STAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/random_stream.h"
#include "common/token.h"
#include "tests/faults/fleet.h"
#include "tests/faults/oracle.h"
#include "tests/support/private_cluster.h"
#include "tests/support/serving.h"

struct stage {
    struct private_cluster *cluster;
    struct serving collector;
    struct fleet *fleet;
    struct random_stream random;
    const char *keys;
    const char *program; /* COLLECTOR_PROGRAM, or a script around it */
    char token[TOKEN_TEXT_SIZE];
    struct ledger_record *others; /* acknowledged to others than the fleet; freed in the end */
    size_t other_count;
    size_t faults;       /* so far */
    size_t memory_kb;    /* the most the collector took, as far as it was asked */
    const char *skipped; /* why it could not be done here; NULL: it was */
};

/* NULL options: durable. The fleet is started apart. */
void stage_start(struct stage *stage, const struct private_cluster_options *options);
void stage_collector(struct stage *stage);
void stage_fleet(struct stage *stage, unsigned connections, size_t reports_most);

/* Counts a fault, and on a terminal says how many there have been of `all`. */
void stage_count_fault(struct stage *stage, size_t all);

/* Waits until so many reports more are acknowledged; fails the test when the fleet gives up. */
void stage_wait_for_reports(struct stage *stage, size_t more);

/* The same for a random number up to `most`, and then a random few milliseconds. */
void stage_wait_for_moment(struct stage *stage, size_t most);

/* Notes the most memory the collector has taken. */
void stage_note_memory(struct stage *stage);

/* The fleet finishes, a last report gets through, and what is in the tables is judged. */
struct oracle_finding stage_judge(struct stage *stage);
void stage_end(struct stage *stage);

#endif
