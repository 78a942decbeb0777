/* Who is this, and may they come in? See access.h. The hard thing is that a request cannot wait for
 * the database on the thread that serves all others: what memory knows is judged there, everything
 * else by a thread that takes one after another.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/access.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "analyzer/access_book.h"
#include "analyzer/credential.h"
#include "analyzer/sign_in_page.h"
#include "analyzer/statements.h"
#include "analyzer/throttle.h"
#include "common/database.h"
#include "common/log.h"

/* Requests waiting at once; a password takes a tenth of a second. */
#define WAITING_MOST 128
#define STATEMENT_TIMEOUT_MS 5000
/* What is revoked or disabled is refused within so long. */
#define LOAD_INTERVAL_S 2

/* Failures in a quarter of an hour. A person mistypes a few times; five guesses for one account
 * from one place, fifty from anywhere and twenty for any account from one network find nothing. */
#define FAILURES_HERE 5
#define FAILURES_ANYWHERE 50
#define FAILURES_NETWORK 20

#define COOKIE "__Host-epicenter"

enum job_kind { JOB_LOOK_UP, JOB_PASSWORD, JOB_LINK, JOB_SIGN_OUT };

struct job {
    enum job_kind kind;
    struct http_request *request;
    char credential[CREDENTIAL_SIZE]; /* what the browser shows; "": nothing */
    access_decided decided;           /* JOB_LOOK_UP */
    void *context;
    struct sign_in_form form; /* JOB_PASSWORD, JOB_LINK */
};

struct access {
    struct access_book *book;
    char *conninfo;
    /* The thread's. */
    struct database *database; /* NULL until it has been reached once */
    struct throttle throttle;
    unsigned char throttle_key[crypto_shorthash_KEYBYTES];
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    bool stopping;
    char url[128];                    /* "": the first admin is not invited, or is by now */
    struct job waiting[WAITING_MOST]; /* a ring */
    size_t first, count;
};

/* ---- What a request shows ---- */

/* The value of the session's cookie, or "". */
static void read_cookie(const struct http_request *request, char value[CREDENTIAL_SIZE])
{
    const char *at = http_request_header(request, "Cookie");
    const size_t length = sizeof COOKIE - 1;
    value[0] = '\0';
    while (at != NULL && *at != '\0') {
        at += strspn(at, "; ");
        size_t size = strcspn(at, ";");
        if (size > length + 1 && size - length - 1 < CREDENTIAL_SIZE &&
            strncmp(at, COOKIE "=", length + 1) == 0) {
            memcpy(value, at + length + 1, size - length - 1);
            value[size - length - 1] = '\0';
            return;
        }
        at += size;
    }
}

/* What it shows if that has the form of one of ours; "" otherwise. A key goes before a cookie. */
static void read_credential(const struct http_request *request, char credential[CREDENTIAL_SIZE])
{
    static const char bearer[] = "Bearer ";
    const char *header = http_request_header(request, "Authorization");
    credential[0] = '\0';
    if (header != NULL) {
        if (strncmp(header, bearer, sizeof bearer - 1) == 0 &&
            credential_is_formed(CREDENTIAL_KEY, header + sizeof bearer - 1)) {
            memcpy(credential, header + sizeof bearer - 1, CREDENTIAL_SIZE);
        }
        return;
    }
    read_cookie(request, credential);
    if (!credential_is_formed(CREDENTIAL_SESSION, credential)) {
        credential[0] = '\0';
    }
}

enum access_finding access_find(struct access *access, struct http_request *request,
                                struct identity *identity)
{
    char credential[CREDENTIAL_SIZE];
    read_credential(request, credential);
    if (credential[0] == '\0') {
        return ACCESS_NOBODY;
    }
    return access_book_find(access->book, credential, instant_now(), identity) ? ACCESS_KNOWN
                                                                               : ACCESS_UNSURE;
}

