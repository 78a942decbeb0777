/* Reads the registry's CSV files; see registry_csv.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/registry_csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/csv.h"
#include "common/report.h"

/* The row being read, for messages. */
struct row {
    const char *path;
    size_t line;
    const char *const *columns;
    const char **cells;
};

static bool refuse(const struct row *row, size_t column, const char *why, struct failure *failure)
{
    return failure_set(failure, FAILURE_INVALID, "%s line %zu, %s: \"%.60s\" %s", row->path,
                       row->line, row->columns[column], row->cells[column], why);
}

static bool check_text_or_empty(const struct row *row, size_t column, struct failure *failure)
{
    const char *text = row->cells[column];
    if (strlen(text) > REPORT_TEXT_LIMIT) {
        return refuse(row, column, "is over 128 bytes", failure);
    }
    for (; *text != '\0'; text++) {
        /* These would reach terminals, where they are orders. */
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return failure_set(failure, FAILURE_INVALID,
                               "%s line %zu, %s: holds a control character", row->path, row->line,
                               row->columns[column]);
        }
    }
    return true;
}

static bool check_text(const struct row *row, size_t column, struct failure *failure)
{
    return *row->cells[column] == '\0' ? refuse(row, column, "must not be empty", failure)
                                       : check_text_or_empty(row, column, failure);
}

static bool read_number(const struct row *row, size_t column, int64_t most, int64_t *number,
                        struct failure *failure)
{
    const char *text = row->cells[column];
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0') {
        return refuse(row, column, "is not a whole number from 0", failure);
    }
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno != 0 || value > most) {
        return refuse(row, column, "is too large", failure);
    }
    *number = value;
    return true;
}

static const char *or_null(const char *text)
{
    return *text == '\0' ? NULL : text;
}

/* Calls `take` for each record of the file. */
typedef bool (*take_row)(void *context, const struct row *row, struct failure *failure);

#define PROGRESS_ROWS 10000 /* a few times a second */

/* A row that is refused, not a file that cannot be read on, is only told where that is asked. */
static bool take_or_tell(const struct registry_source *source, take_row take, void *context,
                         const struct row *row, struct failure *failure)
{
    if (take(context, row, failure)) {
        return true;
    }
    if (source->refused == NULL || failure == NULL || failure->code != FAILURE_INVALID) {
        return false;
    }
    source->refused(source->context, failure->message);
    return true;
}

static bool each_row(const struct registry_source *source, const char *const *columns, size_t count,
                     size_t needed, take_row take, void *context, struct failure *failure)
{
    const char *cells[16];
    struct csv_reader *reader;
    if (!csv_open_some(&source->csv, columns, count, needed, &reader, failure)) {
        return false;
    }
    bool done = true;
    bool end = false;
    for (size_t rows = 1; done && !end; rows++) {
        done = csv_next(reader, cells, &end, failure);
        if (done && !end) {
            struct row row = {.path = source->csv.path,
                              .line = csv_line(reader),
                              .columns = columns,
                              .cells = cells};
            done = take_or_tell(source, take, context, &row, failure);
            if (source->progress != NULL && rows % PROGRESS_ROWS == 0) {
                source->progress(source->context, rows);
            }
        }
    }
    csv_close(reader);
    return done;
}

/* ---- Customers ---- */

enum {
    ID,
    NAME,
    KIND,
    REGION,
    COUNTRY,
    TIME_ZONE,
    TIER,
    PARTNER,
    VALUE,
    CURRENCY,
    RENEWAL,
    LANGUAGE,
    CRITICALITY
};
static const char *const customer_columns[] = {
    "customer_id", "name",           "kind",     "region",     "country",  "time_zone",  "tier",
    "partner",     "contract_value", "currency", "renewal_on", "language", "criticality"};
/* The registries of the first releases end here. */
#define CUSTOMER_COLUMNS_NEEDED 11

/* Zones found good are remembered: a million customers live in a few dozen. */
#define KNOWN_ZONES 64

struct customer_reading {
    registry_customer_row row;
    void *context;
    char known_zones[KNOWN_ZONES][REPORT_TEXT_LIMIT + 1];
    size_t known_count;
};

static bool check_zone(struct customer_reading *reading, const struct row *row,
                       struct failure *failure)
{
    const char *name = row->cells[TIME_ZONE];
    size_t known = reading->known_count < KNOWN_ZONES ? reading->known_count : KNOWN_ZONES;
    for (size_t i = 0; i < known; i++) {
        if (strcmp(reading->known_zones[i], name) == 0) {
            return true;
        }
    }
    struct time_zone *zone;
    if (!time_zone_load(name, &zone, NULL)) {
        return refuse(row, TIME_ZONE, "is not a time zone such as Asia/Tokyo", failure);
    }
    time_zone_free(zone);
    snprintf(reading->known_zones[reading->known_count++ % KNOWN_ZONES],
             sizeof *reading->known_zones, "%s", name);
    return true;
}

