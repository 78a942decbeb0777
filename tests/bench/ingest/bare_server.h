/* The limit of what an HTTP server on libmicrohttpd can do here: reads the same POST and answers
 * 204, in a process of its own, with the collector's number of event loops.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_BARE_SERVER_H
#define EPICENTER_TESTS_BENCH_BARE_SERVER_H

#include <stdint.h>
#include <sys/types.h>

struct bare_server {
    pid_t process;
    uint16_t port;
};

struct bare_server bare_server_start(void);
void bare_server_stop(const struct bare_server *server);

#endif
