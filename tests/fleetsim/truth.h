/* What really happened, as far as the simulation went: truth.json and struck.csv.
 *
 * A customer is struck in a product line when at least one of its hosts of that line was harmed.
 * "all" counts every seat, "reporting" only those that report, "seen" those of them that a reader
 * of the reports could know of at best: seen pinned for two reports in a row, slowed for three, or
 * silent for three intervals after harm.
 *
 * truth.json:
 *   {"scenario","title","seed","hosts":{all,reporting},"customers","reports",
 *    "first_received_at","last_received_at",
 *    "updates":[{"id","released_at","withdrawn_at","installed_hosts","faulty":false}
 *               or, with "faulty":true, also "first_harm_at","last_harm_at","segment":[{attribute:
 *               [values]}],"hosts":{all,reporting,seen,pinned,slowed,silent},
 *               "customers":{all,reporting,seen},
 *               "cells":[{"region","product_line","hosts":{all,reporting,seen},
 *                         "customers":{all,reporting,seen}}]]}
 * Customers of the whole update count once however many product lines they are struck in.
 *
 * struck.csv: customer_id,host_id,region,product_line,installed_at,harmed_at,silent_at: the harmed
 * hosts that report. Times are true ones; silent_at is when the host locked up or failed to come
 * back, empty where it did neither.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_TRUTH_H
#define EPICENTER_FLEETSIM_TRUTH_H

#include "common/failure.h"
#include "tests/fleetsim/simulation.h"

/* Call when the simulation is over. */
MUST_CHECK bool truth_write(const struct simulation *simulation, const char *directory,
                            struct failure *failure);

#endif
