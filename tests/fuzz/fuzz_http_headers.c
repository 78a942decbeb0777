/* Does the server ever serve a request that a strict reader does not see? The fuzzer's bytes go to
 * the real server on one connection; the same bytes are read here by the letter of RFC 9112. Each
 * request that a handler was given must be one of those, in their order, with the same method and
 * the same body: otherwise something was smuggled past one of the two.
 *
 * The hard thing is that the library refuses some that are right, or stops early: so what was
 * served is compared as a subsequence. Behind a chunked request nothing may be served at all. And a
 * server on a busy machine may finish with one connection when the next is being looked at: each
 * comes from an address of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/http_server.h"

#define REQUESTS_MOST 64
#define BODY_LIMIT ((size_t)64 * 1024)
/* Reached only where the server hangs. */
#define PATIENCE_MS 20000

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A request, as either of the two saw it. */
struct seen {
    bool post, chunked;
    size_t body_length;
    uint32_t body_sum;
};

static struct {
    struct http_server *server;
    pthread_mutex_t lock;
    char address[HTTP_ADDRESS_SIZE]; /* of the connection that is looked at */
    struct seen served[REQUESTS_MOST];
    size_t count;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint32_t sum(const char *bytes, size_t length)
{
    uint32_t value = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < length; i++) {
        value = (value ^ (uint8_t)bytes[i]) * 16777619U;
    }
    return value;
}

/* ---- The server ---- */

static void serve_one(void *context, struct http_request *request)
{
    (void)context;
    const struct buffer *body = http_request_body(request);
    char address[HTTP_ADDRESS_SIZE];
    (void)http_request_address(request, address);
    (void)pthread_mutex_lock(&world.lock);
    if (world.count < REQUESTS_MOST && strcmp(address, world.address) == 0) {
        world.served[world.count++] =
            (struct seen){.post = strcmp(http_request_method(request), "POST") == 0,
                          .body_length = body->length,
                          .body_sum = sum(body->data != NULL ? body->data : "", body->length)};
    }
    (void)pthread_mutex_unlock(&world.lock);
    http_respond(request, 200, NULL, NULL);
}

static const struct http_route routes[] = {{"GET", "*", BODY_LIMIT, serve_one},
                                           {"POST", "*", BODY_LIMIT, serve_one}};

/* NOLINTNEXTLINE(readability-non-const-parameter): libFuzzer's signature */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct failure failure;
    const struct http_server_options options = {
        .address = "127.0.0.1",
        .threads = 1,
        .deadlines = {.headers_ms = 200, .body_ms = 200, .idle_ms = 200}};
    if (!http_server_start(&options, routes, sizeof routes / sizeof *routes, NULL, &world.server,
                           &failure)) {
        (void)fprintf(stderr, "%s\n", failure.message);
        abort();
    }
    return 0;
}

/* A socket bound to the next address of 127.0.0.0/8, from which all that is served counts. */
static int open_connection(void)
{
    static uint32_t last;
    last = last % 0xfffffd + 1;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl((uint32_t)IN_LOOPBACKNET << 24 | last)};
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0 || bind(connection, (const struct sockaddr *)&from, sizeof from) != 0) {
        abort();
    }
    (void)pthread_mutex_lock(&world.lock);
    world.count = 0;
    (void)inet_ntop(AF_INET, &from.sin_addr, world.address, sizeof world.address);
    (void)pthread_mutex_unlock(&world.lock);
    return connection;
}

