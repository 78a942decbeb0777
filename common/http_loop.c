/* Listening, and waiting for what libmicrohttpd is to look at; see http_loop.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/http_loop.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- Listening ---- */

static bool resolve(const char *address, uint16_t port, struct addrinfo **found,
                    struct failure *failure)
{
    char text[8];
    (void)snprintf(text, sizeof text, "%u", port);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM};
    int error = getaddrinfo(address, text, &hints, found);
    return error == 0 || failure_set(failure, FAILURE_INVALID, "cannot listen on \"%s\": %s",
                                     address, gai_strerror(error));
}

static uint16_t port_of(int listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } bound;
    socklen_t length = sizeof bound;
    memset(&bound, 0, sizeof bound);
    if (getsockname(listener, &bound.any, &length) != 0) {
        return 0;
    }
    return ntohs(bound.any.sa_family == AF_INET6 ? bound.six.sin6_port : bound.four.sin_port);
}

static int open_listener(const struct addrinfo *address)
{
    const int yes = 1;
    int listener = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                          address->ai_protocol);
    if (listener < 0) {
        return -1;
    }
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        (address->ai_family == AF_INET6 &&
         setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) != 0) ||
        bind(listener, address->ai_addr, address->ai_addrlen) != 0 ||
        listen(listener, SOMAXCONN) != 0) {
        int error = errno;
        (void)close(listener);
        errno = error;
        return -1;
    }
    return listener;
}

/* Whether a socket that is there is a dead program's: nobody takes a connection. */
static bool is_left_over(const struct sockaddr_un *address)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused = probe >= 0 &&
                   connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 &&
                   errno == ECONNREFUSED;
    if (probe >= 0) {
        (void)close(probe);
    }
    return refused;
}

static int open_unix_listener(const struct sockaddr_un *address)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) {
        return -1;
    }
    if (is_left_over(address)) {
        (void)unlink(address->sun_path);
    }
    /* Nobody gets in between: who may connect is settled before anybody can. */
    if (bind(listener, (const struct sockaddr *)address, sizeof *address) != 0 ||
        chmod(address->sun_path, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) != 0 ||
        listen(listener, SOMAXCONN) != 0) {
        int error = errno;
        (void)close(listener);
        errno = error;
        return -1;
    }
    return listener;
}

static bool listen_unix(const char *path, int *listener, struct failure *failure)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return failure_set(failure, FAILURE_INVALID, "the path of a socket is too long: %.120s",
                           path);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    *listener = open_unix_listener(&address);
    return *listener >= 0 ||
           failure_set(failure, FAILURE_SYSTEM, "cannot listen on %s: %s", path, strerror(errno));
}

bool http_listen(const char *address, uint16_t *port, int *listener, struct failure *failure)
{
    if (address[0] == '/') {
        *port = 0;
        return listen_unix(address, listener, failure);
    }
    struct addrinfo *found = NULL;
    if (!resolve(address, *port, &found, failure)) {
        return false;
    }
    *listener = open_listener(found);
    int error = errno;
    freeaddrinfo(found);
    if (*listener < 0) {
        return failure_set(failure, FAILURE_SYSTEM, "cannot listen on %s port %u: %s", address,
                           *port, strerror(error));
    }
    *port = port_of(*listener);
    return true;
}

/* ---- A loop ---- */

enum order { ORDER_RUN, ORDER_QUIESCE, ORDER_STOP };

struct http_loop {
    struct MHD_Daemon *daemon;
    int events; /* the daemon's epoll */
    int woken;  /* eventfd; written to when there is a new order, or somebody to resume */
    _Atomic enum order order;
    _Atomic(struct http_resumption *) resumptions; /* the newest first */
    pthread_t thread;
};

static _Thread_local struct http_loop *current;

static void wake(const struct http_loop *loop)
{
    const uint64_t one = 1;
    ssize_t written = write(loop->woken, &one, sizeof one);
    (void)written; /* it fails only when it is full, and then wakes anyway */
}

struct http_loop *http_loop_current(void)
{
    return current;
}

void http_loop_resume(struct http_loop *loop, struct http_resumption *resumption)
{
    struct http_resumption *newest = atomic_load(&loop->resumptions);
    do {
        resumption->next = newest;
    } while (!atomic_compare_exchange_weak(&loop->resumptions, &newest, resumption));
    /* Whoever put the first one there has woken the loop. It may have taken ours, too: nothing of
     * `resumption` is touched from here on. */
    if (newest == NULL) {
        wake(loop);
    }
}

static void resume_all(struct http_loop *loop)
{
    struct http_resumption *resumption = atomic_exchange(&loop->resumptions, NULL);
    while (resumption != NULL) {
        struct http_resumption *next = resumption->next;
        MHD_resume_connection(resumption->connection);
        resumption = next;
    }
}

/* In the loop's own thread: libmicrohttpd aborts when the socket is gone while it looks at it. */
static void quiesce(struct MHD_Daemon *daemon)
{
    int listener = MHD_quiesce_daemon(daemon);
    if (listener >= 0) {
        (void)close(listener);
    }
}

/* Until something is to be done; at once where connections are known to be ready. */
static void wait_for_events(const struct http_loop *loop)
{
    struct pollfd watched[] = {{.fd = loop->events, .events = POLLIN},
                               {.fd = loop->woken, .events = POLLIN}};
    MHD_UNSIGNED_LONG_LONG left_ms;
    int wait_ms = -1;
    if (MHD_get_timeout(loop->daemon, &left_ms) == MHD_YES) {
        wait_ms = left_ms < 1000 ? (int)left_ms : 1000;
    }
    if (wait_ms != 0 && poll(watched, 2, wait_ms) > 0 && watched[1].revents != 0) {
        uint64_t count;
        ssize_t taken = read(loop->woken, &count, sizeof count);
        (void)taken; /* it only stops the next poll from returning at once */
    }
}

static void *run(void *argument)
{
    struct http_loop *loop = argument;
    bool quiesced = false;
    enum order order;
    current = loop;
    while ((order = atomic_load(&loop->order)) != ORDER_STOP) {
        if (order == ORDER_QUIESCE && !quiesced) {
            quiesced = true;
            quiesce(loop->daemon);
        }
        wait_for_events(loop);
        resume_all(loop);
        (void)MHD_run(loop->daemon);
    }
    if (!quiesced) {
        quiesce(loop->daemon);
    }
    return NULL;
}

bool http_loop_start(struct MHD_Daemon *daemon, struct http_loop **loop, struct failure *failure)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct http_loop *made = calloc(1, sizeof *made);
    if (made == NULL || info == NULL) {
        free(made);
        return failure_memory(failure, "starting the HTTP server");
    }
    made->daemon = daemon;
    made->events = info->epoll_fd;
    made->woken = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->woken < 0 || pthread_create(&made->thread, NULL, run, made) != 0) {
        if (made->woken >= 0) {
            (void)close(made->woken);
        }
        free(made);
        return failure_set(failure, FAILURE_SYSTEM, "cannot start a thread of the HTTP server");
    }
    *loop = made;
    return true;
}

static void give_order(struct http_loop *loop, enum order order)
{
    atomic_store(&loop->order, order);
    wake(loop);
}

void http_loop_quiesce(struct http_loop *loop)
{
    give_order(loop, ORDER_QUIESCE);
}

void http_loop_stop(struct http_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    give_order(loop, ORDER_STOP);
    (void)pthread_join(loop->thread, NULL);
    MHD_stop_daemon(loop->daemon);
    (void)close(loop->woken);
    free(loop);
}
