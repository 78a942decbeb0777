/* What changes? A line for each change of verdict, until killed. The analyzer tells all changes it
 * knows of each time, and tells them again after a restart; each is printed once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "analyzer/client.h"
#include "analyzer/text_layout.h"
#include "common/buffer.h"

#define STATUS_COULD_NOT_ASK 3
/* A change is seen well within a second; the answer is a 304 of 200 bytes nearly always. */
#define POLL_INTERVAL_NS 300000000L

struct arguments {
    const char *url;
};

static const char doc[] =
    "Prints each change of verdict of a running analyzer as it happens, times in UTC, until "
    "killed.\v"
    "  2005-04-22 22:47Z  pattern/2.594.00  INSUFFICIENT_DATA -> HOLD  e-value 10^7.2  "
    "rate ratio 14 (9 to 21)\n\n"
    "Changes the analyzer knows of already come first. Exits with 3 when nothing answers at the "
    "start; later it waits.";

static const struct argp_option options[] = {
    {"url", 'u', "URL", 0, "where the analyzer is (default " CLIENT_URL_DEFAULT ")", 0}, {0}};

/* NOLINTNEXTLINE(readability-non-const-parameter): argp's type. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    if (key == 'u') {
        arguments->url = argument;
        return 0;
    }
    if (key == ARGP_KEY_ARG) {
        argp_usage(state);
    }
    return ARGP_ERR_UNKNOWN;
}

/* "2005-04-22T22:47:00Z" as "2005-04-22 22:47Z". */
static void append_minute(struct buffer *line, const char *at)
{
    if (strlen(at) >= 16) {
        buffer_append_format(line, "%.10s %.5sZ", at, at + 11);
    } else {
        buffer_append_text(line, at);
    }
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "?";
}

static void append_ratio(struct buffer *line, const json_t *ratio)
{
    char number[TEXT_NUMBER_SIZE];
    const json_t *likely = json_object_get(ratio, "likely");
    const json_t *low = json_object_get(ratio, "low");
    const json_t *high = json_object_get(ratio, "high");
    if (!json_is_number(likely) || !json_is_number(low)) {
        return;
    }
    buffer_append_format(line, "  rate ratio %s (", text_amount(json_number_value(likely), number));
    buffer_append_text(line, text_amount(json_number_value(low), number));
    if (json_is_number(high)) {
        buffer_append_format(line, " to %s)", text_amount(json_number_value(high), number));
    } else {
        buffer_append_text(line, " or more)");
    }
}

static void print_change(const json_t *change)
{
    struct buffer line = {0};
    if (isatty(STDOUT_FILENO)) {
        /* Another program's progress line may stand where this one goes. */
        buffer_append_text(&line, "\r\033[K");
    }
    append_minute(&line, text_of(change, "decided_at"));
    buffer_append_text(&line, "  ");
    text_append_fitted(&line, text_of(change, "update"), text_width(text_of(change, "update")),
                       TEXT_LEFT);
    buffer_append_format(&line, "  %s -> %s", text_of(change, "previous"),
                         text_of(change, "verdict"));
    const json_t *evidence = json_object_get(change, "log10_e_value");
    if (json_is_number(evidence)) {
        buffer_append_format(&line, "  e-value 10^%.1f", json_number_value(evidence));
    }
    append_ratio(&line, json_object_get(change, "rate_ratio"));
    if (!line.failed) {
        puts(line.data);
        fflush(stdout);
    }
    buffer_free(&line);
}

/* Prints what is not in `printed` yet. */
static void print_new(const char *body, json_t *printed)
{
    json_t *document = json_loads(body, 0, NULL);
    size_t index;
    json_t *change;
    json_array_foreach(json_object_get(document, "changes"), index, change)
    {
        struct buffer key = {0};
        buffer_append_format(&key, "%s\n%s\n%s", text_of(change, "update"),
                             text_of(change, "decided_at"), text_of(change, "verdict"));
        if (!key.failed && json_object_get(printed, key.data) == NULL) {
            json_object_set_new(printed, key.data, json_true());
            print_change(change);
        }
        buffer_free(&key);
    }
    json_decref(document);
}

static int watch(struct client *client, json_t *printed, const char *name)
{
    char etag[80] = "";
    bool answered = false;
    bool complained = false;
    for (;;) {
        struct client_reply reply = {0};
        struct failure failure;
        if (client_get(client, "/v1/changes", etag, &reply, &failure)) {
            answered = true;
            complained = false;
            if (reply.status == 200) {
                print_new(reply.body.data, printed);
                snprintf(etag, sizeof etag, "%s", reply.etag);
            }
        } else if (!answered) {
            client_reply_free(&reply);
            return command_failed(name, &failure, STATUS_COULD_NOT_ASK);
        } else if (!complained) {
            command_failed(name, &failure, 0);
            complained = true;
        }
        client_reply_free(&reply);
        nanosleep(&(struct timespec){.tv_nsec = POLL_INTERVAL_NS}, NULL);
    }
}

int command_watch(int argc, char **argv)
{
    static const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
    struct arguments arguments = {.url = CLIENT_URL_DEFAULT};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    struct client *client = NULL;
    struct failure failure;
    json_t *printed = json_object();
    int status = STATUS_COULD_NOT_ASK;
    if (client_new(arguments.url, &client, &failure)) {
        status = watch(client, printed, argv[0]);
    } else {
        command_failed(argv[0], &failure, status);
    }
    client_free(client);
    json_decref(printed);
    return status;
}
