/* Whom is there something to tell, and did it arrive? The hard thing is a receiver that hangs: all
 * transfers run side by side (curl_multi), one for each receiver, so that it delays only itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/webhook.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "analyzer/statements.h"
#include "analyzer/webhook_message.h"
#include "common/buffer.h"
#include "common/database.h"
#include "common/log.h"

/* Receivers told at once; the others take their turn. */
#define FLIGHTS_MOST 16

#define TIMEOUT_MS 15000L
#define LOOK_INTERVAL_MS 1000
#define STATEMENT_TIMEOUT_MS 10000

/* Pauses after a failed attempt: a restart of the receiver is bridged within a minute, its bad
 * night within a day and a half; after that a verdict is history. */
static const double pauses_s[] = {5, 30, 120, 600, 3600, 21600, 86400};

struct flight {
    CURL *curl; /* NULL: free */
    struct curl_slist *headers;
    char *webhook_id, *message_id, *payload;
    char error[CURL_ERROR_SIZE];
};

struct webhook {
    struct webhook_options options;
    pthread_t thread;
    atomic_bool stopping;
    CURLM *multi;
    struct database *database;
    struct flight flights[FLIGHTS_MOST];
    struct timespec looked_at;
    bool in_trouble; /* with the database; told once a stretch */
};

static void flight_end(struct webhook *webhook, struct flight *flight)
{
    if (flight->curl != NULL) {
        (void)curl_multi_remove_handle(webhook->multi, flight->curl);
        curl_easy_cleanup(flight->curl);
    }
    curl_slist_free_all(flight->headers);
    free(flight->webhook_id);
    free(flight->message_id);
    free(flight->payload);
    *flight = (struct flight){0};
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type. */
static size_t drop_body(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

/* Adds "name: value"; false when memory is out. */
static bool add_header(struct flight *flight, const char *name, const char *value)
{
    char line[512];
    (void)snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(flight->headers, line);
    if (longer == NULL) {
        return false;
    }
    flight->headers = longer;
    return true;
}

static bool set_headers(struct flight *flight, const char *form, const char *secret,
                        struct failure *failure)
{
    bool set = add_header(flight, "Content-Type", "application/json") &&
               add_header(flight, "User-Agent", "Epicenter/" EPICENTER_VERSION) &&
               add_header(flight, "Expect", "");
    if (set && strcmp(form, "standard") == 0) {
        char signature[WEBHOOK_SIGNATURE_SIZE];
        char timestamp[32];
        int64_t now_s = (int64_t)time(NULL);
        if (!webhook_sign(secret, flight->message_id, now_s, flight->payload, signature, failure)) {
            return false;
        }
        (void)snprintf(timestamp, sizeof timestamp, "%lld", (long long)now_s);
        set = add_header(flight, "webhook-id", flight->message_id) &&
              add_header(flight, "webhook-timestamp", timestamp) &&
              add_header(flight, "webhook-signature", signature);
    }
    return set || failure_memory(failure, "telling a webhook");
}

static bool set_transfer(struct webhook *webhook, struct flight *flight, const char *url,
                         struct failure *failure)
{
    long timeout_ms = webhook->options.timeout_ms > 0 ? webhook->options.timeout_ms : TIMEOUT_MS;
    CURL *curl = flight->curl;
    bool set = curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HTTPHEADER, flight->headers) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_POSTFIELDS, flight->payload) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                                (curl_off_t)strlen(flight->payload)) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop_body) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, flight->error) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PRIVATE, flight) == CURLE_OK;
    return set || failure_set(failure, FAILURE_SYSTEM, "libcurl does not take an option");
}

