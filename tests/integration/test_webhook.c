/* Are receivers told, whatever they do? A real analyzer on a real PostgreSQL tells real HTTP
 * servers: one that takes everything, one that fails at first, one that hangs, one that returns,
 * one that is gone, one that is an Alertmanager. Oracles: the table verdict_change for what there
 * was to tell; the signature made again from what arrived. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <sodium.h>

#include "analyzer/webhook.h"
#include "analyzer/webhook_message.h"
#include "common/database.h"
#include "common/http_server.h"
#include "tests/integration/sample_fleet.h"
#include "tests/support/private_cluster.h"
#include "tests/support/process.h"
#include "tests/support/serving.h"

/* ---- The receivers ---- */

#define TAKEN_MOST 64

static struct receivers {
    pthread_mutex_t mutex;
    struct taken {
        char path[32], id[64], timestamp[32], signature[64];
        char body[4096];
    } taken[TAKEN_MOST];
    size_t count;
    int refusals_left;            /* of /fails */
    struct http_request *hanging; /* the request to /hangs that is not answered */
    struct http_server *server;
    char url[64];
} receivers = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void copy_header(const struct http_request *request, const char *name, char *to, size_t size)
{
    const char *value = http_request_header(request, name);
    (void)snprintf(to, size, "%s", value != NULL ? value : "");
}

static void take(void *context, struct http_request *request)
{
    (void)context;
    const char *path = http_request_path(request);
    bool refused = false;
    pthread_mutex_lock(&receivers.mutex);
    assert_true(receivers.count < TAKEN_MOST);
    struct taken *taken = &receivers.taken[receivers.count++];
    (void)snprintf(taken->path, sizeof taken->path, "%s", path);
    copy_header(request, "webhook-id", taken->id, sizeof taken->id);
    copy_header(request, "webhook-timestamp", taken->timestamp, sizeof taken->timestamp);
    copy_header(request, "webhook-signature", taken->signature, sizeof taken->signature);
    (void)snprintf(taken->body, sizeof taken->body, "%s", http_request_body(request)->data);
    bool hangs = strcmp(path, "/hangs") == 0 && receivers.hanging == NULL;
    if (hangs) {
        receivers.hanging = request;
    }
    if (strcmp(path, "/fails") == 0 && receivers.refusals_left > 0) {
        receivers.refusals_left--;
        refused = true;
    }
    pthread_mutex_unlock(&receivers.mutex);
    if (!hangs) {
        http_respond(request, strcmp(path, "/gone") == 0 ? 410 : refused ? 500 : 204, NULL, NULL);
    }
}

static const struct http_route routes[] = {{"POST", "/*", 65536, take}};

static size_t taken_at(const char *path)
{
    size_t count = 0;
    pthread_mutex_lock(&receivers.mutex);
    for (size_t i = 0; i < receivers.count; i++) {
        count += strcmp(receivers.taken[i].path, path) == 0 ? 1 : 0;
    }
    pthread_mutex_unlock(&receivers.mutex);
    return count;
}

/* ---- The database ---- */

static struct private_cluster *cluster;

/* Waits up to 30 s until the query gives `wanted`. */
static void wait_for_number(const char *sql, int64_t wanted)
{
    int64_t got = -1;
    for (int i = 0; i < 300 && got != wanted; i++) {
        got = private_cluster_number(cluster, sql);
        (void)nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    assert_int_equal(got, wanted);
}

static void add_receiver(const char *path, const char *form)
{
    char url[128];
    (void)snprintf(url, sizeof url, "%s%s", receivers.url, path);
    const char *arguments[] = {ANALYZER_PROGRAM,
                               "webhook",
                               "add",
                               "--database",
                               private_cluster_conninfo(cluster, "epicenter_analyzer"),
                               url,
                               strcmp(form, "alertmanager") == 0 ? "--alertmanager" : NULL,
                               NULL};
    process_free(process_run(arguments, 0));
}

/* `count` messages are due for the receiver at `path`. */
static void make_messages(const char *path, int count)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql,
                   "insert into webhook_message (webhook_id, update_id, decided_at, payload)"
                   " select webhook_id, 'u' || i, now(), '{\"i\":' || i || '}'"
                   " from webhook, generate_series(1, %d) i where url like '%%%s'",
                   count, path);
    private_cluster_run(cluster, sql);
}

