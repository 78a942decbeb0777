/* Does a release pipeline get its answer when there is one, and not before? A real server and
 * client; the live analyzer is played by publishing snapshots. Oracle: the document of the snapshot
 * that was published last; that a request has waited shows in getting what was published after it
 * was sent. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyzer/api.h"
#include "analyzer/snapshot.h"
#include "tests/support/http_client.h"
#include "tests/unit/sample_answers.h"

#define UNDECIDED "engine/7.600"
#define HELD "pattern/2.594.00"
#define ENDS_MOST 16 /* moments: five seconds */

static struct live *live;
static struct api *api;
static char directory[] = "/tmp/epicenter-gate-XXXXXX";
static char proxy_socket[sizeof directory + 8];

/* The sample, with the undecided update as `verdict` says. */
static void publish(enum verdict verdict)
{
    struct answers answers = sample_answers();
    struct update_answer updates[8];
    struct snapshot *snapshot;
    struct failure failure;
    assert_true(answers.update_count <= sizeof updates / sizeof *updates);
    memcpy(updates, answers.updates, answers.update_count * sizeof *updates);
    for (size_t i = 0; i < answers.update_count; i++) {
        if (strcmp(updates[i].id, UNDECIDED) == 0) {
            updates[i].verdict = verdict;
        }
    }
    answers.updates = updates;
    assert_true(snapshot_new(&answers, NULL, 0, &snapshot, &failure));
    live_publish(live, snapshot);
}

struct asking {
    pthread_t thread;
    char path[128];
    struct http_answer answer;
};

static void *ask(void *context)
{
    struct asking *asking = context;
    char url[256];
    (void)snprintf(url, sizeof url, "http://gate%s", asking->path);
    /* By a proxy, which says who asks: there is no database here that could know. */
    http_client_ask(
        NULL,
        &(struct http_ask){.url = url,
                           .unix_socket = proxy_socket,
                           .headers = (const char *[]){"Remote-User: pipeline",
                                                       "Remote-Groups: epicenter-viewer", NULL}},
        &asking->answer);
    return NULL;
}

static void start_asking(struct asking *asking, const char *update, unsigned wait_s)
{
    *asking = (struct asking){0};
    (void)snprintf(asking->path, sizeof asking->path, "/v1/updates/%s/verdict?wait=%u", update,
                   wait_s);
    assert_int_equal(pthread_create(&asking->thread, NULL, ask, asking), 0);
}

static void assert_answer(struct asking *asking, unsigned status, const char *verdict)
{
    char expected[64];
    assert_int_equal(asking->answer.status, status);
    if (verdict != NULL) {
        (void)snprintf(expected, sizeof expected, "\"verdict\":\"%s\"", verdict);
        assert_non_null(strstr(asking->answer.body.data, expected));
    }
    http_answer_free(&asking->answer);
}

static void assert_answered(struct asking *asking, unsigned status, const char *verdict)
{
    pthread_join(asking->thread, NULL);
    assert_answer(asking, status, verdict);
}

/* Long enough for a request to have arrived; were it shorter, a wait would be tested less, and
 * nothing would fail that should not. */
static void let_them_arrive(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
}

static int set_up(void **state)
{
    (void)state;
    struct failure failure;
    const struct api_options options = {
        .address = "127.0.0.1", .proxy_socket = proxy_socket, .conninfo = ""};
    return live_new(NULL, &live, &failure) && api_start(&options, live, &api, &failure) ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    if (api != NULL) {
        api_stop(api);
    }
    api = NULL;
    live_free(live);
    return 0;
}

static void what_is_decided_is_answered_at_once(void **state)
{
    (void)state;
    struct asking asking;
    publish(VERDICT_SUSPECT);
    start_asking(&asking, HELD, 60);
    assert_answered(&asking, 200, "HOLD");
}

static void what_is_not_decided_waits_for_its_verdict(void **state)
{
    (void)state;
    static const enum verdict decisions[] = {VERDICT_HOLD, VERDICT_CLEAR};
    for (size_t i = 0; i < sizeof decisions / sizeof *decisions; i++) {
        struct asking asking[3];
        publish(VERDICT_INSUFFICIENT_DATA);
        for (size_t k = 0; k < 3; k++) {
            start_asking(&asking[k], UNDECIDED, 60);
        }
        let_them_arrive();
        publish(VERDICT_SUSPECT); /* not a decision */
        let_them_arrive();
        publish(decisions[i]);
        for (size_t k = 0; k < 3; k++) {
            assert_answered(&asking[k], 200, verdict_name(decisions[i]));
        }
    }
}

static void patience_ends(void **state)
{
    (void)state;
    struct asking asking;
    struct asking unknown;
    publish(VERDICT_SUSPECT);
    start_asking(&asking, UNDECIDED, 1);
    start_asking(&unknown, "pattern/never", 1);
    assert_answered(&asking, 200, "SUSPECT");
    assert_answered(&unknown, 404, NULL);
}

/* A pipeline asks before the first host has the update, or before there are answers at all. */
static void an_update_may_yet_be_reported(void **state)
{
    (void)state;
    struct asking asking;
    start_asking(&asking, HELD, 60);
    let_them_arrive();
    publish(VERDICT_SUSPECT);
    assert_answered(&asking, 200, "HOLD");
}

/* A request that comes after the end gets no answer, which says nothing: then once more, and it is
 * let more time. */
static void whoever_waits_is_answered_before_the_end(void **state)
{
    for (int moments = 1;; moments *= 2) {
        struct asking asking;
        publish(VERDICT_SUSPECT);
        start_asking(&asking, UNDECIDED, 60);
        for (int i = 0; i < moments; i++) {
            let_them_arrive();
        }
        api_stop(api);
        api = NULL;
        pthread_join(asking.thread, NULL);
        if (asking.answer.status != 0 || moments >= ENDS_MOST) {
            assert_answer(&asking, 200, "SUSPECT");
            return;
        }
        http_answer_free(&asking.answer);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

static int make_directory(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(proxy_socket, sizeof proxy_socket, "%s/proxy", directory);
    return 0;
}

/* Which is empty: a server takes its socket with it. */
static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_decided_is_answered_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_decided_waits_for_its_verdict, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(patience_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_update_may_yet_be_reported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whoever_waits_is_answered_before_the_end, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
