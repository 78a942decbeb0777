/* The HTTP server against raw sockets. The probes are those that libmicrohttpd 0.9.75 itself was
 * seen to answer wrongly; what must happen is RFC 9112 (6.1, 6.3) and 9110 (5.6.2, 7.2, 15.5.6).
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "common/http_server.h"
#include "tests/support/http_client.h"

#define CONNECTIONS 64
/* Long enough for a busy machine, and reached only where a test is about to fail. */
#define PATIENCE_MS 10000
/* How long a connection is watched for what must not come. */
#define QUIET_MS 300
#define END_OF_HEADERS "\r\n\r\n"
/* More than the buffers of both sockets take. */
#define LARGE_BYTES ((size_t)64 * 1024 * 1024)

struct world {
    struct http_server *server;
    atomic_int smuggled; /* requests for /smug: there must never be any */
    atomic_int held;     /* requests that wait in `waiting` */
    pthread_mutex_t lock;
    struct http_request *waiting[CONNECTIONS];
    struct http_kept_answer *kept;
    atomic_bool stalling, stalled; /* whether /stall is to keep its loop, and whether it does */
};

static void respond_text(struct http_request *request, unsigned status, const char *text)
{
    struct buffer body = {0};
    buffer_append_text(&body, text);
    http_respond(request, status, "text/plain", &body);
}

/* ---- The handlers ---- */

static void get_plain(void *context, struct http_request *request)
{
    (void)context;
    respond_text(request, 200, "plain");
}

static void get_smug(void *context, struct http_request *request)
{
    struct world *world = context;
    atomic_fetch_add(&world->smuggled, 1);
    respond_text(request, 200, "smuggled");
}

static void post_echo(void *context, struct http_request *request)
{
    (void)context;
    struct buffer copy = {0};
    const struct buffer *body = http_request_body(request);
    buffer_append(&copy, body->data, body->length);
    http_respond(request, 200, "text/plain", &copy);
}

static void get_rest(void *context, struct http_request *request)
{
    (void)context;
    struct buffer body = {0};
    const char *q = http_request_query(request, "q");
    buffer_append_format(&body, "%s|%s|%s", http_request_path(request), http_request_rest(request),
                         q != NULL ? q : "-");
    http_respond_header(request, "Cache-Control", "max-age=60");
    http_respond(request, 200, "text/plain", &body);
}

static void *answer_from_elsewhere(void *argument)
{
    respond_text(argument, 200, "from elsewhere");
    return NULL;
}

static size_t says_elsewhere(const struct buffer *received)
{
    return received->data != NULL && strstr(received->data, "from elsewhere") != NULL;
}

/* Sometimes the thread is faster than the return of this function and sometimes it is not. */
static void get_raced(void *context, struct http_request *request)
{
    (void)context;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_from_elsewhere, request), 0);
    assert_int_equal(pthread_detach(thread), 0);
}

static void get_held(void *context, struct http_request *request)
{
    struct world *world = context;
    (void)pthread_mutex_lock(&world->lock);
    world->waiting[atomic_fetch_add(&world->held, 1)] = request;
    (void)pthread_mutex_unlock(&world->lock);
}

static void get_problem(void *context, struct http_request *request)
{
    (void)context;
    http_respond_problem(request, 503, "away \"for\" %d\ns", 5);
}

static void get_large(void *context, struct http_request *request)
{
    (void)context;
    static const char large[LARGE_BYTES];
    http_respond_static(request, 200, "text/plain", large, sizeof large);
}

static void get_kept(void *context, struct http_request *request)
{
    struct world *world = context;
    http_respond_kept(request, world->kept);
}

/* Keeps its loop from looking at anything else. */
static void get_stall(void *context, struct http_request *request)
{
    struct world *world = context;
    const struct timespec moment = {.tv_nsec = 1000000};
    atomic_store(&world->stalled, true);
    while (atomic_load(&world->stalling)) {
        (void)nanosleep(&moment, NULL);
    }
    respond_text(request, 200, "stalled");
}

static const struct http_route routes[] = {
    {"GET", "/plain", 0, get_plain},   {"GET", "/smug", 0, get_smug},
    {"POST", "/echo", 100, post_echo}, {"GET", "/echo", 0, get_plain},
    {"GET", "/rest/*", 0, get_rest},   {"GET", "/raced", 0, get_raced},
    {"GET", "/held", 0, get_held},     {"GET", "/problem", 0, get_problem},
    {"GET", "/large", 0, get_large},   {"GET", "/kept", 0, get_kept},
    {"POST", "/kept", 100, get_kept},  {"GET", "/stall", 0, get_stall},
};