static bool start_receivers(uint16_t port)
{
    struct failure failure;
    return http_server_start(
        &(struct http_server_options){.address = "127.0.0.1", .port = port, .threads = 1}, routes,
        1, NULL, &receivers.server, &failure);
}

static int set_up(void **state)
{
    (void)state;
    receivers.count = 0;
    receivers.refusals_left = 0;
    receivers.hanging = NULL;
    if (!start_receivers(0)) {
        return -1;
    }
    (void)snprintf(receivers.url, sizeof receivers.url, "http://127.0.0.1:%u",
                   (unsigned)http_server_port(receivers.server));
    cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    private_cluster_migrate(cluster);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (receivers.hanging != NULL) {
        http_respond(receivers.hanging, 204, NULL, NULL);
    }
    http_server_stop(receivers.server);
    private_cluster_remove(cluster);
    return 0;
}

/* ---- The tests ---- */

static void assert_signed(const struct taken *taken, const char *secret)
{
    char signature[WEBHOOK_SIGNATURE_SIZE];
    struct failure failure;
    assert_true(webhook_sign(secret, taken->id, strtoll(taken->timestamp, NULL, 10), taken->body,
                             signature, &failure));
    assert_string_equal(taken->signature, signature);
}

/* The fleet's own changes reach both forms of receiver, signed, each once; a restart tells nobody
 * again. */
static void changes_of_verdict_are_told_once(void **state)
{
    (void)state;
    struct database *database;
    struct failure failure;
    add_receiver("/takes", "standard");
    add_receiver("/alerts", "alertmanager");
    assert_true(database_open(private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER), "test", 0,
                              &database, &failure));
    sample_fleet_store_minutes(database, 0, SAMPLE_MINUTES);
    database_close(database);

    for (int start = 0; start < 2; start++) {
        struct serving analyzer =
            serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer", NULL);
        wait_for_number("select count(*) from verdict_change c where verdict = 'HOLD' and not"
                        " exists (select from webhook_message m where m.delivered_at is null)",
                        1);
        assert_int_equal(serving_stop(&analyzer), 0);
    }
    int64_t changes = private_cluster_number(cluster, "select count(*) from verdict_change");
    assert_true(changes >= 1);
    assert_int_equal(taken_at("/takes"), changes);
    assert_int_equal(taken_at("/alerts"), 1);
    char secret[64];
    (void)snprintf(
        secret, sizeof secret, "%s",
        private_cluster_text(cluster, "select secret from webhook where form = 'standard'"));
    for (size_t i = 0; i < receivers.count; i++) {
        const struct taken *taken = &receivers.taken[i];
        if (strcmp(taken->path, "/takes") == 0) {
            assert_signed(taken, secret);
            char sql[512];
            (void)snprintf(sql, sizeof sql,
                           "select count(*) from webhook_message where message_id = '%s'"
                           " and payload::jsonb #>> '{data,decided_at}' = to_char(decided_at at"
                           " time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
                           taken->id);
            assert_int_equal(private_cluster_number(cluster, sql), 1);
        } else {
            assert_string_equal(taken->signature, "");
            assert_non_null(strstr(taken->body, "EpicenterUpdateHold"));
        }
    }
}

/* One that fails gets the same message again, one that hangs holds up nobody, one that is gone is
 * left alone, and one that never recovers ends as a dead letter. */
