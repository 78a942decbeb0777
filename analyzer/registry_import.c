/* CSV files into the registry's tables; see registry_import.h. The hard thing is to say beforehand
 * what would happen: a dry run does all of it but the upsert, in a transaction that is taken back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/registry_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/registry.h"
#include "common/buffer.h"
#include "common/instant.h"

/* ---- Statements ---- */

/* An import copies into a temporary table, then upserts from it. The line of the file is copied
 * too: of rows with the same id the last counts, as it does when a registry reads the file.
 * Strangers are lines that name what is not there: line, column, name. */
struct import_statements {
    const char *make, *copy, *find_strangers, *leave_strangers, *count, *upsert;
};

#define CUSTOMER_COLUMNS                                                                           \
    "customer_id, name, kind, region, country, time_zone, tier, partner, contract_value,"          \
    " currency, renewal_on, language, criticality"
#define SEAT_COLUMNS "customer_id, product_line, seats"
#define UPDATE_COLUMNS "update_id, product_line, released_at, withdrawn_at"

static const struct import_statements customer_import = {
    .make = "create temporary table incoming (like customer, line bigint not null) on commit drop",
    .copy = "copy incoming (line, " CUSTOMER_COLUMNS ") from stdin (format binary)",
    .find_strangers = "select i.line, 'region', i.region from incoming i left join region r using "
                      "(region) where r.region is null and exists (select from region) order by "
                      "i.line",
    .leave_strangers = "delete from incoming i where exists (select from region) and not exists "
                       "(select from region r where r.region = i.region)",
    .count =
        "select count(*) filter (where c.kind is null), count(*) filter (where c.kind is not null "
        "and (c.name, c.kind, c.region, c.country, c.time_zone, c.tier, c.partner, "
        "c.contract_value, c.currency, c.renewal_on, c.language, c.criticality) is distinct from "
        "(i.name, i.kind, i.region, i.country, i.time_zone, i.tier, i.partner, i.contract_value, "
        "i.currency, i.renewal_on, coalesce(i.language, c.language), coalesce(i.criticality, "
        "c.criticality))), count(*) from (select distinct on (customer_id collate \"C\") "
        "customer_id, name, kind, region, country, time_zone, tier, partner, contract_value, "
        "currency, renewal_on, language, criticality from incoming order by customer_id collate "
        "\"C\", line desc) i left join customer c using (customer_id)",
    .upsert =
        "insert into customer (" CUSTOMER_COLUMNS
        ") select distinct on (customer_id collate \"C\") " CUSTOMER_COLUMNS
        " from incoming order by customer_id collate \"C\", line desc on conflict (customer_id) do "
        "update set name = excluded.name, kind = excluded.kind, region = excluded.region, country "
        "= excluded.country, time_zone = excluded.time_zone, tier = excluded.tier, partner = "
        "excluded.partner, contract_value = excluded.contract_value, currency = excluded.currency, "
        "renewal_on = excluded.renewal_on,"
        /* A file that does not know them does not unsay them. */
        " language = coalesce(excluded.language, customer.language), criticality = "
        "coalesce(excluded.criticality, customer.criticality) where (customer.name, customer.kind, "
        "customer.region, customer.country, customer.time_zone, customer.tier, customer.partner, "
        "customer.contract_value, customer.currency, customer.renewal_on, customer.language, "
        "customer.criticality) is distinct from (excluded.name, excluded.kind, excluded.region, "
        "excluded.country, excluded.time_zone, excluded.tier, excluded.partner, "
        "excluded.contract_value, excluded.currency, excluded.renewal_on, "
        "coalesce(excluded.language, customer.language), coalesce(excluded.criticality, "
        "customer.criticality))"};

