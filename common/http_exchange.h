/* A request and its server from the inside: what http_server.c (the event loop), http_request.c
 * (what is asked) and http_answer.c (what is answered) share. For these three only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_HTTP_EXCHANGE_H
#define EPICENTER_COMMON_HTTP_EXCHANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <microhttpd.h>

#include "common/arena.h"
#include "common/buffer.h"
#include "common/http_loop.h"
#include "common/http_server.h"

/* The security headers are six; a route adds a few. */
#define ANSWER_HEADERS_LIMIT 16

struct http_server {
    struct http_loop **loops;
    size_t loop_count; /* started */
    const struct http_route *routes;
    size_t route_count;
    void *context;
    http_admission admission; /* NULL: none */
    struct http_deadlines *deadlines;
    struct http_tls *tls; /* NULL: plain HTTP */
    uint16_t port;
    char *socket_path; /* NULL: not a Unix socket */
    int listener;
    atomic_bool quiesced;
    atomic_size_t calling; /* handlers that have not returned */
    atomic_size_t waiting; /* requests handed to a handler whose answer is not yet queued */
    atomic_size_t bodies;  /* bytes of them in memory */
    atomic_size_t open;    /* requests begun whose answer is not wholly sent */
};

/* HANDLED -> ANSWERED, or HANDLED -> SUSPENDED -> ANSWERED. */
enum request_state { REQUEST_HANDLED, REQUEST_SUSPENDED, REQUEST_ANSWERED };

struct http_request {
    struct http_server *server;
    struct http_loop *loop;
    struct MHD_Connection *connection;
    struct http_resumption resumption;
    struct arena arena; /* what lives as long as the request */
    const char *method;
    const char *path;
    const char *rest;
    const struct http_route *route; /* NULL: none, `refusal` says which way */
    unsigned refusal;               /* status to refuse with once the body is out of the way */
    void *note;                     /* http_request_note; NULL: none yet */
    struct buffer body;
    size_t body_limit;
    size_t body_counted; /* in the server's `bodies` */
    bool body_crowded;   /* dropped because the server's bodies were too many */
    size_t body_dropped; /* bytes over the limit, or of a request that is answered already */
    bool body_kept;      /* until the answer, not only until the handler returns */
    bool handed_over;    /* the handler has been called */
    bool waits;          /* counted in the server's `waiting` */
    bool must_close;

    struct answer_header {
        const char *name, *value;
    } headers[ANSWER_HEADERS_LIMIT];
    size_t header_count;
    struct MHD_Response *response;
    bool response_kept; /* it is an http_kept_answer's, not to be destroyed with the request */
    unsigned status;
    _Atomic enum request_state state;
};

#endif
