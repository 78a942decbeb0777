/* An HTTP client for tests; see http_client.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#define PATIENCE_MS 30000L

struct http_client {
    CURL *curl;
};

struct http_client *http_client_new(void)
{
    struct http_client *client = calloc(1, sizeof *client);
    assert_non_null(client);
    client->curl = curl_easy_init();
    assert_non_null(client->curl);
    return client;
}

void http_client_free(struct http_client *client)
{
    if (client != NULL) {
        curl_easy_cleanup(client->curl);
        free(client);
    }
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
    buffer_append(context, bytes, size * count);
    return size * count;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct buffer *headers = context;
    if (size * count > 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        buffer_clear(headers); /* those before were of a 100 Continue */
        return size * count;
    }
    return take_bytes(bytes, size, count, context);
}

static struct curl_slist *list_headers(const struct http_ask *ask)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; ask->headers != NULL && ask->headers[i] != NULL; i++) {
        list = curl_slist_append(list, ask->headers[i]);
        assert_non_null(list);
    }
    return list;
}

static void set_body(CURL *curl, const struct http_ask *ask)
{
    if (ask->body == NULL) {
        return;
    }
    size_t length = ask->body_length > 0 ? ask->body_length : strlen(ask->body);
    (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask->body);
}

void http_client_ask(struct http_client *client, const struct http_ask *ask,
                     struct http_answer *answer)
{
    CURL *curl = client != NULL ? client->curl : curl_easy_init();
    assert_non_null(curl);
    *answer = (struct http_answer){0};
    struct curl_slist *headers = list_headers(ask);
    curl_easy_reset(curl); /* keeps the connection */
    (void)curl_easy_setopt(curl, CURLOPT_URL, ask->url);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, ask->unix_socket);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, PATIENCE_MS);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer->headers);
    set_body(curl, ask);
    if (ask->method != NULL && strcmp(ask->method, "HEAD") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else if (ask->method != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method);
    }
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK) {
        long status = 0;
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        answer->status = (unsigned)status;
    } else {
        (void)snprintf(answer->trouble, sizeof answer->trouble, "%s", curl_easy_strerror(code));
    }
    curl_slist_free_all(headers);
    if (client == NULL) {
        curl_easy_cleanup(curl);
    }
    buffer_append_text(&answer->headers, ""); /* both are texts, empty or not */
    buffer_append_text(&answer->body, "");
    assert_false(answer->headers.failed || answer->body.failed);
}

const char *http_answer_header(const struct http_answer *answer, const char *name,
                               char value[HTTP_HEADER_VALUE_SIZE])
{
    size_t name_length = strlen(name);
    const char *line = answer->headers.data != NULL ? answer->headers.data : "";
    for (; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncasecmp(line, name, name_length) == 0 && line[name_length] == ':') {
            const char *from = line + name_length + 1;
            from += strspn(from, " \t");
            (void)snprintf(value, HTTP_HEADER_VALUE_SIZE, "%.*s", (int)strcspn(from, "\r\n"), from);
            return value;
        }
    }
    return NULL;
}

void http_answer_free(struct http_answer *answer)
{
    buffer_free(&answer->headers);
    buffer_free(&answer->body);
    *answer = (struct http_answer){0};
}

/* ---- Bare connections ---- */

int http_raw_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0 ||
        connect(connection, (const struct sockaddr *)&address, sizeof address) != 0) {
        fail_msg("cannot connect to port %u: %s", port, strerror(errno));
    }
    return connection;
}

void http_raw_send(int connection, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t sent = send(connection, at, length, MSG_NOSIGNAL);
        if (sent < 0) {
            return; /* the other side closed; what it said before is what the test looks at */
        }
        at += sent;
        length -= (size_t)sent;
    }
}

bool http_raw_receive(int connection, int quiet_ms, struct buffer *received)
{
    struct pollfd readable = {.fd = connection, .events = POLLIN};
    while (poll(&readable, 1, quiet_ms) > 0) {
        char bytes[4096];
        ssize_t size = recv(connection, bytes, sizeof bytes, 0);
        if (size <= 0) {
            return true;
        }
        buffer_append(received, bytes, (size_t)size);
    }
    return false;
}

void http_raw_close(int connection)
{
    (void)close(connection);
}
