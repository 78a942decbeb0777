/* HTTP by libmicrohttpd: routes, limits, problem+json, answers that may come later from another
 * thread.
 *
 * What every route gets without asking: the header rules that keep a request from being smuggled
 * past libmicrohttpd 0.9.75 (one Content-Length, not beside Transfer-Encoding, which must be
 * exactly "chunked"; one Host; no bad bytes: otherwise 400 and the connection closes), a body
 * limit counted while reading (413), 404, 405 with Allow, total deadlines (http_deadlines.h), and
 * the security headers of http_security_headers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_HTTP_SERVER_H
#define EPICENTER_COMMON_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/failure.h"

struct http_server;
struct http_request;

/* Answers the request, now or later: exactly one http_respond* per request, from any thread. */
typedef void (*http_handler)(void *context, struct http_request *request);

struct http_route {
    const char *method; /* "GET" serves HEAD too */
    const char *path;   /* exact, or a prefix when it ends in a star, as in /v1/hosts/ * */
    size_t body_limit;  /* bytes on the wire; 0: no body is taken */
    http_handler handler;
};

/* Judges a request to one of the routes by its headers, before any of its body is read, so that
 * nobody unknown fills memory. True lets it go on to the handler; *body_limit, which is the
 * route's, may be lowered. False has answered it. Unlike a handler it may still be called after
 * http_server_quiesce. */
typedef bool (*http_admission)(void *context, struct http_request *request, size_t *body_limit);

/* Milliseconds; 0: the default. */
struct http_deadline_options {
    unsigned headers_ms; /* from the connection to the end of the headers; 10 s */
    unsigned body_ms;    /* from there to the end of the body; to read the answer, too; 30 s */
    unsigned idle_ms;    /* from an answer read to the end of the next headers; 30 s */
    unsigned age_ms;     /* after which an answer is the last of its connection; 10 min */
};

/* Files, PEM; see http_tls.h. No certificate: plain HTTP. */
struct http_tls_options {
    const char *certificate, *key;
    const char *client_ca; /* who signs clients' certificates; NULL: they are not asked for one */
};

struct http_server_options {
    const char *address;       /* numeric, "127.0.0.1" or "::1"; or the path of a Unix socket */
    uint16_t port;             /* 0: any free one; see http_server_port */
    unsigned threads;          /* event-loop threads; 1 or more */
    unsigned connection_limit; /* 0: 4096, as far as RLIMIT_NOFILE goes */
    unsigned address_limit;    /* connections from one address; 0: as many as there are */
    http_admission admission;  /* NULL: every request is let in */
    struct http_deadline_options deadlines;
    struct http_tls_options tls;
};

/* Starts serving `routes`, which must outlive the server, with `context` for their handlers. */
MUST_CHECK bool http_server_start(const struct http_server_options *options,
                                  const struct http_route *routes, size_t route_count,
                                  void *context, struct http_server **server,
                                  struct failure *failure);
uint16_t http_server_port(const struct http_server *server);
/* Stops accepting and handing requests over: when it returns, no handler is running and none will
 * be called (requests on connections that are still open get 503), while what is in flight can
 * still be answered. Then _stop waits until all of that is answered, and ends it. */
void http_server_quiesce(struct http_server *server);
void http_server_stop(struct http_server *server);

/* ---- The request; valid until it is answered ---- */

const char *http_request_method(const struct http_request *request);
const char *http_request_path(const struct http_request *request); /* decoded, no query */
/* What the star of the route's path stood for; "" for an exact route. */
const char *http_request_rest(const struct http_request *request);
const char *http_request_header(const struct http_request *request, const char *name); /* or NULL */
/* Where it came from: a numeric address, or "" where it cannot be told. Returns `text`. */
#define HTTP_ADDRESS_SIZE 48
const char *http_request_address(const struct http_request *request, char text[HTTP_ADDRESS_SIZE]);
/* The network it came from, an IPv4 address or the first half of an IPv6 one; how many bytes. */
#define HTTP_NETWORK_SIZE 8
size_t http_request_network(const struct http_request *request, uint8_t bytes[HTTP_NETWORK_SIZE]);
const char *http_request_query(const struct http_request *request, const char *name); /* or NULL */
/* The names in the certificate the client showed, where that is good; NULL after the last. */
const char *http_request_peer_name(const struct http_request *request, size_t index);
typedef void (*http_query_visitor)(void *context, const char *name, const char *value);
void http_request_each_query(const struct http_request *request, http_query_visitor visitor,
                             void *context);
/* `size` bytes, zeroed, that live as long as the request: the same ones in its admission and its
 * handler, which both ask for as many. NULL: memory is out. */
void *http_request_note(struct http_request *request, size_t size);
/* The body as sent (still encoded), until the handler returns. NUL-terminated beyond `length`. */
const struct buffer *http_request_body(const struct http_request *request);
/* Keeps it until the request is answered; to be called by the handler itself. */
void http_request_keep_body(struct http_request *request);

/* ---- The answer ---- */

/* A header for the answer to come; call before http_respond. Both texts are copied. */
void http_respond_header(struct http_request *request, const char *name, const char *value);

/* Answers with a body that is taken over: the buffer is emptied. NULL: no body. */
void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  struct buffer *take_body);

/* Answers with text that outlives the server (an embedded asset). */
void http_respond_static(struct http_request *request, unsigned status, const char *content_type,
                         const void *bytes, size_t length);

/* An answer that is given over and over, made once: `text` and its headers are copied. It must
 * outlive the server. */
struct http_kept_answer;
MUST_CHECK bool http_kept_answer_new(unsigned status, const char *content_type, const char *text,
                                     struct http_kept_answer **kept, struct failure *failure);
void http_kept_answer_free(struct http_kept_answer *kept); /* NULL is fine */

/* Answers with it, and with none of the headers of http_respond_header. */
void http_respond_kept(struct http_request *request, const struct http_kept_answer *kept);

/* Answers with RFC 9457 application/problem+json: type about:blank, title of the status, status,
 * detail. 503 and 429 get a jittered Retry-After. */
void http_respond_problem(struct http_request *request, unsigned status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* INVALID 400, TOO_LARGE 413, UNSUPPORTED 415, UNAUTHORIZED 401, FORBIDDEN 403, NOT_FOUND 404,
 * CONFLICT 409, EXHAUSTED 429, everything else 503: OTLP clients drop their data on 500. */
unsigned http_failure_status(enum failure_code code);

/* A problem from a failure, its code giving the status. */
void http_respond_failure(struct http_request *request, const struct failure *failure);

/* Adds the headers every page and API answer carries: a strict CSP with Trusted Types, nosniff,
 * no-referrer, same-origin opener and resource policies. */
void http_security_headers(struct http_request *request);

#endif
