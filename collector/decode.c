/* What every decoder does alike; see decode_steps.h. The hard part is that the sender is hostile:
 * nothing here allocates more than in proportion to what was sent, and what is echoed is cleaned.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/decode.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "collector/decode_steps.h"
#include "common/utf8.h"

/* Nesting of the deepest report is 3; twice the limit would still be far from jansson's own 2048.
 */
#define DEPTH_LIMIT 8
/* Rejections kept of one body; the rest is counted. A sender with more has one mistake, repeated.
 */
#define DECODE_REJECTIONS_KEPT 100
#define EXCERPT_LIMIT 256
#define ATTRIBUTE_NAME_LIMIT 64

void decode_output_free(struct decode_output *output)
{
    arena_free(&output->arena);
    *output = (struct decode_output){0};
}

/* ---- JSON ---- */

/* Steps over a string; `at` is behind the opening quote. Returns the index of the closing one. */
static size_t skip_string(const char *bytes, size_t length, size_t at)
{
    while (at < length && bytes[at] != '"') {
        at += bytes[at] == '\\' ? 2 : 1;
    }
    return at;
}

static bool check_structure(const char *bytes, size_t length, size_t structure_limit,
                            struct failure *failure)
{
    size_t depth = 0;
    size_t structure = 0;
    for (size_t i = 0; i < length; i++) {
        switch (bytes[i]) {
        case '"':
            i = skip_string(bytes, length, i + 1);
            break;
        case '{':
        case '[':
            structure++;
            if (++depth > DEPTH_LIMIT) {
                return failure_set(failure, FAILURE_INVALID, "nested deeper than %d", DEPTH_LIMIT);
            }
            break;
        case '}':
        case ']':
            structure++;
            depth -= depth > 0 ? 1 : 0; /* an unbalanced one is the parser's to refuse */
            break;
        case ',':
        case ':':
            structure++;
            break;
        default:
            break;
        }
    }
    if (structure > structure_limit) {
        return failure_set(failure, FAILURE_INVALID,
                           "%zu structural characters are over the limit of %zu", structure,
                           structure_limit);
    }
    return true;
}

bool decode_json(const char *bytes, size_t length, size_t structure_limit, json_t **document,
                 struct failure *failure)
{
    if (length > DECODE_DOCUMENT_LIMIT) {
        return failure_set(failure, FAILURE_INVALID, "%zu bytes are over the limit of %zu", length,
                           DECODE_DOCUMENT_LIMIT);
    }
    if (!check_structure(bytes, length, structure_limit, failure)) {
        return false;
    }
    json_error_t error;
    *document = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
    if (*document != NULL) {
        return true;
    }
    if (json_error_code(&error) == json_error_out_of_memory) {
        return failure_memory(failure, "reading JSON");
    }
    /* jansson ends its text with the source near by, which the excerpt holds already, or with the
     * option that would allow it, which the sender cannot set. */
    const char *const endings[] = {" near ", " without JSON_"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *ending = strstr(error.text, endings[i]);
        if (ending != NULL) {
            *ending = '\0';
        }
    }
    return failure_set(failure, FAILURE_INVALID, "not JSON: %s at byte %d", error.text,
                       error.position);
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        break;
    }
    return "null";
}

bool decode_is(const json_t *value, json_type type, struct failure *failure)
{
    if (value == NULL) {
        return failure_set(failure, FAILURE_INVALID, "missing");
    }
    if (json_typeof(value) == type) {
        return true;
    }
    const char *wanted = type == JSON_OBJECT  ? "an object"
                         : type == JSON_ARRAY ? "an array"
                                              : "text";
    return failure_set(failure, FAILURE_INVALID, "%s is not %s", type_name(value), wanted);
}

/* These would reach terminals and logs, where they are orders. */
static bool is_control(char character)
{
    unsigned char byte = (unsigned char)character;
    return byte < 0x20 || byte == 0x7f;
}

bool decode_check_text(const char *text, size_t length, size_t limit, struct failure *failure)
{
    if (length == 0) {
        return failure_set(failure, FAILURE_INVALID, "empty");
    }
    if (length > limit) {
        return failure_set(failure, FAILURE_INVALID, "%zu bytes are over the limit of %zu", length,
                           limit);
    }
    for (size_t at = 0; at < length;) {
        size_t size = utf8_character_size(text + at, length - at);
        if (size == 0) {
            return failure_set(failure, FAILURE_INVALID, "not UTF-8");
        }
        if (is_control(text[at])) {
            return failure_set(failure, FAILURE_INVALID, "holds a control character");
        }
        at += size;
    }
    return true;
}

