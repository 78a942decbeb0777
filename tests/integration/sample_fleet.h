/* A small fleet made by hand, minute by minute, as reports and as rows: 120 customers with a host
 * each, of which every other one installs pattern/1 and turns pinned five minutes later.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_INTEGRATION_SAMPLE_FLEET_H
#define EPICENTER_TESTS_INTEGRATION_SAMPLE_FLEET_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzer/analysis.h"
#include "common/database.h"
#include "common/instant.h"
#include "common/report.h"

#define SAMPLE_HOSTS 120
#define SAMPLE_MINUTES 60
#define SAMPLE_STARTED_AT (INT64_C(1114207200) * INSTANT_SECOND) /* 2005-04-22T22:00:00Z */
#define SAMPLE_UPDATE "pattern/1"

/* One report with the texts it points to; do not copy it. */
struct sample_report {
    struct report report;
    char customer_id[16];
    struct report_attribute attributes[3];
    struct report_update update;
};

/* Fills the report of one host (0 …) in one minute (0 …). */
void sample_report(int minute, int host, struct sample_report *sample);

/* Adds the reports of the minutes first … last-1 to an analysis. */
void sample_fleet_add(struct analysis *analysis, int first, int last);

/* Writes the reports of one minute, of hosts first, first + step, …, as one load in the
 * transaction that is open; `loaded_at` is "now" or another time as SQL has it. */
void sample_fleet_store(struct database *database, int minute, int first, int step,
                        const char *loaded_at);

/* The same in a transaction of its own, all hosts, for the minutes first … last-1. */
void sample_fleet_store_minutes(struct database *database, int first, int last);

/* Runs a statement without parameters or rows; fails the test when it fails. */
void sample_fleet_run(struct database *database, const char *sql);

#endif
