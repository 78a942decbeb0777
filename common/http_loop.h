/* Where a server listens, and the threads in which libmicrohttpd runs: each has a daemon of its own
 * on the one listening socket.
 *
 * Why not libmicrohttpd's own threads: 0.9.75 (and what came before and after it, to our knowledge)
 * asks epoll for 128 events at a time, and when it gets as many, asks for more with the time-out it
 * began with, which is none. So when 128 requests arrive at the same moment they are left unread,
 * and answers that are ready unsent, until something else happens; seen here at 512 connections as
 * requests that waited for 30 s. Here the waiting is ours, and libmicrohttpd is only ever asked to
 * look, never to wait.
 *
 * So is the waking: without threads of its own libmicrohttpd wakes nobody who waits when a
 * connection is resumed. Here a loop is told of all that are ready by one event, and resumes them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_HTTP_LOOP_H
#define EPICENTER_COMMON_HTTP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <microhttpd.h>

#include "common/failure.h"

/* Listens on a numeric address, "127.0.0.1" or "::1", or on a Unix socket at a path from the root,
 * for its owner and group. Port 0: any free one. *port says which. The caller closes the socket,
 * and removes the path. */
MUST_CHECK bool http_listen(const char *address, uint16_t *port, int *listener,
                            struct failure *failure);

struct http_loop;

/* Runs the daemon, which was started with MHD_USE_EPOLL and no thread, and takes it over when that
 * succeeds. */
MUST_CHECK bool http_loop_start(struct MHD_Daemon *daemon, struct http_loop **loop,
                                struct failure *failure);
/* The loop whose thread this is; NULL in any other. */
struct http_loop *http_loop_current(void);

/* A suspended connection that may go on, to be resumed by its loop. From any thread; *resumption is
 * the caller's, and needed until then. */
struct http_resumption {
    struct MHD_Connection *connection;
    struct http_resumption *next;
};
void http_loop_resume(struct http_loop *loop, struct http_resumption *resumption);

/* Accepts nothing more; what is connected goes on. */
void http_loop_quiesce(struct http_loop *loop);
/* After http_loop_quiesce, and when nothing is suspended. NULL is fine. */
void http_loop_stop(struct http_loop *loop);

#endif
