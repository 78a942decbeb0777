/* How does the collector start and end? See serve.h. The hard thing is the order of the end:
 * nothing new comes in, what waits is committed, its requests are answered, and only then does the
 * event loop stop. SPDX-License-Identifier: Apache-2.0 */
#include "collector/serve.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/access.h"
#include "collector/commit.h"
#include "collector/description.h"
#include "collector/enrol.h"
#include "collector/gate.h"
#include "collector/receive.h"
#include "collector/service.h"
#include "collector/status.h"
#include "common/http_server.h"
#include "common/log.h"

/* Decoding runs in the event loops, so there is one a processor; beyond this the database is what
 * there is to wait for. */
#define THREADS_MOST 8
/* How long a starting collector waits for the database before it listens all the same. */
#define DATABASE_WAIT_MS 3000
#define DATABASE_LOOK_MS 20

/* /v1/collectd takes little: collectd cuts its bodies at its BufferSize, 4 KiB unless it is set. */
#define COLLECTD_BODY_LIMIT ((size_t)64 * 1024)

static const struct http_route routes[] = {
    {"POST", RECEIVE_REPORTS_PATH, RECEIVE_BODY_LIMIT, receive_reports},
    {"POST", RECEIVE_COLLECTD_PATH, COLLECTD_BODY_LIMIT, receive_collectd},
    {"POST", "/v1/enrol", ENROL_BODY_LIMIT, enrol_host},
    {"GET", "/v1/openapi.json", 0, description_serve},
    {"GET", "/healthz", 0, status_health},
    {"GET", "/readyz", 0, status_readiness},
    {"GET", "/metrics", 0, status_metrics},
};

const struct http_route *serve_routes(size_t *count)
{
    *count = sizeof routes / sizeof *routes;
    return routes;
}

static unsigned processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > THREADS_MOST ? THREADS_MOST : (unsigned)count;
}

static void sleep_ms(long milliseconds)
{
    const struct timespec pause = {.tv_sec = milliseconds / 1000,
                                   .tv_nsec = milliseconds % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* So that the first reports are not refused for a connection that is being made. */
static void wait_for_database(const struct service *service)
{
    struct commit_status status;
    for (int waited = 0; waited < DATABASE_WAIT_MS; waited += DATABASE_LOOK_MS) {
        commit_read_status(service->commit, &status);
        if (status.database_answers && access_is_ready(service->access)) {
            return;
        }
        sleep_ms(DATABASE_LOOK_MS);
    }
}

/* Whole or not at all: whoever waits for the file reads it as soon as it is there. */
static void wait_for_signal(const sigset_t *awaited, struct access *access)
{
    int signal_number = SIGHUP;
    while (sigwait(awaited, &signal_number) != 0 || signal_number == SIGHUP) {
        access_refresh(access);
    }
    log_info("stopping", log_text("signal", strsignal(signal_number)));
}

/* What is allocated in pieces of this size or more goes back to the system when it is freed. Left
 * to itself glibc raises the limit to the largest piece it has seen, and then bodies and decoded
 * batches of all sizes break its heaps up: under overload memory grows for as long as it lasts. */
#define LARGE_PIECE_BYTES (128 * 1024)

static bool run(const struct serve_options *options, struct service *service,
                const sigset_t *awaited, struct failure *failure)
{
    const struct http_server_options server_options = {.address = options->common.address,
                                                       .port = options->common.port,
                                                       .threads = processors(),
                                                       .connection_limit = options->connections,
                                                       .address_limit = options->address_limit,
                                                       .tls = options->tls,
                                                       .admission = receive_admits};
    struct http_server *server = NULL;
    if (!http_server_start(&server_options, routes, sizeof routes / sizeof *routes, service,
                           &server, failure)) {
        return false;
    }
    bool good = serve_arguments_write_port(&options->common, http_server_port(server), failure);
    if (good) {
        log_info("listening", log_text("address", options->common.address),
                 log_number("port", http_server_port(server)));
        wait_for_signal(awaited, service->access);
    }
    http_server_quiesce(server);
    enrol_stop(service->enrol);
    commit_stop(service->commit);
    service->enrol = NULL;
    service->commit = NULL;
    http_server_stop(server);
    return good;
}

bool serve(const struct serve_options *options, struct failure *failure)
{
    struct service service = {.replay = options->replay};
    bool good = false;
    /* Signals are taken by waiting for them; every thread started later inherits the mask. */
    sigset_t awaited;
    (void)sigemptyset(&awaited);
    (void)sigaddset(&awaited, SIGTERM);
    (void)sigaddset(&awaited, SIGINT);
    (void)sigaddset(&awaited, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &awaited, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_PIECE_BYTES);

    const struct access_options access_options = {.conninfo = options->common.conninfo,
                                                  .key_file = options->token_keys,
                                                  .token_days = options->token_days,
                                                  .replay = options->replay};
    const struct commit_options commit_options = {.conninfo = options->common.conninfo,
                                                  .heartbeats = !options->replay};
    if (!http_kept_answer_new(200, "application/json", RECEIVE_ACCEPTED_ONE, &service.accepted_one,
                              failure) ||
        !access_start(&access_options, &service.access, failure) ||
        !gate_new(&options->quotas, service.access, &service.gate, failure) ||
        !commit_start(&commit_options, &service.commit, failure) ||
        !enrol_start(options->common.conninfo, service.access, &service.enrol, failure)) {
        goto done;
    }
    wait_for_database(&service);
    good = run(options, &service, &awaited, failure);
done:
    enrol_stop(service.enrol);
    commit_stop(service.commit);
    gate_free(service.gate);
    http_kept_answer_free(service.accepted_one);
    access_stop(service.access);
    return good;
}
