/* Who may sign in? Accounts are added, listed and disabled, their passwords set; one-time links are
 * made. A password is asked for on the terminal without being shown, or is one line of standard
 * input.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <sodium.h>

#include "analyzer/client.h"
#include "analyzer/credential.h"
#include "analyzer/role.h"
#include "analyzer/statements.h"
#include "common/database.h"

enum { KEY_ROLE = 256 };

struct arguments {
    const char *conninfo;
    const char *verb;
    const char *name; /* NULL: none */
    const char *role; /* NULL: none */
    const char *url;
};

static const char doc[] =
    "Adds an account, sets its password (which ends its sessions and lets a disabled one in "
    "again), disables it, lists all of them; or makes a link that signs one browser in once, "
    "within a day.\v"
    "ROLE is viewer (verdicts and figures), operations (and hosts), executive, support (and the "
    "outreach) or admin (everything). A password has at least 12 characters; without a terminal "
    "it is the first line of standard input.\n\n"
    "A link shows whoever uses it as NAME, or as the role where no name is given.";

static const struct argp_option options[] = {
    {"database", 'd', "CONNINFO", 0, "where PostgreSQL is (any libpq connection string)", 0},
    {"role", KEY_ROLE, "ROLE", 0, "what they may see and do", 0},
    {"url", 'u', "URL", 0,
     "where browsers find the analyzer (default " CLIENT_URL_DEFAULT "), for a link", 0},
    {0}};

static bool is_verb(const char *verb)
{
    static const char *const verbs[] = {"add", "password", "disable", "list", "link"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i], verb) == 0) {
            return true;
        }
    }
    return false;
}

static void check(const struct arguments *arguments, const struct argp_state *state)
{
    if (arguments->verb == NULL || !is_verb(arguments->verb)) {
        argp_error(state, "add, password, disable, list or link?");
        return;
    }
    bool adds = strcmp(arguments->verb, "add") == 0;
    bool links = strcmp(arguments->verb, "link") == 0;
    bool lists = strcmp(arguments->verb, "list") == 0;
    if (!links && (arguments->name == NULL) != lists) {
        argp_error(state, lists ? "list takes no name" : "whose account?");
    } else if ((arguments->role != NULL) != (adds || links)) {
        argp_error(state, adds || links ? "which --role?" : "a role is given when it is added");
    }
}

/* NOLINTNEXTLINE(readability-non-const-parameter): argp's type. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'd':
        arguments->conninfo = argument;
        return 0;
    case 'u':
        arguments->url = argument;
        return 0;
    case KEY_ROLE:
        arguments->role = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0) {
            arguments->verb = argument;
        } else if (state->arg_num == 1) {
            arguments->name = argument;
        } else {
            argp_error(state, "one account at a time");
        }
        return 0;
    case ARGP_KEY_END:
        check(arguments, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- Passwords ---- */

static bool read_line(const char *prompt, char line[PASSWORD_BYTES_MOST + 2])
{
    struct termios before;
    bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        struct termios hidden = before;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        (void)fputs(prompt, stderr);
    }
    bool read = fgets(line, PASSWORD_BYTES_MOST + 2, stdin) != NULL;
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        (void)fputc('\n', stderr);
    }
    if (read) {
        line[strcspn(line, "\r\n")] = '\0';
    }
    return read;
}

static bool ask_password(char hash[PASSWORD_HASH_SIZE], struct failure *failure)
{
    char password[PASSWORD_BYTES_MOST + 2];
    char again[PASSWORD_BYTES_MOST + 2];
    bool good = read_line("Password: ", password) ||
                failure_set(failure, FAILURE_INVALID, "no password was given");
    if (good && isatty(STDIN_FILENO)) {
        good = (read_line("Again: ", again) && strcmp(password, again) == 0) ||
               failure_set(failure, FAILURE_INVALID, "these are two different passwords");
        sodium_memzero(again, sizeof again);
    }
    good = good && password_hash(password, hash, failure);
    sodium_memzero(password, sizeof password);
    return good;
}

/* ---- Doing it ---- */

