/* Who may write? See access.h. The hard thing is to change keys and revocations under requests that
 * are being judged by them: readers share a lock, and the thread holds it alone only to swap
 * pointers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/access.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include <sodium.h>

#include "collector/access_log.h"
#include "collector/revocations.h"
#include "common/database.h"
#include "common/log.h"

#define TOKEN_DAYS 90U
/* A revoked token ends within ten seconds: two looks and a slow one. */
#define READ_S 5
/* How often old addresses are forgotten while nothing else is written down. */
#define TRIM_S 3600
#define STATEMENT_TIMEOUT_MS 2000
/* Room for a user name, which is nothing to us, and a token. */
#define BASIC_SIZE 512

struct access {
    struct access_options options;
    instant_us lifetime;
    struct access_log *log;
    struct database *database; /* of the thread; NULL until it could be opened */
    struct stat key_file;      /* of the thread: as it was when it was read */
    bool away;                 /* of the thread: the list could not be read last */
    time_t trimmed_at_s;       /* of the thread: monotonic */
    pthread_t thread;

    pthread_rwlock_t judging; /* guards what follows */
    struct token_keys *keys;
    struct revocations revocations;
    time_t read_at_s; /* monotonic; 0: never */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t told;
    bool refresh, stopping;
};

static time_t clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + 1; /* never 0 */
}

/* ---- Judging ---- */

static const char *after_scheme(const char *header, const char *scheme)
{
    size_t length = strlen(scheme);
    if (strncasecmp(header, scheme, length) != 0 || header[length] != ' ') {
        return NULL;
    }
    header += length;
    return header + strspn(header, " ");
}