static const struct import_statements seat_import = {
    .make = "create temporary table incoming (like seat, line bigint not null) on commit drop",
    .copy = "copy incoming (line, " SEAT_COLUMNS ") from stdin (format binary)",
    .find_strangers = "select i.line, 'customer_id', i.customer_id from incoming i left join "
                      "customer c using (customer_id) where c.customer_id is null union all "
                      "select i.line, 'product_line', i.product_line from incoming i left join "
                      "product_line p using (product_line) where p.product_line is null and "
                      "exists (select from product_line) order by 1, 2",
    .leave_strangers = "delete from incoming i where not exists (select from customer c where "
                       "c.customer_id = i.customer_id) or exists (select from product_line) and "
                       "not exists (select from product_line p where p.product_line = "
                       "i.product_line)",
    .count = "select count(*) filter (where c.seats is null), count(*) filter (where c.seats is "
             "not null and c.seats is distinct from i.seats), count(*) from (select distinct on "
             "(customer_id collate \"C\", product_line) customer_id, product_line, seats from "
             "incoming order by customer_id collate \"C\", product_line, line desc) i left join "
             "seat c using (customer_id, product_line)",
    .upsert = "insert into seat (" SEAT_COLUMNS
              ") select distinct on (customer_id collate \"C\", product_line) " SEAT_COLUMNS
              " from incoming order by customer_id collate \"C\", product_line, line desc on "
              "conflict (customer_id, product_line) do update set seats = excluded.seats where "
              "seat.seats is distinct from excluded.seats"};

static const struct import_statements update_import = {
    .make = "create temporary table incoming (like update_release, line bigint not null) on commit "
            "drop",
    .copy = "copy incoming (line, " UPDATE_COLUMNS ") from stdin (format binary)",
    .find_strangers =
        "select i.line, 'product_line', i.product_line from incoming i left join product_line p "
        "using (product_line) where i.product_line is not null and p.product_line is null and "
        "exists (select from product_line) order by i.line",
    .leave_strangers = "delete from incoming i where i.product_line is not null and exists (select "
                       "from product_line) and not exists (select from product_line p where "
                       "p.product_line = i.product_line)",
    .count =
        "select count(*) filter (where c.known is null), count(*) filter (where c.known and "
        "(c.product_line, c.released_at, c.withdrawn_at) is distinct from (i.product_line, "
        "i.released_at, i.withdrawn_at)), count(*) from (select distinct on (update_id) update_id, "
        "product_line, released_at, withdrawn_at from incoming order by update_id, line desc) i "
        "left join (select *, true as known from update_release) c using (update_id)",
    .upsert = "insert into update_release (" UPDATE_COLUMNS
              ") select distinct on (update_id) " UPDATE_COLUMNS
              " from incoming order by update_id, line desc on conflict (update_id) do update set "
              "product_line = excluded.product_line, released_at = excluded.released_at, "
              "withdrawn_at = excluded.withdrawn_at where (update_release.product_line, "
              "update_release.released_at, update_release.withdrawn_at) is distinct from "
              "(excluded.product_line, excluded.released_at, excluded.withdrawn_at)"};

/* A list has nothing but names, which are there or not. */
static const struct import_statements region_import = {
    .make = "create temporary table incoming (like region, line bigint not null) on commit drop",
    .copy = "copy incoming (line, region) from stdin (format binary)",
    .count = "select count(*) filter (where r.region is null), 0, count(*) from (select distinct "
             "region from incoming) i left join region r using (region)",
    .upsert = "insert into region (region) select region from incoming on conflict do nothing"};

static const struct import_statements product_line_import = {
    .make =
        "create temporary table incoming (like product_line, line bigint not null) on commit drop",
    .copy = "copy incoming (line, product_line) from stdin (format binary)",
    .count = "select count(*) filter (where p.product_line is null), 0, count(*) from (select "
             "distinct product_line from incoming) i left join product_line p using (product_line)",
    .upsert = "insert into product_line (product_line) select product_line from incoming on "
              "conflict do nothing"};

/* ---- Rows ---- */

struct import {
    struct buffer rows;
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
    return buffer_check(&import->rows, failure);
}

static bool import_name(void *context, size_t line, const char *name, struct failure *failure)
{
    struct import *import = context;
    copy_row(&import->rows, 2);
    copy_int64(&import->rows, (int64_t)line);
    copy_text(&import->rows, name);
    return buffer_check(&import->rows, failure);
}

/* ---- The import ---- */

