/* What does every answer of the API carry? See api_answer.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/api_answer.h"

#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#define ETAG_BYTES 16 /* 128 bits: no two bodies of one deployment will ever collide */
#define ETAG_SIZE (2 * ETAG_BYTES + 3)

static void make_etag(const struct buffer *body, char etag[ETAG_SIZE])
{
    unsigned char hash[ETAG_BYTES];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)body->data, body->length, NULL, 0);
    etag[0] = '"';
    sodium_bin2hex(etag + 1, ETAG_SIZE - 1, hash, sizeof hash);
    memcpy(etag + ETAG_SIZE - 2, "\"", 2);
}

/* If-None-Match compares weakly (RFC 9110, 13.1.2): a W/ before the tag does not matter. */
static bool client_has(const struct http_request *request, const char *etag)
{
    const char *known = http_request_header(request, "If-None-Match");
    return known != NULL && (strcmp(known, "*") == 0 || strstr(known, etag) != NULL);
}

void api_add_state(struct http_request *request, struct live *live, instant_us as_of)
{
    char text[INSTANT_TEXT_SIZE];
    if (as_of != INSTANT_NONE) {
        http_respond_header(request, "Epicenter-As-Of", instant_format(as_of, text));
    }
    http_respond_header(request, "Epicenter-Database",
                        live_status(live).database_up ? "up" : "away");
    http_respond_header(request, "Cache-Control", "no-cache");
}

void api_respond(struct http_request *request, struct live *live, instant_us as_of,
                 const char *content_type, const struct buffer *body)
{
    char etag[ETAG_SIZE];
    make_etag(body, etag);
    api_add_state(request, live, as_of);
    http_respond_header(request, "ETag", etag);
    if (client_has(request, etag)) {
        http_respond(request, 304, NULL, NULL);
        return;
    }
    struct buffer copy = {0};
    struct failure failure;
    buffer_append(&copy, body->data, body->length);
    if (!buffer_check(&copy, &failure)) {
        buffer_free(&copy);
        http_respond_failure(request, &failure);
        return;
    }
    http_respond(request, 200, content_type, &copy);
}

struct snapshot *api_hold_snapshot(struct http_request *request, struct live *live)
{
    struct snapshot *snapshot = live_snapshot(live);
    if (snapshot == NULL) {
        struct live_status status = live_status(live);
        http_respond_problem(request, 503, "there are no answers yet: %s",
                             status.trouble[0] != '\0' ? status.trouble
                                                       : "the reports are being read");
    }
    return snapshot;
}

json_t *api_read_json(struct http_request *request)
{
    const struct buffer *body = http_request_body(request);
    const char *type = http_request_header(request, "Content-Type");
    if (type == NULL || strncmp(type, API_JSON_TYPE, strlen(API_JSON_TYPE)) != 0) {
        http_respond_problem(request, 415, "the body must be application/json");
        return NULL;
    }
    json_t *object = json_loadb(body->data != NULL ? body->data : "", body->length,
                                JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(object)) {
        return object;
    }
    json_decref(object);
    http_respond_problem(request, 400, "the body must be a JSON object");
    return NULL;
}
