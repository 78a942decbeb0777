/* HTTP by libmicrohttpd; see http_server.h. How does a request become one answer, at once or later,
 * without a byte of it being read two ways?
 *
 * The hard thing is the late answer. A handler may answer before it returns or much later from
 * another thread, and the two must not cross: a request's `state` is the single point both sides
 * pass through. The event loop suspends the connection first and only then says so in `state`;
 * whoever comes second sees what the first did, and has the connection resumed. After its exchange
 * the answering side touches the request only where it was suspended, and only until its loop is
 * told; in any other case the loop may already have freed it.
 *
 * libmicrohttpd before 1.0.3 can pass over connections that are ready while another one of the same
 * loop is being suspended. It does not matter here: what is passed over stays in its list of ready
 * connections, and the loop does not wait while that list holds any (http_loop.c).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/http_server.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "common/arena.h"
#include "common/http_deadlines.h"
#include "common/http_exchange.h"
#include "common/http_headers.h"
#include "common/http_loop.h"
#include "common/http_tls.h"

#define CONNECTION_LIMIT_DEFAULT 4096U
/* Files the process needs beside its connections: database, log, libraries. */
#define OTHER_FILES 128U
/* Request line and headers, and the piece of the body being read. Half would refuse some proxies'
 * headers; libmicrohttpd zeroes all of it for every request, which at twice as much is a twelfth of
 * what a single report costs. */
#define CONNECTION_MEMORY_BYTES ((size_t)16 * 1024)
/* A body that is refused is read up to this far, and dropped, before the connection is simply
 * closed, so that an honest client still sees the answer. */
#define DRAIN_BYTES ((size_t)256 * 1024)
/* All bodies together: 32 of the largest. What comes beyond is 503, and memory stays bounded. */
#define BODIES_BYTES ((size_t)256 * 1024 * 1024)
/* A body up to here is always taken: 64 MiB at 4096 connections. */
#define BODY_SMALL_BYTES ((size_t)16 * 1024)
/* How long a stopping server goes on sending answers. */
#define SENDING_LIMIT_MS 2000

/* ---- Routing ---- */

static bool route_takes_path(const struct http_route *route, const char *path, const char **rest)
{
    size_t length = strlen(route->path);
    if (length > 0 && route->path[length - 1] == '*') {
        *rest = path + length - 1;
        return strncmp(route->path, path, length - 1) == 0;
    }
    *rest = "";
    return strcmp(route->path, path) == 0;
}

