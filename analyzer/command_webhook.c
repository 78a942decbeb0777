/* Whom to tell when a verdict changes: receivers are added, listed and removed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/statements.h"
#include "analyzer/webhook_message.h"
#include "common/database.h"

enum { KEY_ALERTMANAGER = 256 };

struct arguments {
    const char *conninfo;
    const char *verb;
    const char *object; /* URL or number */
    const char *form;
};

static const char doc[] =
    "Adds a receiver of changes of verdict and prints the secret that signs what it is sent; lists "
    "receivers; removes one by its number.\v"
    "A message is POSTed as JSON and signed as Standard Webhooks has it: headers webhook-id, "
    "webhook-timestamp and webhook-signature. A receiver that does not answer 2xx within 15 "
    "seconds is tried again after 5 s, 30 s, 2 min, 10 min, 1 h, 6 h and a day; then the message "
    "stands in the view webhook_dead_letter. 410 ends it for good.\n\n"
    "With --alertmanager, URL is Alertmanager's, such as http://127.0.0.1:9093/api/v2/alerts; a "
    "HOLD raises the alert EpicenterUpdateHold, and whatever follows it ends it.";

static const struct argp_option options[] = {
    {"database", 'd', "CONNINFO", 0, "where PostgreSQL is (any libpq connection string)", 0},
    {"alertmanager", KEY_ALERTMANAGER, NULL, 0, "the receiver is an Alertmanager", 0},
    {0}};

/* NOLINTNEXTLINE(readability-non-const-parameter): argp's type. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'd':
        arguments->conninfo = argument;
        return 0;
    case KEY_ALERTMANAGER:
        arguments->form = "alertmanager";
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0) {
            arguments->verb = argument;
        } else if (state->arg_num == 1) {
            arguments->object = argument;
        } else {
            argp_error(state, "one receiver at a time");
        }
        return 0;
    case ARGP_KEY_END:
        if (arguments->verb == NULL) {
            argp_error(state, "add, list or remove?");
        } else if (strcmp(arguments->verb, "list") != 0 && strcmp(arguments->verb, "add") != 0 &&
                   strcmp(arguments->verb, "remove") != 0) {
            argp_error(state, "add, list or remove, not \"%s\"", arguments->verb);
        } else if ((arguments->object == NULL) != (strcmp(arguments->verb, "list") == 0)) {
            argp_error(state, "add takes a URL, remove a number, list nothing");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool add(struct database *database, const struct arguments *arguments,
                struct failure *failure)
{
    char secret[WEBHOOK_SECRET_SIZE];
    PGresult *result = NULL;
    if (strncmp(arguments->object, "http://", 7) != 0 &&
        strncmp(arguments->object, "https://", 8) != 0) {
        return failure_set(failure, FAILURE_INVALID,
                           "a receiver is an http:// or https:// URL, not \"%s\"",
                           arguments->object);
    }
    webhook_secret_new(secret);
    const char *parameters[] = {arguments->object, arguments->form, secret};
    if (!database_run(database, STATEMENT_WEBHOOK_ADD, 3, parameters, &result, failure)) {
        return false;
    }
    (void)fprintf(stderr, "Receiver %s is told of every change from now on.%s\n",
                  PQgetvalue(result, 0, 0),
                  strcmp(arguments->form, "standard") == 0 ? " Its secret:" : "");
    if (strcmp(arguments->form, "standard") == 0) {
        puts(secret);
    }
    PQclear(result);
    return true;
}

static bool list(struct database *database, struct failure *failure)
{
    PGresult *result = NULL;
    if (!database_run(database, STATEMENT_WEBHOOK_LIST, 0, NULL, &result, failure)) {
        return false;
    }
    if (PQntuples(result) == 0) {
        puts("Nobody is told. Add a receiver with: analyzer webhook add URL");
    }
    for (int row = 0; row < PQntuples(result); row++) {
        printf("%3s  %-12s  %s\n     %s delivered, %s waiting, %s given up%s\n",
               PQgetvalue(result, row, 0), PQgetvalue(result, row, 1), PQgetvalue(result, row, 2),
               PQgetvalue(result, row, 3), PQgetvalue(result, row, 4), PQgetvalue(result, row, 5),
               PQgetvalue(result, row, 7)[0] == 't' ? "; it is gone (410)" : "");
        if (!PQgetisnull(result, row, 6)) {
            printf("     last trouble: %s\n", PQgetvalue(result, row, 6));
        }
    }
    PQclear(result);
    return true;
}

static bool remove_receiver(struct database *database, const char *number, struct failure *failure)
{
    PGresult *result = NULL;
    char *end;
    (void)strtoll(number, &end, 10);
    if (end == number || *end != '\0') {
        return failure_set(failure, FAILURE_INVALID,
                           "a receiver is removed by its number, not \"%s\"", number);
    }
    if (!database_run(database, STATEMENT_WEBHOOK_REMOVE, 1, &number, &result, failure)) {
        return false;
    }
    bool found = PQntuples(result) > 0;
    PQclear(result);
    return found || failure_set(failure, FAILURE_NOT_FOUND, "there is no receiver %s", number);
}

int command_webhook(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "add URL\nlist\nremove NUMBER", doc, NULL,
                                     NULL,    NULL};
    struct arguments arguments = {.conninfo = "", .form = "standard"};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    struct database *database = NULL;
    struct failure failure;
    bool good =
        database_open(arguments.conninfo, "epicenter analyzer webhook", 0, &database, &failure);
    if (good && strcmp(arguments.verb, "add") == 0) {
        good = add(database, &arguments, &failure);
    } else if (good && strcmp(arguments.verb, "list") == 0) {
        good = list(database, &failure);
    } else if (good) {
        good = remove_receiver(database, arguments.object, &failure);
    }
    database_close(database);
    return good ? 0 : command_failed(argv[0], &failure, 1);
}