/* Browsers say where a request comes from in Sec-Fetch-Site, older ones in Origin. */
bool access_is_cross_site(const struct http_request *request)
{
    const char *site = http_request_header(request, "Sec-Fetch-Site");
    const char *origin = http_request_header(request, "Origin");
    const char *host = http_request_header(request, "Host");
    if (http_request_header(request, "Authorization") != NULL) {
        return false;
    }
    if (site != NULL) {
        return strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
    }
    if (origin == NULL) {
        return false;
    }
    const char *name = strstr(origin, "://");
    return name == NULL || host == NULL || strcmp(name + 3, host) != 0;
}

/* ---- Letting in ---- */

static void respond_see_other(struct http_request *request, const char *location,
                              const char *session)
{
    char cookie[160];
    (void)snprintf(cookie, sizeof cookie, COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict%s",
                   session, *session == '\0' ? "; Max-Age=0" : "");
    http_respond_header(request, "Set-Cookie", cookie);
    http_respond_header(request, "Location", location);
    http_respond(request, 303, NULL, NULL);
}

/* The session is in the database; from now on it is in memory, too. */
static bool let_in(struct access *access, const struct job *job, const char *session,
                   const char *role_text, struct failure *failure)
{
    enum role role;
    if (!role_parse(role_text, &role, failure) ||
        !access_book_load(access->book, access->database, failure)) {
        return false;
    }
    respond_see_other(job->request, job->form.next[0] != '\0' ? job->form.next : role_home(role),
                      session);
    return true;
}

static uint64_t throttle_key(const struct access *access, const char *kind, const void *name,
                             size_t length, const void *network, size_t network_length)
{
    unsigned char text[1 + SIGN_IN_NAME_SIZE + HTTP_NETWORK_SIZE];
    uint64_t key;
    text[0] = (unsigned char)*kind;
    memcpy(text + 1, name, length);
    memcpy(text + 1 + length, network, network_length);
    crypto_shorthash((unsigned char *)&key, text, 1 + length + network_length,
                     access->throttle_key);
    return key;
}

/* What is counted of a try: one count each, and how many may fail. */
struct tries {
    struct {
        uint64_t key;
        unsigned limit;
    } of[3];
    size_t count;
};

/* Behind a proxy on this machine everybody comes from one address, which then says nothing. */
static void count_tries(const struct access *access, const struct job *job, struct tries *tries)
{
    static const uint8_t loopback6[HTTP_NETWORK_SIZE] = {0};
    uint8_t network[HTTP_NETWORK_SIZE];
    size_t length = http_request_network(job->request, network);
    const char *name = job->form.name;
    *tries = (struct tries){.count = 2};
    tries->of[0].key = throttle_key(access, "here", name, strlen(name), network, length);
    tries->of[0].limit = FAILURES_HERE;
    tries->of[1].key = throttle_key(access, "anywhere", name, strlen(name), network, 0);
    tries->of[1].limit = FAILURES_ANYWHERE;
    bool local = length == 0 || (length == 4 && network[0] == 127) ||
                 (length == sizeof loopback6 && memcmp(network, loopback6, length) == 0);
    if (!local) {
        tries->of[2].key = throttle_key(access, "network", network, 0, network, length);
        tries->of[2].limit = FAILURES_NETWORK;
        tries->count = 3;
    }
}