/* libFuzzer's own alarm may come in the middle; then the connecting goes on without us. */
static void connect_to_server(int connection)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(http_server_port(world.server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct pollfd writable = {.fd = connection, .events = POLLOUT};
    int error = 0;
    socklen_t length = sizeof error;
    if (connect(connection, (const struct sockaddr *)&address, sizeof address) != 0) {
        error = errno;
    }
    while (error == EINTR) {
        if (poll(&writable, 1, PATIENCE_MS) > 0 &&
            getsockopt(connection, SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
            error = errno;
        }
    }
    if (error != 0) {
        (void)fprintf(stderr, "cannot connect: %s\n", strerror(error));
        abort();
    }
}

/* Sends the bytes, then the end of all bytes, and waits until the server closes. The library passes
 * over an end that comes together with the last bytes, and closes only at its deadline; so the end
 * comes a moment later. */
static void send_all(const uint8_t *bytes, size_t length)
{
    /* Reset at the end, or tens of thousands of dead connections would take all ports. */
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int connection = open_connection();
    char answer[4096];
    ssize_t received = 1;
    connect_to_server(connection);
    if (setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0) {
        abort();
    }
    (void)send(connection, bytes, length, MSG_NOSIGNAL);
    (void)poll(&(struct pollfd){.fd = connection, .events = POLLIN}, 1, 1);
    (void)shutdown(connection, SHUT_WR);
    while (received > 0) {
        struct pollfd readable = {.fd = connection, .events = POLLIN};
        int ready = poll(&readable, 1, PATIENCE_MS);
        if (ready < 0 && errno == EINTR) {
            continue; /* libFuzzer's own alarm */
        }
        if (ready <= 0) {
            (void)fputs("the server neither answers nor closes\n", stderr);
            abort();
        }
        received = recv(connection, answer, sizeof answer, 0);
    }
    (void)close(connection);
}

/* ---- The strict reader ---- */

struct text {
    const char *at, *end;
};

/* One line ended by CR LF, without it. NUL LF passes for one: libmicrohttpd leaves nothing to tell
 * them apart by, and no reader of HTTP takes a NUL for a part of a longer line. */
static bool read_line(struct text *text, struct text *line)
{
    const char *end = memchr(text->at, '\n', (size_t)(text->end - text->at));
    if (end == NULL || end == text->at || (end[-1] != '\r' && end[-1] != '\0')) {
        return false;
    }
    *line = (struct text){text->at, end - 1};
    text->at = end + 1;
    return true;
}

static bool is_token(const char *from, const char *to)
{
    for (const char *at = from; at < to; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
        bool digit = *at >= '0' && *at <= '9';
        if (!letter && !digit && (*at == '\0' || strchr("!#$%&'*+-.^_`|~", *at) == NULL)) {
            return false;
        }
    }
    return to > from;
}

struct framing {
    size_t hosts, lengths, encodings;
    uint64_t length;
};

static bool is_named(struct text name, const char *text)
{
    size_t length = (size_t)(name.end - name.at);
    return length == strlen(text) && strncasecmp(name.at, text, length) == 0;
}

static bool read_length(struct text value, uint64_t *length)
{
    *length = 0;
    for (const char *at = value.at; at < value.end; at++) {
        if (*at < '0' || *at > '9' || *length > UINT32_MAX) {
            return false;
        }
        *length = *length * 10 + (uint64_t)(*at - '0');
    }
    return value.end > value.at;
}

static bool read_header(struct text line, struct framing *framing)
{
    const char *colon = memchr(line.at, ':', (size_t)(line.end - line.at));
    if (colon == NULL || !is_token(line.at, colon)) {
        return false;
    }
    struct text name = {line.at, colon};
    struct text value = {colon + 1, line.end};
    while (value.at < value.end && (*value.at == ' ' || *value.at == '\t')) {
        value.at++;
    }
    while (value.at < value.end && (value.end[-1] == ' ' || value.end[-1] == '\t')) {
        value.end--;
    }
    for (const char *at = value.at; at < value.end; at++) {
        if ((*at >= 0 && *at < 0x20 && *at != '\t') || *at == 0x7f) {
            return false;
        }
    }
    if (is_named(name, "Content-Length")) {
        framing->lengths++;
        return read_length(value, &framing->length);
    }
    if (is_named(name, "Transfer-Encoding")) {
        framing->encodings++;
        return is_named(value, "chunked");
    }
    framing->hosts += is_named(name, "Host");
    return true;
}

/* How the target is written is no matter of framing; only where the line ends is. */
static bool read_request_line(struct text line, bool *post, bool *current)
{
    size_t length = (size_t)(line.end - line.at);
    const char *blank = memchr(line.at, ' ', length);
    /* At the least "M / HTTP/1.1". */
    if (length < 12 || blank == NULL || !is_token(line.at, blank) || line.end - 9 <= blank ||
        line.end[-9] != ' ') {
        return false;
    }
    *post = blank - line.at == 4 && memcmp(line.at, "POST", 4) == 0;
    *current = memcmp(line.end - 8, "HTTP/1.1", 8) == 0;
    return *current || memcmp(line.end - 8, "HTTP/1.0", 8) == 0;
}

/* Empty lines before a request are nothing (2.2). A line that begins with a NUL is an empty one to
 * libmicrohttpd, and no request to anybody, so nobody passes it on. */
static void skip_empty_lines(struct text *text)
{
    while (text->at < text->end && strchr("\r\n", *text->at) != NULL) {
        const char *line_end = memchr(text->at, '\n', (size_t)(text->end - text->at));
        if (*text->at == '\0' && line_end == NULL) {
            return;
        }
        text->at = *text->at == '\0' ? line_end + 1 : text->at + 1;
    }
}

/* Reads the next request; false where there is none, or nothing can be said from here on. */
static bool read_request(struct text *text, struct seen *seen)
{
    struct text line;
    struct framing framing = {0};
    bool current;
    skip_empty_lines(text);
    if (!read_line(text, &line) || !read_request_line(line, &seen->post, &current)) {
        return false;
    }
    for (;;) {
        if (!read_line(text, &line)) {
            return false;
        }
        if (line.at == line.end) {
            break;
        }
        if (!read_header(line, &framing)) {
            return false;
        }
    }
    seen->chunked = framing.encodings == 1;
    if (framing.hosts != 1 || framing.lengths + framing.encodings > 1 ||
        (seen->chunked && !current) || framing.length > (uint64_t)(text->end - text->at)) {
        return false;
    }
    seen->body_length = (size_t)framing.length;
    seen->body_sum = sum(text->at, seen->body_length);
    text->at += seen->body_length;
    return true;
}

static bool is_same(const struct seen *served, const struct seen *read)
{
    return served->post == read->post &&
           (read->chunked ||
            (served->body_length == read->body_length && served->body_sum == read->body_sum));
}

static bool ends_line(uint8_t byte)
{
    return byte == '\r' || byte == '\n';
}

/* A line of a lone colon, and one that begins with a NUL, leave no trace in the library, and where
 * their ends are halves, none in memory either; see http_headers.c. */
static bool has_hidden_line(const uint8_t *bytes, size_t length)
{
    for (size_t i = 1; i + 1 < length; i++) {
        if (ends_line(bytes[i - 1]) &&
            (bytes[i] == '\0' || (bytes[i] == ':' && ends_line(bytes[i + 1])))) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct text text = {(const char *)bytes, (const char *)bytes + length};
    struct seen seen = {0};
    size_t matched = 0;
    if (length == 0 || has_hidden_line(bytes, length)) {
        return 0;
    }
    send_all(bytes, length);
    (void)pthread_mutex_lock(&world.lock);
    while (matched < world.count && !seen.chunked && read_request(&text, &seen)) {
        matched += is_same(&world.served[matched], &seen);
    }
    size_t smuggled = world.count - matched;
    (void)pthread_mutex_unlock(&world.lock);
    if (smuggled > 0) {
        (void)fprintf(stderr, "%zu of %zu served requests are not there\n", smuggled,
                      matched + smuggled);
        abort();
    }
    return 0;
}