static void release_held(struct world *world)
{
    (void)pthread_mutex_lock(&world->lock);
    for (int i = 0; i < atomic_load(&world->held); i++) {
        respond_text(world->waiting[i], 200, "released");
    }
    atomic_store(&world->held, 0);
    (void)pthread_mutex_unlock(&world->lock);
}

static void rest_ms(long milliseconds)
{
    const struct timespec moment = {.tv_nsec = milliseconds * 1000000};
    (void)nanosleep(&moment, NULL);
}

static void wait_until_held(struct world *world, int count)
{
    for (int i = 0; i < PATIENCE_MS && atomic_load(&world->held) < count; i++) {
        rest_ms(1);
    }
    assert_int_equal(atomic_load(&world->held), count);
}

/* ---- Asking ---- */

static int start_with(void **state, const struct http_server_options *options)
{
    static struct world world;
    world = (struct world){.lock = PTHREAD_MUTEX_INITIALIZER};
    struct failure failure;
    if (!http_kept_answer_new(200, "text/plain", "plain", &world.kept, &failure) ||
        !http_server_start(options, routes, sizeof routes / sizeof *routes, &world, &world.server,
                           &failure)) {
        print_error("%s\n", failure.message);
        return -1;
    }
    *state = &world;
    return 0;
}

static int start_one(void **state)
{
    return start_with(state, &(struct http_server_options){.address = "127.0.0.1", .threads = 1});
}

static int start_pool(void **state)
{
    return start_with(state, &(struct http_server_options){.address = "127.0.0.1", .threads = 4});
}

static int stop(void **state)
{
    struct world *world = *state;
    http_server_stop(world->server);
    http_kept_answer_free(world->kept);
    return 0;
}

/* Adds what comes until the text is among it; false when the server closes the connection before,
 * or patience ends. NULL: until it closes, which is true. */
static bool receive_until(int connection, const char *text, struct buffer *received)
{
    bool closed = false;
    for (int tries = 0; tries < PATIENCE_MS && !closed; tries++) {
        if (text != NULL && received->data != NULL && strstr(received->data, text) != NULL) {
            return true;
        }
        closed = http_raw_receive(connection, 1, received);
    }
    return text == NULL ? closed : received->data != NULL && strstr(received->data, text) != NULL;
}

/* Sends the text on a connection of its own and returns all that comes back until `last` has come,
 * and for a moment after that; NULL: until the server closes it. *closed says whether it did. */
static char *ask(struct world *world, const char *text, size_t length, const char *last,
                 bool *closed)
{
    struct buffer received = {0};
    int connection = http_raw_connect(http_server_port(world->server));
    http_raw_send(connection, text, length);
    *closed = receive_until(connection, last, &received) && last == NULL;
    *closed = *closed || http_raw_receive(connection, QUIET_MS, &received);
    http_raw_close(connection);
    return received.data != NULL ? received.data : calloc(1, 1);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

static void check(struct world *world, const char *text, const char *status, const char *holds)
{
    bool closed;
    char *answer =
        ask(world, text, strlen(text), holds[0] != '\0' ? holds : END_OF_HEADERS, &closed);
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, status, 3) != 0 ||
        strstr(answer, holds) == NULL) {
        fail_msg("%s\nwas answered\n%s", text, answer);
    }
    free(answer);
}

/* ---- Requests that two readers would read two ways ---- */

#define HIDDEN "GET /smug HTTP/1.1\r\nHost: x\r\n\r\n"

#define POST "POST /echo HTTP/1.1\r\nHost: x\r\n"
#define PLAIN "GET /plain HTTP/1.1\r\nHost: x\r\n"
/* A text with its length, as it may hold a NUL. */
#define TEXT(text) text, sizeof(text) - 1

/* One answer of that status, then the connection closes. (What libmicrohttpd 0.9.75 refuses by
 * itself it refuses with the header twice, the second time where the body belongs.) */
static void expect_refusal(struct world *world, const char *text, size_t length, const char *status)
{
    bool closed;
    char *answer = ask(world, text, length, NULL, &closed);
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, status, 3) != 0 ||
        count_of(answer, "HTTP/1.1 2") != 0 || count_of(answer, "Content-Type: ") > 1 || !closed) {
        fail_msg("%.300s\nwas answered (%s)\n%s", text, closed ? "closed" : "open", answer);
    }
    free(answer);
}

