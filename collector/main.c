/* Which command? The program is one name with a few verbs; each has its own --help.
 * SPDX-License-Identifier: Apache-2.0 */
#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "collector/command.h"

#define STATUS_USAGE 64 /* EX_USAGE, as argp has it */

const char *argp_program_version = "collector (Epicenter) " EPICENTER_VERSION;

static const struct command {
    const char *name;
    const char *shown; /* in messages */
    const char *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", "collector serve", "take reports and commit them to the database", command_serve},
    {"enrol-secret", "collector enrol-secret",
     "make a secret that a customer's hosts trade for tokens", command_enrol_secret},
    {"token", "collector token", "make a token for a host, a gateway or a replay", command_token},
    {"revoke", "collector revoke", "make tokens count no longer", command_revoke},
};

static void print_help(FILE *out)
{
    (void)fprintf(out, "Usage: collector COMMAND [OPTION...]\n"
                       "Take reports from hosts; a 2xx means committed.\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        (void)fprintf(out, "  %-13s %s\n", commands[i].name, commands[i].summary);
    }
    (void)fprintf(out,
                  "\n`collector COMMAND --help` teaches each of them; --version names this one.\n");
}

int command_failed(const char *command, const struct failure *failure)
{
    (void)fprintf(stderr, "%s: %s\n", command, failure->message);
    return 1;
}

int main(int argc, char **argv)
{
    /* Only how characters are classed; numbers stay as C writes them. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    (void)setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
    if (sodium_init() < 0) {
        (void)fprintf(stderr, "collector: the system gives no random numbers\n");
        return 1;
    }
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
        (void)puts(argp_program_version);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            char shown[32];
            (void)snprintf(shown, sizeof shown, "%s", commands[i].shown);
            argv[1] = shown;
            program_invocation_name = shown;
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    (void)fprintf(stderr, "collector: there is no command \"%s\"\n\n", argv[1]);
    print_help(stderr);
    return STATUS_USAGE;
}