static bool check_renewal(const struct row *row, struct failure *failure)
{
    char midnight[INSTANT_TEXT_SIZE] = "";
    instant_us instant;
    const char *text = row->cells[RENEWAL];
    if (strlen(text) == 10) {
        memcpy(midnight, text, 10);
        memcpy(midnight + 10, "T00:00:00Z", 11);
    }
    return *text == '\0' || instant_parse(midnight, &instant, NULL) ||
           refuse(row, RENEWAL, "is not a date such as 2005-09-30", failure);
}

static bool check_currency(const struct row *row, struct failure *failure)
{
    const char *text = row->cells[CURRENCY];
    return *text == '\0' ||
           (strlen(text) == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3) ||
           refuse(row, CURRENCY, "is not an ISO 4217 code such as JPY", failure);
}

/* A tag by its form, as BCP 47 has it: subtags of letters and digits, the first of two or three
 * letters. */
static bool check_language(const struct row *row, struct failure *failure)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *text = row->cells[LANGUAGE];
    size_t first = strspn(text, letters);
    bool good = (first == 2 || first == 3) && (text[first] == '-' || text[first] == '\0');
    for (const char *tag = text + first; good && *tag == '-';) {
        size_t length = strcspn(++tag, "-");
        for (size_t i = 0; i < length; i++) {
            good = good && (strchr(letters, tag[i]) != NULL || (tag[i] >= '0' && tag[i] <= '9'));
        }
        good = good && length >= 1 && length <= 8;
        tag += length;
    }
    return *text == '\0' || good || refuse(row, LANGUAGE, "is not a language such as ja", failure);
}

static bool take_customer(void *context, const struct row *row, struct failure *failure)
{
    static const size_t needed[] = {ID, NAME, REGION, COUNTRY, TIME_ZONE, TIER};
    struct customer_reading *reading = context;
    const char **cells = row->cells;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (!check_text(row, needed[i], failure)) {
            return false;
        }
    }
    struct registry_customer customer = {.customer_id = cells[ID],
                                         .name = cells[NAME],
                                         .kind = CUSTOMER_CONSUMER,
                                         .region = cells[REGION],
                                         .country = cells[COUNTRY],
                                         .time_zone = cells[TIME_ZONE],
                                         .tier = cells[TIER],
                                         .partner = or_null(cells[PARTNER]),
                                         .currency = or_null(cells[CURRENCY]),
                                         .renewal_on = or_null(cells[RENEWAL]),
                                         .language = or_null(cells[LANGUAGE])};
    if (strcmp(cells[KIND], "corporate") == 0) {
        customer.kind = CUSTOMER_CORPORATE;
    } else if (strcmp(cells[KIND], "consumer") != 0) {
        return refuse(row, KIND, "is neither consumer nor corporate", failure);
    }
    if (!check_zone(reading, row, failure) || !check_text_or_empty(row, PARTNER, failure)) {
        return false;
    }
    if (*cells[VALUE] != '\0' &&
        !read_number(row, VALUE, INT64_MAX, &customer.contract_value, failure)) {
        return false;
    }
    if (!criticality_parse(cells[CRITICALITY], &customer.criticality)) {
        return refuse(row, CRITICALITY, "is none of low, normal, high and critical", failure);
    }
    return check_currency(row, failure) && check_renewal(row, failure) &&
           check_language(row, failure) &&
           reading->row(reading->context, row->line, &customer, failure);
}

bool registry_each_customer(const struct registry_source *source, registry_customer_row row,
                            void *context, struct failure *failure)
{
    struct customer_reading reading = {.row = row, .context = context, .known_count = 0};
    return each_row(source, customer_columns, sizeof customer_columns / sizeof *customer_columns,
                    CUSTOMER_COLUMNS_NEEDED, take_customer, &reading, failure);
}

/* ---- Seats ---- */

static const char *const seat_columns[] = {"customer_id", "product_line", "seats"};

struct seat_reading {
    registry_seat_row row;
    void *context;
};

static bool take_seat(void *context, const struct row *row, struct failure *failure)
{
    const struct seat_reading *reading = context;
    int64_t seats = 0;
    if (!check_text(row, 0, failure) || !check_text(row, 1, failure) ||
        !read_number(row, 2, INT32_MAX, &seats, failure)) {
        return false;
    }
    return reading->row(reading->context, row->line, row->cells[0], row->cells[1], (uint32_t)seats,
                        failure);
}

