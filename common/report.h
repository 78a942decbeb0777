/* The vocabulary both programs share: a report, as every decoder produces it and the analyzer
 * takes it. One decoder a wire format, one struct for all of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_REPORT_H
#define EPICENTER_COMMON_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"
#include "common/instant.h"
#include "common/uuid.h"

/* Limits of one report. Twice as large would be harmless; they exist so that one host cannot fill
 * a table, and every decoder refuses what is over them with the field's name. */
#define REPORT_TEXT_LIMIT 128      /* bytes of an identifier or attribute value */
#define REPORT_ATTRIBUTES_LIMIT 32 /* attributes of a host, the six named ones included */
#define REPORT_UPDATES_LIMIT 64    /* updates in one report */

/* A host's clock may run this far ahead of the server's, and a report may come this late. */
#define REPORT_AHEAD_LIMIT (10 * INSTANT_MINUTE)
#define REPORT_BEHIND_LIMIT (7 * INSTANT_DAY)

enum update_outcome { UPDATE_INSTALLED = 0, UPDATE_FAILED = 1, UPDATE_ROLLED_BACK = 2 };

/* "installed", "failed", "rolled_back". */
const char *update_outcome_name(enum update_outcome outcome);
bool update_outcome_parse(const char *name, enum update_outcome *outcome);

/* What a host says of itself: the six named ones (product_line, product_version, os, os_version,
 * region, ring) and whatever else is in host.attributes, all alike. */
struct report_attribute {
    const char *name;
    const char *value;
};

struct report_update {
    const char *id;
    enum update_outcome outcome;
    instant_us at; /* by the host's clock */
};

struct report {
    struct uuid host_id;
    const char *host_name;   /* the identifier as sent when it was not a UUID, otherwise NULL */
    const char *customer_id; /* from the token; from the body only in a replay or a file */
    instant_us observed_at;  /* by the host's clock */
    instant_us received_at;  /* by the server's clock; from the body only in a replay or a file */

    bool has_host;                             /* false: the attributes are as last reported */
    struct uuid segment_id;                    /* report_segment_id of the attributes */
    const struct report_attribute *attributes; /* sorted by name, no name twice */
    size_t attribute_count;

    const struct report_update *updates;
    size_t update_count;

    bool has_cpu;
    double interval_s;   /* seconds the figures cover, and so how often the host reports */
    double busy;         /* fractions of all processors over the interval, 0 to 1 … */
    double peak;         /* … NAN where the report does not say */
    double product_busy; /* … NAN where the report does not say */
};

/* Sorts attributes by name in place, as struct report wants them. */
void report_sort_attributes(struct report_attribute *attributes, size_t count);

/* Names the segment: the same attributes give the same id on every machine for ever
 * (uuid_from_name over the sorted "name\0value\0" pairs in the name space "segment"). */
struct uuid report_segment_id(const struct report_attribute *attributes, size_t count);

/* The value of the attribute, or NULL. */
const char *report_attribute_value(const struct report_attribute *attributes, size_t count,
                                   const char *name);

/* Appends the report as one line of the design's JSON (no newline), customer_id and received_at
 * included. What analyzer export and fleetsim write and decode_report reads back. */
void report_write_json(const struct report *report, struct buffer *buffer);

#endif
