/* Take reports and commit them: the arguments of the live collector.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/serve.h"
#include "common/log.h"

enum { KEY_TOKEN_KEYS = 256, KEY_REPLAY, KEY_LOG_FORMAT, KEY_PORT_FILE };

struct arguments {
    struct serve_options serve;
    char address[64];
};

static const char doc[] =
    "Takes reports over HTTP and commits them to the database; a 2xx means committed."
    "\v"
    "Reports come to POST /v1/reports (JSON or NDJSON, plain, gzip or zstd), collectd's write_http "
    "to POST /v1/collectd, and hosts trade an enrolment secret for a token at POST /v1/enrol. "
    "While "
    "the database is away everything is answered 503 with Retry-After; hosts send again.\n\n"
    "CONNINFO is any libpq connection string, such as \"host=/run/postgresql dbname=epicenter "
    "user=epicenter_collector\"; what it leaves out comes from libpq's own variables and files. "
    "It should connect as the role epicenter_collector. FILE of --token-keys is made, readable by "
    "its owner alone, when it is not there; all collectors of a fleet share one.";

static const struct argp_option options[] = {
    {"database", 'd', "CONNINFO", 0, "where PostgreSQL is", 0},
    {"token-keys", KEY_TOKEN_KEYS, "FILE", 0, "the keys that sign tokens (required)", 0},
    {"listen", 'l', "ADDRESS:PORT", 0, "default 127.0.0.1:8420; port 0 is any free one", 0},
    {"replay", KEY_REPLAY, NULL, 0,
     "take customer_id and received_at from the reports, and replay tokens; for the past, not for "
     "live hosts",
     0},
    {"log-format", KEY_LOG_FORMAT, "text|json", 0, "default text", 0},
    {"port-file", KEY_PORT_FILE, "FILE", 0, "write the port here once it listens", 0},
    {0}};

/* "127.0.0.1:8420", "[::1]:8420". */
static bool parse_listen(struct arguments *arguments, const char *text)
{
    const char *colon = strrchr(text, ':');
    char *end;
    if (colon == NULL || colon == text) {
        return false;
    }
    long port = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || port < 0 || port > UINT16_MAX) {
        return false;
    }
    size_t length = (size_t)(colon - text);
    if (text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= sizeof arguments->address) {
        return false;
    }
    memcpy(arguments->address, text, length);
    arguments->address[length] = '\0';
    arguments->serve.port = (uint16_t)port;
    return true;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'd':
        arguments->serve.conninfo = argument;
        return 0;
    case KEY_TOKEN_KEYS:
        arguments->serve.token_keys = argument;
        return 0;
    case 'l':
        if (!parse_listen(arguments, argument)) {
            argp_error(state, "--listen takes ADDRESS:PORT, not \"%s\"", argument);
        }
        return 0;
    case KEY_REPLAY:
        arguments->serve.replay = true;
        return 0;
    case KEY_LOG_FORMAT:
        if (strcmp(argument, "json") != 0 && strcmp(argument, "text") != 0) {
            argp_error(state, "--log-format is text or json");
        }
        log_use_json(strcmp(argument, "json") == 0);
        return 0;
    case KEY_PORT_FILE:
        arguments->serve.port_file = argument;
        return 0;
    case ARGP_KEY_ARG:
        argp_usage(state);
        return 0;
    case ARGP_KEY_END:
        if (arguments->serve.token_keys == NULL) {
            argp_error(state, "--token-keys is required");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int command_serve(int argc, char **argv)
{
    static const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
    struct arguments arguments = {.serve = {.conninfo = "", .port = 8420}, .address = "127.0.0.1"};
    struct failure failure = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    arguments.serve.address = arguments.address;
    return serve(&arguments.serve, &failure) ? 0 : command_failed(argv[0], &failure);
}
