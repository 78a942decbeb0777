/* Make a secret that a customer's hosts trade for tokens of their own. It is shown once; the
 * database keeps its hash.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/command.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "collector/statements.h"
#include "common/database.h"
#include "common/report.h"
#include "common/token.h"

enum { KEY_CUSTOMER = 256, KEY_HOURS, KEY_USES };

/* A secret is for a rollout of agents, not for keeping: thirty days, a million hosts. */
#define HOURS_MOST 720
#define USES_MOST 1000000
#define STATEMENT_TIMEOUT_MS 8000

struct arguments {
    const char *conninfo, *customer;
    const char *hours, *uses; /* text, checked; as the statement takes them */
};

static const char doc[] =
    "Prints a fresh enrolment secret for one customer, and nothing else, on standard output."
    "\v"
    "Hosts of the customer send it to POST /v1/enrol with their host_id and get a token of their "
    "own. Connect as the owner of the schema.";

static const struct argp_option options[] = {
    {"database", 'd', "CONNINFO", 0, "where PostgreSQL is", 0},
    {"customer", KEY_CUSTOMER, "ID", 0, "whose hosts may enrol (required)", 0},
    {"hours", KEY_HOURS, "HOURS", 0, "how long it is good for (default 24)", 0},
    {"uses", KEY_USES, "HOSTS", 0, "how many hosts it may enrol (default 1000)", 0},
    {0}};

static bool is_number(const char *text, double most, bool whole)
{
    char *end;
    double value = strtod(text, &end);
    return end != text && *end == '\0' && value > 0 && value <= most &&
           (!whole || strspn(text, "0123456789") == strlen(text));
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'd':
        arguments->conninfo = argument;
        return 0;
    case KEY_CUSTOMER:
        if (argument[0] == '\0' || strlen(argument) > REPORT_TEXT_LIMIT) {
            argp_error(state, "--customer is 1 to %d bytes long", REPORT_TEXT_LIMIT);
        }
        arguments->customer = argument;
        return 0;
    case KEY_HOURS:
        if (!is_number(argument, HOURS_MOST, false)) {
            argp_error(state, "--hours is more than 0 and at most %d, not \"%s\"", HOURS_MOST,
                       argument);
        }
        arguments->hours = argument;
        return 0;
    case KEY_USES:
        if (!is_number(argument, USES_MOST, true)) {
            argp_error(state, "--uses is a whole number from 1 to %d, not \"%s\"", USES_MOST,
                       argument);
        }
        arguments->uses = argument;
        return 0;
    case ARGP_KEY_ARG:
        argp_usage(state);
        return 0;
    case ARGP_KEY_END:
        if (arguments->customer == NULL) {
            argp_error(state, "--customer is required");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool store(const struct arguments *arguments, const uint8_t *hash, struct failure *failure)
{
    struct database *database = NULL;
    char hash_text[2 + 2 * TOKEN_SECRET_HASH_BYTES + 1] = "\\x";
    (void)sodium_bin2hex(hash_text + 2, sizeof hash_text - 2, hash, TOKEN_SECRET_HASH_BYTES);
    const char *const parameters[] = {hash_text, arguments->customer, arguments->hours,
                                      arguments->uses};
    if (!database_open(arguments->conninfo, "epicenter collector enrol-secret",
                       STATEMENT_TIMEOUT_MS, &database, failure)) {
        return false;
    }
    bool good = database_run(database, STATEMENT_ADD_SECRET, 4, parameters, NULL, failure);
    database_close(database);
    return good;
}

int command_enrol_secret(int argc, char **argv)
{
    static const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
    struct arguments arguments = {.conninfo = "", .hours = "24", .uses = "1000"};
    struct failure failure = {0};
    char secret[TOKEN_SECRET_SIZE];
    uint8_t hash[TOKEN_SECRET_HASH_BYTES];
    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    token_secret_new(secret, hash);
    if (!store(&arguments, hash, &failure)) {
        return command_failed(argv[0], &failure);
    }
    bool printed = puts(secret) >= 0 && fflush(stdout) == 0;
    sodium_memzero(secret, sizeof secret);
    return printed ? 0 : 1;
}
