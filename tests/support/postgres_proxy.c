/* A proxy that loses answers; see postgres_proxy.h. The hard thing is to cut exactly there: our
 * programs send "commit" as a simple query and wait for its answer, so the message arrives alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/postgres_proxy.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Every program of a test has a handful of connections. */
#define PAIRS_LIMIT 256
#define SOCKET_NAME ".s.PGSQL.5432"

struct pair {
    struct postgres_proxy *proxy;
    int client, server;
    pthread_t thread;
};

struct postgres_proxy {
    struct sockaddr_un server;
    int listener;
    pthread_t thread;
    struct pair pairs[PAIRS_LIMIT];
    size_t pair_count;
    pthread_mutex_t lock; /* guards what follows */
    bool armed;
    struct postgres_proxy_loss loss;
    unsigned lost;
};

static bool is_commit(const char *bytes, size_t length)
{
    static const char message[] = "Q\0\0\0\013commit";
    return length == sizeof message && memcmp(bytes, message, sizeof message) == 0;
}

static bool send_all(int to, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(to, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* Cuts the client off, if that is wanted now. */
static bool lose(struct pair *pair, const char *bytes, size_t length)
{
    struct postgres_proxy *proxy = pair->proxy;
    (void)pthread_mutex_lock(&proxy->lock);
    bool now = proxy->armed && is_commit(bytes, length);
    struct postgres_proxy_loss loss = proxy->loss;
    proxy->armed = proxy->armed && !now;
    proxy->lost += now;
    (void)pthread_mutex_unlock(&proxy->lock);
    if (!now) {
        return false;
    }
    (void)shutdown(pair->client, SHUT_RDWR);
    const struct timespec pause = {.tv_sec = loss.later_ms / 1000,
                                   .tv_nsec = loss.later_ms % 1000 * 1000000L};
    (void)nanosleep(&pause, NULL);
    if (loss.reaches_server && send_all(pair->server, bytes, length)) {
        char answer[256];
        ssize_t received = recv(pair->server, answer, sizeof answer, 0);
        (void)received; /* nobody is left to hear it */
    }
    return true;
}

/* Passes on what one side has sent; false at its end. */
static bool pass(struct pair *pair, bool from_client)
{
    char bytes[65536];
    ssize_t length = recv(from_client ? pair->client : pair->server, bytes, sizeof bytes, 0);
    if (length <= 0 || (from_client && lose(pair, bytes, (size_t)length))) {
        return false;
    }
    return send_all(from_client ? pair->server : pair->client, bytes, (size_t)length);
}

static void *run_pair(void *argument)
{
    struct pair *pair = argument;
    struct pollfd sides[] = {{.fd = pair->client, .events = POLLIN},
                             {.fd = pair->server, .events = POLLIN}};
    bool open = true;
    while (open && poll(sides, 2, -1) > 0) {
        open = (sides[0].revents == 0 || pass(pair, true)) &&
               (sides[1].revents == 0 || pass(pair, false));
    }
    (void)close(pair->client);
    (void)close(pair->server);
    return NULL;
}

static void *accept_clients(void *argument)
{
    struct postgres_proxy *proxy = argument;
    int client;
    while (proxy->pair_count < PAIRS_LIMIT && (client = accept(proxy->listener, NULL, NULL)) >= 0) {
        struct pair *pair = &proxy->pairs[proxy->pair_count];
        *pair = (struct pair){.proxy = proxy, .client = client};
        pair->server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool good = connect(pair->server, (const struct sockaddr *)&proxy->server,
                            sizeof proxy->server) == 0 &&
                    pthread_create(&pair->thread, NULL, run_pair, pair) == 0;
        if (good) {
            proxy->pair_count++;
        } else { /* as when the server is not there */
            (void)close(client);
            (void)close(pair->server);
        }
    }
    return NULL;
}

static void name_socket(struct sockaddr_un *address, const char *directory)
{
    address->sun_family = AF_UNIX;
    int length =
        snprintf(address->sun_path, sizeof address->sun_path, "%s/%s", directory, SOCKET_NAME);
    assert_in_range(length, 1, sizeof address->sun_path - 1);
}

struct postgres_proxy *postgres_proxy_start(const char *directory, const char *server)
{
    struct postgres_proxy *proxy = calloc(1, sizeof *proxy);
    struct sockaddr_un address = {0};
    assert_non_null(proxy);
    assert_int_equal(mkdir(directory, 0700), 0);
    name_socket(&address, directory);
    name_socket(&proxy->server, server);
    (void)pthread_mutex_init(&proxy->lock, NULL);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(proxy->listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(proxy->listener, 64), 0);
    assert_int_equal(pthread_create(&proxy->thread, NULL, accept_clients, proxy), 0);
    return proxy;
}

void postgres_proxy_lose(struct postgres_proxy *proxy, struct postgres_proxy_loss loss)
{
    (void)pthread_mutex_lock(&proxy->lock);
    proxy->loss = loss;
    proxy->armed = true;
    (void)pthread_mutex_unlock(&proxy->lock);
}

unsigned postgres_proxy_lost(struct postgres_proxy *proxy)
{
    (void)pthread_mutex_lock(&proxy->lock);
    unsigned lost = proxy->lost;
    (void)pthread_mutex_unlock(&proxy->lock);
    return lost;
}

void postgres_proxy_stop(struct postgres_proxy *proxy)
{
    if (proxy == NULL) {
        return;
    }
    (void)shutdown(proxy->listener, SHUT_RDWR);
    (void)pthread_join(proxy->thread, NULL);
    for (size_t i = 0; i < proxy->pair_count; i++) {
        (void)pthread_join(proxy->pairs[i].thread, NULL);
    }
    (void)close(proxy->listener);
    (void)pthread_mutex_destroy(&proxy->lock);
    free(proxy);
}
