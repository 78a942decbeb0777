/* Who saw whose contacts? The log, and whether it is as it was written.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/contact.h"
#include "analyzer/statements.h"
#include "common/database.h"

struct arguments {
    const char *conninfo;
    const char *verb;
};

static const char doc[] =
    "Lists every time somebody opened a customer's contacts, or checks that none of it was changed "
    "or taken out.\v"
    "Each row's hash covers the row before it. `verify` says how many there are and what the last "
    "hash is; note both elsewhere from time to time, since only that shows whether the end was cut "
    "off. Exits with 1 when the log is not whole.";

static const struct argp_option options[] = {
    {"database", 'd', "CONNINFO", 0, "where PostgreSQL is (any libpq connection string)", 0}, {0}};

/* NOLINTNEXTLINE(readability-non-const-parameter): argp's type. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'd':
        arguments->conninfo = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0) {
            argp_usage(state);
        }
        arguments->verb = argument;
        return 0;
    case ARGP_KEY_END:
        if (arguments->verb == NULL ||
            (strcmp(arguments->verb, "list") != 0 && strcmp(arguments->verb, "verify") != 0)) {
            argp_error(state, "list or verify?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool list(struct database *database, struct failure *failure)
{
    PGresult *rows = NULL;
    if (!database_run(database, STATEMENT_CONTACT_OPENINGS_SHOWN, 0, NULL, &rows, failure)) {
        return false;
    }
    for (int row = 0; row < PQntuples(rows); row++) {
        printf("%s  %s  %s opened %s for %s: %s\n", PQgetvalue(rows, row, 0),
               PQgetvalue(rows, row, 1), PQgetvalue(rows, row, 2), PQgetvalue(rows, row, 3),
               PQgetvalue(rows, row, 4), PQgetvalue(rows, row, 5));
    }
    PQclear(rows);
    return true;
}

static bool verify(struct database *database, struct failure *failure)
{
    size_t count;
    char last[CONTACT_HASH_SIZE];
    if (!contact_verify(database, &count, last, failure)) {
        return false;
    }
    printf("%zu openings, all as they were written; the last hash is %s\n", count, last);
    return true;
}

int command_audit(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "list\nverify", doc, NULL, NULL, NULL};
    struct arguments arguments = {.conninfo = ""};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    struct database *database = NULL;
    struct failure failure;
    bool good =
        database_open(arguments.conninfo, "epicenter analyzer audit", 0, &database, &failure) &&
        (strcmp(arguments.verb, "list") == 0 ? list(database, &failure)
                                             : verify(database, &failure));
    database_close(database);
    return good ? 0 : command_failed(argv[0], &failure, 1);
}