static void a_request_that_reads_two_ways_is_refused_and_closed(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *text;
        size_t length;
    } probes[] = {
        {TEXT(POST "Content-Length: 5\r\nContent-Length: 36\r\n\r\nhello" HIDDEN)},
        {TEXT(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" HIDDEN)},
        {TEXT(POST "Content-Length: 36\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" HIDDEN)},
        {TEXT(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" HIDDEN)},
        {TEXT(POST "Content-Length : 36\r\n\r\n" HIDDEN)},
        {TEXT(POST "Content-Length\t: 36\r\n\r\n" HIDDEN)},
        {TEXT(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" HIDDEN)},
        {TEXT(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" HIDDEN)},
        {TEXT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" HIDDEN)},
        {TEXT(POST "Transfer-Encoding: identity\r\n\r\n" HIDDEN)},
        {TEXT(POST "Transfer-Encoding:\r\n\r\n" HIDDEN)},
        {TEXT(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "0\r\n\r\n" HIDDEN)},
        {TEXT("POST /echo HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
              "0\r\n\r\n" HIDDEN)},
        {TEXT(POST "Content-Length: +5\r\n\r\nhello" HIDDEN)},
        {TEXT(POST "Content-Length: -1\r\n\r\nhello" HIDDEN)},
        {TEXT(POST "Content-Length: 0x5\r\n\r\nhello" HIDDEN)},
        {TEXT(POST "Content-Length: 5, 5\r\n\r\nhello" HIDDEN)},
        {TEXT(POST "Content-Length: 5 \r\n\r\nhello" HIDDEN)},
        {TEXT(PLAIN "Host: y\r\n\r\n" HIDDEN)},
        {TEXT("GET /plain HTTP/1.1\r\n\r\n" HIDDEN)},
        {TEXT("GET /plain HTTP/1.0\r\n\r\n" HIDDEN)},
        {TEXT("GET /plain HTTP/1.2\r\nHost: x\r\n\r\n" HIDDEN)},
        {TEXT("G(T /plain HTTP/1.1\r\nHost: x\r\n\r\n" HIDDEN)},
        {TEXT("\xaaGET /plain HTTP/1.1\r\nHost: x\r\n\r\n" HIDDEN)},
        {TEXT("G\0ET /plain HTTP/1.1\r\nHost: x\r\n\r\n" HIDDEN)},
        {TEXT(PLAIN "X-Odd: a\x01\x62\r\n\r\n" HIDDEN)},
        {TEXT(PLAIN "X-Odd: a\x7f\r\n\r\n" HIDDEN)},
        {TEXT(PLAIN "X-Odd: a\rb\r\n\r\n" HIDDEN)},
        {TEXT(PLAIN "X(Odd): a\r\n\r\n" HIDDEN)},
        {TEXT(PLAIN "X-Odd\r\n\r\n" HIDDEN)},
        {TEXT(PLAIN ": a\r\n\r\n" HIDDEN)},
        /* A NUL in a value, in a name and at the end of a line. */
        {TEXT(PLAIN "X-Odd: a\0b\r\n\r\n" HIDDEN)},
        {TEXT(PLAIN "X-Odd: a\0Content-Length: 36\r\n\r\n" HIDDEN)},
        {TEXT(PLAIN "X\0Odd: a\r\n\r\n" HIDDEN)},
        {TEXT(PLAIN "X-Odd: a\0\r\n\r\n" HIDDEN)},
        /* A bare LF after the request line, a header, the last header, and as the empty line. */
        {TEXT("GET /plain HTTP/1.1\nHost: x\r\n\r\n" HIDDEN)},
        {TEXT("GET /plain HTTP/1.1\r\nHost: x\nX-Odd: a\r\n\r\n" HIDDEN)},
        {TEXT("GET /plain HTTP/1.1\r\nX-Odd: a\r\nHost: x\n\r\n" HIDDEN)},
        {TEXT("GET /plain HTTP/1.1\r\nHost: x\r\n\n" HIDDEN)},
        {TEXT("GET /plain HTTP/1.1\nHost: x\n\n" HIDDEN)},
        {TEXT(PLAIN "X-Odd: a\n:1\n\r" HIDDEN)},
        {TEXT(PLAIN "X-Odd: a\r\n:1\r\n\r\n" HIDDEN)},
        /* A folded line. */
        {TEXT(PLAIN "X-Odd: a\r\n b\r\n\r\n" HIDDEN)},
        {TEXT(POST "Content-Length: 0\r\n\t5\r\n\r\nhello" HIDDEN)},
        {TEXT("GET /plain HTTP/1.1\r\n Host: x\r\n\r\n" HIDDEN)},
    };
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        expect_refusal(world, probes[i].text, probes[i].length, "400");
    }
    assert_int_equal(atomic_load(&world->smuggled), 0);
}

/* Where the library's reading of chunks and another's part, the next request begins elsewhere. */
static void nothing_behind_a_chunked_body_is_read(void **state)
{
    struct world *world = *state;
    static const char *const probes[] = {
        POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" HIDDEN,
        POST "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Odd: a\r\n\r\n" HIDDEN,
        POST "Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n" HIDDEN,
    };
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        bool closed;
        char *answer = ask(world, probes[i], strlen(probes[i]), NULL, &closed);
        assert_true(closed);
        assert_true(count_of(answer, "HTTP/1.1 ") <= 1);
        free(answer);
    }
    assert_int_equal(atomic_load(&world->smuggled), 0);
}

/* `count` lines of headers with values of `length` bytes. */
static void append_headers(struct buffer *text, int count, int length)
{
    for (int i = 0; i < count; i++) {
        buffer_append_format(text, "X-%d: %0*d\r\n", i, length, i);
    }
    buffer_append_text(text, "\r\n");
}

static void headers_over_the_limit_are_refused(void **state)
{
    struct world *world = *state;
    static const struct {
        int url, headers, length;
        const char *status;
    } cases[] = {
        {1, 1, 40000, "431"},
        {1, 2000, 1, "431"},
        {40000, 1, 1, "414"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer text = {0};
        buffer_append_format(&text, "GET /%0*d HTTP/1.1\r\nHost: x\r\n", cases[i].url, 0);
        append_headers(&text, cases[i].headers, cases[i].length);
        buffer_append_text(&text, HIDDEN);
        expect_refusal(world, text.data, text.length, cases[i].status);
        buffer_free(&text);
    }
    expect_refusal(world, TEXT(POST "Content-Length: 18446744073709551616\r\n\r\nhello" HIDDEN),
                   "413");
    assert_int_equal(atomic_load(&world->smuggled), 0);
}

/* The strictness above costs no honest client anything: white space around values, empty ones,
 * many headers, and pieces cut anywhere. */
static void honest_headers_are_taken(void **state)
{
    struct world *world = *state;
    static const char *const honest[] = {
        "GET /plain HTTP/1.1\r\nHost:x\r\n\r\n",
        "GET /plain HTTP/1.1\r\nHost: \t x \t\r\nX-Empty:\r\nX-Blank: \r\nCookie: a=b; c=d\r\n\r\n",
        "GET /plain HTTP/1.0\r\nhOST: x\r\nX-Utf8: \xc3\xa9\r\n\r\n",
        "\r\nGET /plain?a=b&c HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof honest / sizeof *honest; i++) {
        check(world, honest[i], "200", "\r\n\r\nplain");
    }
    struct buffer text = {0};
    buffer_append_text(&text, PLAIN);
    append_headers(&text, 30, 400);
    int connection = http_raw_connect(http_server_port(world->server));
    for (int round = 0; round < 3; round++) {
        struct buffer received = {0};
        for (size_t at = 0; at < text.length; at += 4001) {
            size_t left = text.length - at;
            http_raw_send(connection, text.data + at, left < 4001 ? left : 4001);
            (void)http_raw_receive(connection, 1, &received);
        }
        for (int tries = 0; tries < PATIENCE_MS && received.length == 0; tries++) {
            assert_false(http_raw_receive(connection, 1, &received));
        }
        assert_non_null(strstr(received.data, "HTTP/1.1 200 "));
        buffer_free(&received);
    }
    http_raw_close(connection);
    buffer_free(&text);
}

/* ---- The slow ---- */

static int start_impatient(void **state)
{
    return start_with(state, &(struct http_server_options){
                                 .address = "127.0.0.1",
                                 .threads = 1,
                                 .deadlines = {.headers_ms = 200, .body_ms = 200, .idle_ms = 200}});
}

static int start_aging(void **state)
{
    return start_with(state, &(struct http_server_options){
                                 .address = "127.0.0.1", .threads = 1, .deadlines = {.age_ms = 1}});
}

static int start_impatient_and_narrow(void **state)
{
    return start_with(state, &(struct http_server_options){.address = "127.0.0.1",
                                                           .threads = 1,
                                                           .address_limit = 1,
                                                           .deadlines = {.body_ms = 200}});
}

static int start_narrow(void **state)
{
    return start_with(state, &(struct http_server_options){
                                 .address = "127.0.0.1", .threads = 1, .address_limit = 2});
}

/* Sends a byte now and then, which no time-out between bytes would ever mind. */
static void drip_until_closed(int connection, struct buffer *received)
{
    bool closed = false;
    for (int waited = 0; waited < PATIENCE_MS && !closed; waited += 20) {
        http_raw_send(connection, "x", 1);
        closed = http_raw_receive(connection, 20, received);
    }
    assert_true(closed);
}

static void who_drips_is_shut_out_and_who_waits_for_us_is_not(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *begin;
        size_t answers; /* before the drip begins */
    } slow[] = {
        {"", 0},
        {"GET /pla", 0},
        {PLAIN "X-Slow: ", 0},
        {POST "Content-Length: 100\r\n\r\nx", 0},
        {POST "Transfer-Encoding: chunked\r\n\r\n64\r\nx", 0},
        {PLAIN "\r\n" PLAIN "X-Slow: ", 1},
    };
    struct buffer patient = {0};
    int waiting = http_raw_connect(http_server_port(world->server));
    http_raw_send(waiting, TEXT("GET /held HTTP/1.1\r\nHost: x\r\n\r\n"));
    wait_until_held(world, 1);
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        struct buffer received = {0};
        int connection = http_raw_connect(http_server_port(world->server));
        http_raw_send(connection, slow[i].begin, strlen(slow[i].begin));
        drip_until_closed(connection, &received);
        assert_int_equal(received.data != NULL ? count_of(received.data, "HTTP/1.1 200 ") : 0,
                         slow[i].answers);
        buffer_free(&received);
        http_raw_close(connection);
    }
    assert_false(http_raw_receive(waiting, 1, &patient));
    release_held(world);
    for (int tries = 0; tries < PATIENCE_MS && patient.length == 0; tries++) {
        (void)http_raw_receive(waiting, 1, &patient);
    }
    assert_non_null(strstr(patient.data, "released"));
    buffer_free(&patient);
    http_raw_close(waiting);
}

/* Tries until a connection is served; the address may have as many as it is allowed. */
static void be_served_at_last(struct world *world)
{
    struct buffer received = {0};
    for (int tries = 0; tries < PATIENCE_MS && received.length == 0; tries += 10) {
        int connection = http_raw_connect(http_server_port(world->server));
        http_raw_send(connection, TEXT(PLAIN "\r\n"));
        (void)http_raw_receive(connection, 10, &received);
        http_raw_close(connection);
        rest_ms(10);
    }
    assert_true(received.length > 0);
    buffer_free(&received);
}

/* Its answer cannot be sent, and the only place of its address is taken as long as it is there. */
static void who_does_not_read_is_shut_out(void **state)
{
    struct world *world = *state;
    int connection = http_raw_connect(http_server_port(world->server));
    http_raw_send(connection, TEXT("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"));
    be_served_at_last(world);
    http_raw_close(connection);
}

static void an_old_connection_is_asked_to_close(void **state)
{
    struct world *world = *state;
    struct buffer received = {0};
    int connection = http_raw_connect(http_server_port(world->server));
    bool closed = false;
    /* The first one may be younger than its age; and the end may come some time after the answer
     * that says so. */
    for (int tries = 0; tries < PATIENCE_MS && !closed; tries += 10) {
        http_raw_send(connection, TEXT(PLAIN "\r\n"));
        closed = http_raw_receive(connection, 10, &received);
    }
    assert_true(closed);
    assert_non_null(strstr(received.data, "HTTP/1.1 200 "));
    assert_non_null(strstr(received.data, "Connection: close\r\n"));
    buffer_free(&received);
    http_raw_close(connection);
}

static void one_address_holds_only_so_many_connections(void **state)
{
    struct world *world = *state;
    int held[2];
    for (size_t i = 0; i < 2; i++) {
        struct buffer received = {0};
        held[i] = http_raw_connect(http_server_port(world->server));
        http_raw_send(held[i], TEXT(PLAIN "\r\n"));
        for (int tries = 0; tries < PATIENCE_MS && received.length == 0; tries++) {
            (void)http_raw_receive(held[i], 1, &received);
        }
        assert_true(received.length > 0);
        buffer_free(&received);
    }
    struct buffer received = {0};
    int third = http_raw_connect(http_server_port(world->server));
    http_raw_send(third, TEXT(PLAIN "\r\n"));
    assert_true(http_raw_receive(third, PATIENCE_MS, &received));
    assert_int_equal(received.length, 0);
    http_raw_close(third);
    http_raw_close(held[0]);
    http_raw_close(held[1]);
    be_served_at_last(world);
    buffer_free(&received);
}

/* ---- Bodies ---- */

static void a_body_is_taken_up_to_its_limit(void **state)
{
    struct world *world = *state;
    check(world, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "200",
          "\r\n\r\nhello");
    check(world,
          "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
          "200", "\r\n\r\nhello");
    check(world, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "200", "");
}

/* The body is never sent: a server that waited for it would not answer. */
static void a_declared_body_over_the_limit_is_refused_unread(void **state)
{
    struct world *world = *state;
    check(world, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", "413",
          "the body is over the limit of 100 bytes");
    check(world, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\n",
          "413", "");
    check(world, "GET /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", "413", "");
}

static void an_undeclared_body_is_counted_while_it_comes(void **state)
{
    struct world *world = *state;
    struct buffer text = {0};
    buffer_append_text(&text,
                       "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 11; i++) {
        buffer_append_text(&text, "a\r\n0123456789\r\n");
    }
    buffer_append_text(&text, "0\r\n\r\n");
    check(world, text.data, "413", "the body is over the limit of 100 bytes");
    buffer_free(&text);
}

/* ---- Routes ---- */

static void each_route_answers_for_its_path_and_method(void **state)
{
    struct world *world = *state;
    check(world, "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n", "200", "\r\n\r\nplain");
    check(world, "GET /plai%6e?a=b HTTP/1.1\r\nHost: x\r\n\r\n", "200", "\r\n\r\nplain");
    check(world, "GET /plain/ HTTP/1.1\r\nHost: x\r\n\r\n", "404", "application/problem+json");
    check(world, "GET /plain%00 HTTP/1.1\r\nHost: x\r\n\r\n", "404", "");
    check(world, "GET /rest/pattern%2F2.594.00/x?q=a+b%2B HTTP/1.1\r\nHost: x\r\n\r\n", "200",
          "/rest/pattern/2.594.00/x|pattern/2.594.00/x|a b+");
    check(world, "GET /rest/ HTTP/1.1\r\nHost: x\r\n\r\n", "200", "/rest/||-");
    check(world, "DELETE /plain HTTP/1.1\r\nHost: x\r\n\r\n", "405", "Allow: GET, HEAD\r\n");
    check(world, "PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", "405",
          "Allow: POST, GET, HEAD\r\n");
    check(world, "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", "404", "");
}

static void head_is_get_without_a_body(void **state)
{
    struct world *world = *state;
    bool closed;
    static const char text[] = "HEAD /plain HTTP/1.1\r\nHost: x\r\n\r\n";
    char *answer = ask(world, text, sizeof text - 1, END_OF_HEADERS, &closed);
    assert_non_null(strstr(answer, "HTTP/1.1 200 "));
    assert_non_null(strstr(answer, "Content-Length: 5\r\n"));
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    free(answer);
}

static void every_answer_carries_the_security_headers(void **state)
{
    struct world *world = *state;
    static const char *const requests[] = {
        "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /plain HTTP/1.1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n",
    };
    static const char *const headers[] = {
        "Content-Security-Policy: default-src 'none';",
        "require-trusted-types-for 'script'; trusted-types lit-html\r\n",
        "X-Content-Type-Options: nosniff\r\n",
        "Referrer-Policy: no-referrer\r\n",
        "Cross-Origin-Opener-Policy: same-origin\r\n",
        "Cross-Origin-Resource-Policy: same-origin\r\n",
        "Cache-Control: no-store\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        bool closed;
        char *answer = ask(world, requests[i], strlen(requests[i]), END_OF_HEADERS, &closed);
        for (size_t h = 0; h < sizeof headers / sizeof *headers; h++) {
            assert_int_equal(count_of(answer, headers[h]), 1);
        }
        free(answer);
    }
    bool closed;
    static const char own[] = "GET /rest/x HTTP/1.1\r\nHost: x\r\n\r\n";
    char *answer = ask(world, own, sizeof own - 1, END_OF_HEADERS, &closed);
    assert_non_null(strstr(answer, "Cache-Control: max-age=60\r\n"));
    assert_null(strstr(answer, "no-store"));
    free(answer);
}

/* The answer without its Date. */
static char *ask_undated(struct world *world, const char *text)
{
    bool closed;
    char *answer = ask(world, text, strlen(text), END_OF_HEADERS "plain", &closed);
    char *date = strstr(answer, "\r\nDate: ");
    assert_non_null(date);
    for (char *at = date != NULL ? date + 8 : answer; *at != '\0' && *at != '\r'; at++) {
        *at = '-';
    }
    return answer;
}

static void a_kept_answer_is_like_any_other(void **state)
{
    struct world *world = *state;
    char *plain = ask_undated(world, "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int round = 0; round < 3; round++) {
        char *kept = ask_undated(world, "GET /kept HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_string_equal(kept, plain);
        free(kept);
    }
    free(plain);
    /* Behind chunks nothing more is read. */
    bool closed;
    static const char chunks[] = "POST /kept HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                                 "\r\n1\r\na\r\n0\r\n\r\n";
    char *last = ask(world, chunks, sizeof chunks - 1, NULL, &closed);
    assert_non_null(strstr(last, "Connection: close\r\n"));
    assert_true(closed);
    free(last);
}

static void a_problem_is_json_and_503_says_when_to_come_again(void **state)
{
    struct world *world = *state;
    check(world, "GET /problem HTTP/1.1\r\nHost: x\r\n\r\n", "503",
          "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
          "\"detail\":\"away \\\"for\\\" 5\\ns\"}");
    check(world, "GET /problem HTTP/1.1\r\nHost: x\r\n\r\n", "503", "Retry-After: ");
}

/* ---- Late answers ---- */

static void an_answer_may_race_the_handler_s_return(void **state)
{
    struct world *world = *state;
    int connection = http_raw_connect(http_server_port(world->server));
    static const char text[] = "GET /raced HTTP/1.1\r\nHost: x\r\n\r\n";
    for (int i = 0; i < 500; i++) {
        struct buffer received = {0};
        http_raw_send(connection, text, sizeof text - 1);
        for (int tries = 0; tries < PATIENCE_MS && says_elsewhere(&received) == 0; tries++) {
            assert_false(http_raw_receive(connection, 1, &received));
        }
        assert_int_equal(says_elsewhere(&received), 1);
        buffer_free(&received);
    }
    http_raw_close(connection);
}

static void a_late_answer_comes_when_it_is_given(void **state)
{
    struct world *world = *state;
    struct buffer received = {0};
    int connection = http_raw_connect(http_server_port(world->server));
    static const char text[] = "GET /held HTTP/1.1\r\nHost: x\r\n\r\n";
    http_raw_send(connection, text, sizeof text - 1);
    wait_until_held(world, 1);
    assert_false(http_raw_receive(connection, QUIET_MS, &received));
    assert_int_equal(received.length, 0);
    release_held(world);
    assert_true(receive_until(connection, "released", &received));
    buffer_free(&received);
    http_raw_close(connection);
}

/* libmicrohttpd before 1.0.3 could pass over ready connections while others are suspended. */
static void ready_connections_are_served_while_others_wait(void **state)
{
    struct world *world = *state;
    int waiting[CONNECTIONS / 2];
    int ready[CONNECTIONS / 2];
    static const char held[] = "GET /held HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char plain[] = "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n";
    for (int i = 0; i < CONNECTIONS / 2; i++) {
        waiting[i] = http_raw_connect(http_server_port(world->server));
        ready[i] = http_raw_connect(http_server_port(world->server));
    }
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < CONNECTIONS / 2; i++) {
            http_raw_send(waiting[i], held, sizeof held - 1);
            http_raw_send(ready[i], plain, sizeof plain - 1);
        }
        for (int i = 0; i < CONNECTIONS / 2; i++) {
            struct buffer received = {0};
            for (int tries = 0; tries < PATIENCE_MS / 20 && received.length == 0; tries++) {
                (void)http_raw_receive(ready[i], 20, &received);
            }
            assert_true(received.length > 0);
            buffer_free(&received);
        }
        wait_until_held(world, CONNECTIONS / 2);
        release_held(world);
        for (int i = 0; i < CONNECTIONS / 2; i++) {
            struct buffer received = {0};
            for (int tries = 0; tries < PATIENCE_MS / 20 && received.length == 0; tries++) {
                (void)http_raw_receive(waiting[i], 20, &received);
            }
            assert_true(received.length > 0);
            buffer_free(&received);
        }
    }
    for (int i = 0; i < CONNECTIONS / 2; i++) {
        http_raw_close(waiting[i]);
        http_raw_close(ready[i]);
    }
}

static void stall(struct world *world, int connection)
{
    static const char text[] = "GET /stall HTTP/1.1\r\nHost: x\r\n\r\n";
    atomic_store(&world->stalling, true);
    atomic_store(&world->stalled, false);
    http_raw_send(connection, text, sizeof text - 1);
    for (int i = 0; i < PATIENCE_MS && !atomic_load(&world->stalled); i++) {
        rest_ms(1);
    }
    assert_true(atomic_load(&world->stalled));
}

static void receive_something(int connection)
{
    struct buffer received = {0};
    for (int tries = 0; tries < PATIENCE_MS && received.length == 0; tries++) {
        (void)http_raw_receive(connection, 1, &received);
    }
    assert_true(received.length > 0);
    buffer_free(&received);
}

/* libmicrohttpd 0.9.75 asks for 128 events at a time; as many of them as that, and nothing behind
 * them, were left alone until something else happened. */
static void a_crowd_that_comes_at_once_is_served(void **state)
{
    struct world *world = *state;
    static const int crowds[] = {126, 127, 128, 129, 255, 256, 257};
    static const char plain[] = "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n";
    int connections[257];
    int staller = http_raw_connect(http_server_port(world->server));
    for (int i = 0; i < 257; i++) {
        connections[i] = http_raw_connect(http_server_port(world->server));
        http_raw_send(connections[i], plain, sizeof plain - 1);
        receive_something(connections[i]);
    }
    for (size_t c = 0; c < sizeof crowds / sizeof *crowds; c++) {
        stall(world, staller);
        for (int i = 0; i < crowds[c]; i++) {
            http_raw_send(connections[i], plain, sizeof plain - 1);
        }
        atomic_store(&world->stalling, false);
        for (int i = 0; i < crowds[c]; i++) {
            receive_something(connections[i]);
        }
        receive_something(staller);
    }
    for (int i = 0; i < 257; i++) {
        http_raw_close(connections[i]);
    }
    http_raw_close(staller);
}

static void what_is_in_flight_when_it_stops_is_answered(void **state)
{
    struct world *world = *state;
    struct buffer received = {0};
    int connection = http_raw_connect(http_server_port(world->server));
    static const char text[] = "GET /held HTTP/1.1\r\nHost: x\r\n\r\n";
    http_raw_send(connection, text, sizeof text - 1);
    wait_until_held(world, 1);
    http_server_quiesce(world->server);
    release_held(world);
    http_server_stop(world->server);
    assert_true(receive_until(connection, "released", &received));
    buffer_free(&received);
    http_raw_close(connection);
    http_kept_answer_free(world->kept);
    assert_int_equal(start_one(state), 0); /* for the teardown */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_that_reads_two_ways_is_refused_and_closed,
                                        start_one, stop),
        cmocka_unit_test_setup_teardown(headers_over_the_limit_are_refused, start_one, stop),
        cmocka_unit_test_setup_teardown(nothing_behind_a_chunked_body_is_read, start_one, stop),
        cmocka_unit_test_setup_teardown(honest_headers_are_taken, start_one, stop),
        cmocka_unit_test_setup_teardown(who_drips_is_shut_out_and_who_waits_for_us_is_not,
                                        start_impatient, stop),
        cmocka_unit_test_setup_teardown(who_does_not_read_is_shut_out, start_impatient_and_narrow,
                                        stop),
        cmocka_unit_test_setup_teardown(an_old_connection_is_asked_to_close, start_aging, stop),
        cmocka_unit_test_setup_teardown(one_address_holds_only_so_many_connections, start_narrow,
                                        stop),
        cmocka_unit_test_setup_teardown(a_body_is_taken_up_to_its_limit, start_one, stop),
        cmocka_unit_test_setup_teardown(a_declared_body_over_the_limit_is_refused_unread, start_one,
                                        stop),
        cmocka_unit_test_setup_teardown(an_undeclared_body_is_counted_while_it_comes, start_one,
                                        stop),
        cmocka_unit_test_setup_teardown(each_route_answers_for_its_path_and_method, start_one,
                                        stop),
        cmocka_unit_test_setup_teardown(head_is_get_without_a_body, start_one, stop),
        cmocka_unit_test_setup_teardown(every_answer_carries_the_security_headers, start_one, stop),
        cmocka_unit_test_setup_teardown(a_kept_answer_is_like_any_other, start_one, stop),
        cmocka_unit_test_setup_teardown(a_problem_is_json_and_503_says_when_to_come_again,
                                        start_one, stop),
        cmocka_unit_test_setup_teardown(an_answer_may_race_the_handler_s_return, start_one, stop),
        cmocka_unit_test_setup_teardown(an_answer_may_race_the_handler_s_return, start_pool, stop),
        cmocka_unit_test_setup_teardown(a_late_answer_comes_when_it_is_given, start_one, stop),
        cmocka_unit_test_setup_teardown(a_late_answer_comes_when_it_is_given, start_pool, stop),
        cmocka_unit_test_setup_teardown(ready_connections_are_served_while_others_wait, start_one,
                                        stop),
        cmocka_unit_test_setup_teardown(ready_connections_are_served_while_others_wait, start_pool,
                                        stop),
        cmocka_unit_test_setup_teardown(a_crowd_that_comes_at_once_is_served, start_one, stop),
        cmocka_unit_test_setup_teardown(what_is_in_flight_when_it_stops_is_answered, start_one,
                                        stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
