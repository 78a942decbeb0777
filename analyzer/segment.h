/* What kinds of hosts are there? Attributes, their values and their combinations, discovered from
 * what hosts say.
 *
 * Numbers are given in the order of discovery, so a caller who meets segments in a fixed order gets
 * fixed numbers. A version means nothing without its product: os_version is read within os and
 * product_version within product_line, so "SP2" of two systems are two values, and naming the
 * version names the system.
 *
 * A host that said its serial number would be alone of its kind, with nobody to be compared with.
 * So an attribute is left out when it names hosts rather than kinds: when it has more values than
 * the limit, or hundreds of which nearly each was met in one combination only. From then on a
 * segment with it is the same as one without.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_SEGMENT_H
#define EPICENTER_ANALYZER_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/carry.h"
#include "common/arena.h"
#include "common/buffer.h"
#include "common/failure.h"
#include "common/hash_index.h"
#include "common/report.h"

#define SEGMENT_NONE UINT32_MAX
#define SEGMENT_NO_VALUE UINT32_MAX

/* An attribute with more values than this is a name of hosts (a serial number), not a kind of host.
 */
#define SEGMENT_VALUES_LIMIT 1000

struct segment_value {
    uint32_t attribute;
    uint32_t rank;      /* among the values of its attribute, from 0, in order of discovery */
    const char *parent; /* value of the attribute it is read within, or NULL */
    const char *text;
};

struct segment_attribute {
    const char *name;
    const char *parent; /* name of the attribute its values are read within, or NULL */
    uint32_t value_count;
    uint32_t segment_count; /* that have it */
    bool left_out;
};

struct segment {
    struct uuid id;
    const struct report_attribute *attributes; /* sorted by name */
    size_t attribute_count;
    uint32_t values[REPORT_ATTRIBUTES_LIMIT]; /* by attribute number; SEGMENT_NO_VALUE: not said */
    uint32_t kind;    /* the same without what is left out; itself where nothing is */
    uint32_t parent;  /* by product line, system, region and ring alone; maybe itself */
    uint32_t settled; /* 1 + how many attributes were left out when kind and parent were found */
};

struct segments {
    bool keeps_all; /* set by the owner: nothing is left out */
    struct arena arena;
    struct segment_attribute attributes[REPORT_ATTRIBUTES_LIMIT];
    uint32_t attribute_count;
    uint32_t left_out_count;
    struct segment_value *values;
    uint32_t value_count, value_capacity;
    struct segment *items;
    uint32_t count, capacity;
    struct hash_index by_id, by_value;
};

/* A zeroed struct segments is empty. */
void segments_free(struct segments *segments);

/* The number of the kind of the segment with this id; adds it, copying its attributes, when it is
 * new. The same id may come to be of another kind when an attribute is left out. */
MUST_CHECK bool segments_intern(struct segments *segments, const struct uuid *id,
                                const struct report_attribute *attributes, size_t count,
                                uint32_t *number, struct failure *failure);

/* The number of the segment with this id, or SEGMENT_NONE. */
uint32_t segments_find(const struct segments *segments, const struct uuid *id);

/* The value of a named attribute of a segment, or NULL. */
const char *segment_attribute_text(const struct segments *segments, uint32_t number,
                                   const char *name);

/* Restored into segments that have met nothing; `keeps_all` is the owner's. */
void segments_carry(struct carry *carry, struct segments *segments);

#endif