static bool sign_in_by_password(struct access *access, const struct job *job,
                                struct failure *failure)
{
    struct tries tries;
    instant_us now = instant_now();
    instant_us wait = 0;
    count_tries(access, job, &tries);
    for (size_t i = 0; i < tries.count; i++) {
        instant_us one = throttle_wait(&access->throttle, tries.of[i].key, tries.of[i].limit, now);
        wait = one > wait ? one : wait;
    }
    if (wait > 0) {
        sign_in_page_throttled(job->request, &job->form, wait);
        return true;
    }
    PGresult *rows = NULL;
    const char *parameters[] = {job->form.name};
    if (!database_run(access->database, STATEMENT_ACCOUNT_PASSWORD, 1, parameters, &rows,
                      failure)) {
        return false;
    }
    bool good =
        password_matches(job->form.password, PQntuples(rows) == 1 ? PQgetvalue(rows, 0, 0) : NULL);
    PQclear(rows);
    rows = NULL;
    char session[CREDENTIAL_SIZE];
    char hash[CREDENTIAL_HEX_SIZE];
    char old[CREDENTIAL_HEX_SIZE];
    credential_new(CREDENTIAL_SESSION, session);
    const char *adding[] = {credential_hex(session, hash), job->form.name,
                            credential_hex(job->credential, old)};
    if (good && !database_run(access->database, STATEMENT_SESSION_ADD, 3, adding, &rows, failure)) {
        return false;
    }
    if (!good || PQntuples(rows) != 1) {
        PQclear(rows);
        for (size_t i = 0; i < tries.count; i++) {
            throttle_fail(&access->throttle, tries.of[i].key, now);
        }
        /* Not the name: people type their password there. */
        char address[HTTP_ADDRESS_SIZE];
        log_warning("somebody did not get in",
                    log_text("address", http_request_address(job->request, address)));
        sign_in_page_refused(job->request, &job->form, "Name and password do not match.");
        return true;
    }
    throttle_forgive(&access->throttle, tries.of[0].key);
    log_info("somebody signed in", log_text("name", job->form.name));
    good = let_in(access, job, session, PQgetvalue(rows, 0, 0), failure);
    PQclear(rows);
    return good;
}

static bool sign_in_by_link(struct access *access, const struct job *job, struct failure *failure)
{
    PGresult *rows = NULL;
    char session[CREDENTIAL_SIZE];
    char hash[CREDENTIAL_HEX_SIZE];
    char link[CREDENTIAL_HEX_SIZE];
    char old[CREDENTIAL_HEX_SIZE];
    credential_new(CREDENTIAL_SESSION, session);
    const char *parameters[] = {credential_hex(session, hash), credential_hex(job->form.link, link),
                                credential_hex(job->credential, old)};
    if (!database_run(access->database, STATEMENT_LINK_USE, 3, parameters, &rows, failure)) {
        return false;
    }
    bool good = true;
    if (PQntuples(rows) == 1) {
        log_info("somebody signed in by a link", log_text("role", PQgetvalue(rows, 0, 0)));
        good = let_in(access, job, session, PQgetvalue(rows, 0, 0), failure);
    } else {
        struct sign_in_form form = job->form;
        form.link[0] = '\0';
        sign_in_page_refused(job->request, &form,
                             "This link was used before, or is over a day old.");
    }
    PQclear(rows);
    return good;
}

static bool sign_out(struct access *access, const struct job *job, struct failure *failure)
{
    char hash[CREDENTIAL_HEX_SIZE];
    const char *parameters[] = {credential_hex(job->credential, hash)};
    if (!database_run(access->database, STATEMENT_SESSION_END, 1, parameters, NULL, failure) ||
        !access_book_load(access->book, access->database, failure)) {
        return false;
    }
    respond_see_other(job->request, "/sign-in", "");
    return true;
}

/* ---- The thread ---- */

static bool look_up(struct access *access, const struct job *job, struct failure *failure)
{
    struct identity identity;
    if (!access_book_find(access->book, job->credential, instant_now(), &identity)) {
        if (!access_book_load(access->book, access->database, failure)) {
            return false;
        }
        if (!access_book_find(access->book, job->credential, instant_now(), &identity)) {
            job->decided(job->context, job->request, NULL);
            return true;
        }
    }
    job->decided(job->context, job->request, &identity);
    return true;
}

static bool reach_database(struct access *access, struct failure *failure)
{
    return access->database != NULL ||
           database_open(access->conninfo, "epicenter sign-in", STATEMENT_TIMEOUT_MS,
                         &access->database, failure);
}

