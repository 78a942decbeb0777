/* May this update go on? One question to a running analyzer, answered by the exit status, so that
 * a release pipeline can gate on it. The hard thing is to fail safe: whatever is not a present
 * CLEAR must not look like one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "analyzer/client.h"
#include "common/buffer.h"

enum { STATUS_CLEAR = 0, STATUS_HOLD = 1, STATUS_NOT_DECIDED = 2, STATUS_COULD_NOT_ASK = 3 };

struct arguments {
    const char *url;
    const char *update;
};

static const char doc[] =
    "Asks a running analyzer for the verdict on one update, for example pattern/2.594.00.\v"
    "The exit status is the answer:\n"
    "  0  CLEAR\n"
    "  1  HOLD\n"
    "  2  not decided: SUSPECT, INSUFFICIENT_DATA, an update no host reported,\n"
    "     or a CLEAR that is old because the analyzer has lost its database\n"
    "  3  could not ask\n\n"
    "In a release pipeline:\n"
    "  analyzer verdict pattern/2.594.00 || exit 1";

static const struct argp_option options[] = {
    {"url", 'u', "URL", 0, "where the analyzer is (default " CLIENT_URL_DEFAULT ")", 0}, {0}};

/* NOLINTNEXTLINE(readability-non-const-parameter): argp's type. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'u':
        arguments->url = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->update != NULL) {
            argp_error(state, "one update at a time");
        }
        arguments->update = argument;
        return 0;
    case ARGP_KEY_END:
        if (arguments->update == NULL) {
            argp_error(state, "which update?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int status_of(const char *verdict, bool database_away)
{
    if (strcmp(verdict, verdict_name(VERDICT_HOLD)) == 0) {
        return STATUS_HOLD;
    }
    return strcmp(verdict, verdict_name(VERDICT_CLEAR)) == 0 && !database_away ? STATUS_CLEAR
                                                                               : STATUS_NOT_DECIDED;
}

static int tell(const struct arguments *arguments, const struct client_reply *reply)
{
    if (reply->status == 404) {
        printf("%s: %s\n", arguments->update, reply->detail);
        return STATUS_NOT_DECIDED;
    }
    json_t *answer = reply->status == 200 ? json_loads(reply->body.data, 0, NULL) : NULL;
    const char *verdict = json_string_value(json_object_get(answer, "verdict"));
    const char *sentence = json_string_value(json_object_get(answer, "sentence"));
    const char *as_of = json_string_value(json_object_get(answer, "as_of"));
    int status = STATUS_COULD_NOT_ASK;
    if (verdict != NULL) {
        printf("%s: %s as of %s\n", arguments->update, verdict, as_of != NULL ? as_of : "?");
        if (sentence != NULL) {
            puts(sentence);
        }
        if (reply->database_away) {
            puts("The analyzer has lost its database; this is what it knew then.");
        }
        status = status_of(verdict, reply->database_away);
    } else {
        fprintf(stderr, "analyzer verdict: %s answered %ld: %s\n", arguments->url, reply->status,
                reply->detail[0] != '\0' ? reply->detail : "not an answer of an analyzer");
    }
    json_decref(answer);
    return status;
}

int command_verdict(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "UPDATE", doc, NULL, NULL, NULL};
    struct arguments arguments = {.url = CLIENT_URL_DEFAULT};
    argp_err_exit_status = STATUS_COULD_NOT_ASK;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    int status = STATUS_COULD_NOT_ASK;
    struct client *client = NULL;
    struct client_reply reply = {0};
    struct buffer path = {0};
    struct failure failure;
    buffer_append_text(&path, "/v1/updates/");
    if (!client_new(arguments.url, &client, &failure) ||
        !client_escape(client, arguments.update, &path, &failure)) {
        command_failed(argv[0], &failure, status);
        goto done;
    }
    buffer_append_text(&path, "/verdict");
    if (!buffer_check(&path, &failure) || !client_get(client, path.data, NULL, &reply, &failure)) {
        command_failed(argv[0], &failure, status);
        goto done;
    }
    status = tell(&arguments, &reply);

done:
    client_reply_free(&reply);
    buffer_free(&path);
    client_free(client);
    return status;
}
