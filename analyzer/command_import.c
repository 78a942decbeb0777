/* Put what the vendor knows of customers, seats and updates into the database.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/registry_database.h"
#include "common/database.h"

typedef bool (*importer)(struct database *database, const char *path, size_t *count,
                         struct failure *failure);

static const struct kind {
    const char *name;
    importer import;
} kinds[] = {
    {"customers", registry_import_customers},
    {"seats", registry_import_seats},
    {"updates", registry_import_updates},
};

struct arguments {
    const char *conninfo;
    const struct kind *kind;
    const char *path;
};

static const char doc[] =
    "Adds or replaces rows by id from a CSV file with a header; all of it or, when a row is bad, "
    "nothing. A running analyzer takes them in within a minute.\v"
    "  customers  customer_id,name,kind,region,country,time_zone,tier,\n"
    "             partner,contract_value,currency,renewal_on\n"
    "  seats      customer_id,product_line,seats\n"
    "  updates    update_id,product_line,released_at,withdrawn_at\n\n"
    "kind is consumer or corporate; contract_value a year's, in minor units of currency; times are "
    "RFC 3339. Import customers before their seats.";

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
                argp_error(state, "customers, seats or updates, not \"%s\"", argument);
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
    static const struct argp argp = {options, parse, "customers|seats|updates FILE", doc, NULL,
                                     NULL,    NULL};
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