/* The password of "user:password" in base64, for agents that know nothing but Basic. */
static const char *basic_password(const char *encoded, char text[static BASIC_SIZE])
{
    size_t length = 0;
    if (sodium_base642bin((unsigned char *)text, BASIC_SIZE - 1, encoded, strlen(encoded), NULL,
                          &length, NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
        return "";
    }
    text[length] = '\0';
    const char *colon = strchr(text, ':');
    return colon != NULL ? colon + 1 : "";
}

static bool verify(struct access *access, const char *header, struct token *token, bool *revoked,
                   struct failure *failure)
{
    char basic[BASIC_SIZE];
    const char *text = after_scheme(header, "Bearer");
    if (text == NULL) {
        const char *encoded = after_scheme(header, "Basic");
        text = encoded != NULL ? basic_password(encoded, basic) : "";
    }
    (void)pthread_rwlock_rdlock(&access->judging);
    bool ready = access->read_at_s != 0;
    bool good = token_verify(access->keys, text, token, failure);
    *revoked = good && revocations_hold(&access->revocations, token);
    (void)pthread_rwlock_unlock(&access->judging);
    sodium_memzero(basic, sizeof basic);
    if (good && !ready) {
        return failure_set(failure, FAILURE_UNAVAILABLE,
                           "the list of revoked tokens has not been read yet; send again");
    }
    return good;
}

bool access_authenticate(struct access *access, const struct http_request *request,
                         struct token *token, struct failure *failure)
{
    const char *header = http_request_header(request, "Authorization");
    bool revoked;
    if (header == NULL) {
        return failure_set(failure, FAILURE_UNAUTHORIZED,
                           "send the token: \"Authorization: Bearer …\", or Basic with the token "
                           "as password");
    }
    if (!verify(access, header, token, &revoked, failure)) {
        return false;
    }
    if (revoked) {
        failure_set(failure, FAILURE_UNAUTHORIZED, "the token was revoked; enrol again");
        access_note(access, ACCESS_REVOKED_TOKEN, token, request, failure->message);
        return false;
    }
    if (access_expiry(access, token->issued_at) < instant_now()) {
        failure_set(failure, FAILURE_UNAUTHORIZED, "the token is too old; enrol again");
        access_note(access, ACCESS_EXPIRED_TOKEN, token, request, failure->message);
        return false;
    }
    if (token->kind == TOKEN_REPLAY && !access->options.replay) {
        failure_set(failure, FAILURE_FORBIDDEN,
                    "this token is for replays, and this collector was started without --replay");
        access_note(access, ACCESS_REPLAY_TOKEN, token, request, failure->message);
        return false;
    }
    return true;
}

bool access_issue(struct access *access, const struct token *token, char text[TOKEN_TEXT_SIZE],
                  struct failure *failure)
{
    (void)pthread_rwlock_rdlock(&access->judging);
    bool good = token_issue(access->keys, token, text, failure);
    (void)pthread_rwlock_unlock(&access->judging);
    return good;
}

instant_us access_expiry(const struct access *access, instant_us issued_at)
{
    return issued_at + access->lifetime;
}

bool access_is_ready(struct access *access)
{
    (void)pthread_rwlock_rdlock(&access->judging);
    bool ready = access->read_at_s != 0;
    (void)pthread_rwlock_unlock(&access->judging);
    return ready;
}

void access_note(struct access *access, enum access_event event, const struct token *token,
                 const struct http_request *request, const char *detail)
{
    char address[HTTP_ADDRESS_SIZE];
    access_log_note(access->log, event, token, http_request_address(request, address), detail);
}

void access_read_status(struct access *access, struct access_status *status)
{
    access_log_counts(access->log, status->events);
    (void)pthread_rwlock_rdlock(&access->judging);
    status->revocations = access->revocations.count;
    status->list_age_s = access->read_at_s != 0 ? (double)(clock_s() - access->read_at_s) : -1;
    (void)pthread_rwlock_unlock(&access->judging);
}

/* ---- Reading ---- */

static bool load_keys(struct access *access, bool create, struct failure *failure)
{
    struct token_keys *keys = NULL;
    struct stat now = {0};
    (void)stat(access->options.key_file, &now);
    if (!token_keys_load(access->options.key_file, create, &keys, failure)) {
        access->key_file = now; /* said once */
        return false;
    }
    if (create) {
        (void)stat(access->options.key_file, &now);
    }
    access->key_file = now;
    (void)pthread_rwlock_wrlock(&access->judging);
    struct token_keys *old = access->keys;
    access->keys = keys;
    (void)pthread_rwlock_unlock(&access->judging);
    if (old != NULL) {
        token_keys_free(old);
        log_info("read the token keys again", log_text("file", access->options.key_file));
    }
    return true;
}

static bool key_file_changed(const struct access *access)
{
    struct stat now = {0};
    const struct stat *then = &access->key_file;
    return stat(access->options.key_file, &now) == 0 &&
           (now.st_ino != then->st_ino || now.st_size != then->st_size ||
            now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != then->st_mtim.tv_nsec);
}

static bool read_list(struct access *access, struct failure *failure)
{
    struct revocations list = {0};
    if (access->database == NULL &&
        !database_open(access->options.conninfo, "epicenter collector, access",
                       STATEMENT_TIMEOUT_MS, &access->database, failure)) {
        return false;
    }
    if (!revocations_read(access->database, access->lifetime, &list, failure)) {
        return false;
    }
    (void)pthread_rwlock_wrlock(&access->judging);
    struct revocations old = access->revocations;
    access->revocations = list;
    access->read_at_s = clock_s();
    (void)pthread_rwlock_unlock(&access->judging);
    revocations_free(&old);
    if (clock_s() - access->trimmed_at_s > TRIM_S) {
        access->trimmed_at_s = clock_s();
        return access_log_trim(access->database, failure) &&
               access_log_write(access->log, access->database, failure);
    }
    return access_log_write(access->log, access->database, failure);
}

static void read_all(struct access *access)
{
    struct failure failure = {0};
    if (key_file_changed(access) && !load_keys(access, false, &failure)) {
        log_error("keeps the token keys it has", log_text("reason", failure.message));
    }
    bool good = read_list(access, &failure);
    if (!good && !access->away) {
        log_warning("cannot read which tokens were revoked; keeps the list it has",
                    log_text("reason", failure.message));
    } else if (good && access->away) {
        log_info("reads again which tokens were revoked");
    }
    access->away = !good;
}

static void *run(void *argument)
{
    struct access *access = argument;
    (void)pthread_mutex_lock(&access->lock);
    while (!access->stopping) {
        access->refresh = false;
        (void)pthread_mutex_unlock(&access->lock);
        read_all(access);
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        /* Sooner while nobody can be let in. */
        until.tv_sec += access->away ? 1 : READ_S;
        (void)pthread_mutex_lock(&access->lock);
        int error = 0;
        while (!access->stopping && !access->refresh && error == 0) {
            error = pthread_cond_timedwait(&access->told, &access->lock, &until);
        }
    }
    (void)pthread_mutex_unlock(&access->lock);
    return NULL;
}

/* ---- Starting and stopping ---- */

static void free_all(struct access *access)
{
    struct failure ignored;
    /* What was noted since the last look. */
    if (access->database != NULL && !access_log_write(access->log, access->database, &ignored)) {
        log_warning("some refusals are not written down", log_text("reason", ignored.message));
    }
    database_close(access->database);
    revocations_free(&access->revocations);
    token_keys_free(access->keys);
    access_log_free(access->log);
    (void)pthread_cond_destroy(&access->told);
    (void)pthread_mutex_destroy(&access->lock);
    (void)pthread_rwlock_destroy(&access->judging);
    free(access);
}

bool access_start(const struct access_options *options, struct access **access,
                  struct failure *failure)
{
    struct access *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to check tokens");
    }
    made->options = *options;
    made->lifetime =
        (instant_us)(options->token_days > 0 ? options->token_days : TOKEN_DAYS) * INSTANT_DAY;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_rwlock_init(&made->judging, NULL);
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->told, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (!access_log_new(&made->log, failure) || !load_keys(made, true, failure)) {
        free_all(made);
        return false;
    }
    if (pthread_create(&made->thread, NULL, run, made) != 0) {
        free_all(made);
        return failure_set(failure, FAILURE_SYSTEM, "cannot start the thread that checks tokens");
    }
    *access = made;
    return true;
}

static void tell(struct access *access, bool *what)
{
    (void)pthread_mutex_lock(&access->lock);
    *what = true;
    (void)pthread_cond_signal(&access->told);
    (void)pthread_mutex_unlock(&access->lock);
}

void access_refresh(struct access *access)
{
    tell(access, &access->refresh);
}

void access_stop(struct access *access)
{
    if (access == NULL) {
        return;
    }
    tell(access, &access->stopping);
    (void)pthread_join(access->thread, NULL);
    free_all(access);
}
