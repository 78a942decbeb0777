/* The cost's tables; see cost_database.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* ---- Statements ---- */

#define PARAMETER_COLUMNS "name, region, tier, product_line, low, likely, high, unit, source, dated"
#define SCHEME_COLUMNS                                                                             \
    "name, region, tier, product_line, kind, recipients, form, low, likely, high, source, dated"

static const char select_parameters[] = "select name, region, tier, product_line, low, likely,"
                                        " high, unit, source, dated::text from cost_parameter"
                                        " order by name, region, tier, product_line";
static const char insert_default[] = "insert into cost_parameter (" PARAMETER_COLUMNS ")"
                                     " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
                                     " on conflict do nothing";
static const char upsert_parameter[] =
    "insert into cost_parameter (" PARAMETER_COLUMNS ")"
    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    " on conflict (name, region, tier, product_line) do update set low = excluded.low,"
    " likely = excluded.likely, high = excluded.high, unit = excluded.unit,"
    " source = excluded.source, dated = excluded.dated";
static const char select_staffing[] =
    "select region, hour, agents from staffing order by region, hour";
static const char upsert_staffing[] =
    "insert into staffing (region, hour, agents) values ($1, $2, $3)"
    " on conflict (region, hour) do update set agents = excluded.agents";
static const char select_schemes[] =
    "select name, region, tier, product_line, kind, recipients, form, low, likely, high, source,"
    " dated::text from compensation order by name";
static const char upsert_scheme[] =
    "insert into compensation (" SCHEME_COLUMNS ")"
    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    " on conflict (name) do update set region = excluded.region, tier = excluded.tier,"
    " product_line = excluded.product_line, kind = excluded.kind,"
    " recipients = excluded.recipients, form = excluded.form, low = excluded.low,"
    " likely = excluded.likely, high = excluded.high, source = excluded.source,"
    " dated = excluded.dated";

static const char select_rates[] =
    "select currency, usd, source, dated::text from exchange_rate order by currency";
static const char insert_rate[] = "insert into exchange_rate (currency, usd, source, dated)"
                                  " values ($1, $2, $3, $4) on conflict do nothing";
static const char upsert_rate[] =
    "insert into exchange_rate (currency, usd, source, dated) values ($1, $2, $3, $4)"
    " on conflict (currency) do update set usd = excluded.usd, source = excluded.source,"
    " dated = excluded.dated";

/* ---- Loading ---- */

static const char *cell(const PGresult *rows, int row, int column)
{
    return PQgetvalue(rows, row, column);
}

static struct range range_of(const PGresult *rows, int row, int column)
{
    return (struct range){.low = strtod(cell(rows, row, column), NULL),
                          .likely = strtod(cell(rows, row, column + 1), NULL),
                          .high = strtod(cell(rows, row, column + 2), NULL)};
}

static struct cost_scope scope_of(const PGresult *rows, int row)
{
    struct cost_scope scope;
    snprintf(scope.region, sizeof scope.region, "%s", cell(rows, row, 1));
    snprintf(scope.tier, sizeof scope.tier, "%s", cell(rows, row, 2));
    snprintf(scope.product_line, sizeof scope.product_line, "%s", cell(rows, row, 3));
    return scope;
}

static void log_refused(const char *table, const struct failure *failure)
{
    log_warning("a row that the cost estimate leaves out", log_text("table", table),
                log_text("because", failure->message));
}

static bool load_parameters(struct cost_parameters *parameters, struct database *database,
                            struct failure *failure)
{
    PGresult *rows = NULL;
    bool done = database_run(database, select_parameters, 0, NULL, &rows, failure);
    for (int i = 0; done && i < PQntuples(rows); i++) {
        struct failure refused;
        struct cost_parameter one = {.scope = scope_of(rows, i), .range = range_of(rows, i, 4)};
        snprintf(one.name, sizeof one.name, "%s", cell(rows, i, 0));
        snprintf(one.unit, sizeof one.unit, "%s", cell(rows, i, 7));
        snprintf(one.source, sizeof one.source, "%s", cell(rows, i, 8));
        snprintf(one.dated, sizeof one.dated, "%s", cell(rows, i, 9));
        if (!cost_parameters_set(parameters, &one, &refused)) {
            log_refused("cost_parameter", &refused);
        }
    }
    PQclear(rows);
    return done;
}

