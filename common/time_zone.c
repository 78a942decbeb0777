/* Reading TZif files (RFC 8536); see time_zone.h. Debian's files list every transition to 2037;
 * after the last one its offset stays. SPDX-License-Identifier: Apache-2.0 */
#include "common/time_zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRECTORY "/usr/share/zoneinfo/"
#define NAME_LIMIT 64
/* The largest file of tzdata has 4 KB. */
#define FILE_LIMIT 65536

struct time_zone {
    size_t count;
    struct transition {
        int64_t at_s;
        int32_t offset_s;
    } * transitions;
    int32_t first_offset_s; /* before the first transition */
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
    zone->transitions = calloc(counts.transitions + 1, sizeof *zone->transitions);
    if (zone->transitions == NULL) {
        return false;
    }
    zone->first_offset_s = (int32_t)big_endian(records, 4);
    for (size_t i = 0; i < counts.transitions; i++) {
        if (types[i] >= counts.types) {
            return false;
        }
        zone->transitions[i].at_s = big_endian(times + 8 * i, 8);
        zone->transitions[i].offset_s = (int32_t)big_endian(records + 6 * (size_t)types[i], 4);
    }
    zone->count = counts.transitions;
    return true;
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
    if (made == NULL) {
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
    return low == 0 ? zone->first_offset_s : zone->transitions[low - 1].offset_s;
}
