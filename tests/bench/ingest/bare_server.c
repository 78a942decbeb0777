/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/ingest/bare_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <microhttpd.h>

#define THREADS 2 /* the collector's */
#define CONNECTIONS 4096

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_length, void **slot)
{
    static int seen;
    (void)path;
    (void)method;
    (void)version;
    (void)upload;
    if (*slot == NULL) {
        *slot = &seen;
        return MHD_YES;
    }
    if (*upload_length > 0) {
        *upload_length = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_NO_CONTENT, context);
}

static void serve(int told)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct MHD_Response *nothing = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, nothing, MHD_OPTION_SOCK_ADDR,
        (const struct sockaddr *)&address, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        daemon != NULL ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    uint16_t port = info != NULL ? info->port : 0;
    if (port == 0 || write(told, &port, sizeof port) != sizeof port) {
        _exit(EXIT_FAILURE);
    }
    for (;;) {
        (void)pause();
    }
}

struct bare_server bare_server_start(void)
{
    int pipes[2];
    struct bare_server server = {0};
    if (pipe(pipes) != 0 || (server.process = fork()) < 0) {
        perror("bench: starting the bare server");
        exit(EXIT_FAILURE);
    }
    if (server.process == 0) {
        serve(pipes[1]);
    }
    (void)close(pipes[1]);
    if (read(pipes[0], &server.port, sizeof server.port) != sizeof server.port) {
        (void)fprintf(stderr, "bench: the bare server does not start\n");
        exit(EXIT_FAILURE);
    }
    (void)close(pipes[0]);
    return server;
}

void bare_server_stop(const struct bare_server *server)
{
    (void)kill(server->process, SIGKILL);
    (void)waitpid(server->process, NULL, 0);
}
