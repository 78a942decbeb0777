/* How does the analyzer live? A loop: take the next loads in, advance, publish, write, rest. The
 * hard thing is to go on through everything the database does: any failure closes nothing but the
 * connection, is said once, and the same step is tried again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/serve.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/api.h"
#include "analyzer/cost_database.h"
#include "analyzer/follow.h"
#include "analyzer/leadership.h"
#include "analyzer/live.h"
#include "analyzer/publish.h"
#include "analyzer/registry.h"
#include "analyzer/registry_database.h"
#include "analyzer/state_keeper.h"
#include "analyzer/statements.h"
#include "analyzer/webhook.h"
#include "common/database.h"
#include "common/log.h"

#define POLL_INTERVAL                                                                              \
    (INSTANT_SECOND / 5)                  /* a fifth of the second that publishing waits at most   \
                                           */
#define RETRY_INTERVAL INSTANT_SECOND     /* while the database is away */
#define PUBLISH_INTERVAL INSTANT_SECOND   /* a page polls every five */
#define REGISTRY_INTERVAL INSTANT_SECOND  /* a change counts with the next answers */
#define MAINTENANCE_INTERVAL INSTANT_HOUR /* partitions are daily, made three days ahead */
/* Who starts has so much to catch up with, 2 million reports of a million hosts, in seconds;
 * storing twice as often would double what it costs and save half of those. */
#define STATE_INTERVAL (10 * INSTANT_MINUTE)
#define PROGRESS_INTERVAL (5 * INSTANT_SECOND)
#define STATEMENT_TIMEOUT_MS 60000 /* a step takes a second; a minute is a server that hangs */

struct server {
    const struct serve_options *options;
    struct registry *registry;
    struct cost_parameters parameters;
    struct analysis *analysis;
    struct live *live;
    struct follow *follow;
    struct publisher *publisher;
    struct state_keeper *keeper;
    bool state_sought;             /* the stored one, to go on from */
    instant_us stored_at;          /* by the machine's clock: the last state, while it leads */
    uint64_t stored_advances;      /* what it had of publish_advances */
    struct leadership leadership;  /* sought once the horizon is replayed */
    struct webhook *webhook;       /* NULL while it does not lead */
    int64_t registry_version;      /* of what has been read */
    unsigned registry_connections; /* of the database, then: the next may lead to another server */
    struct database *database;     /* NULL until it has been reached once */
    struct live_status status;
    enum failure_code trouble; /* of the last turn; FAILURE_NONE while all is well */
    atomic_bool stopping;
    /* By the machine's clock: when these were last done, and when to publish again. */
    instant_us registry_asked_at, maintained_at, progress_told_at, publish_after;
};

static void rest(struct server *server, instant_us duration)
{
    /* In short naps, so that a signal is not kept waiting. */
    for (instant_us left = duration; left > 0 && !atomic_load(&server->stopping);
         left -= POLL_INTERVAL) {
        instant_us nap = left < POLL_INTERVAL ? left : POLL_INTERVAL;
        nanosleep(&(struct timespec){.tv_sec = nap / INSTANT_SECOND,
                                     .tv_nsec = (nap % INSTANT_SECOND) * 1000},
                  NULL);
    }
}

/* ---- What is done again every so often ---- */

/* The registry is borrowed by the analysis and replaced in place, so under its lock. */
static bool read_registry(struct server *server, instant_us now, struct failure *failure)
{
    int64_t version;
    if (server->registry_asked_at != INSTANT_NONE &&
        now - server->registry_asked_at < REGISTRY_INTERVAL) {
        return true;
    }
    if (!registry_read_version(server->database, &version, failure)) {
        return false;
    }
    unsigned connections = database_connections(server->database);
    if (version == server->registry_version && connections == server->registry_connections) {
        server->registry_asked_at = now;
        return true;
    }
    live_lock(server->live);
    bool good = registry_load(server->registry, server->database, failure) &&
                cost_database_load(&server->parameters, server->database, failure);
    live_unlock(server->live);
    if (good) {
        publish_set_parameters_version(server->publisher, version);
        if (server->registry_asked_at != INSTANT_NONE) {
            publish_again(server->publisher);
        }
        server->registry_asked_at = now;
        server->registry_version = version;
        server->registry_connections = connections;
    }
    return good;
}

