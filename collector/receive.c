/* How does a request become committed reports? Token, encoding, decoder, commit, answer; see
 * receive.h.
 *
 * The hard thing is who owns what while the request waits for its commit: the decoded batch lives
 * in a struct delivery, which travels to the committer and is freed by whoever answers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/receive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "collector/access.h"
#include "collector/batch.h"
#include "collector/commit.h"
#include "collector/decode.h"
#include "collector/decode_steps.h"
#include "collector/gate.h"
#include "collector/inflate.h"
#include "collector/repeat.h"
#include "collector/service.h"
#include "common/arena.h"
#include "common/buffer.h"
#include "common/instant.h"
#include "common/report.h"
#include "common/token.h"

#define INFLATED_LIMIT ((size_t)16 * 1024 * 1024)
/* Rejections a problem quotes; the sender's mistake shows in the first ones. */
#define DETAILS_QUOTED 3

struct delivery {
    struct batch batch;
    struct service *service;
    struct http_request *request; /* NULL: answered already, only its rejections are kept */
};

static void delivery_free(struct delivery *delivery)
{
    if (delivery->batch.repeat != NULL) {
        buffer_free(&delivery->batch.repeat->answer);
        free(delivery->batch.repeat);
    }
    decode_output_free(&delivery->batch.output);
    free(delivery);
}

/* ---- The answer ---- */

static void answer_failure(struct service *service, struct http_request *request,
                           const struct failure *failure)
{
    service_count(service, http_failure_status(failure->code));
    gate_refuse(request, failure);
}

