/* May this update go on? One question to a running analyzer, answered by the exit status, so that
 * a release pipeline can gate on it. The hard thing is to fail safe: whatever is not a present
 * CLEAR must not look like one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "analyzer/client.h"
#include "common/buffer.h"

enum { STATUS_CLEAR = 0, STATUS_HOLD = 1, STATUS_NOT_DECIDED = 2, STATUS_COULD_NOT_ASK = 3 };

/* One question waits no longer than this, so that no proxy between gives up on it. */
#define SLICE_S 20

struct arguments {
    const char *url;
    const char *update;
    long wait_s;
};

static const char doc[] =
    "Asks a running analyzer for the verdict on one update, for example pattern/2.594.00.\v"
    "The exit status is the answer:\n"
    "  0  CLEAR\n"
    "  1  HOLD\n"
    "  2  not decided: SUSPECT, INSUFFICIENT_DATA, an update no host reported,\n"
    "     or a CLEAR that is old because the analyzer has lost its database\n"
    "  3  could not ask\n\n"
    "In a release pipeline, which goes on only when the update is known to be harmless:\n"
    "  analyzer verdict pattern/2.594.00 --wait 3600 || exit 1";

static const struct argp_option options[] = {
    {"url", 'u', "URL", 0, "where the analyzer is (default " CLIENT_URL_DEFAULT ")", 0},
    {"wait", 'w', "SECONDS", 0, "wait so long for HOLD or CLEAR before answering (default 0)", 0},
    {0}};

/* NOLINTNEXTLINE(readability-non-const-parameter): argp's type. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'u':
        arguments->url = argument;
        return 0;
    case 'w': {
        char *end;
        arguments->wait_s = strtol(argument, &end, 10);
        if (end == argument || *end != '\0' || arguments->wait_s < 0) {
            argp_error(state, "--wait takes seconds, not \"%s\"", argument);
        }
        return 0;
    }
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

static time_t monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool is_decided(const struct client_reply *reply)
{
    json_t *answer = reply->status == 200 ? json_loads(reply->body.data, 0, NULL) : NULL;
    const char *verdict = json_string_value(json_object_get(answer, "verdict"));
    bool decided =
        verdict != NULL && status_of(verdict, reply->database_away) != STATUS_NOT_DECIDED;
    json_decref(answer);
    return decided;
}

/* Asks until the update is decided or the patience is over, at the analyzer's own pace: it answers
 * as soon as there is something to say. While it cannot be asked, or has no answers yet, a waiting
 * pipeline is better served by asking again than by a failure. */
static bool ask(struct client *client, const char *path, long wait_s, struct client_reply *reply,
                struct failure *failure)
{
    time_t until = monotonic_s() + wait_s;
    for (;;) {
        char waiting[512];
        time_t left = until - monotonic_s();
        (void)snprintf(waiting, sizeof waiting, "%s?wait=%ld", path,
                       (long)(left < SLICE_S ? left : SLICE_S));
        client_reply_free(reply);
        *reply = (struct client_reply){0};
        time_t asked = monotonic_s();
        bool answered = client_get(client, left > 0 ? waiting : path, NULL, reply, failure);
        if (left <= 0 || (answered && is_decided(reply))) {
            return answered;
        }
        if (monotonic_s() - asked < 1) {
            (void)nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        }
    }
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
    if (!buffer_check(&path, &failure) ||
        !ask(client, path.data, arguments.wait_s, &reply, &failure)) {
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