static bool load_staffing(struct cost_parameters *parameters, struct database *database,
                          struct failure *failure)
{
    PGresult *rows = NULL;
    bool done = database_run(database, select_staffing, 0, NULL, &rows, failure);
    for (int i = 0; done && i < PQntuples(rows); i++) {
        struct failure refused;
        if (!cost_parameters_set_agents(parameters, cell(rows, i, 0),
                                        (uint32_t)strtoul(cell(rows, i, 1), NULL, 10),
                                        (uint32_t)strtoul(cell(rows, i, 2), NULL, 10), &refused)) {
            log_refused("staffing", &refused);
        }
    }
    PQclear(rows);
    return done;
}

static bool load_schemes(struct cost_parameters *parameters, struct database *database,
                         struct failure *failure)
{
    PGresult *rows = NULL;
    bool done = database_run(database, select_schemes, 0, NULL, &rows, failure);
    for (int i = 0; done && i < PQntuples(rows); i++) {
        struct failure refused;
        struct cost_scheme one = {.scope = scope_of(rows, i),
                                  .consumers = strcmp(cell(rows, i, 4), "corporate") != 0,
                                  .corporates = strcmp(cell(rows, i, 4), "consumer") != 0,
                                  .amount = range_of(rows, i, 7)};
        snprintf(one.name, sizeof one.name, "%s", cell(rows, i, 0));
        snprintf(one.source, sizeof one.source, "%s", cell(rows, i, 10));
        snprintf(one.dated, sizeof one.dated, "%s", cell(rows, i, 11));
        /* The table's own checks leave no other words. */
        bool known = cost_recipients_parse(cell(rows, i, 5), &one.recipients) &&
                     cost_form_parse(cell(rows, i, 6), &one.form);
        if (known && !cost_parameters_set_scheme(parameters, &one, &refused)) {
            log_refused("compensation", &refused);
        }
    }
    PQclear(rows);
    return done;
}

static bool load_rates(struct exchange_rates *rates, struct database *database,
                       struct failure *failure)
{
    PGresult *rows = NULL;
    bool done = database_run(database, select_rates, 0, NULL, &rows, failure);
    for (int i = 0; done && i < PQntuples(rows); i++) {
        struct failure refused;
        struct exchange_rate one = {.usd = strtod(cell(rows, i, 1), NULL)};
        snprintf(one.currency, sizeof one.currency, "%s", cell(rows, i, 0));
        snprintf(one.source, sizeof one.source, "%s", cell(rows, i, 2));
        snprintf(one.dated, sizeof one.dated, "%s", cell(rows, i, 3));
        if (!exchange_rates_set(rates, &one, &refused)) {
            log_refused("exchange_rate", &refused);
        }
    }
    PQclear(rows);
    return done;
}

bool cost_database_load(struct cost_parameters *parameters, struct database *database,
                        struct failure *failure)
{
    struct cost_parameters *loaded = malloc(sizeof *loaded);
    if (loaded == NULL) {
        return failure_memory(failure, "reading the cost parameters");
    }
    cost_parameters_default(loaded);
    bool done =
        load_parameters(loaded, database, failure) && load_staffing(loaded, database, failure) &&
        load_schemes(loaded, database, failure) && load_rates(&loaded->rates, database, failure);
    if (done) {
        *parameters = *loaded;
    }
    free(loaded);
    return done;
}

/* ---- Storing ---- */

#define NUMBER_SIZE 32

static void print_range(const struct range *range, char texts[3][NUMBER_SIZE])
{
    snprintf(texts[0], NUMBER_SIZE, "%.17g", range->low);
    snprintf(texts[1], NUMBER_SIZE, "%.17g", range->likely);
    snprintf(texts[2], NUMBER_SIZE, "%.17g", range->high);
}

static bool store_parameter(struct database *database, const char *statement,
                            const struct cost_parameter *one, struct failure *failure)
{
    char ends[3][NUMBER_SIZE];
    print_range(&one->range, ends);
    const char *values[] = {
        one->name,   one->scope.region, one->scope.tier, one->scope.product_line,
        ends[0],     ends[1],           ends[2],         one->unit,
        one->source, one->dated};
    return database_run(database, statement, 10, values, NULL, failure);
}

