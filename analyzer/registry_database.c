/* Reads the registry's tables; see registry_database.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/registry_database.h"

#include <stdlib.h>
#include <string.h>

#include "common/report.h"

/* ---- Statements ---- */

static const char select_customers[] =
    "select customer_id, name, kind, region, country, time_zone, tier, partner,"
    " coalesce(contract_value, 0), currency, renewal_on::text, language,"
    " coalesce(criticality, '') from customer order by customer_id";
static const char select_seats[] = "select s.customer_id, s.product_line, s.seats from seat s"
                                   " join customer c using (customer_id)"
                                   " order by s.customer_id, s.product_line";
/* Microseconds since the epoch, in whole numbers: a float of today's would lose some. */
static const char select_updates[] =
    "select update_id, product_line,"
    " (extract(epoch from released_at) * 1000000)::bigint,"
    " (extract(epoch from withdrawn_at) * 1000000)::bigint from update_release order by update_id";
static const char select_version[] = "select version from registry_version";

/* ---- Reading ---- */

static const char *cell(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column) ? NULL : PQgetvalue(rows, row, column);
}

static bool load_customers(struct registry *registry, struct database *database,
                           struct failure *failure)
{
    PGresult *rows = NULL;
    bool done = database_run(database, select_customers, 0, NULL, &rows, failure);
    for (int i = 0; done && i < PQntuples(rows); i++) {
        struct registry_customer customer = {.customer_id = cell(rows, i, 0),
                                             .name = cell(rows, i, 1),
                                             .kind = strcmp(cell(rows, i, 2), "corporate") == 0
                                                         ? CUSTOMER_CORPORATE
                                                         : CUSTOMER_CONSUMER,
                                             .region = cell(rows, i, 3),
                                             .country = cell(rows, i, 4),
                                             .time_zone = cell(rows, i, 5),
                                             .tier = cell(rows, i, 6),
                                             .partner = cell(rows, i, 7),
                                             .contract_value = strtoll(cell(rows, i, 8), NULL, 10),
                                             .currency = cell(rows, i, 9),
                                             .renewal_on = cell(rows, i, 10),
                                             .language = cell(rows, i, 11)};
        /* The table has no other words. */
        (void)criticality_parse(cell(rows, i, 12), &customer.criticality);
        done = registry_add_customer(registry, &customer, failure);
    }
    PQclear(rows);
    return done;
}

/* Rows of one customer stand together: from `first` to before the return value. */
static int end_of_customer(const PGresult *rows, int first)
{
    int end = first + 1;
    while (end < PQntuples(rows) && strcmp(cell(rows, end, 0), cell(rows, first, 0)) == 0) {
        end++;
    }
    return end;
}

static bool set_seats(struct registry *registry, const PGresult *rows, int first, int end,
                      struct failure *failure)
{
    struct registry_seat *seats = calloc((size_t)(end - first), sizeof *seats);
    if (seats == NULL) {
        return failure_memory(failure, "reading the registry");
    }
    for (int i = first; i < end; i++) {
        seats[i - first] =
            (struct registry_seat){.product_line = cell(rows, i, 1),
                                   .seats = (uint32_t)strtoul(cell(rows, i, 2), NULL, 10)};
    }
    bool done =
        registry_set_seats(registry, cell(rows, first, 0), seats, (size_t)(end - first), failure);
    free(seats);
    return done;
}

static bool load_seats(struct registry *registry, struct database *database,
                       struct failure *failure)
{
    PGresult *rows = NULL;
    bool done = database_run(database, select_seats, 0, NULL, &rows, failure);
    for (int first = 0, end; done && first < PQntuples(rows); first = end) {
        end = end_of_customer(rows, first);
        /* Imported since the customers were read: its seats come with the next reading. */
        done = registry_customer(registry, cell(rows, first, 0)) == NULL ||
               set_seats(registry, rows, first, end, failure);
    }
    PQclear(rows);
    return done;
}

static instant_us instant_cell(const PGresult *rows, int row, int column)
{
    const char *text = cell(rows, row, column);
    return text == NULL ? INSTANT_NONE : strtoll(text, NULL, 10);
}

static bool load_updates(struct registry *registry, struct database *database,
                         struct failure *failure)
{
    PGresult *rows = NULL;
    bool done = database_run(database, select_updates, 0, NULL, &rows, failure);
    for (int i = 0; done && i < PQntuples(rows); i++) {
        struct registry_update update = {.update_id = cell(rows, i, 0),
                                         .product_line = cell(rows, i, 1),
                                         .released_at = instant_cell(rows, i, 2),
                                         .withdrawn_at = instant_cell(rows, i, 3)};
        done = registry_add_update(registry, &update, failure);
    }
    PQclear(rows);
    return done;
}

bool registry_read_version(struct database *database, int64_t *version, struct failure *failure)
{
    PGresult *rows = NULL;
    bool done = database_run(database, select_version, 0, NULL, &rows, failure);
    *version = done && PQntuples(rows) == 1 ? strtoll(cell(rows, 0, 0), NULL, 10) : 0;
    PQclear(rows);
    return done;
}

bool registry_load(struct registry *registry, struct database *database, struct failure *failure)
{
    registry_begin(registry);
    return load_customers(registry, database, failure) && load_seats(registry, database, failure) &&
           load_updates(registry, database, failure) && registry_end(registry, failure);
}