static void do_job(struct access *access, const struct job *job)
{
    static bool (*const ways[])(struct access *, const struct job *,
                                struct failure *) = {[JOB_LOOK_UP] = look_up,
                                                     [JOB_PASSWORD] = sign_in_by_password,
                                                     [JOB_LINK] = sign_in_by_link,
                                                     [JOB_SIGN_OUT] = sign_out};
    struct failure failure;
    if (!reach_database(access, &failure) || !ways[job->kind](access, job, &failure)) {
        http_respond_problem(job->request, 503, "who you are cannot be checked: %s",
                             failure.message);
    }
}

/* Prints the first admin's link, once, when the database can say that there is no other. */
static bool invite_first(struct access *access, struct failure *failure)
{
    char url[sizeof access->url];
    char link[CREDENTIAL_SIZE];
    char hash[CREDENTIAL_HEX_SIZE];
    PGresult *rows = NULL;
    pthread_mutex_lock(&access->mutex);
    memcpy(url, access->url, sizeof url);
    pthread_mutex_unlock(&access->mutex);
    if (url[0] == '\0') {
        return true;
    }
    credential_new(CREDENTIAL_LINK, link);
    const char *parameters[] = {credential_hex(link, hash)};
    if (!database_run(access->database, STATEMENT_LINK_FIRST, 1, parameters, &rows, failure)) {
        return false;
    }
    if (PQntuples(rows) == 1) {
        (void)fprintf(
            stderr,
            "Nobody has an account of an admin yet. This link signs one in, once, within a"
            " day:\n  %s/sign-in?link=%s\n"
            "`analyzer account add` makes accounts; until then every start prints one.\n",
            url, link);
    }
    PQclear(rows);
    pthread_mutex_lock(&access->mutex);
    access->url[0] = '\0';
    pthread_mutex_unlock(&access->mutex);
    return true;
}

/* Trouble is not said here: the thread that follows the database meets it, too, and says it. */
static void load(struct access *access)
{
    struct failure failure;
    if (reach_database(access, &failure) &&
        access_book_load(access->book, access->database, &failure)) {
        (void)!invite_first(access, &failure);
    }
}

/* With the mutex; false when it is time to load. */
static bool wait_for_job(struct access *access, const struct timespec *until)
{
    while (access->count == 0 && !access->stopping) {
        if (pthread_cond_timedwait(&access->changed, &access->mutex, until) == ETIMEDOUT) {
            return access->count > 0;
        }
    }
    return true;
}

static void *serve_jobs(void *context)
{
    struct access *access = context;
    struct timespec until = {0};
    pthread_mutex_lock(&access->mutex);
    while (!access->stopping || access->count > 0) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (!access->stopping && (now.tv_sec > until.tv_sec || !wait_for_job(access, &until))) {
            pthread_mutex_unlock(&access->mutex);
            load(access);
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec += LOAD_INTERVAL_S;
            pthread_mutex_lock(&access->mutex);
            continue;
        }
        if (access->count == 0) {
            continue;
        }
        struct job job = access->waiting[access->first];
        access->first = (access->first + 1) % WAITING_MOST;
        access->count--;
        pthread_mutex_unlock(&access->mutex);
        do_job(access, &job);
        sodium_memzero(&job, sizeof job);
        pthread_mutex_lock(&access->mutex);
    }
    pthread_mutex_unlock(&access->mutex);
    return NULL;
}

/* ---- At the door ---- */

static void put_job(struct access *access, const struct job *job)
{
    pthread_mutex_lock(&access->mutex);
    bool put = access->count < WAITING_MOST && !access->stopping;
    if (put) {
        access->waiting[(access->first + access->count) % WAITING_MOST] = *job;
        access->count++;
        pthread_cond_signal(&access->changed);
    }
    pthread_mutex_unlock(&access->mutex);
    if (!put) {
        http_respond_problem(job->request, 503, "too many wait to come in");
    }
}