static bool route_takes_method(const struct http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static void allow_method(char allow[static 64], const char *method)
{
    if (strstr(allow, method) == NULL) {
        size_t used = strlen(allow);
        (void)snprintf(allow + used, 64 - used, "%s%s", used > 0 ? ", " : "", method);
    }
}

/* Finds the route, or what to refuse with. */
static void find_route(struct http_request *request)
{
    const struct http_server *server = request->server;
    char allow[64] = "";
    for (size_t i = 0; i < server->route_count; i++) {
        const struct http_route *route = &server->routes[i];
        const char *rest;
        if (!route_takes_path(route, request->path, &rest)) {
            continue;
        }
        if (route_takes_method(route, request->method)) {
            request->route = route;
            request->rest = rest;
            return;
        }
        allow_method(allow, route->method);
        if (strcmp(route->method, "GET") == 0) {
            allow_method(allow, "HEAD");
        }
    }
    request->refusal = MHD_HTTP_NOT_FOUND;
    if (allow[0] != '\0') {
        request->refusal = MHD_HTTP_METHOD_NOT_ALLOWED;
        http_respond_header(request, MHD_HTTP_HEADER_ALLOW, allow);
    }
}

static void refuse_route(struct http_request *request)
{
    if (request->refusal == MHD_HTTP_METHOD_NOT_ALLOWED) {
        http_respond_problem(request, request->refusal, "%.16s is not taken here", request->method);
    } else {
        http_respond_problem(request, request->refusal, "nothing is served at this path");
    }
}

/* ---- The event loop's side ---- */

/* Only the event loop counts a request as no longer waiting: then its connection is resumed, and
 * not only told to be. */
static void stop_waiting(struct http_request *request)
{
    if (request->waits) {
        request->waits = false;
        atomic_fetch_sub(&request->server->waiting, 1);
    }
}

static enum MHD_Result send_answer(struct http_request *request)
{
    stop_waiting(request);
    struct MHD_Response *response = request->response;
    if (response == NULL) {
        return MHD_NO;
    }
    request->response = NULL;
    http_deadlines_enter(request->connection, HTTP_PHASE_SENDING);
    enum MHD_Result result = MHD_queue_response(request->connection, request->status, response);
    if (!request->response_kept) {
        MHD_destroy_response(response);
    }
    return result;
}

/* Refuses and closes; before the body is read, too. */
static enum MHD_Result refuse_now(struct http_request *request, unsigned status, const char *detail)
{
    request->must_close = true;
    http_respond_problem(request, status, "%s", detail);
    return send_answer(request);
}

/* Asks whether it may come in. A refused body is read and dropped where it is small, since a client
 * whose sending breaks off may never look at the answer. */
static enum MHD_Result take_admission(struct http_request *request,
                                      const struct http_headers *headers)
{
    const struct http_server *server = request->server;
    bool last = request->must_close;
    request->body_limit = request->route->body_limit;
    request->must_close = last || headers->content_length > DRAIN_BYTES;
    if (server->admission != NULL &&
        !server->admission(server->context, request, &request->body_limit)) {
        return request->must_close || headers->content_length == 0 ? send_answer(request) : MHD_YES;
    }
    request->must_close = last;
    if (headers->content_length > request->body_limit) {
        char detail[96];
        (void)snprintf(detail, sizeof detail, "the body is over the limit of %zu bytes",
                       request->body_limit);
        return refuse_now(request, MHD_HTTP_CONTENT_TOO_LARGE, detail);
    }
    return MHD_YES;
}

/* What can be judged by the headers alone. */
static enum MHD_Result take_headers(struct http_request *request,
                                    const struct http_request_line *line)
{
    struct http_headers headers;
    struct failure refusal = {0};
    if (!http_headers_check(request->connection, line, &headers, &refusal)) {
        return refuse_now(request, MHD_HTTP_BAD_REQUEST, refusal.message);
    }
    http_deadlines_enter(request->connection, HTTP_PHASE_BODY);
    /* How the library reads the frames of chunks cannot be judged from here. So nothing that comes
     * behind them is ever read as a request. */
    request->must_close =
        headers.chunked || http_deadlines_aged(request->server->deadlines, request->connection);
    find_route(request);
    bool has_body = headers.chunked || headers.content_length > 0;
    if (request->route == NULL && has_body) {
        request->must_close = true;
        refuse_route(request);
        return send_answer(request);
    }
    return request->route != NULL ? take_admission(request, &headers) : MHD_YES;
}

/* Whether there is memory for so many bytes more of the body. */
static bool count_body(struct http_request *request, size_t taken)
{
    size_t all = atomic_fetch_add(&request->server->bodies, taken) + taken;
    request->body_counted += taken;
    request->body_crowded = all > BODIES_BYTES && request->body_counted > BODY_SMALL_BYTES;
    return !request->body_crowded;
}

/* What waits for its answer needs its body no more. */
static void drop_body(struct http_request *request)
{
    atomic_fetch_sub(&request->server->bodies, request->body_counted);
    request->body_counted = 0;
    buffer_free(&request->body);
}

static enum MHD_Result take_body(struct http_request *request, const char *bytes, size_t *length)
{
    size_t taken = *length;
    *length = 0;
    if (atomic_load(&request->state) == REQUEST_ANSWERED || request->body_dropped > 0 ||
        taken > request->body_limit - request->body.length || !count_body(request, taken)) {
        request->body_dropped += taken;
        return request->body_dropped > DRAIN_BYTES ? MHD_NO : MHD_YES;
    }
    buffer_append(&request->body, bytes, taken);
    return request->body.failed ? MHD_NO : MHD_YES;
}

/* Calls the handler, and suspends the connection unless it has answered by then. */
static enum MHD_Result hand_over(struct http_request *request)
{
    struct http_server *server = request->server;
    atomic_fetch_add(&server->calling, 1);
    if (atomic_load(&server->quiesced)) {
        atomic_fetch_sub(&server->calling, 1);
        return refuse_now(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is stopping");
    }
    request->handed_over = true;
    request->waits = true;
    atomic_fetch_add(&server->waiting, 1);
    request->route->handler(server->context, request);
    atomic_fetch_sub(&server->calling, 1);
    if (!request->body_kept) {
        drop_body(request);
    }
    if (atomic_load(&request->state) == REQUEST_ANSWERED) {
        return send_answer(request);
    }
    http_deadlines_enter(request->connection, HTTP_PHASE_ANSWERING);
    MHD_suspend_connection(request->connection);
    enum request_state expected = REQUEST_HANDLED;
    if (!atomic_compare_exchange_strong(&request->state, &expected, REQUEST_SUSPENDED)) {
        /* Answered just now, by somebody who saw no suspension. */
        http_loop_resume(request->loop, &request->resumption);
    }
    return MHD_YES;
}

static enum MHD_Result take_request(struct http_request *request)
{
    if (atomic_load(&request->state) == REQUEST_ANSWERED) {
        return send_answer(request);
    }
    if (request->handed_over) {
        return MHD_YES; /* woken without an answer; it will come */
    }
    if (request->route == NULL) {
        refuse_route(request);
        return send_answer(request);
    }
    if (request->body_dropped > 0) {
        request->must_close = true;
        if (request->body_crowded) {
            http_respond_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                                 "too many large bodies at once; send it again");
            return send_answer(request);
        }
        http_respond_problem(request, MHD_HTTP_CONTENT_TOO_LARGE,
                             "the body is over the limit of %zu bytes", request->body_limit);
        return send_answer(request);
    }
    return hand_over(request);
}

static struct http_request *request_new(struct http_server *server,
                                        struct MHD_Connection *connection, const char *method,
                                        const char *path)
{
    struct http_request *request = calloc(1, sizeof *request);
    if (request == NULL) {
        return NULL;
    }
    request->server = server;
    request->loop = http_loop_current();
    request->connection = connection;
    request->resumption.connection = connection;
    request->rest = "";
    request->method = arena_copy_text(&request->arena, method, strlen(method));
    request->path = arena_copy_text(&request->arena, path, strlen(path));
    if (request->method == NULL || request->path == NULL) {
        arena_free(&request->arena);
        free(request);
        return NULL;
    }
    atomic_fetch_add(&server->open, 1);
    return request;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *path,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_length, void **slot)
{
    struct http_request *request = *slot;
    if (request == NULL) {
        request = request_new(context, connection, method, path);
        *slot = request;
        const struct http_request_line line = {method, path, version};
        return request == NULL ? MHD_NO : take_headers(request, &line);
    }
    if (*upload_length > 0) {
        return take_body(request, upload, upload_length);
    }
    return take_request(request);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)code;
    struct http_request *request = *slot;
    *slot = NULL;
    http_deadlines_enter(connection, HTTP_PHASE_IDLE);
    if (request == NULL) {
        return;
    }
    stop_waiting(request);
    atomic_fetch_sub(&request->server->open, 1);
    drop_body(request);
    if (request->response != NULL && !request->response_kept) {
        MHD_destroy_response(request->response);
    }
    arena_free(&request->arena);
    free(request);
}