static json_t *describe_rejections(const struct decode_output *output)
{
    json_t *list = json_array();
    for (size_t i = 0; i < decode_rejections_kept(output); i++) {
        json_t *item = json_pack("{s:I, s:s}", "line", (json_int_t)output->rejections[i].line,
                                 "detail", output->rejections[i].detail);
        if (item == NULL || json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* {"accepted":n,"rejected":[…]}; "rejected_count" too where not all of them are listed. */
static void write_answer(const struct decode_output *output, struct buffer *body)
{
    buffer_append_format(body, "{\"accepted\":%zu,", output->report_count);
    if (output->rejection_count > DECODE_REJECTIONS_KEPT) {
        buffer_append_format(body, "\"rejected_count\":%zu,", output->rejection_count);
    }
    if (output->rejection_count == 0) {
        buffer_append_text(body, "\"rejected\":[]}");
        return;
    }
    json_t *list = describe_rejections(output);
    char *text = list != NULL ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    buffer_append_format(body, "\"rejected\":%s}", text != NULL ? text : "[]");
    free(text);
}

static void answer_accepted(struct service *service, struct http_request *request,
                            const struct decode_output *output)
{
    struct buffer body = {0};
    service_count(service, 200);
    if (output->report_count == 1 && output->rejection_count == 0) {
        http_respond_kept(request, service->accepted_one);
        return;
    }
    write_answer(output, &body);
    http_respond(request, 200, "application/json", &body);
}

/* Nothing was acceptable: says the first reasons. */
static void answer_refused(struct service *service, struct http_request *request,
                           const struct decode_output *output, bool one_report)
{
    struct failure failure = {.code = FAILURE_FORBIDDEN};
    char details[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < decode_rejections_kept(output); i++) {
        const struct decode_rejection *rejection = &output->rejections[i];
        if (rejection->code != FAILURE_FORBIDDEN) {
            failure.code = FAILURE_INVALID;
        }
        if (i >= DETAILS_QUOTED || used >= sizeof details) {
            continue;
        }
        int length = one_report ? snprintf(details, sizeof details, "%s", rejection->detail)
                                : snprintf(details + used, sizeof details - used, "%sline %zu: %s",
                                           i > 0 ? "; " : "", rejection->line, rejection->detail);
        used += length > 0 ? (size_t)length : 0;
    }
    size_t unsaid =
        output->rejection_count > DETAILS_QUOTED ? output->rejection_count - DETAILS_QUOTED : 0;
    service_count(service, http_failure_status(failure.code));
    http_respond_problem(request, http_failure_status(failure.code),
                         unsaid > 0 ? "%s; and %zu more" : "%s", details, unsaid);
}

/* To a repeat, as the first was answered. */
static void answer_repeat(struct service *service, struct http_request *request,
                          struct repeat *repeat)
{
    if (repeat->kind == REPEAT_SAME) {
        service_count(service, 200);
        http_respond(request, 200, "application/json", &repeat->answer);
        return;
    }
    service_count(service, 422);
    http_respond_problem(request, 422,
                         "this Idempotency-Key was used for another body; send each with its own");
}

/* Called by a committer. */
static void on_committed(struct batch *batch, const struct failure *failure)
{
    struct delivery *delivery = batch->context;
    if (delivery->request != NULL && failure == NULL && !batch_is_first(batch)) {
        answer_repeat(delivery->service, delivery->request, batch->repeat);
    } else if (delivery->request != NULL && failure == NULL) {
        answer_accepted(delivery->service, delivery->request, &batch->output);
    } else if (delivery->request != NULL) {
        /* Why is for the log; the sender only needs to come again. */
        struct failure away = {.code = FAILURE_UNAVAILABLE,
                               .message = "the reports could not be stored now; send them again"};
        answer_failure(delivery->service, delivery->request, &away);
    }
    delivery_free(delivery);
}

/* ---- The way in ---- */

/* What the headers say; made by receive_admits, found again by the routes. */
struct arrival {
    struct token token;
    enum inflate_encoding encoding;
    bool one_report;
    size_t plain_limit;
    char repeat_key[REPEAT_KEY_LIMIT + 1]; /* empty: none */
};

/* Whether the header names the media type, whatever its parameters. */
static bool is_media_type(const char *header, const char *type)
{
    size_t length = strlen(type);
    return header != NULL && strncasecmp(header, type, length) == 0 &&
           (header[length] == '\0' || strchr("; \t", header[length]) != NULL);
}

static bool judge_media_type(const struct http_request *request, struct arrival *arrival,
                             struct failure *failure)
{
    const char *type = http_request_header(request, "Content-Type");
    arrival->one_report = is_media_type(type, "application/json");
    return arrival->one_report || is_media_type(type, "application/x-ndjson") ||
           failure_set(failure, FAILURE_UNSUPPORTED,
                       "Content-Type: send one report as application/json or one a line as "
                       "application/x-ndjson");
}

static bool judge(const struct service *service, struct http_request *request,
                  struct arrival *arrival, struct failure *failure)
{
    bool reports = strcmp(http_request_path(request), RECEIVE_REPORTS_PATH) == 0;
    if (!gate_admits(service->gate, request, &arrival->token, failure)) {
        if (!reports && failure->code == FAILURE_EXHAUSTED) {
            failure->code = FAILURE_UNAVAILABLE; /* not every agent of others knows 429 */
        }
        return false;
    }
    if (reports && !judge_media_type(request, arrival, failure)) {
        return false;
    }
    if (!inflate_encoding(http_request_header(request, "Content-Encoding"), &arrival->encoding,
                          failure)) {
        http_respond_header(request, "Accept-Encoding", "gzip, zstd");
        return false;
    }
    const char *key = http_request_header(request, "Idempotency-Key");
    if (key != NULL && !repeat_read_key(key, arrival->repeat_key, failure)) {
        return false;
    }
    arrival->plain_limit = reports && !arrival->one_report ? INFLATED_LIMIT : DECODE_DOCUMENT_LIMIT;
    return true;
}

bool receive_admits(void *context, struct http_request *request, size_t *body_limit)
{
    struct service *service = context;
    struct failure failure = {0};
    const char *path = http_request_path(request);
    if (strcmp(path, RECEIVE_REPORTS_PATH) != 0 && strcmp(path, RECEIVE_COLLECTD_PATH) != 0) {
        return true;
    }
    struct arrival *arrival = http_request_note(request, sizeof *arrival);
    if (arrival == NULL) {
        failure_memory(&failure, "receiving reports");
    } else if (judge(service, request, arrival, &failure)) {
        if (*body_limit > arrival->plain_limit) {
            *body_limit = arrival->plain_limit;
        }
        return true;
    }
    answer_failure(service, request, &failure);
    return false;
}

/* What a route adds to it. */
struct format {
    decoder decode;
    const char *source;
    const struct report_attribute *attributes;
    size_t attribute_count;
};

/* The body out of its encoding: the request's own, or `inflated`. */
static bool open_body(const struct http_request *request, const struct arrival *arrival,
                      struct buffer *inflated, const struct buffer **plain, struct failure *failure)
{
    *plain = http_request_body(request);
    if (arrival->encoding != INFLATE_IDENTITY) {
        if (!inflate_body(arrival->encoding, *plain, arrival->plain_limit, inflated, failure)) {
            return false;
        }
        *plain = inflated;
    }
    if ((*plain)->length > arrival->plain_limit) {
        return failure_set(failure, FAILURE_TOO_LARGE, "the body is over the limit of %zu bytes",
                           arrival->plain_limit);
    }
    return true;
}

/* What a repeat of this request will be known by, and get. */
static bool expect_repeat(const struct arrival *arrival, const struct format *format,
                          const struct buffer *plain, struct delivery *delivery,
                          struct failure *failure)
{
    struct repeat *repeat = calloc(1, sizeof *repeat);
    if (repeat == NULL) {
        return failure_memory(failure, "taking an Idempotency-Key");
    }
    delivery->batch.repeat = repeat;
    memcpy(repeat->key, arrival->repeat_key, sizeof repeat->key);
    repeat_fingerprint(format->source, arrival->one_report, plain->data, plain->length,
                       repeat->fingerprint);
    write_answer(&delivery->batch.output, &repeat->answer);
    return buffer_check(&repeat->answer, failure);
}

static bool decode_body(struct service *service, const struct http_request *request,
                        const struct arrival *arrival, const struct format *format,
                        struct delivery *delivery, struct failure *failure)
{
    struct buffer inflated = {0};
    const struct buffer *plain;
    bool good = open_body(request, arrival, &inflated, &plain, failure);
    if (good) {
        struct decode_input input = {
            .bytes = plain->data != NULL ? plain->data : "",
            .length = plain->length,
            .one_report = arrival->one_report,
            .token = &arrival->token,
            .replay = service->replay,
            .received_at = instant_now(),
            .attributes = format->attributes,
            .attribute_count = format->attribute_count,
        };
        good = format->decode(&input, &delivery->batch.output, failure) &&
               (arrival->repeat_key[0] == '\0' || delivery->batch.output.report_count == 0 ||
                expect_repeat(arrival, format, plain, delivery, failure));
    }
    buffer_free(&inflated);
    return good;
}

/* Writing for others is not a slip: it is written down who tried. */
static void note_forbidden(struct service *service, const struct http_request *request,
                           const struct arrival *arrival, const struct decode_output *output)
{
    for (size_t i = 0; i < decode_rejections_kept(output); i++) {
        if (output->rejections[i].code == FAILURE_FORBIDDEN) {
            access_note(service->access, ACCESS_FORBIDDEN_WRITE, &arrival->token, request,
                        output->rejections[i].detail);
            return;
        }
    }
}

/* Commits what was decoded; the request is answered then, or at once where nothing is to be
 * accepted. Takes the delivery over. */
static void deliver(struct service *service, struct http_request *request,
                    const struct arrival *arrival, struct delivery *delivery)
{
    struct decode_output *output = &delivery->batch.output;
    struct failure failure = {0};
    delivery->batch.done = on_committed;
    delivery->batch.context = delivery;
    delivery->service = service;
    if (output->report_count > 0) {
        delivery->request = request;
    } else if (output->rejection_count == 0) {
        answer_accepted(service, request, output);
        delivery_free(delivery);
        return;
    } else {
        answer_refused(service, request, output, arrival->one_report);
    }
    if (!commit_submit(service->commit, &delivery->batch, &failure)) {
        if (delivery->request != NULL) {
            answer_failure(service, request, &failure);
        }
        delivery_free(delivery);
    }
}

static void receive(struct service *service, struct http_request *request,
                    const struct format *format)
{
    struct failure failure = {0};
    const struct arrival *arrival = http_request_note(request, sizeof *arrival);
    struct delivery *delivery = calloc(1, sizeof *delivery);
    atomic_fetch_add_explicit(&service->bytes_received, http_request_body(request)->length,
                              memory_order_relaxed);
    if (arrival == NULL || delivery == NULL) {
        free(delivery);
        failure_memory(&failure, "receiving reports");
        answer_failure(service, request, &failure);
        return;
    }
    delivery->batch.source = format->source;
    memcpy(delivery->batch.customer_id, arrival->token.customer_id,
           sizeof delivery->batch.customer_id);
    if (!decode_body(service, request, arrival, format, delivery, &failure)) {
        answer_failure(service, request, &failure);
        delivery_free(delivery);
        return;
    }
    note_forbidden(service, request, arrival, &delivery->batch.output);
    deliver(service, request, arrival, delivery);
}

/* ---- The routes ---- */

void receive_reports(void *context, struct http_request *request)
{
    static const struct format format = {.decode = decode_report, .source = RECEIVE_REPORTS_PATH};
    receive(context, request, &format);
}

struct query_attributes {
    struct report_attribute list[REPORT_ATTRIBUTES_LIMIT + 1]; /* one more shows that it is over */
    size_t count;
};

static void take_attribute(void *context, const char *name, const char *value)
{
    struct query_attributes *attributes = context;
    if (attributes->count < sizeof attributes->list / sizeof *attributes->list) {
        attributes->list[attributes->count++] =
            (struct report_attribute){.name = name, .value = value};
    }
}

void receive_collectd(void *context, struct http_request *request)
{
    struct query_attributes attributes = {.count = 0};
    http_request_each_query(request, take_attribute, &attributes);
    const struct format format = {
        .decode = decode_collectd,
        .source = RECEIVE_COLLECTD_PATH,
        .attributes = attributes.list,
        .attribute_count = attributes.count,
    };
    receive(context, request, &format);
}