static void whatever_a_receiver_does_the_others_are_told(void **state)
{
    (void)state;
    struct webhook *webhook;
    struct failure failure;
    static const char *const paths[] = {"/takes", "/fails", "/hangs", "/gone"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        add_receiver(paths[i], "standard");
        make_messages(paths[i], 3);
    }
    private_cluster_run(cluster, "insert into webhook (url, form, secret) values"
                                 " ('http://127.0.0.1:1/away', 'standard', 'whsec_AAAA')");
    make_messages("/away", 1);
    receivers.refusals_left = 2;

    /* Patient with the one that hangs until all the others are served. */
    struct webhook_options options = {.conninfo =
                                          private_cluster_conninfo(cluster, "epicenter_analyzer"),
                                      .timeout_ms = 25000,
                                      .patience = 0.00001};
    assert_true(webhook_start(&options, &webhook, &failure));
    wait_for_number("select count(*) from webhook_message m join webhook w using (webhook_id)"
                    " where (url like '%/takes' or url like '%/fails')"
                    " and delivered_at is not null",
                    6);
    wait_for_number("select count(*) from webhook_dead_letter where url like '%/gone'", 3);
    wait_for_number("select count(*) from webhook_dead_letter where url like '%/away'"
                    " and attempts = 8 and last_error <> ''",
                    1);
    assert_int_equal(taken_at("/takes"), 3);
    assert_int_equal(taken_at("/fails"), 5);
    assert_int_equal(taken_at("/gone"), 1);
    assert_int_equal(taken_at("/hangs"), 1);
    assert_string_equal(
        private_cluster_text(cluster, "select string_agg(distinct attempts::text, ',' order by"
                                      " attempts::text) from webhook_message m join webhook w"
                                      " using (webhook_id) where url like '%/fails'"),
        "1,2");
    webhook_stop(webhook); /* with a transfer under way */

    /* What was not answered is sent again on the next start. */
    options.timeout_ms = 5000;
    assert_true(webhook_start(&options, &webhook, &failure));
    wait_for_number("select count(*) from webhook_message m join webhook w using (webhook_id)"
                    " where url like '%/hangs' and delivered_at is not null",
                    3);
    webhook_stop(webhook);
}

/* One that was away altogether gets what it missed when it is back: the same message, signed. */
static void a_receiver_that_returns_gets_what_it_missed(void **state)
{
    (void)state;
    struct webhook *webhook;
    struct failure failure;
    struct webhook_options options = {
        .conninfo = private_cluster_conninfo(cluster, "epicenter_analyzer"), .patience = 0.0005};
    uint16_t port = http_server_port(receivers.server);
    add_receiver("/takes", "standard");
    make_messages("/takes", 1);
    http_server_stop(receivers.server);
    assert_true(webhook_start(&options, &webhook, &failure));
    wait_for_number("select count(*) from webhook_message"
                    " where attempts >= 2 and last_error <> '' and delivered_at is null",
                    1);
    assert_true(start_receivers(port));
    wait_for_number("select count(*) from webhook_message where delivered_at is not null", 1);
    webhook_stop(webhook);
    assert_int_equal(taken_at("/takes"), 1);
    assert_string_equal(
        receivers.taken[0].id,
        private_cluster_text(cluster, "select message_id::text from webhook_message"));
    assert_signed(&receivers.taken[0], private_cluster_text(cluster, "select secret from webhook"));
}

/* While it waits for an answer, the database may go and come back. */
static void the_database_may_be_away(void **state)
{
    (void)state;
    struct webhook *webhook;
    struct failure failure;
    struct webhook_options options = {.conninfo =
                                          private_cluster_conninfo(cluster, "epicenter_analyzer")};
    add_receiver("/takes", "standard");
    assert_true(webhook_start(&options, &webhook, &failure));
    private_cluster_restart_immediately(cluster);
    make_messages("/takes", 2);
    wait_for_number("select count(*) from webhook_message where delivered_at is not null", 2);
    webhook_stop(webhook);
}

static void receivers_are_listed_and_removed(void **state)
{
    (void)state;
    add_receiver("/takes", "standard");
    const char *conninfo = private_cluster_conninfo(cluster, "epicenter_analyzer");
    const char *list[] = {ANALYZER_PROGRAM, "webhook", "list", "--database", conninfo, NULL};
    struct process *process = process_run(list, 0);
    assert_non_null(strstr(process_output(process), "/takes"));
    assert_null(strstr(process_output(process), "whsec_"));
    process_free(process);
    const char *remove[] = {ANALYZER_PROGRAM, "webhook", "remove", "1",
                            "--database",     conninfo,  NULL};
    process_free(process_run(remove, 0));
    process_free(process_run(remove, 1)); /* it is not there any more */
    assert_int_equal(private_cluster_number(cluster, "select count(*) from webhook"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_of_verdict_are_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whatever_a_receiver_does_the_others_are_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_receiver_that_returns_gets_what_it_missed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_database_may_be_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(receivers_are_listed_and_removed, set_up, tear_down),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