/* `row` of STATEMENT_WEBHOOK_DUE is on its way. */
static bool flight_begin(struct webhook *webhook, struct flight *flight, PGresult *due, int row,
                         struct failure *failure)
{
    flight->webhook_id = strdup(PQgetvalue(due, row, 0));
    flight->message_id = strdup(PQgetvalue(due, row, 1));
    flight->payload = strdup(PQgetvalue(due, row, 5));
    flight->curl = curl_easy_init();
    if (flight->webhook_id == NULL || flight->message_id == NULL || flight->payload == NULL ||
        flight->curl == NULL) {
        return failure_memory(failure, "telling a webhook");
    }
    if (!set_headers(flight, PQgetvalue(due, row, 3), PQgetvalue(due, row, 4), failure) ||
        !set_transfer(webhook, flight, PQgetvalue(due, row, 2), failure)) {
        return false;
    }
    return curl_multi_add_handle(webhook->multi, flight->curl) == CURLM_OK ||
           failure_memory(failure, "telling a webhook");
}

static struct flight *find_free(struct webhook *webhook)
{
    for (size_t i = 0; i < FLIGHTS_MOST; i++) {
        if (webhook->flights[i].curl == NULL) {
            return &webhook->flights[i];
        }
    }
    return NULL;
}

/* The receivers under way as an array of PostgreSQL's: {1,7}. */
static void list_flights(const struct webhook *webhook, char text[FLIGHTS_MOST * 24])
{
    size_t length = 0;
    text[length++] = '{';
    for (size_t i = 0; i < FLIGHTS_MOST; i++) {
        if (webhook->flights[i].curl != NULL) {
            length += (size_t)snprintf(text + length, 24, "%s%s", length > 1 ? "," : "",
                                       webhook->flights[i].webhook_id);
        }
    }
    memcpy(text + length, "}", 2);
}

static bool note_failed(struct webhook *webhook, const char *message_id, const char *reason,
                        struct failure *failure)
{
    char pauses[256];
    size_t length = 0;
    double patience = webhook->options.patience > 0 ? webhook->options.patience : 1;
    for (size_t i = 0; i < sizeof pauses_s / sizeof *pauses_s; i++) {
        length += (size_t)snprintf(pauses + length, sizeof pauses - length, "%c%g",
                                   i == 0 ? '{' : ',', pauses_s[i] * patience);
    }
    (void)snprintf(pauses + length, sizeof pauses - length, "}");
    const char *parameters[] = {message_id, reason, pauses};
    return database_run(webhook->database, STATEMENT_WEBHOOK_FAILED, 3, parameters, NULL, failure);
}

static bool start_flights(struct webhook *webhook, struct failure *failure)
{
    char busy[FLIGHTS_MOST * 24];
    list_flights(webhook, busy);
    PGresult *due = NULL;
    if (!database_run(webhook->database, STATEMENT_WEBHOOK_DUE, 1, (const char *[]){busy}, &due,
                      failure)) {
        return false;
    }
    bool good = true;
    for (int row = 0; good && row < PQntuples(due); row++) {
        struct flight *flight = find_free(webhook);
        struct failure trouble;
        if (flight == NULL) {
            break;
        }
        if (!flight_begin(webhook, flight, due, row, &trouble)) {
            flight_end(webhook, flight);
            good = note_failed(webhook, PQgetvalue(due, row, 1), trouble.message, failure);
        }
    }
    PQclear(due);
    return good;
}

/* A transfer has ended: with a status, or without one. */
static bool land(struct webhook *webhook, struct flight *flight, CURLcode code,
                 struct failure *failure)
{
    long status = 0;
    char reason[CURL_ERROR_SIZE + 64];
    (void)curl_easy_getinfo(flight->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && status >= 200 && status < 300) {
        return database_run(webhook->database, STATEMENT_WEBHOOK_DELIVERED, 1,
                            (const char *[]){flight->message_id}, NULL, failure);
    }
    if (code == CURLE_OK) {
        (void)snprintf(reason, sizeof reason, "answered %ld", status);
    } else {
        (void)snprintf(reason, sizeof reason, "%s",
                       flight->error[0] != '\0' ? flight->error : curl_easy_strerror(code));
    }
    log_warning("a webhook was not delivered", log_text("webhook", flight->webhook_id),
                log_text("message", flight->message_id), log_text("reason", reason));
    if (status == 410) {
        const char *parameters[] = {flight->webhook_id, reason};
        return database_run(webhook->database, STATEMENT_WEBHOOK_GONE, 2, parameters, NULL,
                            failure);
    }
    return note_failed(webhook, flight->message_id, reason, failure);
}