bool registry_refuse_stranger(const char *path, size_t line, const char *column, const char *name,
                              struct failure *failure)
{
    const char *what = strcmp(column, "customer_id") == 0    ? "customer"
                       : strcmp(column, "product_line") == 0 ? "product line"
                                                             : column;
    return failure_set(failure, FAILURE_INVALID, "%s line %zu, %s: there is no %s \"%.60s\"", path,
                       line, column, what, name);
}

bool registry_each_seat(const struct registry_source *source, registry_seat_row row, void *context,
                        struct failure *failure)
{
    struct seat_reading reading = {.row = row, .context = context};
    return each_row(source, seat_columns, sizeof seat_columns / sizeof *seat_columns,
                    sizeof seat_columns / sizeof *seat_columns, take_seat, &reading, failure);
}

/* ---- Updates ---- */

static const char *const update_columns[] = {"update_id", "product_line", "released_at",
                                             "withdrawn_at"};

struct update_reading {
    registry_update_row row;
    void *context;
};

static bool read_instant(const struct row *row, size_t column, instant_us *instant,
                         struct failure *failure)
{
    *instant = INSTANT_NONE;
    return *row->cells[column] == '\0' || instant_parse(row->cells[column], instant, NULL) ||
           refuse(row, column, "is not an RFC 3339 time such as 2005-04-22T22:33:00Z", failure);
}

static bool take_update(void *context, const struct row *row, struct failure *failure)
{
    const struct update_reading *reading = context;
    struct registry_update update = {.update_id = row->cells[0],
                                     .product_line = or_null(row->cells[1])};
    return check_text(row, 0, failure) && check_text_or_empty(row, 1, failure) &&
           read_instant(row, 2, &update.released_at, failure) &&
           read_instant(row, 3, &update.withdrawn_at, failure) &&
           reading->row(reading->context, row->line, &update, failure);
}

bool registry_each_update(const struct registry_source *source, registry_update_row row,
                          void *context, struct failure *failure)
{
    struct update_reading reading = {.row = row, .context = context};
    return each_row(source, update_columns, sizeof update_columns / sizeof *update_columns,
                    sizeof update_columns / sizeof *update_columns, take_update, &reading, failure);
}

/* ---- Regions and product lines ---- */

struct name_reading {
    registry_name_row row;
    void *context;
};

static bool take_name(void *context, const struct row *row, struct failure *failure)
{
    const struct name_reading *reading = context;
    return check_text(row, 0, failure) &&
           reading->row(reading->context, row->line, row->cells[0], failure);
}

bool registry_each_region(const struct registry_source *source, registry_name_row row,
                          void *context, struct failure *failure)
{
    static const char *const columns[] = {"region"};
    struct name_reading reading = {.row = row, .context = context};
    return each_row(source, columns, 1, 1, take_name, &reading, failure);
}

bool registry_each_product_line(const struct registry_source *source, registry_name_row row,
                                void *context, struct failure *failure)
{
    static const char *const columns[] = {"product_line"};
    struct name_reading reading = {.row = row, .context = context};
    return each_row(source, columns, 1, 1, take_name, &reading, failure);
}

/* ---- Into a registry ---- */

/* Where the rows go, and what messages name. */
struct destination {
    struct registry *registry;
    const char *path;
};

static bool add_customer(void *context, size_t line, const struct registry_customer *customer,
                         struct failure *failure)
{
    const struct destination *to = context;
    return registry_add_customer(to->registry, customer, failure) ||
           failure_prefix(failure, "%s line %zu: ", to->path, line);
}

static bool add_seats(void *context, size_t line, const char *customer_id, const char *product_line,
                      uint32_t seats, struct failure *failure)
{
    const struct destination *to = context;
    if (registry_customer(to->registry, customer_id) == NULL) {
        return registry_refuse_stranger(to->path, line, "customer_id", customer_id, failure);
    }
    return registry_add_seats(to->registry, customer_id, product_line, seats, failure);
}

static bool add_update(void *context, size_t line, const struct registry_update *update,
                       struct failure *failure)
{
    const struct destination *to = context;
    (void)line;
    return registry_add_update(to->registry, update, failure);
}

bool registry_read_customers(struct registry *registry, const char *path, struct failure *failure)
{
    struct destination to = {.registry = registry, .path = path};
    const struct registry_source source = {.csv.path = path};
    return registry_each_customer(&source, add_customer, &to, failure);
}

bool registry_read_seats(struct registry *registry, const char *path, struct failure *failure)
{
    struct destination to = {.registry = registry, .path = path};
    const struct registry_source source = {.csv.path = path};
    return registry_each_seat(&source, add_seats, &to, failure);
}

bool registry_read_updates(struct registry *registry, const char *path, struct failure *failure)
{
    struct destination to = {.registry = registry, .path = path};
    const struct registry_source source = {.csv.path = path};
    return registry_each_update(&source, add_update, &to, failure);
}
