/* Make tokens count no longer: a host's, the gateways' or all of a customer's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/command.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "collector/statements.h"
#include "common/database.h"
#include "common/report.h"
#include "common/uuid.h"

enum { KEY_CUSTOMER = 256, KEY_HOST, KEY_GATEWAY, KEY_ALL };

#define STATEMENT_TIMEOUT_MS 8000

struct arguments {
    const char *conninfo, *customer, *host;
    bool gateway, all;
};

static const char doc[] =
    "Revokes the tokens issued until now; collectors refuse them within ten seconds."
    "\v"
    "Of one host (--host), of the customer's gateways (--gateway) or all of the customer's tokens "
    "(--all). Tokens issued later count, so a host that should come back enrols again. An "
    "enrolment secret of the customer is not touched. Connect as the owner of the schema.";

static const struct argp_option options[] = {
    {"database", 'd', "CONNINFO", 0, "where PostgreSQL is", 0},
    {"customer", KEY_CUSTOMER, "ID", 0, "whose tokens (required)", 0},
    {"host", KEY_HOST, "ID", 0, "of this host, by UUID or by the name it calls itself", 0},
    {"gateway", KEY_GATEWAY, NULL, 0, "of the customer's gateways", 0},
    {"all", KEY_ALL, NULL, 0, "of the customer altogether", 0},
    {0}};

static void check(const struct arguments *arguments, struct argp_state *state)
{
    if (arguments->customer == NULL || arguments->customer[0] == '\0' ||
        strlen(arguments->customer) > REPORT_TEXT_LIMIT) {
        argp_error(state, "--customer is required, and 1 to %d bytes long", REPORT_TEXT_LIMIT);
    }
    if ((arguments->host != NULL) + arguments->gateway + arguments->all != 1) {
        argp_error(state, "say one of --host, --gateway and --all");
    }
}

/* NOLINTNEXTLINE(readability-non-const-parameter): argp's signature */
static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'd':
        arguments->conninfo = argument;
        return 0;
    case KEY_CUSTOMER:
        arguments->customer = argument;
        return 0;
    case KEY_HOST:
        arguments->host = argument;
        return 0;
    case KEY_GATEWAY:
        arguments->gateway = true;
        return 0;
    case KEY_ALL:
        arguments->all = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_usage(state);
        return 0;
    case ARGP_KEY_END:
        check(arguments, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool store(const struct arguments *arguments, struct failure *failure)
{
    struct database *database = NULL;
    struct uuid host = {{0}};
    char host_text[UUID_TEXT_SIZE];
    if (arguments->host != NULL && !uuid_parse(arguments->host, &host)) {
        host = uuid_from_name(arguments->customer, arguments->host, strlen(arguments->host));
    }
    const char *const parameters[] = {arguments->customer,
                                      arguments->all       ? "customer"
                                      : arguments->gateway ? "gateway"
                                                           : "host",
                                      uuid_format(&host, host_text)};
    if (!database_open(arguments->conninfo, "epicenter collector revoke", STATEMENT_TIMEOUT_MS,
                       &database, failure)) {
        return false;
    }
    bool good = database_run(database, STATEMENT_REVOKE, 3, parameters, NULL, failure);
    database_close(database);
    return good;
}

int command_revoke(int argc, char **argv)
{
    static const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
    struct arguments arguments = {.conninfo = ""};
    struct failure failure = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    return store(&arguments, &failure) ? 0 : command_failed(argv[0], &failure);
}
