/* What would it cost if? Asks a running analyzer to reckon the same incident with other parameters,
 * and prints the two side by side.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyzer/client.h"
#include "analyzer/text_layout.h"
#include "common/buffer.h"

#define STATUS_COULD_NOT_ASK 3
#define NAME_WIDTH 28
#define NUMBER_WIDTH 14

enum { KEY_SET = 256, KEY_JSON };

struct arguments {
    const char *url;
    const char *update;
    struct buffer settings; /* parted by semicolons */
    bool json;
};

static const char doc[] =
    "Prints what the incident of an update costs now, and what it would cost with other "
    "parameters.\v"
    "Draws and seed are the same on both sides: the difference is the parameters'. Names and "
    "ranges "
    "in use are in the table cost_parameter.\n\n"
    "  analyzer what-if pattern/2.594.00 --set handle_time=5,8,12 --set claim_rate@Japan=0,0,0\n\n"
    "Exits with 1 when the analyzer refuses, with 3 when nothing answers.";

static const struct argp_option options[] = {
    {"set", KEY_SET, "NAME[@REGION]=LOW,LIKELY,HIGH", 0, "a parameter's range; may be repeated", 0},
    {"json", KEY_JSON, NULL, 0, "both estimates in full", 0},
    {"url", 'u', "URL", 0, "where the analyzer is (default " CLIENT_URL_DEFAULT ")", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_SET:
        buffer_append_format(&arguments->settings, "%s%s",
                             arguments->settings.length > 0 ? ";" : "", argument);
        return 0;
    case KEY_JSON:
        arguments->json = true;
        return 0;
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
        if (arguments->update == NULL || arguments->settings.length == 0) {
            argp_error(state, "which update, and --set what?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- The table ---- */

/* The number at a path of two keys ("" ends it), or NAN. */
static double number_at(const json_t *cost, const char *key, const char *part)
{
    const json_t *value = json_object_get(cost, key);
    value = *part != '\0' ? json_object_get(value, part) : value;
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void put_row(struct buffer *out, const char *name, double now, double then)
{
    char text[TEXT_NUMBER_SIZE];
    char change[TEXT_NUMBER_SIZE + 1];
    if (isnan(now) && isnan(then)) {
        return;
    }
    buffer_append_text(out, "  ");
    text_append_fitted(out, name, NAME_WIDTH, TEXT_LEFT);
    text_append_fitted(out, text_amount(now, text), NUMBER_WIDTH, TEXT_RIGHT);
    text_append_fitted(out, text_amount(then, text), NUMBER_WIDTH, TEXT_RIGHT);
    if (now != then && !isnan(now) && !isnan(then)) {
        (void)snprintf(change, sizeof change, "%s%s", then > now ? "+" : "\xe2\x88\x92",
                       text_amount(fabs(then - now), text));
        text_append_fitted(out, change, NUMBER_WIDTH, TEXT_RIGHT);
    }
    buffer_append_text(out, "\n");
}

static void put_desks(struct buffer *out, const json_t *now, const json_t *then)
{
    static const struct {
        const char *key, *name;
    } figures[] = {{"agents_needed", "agents needed"},
                   {"overtime_hours", "overtime hours"},
                   {"wait_s", "mean wait, s"},
                   {"abandoned", "share given up"}};
    size_t index;
    json_t *desk;
    json_array_foreach(json_object_get(now, "desks"), index, desk)
    {
        const json_t *other = json_array_get(json_object_get(then, "desks"), index);
        const char *region = json_string_value(json_object_get(desk, "region"));
        for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
            char name[96];
            (void)snprintf(name, sizeof name, "%.40s: %s", region != NULL ? region : "no region",
                           figures[i].name);
            put_row(out, name, number_at(desk, figures[i].key, "p50"),
                    number_at(other, figures[i].key, "p50"));
        }
    }
}

static void put_table(struct buffer *out, const json_t *answer)
{
    static const struct {
        const char *name, *key, *part;
    } rows[] = {{"cost, P10", "p10", ""},
                {"cost, P50", "p50", ""},
                {"cost, P90", "p90", ""},
                {"cost, mean", "mean", ""},
                {"each further hour", "further_hour", "p50"},
                {"revenue put off", "deferred_revenue", "p50"},
                {"revenue at risk", "revenue_at_risk", "p50"},
                {"customers' own loss", "customers_loss", "p50"},
                {"callers", "callers", "p50"},
                {"contacts to handle", "contacts", "p50"},
                {"attempts", "attempts", "p50"}};
    const json_t *now = json_object_get(answer, "now");
    const json_t *then = json_object_get(answer, "then");
    const char *id = json_string_value(json_object_get(answer, "update_id"));
    const char *currency = json_string_value(json_object_get(now, "currency"));
    size_t index;
    json_t *set;
    buffer_append_format(out, "%s, as of %s, in %s\n", id != NULL ? id : "",
                         json_string_value(json_object_get(answer, "as_of")), currency);
    json_array_foreach(json_object_get(answer, "set"), index, set)
    {
        const json_t *range = json_object_get(set, "range");
        const char *region = json_string_value(json_object_get(set, "region"));
        buffer_append_format(out, "  with %s %g \xe2\x80\x93 %g \xe2\x80\x93 %g%s%s\n",
                             json_string_value(json_object_get(set, "parameter")),
                             number_at(range, "low", ""), number_at(range, "likely", ""),
                             number_at(range, "high", ""), region != NULL ? " in " : "",
                             region != NULL ? region : "");
    }
    buffer_append_text(out, "\n  ");
    text_append_fitted(out, "", NAME_WIDTH, TEXT_LEFT);
    text_append_fitted(out, "now", NUMBER_WIDTH, TEXT_RIGHT);
    text_append_fitted(out, "then", NUMBER_WIDTH, TEXT_RIGHT);
    text_append_fitted(out, "difference", NUMBER_WIDTH, TEXT_RIGHT);
    buffer_append_text(out, "\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_row(out, rows[i].name, number_at(now, rows[i].key, rows[i].part),
                number_at(then, rows[i].key, rows[i].part));
    }
    put_desks(out, now, then);
    buffer_append_text(out, "\n  Beside the four costs, medians; what is put off, at risk or the "
                            "customers' own\n  is not in the cost.\n");
}

static bool print_reply(const struct client_reply *reply, bool json, struct failure *failure)
{
    struct buffer text = {0};
    json_t *answer = json_loadb(reply->body.data, reply->body.length, 0, NULL);
    if (answer == NULL) {
        return failure_set(failure, FAILURE_SYSTEM, "the analyzer's answer is not JSON");
    }
    if (json) {
        buffer_append(&text, reply->body.data, reply->body.length);
        buffer_append_text(&text, "\n");
    } else {
        put_table(&text, answer);
    }
    bool good = buffer_check(&text, failure);
    if (good && (fputs(text.data, stdout) < 0 || fflush(stdout) != 0)) {
        good = failure_set(failure, FAILURE_SYSTEM, "standard output cannot be written");
    }
    json_decref(answer);
    buffer_free(&text);
    return good;
}

int command_what_if(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "UPDATE", doc, NULL, NULL, NULL};
    struct arguments arguments = {.url = CLIENT_URL_DEFAULT};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    int status = STATUS_COULD_NOT_ASK;
    struct client *client = NULL;
    struct client_reply reply = {0};
    struct buffer path = {0};
    struct failure failure;
    buffer_append_text(&path, "/v1/what-if?update=");
    if (!buffer_check(&arguments.settings, &failure) ||
        !client_new(arguments.url, &client, &failure) ||
        !client_escape(client, arguments.update, &path, &failure)) {
        command_failed(argv[0], &failure, status);
        goto done;
    }
    buffer_append_text(&path, "&set=");
    if (!client_escape(client, arguments.settings.data, &path, &failure) ||
        !buffer_check(&path, &failure) || !client_get(client, path.data, NULL, &reply, &failure)) {
        command_failed(argv[0], &failure, status);
        goto done;
    }
    status = 1;
    if (reply.status != 200) {
        fprintf(stderr, "%s: %s\n", argv[0], reply.detail);
        goto done;
    }
    if (!print_reply(&reply, arguments.json, &failure)) {
        command_failed(argv[0], &failure, status);
        goto done;
    }
    status = 0;

done:
    client_reply_free(&reply);
    buffer_free(&path);
    buffer_free(&arguments.settings);
    client_free(client);
    return status;
}
