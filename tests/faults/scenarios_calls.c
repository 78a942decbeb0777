/* The n-th allocation, write or libpq call of the collector fails, for every n until a round passes
 * in which none did. See scenarios.h.
 *
 * Given one that fails, then the collector neither ends nor claims what it did not commit, and the
 * next request is served. While it starts it may end, but not by a crash.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/instant.h"
#include "common/uuid.h"
#include "tests/faults/fail_call.h"
#include "tests/faults/scenarios.h"
#include "tests/support/http_client.h"
#include "tests/support/process.h"

/* Whatever takes more is an endless loop. */
#define ROUNDS_MOST 20000
/* A lost connection to the database is found again within a second. */
#define AGAIN_WITHIN_MS 20000
#define AGAIN_MS 20
/* Housekeeping now and then makes a call that a round does not; so two in a row must pass. */
#define QUIET_ROUNDS 2
#define REQUESTS_OF_A_ROUND 3
/* The last of them has an Idempotency-Key, so that sending it again stores nothing; its hosts'
 * names end in -2. */
#define WITH_KEY 2
#define STORED_AGAIN                                                                               \
    "select count(*) - count(distinct (host_id, observed_at)) "                                    \
    "from report join host_name using (host_id) where name like '%-2' or name like '%-2-b'"
/* Reports of a round: one alone, and two of three lines, twice. */
#define REPORTS_OF_A_ROUND 5

static const char *const kinds[FAIL_KINDS] = {"nothing", "allocation", "write", "libpq call"};

struct torture {
    struct stage *stage;
    struct fail_call *control;
    struct http_client *client;
    char url[96], authorization[TOKEN_TEXT_SIZE + 32];
    size_t capacity; /* of the stage's `others` */
};

static void sleep_ms(long milliseconds)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

static void arm(const struct torture *torture, enum fail_call_kind kind, long n)
{
    atomic_store(&torture->control->kind, FAIL_NOTHING);
    atomic_store(&torture->control->fired, 0);
    atomic_store(&torture->control->left, n);
    atomic_store(&torture->control->kind, kind);
}

static void prepare(struct torture *torture, struct stage *stage)
{
    const char *path = private_cluster_path(stage->cluster, "fail-call");
    const char *script = private_cluster_path(stage->cluster, "tortured");
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, sizeof *torture->control), 0);
    torture->control =
        mmap(NULL, sizeof *torture->control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_true(torture->control != MAP_FAILED);
    (void)close(file);
    FILE *stream = fopen(script, "we");
    assert_non_null(stream);
    assert_true(fprintf(stream,
                        "#!/bin/sh\nexport " FAIL_CALL_FILE "=%s LD_PRELOAD=%s\nexec %s \"$@\"\n",
                        path, FAIL_CALL_LIBRARY, COLLECTOR_PROGRAM) > 0);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(chmod(script, 0755), 0);
    stage->program = script;
    torture->stage = stage;
}

/* ---- While it serves ---- */

struct probe {
    const char *type, *key;
    char body[900];
    struct ledger_record records[2];
    size_t count;
    bool acknowledged;
};

/* Of a new host and a new segment, so that every statement has something to do. */
static void add_report(struct probe *probe, const char *name, double busy)
{
    size_t length = strlen(probe->body);
    instant_us now = instant_now() / 1000 * 1000;
    (void)snprintf(probe->body + length, sizeof probe->body - length,
                   "{\"host_id\":\"%s\",\"observed_at\":%lld,\"host\":{\"os\":\"%s\"},"
                   "\"updates\":[{\"id\":\"u/1\",\"outcome\":\"installed\",\"at\":%lld}],"
                   "\"cpu\":{\"interval_s\":60,\"busy\":%.4f}}\n",
                   name, (long long)(now / 1000), name, (long long)(now / 1000), busy);
    probe->records[probe->count++] = (struct ledger_record){
        .host_id = uuid_from_name("acme", name, strlen(name)), .observed_at = now, .busy = busy};
}

