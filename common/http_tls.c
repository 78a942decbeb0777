/* TLS for the HTTP server; see http_tls.h. The hard thing is to change a certificate while
 * handshakes are using it: each is given a copy of its own, which GnuTLS frees, and what is changed
 * here is only the text the copies are made from.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/http_tls.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sodium.h>

#include "common/log.h"

/* A chain of more certificates is a mistake. */
#define CHAIN_MOST 16U

struct http_tls {
    const char *certificate_file, *key_file;
    char *client_ca;      /* PEM; NULL: clients are not asked */
    pthread_mutex_t lock; /* guards what follows */
    gnutls_datum_t certificate, key;
    struct stat certificate_seen, key_seen;
    time_t looked_at_s;
};

/* The one that serves; set before its server starts, and cleared after it stopped. */
static struct http_tls *serving;

/* ---- Files ---- */

static bool read_file(const char *path, gnutls_datum_t *text, struct failure *failure)
{
    int error = gnutls_load_file(path, text);
    return error == GNUTLS_E_SUCCESS ||
           failure_set(failure, FAILURE_NOT_FOUND, "cannot read %s: %s", path,
                       errno != 0 ? strerror(errno) : gnutls_strerror(error));
}

static void free_secret(gnutls_datum_t *text)
{
    if (text->data != NULL) {
        sodium_memzero(text->data, text->size);
        gnutls_free(text->data);
    }
    *text = (gnutls_datum_t){0};
}

/* Whether the two belong together and can be used. */
static bool check_pair(const struct http_tls *tls, const gnutls_datum_t *certificate,
                       const gnutls_datum_t *key, struct failure *failure)
{
    gnutls_certificate_credentials_t credentials = NULL;
    int error = gnutls_certificate_allocate_credentials(&credentials);
    if (error == GNUTLS_E_SUCCESS) {
        error =
            gnutls_certificate_set_x509_key_mem(credentials, certificate, key, GNUTLS_X509_FMT_PEM);
        gnutls_certificate_free_credentials(credentials);
    }
    return error >= 0 || failure_set(failure, FAILURE_INVALID, "certificate %s and key %s: %s",
                                     tls->certificate_file, tls->key_file, gnutls_strerror(error));
}

static bool read_pair(struct http_tls *tls, struct failure *failure)
{
    gnutls_datum_t certificate = {0};
    gnutls_datum_t key = {0};
    struct stat certificate_seen = {0};
    struct stat key_seen = {0};
    /* Looked at before they are read: a change in between is one more change. */
    (void)stat(tls->certificate_file, &certificate_seen);
    (void)stat(tls->key_file, &key_seen);
    errno = 0;
    bool good = read_file(tls->certificate_file, &certificate, failure) &&
                read_file(tls->key_file, &key, failure) &&
                check_pair(tls, &certificate, &key, failure);
    tls->certificate_seen = certificate_seen;
    tls->key_seen = key_seen;
    if (good) {
        gnutls_datum_t old = tls->key;
        gnutls_free(tls->certificate.data);
        free_secret(&old);
        tls->certificate = certificate;
        tls->key = key;
    } else {
        gnutls_free(certificate.data);
        free_secret(&key);
    }
    return good;
}

static bool is_as_seen(const char *path, const struct stat *seen)
{
    struct stat now = {0};
    return stat(path, &now) != 0 || (now.st_ino == seen->st_ino && now.st_size == seen->st_size &&
                                     now.st_mtim.tv_sec == seen->st_mtim.tv_sec &&
                                     now.st_mtim.tv_nsec == seen->st_mtim.tv_nsec);
}

/* Takes a changed pair, at most one look a second. The lock is held. */
static void refresh(struct http_tls *tls)
{
    struct timespec now;
    struct failure failure = {0};
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (now.tv_sec == tls->looked_at_s) {
        return;
    }
    tls->looked_at_s = now.tv_sec;
    if (is_as_seen(tls->certificate_file, &tls->certificate_seen) &&
        is_as_seen(tls->key_file, &tls->key_seen)) {
        return;
    }
    if (read_pair(tls, &failure)) {
        log_info("took a new certificate", log_text("file", tls->certificate_file));
    } else {
        log_warning("keeps the certificate it has", log_text("reason", failure.message));
    }
}

/* ---- What a handshake is given ---- */

static int copy_pair(const struct http_tls *tls, gnutls_pcert_st *chain, unsigned *count,
                     gnutls_privkey_t *key)
{
    int error =
        gnutls_pcert_list_import_x509_raw(chain, count, &tls->certificate, GNUTLS_X509_FMT_PEM, 0);
    if (error < 0) {
        return error;
    }
    error = gnutls_privkey_init(key);
    if (error >= 0) {
        error = gnutls_privkey_import_x509_raw(*key, &tls->key, GNUTLS_X509_FMT_PEM, NULL, 0);
        if (error >= 0) {
            return error;
        }
        gnutls_privkey_deinit(*key);
    }
    for (unsigned i = 0; i < *count; i++) {
        gnutls_pcert_deinit(&chain[i]);
    }
    return error;
}

