/* How is a request answered? Headers, bodies and problems; see http_server.h. The hard thing, that
 * an answer may cross its handler's return, is told in http_server.c. SPDX-License-Identifier:
 * Apache-2.0 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>
#include <microhttpd.h>
#include <sodium.h>

#include "common/arena.h"
#include "common/buffer.h"
#include "common/http_exchange.h"
#include "common/http_server.h"

static bool has_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

void http_respond_header(struct http_request *request, const char *name, const char *value)
{
    if (request->header_count == ANSWER_HEADERS_LIMIT) {
        return;
    }
    const char *own_name = arena_copy_text(&request->arena, name, strlen(name));
    const char *own_value = arena_copy_text(&request->arena, value, strlen(value));
    if (own_name != NULL && own_value != NULL) {
        request->headers[request->header_count++] =
            (struct answer_header){.name = own_name, .value = own_value};
    }
}

static const struct answer_header security[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
     "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
};
#define SECURITY_HEADERS (sizeof security / sizeof *security)

void http_security_headers(struct http_request *request)
{
    for (size_t i = 0; i < SECURITY_HEADERS; i++) {
        if (!has_header(request, security[i].name) &&
            request->header_count < ANSWER_HEADERS_LIMIT) {
            request->headers[request->header_count++] = security[i];
        }
    }
}

/* Lets the connection go on; from here on the request is the event loop's. */
static void hand_back(struct http_request *request, unsigned status, struct MHD_Response *response,
                      bool kept)
{
    request->response = response;
    request->response_kept = kept;
    request->status = status;
    if (atomic_exchange(&request->state, REQUEST_ANSWERED) == REQUEST_SUSPENDED) {
        http_loop_resume(request->loop, &request->resumption);
    }
}

/* Completes the answer. A NULL response (memory is out) closes the connection. */
static void answer(struct http_request *request, unsigned status, const char *content_type,
                   struct MHD_Response *response)
{
    http_security_headers(request);
    if (response != NULL) {
        for (size_t i = 0; i < request->header_count; i++) {
            (void)MHD_add_response_header(response, request->headers[i].name,
                                          request->headers[i].value);
        }
        if (content_type != NULL) {
            (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
        }
        if (!has_header(request, MHD_HTTP_HEADER_CACHE_CONTROL)) {
            (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        }
        if (request->must_close) {
            (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
        }
    }
    hand_back(request, status, response, false);
}

/* ---- Kept answers ---- */

/* One that keeps the connection open, and one that is the last. */
struct http_kept_answer {
    unsigned status;
    struct MHD_Response *responses[2];
};

static struct MHD_Response *keep_response(const char *content_type, const char *text, bool last)
{
    /* COPY only reads, whatever its type says. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
    bool good = response != NULL;
    for (size_t i = 0; good && i < SECURITY_HEADERS; i++) {
        good = MHD_add_response_header(response, security[i].name, security[i].value) == MHD_YES;
    }
    good =
        good &&
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type) == MHD_YES &&
        MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES &&
        (!last ||
         MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES);
    if (!good && response != NULL) {
        MHD_destroy_response(response);
    }
    return good ? response : NULL;
}

bool http_kept_answer_new(unsigned status, const char *content_type, const char *text,
                          struct http_kept_answer **kept, struct failure *failure)
{
    struct http_kept_answer *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "preparing an answer");
    }
    made->status = status;
    for (int last = 0; last < 2; last++) {
        made->responses[last] = keep_response(content_type, text, last == 1);
        if (made->responses[last] == NULL) {
            http_kept_answer_free(made);
            return failure_memory(failure, "preparing an answer");
        }
    }
    *kept = made;
    return true;
}

void http_kept_answer_free(struct http_kept_answer *kept)
{
    if (kept == NULL) {
        return;
    }
    for (int last = 0; last < 2; last++) {
        if (kept->responses[last] != NULL) {
            MHD_destroy_response(kept->responses[last]);
        }
    }
    free(kept);
}

void http_respond_kept(struct http_request *request, const struct http_kept_answer *kept)
{
    hand_back(request, kept->status, kept->responses[request->must_close], true);
}

/* ---- Answers of the moment ---- */

void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  struct buffer *take_body)
{
    struct MHD_Response *response;
    if (take_body != NULL && take_body->failed) {
        buffer_free(take_body);
        response = NULL;
    } else if (take_body == NULL || take_body->length == 0) {
        response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
        if (take_body != NULL) {
            buffer_free(take_body);
        }
    } else {
        response = MHD_create_response_from_buffer(take_body->length, take_body->data,
                                                   MHD_RESPMEM_MUST_FREE);
        if (response == NULL) {
            buffer_free(take_body);
        }
        *take_body = (struct buffer){0};
    }
    answer(request, status, content_type, response);
}

void http_respond_static(struct http_request *request, unsigned status, const char *content_type,
                         const void *bytes, size_t length)
{
    /* PERSISTENT only reads, whatever its type says. */
    answer(request, status, content_type,
           MHD_create_response_from_buffer(length, (void *)bytes, MHD_RESPMEM_PERSISTENT));
}

static void respond_problem(struct http_request *request, unsigned status, const char *detail)
{
    if ((status == MHD_HTTP_SERVICE_UNAVAILABLE || status == MHD_HTTP_TOO_MANY_REQUESTS) &&
        !has_header(request, MHD_HTTP_HEADER_RETRY_AFTER)) {
        /* 2 to 6 seconds: half to one and a half of 4, so that a fleet does not come back at once.
         */
        char seconds[16];
        (void)snprintf(seconds, sizeof seconds, "%u", 2 + (unsigned)randombytes_uniform(5));
        http_respond_header(request, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    const char *title = MHD_get_reason_phrase_for(status);
    json_t *problem = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title", title,
                                "status", (int)status, "detail", detail);
    if (problem == NULL) { /* the detail was cut within a character */
        problem = json_pack("{s:s, s:s, s:i}", "type", "about:blank", "title", title, "status",
                            (int)status);
    }
    char *text = problem != NULL ? json_dumps(problem, JSON_COMPACT) : NULL;
    json_decref(problem);
    struct buffer body = {0};
    if (text != NULL) {
        buffer_append_text(&body, text);
    }
    free(text);
    http_respond(request, status, "application/problem+json", &body);
}

void http_respond_problem(struct http_request *request, unsigned status, const char *format, ...)
{
    char detail[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    respond_problem(request, status, detail);
}

unsigned http_failure_status(enum failure_code code)
{
    switch (code) {
    case FAILURE_INVALID:
        return MHD_HTTP_BAD_REQUEST;
    case FAILURE_TOO_LARGE:
        return MHD_HTTP_CONTENT_TOO_LARGE;
    case FAILURE_UNSUPPORTED:
        return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
    case FAILURE_UNAUTHORIZED:
        return MHD_HTTP_UNAUTHORIZED;
    case FAILURE_FORBIDDEN:
        return MHD_HTTP_FORBIDDEN;
    case FAILURE_NOT_FOUND:
        return MHD_HTTP_NOT_FOUND;
    case FAILURE_CONFLICT:
        return MHD_HTTP_CONFLICT;
    case FAILURE_EXHAUSTED:
        return MHD_HTTP_TOO_MANY_REQUESTS;
    case FAILURE_NONE:
    case FAILURE_UNAVAILABLE:
    case FAILURE_MEMORY:
    case FAILURE_SYSTEM:
        break;
    }
    return MHD_HTTP_SERVICE_UNAVAILABLE;
}

void http_respond_failure(struct http_request *request, const struct failure *failure)
{
    respond_problem(request, http_failure_status(failure->code), failure->message);
}
