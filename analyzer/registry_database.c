/* Reads and fills the registry's tables; see registry_database.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/registry_database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/registry_csv.h"
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
/* An import copies into a temporary table, then upserts from it. The line of the file is copied
 * too: of rows with the same id the last counts, as it does when a registry reads the file. */
struct import_statements {
    const char *make, *copy, *find_stranger, *upsert;
};

#define CUSTOMER_COLUMNS                                                                           \
    "customer_id, name, kind, region, country, time_zone, tier, partner, contract_value,"          \
    " currency, renewal_on, language, criticality"
#define SEAT_COLUMNS "customer_id, product_line, seats"
#define UPDATE_COLUMNS "update_id, product_line, released_at, withdrawn_at"

static const struct import_statements customer_import = {
    .make = "create temporary table incoming (like customer, line bigint not null) on commit drop",
    .copy = "copy incoming (line, " CUSTOMER_COLUMNS ") from stdin (format binary)",
    .upsert = "insert into customer (" CUSTOMER_COLUMNS ")"
              " select distinct on (customer_id) " CUSTOMER_COLUMNS
              " from incoming order by customer_id, line desc"
              " on conflict (customer_id) do update set name = excluded.name, kind = excluded.kind,"
              " region = excluded.region, country = excluded.country,"
              " time_zone = excluded.time_zone, tier = excluded.tier, partner = excluded.partner,"
              " contract_value = excluded.contract_value, currency = excluded.currency,"
              " renewal_on = excluded.renewal_on,"
              /* A file that does not know them does not unsay them. */
              " language = coalesce(excluded.language, customer.language),"
              " criticality = coalesce(excluded.criticality, customer.criticality)"};

static const struct import_statements seat_import = {
    .make = "create temporary table incoming (like seat, line bigint not null) on commit drop",
    .copy = "copy incoming (line, " SEAT_COLUMNS ") from stdin (format binary)",
    .find_stranger = "select i.customer_id, i.line from incoming i"
                     " left join customer c using (customer_id)"
                     " where c.customer_id is null order by i.line limit 1",
    .upsert = "insert into seat (" SEAT_COLUMNS ")"
              " select distinct on (customer_id, product_line) " SEAT_COLUMNS
              " from incoming order by customer_id, product_line, line desc"
              " on conflict (customer_id, product_line) do update set seats = excluded.seats"};

static const struct import_statements update_import = {
    .make = "create temporary table incoming (like update_release, line bigint not null)"
            " on commit drop",
    .copy = "copy incoming (line, " UPDATE_COLUMNS ") from stdin (format binary)",
    .upsert = "insert into update_release (" UPDATE_COLUMNS ")"
              " select distinct on (update_id) " UPDATE_COLUMNS
              " from incoming order by update_id, line desc"
              " on conflict (update_id) do update set product_line = excluded.product_line,"
              " released_at = excluded.released_at, withdrawn_at = excluded.withdrawn_at"};

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

/* ---- Writing ---- */

struct import {
    struct buffer rows;
    size_t count;
};

/* PostgreSQL's dates are days since 2000-01-01. */
static void copy_date(struct buffer *rows, const char *date)
{
    char midnight[INSTANT_TEXT_SIZE];
    instant_us instant;
    if (date == NULL) {
        copy_null(rows);
        return;
    }
    snprintf(midnight, sizeof midnight, "%.10sT00:00:00Z", date);
    if (instant_parse(midnight, &instant, NULL)) {
        copy_int32(rows, (int32_t)((instant - INT64_C(946684800) * INSTANT_SECOND) / INSTANT_DAY));
    } else {
        copy_null(rows);
    }
}

static bool import_customer(void *context, size_t line, const struct registry_customer *customer,
                            struct failure *failure)
{
    struct import *import = context;
    struct buffer *rows = &import->rows;
    copy_row(rows, 14);
    copy_int64(rows, (int64_t)line);
    copy_text(rows, customer->customer_id);
    copy_text(rows, customer->name);
    copy_text(rows, customer->kind == CUSTOMER_CORPORATE ? "corporate" : "consumer");
    copy_text(rows, customer->region);
    copy_text(rows, customer->country);
    copy_text(rows, customer->time_zone);
    copy_text(rows, customer->tier);
    copy_text(rows, customer->partner);
    copy_int64(rows, customer->contract_value);
    copy_text(rows, customer->currency);
    copy_date(rows, customer->renewal_on);
    copy_text(rows, customer->language);
    copy_text(rows, customer->criticality == CRITICALITY_UNKNOWN
                        ? NULL
                        : criticality_name(customer->criticality));
    import->count++;
    return buffer_check(rows, failure);
}

