/* Put what the vendor knows of customers, seats and updates into the database.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/contact.h"
#include "analyzer/cost_csv.h"
#include "analyzer/cost_database.h"
#include "analyzer/registry_database.h"
#include "common/database.h"

typedef bool (*importer)(struct database *database, const char *path, size_t *count,
                         struct failure *failure);

/* What stands on several rows that must fit each other is read whole, then stored. */
typedef bool (*cost_reader)(struct cost_parameters *parameters, const char *path, FILE *messages,
                            struct cost_csv_counts *counts, struct failure *failure);

static bool import_cost(struct database *database, cost_reader read, const char *path,
                        size_t *count, struct failure *failure)
{
    struct cost_csv_counts counts;
    struct cost_parameters *parameters = malloc(sizeof *parameters);
    if (parameters == NULL) {
        return failure_memory(failure, "importing");
    }
    cost_parameters_default(parameters);
    bool done = read(parameters, path, stderr, &counts, failure) &&
                cost_database_store(database, parameters, failure);
    *count = done ? counts.taken : 0;
    if (done && counts.refused > 0) {
        fprintf(stderr, "%zu of %zu rows were left out.\n", counts.refused,
                counts.refused + counts.taken);
    }
    free(parameters);
    return done;
}

static bool import_parameters(struct database *database, const char *path, size_t *count,
                              struct failure *failure)
{
    return import_cost(database, cost_csv_read_parameters, path, count, failure);
}

static bool import_staffing(struct database *database, const char *path, size_t *count,
                            struct failure *failure)
{
    return import_cost(database, cost_csv_read_staffing, path, count, failure);
}

static bool import_compensation(struct database *database, const char *path, size_t *count,
                                struct failure *failure)
{
    return import_cost(database, cost_csv_read_compensation, path, count, failure);
}

static const struct kind {
    const char *name;
    importer import;
} kinds[] = {
    {"customers", registry_import_customers}, {"seats", registry_import_seats},
    {"updates", registry_import_updates},     {"contacts", contact_import},
    {"cost-parameters", import_parameters},   {"staffing", import_staffing},
    {"compensation", import_compensation},
};

struct arguments {
    const char *conninfo;
    const struct kind *kind;
    const char *path;
};

static const char doc[] =
    "Adds or replaces rows by id from a CSV file with a header; all of it or, when a row is bad, "
    "nothing. A running analyzer takes them in at once.\v"
    "  customers  customer_id,name,kind,region,country,time_zone,tier,\n"
    "             partner,contract_value,currency,renewal_on[,language,criticality]\n"
    "  seats      customer_id,product_line,seats\n"
    "  updates    update_id,product_line,released_at,withdrawn_at\n"
    "  contacts   customer_id,position,name,task,phone,email\n"
    "  cost-parameters  name,region,tier,product_line,low,likely,high,unit,source,dated\n"
    "  staffing         region,hour,agents\n"
    "  compensation     name,region,tier,product_line,kind,recipients,form,low,likely,high,\n"
    "                   source,dated\n\n"
    "kind is consumer or corporate; contract_value a year's, in minor units of currency; times are "
    "RFC 3339. Import customers before their seats and contacts. Of the last three a bad row costs "
    "only itself; "
    "hours are UTC; an empty region, tier or product line is all.";

static const struct argp_option options[] = {
    {"database", 'd', "CONNINFO", 0, "where PostgreSQL is (any libpq connection string)", 0}, {0}};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'd':
        arguments->conninfo = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0) {
            arguments->kind = find_kind(argument);
            if (arguments->kind == NULL) {
                argp_error(state, "there is nothing to import called \"%s\"", argument);
            }
        } else if (state->arg_num == 1) {
            arguments->path = argument;
        } else {
            argp_error(state, "one file at a time");
        }
        return 0;
    case ARGP_KEY_END:
        if (arguments->path == NULL) {
            argp_error(state, "what, and from which file?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int command_import(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "WHAT FILE", doc, NULL, NULL, NULL};
    struct arguments arguments = {.conninfo = ""};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    int status = 1;
    struct database *database = NULL;
    struct failure failure;
    size_t count;
    if (!database_open(arguments.conninfo, "epicenter analyzer import", 0, &database, &failure) ||
        !arguments.kind->import(database, arguments.path, &count, &failure)) {
        command_failed(argv[0], &failure, status);
        goto done;
    }
    printf("%zu %s imported.\n", count, arguments.kind->name);
    status = 0;

done:
    database_close(database);
    return status;
}
