/* fleetsim: a simulated fleet that speaks only HTTP to the collector, and the truth beside it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <argp.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "common/failure.h"
#include "common/instant.h"
#include "common/token.h"
#include "tests/fleetsim/minute_load.h"
#include "tests/fleetsim/output_file.h"
#include "tests/fleetsim/registry_files.h"
#include "tests/fleetsim/replay.h"
#include "tests/fleetsim/report_text.h"
#include "tests/fleetsim/scenario.h"
#include "tests/fleetsim/simulation.h"
#include "tests/fleetsim/truth.h"

/* A body of about 430 kB; the collector's limit is well over it. */
#define DEFAULT_BATCH_REPORTS 1000
#define DEFAULT_CONNECTIONS 4
#define DEFAULT_GIVE_UP_AFTER_S 120

const char *argp_program_version = "fleetsim " EPICENTER_VERSION;

enum option_key {
    OPTION_HOSTS = 'n',
    OPTION_SEED = 's',
    OPTION_OUT = 'o',
    OPTION_COLLECTOR = 'c',
    OPTION_TOKEN_FILE = 't',
    OPTION_FROM = 256,
    OPTION_UNTIL,
    OPTION_CONNECTIONS,
    OPTION_BATCH,
    OPTION_GZIP,
    OPTION_GIVE_UP_AFTER,
};

static const struct argp_option option_table[] = {
    {"out", OPTION_OUT, "DIR", 0, "Where to write to; made when it is not there", 1},
    {"hosts", OPTION_HOSTS, "N", 0, "Reporting hosts (default: the scenario's)", 1},
    {"seed", OPTION_SEED, "S", 0,
     "Seed of all chance (default 1); the same seed, scenario and "
     "hosts give the same bytes",
     1},
    {"from", OPTION_FROM, "TIME", 0, "Leave out what is received before (RFC 3339)", 2},
    {"until", OPTION_UNTIL, "TIME", 0, "End the simulation here (RFC 3339)", 2},
    {"collector", OPTION_COLLECTOR, "URL", 0,
     "replay: the collector, such as "
     "http://127.0.0.1:8420",
     3},
    {"token-file", OPTION_TOKEN_FILE, "FILE", 0, "replay: holds a replay token", 3},
    {"connections", OPTION_CONNECTIONS, "N", 0, "replay: keep-alive connections (default 4)", 3},
    {"batch", OPTION_BATCH, "N", 0, "replay: reports a request (default 1000)", 3},
    {"gzip", OPTION_GZIP, NULL, 0, "replay: compress the requests", 3},
    {"give-up-after", OPTION_GIVE_UP_AFTER, "SECONDS", 0,
     "replay: end in failure when nothing was acknowledged for so long (default 120)", 3},
    {0}};

static const char documentation[] =
    "Simulates a fleet of hosts through a bad update.\v"
    "Commands:\n"
    "  registry   write customers.csv, seats.csv, updates.csv, contacts.csv and the truth\n"
    "             (truth.json, struck.csv) to DIR\n"
    "  write      the same, and all reports to DIR/reports.ndjson, in the order\n"
    "             received, as `analyzer analyze` reads them\n"
    "  replay     the same as registry, and send all reports to a collector that\n"
    "             was started with --replay; DIR/ledger holds what it acknowledged\n"
    "\n"
    "Every batch is sent again until it is acknowledged. The reports of one\n"
    "simulated minute are all acknowledged before the next minute begins.\n"
    "\n"
    "Exit status: 0 done, 1 failed, 64 wrong usage.\n";

struct arguments {
    const char *command;
    const char *scenario_path;
    const char *directory;
    const char *token_file;
    struct simulation_options simulation;
    struct replay_options replay;
};

static double parse_number(struct argp_state *state, const char *name, const char *text,
                           double least, double most)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !(number >= least && number <= most)) {
        argp_error(state, "--%s must be a number from %g to %g, not %s", name, least, most, text);
    }
    return number;
}