static void make_probes(struct probe probes[REQUESTS_OF_A_ROUND], const char *kind, long n)
{
    char name[64];
    memset(probes, 0, REQUESTS_OF_A_ROUND * sizeof *probes);
    for (int i = 0; i < REQUESTS_OF_A_ROUND; i++) {
        (void)snprintf(name, sizeof name, "%s-%ld-%d", kind, n, i);
        add_report(&probes[i], name, 0.25);
        probes[i].type =
            i == 0 ? "Content-Type: application/json" : "Content-Type: application/x-ndjson";
        if (i > 0) {
            size_t length = strlen(probes[i].body);
            (void)snprintf(probes[i].body + length, sizeof probes[i].body - length,
                           "{\"host_id\":7}\n");
            (void)snprintf(name, sizeof name, "%s-%ld-%d-b", kind, n, i);
            add_report(&probes[i], name, 0.75);
        }
    }
}

static bool hangs(const struct http_answer *answer)
{
    return answer->status == 0 && strcmp(answer->trouble, "Timeout was reached") == 0;
}

/* 200: acknowledged. Otherwise 503, or a connection that was closed: everything else would be a lie
 * about a good request, or no answer at all. */
static void send_probe(struct torture *torture, struct probe *probe, const char *key)
{
    struct http_answer answer;
    const char *const headers[] = {torture->authorization, probe->type, key, NULL};
    http_client_ask(
        torture->client,
        &(struct http_ask){.url = torture->url, .headers = headers, .body = probe->body}, &answer);
    if (hangs(&answer) || (answer.status != 200 && answer.status != 503 && answer.status != 0)) {
        fail_msg("%s: %u %s%s\n%s", probe->body, answer.status, answer.trouble, answer.body.data,
                 process_log(torture->stage->collector.process));
    }
    if (answer.status == 200 &&
        strstr(answer.body.data, probe->count == 1 ? "{\"accepted\":1,\"rejected\":[]}"
                                                   : "{\"accepted\":2,") == NULL) {
        fail_msg("acknowledged with %s", answer.body.data);
    }
    probe->acknowledged = answer.status == 200;
    http_answer_free(&answer);
}

static void ask_for_metrics(const struct torture *torture)
{
    char url[96];
    struct http_answer answer;
    (void)snprintf(url, sizeof url, "%s/metrics", torture->stage->collector.url);
    http_client_ask(torture->client, &(struct http_ask){.url = url}, &answer);
    assert_false(hangs(&answer));
    http_answer_free(&answer);
}

static void insist(struct torture *torture, struct probe *probe, const char *key, const char *kind,
                   long n)
{
    for (int left_ms = AGAIN_WITHIN_MS; !probe->acknowledged; left_ms -= AGAIN_MS) {
        if (left_ms < 0 || !process_is_running(torture->stage->collector.process)) {
            fail_msg("after %s %ld: %s\n%s", kind, n,
                     left_ms < 0 ? "it serves no more" : "it has ended",
                     process_log(torture->stage->collector.process));
        }
        sleep_ms(AGAIN_MS);
        send_probe(torture, probe, key);
    }
}

static void write_down(struct torture *torture, const struct probe *probe)
{
    struct stage *stage = torture->stage;
    if (stage->other_count + probe->count > torture->capacity) {
        torture->capacity = 2 * torture->capacity + REPORTS_OF_A_ROUND;
        stage->others = realloc(stage->others, torture->capacity * sizeof *stage->others);
        assert_non_null(stage->others);
    }
    memcpy(&stage->others[stage->other_count], probe->records,
           probe->count * sizeof *probe->records);
    stage->other_count += probe->count;
}

/* True when a call failed. Whatever was not acknowledged is sent until it is. */
static bool round_fails(struct torture *torture, enum fail_call_kind kind, long n)
{
    struct probe probes[REQUESTS_OF_A_ROUND];
    char key[96];
    make_probes(probes, kinds[kind], n);
    (void)snprintf(key, sizeof key, "Idempotency-Key: \"%s-%ld\"", kinds[kind], n);
    arm(torture, kind, n);
    for (int i = 0; i < REQUESTS_OF_A_ROUND; i++) {
        send_probe(torture, &probes[i], i == WITH_KEY ? key : NULL);
    }
    ask_for_metrics(torture);
    bool fired = atomic_load(&torture->control->fired) != 0;
    arm(torture, FAIL_NOTHING, 0);
    for (int i = 0; i < REQUESTS_OF_A_ROUND; i++) {
        insist(torture, &probes[i], i == WITH_KEY ? key : NULL, kinds[kind], n);
        write_down(torture, &probes[i]);
    }
    return fired;
}

