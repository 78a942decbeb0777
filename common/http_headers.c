/* Which requests are refused for their headers; see http_headers.h. The hard thing is that the
 * library has parsed already, leniently: only what it still shows can be judged.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/http_headers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where the library keeps the lines of the request; see review_place. */
struct layout {
    const char *begin, *end; /* of request line and headers; NULL: not to be judged */
    const char *line;        /* where the next line begins; NULL: at the first one */
};

struct review {
    struct layout layout;
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

/* Whether the line stands where a line ended by CR LF leaves it.
 *
 * libmicrohttpd before 1.0 also ends a line at a bare LF, ends a value at a NUL, and joins folded
 * lines, and shows none of it. But it parses in place: a line is NUL-terminated where it stands, a
 * CR LF by two NULs and an LF by one, and so any of these leaves lines out of place. (A few
 * sequences of half line ends with a NUL or a lone colon between leave the same bytes behind;
 * whoever takes those for anything but an error is beyond help. Later versions refuse all of these
 * themselves, and may keep lines elsewhere.) */
static void review_place(struct review *review, const char *name, size_t name_size,
                         const char *value, size_t value_size)
{
    struct layout *layout = &review->layout;
    if (layout->begin == NULL) {
        return;
    }
    bool follows = layout->line != NULL ? name == layout->line
                                        : name >= layout->begin + 2 && name < layout->end &&
                                              name[-1] == '\0' && name[-2] == '\0';
    const char *after = name + name_size + 1;
    if (value == NULL) {
        value = after;
    }
    if (!follows || value < after || value + value_size + 4 > layout->end ||
        value[value_size] != '\0' || value[value_size + 1] != '\0') {
        review->refusal = "a header line does not end with CR LF, is folded or holds a NUL";
        return;
    }
    layout->line = value + value_size + 2;
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
    review_place(review, name, name_size, value, value_size);
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

static struct layout find_layout(struct MHD_Connection *connection, const char *method)
{
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (strncmp(MHD_get_version(), "0.", 2) != 0 || size == NULL) {
        return (struct layout){0};
    }
    return (struct layout){.begin = method, .end = method + size->header_size};
}

/* What only all the headers together show. */
static const char *judge(const struct review *review, const struct http_request_line *line)
{
    const struct layout *layout = &review->layout;
    const char *version = line->version;
    size_t method_length = strlen(line->method);
    if (!is_token(line->method, method_length) ||
        (layout->begin != NULL && line->path != line->method + method_length + 1)) {
        return "the method holds a character that it may not";
    }
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0) {
        return "this is HTTP/1.1";
    }
    if (review->hosts != 1) {
        return "a request has exactly one Host";
    }
    if (review->content_lengths > 1) {
        return "a request has at most one Content-Length";
    }
    if (review->transfer_encodings > 1) {
        return "a request has at most one Transfer-Encoding";
    }
    if (review->transfer_encodings > 0 && review->content_lengths > 0) {
        return "Content-Length does not stand beside Transfer-Encoding";
    }
    if (review->transfer_encodings > 0 && strcmp(version, "HTTP/1.1") != 0) {
        return "HTTP/1.0 has no Transfer-Encoding";
    }
    if (layout->begin != NULL &&
        (layout->line + 2 != layout->end || layout->line[0] != '\0' || layout->line[1] != '\0')) {
        return "the headers do not end with an empty line";
    }
    return NULL;
}

bool http_headers_check(struct MHD_Connection *connection, const struct http_request_line *line,
                        struct http_headers *headers, struct failure *failure)
{
    *headers = (struct http_headers){0};
    struct review review = {.layout = find_layout(connection, line->method), .headers = headers};
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, review_header, &review);
    const char *refusal = review.refusal != NULL ? review.refusal : judge(&review, line);
    return refusal == NULL || failure_set(failure, FAILURE_INVALID, "%s", refusal);
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
