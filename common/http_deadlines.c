/* Total deadlines; see http_deadlines.h. The hard thing is to shut down a socket that belongs to
 * somebody else: libmicrohttpd says that a connection is closed before it closes the socket, so
 * whatever stands in the list, under its lock, is still the connection it was.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/http_deadlines.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define HEADERS_MS 10000U
#define BODY_MS 30000U
#define IDLE_MS 30000U
#define AGE_MS 600000U
/* How often the list is walked: a quarter of the shortest deadline, a second at most. */
#define LOOK_MS 1000U

struct watched {
    struct watched *next, *previous;
    int socket;
    struct in6_addr address; /* all zero where it cannot be told */
    uint32_t began_ms;
    void *findings;
    _Atomic uint64_t
        since; /* milliseconds << 8 | phase: one word, so that both are of one moment */
};

struct http_deadlines {
    struct http_deadline_options limits;
    unsigned look_ms;
    unsigned address_limit; /* 0: none */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t stop_said;
    struct watched *first;
    bool stopping;
};

/* Wraps after 49 days; only differences are looked at. */
static uint32_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

static unsigned limit_of(const struct http_deadline_options *limits, enum http_phase phase)
{
    switch (phase) {
    case HTTP_PHASE_NEW:
        return limits->headers_ms;
    case HTTP_PHASE_BODY:
    case HTTP_PHASE_SENDING:
        return limits->body_ms;
    case HTTP_PHASE_IDLE:
        return limits->idle_ms;
    case HTTP_PHASE_ANSWERING:
        break;
    }
    return UINT32_MAX;
}

/* ---- The list ---- */

static void enter(struct watched *watched, enum http_phase phase)
{
    atomic_store_explicit(&watched->since, (uint64_t)now_ms() << 8 | phase, memory_order_relaxed);
}