bool decode_text(const json_t *value, size_t limit, const char **text, struct failure *failure)
{
    if (!decode_is(value, JSON_STRING, failure)) {
        return false;
    }
    *text = json_string_value(value);
    return decode_check_text(*text, json_string_length(value), limit, failure);
}

bool decode_number(const json_t *value, double *number, struct failure *failure)
{
    if (value == NULL) {
        return failure_set(failure, FAILURE_INVALID, "missing");
    }
    if (!json_is_number(value)) {
        return failure_set(failure, FAILURE_INVALID, "%s is not a number", type_name(value));
    }
    *number = json_number_value(value);
    return true;
}

char *decode_number_text(double number, char text[DECODE_NUMBER_SIZE])
{
    if (fabs(number) < 1e15 && number == trunc(number)) {
        (void)snprintf(text, DECODE_NUMBER_SIZE, "%.0f", number); /* 100, and not 1e+02 */
        return text;
    }
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, DECODE_NUMBER_SIZE, "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    return text;
}

bool decode_instant(const json_t *value, instant_us *instant, struct failure *failure)
{
    if (value == NULL) {
        return failure_set(failure, FAILURE_INVALID, "missing");
    }
    if (json_is_string(value)) {
        return instant_parse(json_string_value(value), instant, failure);
    }
    if (!json_is_integer(value)) {
        return failure_set(failure, FAILURE_INVALID,
                           "%s is neither RFC 3339 text nor whole milliseconds since 1970",
                           type_name(value));
    }
    json_int_t milliseconds = json_integer_value(value);
    if (milliseconds < 0 || milliseconds > DECODE_LAST_MILLISECOND) {
        return failure_set(failure, FAILURE_INVALID,
                           "%" JSON_INTEGER_FORMAT " milliseconds are not a time from 1970 to 9999",
                           milliseconds);
    }
    *instant = milliseconds * 1000;
    return true;
}

/* ---- Meaning ---- */

bool decode_check_ahead(instant_us instant, instant_us received_at, struct failure *failure)
{
    char said[INSTANT_TEXT_SIZE];
    char received[INSTANT_TEXT_SIZE];
    if (instant > received_at && instant - received_at > REPORT_AHEAD_LIMIT) {
        return failure_set(failure, FAILURE_INVALID,
                           "%s is more than 10 minutes ahead of its receipt at %s",
                           instant_format(instant, said), instant_format(received_at, received));
    }
    return true;
}

bool decode_check_behind(instant_us instant, instant_us received_at, struct failure *failure)
{
    char said[INSTANT_TEXT_SIZE];
    char received[INSTANT_TEXT_SIZE];
    if (instant < received_at && received_at - instant > REPORT_BEHIND_LIMIT) {
        return failure_set(failure, FAILURE_INVALID,
                           "%s is more than 7 days behind its receipt at %s",
                           instant_format(instant, said), instant_format(received_at, received));
    }
    return true;
}

bool decode_own_customer(const struct decode_input *input, struct arena *arena,
                         const char **customer_id, struct failure *failure)
{
    *customer_id = NULL;
    if (input->token == NULL || input->token->customer_id[0] == '\0') {
        return true;
    }
    const char *own = input->token->customer_id;
    *customer_id = arena_copy_text(arena, own, strlen(own));
    return *customer_id != NULL || failure_memory(failure, "reading a report");
}

static bool choose_customer(const struct decode_input *input, struct arena *arena,
                            const char *own_customer, const char *said_customer,
                            struct report *report, struct failure *failure)
{
    if (said_customer == NULL && (own_customer == NULL || input->replay)) {
        return failure_set(failure, FAILURE_INVALID, "customer_id: missing");
    }
    if (own_customer == NULL) {
        report->customer_id = arena_copy_text(arena, said_customer, strlen(said_customer));
        return report->customer_id != NULL || failure_memory(failure, "reading a report");
    }
    if (said_customer != NULL && strcmp(said_customer, own_customer) != 0) {
        return failure_set(failure, FAILURE_FORBIDDEN,
                           "customer_id: this token writes for customer %s, not %s", own_customer,
                           said_customer);
    }
    report->customer_id = own_customer;
    return true;
}

