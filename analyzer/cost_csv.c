/* Reading what the cost stands on; see cost_csv.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/csv.h"
#include "common/instant.h"

struct row {
    const char *const *columns;
    const char **cells;
};

static bool refuse(const struct row *row, size_t column, const char *why, struct failure *failure)
{
    return failure_set(failure, FAILURE_INVALID, "%s: \"%.60s\" %s", row->columns[column],
                       row->cells[column], why);
}

/* Into a text of `size` bytes; a control character would be an order to a terminal. */
static bool read_text(const struct row *row, size_t column, char *text, size_t size,
                      struct failure *failure)
{
    const char *cell = row->cells[column];
    for (const char *at = cell; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            return failure_set(failure, FAILURE_INVALID, "%s: holds a control character",
                               row->columns[column]);
        }
    }
    if (strlen(cell) >= size) {
        return refuse(row, column, "is too long", failure);
    }
    memcpy(text, cell, strlen(cell) + 1);
    return true;
}

static bool read_number(const struct row *row, size_t column, double *number,
                        struct failure *failure)
{
    char *end;
    const char *cell = row->cells[column];
    *number = strtod(cell, &end);
    return (end != cell && *end == '\0') || refuse(row, column, "is not a number", failure);
}

static bool read_whole(const struct row *row, size_t column, uint32_t *number,
                       struct failure *failure)
{
    const char *cell = row->cells[column];
    size_t digits = strspn(cell, "0123456789");
    if (digits == 0 || digits > 7 || cell[digits] != '\0') {
        return refuse(row, column, "is not a whole number below ten million", failure);
    }
    *number = (uint32_t)strtoul(cell, NULL, 10);
    return true;
}

static bool read_date(const struct row *row, size_t column, char date[11], struct failure *failure)
{
    char midnight[INSTANT_TEXT_SIZE];
    instant_us instant;
    const char *cell = row->cells[column];
    if (strlen(cell) != 10) {
        return refuse(row, column, "is not a date such as 2005-09-30", failure);
    }
    snprintf(midnight, sizeof midnight, "%sT00:00:00Z", cell);
    memcpy(date, cell, 11);
    return instant_parse(midnight, &instant, NULL) ||
           refuse(row, column, "is not a date such as 2005-09-30", failure);
}

static bool read_range(const struct row *row, size_t first, struct range *range,
                       struct failure *failure)
{
    return read_number(row, first, &range->low, failure) &&
           read_number(row, first + 1, &range->likely, failure) &&
           read_number(row, first + 2, &range->high, failure);
}

static bool read_scope(const struct row *row, size_t first, struct cost_scope *scope,
                       struct failure *failure)
{
    return read_text(row, first, scope->region, sizeof scope->region, failure) &&
           read_text(row, first + 1, scope->tier, sizeof scope->tier, failure) &&
           read_text(row, first + 2, scope->product_line, sizeof scope->product_line, failure);
}

/* ---- One row of each kind ---- */

static const char *const parameter_columns[] = {
    "name", "region", "tier", "product_line", "low", "likely", "high", "unit", "source", "dated"};

static bool take_parameter(struct cost_parameters *parameters, const struct row *row,
                           struct failure *failure)
{
    struct cost_parameter one = {.name = ""};
    return read_text(row, 0, one.name, sizeof one.name, failure) &&
           read_scope(row, 1, &one.scope, failure) && read_range(row, 4, &one.range, failure) &&
           read_text(row, 7, one.unit, sizeof one.unit, failure) &&
           read_text(row, 8, one.source, sizeof one.source, failure) &&
           read_date(row, 9, one.dated, failure) && cost_parameters_set(parameters, &one, failure);
}

static const char *const staffing_columns[] = {"region", "hour", "agents"};

static bool take_staffing(struct cost_parameters *parameters, const struct row *row,
                          struct failure *failure)
{
    struct cost_desk desk = {.region = ""};
    uint32_t hour = 0;
    uint32_t agents = 0;
    return read_text(row, 0, desk.region, sizeof desk.region, failure) &&
           read_whole(row, 1, &hour, failure) && read_whole(row, 2, &agents, failure) &&
           cost_parameters_set_agents(parameters, desk.region, hour, agents, failure);
}

static const char *const scheme_columns[] = {"name",   "region",     "tier",   "product_line",
                                             "kind",   "recipients", "form",   "low",
                                             "likely", "high",       "source", "dated"};