static void torture_serving(struct torture *torture)
{
    struct stage *stage = torture->stage;
    stage_collector(stage);
    torture->client = http_client_new();
    (void)snprintf(torture->url, sizeof torture->url, "%s/v1/reports", stage->collector.url);
    (void)snprintf(torture->authorization, sizeof torture->authorization,
                   "Authorization: Bearer %s", stage->token);
    for (enum fail_call_kind kind = FAIL_MEMORY; kind < FAIL_KINDS; kind++) {
        int quiet = 0;
        long n = 1;
        for (; quiet < QUIET_ROUNDS && n < ROUNDS_MOST; n++) {
            bool fired = round_fails(torture, kind, n);
            stage->faults += fired;
            quiet = fired ? 0 : quiet + 1;
        }
        assert_true(n < ROUNDS_MOST);
        print_message("while it served, each of the first %ld %ss failed\n", n - 1 - QUIET_ROUNDS,
                      kinds[kind]);
    }
    http_client_free(torture->client);
}

/* ---- While it starts ---- */

/* True when a call failed. */
static bool start_fails(struct torture *torture, enum fail_call_kind kind, long n)
{
    struct stage *stage = torture->stage;
    const char *port_file = private_cluster_path(stage->cluster, "tortured-port");
    const char *const arguments[] = {stage->program, "serve",       "--database",  torture->url,
                                     "--listen",     "127.0.0.1:0", "--port-file", port_file,
                                     "--token-keys", stage->keys,   NULL};
    (void)unlink(port_file);
    arm(torture, kind, n);
    struct process *process = process_start(arguments);
    for (int left_ms = AGAIN_WITHIN_MS;
         left_ms > 0 && process_is_running(process) && access(port_file, F_OK) != 0; left_ms -= 2) {
        sleep_ms(2);
    }
    bool fired = atomic_load(&torture->control->fired) != 0;
    if (process_is_running(process)) {
        process_signal(process, SIGTERM);
    }
    int status = process_wait(process, AGAIN_WITHIN_MS / 1000);
    arm(torture, FAIL_NOTHING, 0);
    if (status >= 128) {
        fail_msg("%s %ld while it started: ended with %d\n%s", kinds[kind], n, status,
                 process_log(process));
    }
    process_free(process);
    return fired;
}

static void torture_starting(struct torture *torture)
{
    (void)snprintf(torture->url, sizeof torture->url, "%s",
                   private_cluster_conninfo(torture->stage->cluster, "epicenter_collector"));
    for (enum fail_call_kind kind = FAIL_MEMORY; kind < FAIL_KINDS; kind++) {
        int quiet = 0;
        long n = 1;
        for (; quiet < QUIET_ROUNDS && n < ROUNDS_MOST; n++) {
            bool fired = start_fails(torture, kind, n);
            torture->stage->faults += fired;
            quiet = fired ? 0 : quiet + 1;
        }
        assert_true(n < ROUNDS_MOST);
        print_message("while it started, each of the first %ld %ss failed\n", n - 1 - QUIET_ROUNDS,
                      kinds[kind]);
    }
}

void scenario_calls_fail(struct stage *stage, bool full)
{
    struct torture torture = {0};
    stage_start(stage, &(struct private_cluster_options){.without_fsync = true});
    prepare(&torture, stage);
    if (full) {
        torture_starting(&torture);
    }
    torture_serving(&torture);
    assert_int_equal(private_cluster_number(stage->cluster, STORED_AGAIN), 0);
    stage_note_memory(stage);
    stage_fleet(stage, 4, 300); /* and after all that it still is a collector */
}