bool decode_identity(const struct decode_input *input, struct arena *arena,
                     const char *own_customer, const char *said_customer, const char *said_host,
                     struct report *report, struct failure *failure)
{
    if (!choose_customer(input, arena, own_customer, said_customer, report, failure)) {
        return false;
    }
    report->host_name = NULL;
    if (!uuid_parse(said_host, &report->host_id)) {
        size_t length = strlen(said_host);
        report->host_id = uuid_from_name(report->customer_id, said_host, length);
        report->host_name = arena_copy_text(arena, said_host, length);
        if (report->host_name == NULL) {
            return failure_memory(failure, "reading a report");
        }
    }
    if (input->token != NULL && input->token->kind == TOKEN_HOST &&
        uuid_compare(&input->token->host_id, &report->host_id) != 0) {
        char own[UUID_TEXT_SIZE];
        return failure_set(failure, FAILURE_FORBIDDEN, "host_id: this token writes host %s, not %s",
                           uuid_format(&input->token->host_id, own), said_host);
    }
    return true;
}

bool decode_attribute_name_is_good(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-");
    return length >= 1 && length <= ATTRIBUTE_NAME_LIMIT && name[length] == '\0';
}

bool decode_finish_attributes(struct report *report, struct report_attribute *attributes,
                              size_t count, struct failure *failure)
{
    report_sort_attributes(attributes, count);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(attributes[i - 1].name, attributes[i].name) == 0) {
            return failure_set(failure, FAILURE_INVALID, "%s: named twice", attributes[i].name);
        }
    }
    report->has_host = true;
    report->attributes = attributes;
    report->attribute_count = count;
    report->segment_id = report_segment_id(attributes, count);
    return true;
}

/* ---- Keeping ---- */

/* An array in the arena that has `count` items and gets one more; capacities are the powers of two
 * from 4, so that they need not be kept. Returns the array, moved where it was full. */
static void *make_room(struct arena *arena, void *items, size_t count, size_t item_size)
{
    bool full = count == 0 || (count >= 4 && (count & (count - 1)) == 0);
    if (!full) {
        return items;
    }
    void *grown = arena_allocate(arena, (count == 0 ? 4 : count * 2) * item_size);
    if (grown != NULL && count > 0) {
        memcpy(grown, items, count * item_size);
    }
    return grown;
}

bool decode_add_report(struct decode_output *output, const struct report *report,
                       struct failure *failure)
{
    struct report *room =
        make_room(&output->arena, output->reports, output->report_count, sizeof *room);
    if (room == NULL) {
        return failure_memory(failure, "keeping a report");
    }
    output->reports = room;
    output->reports[output->report_count++] = *report;
    return true;
}

/* A copy of at most `limit` bytes that is valid UTF-8, '?' where it was not and where a control
 * character stood. */
static char *copy_clean(struct arena *arena, const char *text, size_t length, size_t limit)
{
    char *copy = arena_allocate(arena, (length < limit ? length : limit) + 1);
    if (copy == NULL) {
        return NULL;
    }
    size_t used = 0;
    for (size_t at = 0; at < length && used < limit;) {
        size_t size = utf8_character_size(text + at, length - at);
        if (size > limit - used) {
            break;
        }
        if (size == 0 || is_control(text[at])) {
            copy[used++] = '?';
            at++;
            continue;
        }
        memcpy(copy + used, text + at, size);
        used += size;
        at += size;
    }
    copy[used] = '\0';
    return copy;
}

bool decode_reject(struct decode_output *output, size_t line, const struct failure *refusal,
                   const char *bytes, size_t length, struct failure *failure)
{
    if (output->rejection_count >= DECODE_REJECTIONS_KEPT) {
        output->rejection_count++;
        return true;
    }
    struct decode_rejection *room =
        make_room(&output->arena, output->rejections, output->rejection_count, sizeof *room);
    if (room == NULL) {
        return failure_memory(failure, "keeping a rejection");
    }
    output->rejections = room;
    const char *detail = copy_clean(&output->arena, refusal->message, strlen(refusal->message),
                                    sizeof refusal->message);
    const char *excerpt = copy_clean(&output->arena, bytes, length, EXCERPT_LIMIT);
    if (detail == NULL || excerpt == NULL) {
        return failure_memory(failure, "keeping a rejection");
    }
    room[output->rejection_count++] = (struct decode_rejection){
        .line = line, .code = refusal->code, .detail = detail, .excerpt = excerpt};
    return true;
}