static bool import_seat(void *context, size_t line, const char *customer_id,
                        const char *product_line, uint32_t seats, struct failure *failure)
{
    struct import *import = context;
    copy_row(&import->rows, 4);
    copy_int64(&import->rows, (int64_t)line);
    copy_text(&import->rows, customer_id);
    copy_text(&import->rows, product_line);
    copy_int32(&import->rows, (int32_t)seats);
    import->count++;
    return buffer_check(&import->rows, failure);
}

static void copy_instant_or_null(struct buffer *rows, instant_us instant)
{
    if (instant == INSTANT_NONE) {
        copy_null(rows);
    } else {
        copy_instant(rows, instant);
    }
}

static bool import_update(void *context, size_t line, const struct registry_update *update,
                          struct failure *failure)
{
    struct import *import = context;
    copy_row(&import->rows, 5);
    copy_int64(&import->rows, (int64_t)line);
    copy_text(&import->rows, update->update_id);
    copy_text(&import->rows, update->product_line);
    copy_instant_or_null(&import->rows, update->released_at);
    copy_instant_or_null(&import->rows, update->withdrawn_at);
    import->count++;
    return buffer_check(&import->rows, failure);
}

/* Whether every row belongs to a customer of the table, where that is asked. */
static bool all_known(struct database *database, const struct import_statements *statements,
                      const char *path, struct failure *failure)
{
    PGresult *rows = NULL;
    bool done = statements->find_stranger == NULL ||
                database_run(database, statements->find_stranger, 0, NULL, &rows, failure);
    if (done && rows != NULL && PQntuples(rows) > 0) {
        done = registry_refuse_seat(path, strtoul(PQgetvalue(rows, 0, 1), NULL, 10),
                                    PQgetvalue(rows, 0, 0), failure);
    }
    PQclear(rows);
    return done;
}

/* One transaction around the whole import. */
static bool store(struct database *database, const struct import_statements *statements,
                  const char *path, const struct import *import, struct failure *failure)
{
    bool done = database_run(database, "begin", 0, NULL, NULL, failure) &&
                database_run(database, statements->make, 0, NULL, NULL, failure) &&
                database_copy_in(database, statements->copy, &import->rows, failure) &&
                all_known(database, statements, path, failure) &&
                database_run(database, statements->upsert, 0, NULL, NULL, failure) &&
                database_run(database, "commit", 0, NULL, NULL, failure);
    if (!done) {
        struct failure ignored;
        bool rolled_back = database_run(database, "rollback", 0, NULL, NULL, &ignored);
        (void)rolled_back; /* the first failure is the one to tell */
    }
    return done;
}

bool registry_import_customers(struct database *database, const char *path, size_t *count,
                               struct failure *failure)
{
    struct import import = {0};
    copy_begin(&import.rows);
    bool done = registry_each_customer(path, import_customer, &import, failure);
    copy_end(&import.rows);
    done = done && store(database, &customer_import, path, &import, failure);
    *count = import.count;
    buffer_free(&import.rows);
    return done;
}

bool registry_import_seats(struct database *database, const char *path, size_t *count,
                           struct failure *failure)
{
    struct import import = {0};
    copy_begin(&import.rows);
    bool done = registry_each_seat(path, import_seat, &import, failure);
    copy_end(&import.rows);
    done = done && store(database, &seat_import, path, &import, failure);
    *count = import.count;
    buffer_free(&import.rows);
    return done;
}

bool registry_import_updates(struct database *database, const char *path, size_t *count,
                             struct failure *failure)
{
    struct import import = {0};
    copy_begin(&import.rows);
    bool done = registry_each_update(path, import_update, &import, failure);
    copy_end(&import.rows);
    done = done && store(database, &update_import, path, &import, failure);
    *count = import.count;
    buffer_free(&import.rows);
    return done;
}
