/* Which programs may ask? Keys are added, listed and revoked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/client.h"
#include "analyzer/credential.h"
#include "analyzer/role.h"
#include "analyzer/statements.h"
#include "common/database.h"

enum { KEY_SCOPE = 256 };

struct arguments {
    const char *conninfo;
    const char *verb;
    const char *name; /* NULL: none */
    const char *scope;
};

static const char doc[] =
    "Makes a key for a program and prints it, once; lists keys; revokes one, which counts within "
    "two seconds.\v"
    "SCOPE is read (verdicts and figures; the default), operate (and hosts), support (and the "
    "outreach), metrics or registry (customers, seats and updates alone). The program sends it as "
    "Authorization: Bearer KEY; "
    "`analyzer verdict` and the other commands that ask take it from the environment "
    "as " CLIENT_KEY_VARIABLE ".";

static const struct argp_option options[] = {
    {"database", 'd', "CONNINFO", 0, "where PostgreSQL is (any libpq connection string)", 0},
    {"scope", KEY_SCOPE, "SCOPE", 0, "what it may ask for", 0},
    {0}};

/* NOLINTNEXTLINE(readability-non-const-parameter): argp's type. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'd':
        arguments->conninfo = argument;
        return 0;
    case KEY_SCOPE:
        arguments->scope = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0) {
            arguments->verb = argument;
        } else if (state->arg_num == 1) {
            arguments->name = argument;
        } else {
            argp_error(state, "one key at a time");
        }
        return 0;
    case ARGP_KEY_END:
        if (arguments->verb == NULL ||
            (strcmp(arguments->verb, "add") != 0 && strcmp(arguments->verb, "list") != 0 &&
             strcmp(arguments->verb, "revoke") != 0)) {
            argp_error(state, "add, list or revoke?");
        } else if ((arguments->name == NULL) != (strcmp(arguments->verb, "list") == 0)) {
            argp_error(state, "add and revoke take a name, list none");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool add(struct database *database, const struct arguments *arguments,
                struct failure *failure)
{
    char key[CREDENTIAL_SIZE];
    char hash[CREDENTIAL_HEX_SIZE];
    enum role role;
    PGresult *rows = NULL;
    credential_new(CREDENTIAL_KEY, key);
    const char *parameters[] = {arguments->name, credential_hex(key, hash), arguments->scope};
    if (!role_of_scope(arguments->scope, &role, failure) ||
        !database_run(database, STATEMENT_KEY_ADD, 3, parameters, &rows, failure)) {
        return false;
    }
    bool added = PQntuples(rows) > 0;
    PQclear(rows);
    if (!added) {
        return failure_set(failure, FAILURE_CONFLICT, "there is a key %s already; revoke it first",
                           arguments->name);
    }
    puts(key);
    return true;
}

static bool list(struct database *database, struct failure *failure)
{
    PGresult *rows = NULL;
    if (!database_run(database, STATEMENT_KEY_LIST, 0, NULL, &rows, failure)) {
        return false;
    }
    if (PQntuples(rows) == 0) {
        puts("There is no key. Make one with: analyzer key add NAME");
    }
    for (int row = 0; row < PQntuples(rows); row++) {
        printf("%-8s  %s, of %s%s\n", PQgetvalue(rows, row, 1), PQgetvalue(rows, row, 0),
               PQgetvalue(rows, row, 2), PQgetvalue(rows, row, 3)[0] == 't' ? " (revoked)" : "");
    }
    PQclear(rows);
    return true;
}

static bool revoke(struct database *database, const char *name, struct failure *failure)
{
    PGresult *rows = NULL;
    if (!database_run(database, STATEMENT_KEY_REVOKE, 1, &name, &rows, failure)) {
        return false;
    }
    bool found = PQntuples(rows) > 0;
    PQclear(rows);
    return found || failure_set(failure, FAILURE_NOT_FOUND, "there is no key %s", name);
}

int command_key(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "add NAME\nlist\nrevoke NAME", doc, NULL,
                                     NULL,    NULL};
    struct arguments arguments = {.conninfo = "", .scope = "read"};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    struct database *database = NULL;
    struct failure failure;
    bool good = database_open(arguments.conninfo, "epicenter analyzer key", 0, &database, &failure);
    if (good && strcmp(arguments.verb, "add") == 0) {
        good = add(database, &arguments, &failure);
    } else if (good && strcmp(arguments.verb, "list") == 0) {
        good = list(database, &failure);
    } else if (good) {
        good = revoke(database, arguments.name, &failure);
    }
    database_close(database);
    return good ? 0 : command_failed(argv[0], &failure, 1);
}