static uint64_t parse_seed(struct argp_state *state, const char *text)
{
    char *end;
    uint64_t seed = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || text[0] == '-' || seed > INT64_MAX) {
        argp_error(state, "--seed must be a whole number, not %s", text);
    }
    return seed;
}

static instant_us parse_time(struct argp_state *state, const char *name, const char *text)
{
    instant_us instant = INSTANT_NONE;
    struct failure failure;
    if (!instant_parse(text, &instant, &failure)) {
        argp_error(state, "--%s: %s", name, failure.message);
    }
    return instant;
}

static void check_arguments(struct argp_state *state, const struct arguments *arguments)
{
    static const char *const commands[] = {"registry", "write", "replay"};
    if (arguments->scenario_path == NULL) {
        argp_error(state, "needs a command and a scenario file");
        return;
    }
    bool known = false;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        known |= strcmp(arguments->command, commands[i]) == 0;
    }
    if (!known) {
        argp_error(state, "knows no command %s", arguments->command);
    }
    if (arguments->directory == NULL) {
        argp_error(state, "needs --out");
    }
    if (strcmp(arguments->command, "replay") == 0 &&
        (arguments->replay.sender.collector == NULL || arguments->token_file == NULL)) {
        argp_error(state, "replay needs --collector and --token-file");
    }
}