static int choose_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                              gnutls_pcert_st **chain, unsigned *count, gnutls_ocsp_data_st **ocsp,
                              unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags)
{
    (void)session;
    (void)info;
    struct http_tls *tls = serving;
    unsigned copied = CHAIN_MOST;
    gnutls_pcert_st *copies = gnutls_calloc(CHAIN_MOST, sizeof *copies);
    if (tls == NULL || copies == NULL) {
        gnutls_free(copies);
        return -1;
    }
    (void)pthread_mutex_lock(&tls->lock);
    refresh(tls);
    int error = copy_pair(tls, copies, &copied, key);
    (void)pthread_mutex_unlock(&tls->lock);
    if (error < 0) {
        gnutls_free(copies);
        return -1;
    }
    *chain = copies;
    *count = copied;
    *ocsp = NULL;
    *ocsp_count = 0;
    *flags = GNUTLS_CERT_RETR_DEINIT_ALL;
    return 0;
}

void http_tls_items(const struct http_tls *tls, struct MHD_OptionItem items[HTTP_TLS_ITEMS])
{
    size_t count = 0;
    /* An item has room for an object's address only; POSIX says that a function's is alike. */
    gnutls_certificate_retrieve_function3 *function = choose_certificate;
    void *address;
    _Static_assert(sizeof address == sizeof function, "functions have addresses as objects have");
    memcpy(&address, &function, sizeof address);
    items[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, address};
    items[count++] =
        (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)HTTP_TLS_PRIORITIES};
    if (tls->client_ca != NULL) {
        items[count++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)tls->client_ca};
    }
    items[count] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

/* ---- What the client shows ---- */

static void add_name(struct http_tls_peer *peer, const char *name, size_t length)
{
    if (peer->count < sizeof peer->names / sizeof *peer->names && length > 0 &&
        length < sizeof *peer->names && memchr(name, '\0', length) == NULL) {
        memcpy(peer->names[peer->count], name, length);
        peer->names[peer->count++][length] = '\0';
    }
}

static void read_names(gnutls_x509_crt_t certificate, struct http_tls_peer *peer)
{
    char name[sizeof *peer->names];
    size_t length = sizeof name;
    if (gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name,
                                      &length) >= 0) {
        add_name(peer, name, length);
    }
    for (unsigned i = 0;; i++) {
        length = sizeof name;
        int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &length, NULL);
        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            return;
        }
        if (type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_URI) {
            add_name(peer, name, length);
        }
    }
}

struct http_tls_peer *http_tls_read_peer(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    gnutls_session_t session = info != NULL ? info->tls_session : NULL;
    struct http_tls_peer *peer = calloc(1, sizeof *peer);
    gnutls_x509_crt_t certificate = NULL;
    unsigned trouble = 0;
    unsigned count = 0;
    if (peer == NULL || session == NULL ||
        gnutls_certificate_verify_peers2(session, &trouble) != GNUTLS_E_SUCCESS || trouble != 0) {
        return peer;
    }
    const gnutls_datum_t *shown = gnutls_certificate_get_peers(session, &count);
    if (shown != NULL && count > 0 && gnutls_x509_crt_init(&certificate) == GNUTLS_E_SUCCESS) {
        if (gnutls_x509_crt_import(certificate, shown, GNUTLS_X509_FMT_DER) == GNUTLS_E_SUCCESS) {
            read_names(certificate, peer);
        }
        gnutls_x509_crt_deinit(certificate);
    }
    return peer;
}

/* ---- Starting and stopping ---- */

static bool read_client_ca(struct http_tls *tls, const char *path, struct failure *failure)
{
    gnutls_datum_t text = {0};
    gnutls_x509_crt_t *list = NULL;
    unsigned count = 0;
    errno = 0;
    if (!read_file(path, &text, failure)) {
        return false;
    }
    int error = gnutls_x509_crt_list_import2(&list, &count, &text, GNUTLS_X509_FMT_PEM, 0);
    for (unsigned i = 0; error >= 0 && i < count; i++) {
        gnutls_x509_crt_deinit(list[i]);
    }
    gnutls_free(list);
    tls->client_ca = error >= 0 ? strndup((const char *)text.data, text.size) : NULL;
    gnutls_free(text.data);
    if (error < 0) {
        return failure_set(failure, FAILURE_INVALID, "%s: %s", path, gnutls_strerror(error));
    }
    return tls->client_ca != NULL || failure_memory(failure, "reading certificates");
}

bool http_tls_new(const struct http_tls_options *options, struct http_tls **tls,
                  struct failure *failure)
{
    struct http_tls *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting TLS");
    }
    made->certificate_file = options->certificate;
    made->key_file = options->key;
    (void)pthread_mutex_init(&made->lock, NULL);
    if (serving != NULL) {
        failure_set(failure, FAILURE_SYSTEM, "one server of a process speaks TLS");
    } else if (read_pair(made, failure) &&
               (options->client_ca == NULL || read_client_ca(made, options->client_ca, failure))) {
        serving = made;
        *tls = made;
        return true;
    }
    http_tls_free(made);
    return false;
}

void http_tls_free(struct http_tls *tls)
{
    if (tls == NULL) {
        return;
    }
    serving = serving == tls ? NULL : serving;
    gnutls_free(tls->certificate.data);
    free_secret(&tls->key);
    free(tls->client_ca);
    (void)pthread_mutex_destroy(&tls->lock);
    free(tls);
}
