/* TLS 1.3 for the HTTP server, by libmicrohttpd's own GnuTLS: which certificate a connection is
 * shown, and which certificate it shows.
 *
 * Files are PEM. A certificate or key that changes is taken from the next handshake on, without a
 * restart; a pair that does not fit (one of the two is not replaced yet) is not taken, and the old
 * one stays. The certificate authorities of clients are read once.
 *
 * One at a time in a process, since GnuTLS hands no context to whom it asks for a certificate.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_HTTP_TLS_H
#define EPICENTER_COMMON_HTTP_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include <microhttpd.h>

#include "common/failure.h"
#include "common/http_server.h"

/* GnuTLS's words for TLS 1.3 and nothing older. All of its ciphers are sound, so all are offered:
 * with AES-256 alone, small machines without AES instructions pay for nothing. */
#define HTTP_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:%SERVER_PRECEDENCE"

struct http_tls;

/* Reads the files. FAILURE_INVALID where they do not fit each other. */
MUST_CHECK bool http_tls_new(const struct http_tls_options *options, struct http_tls **tls,
                             struct failure *failure);
/* After the server. NULL is nothing. */
void http_tls_free(struct http_tls *tls);

/* Options for MHD_start_daemon beside MHD_USE_TLS; HTTP_TLS_ITEMS of them at most, the last one
 * MHD_OPTION_END. */
#define HTTP_TLS_ITEMS 4
void http_tls_items(const struct http_tls *tls, struct MHD_OptionItem items[HTTP_TLS_ITEMS]);

/* What the client's certificate says it is: its common name, its DNS names and its URIs. None where
 * it showed none, or none that the authorities of client_ca signed and that is in date. */
struct http_tls_peer {
    size_t count;
    char names[8][256];
};
/* Freed with free; NULL when memory is out. */
struct http_tls_peer *http_tls_read_peer(struct MHD_Connection *connection);

#endif
