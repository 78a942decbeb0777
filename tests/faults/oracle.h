/* The judge: every acknowledged report is an obligation, and the tables must meet it.
 *
 * It knows what was acknowledged from the senders alone, and what is there from the tables alone.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FAULTS_ORACLE_H
#define EPICENTER_FAULTS_ORACLE_H

#include <stddef.h>

#include "tests/fleetsim/ledger.h"
#include "tests/support/private_cluster.h"

struct oracle_finding {
    size_t acknowledged; /* distinct reports */
    size_t lost;         /* of these, not in the table report as they were sent */
    size_t unsent;       /* in the table, and never acknowledged: refused, torn or invented */
    size_t doubled;      /* by how much count(distinct (host_id, observed_at)) is over the truth */
    size_t torn;         /* loads whose rows are not as many as the load says */
    size_t stored_again; /* rows beyond the first of a report, which no count may show */
};

/* Sorts the records. Whoever sent them must have nothing under way any more. */
struct oracle_finding oracle_judge(struct private_cluster *cluster, struct ledger_record *records,
                                   size_t count);

#endif
