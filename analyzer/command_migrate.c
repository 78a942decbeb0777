/* Bring the schema up to date, as its owner; what the cost estimate needs and lacks is filled in.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "analyzer/cost_database.h"
#include "common/database.h"
#include "common/migrate.h"

#define SCHEMA_HERE "sql"
/* EPICENTER_SCHEMA: where the build installs it. */

struct arguments {
    const char *conninfo;
    const char *schema; /* NULL: wherever it is */
};

static const char doc[] =
    "Applies the migrations that are missing, each in a transaction of its own, and writes the "
    "cost parameters that are not there yet. Running it again does nothing.\v"
    "Connect as the owner of the database; the first run makes the roles epicenter_collector, "
    "epicenter_analyzer and epicenter_viewer.";

static const struct argp_option options[] = {
    {"database", 'd', "CONNINFO", 0, "where PostgreSQL is (any libpq connection string)", 0},
    {"schema", 's', "DIR", 0,
     "the migrations (default: " SCHEMA_HERE " if it is here, else " EPICENTER_SCHEMA ")", 0},
    {0}};

/* NOLINTNEXTLINE(readability-non-const-parameter): argp's type. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'd':
        arguments->conninfo = argument;
        return 0;
    case 's':
        arguments->schema = argument;
        return 0;
    case ARGP_KEY_ARG:
        argp_usage(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *find_schema(void)
{
    struct stat status;
    return stat(SCHEMA_HERE, &status) == 0 && S_ISDIR(status.st_mode) ? SCHEMA_HERE
                                                                      : EPICENTER_SCHEMA;
}

int command_migrate(int argc, char **argv)
{
    static const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
    struct arguments arguments = {.conninfo = ""};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    int status = 1;
    struct database *database = NULL;
    struct failure failure;
    size_t applied;
    const char *schema = arguments.schema != NULL ? arguments.schema : find_schema();
    if (!database_open(arguments.conninfo, "epicenter analyzer migrate", 0, &database, &failure) ||
        !migrate(database, schema, &applied, &failure) ||
        !cost_database_store_defaults(database, &failure)) {
        command_failed(argv[0], &failure, status);
        goto done;
    }
    if (applied == 0) {
        puts("The schema is up to date.");
    } else {
        printf("%zu %s applied.\n", applied, applied == 1 ? "migration" : "migrations");
    }
    status = 0;

done:
    database_close(database);
    return status;
}