/* ---- Starting and stopping ---- */

/* Raises the limit of open files as far as it goes and returns how many connections fit. */
static unsigned fit_connections(unsigned wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return wanted;
    }
    rlim_t needed = (rlim_t)wanted + OTHER_FILES;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0) {
            return wanted;
        }
    }
    if (limit.rlim_cur >= needed) {
        return wanted;
    }
    return limit.rlim_cur > (rlim_t)OTHER_FILES * 2 ? (unsigned)limit.rlim_cur - OTHER_FILES
                                                    : OTHER_FILES / 2;
}

/* A daemon without a thread, on a descriptor of its own of the one listening socket. */
static struct MHD_Daemon *start_daemon(struct http_server *server, unsigned connections)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    struct MHD_OptionItem tls[HTTP_TLS_ITEMS] = {{MHD_OPTION_END, 0, NULL}};
    if (server->tls != NULL) {
        flags |= MHD_USE_TLS;
        http_tls_items(server->tls, tls);
    }
    int listener = fcntl(server->listener, F_DUPFD_CLOEXEC, 0);
    if (listener < 0) {
        return NULL;
    }
    /* Takes the descriptor over, and closes it when it does not start. */
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_access, server, MHD_OPTION_LISTEN_SOCKET, listener,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_UNESCAPE_CALLBACK,
        http_unescape, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_NOTIFY_CONNECTION,
        http_deadlines_notify, server->deadlines, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static bool start_loops(struct http_server *server, const struct http_server_options *options,
                        struct failure *failure)
{
    unsigned threads = options->threads > 0 ? options->threads : 1;
    unsigned connections = fit_connections(
        options->connection_limit > 0 ? options->connection_limit : CONNECTION_LIMIT_DEFAULT);
    server->loops = calloc(threads, sizeof(struct http_loop *));
    if (server->loops == NULL) {
        return failure_memory(failure, "starting the HTTP server");
    }
    for (unsigned i = 0; i < threads; i++) {
        struct MHD_Daemon *daemon = start_daemon(server, (connections + threads - 1 - i) / threads);
        if (daemon == NULL) {
            return failure_set(failure, FAILURE_SYSTEM,
                               "cannot serve on %s port %u: libmicrohttpd did not start",
                               options->address, server->port);
        }
        if (!http_loop_start(daemon, &server->loops[i], failure)) {
            MHD_stop_daemon(daemon);
            return false;
        }
        server->loop_count++;
    }
    return true;
}

