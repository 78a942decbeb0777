/* What is known, on one screen? Set by the analyzer to the width of this terminal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "analyzer/answer.h"
#include "analyzer/client.h"
#include "analyzer/terminal.h"
#include "common/buffer.h"
#include "common/instant.h"

#define STATUS_COULD_NOT_ASK 3
#define POLL_INTERVAL_NS 200000000L

enum { KEY_UNTIL = 256, KEY_CALLS };

struct arguments {
    const char *url;
    instant_us until; /* INSTANT_NONE: as it is */
    long calls;
};

static const char doc[] =
    "Prints what a running analyzer knows: the update that matters most, its segment, since when, "
    "the evidence, whom it hit, what it costs and whom to call first.\v"
    "With --until it first waits until the analysis has taken in everything received up to that "
    "time. The analysis works in whole minutes and stays ten seconds behind what it has read, so "
    "it has when it stands at the minute that ended ten seconds before.\n\n"
    "Exits with 3 when nothing answers.";

static const struct argp_option options[] = {
    {"url", 'u', "URL", 0, "where the analyzer is (default " CLIENT_URL_DEFAULT ")", 0},
    {"until", KEY_UNTIL, "TIME", 0, "wait for reports received up to this time (RFC 3339)", 0},
    {"calls", KEY_CALLS, "N", 0, "customers to list for calling (default 10)", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct failure failure;
    char *end;
    switch (key) {
    case 'u':
        arguments->url = argument;
        return 0;
    case KEY_UNTIL:
        if (!instant_parse(argument, &arguments->until, &failure)) {
            argp_error(state, "--until: %s", failure.message);
        }
        return 0;
    case KEY_CALLS:
        arguments->calls = strtol(argument, &end, 10);
        if (end == argument || *end != '\0' || arguments->calls < 0) {
            argp_error(state, "--calls takes a number, not \"%s\"", argument);
        }
        return 0;
    case ARGP_KEY_ARG:
        argp_usage(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Where the analysis stands once it has taken in what was received up to `until`. */
static instant_us minute_reached(instant_us until)
{
    instant_us known_before = until - ANALYSIS_LATENESS;
    return known_before - known_before % INSTANT_MINUTE;
}

static bool wait_until(struct client *client, instant_us until, struct failure *failure)
{
    char etag[80] = "";
    while (until != INSTANT_NONE) {
        struct client_reply reply = {0};
        bool good = client_get(client, "/v1/changes", etag, &reply, failure);
        if (good && reply.status == 200) {
            snprintf(etag, sizeof etag, "%s", reply.etag);
        }
        bool reached = good && reply.as_of != INSTANT_NONE && reply.as_of >= minute_reached(until);
        client_reply_free(&reply);
        if (!good) {
            return false;
        }
        if (reached) {
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = POLL_INTERVAL_NS}, NULL);
    }
    return true;
}

int command_summary(int argc, char **argv)
{
    static const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
    struct arguments arguments = {
        .url = CLIENT_URL_DEFAULT, .until = INSTANT_NONE, .calls = ANSWER_CALLS};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    int status = STATUS_COULD_NOT_ASK;
    struct client *client = NULL;
    struct client_reply reply = {0};
    struct buffer path = {0};
    struct failure failure;
    buffer_append_format(&path, "/v1/summary?columns=%u&calls=%ld%s", terminal_columns(),
                         arguments.calls, terminal_takes_colour() ? "&colour=1" : "");
    if (!buffer_check(&path, &failure) || !client_new(arguments.url, &client, &failure) ||
        !wait_until(client, arguments.until, &failure) ||
        !client_get(client, path.data, NULL, &reply, &failure)) {
        command_failed(argv[0], &failure, status);
        goto done;
    }
    if (reply.status != 200) {
        fprintf(stderr, "%s: %s answered %ld: %s\n", argv[0], arguments.url, reply.status,
                reply.detail);
        goto done;
    }
    fputs(reply.body.data, stdout);
    status = fflush(stdout) == 0 ? 0 : 1;

done:
    client_reply_free(&reply);
    buffer_free(&path);
    client_free(client);
    return status;
}
