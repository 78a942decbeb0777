/* Which requests are refused for their headers; see http_headers.h. The hard thing is that the
 * library has parsed already, leniently: only what it still shows can be judged.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/http_headers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct review {
    size_t hosts;
    size_t content_lengths;
    size_t transfer_encodings;
    struct http_headers *headers;
    const char *refusal; /* NULL: nothing to object to so far */
};

/* RFC 9110, 5.6.2. */
static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool alphanumeric = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                            (byte >= 'a' && byte <= 'z');
        if (!alphanumeric && (byte == '\0' || strchr("!#$%&'*+-.^_`|~", byte) == NULL)) {
            return false;
        }
    }
    return length > 0;
}

static bool has_control(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return true;
        }
    }
    return false;
}

static void review_length(struct review *review, const char *value, size_t size)
{
    review->content_lengths++;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9') {
            review->refusal = "Content-Length is not a number";
            return;
        }
    }
    /* Saturates, and so is over every limit. */
    review->headers->content_length = size > 0 ? strtoull(value, NULL, 10) : 0;
}

static enum MHD_Result review_header(void *context, enum MHD_ValueKind kind, const char *name,
                                     size_t name_size, const char *value, size_t value_size)
{
    (void)kind;
    struct review *review = context;
    if (!is_token(name, name_size)) {
        review->refusal = "a header name holds a character that it may not";
        return MHD_NO;
    }
    if (value != NULL && has_control(value, value_size)) {
        review->refusal = "a header value holds a control character";
        return MHD_NO;
    }
    const char *text = value != NULL ? value : "";
    size_t size = value != NULL ? value_size : 0;
    if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
        review->hosts++;
    } else if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        review_length(review, text, size);
    } else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        review->transfer_encodings++;
        review->headers->chunked = true;
        if (strcasecmp(text, "chunked") != 0) {
            review->refusal = "Transfer-Encoding is not chunked";
        }
    }
    return review->refusal == NULL ? MHD_YES : MHD_NO;
}

bool http_headers_check(struct MHD_Connection *connection, struct http_headers *headers,
                        struct failure *failure)
{
    *headers = (struct http_headers){0};
    struct review review = {.headers = headers};
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, review_header, &review);
    if (review.refusal == NULL && review.hosts != 1) {
        review.refusal = "a request has exactly one Host";
    }
    if (review.refusal == NULL && review.content_lengths > 1) {
        review.refusal = "a request has at most one Content-Length";
    }
    if (review.refusal == NULL && review.transfer_encodings > 1) {
        review.refusal = "a request has at most one Transfer-Encoding";
    }
    if (review.refusal == NULL && review.transfer_encodings > 0 && review.content_lengths > 0) {
        review.refusal = "Content-Length does not stand beside Transfer-Encoding";
    }
    return review.refusal == NULL || failure_set(failure, FAILURE_INVALID, "%s", review.refusal);
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

size_t http_unescape(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        int high = *in == '%' ? hex_digit(in[1]) : -1;
        int low = high >= 0 ? hex_digit(in[2]) : -1;
        if (low >= 0 && high * 16 + low != 0) {
            *out++ = (char)(high * 16 + low);
            in += 2;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    return (size_t)(out - text);
}
