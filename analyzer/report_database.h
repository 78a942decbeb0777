/* The last hours in the database as a mouth of the analysis, once: to look at them in another way
 * than the analyzer that follows them does, which is neither asked nor disturbed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_REPORT_DATABASE_H
#define EPICENTER_ANALYZER_REPORT_DATABASE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analyzer/analysis.h"
#include "common/database.h"
#include "common/failure.h"
#include "common/instant.h"

/* Reads what has been received within `horizon` of the newest load there is when it begins into the
 * analysis, and advances it as far as an analyzer that had followed it would be by then. With
 * `progress` a line that rewrites itself goes to `messages`. `reports` is how many there were; none
 * is not a failure. */
MUST_CHECK bool report_database_read(struct database *database, struct analysis *analysis,
                                     instant_us horizon, FILE *messages, bool progress,
                                     uint64_t *reports, struct failure *failure);

#endif