static bool maintain(struct server *server, instant_us now, struct failure *failure)
{
    if (server->maintained_at != INSTANT_NONE &&
        now - server->maintained_at < MAINTENANCE_INTERVAL) {
        return true;
    }
    char reports[16];
    char contacts[16];
    (void)snprintf(reports, sizeof reports, "%u", server->options->keep_reports_days);
    (void)snprintf(contacts, sizeof contacts, "%u", server->options->keep_contacts_days);
    if (!database_run(server->database, STATEMENT_MAINTAIN_PARTITIONS, 1, (const char *[]){reports},
                      NULL, failure) ||
        !database_run(server->database, STATEMENT_TRIM_CONTACTS, 1, (const char *[]){contacts},
                      NULL, failure) ||
        !database_run(server->database, STATEMENT_TRIM_SNAPSHOTS, 1, (const char *[]){reports},
                      NULL, failure) ||
        !database_run(server->database, STATEMENT_TRIM_ACCESS, 0, NULL, NULL, failure)) {
        return false;
    }
    server->maintained_at = now;
    return true;
}

static void tell_progress(struct server *server, instant_us now)
{
    if (server->status.horizon_replayed || now - server->progress_told_at < PROGRESS_INTERVAL) {
        return;
    }
    server->progress_told_at = now;
    log_info("reading what has been reported so far",
             log_number("percent", server->status.followed.percent),
             log_number("loads", (int64_t)server->status.followed.loads),
             log_number("reports", (int64_t)server->status.followed.reports));
}

/* Once a second at most, and in a fifth of the time at most: the answers of a large fleet take a
 * while, and must not keep it from catching up. */
static bool publish(struct server *server, struct failure *failure)
{
    instant_us began = instant_now();
    if (!publish_is_due(server->publisher) || began < server->publish_after) {
        return true;
    }
    bool good = publish_answers(server->publisher, failure);
    instant_us ended = instant_now();
    instant_us pause = 4 * (ended - began);
    server->publish_after = ended + (pause > PUBLISH_INTERVAL ? pause : PUBLISH_INTERVAL);
    return good;
}

/* ---- The stored state ---- */

static struct state_parts parts_of(const struct server *server)
{
    return (struct state_parts){
        .live = server->live, .follow = server->follow, .publisher = server->publisher};
}

/* Before the first step. */
static bool resume(struct server *server, struct failure *failure)
{
    struct state_parts parts = parts_of(server);
    server->state_sought = server->state_sought ||
                           state_keeper_resume(server->keeper, server->database, &parts, failure);
    return server->state_sought;
}

/* At once when it begins to lead, which may have taken minutes, and then every so often, in a pause
 * while there is nothing to take in or, where there is none, at half the pace. By the machine's
 * clock: minutes of a past that is replayed fly by. */
static bool state_is_due(const struct server *server, instant_us now, bool idle)
{
    return server->stored_at == INSTANT_NONE ||
           now - server->stored_at >= (idle ? STATE_INTERVAL : 2 * STATE_INTERVAL);
}

static void store_state(struct server *server, instant_us now, bool ending)
{
    struct state_parts parts = parts_of(server);
    if (server->status.leads && publish_advanced_to(server->publisher) != INSTANT_NONE &&
        publish_advances(server->publisher) > server->stored_advances) {
        server->stored_at = now;
        server->stored_advances = publish_advances(server->publisher);
        state_keeper_store(server->keeper, &parts, ending);
    }
}

/* ---- Who writes ---- */

static void stand_by(struct server *server)
{
    webhook_stop(server->webhook);
    server->webhook = NULL;
    server->status.leads = false;
}

/* Only an analyzer that has caught up leads: what then happens is news, and one that has waited
 * goes before one that is starting. */
static bool lead(struct server *server, instant_us now, struct failure *failure)
{
    bool first = server->leadership.asked_at == 0;
    if (!leadership_seek(&server->leadership, server->database, now, failure)) {
        return false;
    }
    if (!server->leadership.held) {
        if (first || server->status.leads) {
            log_info("standing by: another analyzer writes");
        }
        stand_by(server);
        return true;
    }
    struct webhook_options options = {.conninfo = server->options->common.conninfo};
    if (server->webhook == NULL && !webhook_start(&options, &server->webhook, failure)) {
        return false;
    }
    if (!server->status.leads) {
        log_info("leading: this analyzer writes");
    }
    server->status.leads = true;
    return publish_write(server->publisher, server->database, failure);
}

/* ---- One turn of the loop ---- */

static bool connect_database(struct server *server, struct failure *failure)
{
    return server->database != NULL ||
           database_open(server->options->common.conninfo, "epicenter analyzer",
                         STATEMENT_TIMEOUT_MS, &server->database, failure);
}

