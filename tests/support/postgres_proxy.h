/* A proxy between a program and a private cluster, on a Unix socket in a directory of its own, that
 * passes everything on and loses the answer to a COMMIT when it is told to.
 *
 * A helper that cannot do its work fails the test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_SUPPORT_POSTGRES_PROXY_H
#define EPICENTER_TESTS_SUPPORT_POSTGRES_PROXY_H

#include <stdbool.h>

struct postgres_proxy;

/* Makes `directory` and listens there; `server` is the directory of the cluster's socket. */
struct postgres_proxy *postgres_proxy_start(const char *directory, const char *server);

/* At the next COMMIT the client's connection is cut. The server gets the COMMIT, or only the end of
 * the connection, so many milliseconds later. */
struct postgres_proxy_loss {
    bool reaches_server;
    int later_ms;
};
void postgres_proxy_lose(struct postgres_proxy *proxy, struct postgres_proxy_loss loss);

/* How many answers it has lost. */
unsigned postgres_proxy_lost(struct postgres_proxy *proxy);

/* When nobody is connected any more. NULL is nothing. */
void postgres_proxy_stop(struct postgres_proxy *proxy);

#endif
