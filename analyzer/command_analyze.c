/* What do these reports say? The whole analysis on a file, no database, no server: to look at a
 * past incident, to try other seats or another alpha, to check the live path.
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
#include "analyzer/cost_parameters.h"
#include "analyzer/registry.h"
#include "analyzer/registry_csv.h"
#include "analyzer/report_file.h"
#include "analyzer/terminal.h"
#include "common/buffer.h"

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
    KEY_CALLS
};

struct arguments {
    const char *reports;
    const char *customers;
    const char *seats;
    const char *updates;
    const char *parameters;
    const char *staffing;
    const char *compensation;
    const char *rates;
    bool json;
    double alpha;
    instant_us risk_window;
    long calls;
};

static const char doc[] =
    "Answers from a file of reports: which update did harm, to whom, since when, at what cost.\v"
    "FILE holds one report a line, in the order received, each with customer_id and received_at; "
    "gzip and zstd are recognised; \"-\" is standard input. Without --customers every customer "
    "counts as unregistered: found and counted, but with no region, cost or name of its own.\n\n"
    "A bad line is named on standard error and costs only itself; exits with 1 when no line could "
    "be read.\n\n"
    "  analyzer analyze reports.ndjson.zst --customers customers.csv --seats seats.csv "
    "--updates updates.csv";

static const struct argp_option options[] = {
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

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct failure failure;
    char *end;
    switch (key) {
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
        if (arguments->reports == NULL) {
            argp_error(state, "which file?");
        }
        if (arguments->seats != NULL && arguments->customers == NULL) {
            argp_error(state, "--seats needs --customers, whose seats they are");
        }
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

static void print_counts(const struct report_file_counts *counts)
{
    if (counts->bad_lines > 0) {
        fprintf(stderr, "%llu of %llu lines could not be read.\n",
                (unsigned long long)counts->bad_lines, (unsigned long long)counts->lines);
    }
}

int command_analyze(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "FILE", doc, NULL, NULL, NULL};
    struct arguments arguments = {.calls = ANSWER_CALLS};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    int status = 1;
    struct failure failure;
    struct registry *registry = NULL;
    struct analysis *analysis = NULL;
    struct cost_parameters parameters;
    struct report_file_counts counts;
    struct analysis_options analysis_options =
        command_analysis_options(arguments.alpha, arguments.risk_window);
    if (!fill_parameters(&parameters, &arguments, &failure) || !registry_new(&registry, &failure) ||
        !fill_registry(registry, &arguments, &failure) ||
        !analysis_new(&analysis_options, registry, &parameters, &analysis, &failure) ||
        !report_file_read(arguments.reports, analysis, stderr, isatty(STDERR_FILENO) != 0, &counts,
                          &failure)) {
        command_failed(argv[0], &failure, status);
        goto done;
    }
    print_counts(&counts);
    if (counts.reports == 0) {
        fprintf(stderr, "%s: %s holds no report that could be read\n", argv[0], arguments.reports);
        goto done;
    }
    if (!print_answers(analysis, &arguments, &failure)) {
        command_failed(argv[0], &failure, status);
        goto done;
    }
    status = 0;

done:
    analysis_free(analysis);
    registry_free(registry);
    return status;
}