static bool land_finished(struct webhook *webhook, struct failure *failure)
{
    int left;
    bool good = true;
    for (CURLMsg *message = curl_multi_info_read(webhook->multi, &left); message != NULL;
         message = curl_multi_info_read(webhook->multi, &left)) {
        struct flight *flight = NULL;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &flight);
        /* What cannot be noted is sent again, under the same id, which the receiver knows. */
        good = land(webhook, flight, code, failure) && good;
        flight_end(webhook, flight);
        webhook->looked_at = (struct timespec){0}; /* its next message need not wait */
    }
    return good;
}

static bool is_time_to_look(struct webhook *webhook)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long passed_ms = (now.tv_sec - webhook->looked_at.tv_sec) * 1000 +
                     (now.tv_nsec - webhook->looked_at.tv_nsec) / 1000000;
    if (webhook->looked_at.tv_sec != 0 && passed_ms < LOOK_INTERVAL_MS) {
        return false;
    }
    webhook->looked_at = now;
    return true;
}

static bool turn(struct webhook *webhook, struct failure *failure)
{
    int running;
    if (webhook->database == NULL &&
        !database_open(webhook->options.conninfo, "epicenter analyzer webhooks",
                       STATEMENT_TIMEOUT_MS, &webhook->database, failure)) {
        return false;
    }
    if (is_time_to_look(webhook) && !start_flights(webhook, failure)) {
        return false;
    }
    (void)curl_multi_perform(webhook->multi, &running);
    return land_finished(webhook, failure);
}

static void *tell(void *context)
{
    struct webhook *webhook = context;
    while (!atomic_load(&webhook->stopping)) {
        struct failure failure;
        bool good = turn(webhook, &failure);
        if (!good && !webhook->in_trouble) {
            log_warning("webhooks wait for the database", log_text("reason", failure.message));
        }
        webhook->in_trouble = !good;
        (void)curl_multi_poll(webhook->multi, NULL, 0, good ? LOOK_INTERVAL_MS / 4 : 1000, NULL);
    }
    return NULL;
}

bool webhook_start(const struct webhook_options *options, struct webhook **webhook,
                   struct failure *failure)
{
    struct webhook *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting the webhooks");
    }
    made->options = *options;
    atomic_init(&made->stopping, false);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(made);
        return failure_memory(failure, "starting libcurl");
    }
    made->multi = curl_multi_init();
    int status = made->multi != NULL ? pthread_create(&made->thread, NULL, tell, made) : 0;
    if (made->multi == NULL || status != 0) {
        (void)curl_multi_cleanup(made->multi);
        curl_global_cleanup();
        free(made);
        return failure_set(failure, FAILURE_SYSTEM, "the webhooks cannot be started: %s",
                           strerror(status != 0 ? status : ENOMEM));
    }
    *webhook = made;
    return true;
}

void webhook_stop(struct webhook *webhook)
{
    if (webhook == NULL) {
        return;
    }
    atomic_store(&webhook->stopping, true);
    (void)curl_multi_wakeup(webhook->multi);
    pthread_join(webhook->thread, NULL);
    for (size_t i = 0; i < FLIGHTS_MOST; i++) {
        flight_end(webhook, &webhook->flights[i]);
    }
    (void)curl_multi_cleanup(webhook->multi);
    curl_global_cleanup();
    database_close(webhook->database);
    free(webhook);
}
