/* Getting batches acknowledged; see sender.h. libcurl's multi interface on one thread.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <jansson.h>

#define NO_BATCH SIZE_MAX
#define BACK_OFF_LEAST_MS 50
#define BACK_OFF_MOST_MS 2000
/* A collector answers 503 long before this; it is for one that hangs. */
#define REQUEST_LIMIT_MS 30000
#define CONNECT_LIMIT_MS 5000
/* How long a round of waiting may take: the progress line is redrawn in between. */
#define WAIT_LIMIT_MS 200
/* An answer is a small JSON document; more of it would be no answer of ours. */
#define ANSWER_LIMIT_BYTES ((size_t)1 << 20)

/* One connection. */
struct slot {
    CURL *easy;
    struct buffer answer;
    size_t batch; /* being sent, or to be sent again; NO_BATCH: free */
    bool sending;
    int64_t send_at_ms; /* when not sending */
    unsigned failures;  /* of this batch, in a row */
    char error[CURL_ERROR_SIZE];
};

struct sender {
    CURLM *multi;
    struct curl_slist *headers;
    struct slot *slots;
    unsigned slot_count;
    int64_t give_up_after_ms;
    int64_t progress_at_ms; /* when something was last acknowledged */
    uint64_t resent;
    char last_trouble[256];
};

/* The batches of one call. */
struct delivery {
    struct sender *sender;
    const struct batch *batches;
    size_t count;
    size_t next; /* first not yet taken by a slot */
    size_t done;
    sender_acknowledged acknowledged;
    void *context;
    struct failure *failure;
};

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct slot *slot = context;
    if (slot->answer.length + size * count > ANSWER_LIMIT_BYTES) {
        return 0;
    }
    buffer_append(&slot->answer, bytes, size * count);
    return slot->answer.failed ? 0 : size * count;
}

static bool add_header(struct sender *sender, const char *header, struct failure *failure)
{
    struct curl_slist *longer = curl_slist_append(sender->headers, header);
    if (longer == NULL) {
        return failure_memory(failure, "preparing the requests");
    }
    sender->headers = longer;
    return true;
}

static bool add_headers(struct sender *sender, const struct sender_options *options,
                        struct failure *failure)
{
    struct buffer authorization = {0};
    buffer_append_format(&authorization, "Authorization: Bearer %s", options->token);
    bool good = buffer_check(&authorization, failure) &&
                add_header(sender, authorization.data, failure) &&
                add_header(sender, "Content-Type: application/x-ndjson", failure) &&
                /* Without this curl waits for a "100 Continue" before a body of this size. */
                add_header(sender, "Expect:", failure) &&
                (!options->gzip || add_header(sender, "Content-Encoding: gzip", failure));
    buffer_free(&authorization);
    return good;
}

static bool prepare_slot(struct sender *sender, struct slot *slot, const char *url,
                         struct failure *failure)
{
    slot->batch = NO_BATCH;
    slot->easy = curl_easy_init();
    CURL *easy = slot->easy;
    if (easy == NULL || curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
        /* The fleet speaks to the collector itself, whatever http_proxy says. */
        curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, sender->headers) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_POST, 1L) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)REQUEST_LIMIT_MS) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_LIMIT_MS) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->error) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_PRIVATE, slot) != CURLE_OK) {
        return failure_set(failure, FAILURE_SYSTEM, "libcurl cannot prepare a request to %s", url);
    }
    return true;
}

bool sender_new(const struct sender_options *options, struct sender **sender,
                struct failure *failure)
{
    struct sender *made = calloc(1, sizeof *made);
    struct buffer url = {0};
    bool good = false;
    if (made == NULL) {
        return failure_memory(failure, "preparing the requests");
    }
    made->give_up_after_ms = (int64_t)(options->give_up_after_s * 1000);
    made->slots = calloc(options->connections, sizeof *made->slots);
    made->multi = curl_multi_init();
    if (made->slots == NULL || made->multi == NULL) {
        (void)failure_memory(failure, "preparing the requests");
        goto done;
    }
    made->slot_count = options->connections;
    size_t length = strlen(options->collector);
    while (length > 0 && options->collector[length - 1] == '/') {
        length--;
    }
    buffer_append(&url, options->collector, length);
    buffer_append_text(&url, "/v1/reports");
    if (!buffer_check(&url, failure) || !add_headers(made, options, failure)) {
        goto done;
    }
    for (unsigned i = 0; i < made->slot_count; i++) {
        if (!prepare_slot(made, &made->slots[i], url.data, failure)) {
            goto done;
        }
    }
    *sender = made;
    good = true;
done:
    buffer_free(&url);
    if (!good) {
        sender_free(made);
    }
    return good;
}