static bool store_scheme(struct database *database, const struct cost_scheme *one,
                         struct failure *failure)
{
    static const char *const recipients[] = {"eligible", "affected", "claiming"};
    static const char *const forms[] = {"free_months", "credit", "fixed"};
    char ends[3][NUMBER_SIZE];
    print_range(&one->amount, ends);
    const char *kind = one->consumers && one->corporates ? ""
                       : one->consumers                  ? "consumer"
                                                         : "corporate";
    const char *values[] = {one->name,
                            one->scope.region,
                            one->scope.tier,
                            one->scope.product_line,
                            kind,
                            recipients[one->recipients],
                            forms[one->form],
                            ends[0],
                            ends[1],
                            ends[2],
                            one->source,
                            one->dated};
    return database_run(database, upsert_scheme, 12, values, NULL, failure);
}

static bool store_desk(struct database *database, const struct cost_desk *desk,
                       struct failure *failure)
{
    bool done = true;
    for (int hour = 0; done && hour < 24; hour++) {
        char hour_text[NUMBER_SIZE];
        char agents[NUMBER_SIZE];
        snprintf(hour_text, sizeof hour_text, "%d", hour);
        snprintf(agents, sizeof agents, "%u", desk->agents[hour]);
        const char *values[] = {desk->region, hour_text, agents};
        done = database_run(database, upsert_staffing, 3, values, NULL, failure);
    }
    return done;
}

static bool store_rate(struct database *database, const char *statement,
                       const struct exchange_rate *one, struct failure *failure)
{
    char usd[NUMBER_SIZE];
    snprintf(usd, sizeof usd, "%.17g", one->usd);
    const char *values[] = {one->currency, usd, one->source, one->dated};
    return database_run(database, statement, 4, values, NULL, failure);
}

bool cost_database_store_defaults(struct database *database, struct failure *failure)
{
    struct cost_parameters *parameters = malloc(sizeof *parameters);
    if (parameters == NULL) {
        return failure_memory(failure, "writing the cost parameters");
    }
    cost_parameters_default(parameters);
    bool done = true;
    for (size_t i = 0; done && i < parameters->count; i++) {
        done = store_parameter(database, insert_default, &parameters->items[i], failure);
    }
    for (size_t i = 0; done && i < parameters->rates.count; i++) {
        done = store_rate(database, insert_rate, &parameters->rates.items[i], failure);
    }
    free(parameters);
    return done;
}

static bool same_rate(const struct exchange_rate *a, const struct exchange_rate *b)
{
    return a->usd == b->usd && strcmp(a->source, b->source) == 0 && strcmp(a->dated, b->dated) == 0;
}

static bool same_row(const struct cost_parameter *a, const struct cost_parameter *b)
{
    return a->range.low == b->range.low && a->range.likely == b->range.likely &&
           a->range.high == b->range.high && strcmp(a->unit, b->unit) == 0 &&
           strcmp(a->source, b->source) == 0 && strcmp(a->dated, b->dated) == 0;
}

bool cost_database_store(struct database *database, const struct cost_parameters *imported,
                         struct failure *failure)
{
    struct cost_parameters *defaults = malloc(sizeof *defaults);
    if (defaults == NULL) {
        return failure_memory(failure, "importing the cost parameters");
    }
    cost_parameters_default(defaults);
    bool done = database_run(database, "begin", 0, NULL, NULL, failure);
    for (size_t i = 0; done && i < imported->count; i++) {
        const struct cost_parameter *one = &imported->items[i];
        bool same = i < defaults->count && same_row(one, &defaults->items[i]);
        done = same || store_parameter(database, upsert_parameter, one, failure);
    }
    for (size_t i = 0; done && i < imported->desk_count; i++) {
        done = store_desk(database, &imported->desks[i], failure);
    }
    for (size_t i = 0; done && i < imported->scheme_count; i++) {
        done = store_scheme(database, &imported->schemes[i], failure);
    }
    for (size_t i = 0; done && i < imported->rates.count; i++) {
        const struct exchange_rate *one = &imported->rates.items[i];
        bool same = i < defaults->rates.count && same_rate(one, &defaults->rates.items[i]);
        done = same || store_rate(database, upsert_rate, one, failure);
    }
    done = done && database_run(database, "commit", 0, NULL, NULL, failure);
    if (!done) {
        struct failure ignored;
        bool rolled_back = database_run(database, "rollback", 0, NULL, NULL, &ignored);
        (void)rolled_back; /* the first failure is the one to tell */
    }
    free(defaults);
    return done;
}