static bool take_scheme(struct cost_parameters *parameters, const struct row *row,
                        struct failure *failure)
{
    struct cost_scheme one = {.consumers = strcmp(row->cells[4], "corporate") != 0,
                              .corporates = strcmp(row->cells[4], "consumer") != 0};
    if (one.consumers && one.corporates && *row->cells[4] != '\0') {
        return refuse(row, 4, "is neither consumer nor corporate nor empty", failure);
    }
    if (!cost_recipients_parse(row->cells[5], &one.recipients)) {
        return refuse(row, 5, "is not eligible, affected or claiming", failure);
    }
    if (!cost_form_parse(row->cells[6], &one.form)) {
        return refuse(row, 6, "is not free_months, credit or fixed", failure);
    }
    return read_text(row, 0, one.name, sizeof one.name, failure) &&
           read_scope(row, 1, &one.scope, failure) && read_range(row, 7, &one.amount, failure) &&
           read_text(row, 10, one.source, sizeof one.source, failure) &&
           read_date(row, 11, one.dated, failure) &&
           cost_parameters_set_scheme(parameters, &one, failure);
}

static const char *const rate_columns[] = {"currency", "usd", "source", "dated"};

static bool take_rate(struct cost_parameters *parameters, const struct row *row,
                      struct failure *failure)
{
    struct exchange_rate one = {.usd = 0};
    return read_text(row, 0, one.currency, sizeof one.currency, failure) &&
           read_number(row, 1, &one.usd, failure) &&
           read_text(row, 2, one.source, sizeof one.source, failure) &&
           read_date(row, 3, one.dated, failure) &&
           exchange_rates_set(&parameters->rates, &one, failure);
}

/* ---- Files ---- */

typedef bool (*take_row)(struct cost_parameters *parameters, const struct row *row,
                         struct failure *failure);

static bool read_file(struct cost_parameters *parameters, const char *path,
                      const char *const *columns, size_t column_count, take_row take,
                      FILE *messages, struct cost_csv_counts *counts, struct failure *failure)
{
    const char *cells[16];
    struct csv_reader *reader;
    *counts = (struct cost_csv_counts){0};
    if (!csv_open(path, columns, column_count, &reader, failure)) {
        return false;
    }
    bool done = true;
    bool end = false;
    while (done && !end) {
        done = csv_next(reader, cells, &end, failure);
        if (!done || end) {
            break;
        }
        struct row row = {.columns = columns, .cells = cells};
        struct failure refused;
        if (take(parameters, &row, &refused)) {
            counts->taken++;
        } else {
            counts->refused++;
            fprintf(messages, "%s line %zu, %s; left out\n", path, csv_line(reader),
                    refused.message);
        }
    }
    csv_close(reader);
    return done;
}

bool cost_csv_read_parameters(struct cost_parameters *parameters, const char *path, FILE *messages,
                              struct cost_csv_counts *counts, struct failure *failure)
{
    return read_file(parameters, path, parameter_columns,
                     sizeof parameter_columns / sizeof *parameter_columns, take_parameter, messages,
                     counts, failure);
}

bool cost_csv_read_staffing(struct cost_parameters *parameters, const char *path, FILE *messages,
                            struct cost_csv_counts *counts, struct failure *failure)
{
    return read_file(parameters, path, staffing_columns,
                     sizeof staffing_columns / sizeof *staffing_columns, take_staffing, messages,
                     counts, failure);
}

bool cost_csv_read_compensation(struct cost_parameters *parameters, const char *path,
                                FILE *messages, struct cost_csv_counts *counts,
                                struct failure *failure)
{
    return read_file(parameters, path, scheme_columns,
                     sizeof scheme_columns / sizeof *scheme_columns, take_scheme, messages, counts,
                     failure);
}

bool cost_csv_read_exchange_rates(struct cost_parameters *parameters, const char *path,
                                  FILE *messages, struct cost_csv_counts *counts,
                                  struct failure *failure)
{
    return read_file(parameters, path, rate_columns, sizeof rate_columns / sizeof *rate_columns,
                     take_rate, messages, counts, failure);
}

/* ---- One setting ---- */

bool cost_csv_parse_setting(const char *text, struct cost_parameter *parameter,
                            struct failure *failure)
{
    *parameter = (struct cost_parameter){.source = "set by hand"};
    size_t name = strcspn(text, "@=");
    const char *equals = strchr(text, '=');
    bool good = equals != NULL && name > 0 && name < sizeof parameter->name;
    if (good && text[name] == '@') {
        size_t region = (size_t)(equals - text) - name - 1;
        good = region > 0 && region < sizeof parameter->scope.region;
        memcpy(parameter->scope.region, text + name + 1, good ? region : 0);
    }
    double *const ends[] = {&parameter->range.low, &parameter->range.likely,
                            &parameter->range.high};
    const char *at = good ? equals + 1 : "";
    for (int i = 0; good && i < 3; i++) {
        char *end;
        *ends[i] = strtod(at, &end);
        good = end != at && *end == (i < 2 ? ',' : '\0');
        at = end + 1;
    }
    if (!good) {
        return failure_set(failure, FAILURE_INVALID,
                           "\"%.80s\" is not name=low,likely,high, nor name@region=low,likely,high",
                           text);
    }
    memcpy(parameter->name, text, name);
    return true;
}
