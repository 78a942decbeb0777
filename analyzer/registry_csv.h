/* Customers, seats, updates and the lists of regions and product lines from CSV files, row by row:
 * into a registry here, into the database in registry_database.c.
 *
 *   customers.csv   customer_id,name,kind,region,country,time_zone,tier,partner,contract_value,
 *                   currency,renewal_on[,language,criticality]
 *   seats.csv       customer_id,product_line,seats
 *   updates.csv     update_id,product_line,released_at,withdrawn_at
 *   regions.csv     region
 *   product-lines.csv   product_line
 *
 * kind is consumer or corporate; time_zone an IANA name; contract_value a whole number of minor
 * units of currency (ISO 4217); renewal_on a date; times are RFC 3339. Partner, contract_value,
 * currency, renewal_on, language and criticality may be empty, and everything of an update but its
 * id. Where an id comes twice, the later line counts. Errors name file, line and column.
 * criticality is low, normal, high or critical.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_REGISTRY_CSV_H
#define EPICENTER_ANALYZER_REGISTRY_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/registry.h"
#include "common/csv.h"
#include "common/failure.h"

/* What is read. */
struct registry_source {
    struct csv_source csv;
    /* NULL: the first bad row ends the reading. Otherwise it is told, and the reading goes on. */
    void (*refused)(void *context, const char *why);
    void (*progress)(void *context, size_t rows); /* now and then; may be NULL */
    void *context;                                /* of the two */
};

/* One row each and the line it begins in; texts are valid during the call. A false stops the
 * reading. */
typedef bool (*registry_customer_row)(void *context, size_t line,
                                      const struct registry_customer *customer,
                                      struct failure *failure);
typedef bool (*registry_seat_row)(void *context, size_t line, const char *customer_id,
                                  const char *product_line, uint32_t seats,
                                  struct failure *failure);
typedef bool (*registry_update_row)(void *context, size_t line,
                                    const struct registry_update *update, struct failure *failure);

typedef bool (*registry_name_row)(void *context, size_t line, const char *name,
                                  struct failure *failure);

/* Says that what a column names is not there, as all errors here do: a seat's customer, say.
 * Returns false. */
bool registry_refuse_stranger(const char *path, size_t line, const char *column, const char *name,
                              struct failure *failure);

MUST_CHECK bool registry_each_customer(const struct registry_source *source,
                                       registry_customer_row row, void *context,
                                       struct failure *failure);
MUST_CHECK bool registry_each_seat(const struct registry_source *source, registry_seat_row row,
                                   void *context, struct failure *failure);
MUST_CHECK bool registry_each_update(const struct registry_source *source, registry_update_row row,
                                     void *context, struct failure *failure);
MUST_CHECK bool registry_each_region(const struct registry_source *source, registry_name_row row,
                                     void *context, struct failure *failure);
MUST_CHECK bool registry_each_product_line(const struct registry_source *source,
                                           registry_name_row row, void *context,
                                           struct failure *failure);

/* The whole file into the registry. */
MUST_CHECK bool registry_read_customers(struct registry *registry, const char *path,
                                        struct failure *failure);
MUST_CHECK bool registry_read_seats(struct registry *registry, const char *path,
                                    struct failure *failure);
MUST_CHECK bool registry_read_updates(struct registry *registry, const char *path,
                                      struct failure *failure);

#endif