static bool turn(struct server *server, bool *idle, struct failure *failure)
{
    instant_us now = instant_now();
    if (!connect_database(server, failure) || !maintain(server, now, failure) ||
        !read_registry(server, now, failure) || !resume(server, failure) ||
        !follow_step(server->follow, server->database, idle, failure) ||
        !publish_advance(server->publisher, follow_first_received(server->follow),
                         follow_known_before(server->follow), failure)) {
        return false;
    }
    server->status.followed = follow_counts(server->follow);
    server->status.advances = publish_advances(server->publisher);
    tell_progress(server, now);
    if (!server->status.horizon_replayed && follow_has_caught_up(server->follow)) {
        server->publish_after = 0; /* what was found must be there when /readyz says so */
        if (!publish(server, failure)) {
            return false;
        }
        server->status.horizon_replayed = true;
        log_info("following the database",
                 log_number("loads", (int64_t)server->status.followed.loads),
                 log_number("reports", (int64_t)server->status.followed.reports));
    }
    return publish(server, failure) &&
           (!server->status.horizon_replayed || lead(server, now, failure));
}

static void note_success(struct server *server)
{
    if (!server->status.database_up) {
        log_info("the database answers");
    }
    server->status.database_up = true;
    server->trouble = FAILURE_NONE;
    server->status.trouble[0] = '\0';
    live_set_status(server->live, &server->status);
}

static void note_failure(struct server *server, const struct failure *failure)
{
    /* Once a stretch of trouble; again when its kind changes (away, then back without a schema). */
    if (server->trouble != failure->code) {
        log_warning("the database failed; trying again every second",
                    log_text("reason", failure->message));
    }
    server->trouble = failure->code;
    if (failure->code == FAILURE_UNAVAILABLE) {
        server->leadership = (struct leadership){0}; /* gone with the connection, for all we know */
        stand_by(server);
    }
    server->status.database_up = false;
    server->status.database_faults++;
    memcpy(server->status.trouble, failure->message, sizeof server->status.trouble);
    live_set_status(server->live, &server->status);
}

static void *follow_database(void *context)
{
    struct server *server = context;
    while (!atomic_load(&server->stopping)) {
        struct failure failure;
        bool idle = false;
        if (turn(server, &idle, &failure)) {
            note_success(server);
            instant_us now = instant_now();
            if (state_is_due(server, now, idle)) {
                store_state(server, now, false);
            }
            if (idle) {
                rest(server, POLL_INTERVAL);
            }
        } else {
            note_failure(server, &failure);
            rest(server, RETRY_INTERVAL);
        }
    }
    store_state(server, instant_now(), true);
    return NULL;
}

/* ---- Start and end ---- */

static bool prepare(struct server *server, struct failure *failure)
{
    cost_parameters_default(&server->parameters);
    return registry_new(&server->registry, failure) &&
           analysis_new(&server->options->analysis, server->registry, &server->parameters,
                        &server->analysis, failure) &&
           live_new(server->analysis, &server->live, failure) &&
           follow_new(server->analysis, live_analysis_lock(server->live), server->options->horizon,
                      &server->follow, failure) &&
           publisher_new(server->live, &server->publisher, failure) &&
           state_keeper_new(server->options->common.conninfo, &server->keeper, failure);
}

/* Signals are taken by waiting for them here; every thread started later inherits the mask. */
static bool run(struct server *server, struct failure *failure)
{
    struct api *api = NULL;
    pthread_t thread;
    sigset_t ending;
    bool good = false;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);

    const struct api_options options = {.address = server->options->common.address,
                                        .port = server->options->common.port,
                                        .proxy_socket = server->options->proxy_socket,
                                        .conninfo = server->options->common.conninfo};
    if (!api_start(&options, server->live, &api, failure)) {
        return false;
    }
    uint16_t port = api_port(api);
    if (!serve_arguments_write_port(&server->options->common, port, failure)) {
        goto done;
    }
    log_info("listening", log_text("address", server->options->common.address),
             log_number("port", port));
    int status = pthread_create(&thread, NULL, follow_database, server);
    if (status != 0) {
        failure_set(failure, FAILURE_SYSTEM, "a thread cannot be started: %s", strerror(status));
        goto done;
    }
    int signal_number = 0;
    while (sigwait(&ending, &signal_number) != 0) {
    }
    log_info("stopping", log_text("signal", strsignal(signal_number)));
    atomic_store(&server->stopping, true);
    pthread_join(thread, NULL);
    good = true;

done:
    api_stop(api);
    return good;
}

bool serve(const struct serve_options *options, struct failure *failure)
{
    struct server server = {.options = options,
                            .registry_asked_at = INSTANT_NONE,
                            .maintained_at = INSTANT_NONE,
                            .stored_at = INSTANT_NONE,
                            .status = {.trouble = "not connected yet"}};
    atomic_init(&server.stopping, false);
    bool good = prepare(&server, failure) && run(&server, failure);
    webhook_stop(server.webhook);
    state_keeper_free(server.keeper);
    publisher_free(server.publisher);
    follow_free(server.follow);
    live_free(server.live);
    analysis_free(server.analysis);
    registry_free(server.registry);
    database_close(server.database);
    return good;
}