/* Rows that name what is not there: all of them are told in a dry run, the first is the
 * failure otherwise. */
static bool judge_strangers(struct database *database, const struct import_statements *statements,
                            const struct registry_source *source, struct failure *failure)
{
    PGresult *rows = NULL;
    if (statements->find_strangers == NULL) {
        return true;
    }
    bool done = database_run(database, statements->find_strangers, 0, NULL, &rows, failure);
    for (int i = 0; done && i < PQntuples(rows); i++) {
        done = registry_refuse_stranger(source->csv.path, strtoul(PQgetvalue(rows, i, 0), NULL, 10),
                                        PQgetvalue(rows, i, 1), PQgetvalue(rows, i, 2), failure);
        if (source->refused != NULL) {
            source->refused(source->context, failure->message);
            done = true;
        }
    }
    done = done && (PQntuples(rows) == 0 ||
                    database_run(database, statements->leave_strangers, 0, NULL, NULL, failure));
    PQclear(rows);
    return done;
}

static bool count_rows(struct database *database, const struct import_statements *statements,
                       struct registry_import_counts *counts, struct failure *failure)
{
    PGresult *rows = NULL;
    if (!database_run(database, statements->count, 0, NULL, &rows, failure)) {
        return false;
    }
    counts->added = strtoul(PQgetvalue(rows, 0, 0), NULL, 10);
    counts->changed = strtoul(PQgetvalue(rows, 0, 1), NULL, 10);
    counts->unchanged = strtoul(PQgetvalue(rows, 0, 2), NULL, 10) - counts->added - counts->changed;
    PQclear(rows);
    return true;
}

static bool read_rows(enum registry_kind kind, const struct registry_source *source,
                      struct import *import, struct failure *failure)
{
    switch (kind) {
    case REGISTRY_CUSTOMERS:
        return registry_each_customer(source, import_customer, import, failure);
    case REGISTRY_SEATS:
        return registry_each_seat(source, import_seat, import, failure);
    case REGISTRY_UPDATES:
        return registry_each_update(source, import_update, import, failure);
    case REGISTRY_REGIONS:
        return registry_each_region(source, import_name, import, failure);
    case REGISTRY_PRODUCT_LINES:
        return registry_each_product_line(source, import_name, import, failure);
    }
    return false;
}

bool registry_import(struct database *database, enum registry_kind kind,
                     const struct registry_source *source, bool dry_run,
                     struct registry_import_counts *counts, struct failure *failure)
{
    static const struct import_statements *const all[] = {[REGISTRY_CUSTOMERS] = &customer_import,
                                                          [REGISTRY_SEATS] = &seat_import,
                                                          [REGISTRY_UPDATES] = &update_import,
                                                          [REGISTRY_REGIONS] = &region_import,
                                                          [REGISTRY_PRODUCT_LINES] =
                                                              &product_line_import};
    const struct import_statements *statements = all[kind];
    struct import import = {0};
    *counts = (struct registry_import_counts){0};
    copy_begin(&import.rows);
    bool done = read_rows(kind, source, &import, failure);
    copy_end(&import.rows);
    done = done && database_run(database, "begin", 0, NULL, NULL, failure);
    if (done) {
        /* A million rows are sorted and joined in memory, where the server would take to disk. */
        done = database_run(database, "set local work_mem = '256MB'", 0, NULL, NULL, failure) &&
               database_run(database, statements->make, 0, NULL, NULL, failure) &&
               database_copy_in(database, statements->copy, &import.rows, failure) &&
               database_run(database, "analyze incoming", 0, NULL, NULL, failure) &&
               judge_strangers(database, statements, source, failure) &&
               count_rows(database, statements, counts, failure) &&
               (dry_run || (database_run(database, statements->upsert, 0, NULL, NULL, failure) &&
                            database_run(database, "commit", 0, NULL, NULL, failure)));
        if (!done || dry_run) {
            struct failure ignored;
            bool rolled_back = database_run(database, "rollback", 0, NULL, NULL, &ignored);
            (void)rolled_back; /* the first failure is the one to tell */
        }
    }
    buffer_free(&import.rows);
    return done;
}
