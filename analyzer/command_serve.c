/* Follow the database and answer: the arguments of the live analyzer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/serve.h"

enum {
    KEY_HORIZON = 256,
    KEY_ALPHA,
    KEY_RISK_WINDOW,
    KEY_KEEP_REPORTS,
    KEY_KEEP_CONTACTS,
    KEY_PROXY_SOCKET
};

/* Both: what is kept longer is hardly needed, and contacts are people's. */
#define KEEP_DAYS 30
#define KEEP_DAYS_MOST 3650

struct arguments {
    struct serve_options serve;
    double alpha;
    instant_us risk_window;
};

static const char doc[] =
    "Follows the database the collectors write to, keeps the verdict on every update, and answers "
    "the API and the operations page.\v"
    "It may be stopped and started at any time. Every ten minutes, and when it is asked to end, it "
    "stores what it knows in the database; on start it goes on from there, as if it had never "
    "stopped, and reads only what has been reported since. Where nothing of use is stored, as on "
    "the first start of a new version, it reads the last 24 hours (--horizon-hours). While the "
    "database is away it goes on answering from memory and says so on /readyz.\n\n"
    "By default it listens on 127.0.0.1:8421. CONNINFO is any libpq connection string, such as "
    "\"host=/run/postgresql dbname=epicenter "
    "user=epicenter_analyzer\"; what it leaves out comes from libpq's own variables and files. "
    "It should connect as the role epicenter_analyzer.\n\n"
    "On the socket of --proxy-socket it takes a proxy's word for who asks: Remote-User, and in "
    "Remote-Groups epicenter- and a role. Give the proxy alone access to it (the socket's group).";

static const struct argp_option options[] = {
    {"horizon-hours", KEY_HORIZON, "HOURS", 0,
     "how far back to read on start where no state is stored (default 24)", 0},
    {"alpha", KEY_ALPHA, "ALPHA", 0,
     "chance of a false hold that a rollout may run (default 0.001)", 0},
    {"risk-window", KEY_RISK_WINDOW, "MINUTES", 0,
     "how long after its installation an update may be to blame (default 60)", 0},
    {"proxy-socket", KEY_PROXY_SOCKET, "PATH", 0,
     "listen on a Unix socket, too, for a proxy that says who asks", 0},
    {"keep-reports", KEY_KEEP_REPORTS, "DAYS", 0, "delete older raw reports (default 30)", 0},
    {"keep-contacts", KEY_KEEP_CONTACTS, "DAYS", 0,
     "delete contacts so long after an incident closed (default 30)", 0},
    {0}};

static bool parse_days(const char *text, unsigned *days)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    *days = (unsigned)number;
    return end != text && *end == '\0' && *text != '-' && number >= 1 && number <= KEEP_DAYS_MOST;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct failure failure;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->serve.common;
        return 0;
    case KEY_HORIZON:
        if (!command_parse_horizon(argument, &arguments->serve.horizon, &failure)) {
            argp_error(state, "%s", failure.message);
        }
        return 0;
    case KEY_ALPHA:
        if (!command_parse_alpha(argument, &arguments->alpha, &failure)) {
            argp_error(state, "%s", failure.message);
        }
        return 0;
    case KEY_RISK_WINDOW:
        if (!command_parse_risk_window(argument, &arguments->risk_window, &failure)) {
            argp_error(state, "%s", failure.message);
        }
        return 0;
    case KEY_PROXY_SOCKET:
        if (argument[0] != '/') {
            argp_error(state, "--proxy-socket takes a path from the root, not \"%s\"", argument);
        }
        arguments->serve.proxy_socket = argument;
        return 0;
    case KEY_KEEP_REPORTS:
    case KEY_KEEP_CONTACTS:
        if (!parse_days(argument, key == KEY_KEEP_REPORTS ? &arguments->serve.keep_reports_days
                                                          : &arguments->serve.keep_contacts_days)) {
            argp_error(state, "days are 1 to %d, not \"%s\"", KEEP_DAYS_MOST, argument);
        }
        return 0;
    case ARGP_KEY_ARG:
        argp_usage(state);
        return 0;
    case ARGP_KEY_END:
        if (arguments->risk_window > arguments->serve.horizon) {
            argp_error(state, "--risk-window is longer than what --horizon-hours reads on start");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int command_serve(int argc, char **argv)
{
    static const struct argp_child children[] = {{&serve_arguments_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options, parse, NULL, doc, children, NULL, NULL};
    struct arguments arguments = {
        .serve = {.common = {.conninfo = "", .address = "127.0.0.1", .port = 8421},
                  .horizon = INSTANT_DAY,
                  .keep_reports_days = KEEP_DAYS,
                  .keep_contacts_days = KEEP_DAYS},
    };
    struct failure failure;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    arguments.serve.analysis = command_analysis_options(arguments.alpha, arguments.risk_window);
    if (!serve(&arguments.serve, &failure)) {
        return command_failed(argv[0], &failure, 1);
    }
    return 0;
}
