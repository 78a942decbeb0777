/* Who may become a host of whom? See enrol.h. Enrolment is rare and needs the database before it
 * can answer, so it has a thread and a connection of its own: the event loops never wait, and a
 * rush of enrolments does not hold up reports. SPDX-License-Identifier: Apache-2.0 */
#include "collector/enrol.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <libpq-fe.h>
#include <sodium.h>

#include "collector/access.h"
#include "collector/decode_steps.h"
#include "collector/gate.h"
#include "collector/quota.h"
#include "collector/service.h"
#include "collector/statements.h"
#include "common/buffer.h"
#include "common/database.h"
#include "common/instant.h"
#include "common/log.h"
#include "common/report.h"
#include "common/token.h"
#include "common/uuid.h"

/* An enrolment takes a millisecond: a quarter of a second's worth may wait. */
#define WAITING_LIMIT 256
#define STATEMENT_TIMEOUT_MS 2000
/* A rollout of a thousand machines takes a minute and a half; a secret that leaked is seen to be
 * spent before it is. */
#define SECRET_RATE 10.0
#define SECRET_BURST 100.0
#define SECRETS_BUSY 1024
/* {"secret":…,"host_id":…} has seven. */
#define STRUCTURE_LIMIT 64

struct application {
    struct http_request *request;
    struct service *service;
    uint8_t secret_hash[TOKEN_SECRET_HASH_BYTES];
    char host_id[REPORT_TEXT_LIMIT + 1];
    struct application *next;
};

struct enrol {
    const char *conninfo;
    struct access *access;
    struct quota *secrets;     /* how fast each may be spent */
    struct database *database; /* NULL until it could be opened */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t arrived;
    struct application *first, **last;
    size_t waiting;
    bool stopping;
};

/* ---- Judging ---- */

/* Spends one use of the secret; `customer_id` gets whose it is. */
static bool use_secret(struct enrol *enrol, const struct application *application,
                       char customer_id[static REPORT_TEXT_LIMIT + 1], struct failure *failure)
{
    if (enrol->database == NULL &&
        !database_open(enrol->conninfo, "epicenter collector, enrolment", STATEMENT_TIMEOUT_MS,
                       &enrol->database, failure)) {
        return false;
    }
    char hash[2 + 2 * TOKEN_SECRET_HASH_BYTES + 1] = "\\x";
    (void)sodium_bin2hex(hash + 2, sizeof hash - 2, application->secret_hash,
                         sizeof application->secret_hash);
    const char *const parameters[] = {hash};
    PGresult *result = NULL;
    if (!database_run(enrol->database, STATEMENT_USE_SECRET, 1, parameters, &result, failure)) {
        return false;
    }
    bool good = PQntuples(result) == 1 && PQgetlength(result, 0, 0) <= REPORT_TEXT_LIMIT;
    if (good) {
        memcpy(customer_id, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0) + 1);
    } else {
        failure_set(failure, FAILURE_FORBIDDEN, "secret: unknown, expired or used up");
    }
    PQclear(result);
    return good;
}

static bool make_token(struct enrol *enrol, const struct application *application,
                       struct token *token, char text[TOKEN_TEXT_SIZE], struct failure *failure)
{
    *token = (struct token){.kind = TOKEN_HOST, .issued_at = instant_now()};
    if (!use_secret(enrol, application, token->customer_id, failure)) {
        return false;
    }
    const char *host = application->host_id;
    if (!uuid_parse(host, &token->host_id)) {
        token->host_id = uuid_from_name(token->customer_id, host, strlen(host));
    }
    return access_issue(enrol->access, token, text, failure);
}

static void respond_token(struct service *service, struct http_request *request,
                          const struct token *token, const char *text)
{
    struct buffer body = {0};
    char id[UUID_TEXT_SIZE];
    char expiry[INSTANT_TEXT_SIZE];
    buffer_append_format(&body, "{\"token\":\"%s\",", text);
    if (token->kind == TOKEN_HOST) {
        buffer_append_format(&body, "\"host_id\":\"%s\",", uuid_format(&token->host_id, id));
    }
    buffer_append_format(&body, "\"expires_at\":\"%s\"}",
                         instant_format(access_expiry(service->access, token->issued_at), expiry));
    service_count(service, 200);
    http_respond(request, 200, "application/json", &body);
}

static void answer(struct enrol *enrol, const struct application *application)
{
    struct token token;
    struct failure failure = {0};
    char text[TOKEN_TEXT_SIZE];
    char id[UUID_TEXT_SIZE];
    if (!make_token(enrol, application, &token, text, &failure)) {
        if (failure.code != FAILURE_FORBIDDEN) {
            log_warning("could not enrol a host", log_text("reason", failure.message));
            failure_set(&failure, FAILURE_UNAVAILABLE, "cannot enrol now; ask again");
        }
        service_count(application->service, http_failure_status(failure.code));
        http_respond_failure(application->request, &failure);
        return;
    }
    log_info("enrolled a host", log_text("customer_id", token.customer_id),
             log_text("host_id", uuid_format(&token.host_id, id)));
    respond_token(application->service, application->request, &token, text);
    sodium_memzero(text, sizeof text);
}

