/* The judge; see oracle.h. Both sides are sorted by host, time and value and compared in one walk;
 * what people count is asked of PostgreSQL in SQL, as they would.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults/oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/database.h"
#include "common/failure.h"
#include "common/instant.h"
#include "common/uuid.h"

#define ROWS "copy (select host_id, observed_at, busy from report) to stdout (format binary)"
#define DISTINCT_REPORTS                                                                           \
    "select count(*) from (select distinct host_id, observed_at from report) as distinct_report"
#define TORN_LOADS                                                                                 \
    "select count(*) from report_load l full join "                                                \
    "(select load_id, count(*) as rows from report group by load_id) r using (load_id) "           \
    "where l.row_count is distinct from coalesce(r.rows, 0)"

struct rows {
    struct ledger_record *items;
    size_t count, capacity;
};

static bool take_row(void *context, const struct copy_field *fields, size_t count,
                     struct failure *failure)
{
    struct rows *rows = context;
    if (count != 3) {
        return failure_set(failure, FAILURE_SYSTEM, "a row of %zu fields", count);
    }
    if (rows->count == rows->capacity) {
        size_t larger = rows->capacity > 0 ? rows->capacity * 2 : 4096;
        struct ledger_record *items = realloc(rows->items, larger * sizeof *items);
        if (items == NULL) {
            return failure_memory(failure, "reading the reports");
        }
        rows->items = items;
        rows->capacity = larger;
    }
    struct ledger_record *record = &rows->items[rows->count++];
    return copy_read_uuid(fields[0], &record->host_id, failure) &&
           copy_read_instant(fields[1], &record->observed_at, failure) &&
           copy_read_double(fields[2], &record->busy, failure);
}

static struct rows read_table(struct private_cluster *cluster)
{
    struct rows rows = {0};
    struct database *database = NULL;
    struct failure failure = {.message = ""};
    const char *conninfo = private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER);
    if (!database_open(conninfo, "faults", 0, &database, &failure) ||
        !database_copy_out(database, ROWS, take_row, &rows, &failure)) {
        fail_msg("%s", failure.message);
    }
    database_close(database);
    return rows;
}

static int compare_records(const void *left, const void *right)
{
    const struct ledger_record *a = left;
    const struct ledger_record *b = right;
    int hosts = uuid_compare(&a->host_id, &b->host_id);
    if (hosts != 0) {
        return hosts;
    }
    if (a->observed_at != b->observed_at) {
        return a->observed_at < b->observed_at ? -1 : 1;
    }
    return a->busy < b->busy ? -1 : a->busy > b->busy;
}

/* Sorts and leaves each record once; returns how many there are then. */
static size_t distinct(struct ledger_record *records, size_t count)
{
    size_t kept = 0;
    if (count == 0) {
        return 0;
    }
    qsort(records, count, sizeof *records, compare_records);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || compare_records(&records[kept - 1], &records[i]) != 0) {
            records[kept++] = records[i];
        }
    }
    return kept;
}

/* The first few, so that somebody can go and look. */
static void tell(const struct ledger_record *record, const char *trouble, size_t *told)
{
    char host[UUID_TEXT_SIZE];
    char at[INSTANT_TEXT_SIZE];
    if ((*told)++ < 3) {
        print_error("host %s at %s, busy %.4f %s\n", uuid_format(&record->host_id, host),
                    instant_format(record->observed_at, at), record->busy, trouble);
    }
}

static void compare(const struct ledger_record *ledger, const struct rows *table, size_t stored,
                    struct oracle_finding *finding)
{
    size_t l = 0;
    size_t t = 0;
    while (t < stored || l < finding->acknowledged) {
        int order = t == stored                  ? 1
                    : l == finding->acknowledged ? -1
                                                 : compare_records(&table->items[t], &ledger[l]);
        if (order > 0) {
            tell(&ledger[l++], "was acknowledged and is not in the database", &finding->lost);
        } else if (order < 0) {
            tell(&table->items[t++], "is in the database and was never acknowledged",
                 &finding->unsent);
        } else {
            l++;
            t++;
        }
    }
}

struct oracle_finding oracle_judge(struct private_cluster *cluster, struct ledger_record *records,
                                   size_t count)
{
    struct oracle_finding finding = {.acknowledged = distinct(records, count)};
    struct rows table = read_table(cluster);
    if (table.items == NULL) {
        finding.lost = finding.acknowledged;
        return finding;
    }
    size_t rows = table.count;
    size_t stored = distinct(table.items, table.count);
    size_t counted = (size_t)private_cluster_number(cluster, DISTINCT_REPORTS);
    finding.stored_again = rows - stored;
    compare(records, &table, stored, &finding);
    finding.doubled = counted > finding.acknowledged ? counted - finding.acknowledged : 0;
    finding.torn = (size_t)private_cluster_number(cluster, TORN_LOADS);
    free(table.items);
    return finding;
}
