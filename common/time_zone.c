/* Reading TZif files (RFC 8536); see time_zone.h. A file lists transitions, then gives a rule for
 * the time after them: some distributions list them to 2037, others stop where today's rule began.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/time_zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/time_zone_rule.h"

#define DIRECTORY "/usr/share/zoneinfo/"
#define NAME_LIMIT 64
/* The largest file of tzdata has 4 KB. */
#define FILE_LIMIT 65536
/* The longest rule of tzdata has 44 bytes. */
#define RULE_LIMIT 256

struct time_zone {
    size_t count;
    struct transition {
        int64_t at_s;
        int32_t offset_s;
    } * transitions;
    int32_t first_offset_s; /* before the first transition */
    bool has_rule;
    struct time_zone_rule rule; /* after the last transition */
};

static bool is_zone_name(const char *name)
{
    size_t length = strnlen(name, NAME_LIMIT + 1);
    if (length == 0 || length > NAME_LIMIT || name[0] == '/' || name[length - 1] == '/') {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '-' || c == '+';
        if (!plain && (c != '/' || name[i + 1] == '/')) {
            return false;
        }
    }
    return true;
}

static int64_t big_endian(const unsigned char *bytes, size_t size)
{
    uint64_t value = bytes[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | bytes[i];
    }
    return (int64_t)value;
}

/* The six counts of a TZif header, in the order of the file. */
struct counts {
    size_t ut_flags, standard_flags, leaps, transitions, types, designation_bytes;
};

#define HEADER_BYTES 44

static bool read_header(const unsigned char *bytes, size_t size, struct counts *counts)
{
    if (size < HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0) {
        return false;
    }
    size_t *all[] = {&counts->ut_flags,    &counts->standard_flags, &counts->leaps,
                     &counts->transitions, &counts->types,          &counts->designation_bytes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int64_t count = big_endian(bytes + 20 + 4 * i, 4);
        if (count < 0 || count > FILE_LIMIT) {
            return false;
        }
        *all[i] = (size_t)count;
    }
    return counts->types > 0;
}

static size_t body_size(const struct counts *counts, size_t time_size)
{
    return counts->transitions * (time_size + 1) + counts->types * 6 + counts->designation_bytes +
           counts->leaps * (time_size + 4) + counts->standard_flags + counts->ut_flags;
}

/* The rule stands between two line ends behind the second block. An empty one leaves the last
 * transition's offset in force. */
static bool parse_rule(const unsigned char *bytes, size_t size, struct time_zone *zone)
{
    char text[RULE_LIMIT];
    const unsigned char *end = size < 2 ? NULL : memchr(bytes + 1, '\n', size - 1);
    if (end == NULL || bytes[0] != '\n') {
        return false;
    }
    size_t length = (size_t)(end - bytes) - 1;
    if (length == 0 || length >= sizeof text) {
        return length == 0;
    }
    memcpy(text, bytes + 1, length);
    text[length] = '\0';
    zone->has_rule = time_zone_rule_parse(text, &zone->rule);
    return zone->has_rule;
}

/* The second block of a version 2 file has times of 64 bits. */
static bool parse(const unsigned char *bytes, size_t size, struct time_zone *zone)
{
    struct counts counts;
    if (!read_header(bytes, size, &counts) || bytes[4] < '2') {
        return false;
    }
    size_t skip = HEADER_BYTES + body_size(&counts, 4);
    if (skip >= size || !read_header(bytes + skip, size - skip, &counts) ||
        size - skip - HEADER_BYTES < body_size(&counts, 8)) {
        return false;
    }
    const unsigned char *times = bytes + skip + HEADER_BYTES;
    const unsigned char *types = times + 8 * counts.transitions;
    const unsigned char *records = types + counts.transitions;
    zone->first_offset_s = (int32_t)big_endian(records, 4);
    for (size_t i = 0; i < counts.transitions; i++) {
        if (types[i] >= counts.types) {
            return false;
        }
        zone->transitions[i].at_s = big_endian(times + 8 * i, 8);
        zone->transitions[i].offset_s = (int32_t)big_endian(records + 6 * (size_t)types[i], 4);
    }
    zone->count = counts.transitions;
    size_t read = skip + HEADER_BYTES + body_size(&counts, 8);
    return parse_rule(bytes + read, size - read, zone);
}

bool time_zone_load(const char *name, struct time_zone **zone, struct failure *failure)
{
    if (!is_zone_name(name)) {
        return failure_set(failure, FAILURE_INVALID,
                           "\"%.64s\" is not a time zone name such as Asia/Tokyo", name);
    }
    char path[sizeof DIRECTORY + NAME_LIMIT];
    snprintf(path, sizeof path, "%s%s", DIRECTORY, name);
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return failure_set(failure, FAILURE_NOT_FOUND, "there is no time zone %s (%s)", name,
                           strerror(errno));
    }
    unsigned char bytes[FILE_LIMIT];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    struct time_zone *made = calloc(1, sizeof *made);
    if (made != NULL) {
        /* One more than a file can list, so that an empty list is not NULL. */
        made->transitions = calloc(size / 9 + 1, sizeof *made->transitions);
    }
    if (made == NULL || made->transitions == NULL) {
        free(made);
        return failure_memory(failure, "reading a time zone");
    }
    if (!parse(bytes, size, made)) {
        time_zone_free(made);
        return failure_set(failure, FAILURE_NOT_FOUND, "%s is not a time zone file", path);
    }
    *zone = made;
    return true;
}

void time_zone_free(struct time_zone *zone)
{
    if (zone != NULL) {
        free(zone->transitions);
        free(zone);
    }
}

int32_t time_zone_offset_s(const struct time_zone *zone, instant_us instant)
{
    if (zone == NULL) {
        return 0;
    }
    int64_t at_s = instant / INSTANT_SECOND - (instant % INSTANT_SECOND < 0);
    size_t low = 0;
    size_t high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->transitions[middle].at_s <= at_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->has_rule) {
        return time_zone_rule_offset_s(&zone->rule, at_s);
    }
    return low == 0 ? zone->first_offset_s : zone->transitions[low - 1].offset_s;
}
