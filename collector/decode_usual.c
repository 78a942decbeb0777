/* Is this a report as nearly all reports are? See decode_usual.h. One pass over the bytes: members
 * in any order, texts of plain ASCII without escapes, numbers without sign and exponent.
 *
 * The hard thing is to mean the same as the tree. So every limit is checked by the same functions,
 * a name that stands twice or is not known is declined, and numbers of few digits are a whole
 * number that a double holds exactly over a power of ten that it holds exactly, where one division
 * rounds correctly (Clinger 1990, "How to read floating point numbers accurately", the fast path).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/decode_usual.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/decode_steps.h"

/* 10^15 is under 2^53, so that all of these are exact. */
#define DIGITS_LIMIT 15
/* Of a number that strtod reads instead: more than any program prints. With a point and a zero, 17
 * digits fit under 2^64. */
#define LENGTH_LIMIT 19

struct text {
    const char *bytes;
    size_t length;
};

struct usual_attribute {
    const char *known; /* one of the six; NULL: `name` is what it is called */
    struct text name, value;
};

struct usual_update {
    struct text id;
    enum update_outcome outcome;
    instant_us at;
};

/* What has been seen, a bit each, so that nothing counts twice. */
enum {
    SEEN_HOST_ID = 1 << 0,
    SEEN_CUSTOMER = 1 << 1,
    SEEN_OBSERVED = 1 << 2,
    SEEN_RECEIVED = 1 << 3,
    SEEN_HOST = 1 << 4,
    SEEN_UPDATES = 1 << 5,
    SEEN_CPU = 1 << 6,
    SEEN_INTERVAL = 1 << 7,
    SEEN_BUSY = 1 << 8,
    SEEN_PEAK = 1 << 9,
    SEEN_PRODUCT_BUSY = 1 << 10,
    SEEN_OTHERS = 1 << 11, /* host.attributes */
};
enum { UPDATE_SEEN_ID = 1 << 0, UPDATE_SEEN_OUTCOME = 1 << 1, UPDATE_SEEN_AT = 1 << 2 };

struct scan {
    const char *at, *end;
    unsigned seen;
    struct text host_id, customer_id;
    instant_us observed_at, received_at;
    double interval_s, busy, peak, product_busy;
    size_t attribute_count, update_count;
    unsigned update_seen; /* of the update under way */
    struct usual_attribute attributes[REPORT_ATTRIBUTES_LIMIT];
    struct usual_update updates[REPORT_UPDATES_LIMIT];
};

/* ---- Tokens ---- */

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r' || *scan->at == '\n')) {
        scan->at++;
    }
}

static bool take(struct scan *scan, char wanted)
{
    skip_space(scan);
    if (scan->at == scan->end || *scan->at != wanted) {
        return false;
    }
    scan->at++;
    return true;
}

/* A string without escapes; empty only where it is not a value. */
static bool take_text(struct scan *scan, struct text *text)
{
    if (!take(scan, '"')) {
        return false;
    }
    text->bytes = scan->at;
    while (scan->at < scan->end && *scan->at >= 0x20 && *scan->at < 0x7f && *scan->at != '"' &&
           *scan->at != '\\') {
        scan->at++;
    }
    text->length = (size_t)(scan->at - text->bytes);
    return scan->at < scan->end && *scan->at++ == '"';
}

static bool take_value_text(struct scan *scan, struct text *text)
{
    return take_text(scan, text) && text->length >= 1 && text->length <= REPORT_TEXT_LIMIT;
}

/* A number without sign and exponent. */
struct decimal {
    const char *bytes;
    size_t length;
    uint64_t digits; /* all of them as one number, where there are few enough */
    size_t count;    /* without leading zeros */
    size_t decimals; /* how many stand behind the point */
    bool is_whole;   /* there is no point */
};

static bool take_digits(struct scan *scan, struct decimal *decimal)
{
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        decimal->digits = decimal->digits * 10 + (uint64_t)(*scan->at++ - '0');
        decimal->count += decimal->digits > 0 ? 1 : 0;
    }
    return scan->at > start;
}

