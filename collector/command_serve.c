/* Take reports and commit them: the arguments of the live collector.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/gate.h"
#include "collector/serve.h"

enum {
    KEY_TOKEN_KEYS = 256,
    KEY_TOKEN_DAYS,
    KEY_REPLAY,
    KEY_HOST_RATE,
    KEY_CUSTOMER_RATE,
    KEY_CONNECTIONS,
    KEY_ADDRESS_CONNECTIONS,
    KEY_TLS_CERTIFICATE,
    KEY_TLS_KEY,
    KEY_TLS_CLIENT_CA,
};

#define TOKEN_DAYS_MOST 3650
#define CONNECTIONS_MOST 1000000
#define RATE_MOST 1e6

struct arguments {
    struct serve_options serve;
};

static const char doc[] =
    "Takes reports over HTTP and commits them to the database; a 2xx means committed."
    "\v"
    "Reports come to POST /v1/reports (JSON or NDJSON, plain, gzip or zstd), collectd's write_http "
    "to POST /v1/collectd, and hosts trade an enrolment secret for a token at POST /v1/enrol. "
    "While "
    "the database is away everything is answered 503 with Retry-After; hosts send again.\n\n"
    "By default it listens on 127.0.0.1:8420. CONNINFO is any libpq connection string, such as "
    "\"host=/run/postgresql dbname=epicenter "
    "user=epicenter_collector\"; what it leaves out comes from libpq's own variables and files. "
    "It should connect as the role epicenter_collector. FILE of --token-keys is made, readable by "
    "its owner alone, when it is not there; all collectors of a fleet share one. It is read again "
    "when it changes, and on SIGHUP.";

static const struct argp_option options[] = {
    {"token-keys", KEY_TOKEN_KEYS, "FILE", 0, "the keys that sign tokens (required)", 0},
    {"token-days", KEY_TOKEN_DAYS, "DAYS", 0,
     "how long a token is good for (default 90); hosts renew theirs at /v1/enrol", 0},
    {"host-rate", KEY_HOST_RATE, "N", 0,
     "requests a second of one host, 100 s' worth at once (default 1; 0: any)", 0},
    {"customer-rate", KEY_CUSTOMER_RATE, "N", 0,
     "of one customer, 10 s' worth at once (default 100000; 0: any)", 0},
    {"connections", KEY_CONNECTIONS, "N", 0, "held at once (default 4096)", 0},
    {"address-connections", KEY_ADDRESS_CONNECTIONS, "N", 0,
     "of these from one address (default any: behind a proxy all come from one)", 0},
    {"tls-certificate", KEY_TLS_CERTIFICATE, "FILE", 0,
     "speak TLS 1.3 alone, with this chain in PEM; taken anew when it changes", 0},
    {"tls-key", KEY_TLS_KEY, "FILE", 0, "its private key", 0},
    {"tls-client-ca", KEY_TLS_CLIENT_CA, "FILE", 0,
     "who sends reports also shows a certificate of these authorities that names the host of the "
     "token, a gateway its customer",
     0},
    {"replay", KEY_REPLAY, NULL, 0,
     "take customer_id and received_at from the reports, and replay tokens; for the past, not for "
     "live hosts",
     0},
    {0}};

static double parse_number(const struct argp_state *state, const char *option, const char *text,
                           double least, double most)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= least && value <= most)) {
        argp_error(state, "--%s takes a number from %g to %.0f, not \"%s\"", option, least, most,
                   text);
    }
    return value;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): argp's type. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->serve.common;
        return 0;
    case KEY_TOKEN_KEYS:
        arguments->serve.token_keys = argument;
        return 0;
    case KEY_TOKEN_DAYS:
        arguments->serve.token_days =
            (unsigned)parse_number(state, "token-days", argument, 1, TOKEN_DAYS_MOST);
        return 0;
    case KEY_HOST_RATE:
        arguments->serve.quotas.host_rate =
            parse_number(state, "host-rate", argument, 0, RATE_MOST);
        return 0;
    case KEY_CUSTOMER_RATE:
        arguments->serve.quotas.customer_rate =
            parse_number(state, "customer-rate", argument, 0, RATE_MOST);
        return 0;
    case KEY_CONNECTIONS:
        arguments->serve.connections =
            (unsigned)parse_number(state, "connections", argument, 1, CONNECTIONS_MOST);
        return 0;
    case KEY_ADDRESS_CONNECTIONS:
        arguments->serve.address_limit =
            (unsigned)parse_number(state, "address-connections", argument, 0, CONNECTIONS_MOST);
        return 0;
    case KEY_TLS_CERTIFICATE:
        arguments->serve.tls.certificate = argument;
        return 0;
    case KEY_TLS_KEY:
        arguments->serve.tls.key = argument;
        return 0;
    case KEY_TLS_CLIENT_CA:
        arguments->serve.tls.client_ca = argument;
        arguments->serve.quotas.certificates = true;
        return 0;
    case KEY_REPLAY:
        arguments->serve.replay = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_usage(state);
        return 0;
    case ARGP_KEY_END:
        if (arguments->serve.token_keys == NULL) {
            argp_error(state, "--token-keys is required");
        }
        if ((arguments->serve.tls.certificate == NULL) != (arguments->serve.tls.key == NULL) ||
            (arguments->serve.tls.client_ca != NULL && arguments->serve.tls.key == NULL)) {
            argp_error(state, "--tls-certificate and --tls-key go together, and --tls-client-ca "
                              "with both");
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
        .serve = {.common = {.conninfo = "", .address = "127.0.0.1", .port = 8420},
                  .quotas = {.host_rate = GATE_HOST_RATE, .customer_rate = GATE_CUSTOMER_RATE}},
    };
    struct failure failure = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    return serve(&arguments.serve, &failure) ? 0 : command_failed(argv[0], &failure);
}
