/* Which command? The program is one name with a few verbs; each has its own --help.
 * SPDX-License-Identifier: Apache-2.0 */
#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/command.h"

#define STATUS_USAGE 64 /* EX_USAGE, as argp has it */

const char *argp_program_version = "analyzer (Epicenter) " EPICENTER_VERSION;

static const struct command {
    const char *name;
    const char *shown; /* in messages */
    const char *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"migrate", "analyzer migrate", "bring the database's schema up to date", command_migrate},
    {"import", "analyzer import",
     "put customers, seats, updates or cost parameters into the database", command_import},
    {"webhook", "analyzer webhook", "say who is told of changes of verdict", command_webhook},
    {"account", "analyzer account", "say who may sign in", command_account},
    {"key", "analyzer key", "give programs their keys", command_key},
    {"audit", "analyzer audit", "show who saw whose contacts, and check the log", command_audit},
    {"serve", "analyzer serve", "follow the database and answer the API and the pages",
     command_serve},
    {"analyze", "analyzer analyze", "answer from a file of reports, without a database",
     command_analyze},
    {"verdict", "analyzer verdict", "ask for one update; the exit status is the verdict",
     command_verdict},
    {"watch", "analyzer watch", "print each change of verdict as it happens", command_watch},
    {"summary", "analyzer summary", "print what is known on one screen", command_summary},
    {"what-if", "analyzer what-if", "print the cost with other parameters beside it",
     command_what_if},
};

static void print_help(FILE *out)
{
    fprintf(out,
            "Usage: analyzer COMMAND [OPTION...]\n"
            "Find the bad update, count whom it hit, price it, and say whom to call first.\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(out, "\n`analyzer COMMAND --help` teaches each of them; --version names this one.\n");
}

/* Minutes after installation: before a host can have told of harm, and of two days, in which so
 * many updates are in flight that nobody is left to compare with. */
#define RISK_LEAST 5
#define RISK_MOST 2880

struct analysis_options command_analysis_options(double alpha, instant_us risk_window)
{
    return (struct analysis_options){.alpha = alpha, .risk_window = risk_window, .seed = 1};
}

bool command_parse_alpha(const char *text, double *alpha, struct failure *failure)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value) || value <= 0 || value > 0.1) {
        return failure_set(failure, FAILURE_INVALID,
                           "--alpha is the chance of a false hold: more than 0, at most 0.1, "
                           "not \"%s\"",
                           text);
    }
    *alpha = value;
    return true;
}

bool command_parse_risk_window(const char *text, instant_us *risk_window, struct failure *failure)
{
    char *end;
    long minutes = strtol(text, &end, 10);
    if (end == text || *end != '\0' || minutes < RISK_LEAST || minutes > RISK_MOST) {
        return failure_set(failure, FAILURE_INVALID,
                           "--risk-window takes minutes, %d to %d, not \"%s\"", RISK_LEAST,
                           RISK_MOST, text);
    }
    *risk_window = minutes * INSTANT_MINUTE;
    return true;
}

/* Thirty days: what the report tables keep. */
#define HORIZON_HOURS_MOST 720

bool command_parse_horizon(const char *text, instant_us *horizon, struct failure *failure)
{
    char *end;
    double hours = strtod(text, &end);
    if (end == text || *end != '\0' || !(hours > 0 && hours <= HORIZON_HOURS_MOST)) {
        return failure_set(failure, FAILURE_INVALID,
                           "--horizon-hours takes hours up to %d, not \"%s\"", HORIZON_HOURS_MOST,
                           text);
    }
    *horizon = (instant_us)(hours * (double)INSTANT_HOUR);
    return true;
}

int command_failed(const char *command, const struct failure *failure, int status)
{
    fprintf(stderr, "%s: %s\n", command, failure->message);
    return status;
}

int main(int argc, char **argv)
{
    /* Only how characters are classed; numbers stay as C writes them. */
    setlocale(LC_CTYPE, "C.UTF-8");
    setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts(argp_program_version);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            char shown[32];
            snprintf(shown, sizeof shown, "%s", commands[i].shown);
            argv[1] = shown;
            program_invocation_name = shown;
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "analyzer: there is no command \"%s\"\n\n", argv[1]);
    print_help(stderr);
    return STATUS_USAGE;
}