/* An IPv4 address as IPv6 writes it, so that there is one form to compare. */
static struct in6_addr address_of(struct MHD_Connection *connection)
{
    struct in6_addr address = {0};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *peer = info != NULL ? info->client_addr : NULL;
    if (peer != NULL && peer->sa_family == AF_INET6) {
        address = ((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
    } else if (peer != NULL && peer->sa_family == AF_INET) {
        memset(address.s6_addr + 10, 0xff, 2);
        memcpy(address.s6_addr + 12, &((const struct sockaddr_in *)(const void *)peer)->sin_addr,
               4);
    }
    return address;
}

/* The lock is held. A walk of the list for each connection costs less than a table would that is
 * kept for those few who set a limit. */
static bool is_crowded(const struct http_deadlines *deadlines, const struct in6_addr *address)
{
    unsigned count = 0;
    for (const struct watched *watched = deadlines->first;
         deadlines->address_limit > 0 && watched != NULL; watched = watched->next) {
        count += memcmp(&watched->address, address, sizeof *address) == 0;
    }
    return deadlines->address_limit > 0 && count >= deadlines->address_limit;
}

static struct watched *watch(struct http_deadlines *deadlines, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct watched *watched = info != NULL ? calloc(1, sizeof *watched) : NULL;
    if (watched == NULL) {
        if (info != NULL) {
            /* Nobody stays whom nobody watches. */
            (void)shutdown(info->connect_fd, SHUT_RDWR);
        }
        return NULL;
    }
    watched->socket = info->connect_fd;
    watched->address = address_of(connection);
    watched->began_ms = now_ms();
    enter(watched, HTTP_PHASE_NEW);
    (void)pthread_mutex_lock(&deadlines->lock);
    if (is_crowded(deadlines, &watched->address)) {
        (void)shutdown(watched->socket, SHUT_RDWR);
    }
    watched->next = deadlines->first;
    if (watched->next != NULL) {
        watched->next->previous = watched;
    }
    deadlines->first = watched;
    (void)pthread_mutex_unlock(&deadlines->lock);
    return watched;
}

static void unwatch(struct http_deadlines *deadlines, struct watched *watched)
{
    (void)pthread_mutex_lock(&deadlines->lock);
    *(watched->previous != NULL ? &watched->previous->next : &deadlines->first) = watched->next;
    if (watched->next != NULL) {
        watched->next->previous = watched->previous;
    }
    (void)pthread_mutex_unlock(&deadlines->lock);
    free(watched->findings);
    free(watched);
}

void http_deadlines_notify(void *context, struct MHD_Connection *connection, void **slot,
                           enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *slot = watch(context, connection);
    } else if (*slot != NULL) {
        unwatch(context, *slot);
        *slot = NULL;
    }
}

static struct watched *find(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

void http_deadlines_enter(struct MHD_Connection *connection, enum http_phase phase)
{
    struct watched *watched = find(connection);
    if (watched != NULL) {
        enter(watched, phase);
    }
}

void **http_deadlines_findings(struct MHD_Connection *connection)
{
    struct watched *watched = find(connection);
    return watched != NULL ? &watched->findings : NULL;
}

bool http_deadlines_aged(const struct http_deadlines *deadlines, struct MHD_Connection *connection)
{
    const struct watched *watched = find(connection);
    return watched != NULL && now_ms() - watched->began_ms > deadlines->limits.age_ms;
}

/* ---- Looking ---- */

static void look(struct http_deadlines *deadlines)
{
    uint32_t now = now_ms();
    for (struct watched *watched = deadlines->first; watched != NULL; watched = watched->next) {
        uint64_t since = atomic_load_explicit(&watched->since, memory_order_relaxed);
        unsigned limit = limit_of(&deadlines->limits, (enum http_phase)(since & 0xff));
        /* One that was entered after `now` was read has an age below zero. */
        if ((int32_t)(now - (uint32_t)(since >> 8)) > 0 && now - (uint32_t)(since >> 8) > limit) {
            (void)shutdown(watched->socket, SHUT_RDWR);
        }
    }
}

static void *run(void *argument)
{
    struct http_deadlines *deadlines = argument;
    (void)pthread_mutex_lock(&deadlines->lock);
    while (!deadlines->stopping) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        uint64_t wake = (uint64_t)until.tv_nsec + (uint64_t)deadlines->look_ms * 1000000;
        until.tv_sec += (time_t)(wake / 1000000000);
        until.tv_nsec = (long)(wake % 1000000000);
        (void)pthread_cond_timedwait(&deadlines->stop_said, &deadlines->lock, &until);
        look(deadlines);
    }
    (void)pthread_mutex_unlock(&deadlines->lock);
    return NULL;
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static void fill_limits(struct http_deadlines *deadlines,
                        const struct http_deadline_options *options)
{
    struct http_deadline_options *limits = &deadlines->limits;
    *limits = *options;
    limits->headers_ms = limits->headers_ms > 0 ? limits->headers_ms : HEADERS_MS;
    limits->body_ms = limits->body_ms > 0 ? limits->body_ms : BODY_MS;
    limits->idle_ms = limits->idle_ms > 0 ? limits->idle_ms : IDLE_MS;
    limits->age_ms = limits->age_ms > 0 ? limits->age_ms : AGE_MS;
    unsigned shortest = smaller(limits->headers_ms, smaller(limits->body_ms, limits->idle_ms));
    deadlines->look_ms = smaller(LOOK_MS, shortest / 4 + 1);
}

bool http_deadlines_start(const struct http_server_options *options,
                          struct http_deadlines **deadlines, struct failure *failure)
{
    struct http_deadlines *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting the HTTP server");
    }
    fill_limits(made, &options->deadlines);
    made->address_limit = options->address_limit;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->stop_said, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (pthread_create(&made->thread, NULL, run, made) != 0) {
        free(made);
        return failure_set(failure, FAILURE_SYSTEM, "cannot start a thread for the deadlines");
    }
    *deadlines = made;
    return true;
}

void http_deadlines_stop(struct http_deadlines *deadlines)
{
    if (deadlines == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&deadlines->lock);
    deadlines->stopping = true;
    (void)pthread_cond_signal(&deadlines->stop_said);
    (void)pthread_mutex_unlock(&deadlines->lock);
    (void)pthread_join(deadlines->thread, NULL);
    (void)pthread_cond_destroy(&deadlines->stop_said);
    (void)pthread_mutex_destroy(&deadlines->lock);
    free(deadlines);
}