static bool take_decimal(struct scan *scan, struct decimal *decimal)
{
    skip_space(scan);
    *decimal = (struct decimal){.bytes = scan->at, .is_whole = true};
    if (!take_digits(scan, decimal) || (*decimal->bytes == '0' && scan->at - decimal->bytes > 1)) {
        return false;
    }
    if (scan->at < scan->end && *scan->at == '.') {
        const char *point = scan->at++;
        decimal->is_whole = false;
        if (!take_digits(scan, decimal)) {
            return false;
        }
        decimal->decimals = (size_t)(scan->at - point - 1);
    }
    decimal->length = (size_t)(scan->at - decimal->bytes);
    /* Longer than this, `digits` and `count` may have run over. What goes on has an exponent. */
    return decimal->length <= LENGTH_LIMIT && scan->at < scan->end &&
           strchr("0123456789.eE", *scan->at) == NULL;
}

static bool take_number(struct scan *scan, double *number)
{
    static const double powers[DIGITS_LIMIT + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    struct decimal decimal;
    if (!take_decimal(scan, &decimal)) {
        return false;
    }
    if (decimal.count <= DIGITS_LIMIT && decimal.decimals <= DIGITS_LIMIT) {
        *number = (double)decimal.digits / powers[decimal.decimals];
        return true;
    }
    char copy[LENGTH_LIMIT + 1];
    memcpy(copy, decimal.bytes, decimal.length);
    copy[decimal.length] = '\0';
    *number = strtod(copy, NULL);
    return !decimal.is_whole; /* a whole number of so many digits may be too big for the tree */
}

static bool take_fraction(struct scan *scan, double *fraction)
{
    return take_number(scan, fraction) && *fraction <= 1;
}

static bool take_instant(struct scan *scan, instant_us *instant)
{
    struct text text;
    const char *start = scan->at;
    if (!take_text(scan, &text)) {
        struct decimal milliseconds;
        scan->at = start;
        if (!take_decimal(scan, &milliseconds) || !milliseconds.is_whole ||
            milliseconds.count > DIGITS_LIMIT ||
            milliseconds.digits > (uint64_t)DECODE_LAST_MILLISECOND) {
            return false;
        }
        *instant = (instant_us)milliseconds.digits * 1000;
        return true;
    }
    char copy[48];
    if (text.length >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    return instant_parse(copy, instant, NULL);
}

static bool is(struct text text, const char *name)
{
    return strlen(name) == text.length && memcmp(text.bytes, name, text.length) == 0;
}

/* Notes a member as seen; false when it was before. */
static bool first_time(unsigned *seen, unsigned bit)
{
    bool first = (*seen & bit) == 0;
    *seen |= bit;
    return first;
}

/* An object, each member by `take_member`, which stands behind the colon when it is called. */
typedef bool (*member_taker)(struct scan *scan, struct text name);

static bool take_object(struct scan *scan, member_taker take_member)
{
    if (!take(scan, '{')) {
        return false;
    }
    if (take(scan, '}')) {
        return true;
    }
    do {
        struct text name;
        if (!take_text(scan, &name) || !take(scan, ':') || !take_member(scan, name)) {
            return false;
        }
    } while (take(scan, ','));
    return take(scan, '}');
}

/* ---- Members ---- */

static bool take_attribute(struct scan *scan, const char *known, struct text name)
{
    if (scan->attribute_count == REPORT_ATTRIBUTES_LIMIT) {
        return false;
    }
    struct usual_attribute *attribute = &scan->attributes[scan->attribute_count++];
    attribute->known = known;
    attribute->name = name;
    return take_value_text(scan, &attribute->value);
}

static bool take_other(struct scan *scan, struct text name)
{
    return take_attribute(scan, NULL, name);
}

static bool take_host_member(struct scan *scan, struct text name)
{
    static const char *const known[] = {"product_line", "product_version", "os",
                                        "os_version",   "region",          "ring"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (is(name, known[i])) {
            return take_attribute(scan, known[i], name);
        }
    }
    return is(name, "attributes") && first_time(&scan->seen, SEEN_OTHERS) &&
           take_object(scan, take_other);
}

static bool take_outcome(struct scan *scan, enum update_outcome *outcome)
{
    struct text text;
    if (!take_text(scan, &text)) {
        return false;
    }
    for (int i = UPDATE_INSTALLED; i <= UPDATE_ROLLED_BACK; i++) {
        if (is(text, update_outcome_name((enum update_outcome)i))) {
            *outcome = (enum update_outcome)i;
            return true;
        }
    }
    return false;
}

static bool take_update_member(struct scan *scan, struct text name)
{
    struct usual_update *update = &scan->updates[scan->update_count];
    if (is(name, "id")) {
        return first_time(&scan->update_seen, UPDATE_SEEN_ID) && take_value_text(scan, &update->id);
    }
    if (is(name, "outcome")) {
        return first_time(&scan->update_seen, UPDATE_SEEN_OUTCOME) &&
               take_outcome(scan, &update->outcome);
    }
    return is(name, "at") && first_time(&scan->update_seen, UPDATE_SEEN_AT) &&
           take_instant(scan, &update->at);
}

static bool take_updates(struct scan *scan)
{
    if (!take(scan, '[')) {
        return false;
    }
    if (take(scan, ']')) {
        return true;
    }
    do {
        scan->update_seen = 0;
        if (scan->update_count == REPORT_UPDATES_LIMIT || !take_object(scan, take_update_member) ||
            scan->update_seen != (UPDATE_SEEN_ID | UPDATE_SEEN_OUTCOME | UPDATE_SEEN_AT)) {
            return false;
        }
        scan->update_count++;
    } while (take(scan, ','));
    return take(scan, ']');
}

static bool take_cpu_member(struct scan *scan, struct text name)
{
    if (is(name, "interval_s")) {
        return first_time(&scan->seen, SEEN_INTERVAL) && take_number(scan, &scan->interval_s) &&
               scan->interval_s > 0 && scan->interval_s <= DECODE_INTERVAL_LIMIT_S;
    }
    if (is(name, "busy")) {
        return first_time(&scan->seen, SEEN_BUSY) && take_fraction(scan, &scan->busy);
    }
    if (is(name, "peak")) {
        return first_time(&scan->seen, SEEN_PEAK) && take_fraction(scan, &scan->peak);
    }
    return is(name, "product_busy") && first_time(&scan->seen, SEEN_PRODUCT_BUSY) &&
           take_fraction(scan, &scan->product_busy);
}

static bool take_report_member(struct scan *scan, struct text name)
{
    if (is(name, "host_id")) {
        return first_time(&scan->seen, SEEN_HOST_ID) && take_value_text(scan, &scan->host_id);
    }
    if (is(name, "observed_at")) {
        return first_time(&scan->seen, SEEN_OBSERVED) && take_instant(scan, &scan->observed_at);
    }
    if (is(name, "cpu")) {
        return first_time(&scan->seen, SEEN_CPU) && take_object(scan, take_cpu_member);
    }
    if (is(name, "host")) {
        return first_time(&scan->seen, SEEN_HOST) && take_object(scan, take_host_member);
    }
    if (is(name, "updates")) {
        return first_time(&scan->seen, SEEN_UPDATES) && take_updates(scan);
    }
    if (is(name, "customer_id")) {
        return first_time(&scan->seen, SEEN_CUSTOMER) && take_value_text(scan, &scan->customer_id);
    }
    return is(name, "received_at") && first_time(&scan->seen, SEEN_RECEIVED) &&
           take_instant(scan, &scan->received_at);
}

/* ---- What it means ---- */

static bool set_sender(const struct decode_input *input, struct arena *arena,
                       const char *own_customer, const struct scan *scan, struct report *report)
{
    char host[REPORT_TEXT_LIMIT + 1];
    char customer[REPORT_TEXT_LIMIT + 1];
    bool said = (scan->seen & SEEN_CUSTOMER) != 0;
    memcpy(host, scan->host_id.bytes, scan->host_id.length);
    host[scan->host_id.length] = '\0';
    if (said) {
        memcpy(customer, scan->customer_id.bytes, scan->customer_id.length);
        customer[scan->customer_id.length] = '\0';
    }
    struct failure ignored;
    return decode_identity(input, arena, own_customer, said ? customer : NULL, host, report,
                           &ignored);
}

static bool set_times(const struct decode_input *input, const struct scan *scan,
                      struct report *report)
{
    struct failure ignored;
    report->observed_at = scan->observed_at;
    report->received_at = input->replay ? scan->received_at : input->received_at;
    return (!input->replay || (scan->seen & SEEN_RECEIVED) != 0) &&
           decode_check_ahead(report->observed_at, report->received_at, &ignored) &&
           decode_check_behind(report->observed_at, report->received_at, &ignored);
}

static bool set_attributes(struct arena *arena, const struct scan *scan, struct report *report)
{
    struct failure ignored;
    struct report_attribute *attributes =
        arena_allocate(arena, scan->attribute_count * sizeof *attributes);
    if (attributes == NULL) {
        return false;
    }
    for (size_t i = 0; i < scan->attribute_count; i++) {
        const struct usual_attribute *seen = &scan->attributes[i];
        attributes[i].value = arena_copy_text(arena, seen->value.bytes, seen->value.length);
        attributes[i].name = seen->known != NULL
                                 ? seen->known
                                 : arena_copy_text(arena, seen->name.bytes, seen->name.length);
        if (attributes[i].value == NULL || attributes[i].name == NULL ||
            (seen->known == NULL && !decode_attribute_name_is_good(attributes[i].name))) {
            return false;
        }
    }
    return decode_finish_attributes(report, attributes, scan->attribute_count, &ignored);
}

static bool set_updates(struct arena *arena, const struct scan *scan, struct report *report)
{
    struct failure ignored;
    struct report_update *updates = arena_allocate(arena, scan->update_count * sizeof *updates);
    if (updates == NULL) {
        return false;
    }
    for (size_t i = 0; i < scan->update_count; i++) {
        const struct usual_update *seen = &scan->updates[i];
        updates[i].id = arena_copy_text(arena, seen->id.bytes, seen->id.length);
        updates[i].outcome = seen->outcome;
        updates[i].at = seen->at;
        if (updates[i].id == NULL || !decode_check_ahead(seen->at, report->received_at, &ignored)) {
            return false;
        }
    }
    report->updates = updates;
    report->update_count = scan->update_count;
    return true;
}

static bool set_cpu(const struct scan *scan, struct report *report)
{
    const unsigned needed = SEEN_INTERVAL | SEEN_BUSY;
    report->has_cpu = true;
    report->interval_s = scan->interval_s;
    report->busy = scan->busy;
    report->peak = (scan->seen & SEEN_PEAK) != 0 ? scan->peak : NAN;
    report->product_busy = (scan->seen & SEEN_PRODUCT_BUSY) != 0 ? scan->product_busy : NAN;
    return (scan->seen & needed) == needed;
}

bool decode_usual(const struct decode_input *input, struct arena *arena, const char *own_customer,
                  const char *bytes, size_t length, struct report *report)
{
    struct scan scan; /* some 4 KB, of which little is used: not cleared */
    scan.at = bytes;
    scan.end = bytes + length;
    scan.seen = 0;
    scan.attribute_count = 0;
    scan.update_count = 0;
    if (length > DECODE_DOCUMENT_LIMIT || !take_object(&scan, take_report_member)) {
        return false;
    }
    skip_space(&scan);
    const unsigned needed = SEEN_HOST_ID | SEEN_OBSERVED;
    if (scan.at != scan.end || (scan.seen & needed) != needed ||
        ((scan.seen & (SEEN_HOST | SEEN_CPU)) == 0 && scan.update_count == 0)) {
        return false;
    }
    *report = (struct report){.peak = NAN, .product_busy = NAN};
    return set_sender(input, arena, own_customer, &scan, report) &&
           set_times(input, &scan, report) &&
           ((scan.seen & SEEN_HOST) == 0 || set_attributes(arena, &scan, report)) &&
           (scan.update_count == 0 || set_updates(arena, &scan, report)) &&
           ((scan.seen & SEEN_CPU) == 0 || set_cpu(&scan, report));
}