static error_t parse_argument(struct arguments *arguments, const char *text)
{
    if (arguments->command == NULL) {
        arguments->command = text;
    } else if (arguments->scenario_path == NULL) {
        arguments->scenario_path = text;
    } else {
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case OPTION_OUT:
        arguments->directory = text;
        return 0;
    case OPTION_HOSTS:
        arguments->simulation.hosts = (size_t)parse_number(state, "hosts", text, 1, 1e7);
        return 0;
    case OPTION_SEED:
        arguments->simulation.seed = parse_seed(state, text);
        return 0;
    case OPTION_FROM:
        arguments->simulation.from = parse_time(state, "from", text);
        return 0;
    case OPTION_UNTIL:
        arguments->simulation.until = parse_time(state, "until", text);
        return 0;
    case OPTION_COLLECTOR:
        arguments->replay.sender.collector = text;
        return 0;
    case OPTION_TOKEN_FILE:
        arguments->token_file = text;
        return 0;
    case OPTION_CONNECTIONS:
        arguments->replay.sender.connections =
            (unsigned)parse_number(state, "connections", text, 1, 1000);
        return 0;
    case OPTION_BATCH:
        arguments->replay.batch_reports = (size_t)parse_number(state, "batch", text, 1, 100000);
        return 0;
    case OPTION_GZIP:
        arguments->replay.sender.gzip = true;
        return 0;
    case OPTION_GIVE_UP_AFTER:
        arguments->replay.sender.give_up_after_s =
            parse_number(state, "give-up-after", text, 0.1, 86400);
        return 0;
    case ARGP_KEY_ARG:
        return parse_argument(arguments, text);
    case ARGP_KEY_END:
        check_arguments(state, arguments);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The first word of the file. */
static bool read_token(const char *path, char token[TOKEN_TEXT_SIZE], struct failure *failure)
{
    FILE *stream = fopen(path, "re");
    if (stream == NULL) {
        return failure_set(failure, FAILURE_NOT_FOUND, "%s: cannot be read", path);
    }
    size_t length = fread(token, 1, TOKEN_TEXT_SIZE - 1, stream);
    (void)!fclose(stream);
    size_t end = 0;
    while (end < length && !isspace((unsigned char)token[end])) {
        end++;
    }
    token[end] = '\0';
    return end > 0 || failure_set(failure, FAILURE_INVALID, "%s: has no token", path);
}

static bool run_registry(struct simulation *simulation, struct failure *failure)
{
    struct observation_list reports = {0};
    bool more = true;
    bool good = true;
    while (good && more) {
        good = simulation_next(simulation, &reports, &more, failure);
    }
    observation_list_free(&reports);
    return good;
}

static bool write_minutes(struct simulation *simulation, const struct arguments *arguments,
                          struct report_text *report_text, struct output_file *file,
                          struct failure *failure)
{
    struct minute_load load = {0};
    bool more = true;
    bool good = true;
    while (good && more) {
        good = minute_load_next(simulation, report_text, arguments->replay.batch_reports, false,
                                &load, &more, failure);
        for (size_t b = 0; good && b < load.batch_count; b++) {
            const struct buffer *body = &load.batches[b].body;
            good = output_write(file, body->data, body->length, failure);
        }
    }
    minute_load_free(&load);
    return good;
}

static bool run_write(struct simulation *simulation, const struct arguments *arguments,
                      struct failure *failure)
{
    struct report_text *report_text;
    struct output_file file;
    if (!report_text_new(simulation->scenario, &simulation->population, &report_text, failure)) {
        return false;
    }
    bool good = output_open(arguments->directory, "reports.ndjson", &file, failure);
    if (good) {
        good = write_minutes(simulation, arguments, report_text, &file, failure);
        bool closed = output_close(&file, good ? failure : NULL);
        good = good && closed;
    }
    report_text_free(report_text);
    return good;
}

static bool run_replay(struct simulation *simulation, const struct arguments *arguments,
                       struct failure *failure)
{
    char token[TOKEN_TEXT_SIZE];
    struct replay_options options = arguments->replay;
    struct replay_result result;
    if (!read_token(arguments->token_file, token, failure)) {
        return false;
    }
    options.sender.token = token;
    if (!replay_run(simulation, &options, arguments->directory, &result, failure)) {
        return false;
    }
    printf("%" PRIu64 " reports acknowledged in %.1f s (%.0f/s), %" PRIu64
           " batches sent more than once\n",
           result.acknowledged, result.seconds,
           result.seconds > 0 ? (double)result.acknowledged / result.seconds : 0, result.resent);
    return true;
}

static bool run_command(const struct scenario *scenario, const struct arguments *arguments,
                        struct failure *failure)
{
    struct simulation simulation;
    if (!output_directory(arguments->directory, failure) ||
        !simulation_new(scenario, &arguments->simulation, &simulation, failure)) {
        return false;
    }
    bool good =
        registry_files_write(scenario, &simulation.population, arguments->directory, failure);
    if (good) {
        if (strcmp(arguments->command, "registry") == 0) {
            good = run_registry(&simulation, failure);
        } else if (strcmp(arguments->command, "write") == 0) {
            good = run_write(&simulation, arguments, failure);
        } else {
            good = run_replay(&simulation, arguments, failure);
        }
    }
    good = good && truth_write(&simulation, arguments->directory, failure);
    simulation_free(&simulation);
    return good;
}

int main(int argc, char **argv)
{
    const struct argp argp = {.options = option_table,
                              .parser = parse_option,
                              .args_doc = "registry|write|replay SCENARIO",
                              .doc = documentation};
    struct arguments arguments = {
        .simulation = {.seed = 1, .from = INSTANT_NONE, .until = INSTANT_NONE},
        .replay = {.batch_reports = DEFAULT_BATCH_REPORTS,
                   .sender = {.connections = DEFAULT_CONNECTIONS,
                              .give_up_after_s = DEFAULT_GIVE_UP_AFTER_S}}};
    struct scenario scenario;
    struct failure failure;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        fprintf(stderr, "fleetsim: libcurl cannot start\n");
        return EXIT_FAILURE;
    }
    bool good = scenario_load(arguments.scenario_path, &scenario, &failure);
    if (good) {
        good = run_command(&scenario, &arguments, &failure);
        scenario_free(&scenario);
    }
    curl_global_cleanup();
    if (!good) {
        fprintf(stderr, "fleetsim: %s\n", failure.message);
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
