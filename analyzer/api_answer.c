/* What does every answer of the API carry? See api_answer.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/api_answer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/http_accept.h"

#define ETAG_SIZE (KEPT_TEXT_NAME_SIZE + sizeof "\"-gzip\"")

/* If-None-Match compares weakly (RFC 9110, 13.1.2): a W/ before the tag does not matter; nor does
 * which of its forms the client has. */
static bool client_has(const struct http_request *request, const char *name)
{
    const char *known = http_request_header(request, "If-None-Match");
    return known != NULL && (strcmp(known, "*") == 0 || strstr(known, name) != NULL);
}

static bool format_is_csv(const struct http_request *request)
{
    const char *format = http_request_query(request, "format");
    const char *accept = http_request_header(request, "Accept");
    return format != NULL ? strcmp(format, "csv") == 0
                          : accept != NULL && strstr(accept, "text/csv") != NULL;
}

bool api_wants_csv(struct http_request *request, const char *file_name)
{
    bool csv = format_is_csv(request);
    if (csv) {
        char disposition[128];
        (void)snprintf(disposition, sizeof disposition, "attachment; filename=\"%s\"", file_name);
        http_respond_header(request, "Content-Disposition", disposition);
    }
    return csv;
}

unsigned long api_query_number(const struct http_request *request, const char *name,
                               unsigned long otherwise)
{
    const char *text = http_request_query(request, name);
    char *end = NULL;
    unsigned long number = text != NULL ? strtoul(text, &end, 10) : 0;
    return end != NULL && end != text && *end == '\0' ? number : otherwise;
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

/* Answers with a copy of `body`, which has this name, or 304. */
static void respond_named(struct http_request *request, struct live *live, instant_us as_of,
                          const char *content_type, const struct buffer *body, const char *name,
                          bool packed)
{
    char etag[ETAG_SIZE];
    (void)snprintf(etag, sizeof etag, packed ? "\"%s-gzip\"" : "\"%s\"", name);
    api_add_state(request, live, as_of);
    http_respond_header(request, "ETag", etag);
    if (client_has(request, name)) {
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
    if (packed) {
        http_respond_header(request, "Content-Encoding", "gzip");
    }
    http_respond(request, 200, content_type, &copy);
}

void api_respond(struct http_request *request, struct live *live, instant_us as_of,
                 const char *content_type, const struct buffer *body)
{
    struct kept_text text = {.plain = *body}; /* borrowed, for its name */
    kept_text_name(&text);
    respond_named(request, live, as_of, content_type, body, text.name, false);
}

void api_respond_kept(struct http_request *request, struct live *live, instant_us as_of,
                      const char *content_type, const struct kept_text *text)
{
    bool packed =
        text->gzip.length > 0 && http_takes_gzip(http_request_header(request, "Accept-Encoding"));
    http_respond_header(request, "Vary", "Accept, Accept-Encoding");
    respond_named(request, live, as_of, content_type, packed ? &text->gzip : &text->plain,
                  text->name, packed);
}

struct snapshot *api_hold_snapshot(struct http_request *request, struct live *live)
{
    struct snapshot *snapshot = live_snapshot(live);
    if (snapshot == NULL) {
        struct live_status status = live_status(live);
        http_respond_problem(request, 503, "there are no answers yet: %s",
                             status.trouble[0] != '\0' ? status.trouble
                                                       : "the reports are being read");
    } else {
        http_respond_header(request, "Epicenter-Snapshot", snapshot->document.name);
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
