/* Make a token without the database: for one host, for a gateway, or for a replay.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/command.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "common/instant.h"
#include "common/report.h"
#include "common/token.h"
#include "common/uuid.h"

enum { KEY_TOKEN_KEYS = 256, KEY_HOST, KEY_CUSTOMER, KEY_GATEWAY, KEY_REPLAY };

struct arguments {
    const char *token_keys, *host, *customer;
    bool gateway, replay;
};

static const char doc[] =
    "Prints a token, and nothing else, on standard output."
    "\v"
    "A host's token writes that host's reports alone (--host with --customer), a gateway's those "
    "of "
    "any host of one customer (--gateway with --customer), and a replay's those of anybody, but "
    "only at a collector started with --replay (--replay).";

static const struct argp_option options[] = {
    {"token-keys", KEY_TOKEN_KEYS, "FILE", 0, "the keys of the collectors (required)", 0},
    {"host", KEY_HOST, "ID", 0, "the host, by UUID or by the name it calls itself", 0},
    {"customer", KEY_CUSTOMER, "ID", 0, "whose host or gateway it is", 0},
    {"gateway", KEY_GATEWAY, NULL, 0, "writes for any host of the customer", 0},
    {"replay", KEY_REPLAY, NULL, 0, "writes for anybody, in a replay", 0},
    {0}};

static bool is_text(const char *text)
{
    return text != NULL && text[0] != '\0' && strlen(text) <= REPORT_TEXT_LIMIT;
}

static void check(const struct arguments *arguments, struct argp_state *state)
{
    if (arguments->token_keys == NULL) {
        argp_error(state, "--token-keys is required");
    }
    if ((arguments->host != NULL) + arguments->gateway + arguments->replay != 1) {
        argp_error(state, "say one of --host, --gateway and --replay");
    }
    if (!arguments->replay && !is_text(arguments->customer)) {
        argp_error(state, "--customer is required, and 1 to %d bytes long", REPORT_TEXT_LIMIT);
    }
    if (arguments->replay && arguments->customer != NULL) {
        argp_error(state, "a replay is of all customers: leave out --customer");
    }
    if (arguments->host != NULL && !is_text(arguments->host)) {
        argp_error(state, "--host is 1 to %d bytes long", REPORT_TEXT_LIMIT);
    }
}

/* NOLINTNEXTLINE(readability-non-const-parameter): argp's signature */
static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_TOKEN_KEYS:
        arguments->token_keys = argument;
        return 0;
    case KEY_HOST:
        arguments->host = argument;
        return 0;
    case KEY_CUSTOMER:
        arguments->customer = argument;
        return 0;
    case KEY_GATEWAY:
        arguments->gateway = true;
        return 0;
    case KEY_REPLAY:
        arguments->replay = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_usage(state);
        return 0;
    case ARGP_KEY_END:
        check(arguments, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static struct token describe(const struct arguments *arguments)
{
    struct token token = {.kind = arguments->replay    ? TOKEN_REPLAY
                                  : arguments->gateway ? TOKEN_GATEWAY
                                                       : TOKEN_HOST,
                          .issued_at = instant_now()};
    if (arguments->customer != NULL) {
        (void)snprintf(token.customer_id, sizeof token.customer_id, "%s", arguments->customer);
    }
    if (arguments->host != NULL && !uuid_parse(arguments->host, &token.host_id)) {
        token.host_id =
            uuid_from_name(arguments->customer, arguments->host, strlen(arguments->host));
    }
    return token;
}

int command_token(int argc, char **argv)
{
    static const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
    struct arguments arguments = {0};
    struct failure failure = {0};
    struct token_keys *keys = NULL;
    char text[TOKEN_TEXT_SIZE];
    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct token token = describe(&arguments);
    if (!token_keys_load(arguments.token_keys, true, &keys, &failure)) {
        return command_failed(argv[0], &failure);
    }
    bool good = token_issue(keys, &token, text, &failure);
    token_keys_free(keys);
    if (!good) {
        return command_failed(argv[0], &failure);
    }
    bool printed = puts(text) >= 0 && fflush(stdout) == 0;
    sodium_memzero(text, sizeof text);
    return printed ? 0 : 1;
}
