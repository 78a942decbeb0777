/* What do these reports say? The whole analysis on a file, without database or server, or once on
 * what the database has, beside the analyzer that follows it: to look at a past incident, to try
 * other seats or another alpha, to look for harm that comes late, to check the live path.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analyzer/analysis.h"
#include "analyzer/answer.h"
#include "analyzer/cost_csv.h"
#include "analyzer/cost_database.h"
#include "analyzer/cost_parameters.h"
#include "analyzer/registry.h"
#include "analyzer/registry_csv.h"
#include "analyzer/registry_database.h"
#include "analyzer/report_database.h"
#include "analyzer/report_file.h"
#include "analyzer/terminal.h"
#include "common/buffer.h"
#include "common/database.h"

/* A step of reading takes a second; a minute is a server that hangs. */
#define STATEMENT_TIMEOUT_MS 60000

enum {
    KEY_CUSTOMERS = 256,
    KEY_SEATS,
    KEY_UPDATES,
    KEY_PARAMETERS,
    KEY_STAFFING,
    KEY_COMPENSATION,
    KEY_RATES,
    KEY_JSON,
    KEY_ALPHA,
    KEY_RISK_WINDOW,
    KEY_HORIZON,
    KEY_CALLS
};

struct arguments {
    const char *reports;  /* either these … */
    const char *conninfo; /* … or what is there */
    const char *customers;
    const char *seats;
    const char *updates;
    const char *parameters;
    const char *staffing;
    const char *compensation;
    const char *rates;
    bool json;
    double alpha;
    instant_us risk_window, horizon;
    long calls;
};

static const char doc[] =
    "Answers from a file of reports, or from the last hours in the database: which update did "
    "harm, to whom, since when, at what cost.\v"
    "FILE holds one report a line, in the order received, each with customer_id and received_at; "
    "gzip and zstd are recognised; \"-\" is standard input. Without --customers every customer "
    "counts as unregistered: found and counted, but with no region, cost or name of its own.\n\n"
    "A bad line is named on standard error and costs only itself; exits with 1 when no line could "
    "be read.\n\n"
    "  analyzer analyze reports.ndjson.zst --customers customers.csv --seats seats.csv "
    "--updates updates.csv\n\n"
    "With --database instead of FILE reports, customers and all else come from there, once, beside "
    "the analyzer that follows it, which is not disturbed. So harm is found that begins later than "
    "an hour after installation; once a day, up to a day after:\n\n"
    "  analyzer analyze --database \"host=/run/postgresql dbname=epicenter "
    "user=epicenter_analyzer\" --horizon-hours 50 --risk-window 1500";

static const struct argp_option options[] = {
    {"database", 'd', "CONNINFO", 0,
     "where PostgreSQL is (any libpq connection string), instead of FILE", 0},
    {"horizon-hours", KEY_HORIZON, "HOURS", 0,
     "how far back to read from the database (default 24)", 0},
    {"customers", KEY_CUSTOMERS, "FILE", 0, "customers.csv", 0},
    {"seats", KEY_SEATS, "FILE", 0, "seats.csv; needs --customers", 0},
    {"updates", KEY_UPDATES, "FILE", 0, "updates.csv: release and withdrawal times", 0},
    {"cost-parameters", KEY_PARAMETERS, "FILE", 0, "cost-parameters.csv, over the defaults", 0},
    {"staffing", KEY_STAFFING, "FILE", 0, "staffing.csv: support agents by region and hour", 0},
    {"compensation", KEY_COMPENSATION, "FILE", 0, "compensation.csv: what customers are given", 0},
    {"exchange-rates", KEY_RATES, "FILE", 0, "exchange-rates.csv, over the defaults", 0},
    {"json", KEY_JSON, NULL, 0, "the document of GET /v1/updates instead of a summary", 0},
    {"alpha", KEY_ALPHA, "ALPHA", 0,
     "chance of a false hold that a rollout may run (default 0.001)", 0},
    {"risk-window", KEY_RISK_WINDOW, "MINUTES", 0,
     "how long after its installation an update may be to blame (default 60)", 0},
    {"calls", KEY_CALLS, "N", 0, "customers to list for calling (default 10)", 0},
    {0}};