static void *run_enrol(void *argument)
{
    struct enrol *enrol = argument;
    for (;;) {
        (void)pthread_mutex_lock(&enrol->lock);
        while (enrol->first == NULL && !enrol->stopping) {
            (void)pthread_cond_wait(&enrol->arrived, &enrol->lock);
        }
        struct application *application = enrol->first;
        if (application != NULL) {
            enrol->first = application->next;
            enrol->last = enrol->first == NULL ? &enrol->first : enrol->last;
            enrol->waiting--;
        }
        (void)pthread_mutex_unlock(&enrol->lock);
        if (application == NULL) {
            return NULL;
        }
        answer(enrol, application);
        free(application);
    }
}

/* ---- Starting and stopping ---- */

bool enrol_start(const char *conninfo, struct access *access, struct enrol **enrol,
                 struct failure *failure)
{
    struct enrol *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to enrol");
    }
    made->conninfo = conninfo;
    made->access = access;
    if (!quota_new(SECRET_RATE, SECRET_BURST, SECRETS_BUSY, &made->secrets, failure)) {
        free(made);
        return false;
    }
    made->last = &made->first;
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->arrived, NULL);
    if (pthread_create(&made->thread, NULL, run_enrol, made) != 0) {
        quota_free(made->secrets);
        free(made);
        return failure_set(failure, FAILURE_SYSTEM, "cannot start the enrolment thread");
    }
    *enrol = made;
    return true;
}

void enrol_stop(struct enrol *enrol)
{
    if (enrol == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&enrol->lock);
    enrol->stopping = true;
    (void)pthread_cond_signal(&enrol->arrived);
    (void)pthread_mutex_unlock(&enrol->lock);
    (void)pthread_join(enrol->thread, NULL);
    (void)pthread_cond_destroy(&enrol->arrived);
    (void)pthread_mutex_destroy(&enrol->lock);
    database_close(enrol->database);
    quota_free(enrol->secrets);
    free(enrol);
}

/* ---- The route ---- */

static bool read_application(const struct http_request *request, struct application *application,
                             struct failure *failure)
{
    const struct buffer *body = http_request_body(request);
    json_t *document = NULL;
    const char *secret;
    const char *host;
    bool good = false;
    if (!decode_json(body->data != NULL ? body->data : "", body->length, STRUCTURE_LIMIT, &document,
                     failure)) {
        return false;
    }
    if (!decode_text(json_object_get(document, "secret"), TOKEN_SECRET_SIZE, &secret, failure)) {
        failure_prefix(failure, "secret: ");
        goto done;
    }
    if (!decode_text(json_object_get(document, "host_id"), REPORT_TEXT_LIMIT, &host, failure)) {
        failure_prefix(failure, "host_id: ");
        goto done;
    }
    token_secret_hash(secret, application->secret_hash);
    memcpy(application->host_id, host, strlen(host) + 1);
    good = true;
done:
    json_decref(document);
    return good;
}

static bool submit(struct enrol *enrol, struct application *application, struct failure *failure)
{
    if (!quota_take(enrol->secrets, application->secret_hash, sizeof application->secret_hash,
                    instant_now())) {
        return failure_set(failure, FAILURE_EXHAUSTED, "secret: used too often at once");
    }
    (void)pthread_mutex_lock(&enrol->lock);
    bool taken = !enrol->stopping && enrol->waiting < WAITING_LIMIT;
    if (taken) {
        *enrol->last = application;
        enrol->last = &application->next;
        enrol->waiting++;
        (void)pthread_cond_signal(&enrol->arrived);
    }
    (void)pthread_mutex_unlock(&enrol->lock);
    return taken || failure_set(failure, FAILURE_UNAVAILABLE, "too many enrolments are waiting");
}

/* Not from the database: whoever holds a token that counts gets one that counts longer. */
static void renew(struct service *service, struct http_request *request)
{
    struct failure failure = {0};
    struct token token;
    char text[TOKEN_TEXT_SIZE];
    bool good = gate_admits(service->gate, request, &token, &failure);
    token.issued_at = instant_now();
    if (!good || !access_issue(service->access, &token, text, &failure)) {
        service_count(service, http_failure_status(failure.code));
        gate_refuse(request, &failure);
        return;
    }
    respond_token(service, request, &token, text);
    sodium_memzero(text, sizeof text);
}

void enrol_host(void *context, struct http_request *request)
{
    struct service *service = context;
    struct failure failure = {0};
    if (http_request_body(request)->length == 0 &&
        http_request_header(request, "Authorization") != NULL) {
        renew(service, request);
        return;
    }
    struct application *application = calloc(1, sizeof *application);
    if (application == NULL) {
        failure_memory(&failure, "enrolling a host");
        http_respond_failure(request, &failure);
        return;
    }
    application->request = request;
    application->service = service;
    if (!read_application(request, application, &failure) ||
        !submit(service->enrol, application, &failure)) {
        free(application);
        service_count(service, http_failure_status(failure.code));
        http_respond_failure(request, &failure);
    }
}