static void stop_loops(struct http_server *server)
{
    for (size_t i = 0; i < server->loop_count; i++) {
        http_loop_stop(server->loops[i]);
    }
    free(server->loops);
}

static void close_listener(struct http_server *server)
{
    if (server->listener >= 0) {
        (void)close(server->listener);
    }
    server->listener = -1;
    if (server->socket_path != NULL) {
        (void)unlink(server->socket_path);
    }
    free(server->socket_path);
    server->socket_path = NULL;
}

/* To remove it at the end; only of a socket that is ours. */
static bool keep_socket_path(struct http_server *server, const char *address,
                             struct failure *failure)
{
    return address[0] != '/' || (server->socket_path = strdup(address)) != NULL ||
           failure_memory(failure, "starting the HTTP server");
}

bool http_server_start(const struct http_server_options *options, const struct http_route *routes,
                       size_t route_count, void *context, struct http_server **server,
                       struct failure *failure)
{
    struct http_server *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting the HTTP server");
    }
    made->routes = routes;
    made->route_count = route_count;
    made->context = context;
    made->admission = options->admission;
    made->port = options->port;
    made->listener = -1;
    if (http_listen(options->address, &made->port, &made->listener, failure) &&
        keep_socket_path(made, options->address, failure) &&
        (options->tls.certificate == NULL || http_tls_new(&options->tls, &made->tls, failure)) &&
        http_deadlines_start(options, &made->deadlines, failure) &&
        start_loops(made, options, failure)) {
        *server = made;
        return true;
    }
    stop_loops(made);
    close_listener(made);
    http_deadlines_stop(made->deadlines);
    http_tls_free(made->tls);
    free(made);
    return false;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

static void rest_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    (void)nanosleep(&moment, NULL);
}

void http_server_quiesce(struct http_server *server)
{
    if (atomic_exchange(&server->quiesced, true)) {
        return;
    }
    for (size_t i = 0; i < server->loop_count; i++) {
        http_loop_quiesce(server->loops[i]);
    }
    /* Or new clients would wait in the backlog of a socket nobody accepts from. */
    (void)shutdown(server->listener, SHUT_RDWR);
    close_listener(server);
    while (atomic_load(&server->calling) > 0) {
        rest_a_moment();
    }
}

void http_server_stop(struct http_server *server)
{
    if (server == NULL) {
        return;
    }
    http_server_quiesce(server);
    /* libmicrohttpd aborts when it is stopped with suspended connections; every handler answers. */
    while (atomic_load(&server->waiting) > 0) {
        rest_a_moment();
    }
    /* What is answered should also be sent, but nobody waits for a client that does not read. */
    for (int left = SENDING_LIMIT_MS; left > 0 && atomic_load(&server->open) > 0; left--) {
        rest_a_moment();
    }
    stop_loops(server);
    http_deadlines_stop(server->deadlines);
    http_tls_free(server->tls);
    free(server);
}