static void check(struct arguments *arguments, struct argp_state *state)
{
    bool files = arguments->customers != NULL || arguments->seats != NULL ||
                 arguments->updates != NULL || arguments->parameters != NULL ||
                 arguments->staffing != NULL || arguments->compensation != NULL ||
                 arguments->rates != NULL;
    if ((arguments->reports == NULL) == (arguments->conninfo == NULL)) {
        argp_error(state, "which file, or which --database? one of the two");
    }
    if (arguments->conninfo != NULL && files) {
        argp_error(state, "with --database customers and all else come from there, not from files");
    }
    if (arguments->conninfo == NULL && arguments->horizon != 0) {
        argp_error(state, "--horizon-hours is for --database; of a file all is read");
    }
    arguments->horizon = arguments->horizon != 0 ? arguments->horizon : INSTANT_DAY;
    if (arguments->conninfo != NULL && arguments->risk_window > arguments->horizon) {
        argp_error(state, "--risk-window is longer than what --horizon-hours reads");
    }
    if (arguments->seats != NULL && arguments->customers == NULL) {
        argp_error(state, "--seats needs --customers, whose seats they are");
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct failure failure;
    char *end;
    switch (key) {
    case 'd':
        arguments->conninfo = argument;
        return 0;
    case KEY_HORIZON:
        if (!command_parse_horizon(argument, &arguments->horizon, &failure)) {
            argp_error(state, "%s", failure.message);
        }
        return 0;
    case KEY_CUSTOMERS:
        arguments->customers = argument;
        return 0;
    case KEY_SEATS:
        arguments->seats = argument;
        return 0;
    case KEY_UPDATES:
        arguments->updates = argument;
        return 0;
    case KEY_PARAMETERS:
        arguments->parameters = argument;
        return 0;
    case KEY_STAFFING:
        arguments->staffing = argument;
        return 0;
    case KEY_COMPENSATION:
        arguments->compensation = argument;
        return 0;
    case KEY_RATES:
        arguments->rates = argument;
        return 0;
    case KEY_JSON:
        arguments->json = true;
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
    case KEY_CALLS:
        arguments->calls = strtol(argument, &end, 10);
        if (end == argument || *end != '\0' || arguments->calls < 0) {
            argp_error(state, "--calls takes a number, not \"%s\"", argument);
        }
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->reports != NULL) {
            argp_error(state, "one file at a time");
        }
        arguments->reports = argument;
        return 0;
    case ARGP_KEY_END:
        check(arguments, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool fill_registry(struct registry *registry, const struct arguments *arguments,
                          struct failure *failure)
{
    return (arguments->customers == NULL ||
            registry_read_customers(registry, arguments->customers, failure)) &&
           (arguments->seats == NULL || registry_read_seats(registry, arguments->seats, failure)) &&
           (arguments->updates == NULL ||
            registry_read_updates(registry, arguments->updates, failure));
}

static bool fill_parameters(struct cost_parameters *parameters, const struct arguments *arguments,
                            struct failure *failure)
{
    struct cost_csv_counts counts;
    cost_parameters_default(parameters);
    return (arguments->parameters == NULL ||
            cost_csv_read_parameters(parameters, arguments->parameters, stderr, &counts,
                                     failure)) &&
           (arguments->staffing == NULL ||
            cost_csv_read_staffing(parameters, arguments->staffing, stderr, &counts, failure)) &&
           (arguments->compensation == NULL ||
            cost_csv_read_compensation(parameters, arguments->compensation, stderr, &counts,
                                       failure)) &&
           (arguments->rates == NULL ||
            cost_csv_read_exchange_rates(parameters, arguments->rates, stderr, &counts, failure));
}

static bool print_answers(struct analysis *analysis, const struct arguments *arguments,
                          struct failure *failure)
{
    const struct answers *answers;
    struct buffer text = {0};
    bool good = analysis_answers(analysis, &answers, failure);
    if (good && arguments->json) {
        good = answer_write_json(answers, &text, failure);
        buffer_append_text(&text, "\n");
    } else if (good) {
        answer_write_text(answers, terminal_columns(), terminal_takes_colour(),
                          (size_t)arguments->calls, &text);
    }
    good = good && buffer_check(&text, failure);
    if (good && (fputs(text.data, stdout) < 0 || fflush(stdout) != 0)) {
        good = failure_set(failure, FAILURE_SYSTEM, "standard output cannot be written");
    }
    buffer_free(&text);
    return good;
}

/* Everything from files; false where none of the reports could be read, too. */
static bool read_files(const struct arguments *arguments, struct registry *registry,
                       struct cost_parameters *parameters, struct analysis *analysis,
                       struct failure *failure)
{
    struct report_file_counts counts;
    if (!fill_parameters(parameters, arguments, failure) ||
        !fill_registry(registry, arguments, failure) ||
        !report_file_read(arguments->reports, analysis, stderr, isatty(STDERR_FILENO) != 0, &counts,
                          failure)) {
        return false;
    }
    if (counts.bad_lines > 0) {
        fprintf(stderr, "%llu of %llu lines could not be read.\n",
                (unsigned long long)counts.bad_lines, (unsigned long long)counts.lines);
    }
    return counts.reports > 0 ||
           failure_set(failure, FAILURE_INVALID, "%s holds no report that could be read",
                       arguments->reports);
}

static bool read_database(const struct arguments *arguments, struct registry *registry,
                          struct cost_parameters *parameters, struct analysis *analysis,
                          struct failure *failure)
{
    struct database *database = NULL;
    uint64_t reports = 0;
    bool good = database_open(arguments->conninfo, "epicenter analyze", STATEMENT_TIMEOUT_MS,
                              &database, failure) &&
                registry_load(registry, database, failure) &&
                cost_database_load(parameters, database, failure) &&
                report_database_read(database, analysis, arguments->horizon, stderr,
                                     isatty(STDERR_FILENO) != 0, &reports, failure);
    database_close(database);
    return good &&
           (reports > 0 || failure_set(failure, FAILURE_INVALID, "the database has no report"));
}

int command_analyze(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "FILE\n--database CONNINFO", doc, NULL,
                                     NULL,    NULL};
    struct arguments arguments = {.calls = ANSWER_CALLS};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    struct failure failure;
    struct registry *registry = NULL;
    struct analysis *analysis = NULL;
    struct cost_parameters parameters;
    struct analysis_options analysis_options =
        command_analysis_options(arguments.alpha, arguments.risk_window);
    cost_parameters_default(&parameters);
    bool good = registry_new(&registry, &failure) &&
                analysis_new(&analysis_options, registry, &parameters, &analysis, &failure) &&
                (arguments.conninfo != NULL
                     ? read_database(&arguments, registry, &parameters, analysis, &failure)
                     : read_files(&arguments, registry, &parameters, analysis, &failure)) &&
                print_answers(analysis, &arguments, &failure);
    analysis_free(analysis);
    registry_free(registry);
    return good ? 0 : command_failed(argv[0], &failure, 1);
}