void sender_free(struct sender *sender)
{
    if (sender == NULL) {
        return;
    }
    for (unsigned i = 0; i < sender->slot_count; i++) {
        struct slot *slot = &sender->slots[i];
        if (slot->sending) {
            (void)curl_multi_remove_handle(sender->multi, slot->easy);
        }
        curl_easy_cleanup(slot->easy);
        buffer_free(&slot->answer);
    }
    free(sender->slots);
    curl_multi_cleanup(sender->multi);
    curl_slist_free_all(sender->headers);
    free(sender);
}

uint64_t sender_resent(const struct sender *sender)
{
    return sender->resent;
}

static bool begin_request(struct delivery *delivery, struct slot *slot)
{
    const struct buffer *body = &delivery->batches[slot->batch].body;
    buffer_clear(&slot->answer);
    slot->error[0] = '\0';
    if (curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, body->data) != CURLE_OK ||
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->length) !=
            CURLE_OK ||
        curl_multi_add_handle(delivery->sender->multi, slot->easy) != CURLM_OK) {
        return failure_set(delivery->failure, FAILURE_SYSTEM, "libcurl cannot begin a request");
    }
    slot->sending = true;
    return true;
}

/* Gives free connections something to do. */
static bool fill_slots(struct delivery *delivery)
{
    int64_t now_ms = monotonic_ms();
    for (unsigned i = 0; i < delivery->sender->slot_count; i++) {
        struct slot *slot = &delivery->sender->slots[i];
        if (slot->batch == NO_BATCH && delivery->next < delivery->count) {
            slot->batch = delivery->next++;
            slot->failures = 0;
            slot->send_at_ms = now_ms;
        }
        if (slot->batch != NO_BATCH && !slot->sending && slot->send_at_ms <= now_ms) {
            delivery->sender->resent += slot->failures > 0;
            if (!begin_request(delivery, slot)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- Answers ---- */

static bool is_final(long status)
{
    static const long statuses[] = {400, 401, 403, 404, 405, 413, 415, 422};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (statuses[i] == status) {
            return true;
        }
    }
    return false;
}

static const char *answer_text(const struct slot *slot)
{
    return slot->answer.data != NULL ? slot->answer.data : "";
}

/* Reads {"accepted":n,"rejected":[…]} and insists that everything was accepted. */
static bool check_answer(const struct delivery *delivery, const struct slot *slot)
{
    const struct batch *batch = &delivery->batches[slot->batch];
    json_error_t error;
    json_t *answer = json_loadb(answer_text(slot), slot->answer.length, 0, &error);
    const json_t *accepted = json_object_get(answer, "accepted");
    const json_t *rejected = json_object_get(answer, "rejected");
    bool good = false;
    if (!json_is_integer(accepted) || !json_is_array(rejected)) {
        failure_set(delivery->failure, FAILURE_INVALID,
                    "the collector acknowledged a batch with something else than "
                    "accepted and rejected: %.200s",
                    answer_text(slot));
    } else if (json_array_size(rejected) > 0) {
        const json_t *first = json_array_get(rejected, 0);
        const char *detail = json_string_value(json_object_get(first, "detail"));
        failure_set(delivery->failure, FAILURE_INVALID,
                    "the collector refused %zu of %zu reports; the first, line %lld: %.300s",
                    json_array_size(rejected), batch->count,
                    (long long)json_integer_value(json_object_get(first, "line")),
                    detail != NULL ? detail : "no detail");
    } else if (json_integer_value(accepted) != (json_int_t)batch->count) {
        failure_set(delivery->failure, FAILURE_INVALID,
                    "the collector accepted %lld of %zu reports and refused none",
                    (long long)json_integer_value(accepted), batch->count);
    } else {
        good = true;
    }
    json_decref(answer);
    return good;
}

static void back_off(struct sender *sender, struct slot *slot, const char *trouble,
                     curl_off_t retry_after_s)
{
    int64_t wait_ms = (int64_t)BACK_OFF_LEAST_MS << (slot->failures < 6 ? slot->failures : 6);
    if (retry_after_s > 0) {
        wait_ms = retry_after_s * 1000;
    }
    slot->failures++;
    slot->send_at_ms = monotonic_ms() + (wait_ms < BACK_OFF_MOST_MS ? wait_ms : BACK_OFF_MOST_MS);
    snprintf(sender->last_trouble, sizeof sender->last_trouble, "%s", trouble);
}

static bool end_request(struct delivery *delivery, struct slot *slot, CURLcode result)
{
    struct sender *sender = delivery->sender;
    (void)curl_multi_remove_handle(sender->multi, slot->easy);
    slot->sending = false;
    if (result != CURLE_OK) {
        back_off(sender, slot, slot->error[0] != '\0' ? slot->error : curl_easy_strerror(result),
                 0);
        return true;
    }
    long status = 0;
    curl_off_t retry_after_s = 0;
    (void)curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(slot->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (is_final(status)) {
        return failure_set(delivery->failure, FAILURE_INVALID,
                           "the collector answered %ld, which sending again cannot change: %.300s",
                           status, answer_text(slot));
    }
    if (status < 200 || status > 299) {
        char trouble[200];
        snprintf(trouble, sizeof trouble, "status %ld: %.150s", status, answer_text(slot));
        back_off(sender, slot, trouble, retry_after_s);
        return true;
    }
    if (!check_answer(delivery, slot)) {
        return false;
    }
    const struct batch *batch = &delivery->batches[slot->batch];
    slot->batch = NO_BATCH;
    delivery->done++;
    sender->progress_at_ms = monotonic_ms();
    return delivery->acknowledged(delivery->context, batch, delivery->failure);
}

static bool take_results(struct delivery *delivery)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(delivery->sender->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURLcode result = message->data.result;
        char *private = NULL;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        if (!end_request(delivery, (struct slot *)(void *)private, result)) {
            return false;
        }
    }
    return true;
}

static int wait_ms(const struct delivery *delivery)
{
    int64_t now_ms = monotonic_ms();
    int64_t wait = WAIT_LIMIT_MS;
    for (unsigned i = 0; i < delivery->sender->slot_count; i++) {
        const struct slot *slot = &delivery->sender->slots[i];
        if (slot->batch != NO_BATCH && !slot->sending && slot->send_at_ms - now_ms < wait) {
            wait = slot->send_at_ms - now_ms;
        }
    }
    return wait > 0 ? (int)wait : 0;
}

static bool run_once(struct delivery *delivery)
{
    struct sender *sender = delivery->sender;
    int running;
    if (!fill_slots(delivery)) {
        return false;
    }
    if (curl_multi_perform(sender->multi, &running) != CURLM_OK) {
        return failure_set(delivery->failure, FAILURE_SYSTEM, "libcurl cannot go on");
    }
    if (!take_results(delivery)) {
        return false;
    }
    if (monotonic_ms() - sender->progress_at_ms > sender->give_up_after_ms) {
        return failure_set(delivery->failure, FAILURE_UNAVAILABLE,
                           "no report was acknowledged for %.0f s; the last trouble: %s",
                           (double)sender->give_up_after_ms / 1000,
                           sender->last_trouble[0] != '\0' ? sender->last_trouble : "no answer");
    }
    return true;
}

bool sender_send(struct sender *sender, const struct batch *batches, size_t count,
                 sender_acknowledged acknowledged, sender_waiting waiting, void *context,
                 struct failure *failure)
{
    struct delivery delivery = {.sender = sender,
                                .batches = batches,
                                .count = count,
                                .acknowledged = acknowledged,
                                .context = context,
                                .failure = failure};
    sender->progress_at_ms = monotonic_ms();
    while (delivery.done < count) {
        size_t done = delivery.done;
        if (!run_once(&delivery)) {
            return false;
        }
        waiting(context);
        /* With something just acknowledged there is a connection to fill before waiting. */
        if (delivery.done == done && delivery.done < count &&
            curl_multi_poll(sender->multi, NULL, 0, wait_ms(&delivery), NULL) != CURLM_OK) {
            return failure_set(failure, FAILURE_SYSTEM, "libcurl cannot wait");
        }
    }
    return true;
}
