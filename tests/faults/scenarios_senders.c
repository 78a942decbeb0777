/* The faults of those who send: slow, late, twice, and with clocks that are wrong. See scenarios.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/buffer.h"
#include "common/instant.h"
#include "common/uuid.h"
#include "tests/faults/scenarios.h"
#include "tests/support/http_client.h"

void scenario_late_and_repeated(struct stage *stage, bool full)
{
    /* What the fleet does anyway, and nothing else; in requests of up to 2,000. */
    stage_start(stage, NULL);
    stage_collector(stage);
    stage_fleet(stage, 16, 2000);
    stage_wait_for_reports(stage, full ? 400000 : 60000);
    while (fleet_repeated(stage->fleet) < (full ? 30 : 3)) { /* which ones it repeats is chance */
        stage_wait_for_reports(stage, 1000);
    }
    stage->faults = fleet_repeated(stage->fleet);
    stage_note_memory(stage);
}

/* ---- Slow senders ---- */

/* The collector's own limits: 256 MiB of bodies and as much that waits; a buffer that grows holds
 * up to twice what is in it. */
#define MEMORY_LIMIT_KB (1024UL * 1024)
#define LARGE_BYTES (4UL << 20)
/* A body's deadline is 30 s. */
#define CLOSED_WITHIN_S 45

struct slow {
    int connection;
    bool closed;
};

/* One in three is slow with its headers, one with its body, and of the third kind every tenth has
 * sent 4 MB of a body before it gets slow. */
static void begin_slowly(const struct stage *stage, struct slow *slow, int index)
{
    char head[TOKEN_TEXT_SIZE + 256];
    *slow = (struct slow){.connection = http_raw_connect(stage->collector.port)};
    (void)snprintf(head, sizeof head,
                   "POST /v1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                   "Content-Type: application/x-ndjson\r\nContent-Length: 8000000\r\n\r\n",
                   stage->token);
    size_t length = index % 3 == 0 ? 30 : strlen(head);
    http_raw_send(slow->connection, head, length);
    if (index % 30 == 2) {
        static const char nothing[65536];
        for (size_t sent = 0; sent < LARGE_BYTES; sent += sizeof nothing) {
            ssize_t taken =
                send(slow->connection, nothing, sizeof nothing, MSG_NOSIGNAL | MSG_DONTWAIT);
            sent += taken < 0 ? LARGE_BYTES : 0; /* no room for more just now */
        }
    }
}

/* A byte more; true while the collector still listens. */
static bool send_slowly(struct slow *slow)
{
    char bytes[256];
    if (!slow->closed) {
        ssize_t received = recv(slow->connection, bytes, sizeof bytes, MSG_DONTWAIT);
        slow->closed = received == 0 || (received < 0 && send(slow->connection, "x", 1,
                                                              MSG_NOSIGNAL | MSG_DONTWAIT) < 0);
    }
    return !slow->closed;
}

void scenario_slow_senders(struct stage *stage, bool full)
{
    const int count = full ? 2000 : 600;
    struct slow *slow = calloc((size_t)count, sizeof *slow);
    struct rlimit files;
    assert_non_null(slow);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    stage_start(stage, NULL);
    stage_collector(stage);
    stage_fleet(stage, 16, 300);
    for (int i = 0; i < count; i++) {
        begin_slowly(stage, &slow[i], i);
    }
    stage->faults = (size_t)count;
    int open = count;
    for (int second = 0; second < (full ? CLOSED_WITHIN_S : 3) && open > 0; second++) {
        stage_wait_for_reports(stage, 1000);
        (void)nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        open = 0;
        for (int i = 0; i < count; i++) {
            open += send_slowly(&slow[i]);
        }
    }
    for (int i = 0; i < count; i++) {
        http_raw_close(slow[i].connection);
    }
    free(slow);
    stage_note_memory(stage);
    if (full && open > 0) {
        fail_msg("%d of %d slow senders were not shut out in %d s", open, count, CLOSED_WITHIN_S);
    }
    if (stage->memory_kb > MEMORY_LIMIT_KB) {
        fail_msg("the collector took %zu kB of memory", stage->memory_kb);
    }
}

/* ---- Clocks ---- */

#define HOUR (60 * INSTANT_MINUTE)
#define YEAR (INT64_C(365) * 24 * HOUR)
#define HOSTS_OF_A_CLOCK 20

static const struct {
    instant_us off;
    bool taken; /* up to ten minutes ahead and seven days behind */
} clocks[] = {
    {0, true},          {-6 * HOUR, true},   {6 * HOUR, false},
    {10 * YEAR, false}, {-10 * YEAR, false}, {9 * INSTANT_MINUTE, true},
};
#define CLOCKS (sizeof clocks / sizeof *clocks)

/* A line for every host of every clock, all in one body; what must be taken goes to `others`. */
static size_t write_clocks(struct stage *stage, struct buffer *body)
{
    size_t taken = 0;
    instant_us now = instant_now() / 1000 * 1000;
    for (size_t i = 0; i < CLOCKS * HOSTS_OF_A_CLOCK; i++) {
        char name[32];
        char host[UUID_TEXT_SIZE];
        (void)snprintf(name, sizeof name, "clock-%zu", i);
        struct ledger_record record = {.host_id = uuid_from_name("faults", name, strlen(name)),
                                       .observed_at = now + clocks[i % CLOCKS].off,
                                       .busy = (double)i / 1000};
        buffer_append_format(body,
                             "{\"host_id\":\"%s\",\"observed_at\":%lld,"
                             "\"cpu\":{\"interval_s\":60,\"busy\":%.3f}}\n",
                             uuid_format(&record.host_id, host),
                             (long long)(record.observed_at / 1000), record.busy);
        if (clocks[i % CLOCKS].taken) {
            stage->others[stage->other_count + taken++] = record;
        }
    }
    return taken;
}

void scenario_wrong_clocks(struct stage *stage, bool full)
{
    const int rounds = full ? 200 : 20;
    char url[96];
    char authorization[TOKEN_TEXT_SIZE + 32];
    stage_start(stage, NULL);
    stage_collector(stage);
    stage_fleet(stage, 4, 300); /* whose clocks are good, and of whose reports none is refused */
    stage->others = calloc((size_t)rounds * CLOCKS * HOSTS_OF_A_CLOCK, sizeof *stage->others);
    assert_non_null(stage->others);
    (void)snprintf(url, sizeof url, "%s/v1/reports", stage->collector.url);
    (void)snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", stage->token);
    const char *const headers[] = {authorization, "Content-Type: application/x-ndjson", NULL};
    for (int round = 0; round < rounds; round++) {
        struct buffer body = {0};
        struct http_answer answer;
        size_t taken = write_clocks(stage, &body);
        http_client_ask(
            NULL,
            &(struct http_ask){
                .url = url, .headers = headers, .body = body.data, .body_length = body.length},
            &answer);
        json_t *said = json_loadb(answer.body.data, answer.body.length, 0, NULL);
        assert_int_equal(answer.status, 200);
        assert_int_equal(json_integer_value(json_object_get(said, "accepted")), taken);
        assert_int_equal(json_array_size(json_object_get(said, "rejected")),
                         CLOCKS * HOSTS_OF_A_CLOCK - taken);
        stage->other_count += taken;
        stage->faults += CLOCKS * HOSTS_OF_A_CLOCK - taken;
        json_decref(said);
        http_answer_free(&answer);
        buffer_free(&body);
        (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL); /* the next millisecond */
    }
}