void access_ask(struct access *access, struct http_request *request, access_decided decided,
                void *context)
{
    struct job job = {
        .kind = JOB_LOOK_UP, .request = request, .decided = decided, .context = context};
    read_credential(request, job.credential);
    http_request_keep_body(request);
    put_job(access, &job);
}

/* Browsers fetch ahead what they think will be wanted; a link is to be used by who means it. */
static bool is_fetched_ahead(const struct http_request *request)
{
    return http_request_header(request, "Sec-Purpose") != NULL ||
           strcmp(http_request_method(request), "GET") != 0;
}

void access_serve_sign_in(struct access *access, struct http_request *request)
{
    struct job job = {.kind = JOB_LINK, .request = request};
    const char *link = http_request_query(request, "link");
    sign_in_form_next(&job.form, http_request_query(request, "next"));
    if (link == NULL) {
        sign_in_page_form(request, &job.form);
        return;
    }
    if (!credential_is_formed(CREDENTIAL_LINK, link)) {
        sign_in_page_refused(request, &job.form, "This is not the whole link.");
        return;
    }
    memcpy(job.form.link, link, CREDENTIAL_SIZE);
    /* From another site, a message in the browser, say: the cookie would not go with the redirect,
     * so a press of a button comes first. */
    if (access_is_cross_site(request) || is_fetched_ahead(request)) {
        sign_in_page_form(request, &job.form);
        return;
    }
    read_cookie(request, job.credential);
    put_job(access, &job);
}

void access_take_sign_in(struct access *access, struct http_request *request)
{
    struct job job = {.kind = JOB_PASSWORD, .request = request};
    if (!sign_in_form_read(&job.form, request)) {
        http_respond_problem(request, 400, "a form with name and password, or with link");
        return;
    }
    if (job.form.link[0] != '\0') {
        job.kind = JOB_LINK;
    }
    read_cookie(request, job.credential);
    put_job(access, &job);
    sodium_memzero(&job, sizeof job);
}

void access_take_sign_out(struct access *access, struct http_request *request)
{
    struct job job = {.kind = JOB_SIGN_OUT, .request = request};
    read_cookie(request, job.credential);
    put_job(access, &job);
}

void access_invite_first(struct access *access, const char *url)
{
    pthread_mutex_lock(&access->mutex);
    (void)snprintf(access->url, sizeof access->url, "%s", url);
    pthread_mutex_unlock(&access->mutex);
}

/* ---- Start and end ---- */

static void end(struct access *access)
{
    pthread_cond_destroy(&access->changed);
    pthread_mutex_destroy(&access->mutex);
    access_book_free(access->book);
    free(access->conninfo);
    free(access);
}

bool access_new(const char *conninfo, struct access **access, struct failure *failure)
{
    struct access *made = calloc(1, sizeof *made);
    if (made == NULL || (made->conninfo = strdup(conninfo)) == NULL ||
        !access_book_new(&made->book, failure)) {
        if (made != NULL) {
            free(made->conninfo);
        }
        free(made);
        return failure_memory(failure, "starting to serve");
    }
    crypto_shorthash_keygen(made->throttle_key);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int status = pthread_create(&made->thread, NULL, serve_jobs, made);
    if (status != 0) {
        end(made);
        return failure_set(failure, FAILURE_SYSTEM, "a thread cannot be started: %s",
                           strerror(status));
    }
    *access = made;
    return true;
}

void access_free(struct access *access)
{
    if (access == NULL) {
        return;
    }
    pthread_mutex_lock(&access->mutex);
    access->stopping = true;
    pthread_cond_signal(&access->changed);
    pthread_mutex_unlock(&access->mutex);
    pthread_join(access->thread, NULL);
    database_close(access->database);
    end(access);
}
