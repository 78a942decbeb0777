/* Hosts that report without pause; see fleet.h. Getting a request acknowledged is the work of the
 * simulated fleet's sender, which sends again until it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults/fleet.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "common/failure.h"
#include "common/instant.h"
#include "common/random_stream.h"
#include "common/uuid.h"
#include "tests/fleetsim/sender.h"

/* Requests handed to the sender at once; the fleet stops between two such rounds. */
#define ROUND_REQUESTS 32
#define HOSTS 4096
#define DAYS_LATE INT64_C(8)
#define GIVE_UP_AFTER_S 120.0
#define MILLISECOND (INSTANT_SECOND / 1000)

struct fleet {
    struct fleet_options options;
    struct random_stream random;
    pthread_t thread;
    instant_us begin;
    uint64_t made; /* reports */
    struct ledger_record *round;
    bool again[ROUND_REQUESTS]; /* requests that repeat what was acknowledged before */
    struct batch requests[ROUND_REQUESTS];
    struct ledger_record *ledger;
    size_t ledger_capacity;
    atomic_size_t acknowledged, repeated;
    atomic_bool stopping, gave_up;
    struct failure failure;
};

/* The n-th report there ever is. Its host is as late as its number says; a host's reports are a
 * millisecond apart. */
static struct ledger_record make_record(const struct fleet *fleet, uint64_t n)
{
    uint64_t host = n % HOSTS;
    int64_t days = (int64_t)host % (2 * DAYS_LATE) - DAYS_LATE;
    char name[32];
    (void)snprintf(name, sizeof name, "%llu", (unsigned long long)host);
    return (struct ledger_record){
        .host_id = uuid_from_name("faults", name, strlen(name)),
        /* The latest are an hour short of seven days, which the run must not take. */
        .observed_at = fleet->begin - (days > 0 ? (days * 24 - 1) * (60 * INSTANT_MINUTE) : 0) +
                       (int64_t)(n / HOSTS) * MILLISECOND,
        .busy = (double)(n % 10000) / 10000,
    };
}

static void write_report(struct buffer *body, const struct ledger_record *record)
{
    char host[UUID_TEXT_SIZE];
    buffer_append_format(
        body,
        "{\"host_id\":\"%s\",\"observed_at\":%lld,\"host\":{\"product_line\":\"Endpoint\","
        "\"os\":\"System %d\"},\"cpu\":{\"interval_s\":60,\"busy\":%.4f}}\n",
        uuid_format(&record->host_id, host), (long long)(record->observed_at / MILLISECOND),
        record->host_id.bytes[0] % 16, record->busy);
}

/* Fills a request with new reports, or with some that were acknowledged. */
static void make_request(struct fleet *fleet, size_t index, size_t first)
{
    struct batch *request = &fleet->requests[index];
    size_t acknowledged = atomic_load(&fleet->acknowledged);
    size_t most = fleet->options.reports_most;
    fleet->again[index] = acknowledged > most && random_below(&fleet->random, 10) == 0;
    buffer_clear(&request->body);
    request->first = first;
    request->count = 1 + random_below(&fleet->random, most);
    if (fleet->again[index]) {
        size_t from = random_below(&fleet->random, acknowledged - request->count);
        memcpy(&fleet->round[first], &fleet->ledger[from], request->count * sizeof *fleet->ledger);
    } else {
        for (size_t i = 0; i < request->count; i++) {
            fleet->round[first + i] = make_record(fleet, fleet->made++);
        }
    }
    for (size_t i = request->count; i-- > 1;) { /* in any order */
        size_t other = random_below(&fleet->random, i + 1);
        struct ledger_record swap = fleet->round[first + i];
        fleet->round[first + i] = fleet->round[first + other];
        fleet->round[first + other] = swap;
    }
    for (size_t i = 0; i < request->count; i++) {
        write_report(&request->body, &fleet->round[first + i]);
    }
}

static bool on_acknowledged(void *context, const struct batch *request, struct failure *failure)
{
    struct fleet *fleet = context;
    size_t count = atomic_load(&fleet->acknowledged);
    if (fleet->again[request - fleet->requests]) {
        atomic_fetch_add(&fleet->repeated, 1);
        return true;
    }
    if (count + request->count > fleet->ledger_capacity) {
        size_t capacity = 2 * (count + request->count);
        struct ledger_record *larger = realloc(fleet->ledger, capacity * sizeof *larger);
        if (larger == NULL) {
            return failure_memory(failure, "writing down what was acknowledged");
        }
        fleet->ledger = larger;
        fleet->ledger_capacity = capacity;
    }
    memcpy(&fleet->ledger[count], &fleet->round[request->first],
           request->count * sizeof *fleet->ledger);
    atomic_store(&fleet->acknowledged, count + request->count);
    return true;
}

static void on_waiting(void *context)
{
    (void)context;
}

static void *run_fleet(void *argument)
{
    struct fleet *fleet = argument;
    const struct sender_options options = {.collector = fleet->options.url,
                                           .token = fleet->options.token,
                                           .connections = fleet->options.connections,
                                           .give_up_after_s = GIVE_UP_AFTER_S};
    struct sender *sender = NULL;
    bool good = sender_new(&options, &sender, &fleet->failure);
    while (good && !atomic_load(&fleet->stopping)) {
        for (size_t i = 0; i < ROUND_REQUESTS; i++) {
            make_request(fleet, i, i * fleet->options.reports_most);
        }
        good = sender_send(sender, fleet->requests, ROUND_REQUESTS, on_acknowledged, on_waiting,
                           fleet, &fleet->failure);
    }
    atomic_store(&fleet->gave_up, !good);
    sender_free(sender);
    return NULL;
}

struct fleet *fleet_start(const struct fleet_options *options)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);
    assert_non_null(fleet);
    fleet->options = *options;
    fleet->random = random_stream_new(options->seed, 0);
    fleet->begin = instant_now() / MILLISECOND * MILLISECOND;
    fleet->round = calloc(ROUND_REQUESTS * options->reports_most, sizeof *fleet->round);
    assert_non_null(fleet->round);
    assert_int_equal(pthread_create(&fleet->thread, NULL, run_fleet, fleet), 0);
    return fleet;
}

size_t fleet_acknowledged(struct fleet *fleet)
{
    return atomic_load(&fleet->acknowledged);
}

size_t fleet_repeated(struct fleet *fleet)
{
    return atomic_load(&fleet->repeated);
}

const char *fleet_trouble(struct fleet *fleet)
{
    return atomic_load(&fleet->gave_up) ? fleet->failure.message : NULL;
}

void fleet_finish(struct fleet *fleet, struct ledger_record **records, size_t *count)
{
    atomic_store(&fleet->stopping, true);
    assert_int_equal(pthread_join(fleet->thread, NULL), 0);
    *records = fleet->ledger;
    *count = atomic_load(&fleet->acknowledged);
    for (size_t i = 0; i < ROUND_REQUESTS; i++) {
        buffer_free(&fleet->requests[i].body);
    }
    free(fleet->round);
    char trouble[sizeof fleet->failure.message] = "";
    if (atomic_load(&fleet->gave_up)) {
        (void)snprintf(trouble, sizeof trouble, "%s", fleet->failure.message);
    }
    free(fleet);
    if (trouble[0] != '\0') {
        fail_msg("the hosts gave up: %s", trouble);
    }
}
