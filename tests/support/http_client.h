/* An HTTP client for tests: libcurl for proper requests, a bare socket for improper ones.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_SUPPORT_HTTP_CLIENT_H
#define EPICENTER_TESTS_SUPPORT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"

struct http_ask {
    const char *method; /* NULL: GET, or POST where there is a body */
    const char *url;
    const char *const *headers; /* NULL-terminated "Name: value"; NULL: none. "Name:" sends none */
    const char *unix_socket;    /* to be reached there; NULL: at the url's address */
    const void *body;           /* NULL: none */
    size_t body_length;         /* 0 with a body: as long as the text is */
};

struct http_answer {
    unsigned status;       /* 0: there was no answer */
    struct buffer headers; /* as received, "Name: value\r\n" each */
    struct buffer body;
    char trouble[256]; /* why there was no answer */
};

/* One connection after another, or one kept alive, by a single thread. */
struct http_client;

struct http_client *http_client_new(void);
void http_client_free(struct http_client *client);

/* Asks, waits up to 30 s, and fills `answer`, which http_answer_free empties. NULL client: a
 * connection for this request alone. A missing answer is status 0, not a failed test: programs are
 * killed under clients on purpose. */
void http_client_ask(struct http_client *client, const struct http_ask *ask,
                     struct http_answer *answer);

/* The value of the header, copied to `value`; NULL when the answer has none. */
#define HTTP_HEADER_VALUE_SIZE 1024
const char *http_answer_header(const struct http_answer *answer, const char *name,
                               char value[HTTP_HEADER_VALUE_SIZE]);
void http_answer_free(struct http_answer *answer);

/* A bare connection to 127.0.0.1; fails the test when there is none. */
int http_raw_connect(uint16_t port);
void http_raw_send(int connection, const void *bytes, size_t length);
/* Adds to `received` what comes until the other side closes (true) or, for `quiet_ms`, nothing
 * more comes (false). */
bool http_raw_receive(int connection, int quiet_ms, struct buffer *received);
void http_raw_close(int connection);

#endif