static bool add(struct database *database, const struct arguments *arguments,
                struct failure *failure)
{
    char hash[PASSWORD_HASH_SIZE];
    enum role role;
    const char *parameters[] = {arguments->name, hash, arguments->role};
    if (!role_parse(arguments->role, &role, failure) || !ask_password(hash, failure)) {
        return false;
    }
    if (database_run(database, STATEMENT_ACCOUNT_ADD, 3, parameters, NULL, failure)) {
        return true;
    }
    return failure->code == FAILURE_CONFLICT
               ? failure_set(failure, FAILURE_CONFLICT,
                             "there is an account %s already; `analyzer account password` lets it "
                             "in again",
                             arguments->name)
               : false;
}

/* Runs a statement that gives a row when there is such an account. */
static bool change(struct database *database, const char *statement, size_t count,
                   const char *const *parameters, struct failure *failure)
{
    PGresult *rows = NULL;
    if (!database_run(database, statement, count, parameters, &rows, failure)) {
        return false;
    }
    bool found = PQntuples(rows) > 0;
    PQclear(rows);
    return found ||
           failure_set(failure, FAILURE_NOT_FOUND, "there is no account %s", parameters[0]);
}

static bool set_password(struct database *database, const char *name, struct failure *failure)
{
    char hash[PASSWORD_HASH_SIZE];
    const char *parameters[] = {name, hash};
    return ask_password(hash, failure) &&
           change(database, STATEMENT_ACCOUNT_SET_PASSWORD, 2, parameters, failure);
}

static bool list(struct database *database, struct failure *failure)
{
    PGresult *rows = NULL;
    if (!database_run(database, STATEMENT_ACCOUNT_LIST, 0, NULL, &rows, failure)) {
        return false;
    }
    if (PQntuples(rows) == 0) {
        puts("Nobody has an account. Add one with: analyzer account add NAME --role ROLE");
    }
    for (int row = 0; row < PQntuples(rows); row++) {
        printf("%-10s  %s%s, %s signed in\n", PQgetvalue(rows, row, 1), PQgetvalue(rows, row, 0),
               PQgetvalue(rows, row, 3)[0] == 't' ? " (disabled)" : "", PQgetvalue(rows, row, 2));
    }
    PQclear(rows);
    return true;
}

static bool make_link(struct database *database, const struct arguments *arguments,
                      struct failure *failure)
{
    char link[CREDENTIAL_SIZE];
    char hash[CREDENTIAL_HEX_SIZE];
    enum role role;
    size_t length = strlen(arguments->url);
    credential_new(CREDENTIAL_LINK, link);
    const char *parameters[] = {credential_hex(link, hash),
                                arguments->name != NULL ? arguments->name : arguments->role,
                                arguments->role};
    if (!role_parse(arguments->role, &role, failure) ||
        !database_run(database, STATEMENT_LINK_ADD, 3, parameters, NULL, failure)) {
        return false;
    }
    while (length > 0 && arguments->url[length - 1] == '/') {
        length--;
    }
    printf("%.*s/sign-in?link=%s\n", (int)length, arguments->url, link);
    return true;
}

static bool run(struct database *database, const struct arguments *arguments,
                struct failure *failure)
{
    const char *parameters[] = {arguments->name};
    switch (arguments->verb[0]) {
    case 'a':
        return add(database, arguments, failure);
    case 'p':
        return set_password(database, arguments->name, failure);
    case 'd':
        return change(database, STATEMENT_ACCOUNT_DISABLE, 1, parameters, failure);
    default:
        return strcmp(arguments->verb, "list") == 0 ? list(database, failure)
                                                    : make_link(database, arguments, failure);
    }
}

int command_account(int argc, char **argv)
{
    static const struct argp argp = {options,
                                     parse,
                                     "add NAME --role ROLE\npassword NAME\ndisable NAME\nlist\n"
                                     "link [NAME] --role ROLE",
                                     doc,
                                     NULL,
                                     NULL,
                                     NULL};
    struct arguments arguments = {.conninfo = "", .url = CLIENT_URL_DEFAULT};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    struct database *database = NULL;
    struct failure failure;
    bool good =
        database_open(arguments.conninfo, "epicenter analyzer account", 0, &database, &failure) &&
        run(database, &arguments, &failure);
    database_close(database);
    return good ? 0 : command_failed(argv[0], &failure, 1);
}
