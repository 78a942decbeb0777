/* Interns segments and their attribute values; see segment.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/segment.h"

#include <stdlib.h>
#include <string.h>

/* A name of hosts is recognised before the limit at so many values, when so large a share of the
 * segments that have it differ in it: with a thousand values at random in as many hosts' reports,
 * one in three would have come again by then. */
#define NAME_VALUES 500
#define NAME_SHARE 0.95

void segments_free(struct segments *segments)
{
    arena_free(&segments->arena);
    free(segments->values);
    free(segments->items);
    hash_index_free(&segments->by_id);
    hash_index_free(&segments->by_value);
    *segments = (struct segments){0};
}

struct id_key {
    const struct segments *segments;
    const struct uuid *id;
};

static bool same_id(const void *context, uint32_t item)
{
    const struct id_key *key = context;
    return uuid_compare(&key->segments->items[item].id, key->id) == 0;
}

uint32_t segments_find(const struct segments *segments, const struct uuid *id)
{
    struct id_key key = {.segments = segments, .id = id};
    uint32_t found = hash_index_find(&segments->by_id, uuid_hash(id), same_id, &key);
    return found == HASH_INDEX_NONE ? SEGMENT_NONE : found;
}

struct value_key {
    const struct segments *segments;
    uint32_t attribute;
    const char *parent;
    const char *text;
};

static bool same_text(const char *left, const char *right)
{
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

static bool same_value(const void *context, uint32_t item)
{
    const struct value_key *key = context;
    const struct segment_value *value = &key->segments->values[item];
    return value->attribute == key->attribute && strcmp(value->text, key->text) == 0 &&
           same_text(value->parent, key->parent);
}

static const char *parent_of(const char *name)
{
    if (strcmp(name, "os_version") == 0) {
        return "os";
    }
    if (strcmp(name, "product_version") == 0) {
        return "product_line";
    }
    return NULL;
}

/* SEGMENT_NO_VALUE in *number when there are more attributes than the limit. */
static bool intern_attribute(struct segments *segments, const char *name, uint32_t *number,
                             struct failure *failure)
{
    for (uint32_t i = 0; i < segments->attribute_count; i++) {
        if (strcmp(segments->attributes[i].name, name) == 0) {
            *number = i;
            return true;
        }
    }
    *number = SEGMENT_NO_VALUE;
    if (segments->attribute_count == REPORT_ATTRIBUTES_LIMIT) {
        return true;
    }
    const char *copy = arena_copy_text(&segments->arena, name, strlen(name));
    if (copy == NULL) {
        return failure_memory(failure, "learning an attribute");
    }
    *number = segments->attribute_count++;
    segments->attributes[*number] =
        (struct segment_attribute){.name = copy, .parent = parent_of(copy)};
    return true;
}

static void leave_out(struct segments *segments, struct segment_attribute *attribute)
{
    if (!attribute->left_out && !segments->keeps_all) {
        attribute->left_out = true;
        segments->left_out_count++;
    }
}

static bool add_value(struct segments *segments, const struct value_key *key, uint64_t hash,
                      uint32_t *number, struct failure *failure)
{
    struct segment_attribute *attribute = &segments->attributes[key->attribute];
    if (attribute->value_count == SEGMENT_VALUES_LIMIT || attribute->left_out) {
        leave_out(segments, attribute);
        *number = SEGMENT_NO_VALUE;
        return true;
    }
    if (segments->value_count == segments->value_capacity) {
        uint32_t capacity = segments->value_capacity == 0 ? 64 : segments->value_capacity * 2;
        struct segment_value *grown = realloc(segments->values, capacity * sizeof *grown);
        if (grown == NULL) {
            return failure_memory(failure, "learning an attribute value");
        }
        segments->values = grown;
        segments->value_capacity = capacity;
    }
    *number = segments->value_count;
    segments->values[*number] = (struct segment_value){.attribute = key->attribute,
                                                       .rank = attribute->value_count,
                                                       .parent = key->parent,
                                                       .text = key->text};
    if (!hash_index_add(&segments->by_value, hash, *number, failure)) {
        return false;
    }
    segments->value_count++;
    attribute->value_count++;
    return true;
}

static uint64_t value_hash(uint32_t attribute, const char *parent, const char *text)
{
    uint64_t hash = hash_number(attribute) ^ hash_bytes(text, strlen(text));
    return parent != NULL ? hash_number(hash ^ hash_bytes(parent, strlen(parent))) : hash;
}

/* `text` and `parent` are already the arena's. */
static bool intern_value(struct segments *segments, uint32_t attribute, const char *parent,
                         const char *text, uint32_t *number, struct failure *failure)
{
    struct value_key key = {
        .segments = segments, .attribute = attribute, .parent = parent, .text = text};
    uint64_t hash = value_hash(attribute, parent, text);
    *number = hash_index_find(&segments->by_value, hash, same_value, &key);
    return *number != HASH_INDEX_NONE || add_value(segments, &key, hash, number, failure);
}

static bool copy_attributes(struct segments *segments, struct segment *segment,
                            const struct report_attribute *attributes, size_t count,
                            struct failure *failure)
{
    struct report_attribute *copies =
        arena_allocate(&segments->arena, (count + 1) * sizeof *copies);
    if (copies == NULL) {
        return failure_memory(failure, "learning a segment");
    }
    for (size_t i = 0; i < count; i++) {
        copies[i].name =
            arena_copy_text(&segments->arena, attributes[i].name, strlen(attributes[i].name));
        copies[i].value =
            arena_copy_text(&segments->arena, attributes[i].value, strlen(attributes[i].value));
        if (copies[i].name == NULL || copies[i].value == NULL) {
            return failure_memory(failure, "learning a segment");
        }
    }
    segment->attributes = copies;
    segment->attribute_count = count;
    return true;
}

static bool find_values(struct segments *segments, struct segment *segment, struct failure *failure)
{
    for (size_t i = 0; i < REPORT_ATTRIBUTES_LIMIT; i++) {
        segment->values[i] = SEGMENT_NO_VALUE;
    }
    for (size_t i = 0; i < segment->attribute_count; i++) {
        const struct report_attribute *said = &segment->attributes[i];
        uint32_t attribute;
        if (!intern_attribute(segments, said->name, &attribute, failure)) {
            return false;
        }
        if (attribute == SEGMENT_NO_VALUE) {
            continue;
        }
        const char *parent_name = segments->attributes[attribute].parent;
        const char *parent = parent_name == NULL
                                 ? NULL
                                 : report_attribute_value(segment->attributes,
                                                          segment->attribute_count, parent_name);
        if (!intern_value(segments, attribute, parent, said->value, &segment->values[attribute],
                          failure)) {
            return false;
        }
    }
    return true;
}

/* Notes which attributes turn out to name hosts. */
static void recognise_names(struct segments *segments, const struct segment *segment)
{
    for (uint32_t a = 0; a < segments->attribute_count && !segments->keeps_all; a++) {
        struct segment_attribute *attribute = &segments->attributes[a];
        attribute->segment_count += segment->values[a] != SEGMENT_NO_VALUE;
        if (attribute->value_count >= NAME_VALUES &&
            attribute->value_count >= NAME_SHARE * (double)attribute->segment_count) {
            leave_out(segments, attribute);
        }
    }
}

static bool is_left_out(const struct segments *segments, const char *name)
{
    for (uint32_t a = 0; a < segments->attribute_count; a++) {
        if (segments->attributes[a].left_out && strcmp(segments->attributes[a].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A segment without anything left out, by its id. */
static bool intern_plain(struct segments *segments, const struct uuid *id,
                         const struct report_attribute *attributes, size_t count, uint32_t *number,
                         struct failure *failure)
{
    *number = segments_find(segments, id);
    if (*number != SEGMENT_NONE) {
        return true;
    }
    if (segments->count == segments->capacity) {
        uint32_t capacity = segments->capacity == 0 ? 64 : segments->capacity * 2;
        struct segment *grown = realloc(segments->items, capacity * sizeof *grown);
        if (grown == NULL) {
            return failure_memory(failure, "learning a segment");
        }
        segments->items = grown;
        segments->capacity = capacity;
    }
    struct segment *segment = &segments->items[segments->count];
    *segment = (struct segment){.id = *id, .kind = segments->count, .parent = segments->count};
    if (!copy_attributes(segments, segment, attributes, count, failure) ||
        !find_values(segments, segment, failure) ||
        !hash_index_add(&segments->by_id, uuid_hash(id), segments->count, failure)) {
        return false;
    }
    recognise_names(segments, segment);
    *number = segments->count++;
    return true;
}

/* Sets the segment's parent; does nothing when it has been set. */
static bool find_parent(struct segments *segments, uint32_t number, struct failure *failure)
{
    static const char *const coarse[] = {"product_line", "os", "region", "ring"};
    const struct segment *segment = &segments->items[number];
    if (segments->keeps_all || segment->parent != number) {
        return true;
    }
    struct report_attribute kept[REPORT_ATTRIBUTES_LIMIT];
    size_t count = 0;
    for (size_t i = 0; i < segment->attribute_count; i++) {
        for (size_t k = 0; k < sizeof coarse / sizeof *coarse; k++) {
            if (strcmp(segment->attributes[i].name, coarse[k]) == 0) {
                kept[count++] = segment->attributes[i];
            }
        }
    }
    /* Nothing coarse known of it: mixed with others it would be compared with the whole fleet. */
    if (count == 0 || count == segment->attribute_count) {
        return true;
    }
    struct uuid id = report_segment_id(kept, count);
    uint32_t parent;
    if (!intern_plain(segments, &id, kept, count, &parent, failure)) {
        return false;
    }
    segments->items[number].parent = parent;
    return true;
}

/* Finds the segment's kind and parent by what is left out now. */
static bool settle(struct segments *segments, uint32_t number, struct failure *failure)
{
    uint32_t settled = segments->left_out_count + 1;
    const struct segment *segment = &segments->items[number];
    struct report_attribute kept[REPORT_ATTRIBUTES_LIMIT];
    size_t count = 0;
    for (size_t i = 0; i < segment->attribute_count; i++) {
        if (!is_left_out(segments, segment->attributes[i].name)) {
            kept[count++] = segment->attributes[i];
        }
    }
    uint32_t kind = number;
    if (count < segment->attribute_count) {
        struct uuid id = report_segment_id(kept, count);
        if (!intern_plain(segments, &id, kept, count, &kind, failure)) {
            return false;
        }
    }
    segments->items[number].kind = kind;
    segments->items[number].settled = settled;
    return find_parent(segments, kind, failure);
}

bool segments_intern(struct segments *segments, const struct uuid *id,
                     const struct report_attribute *attributes, size_t count, uint32_t *number,
                     struct failure *failure)
{
    if (!intern_plain(segments, id, attributes, count, number, failure)) {
        return false;
    }
    uint32_t first = *number;
    if (segments->items[first].settled != segments->left_out_count + 1 &&
        !settle(segments, first, failure)) {
        return false;
    }
    *number = segments->items[first].kind;
    return true;
}

const char *segment_attribute_text(const struct segments *segments, uint32_t number,
                                   const char *name)
{
    if (number == SEGMENT_NONE) {
        return NULL;
    }
    const struct segment *segment = &segments->items[number];
    return report_attribute_value(segment->attributes, segment->attribute_count, name);
}

/* ---- From one run to the next ---- */

_Static_assert(sizeof(struct segments) == 1128,
               "a field more or less: carry it below, or say why not");
_Static_assert(sizeof(struct segment_attribute) == 32, "likewise");
_Static_assert(sizeof(struct segment_value) == 24, "likewise");
_Static_assert(sizeof(struct segment) == 176, "likewise");

static void carry_attributes(struct carry *carry, struct segments *segments)
{
    size_t count = carry_count(carry, segments->attribute_count, sizeof(size_t));
    if (count > REPORT_ATTRIBUTES_LIMIT) {
        carry_refuse(carry, "it has more attributes than there may be");
        return;
    }
    if (carry_restores(carry)) {
        segments->attribute_count = (uint32_t)count;
    }
    for (size_t i = 0; i < count; i++) {
        struct segment_attribute *attribute = &segments->attributes[i];
        carry_text(carry, &attribute->name, &segments->arena);
        carry_value(carry, &attribute->value_count);
        carry_value(carry, &attribute->segment_count);
        carry_value(carry, &attribute->left_out);
        if (carry_restores(carry) && !carry->failed) {
            attribute->parent = parent_of(attribute->name);
        }
    }
    carry_value(carry, &segments->left_out_count);
}

static void carry_segment_value(struct carry *carry, struct segments *segments, uint32_t number)
{
    struct segment_value *value = &segments->values[number];
    carry_value(carry, &value->attribute);
    carry_value(carry, &value->rank);
    carry_text(carry, &value->parent, &segments->arena);
    carry_text(carry, &value->text, &segments->arena);
    struct failure failure;
    if (carry_restores(carry) && !carry->failed &&
        !hash_index_add(&segments->by_value,
                        value_hash(value->attribute, value->parent, value->text), number,
                        &failure)) {
        carry_note_failure(carry, &failure);
    }
}

static void carry_said(struct carry *carry, struct segments *segments, struct segment *segment)
{
    size_t count = carry_count(carry, segment->attribute_count, sizeof(size_t));
    struct report_attribute *said = (struct report_attribute *)segment->attributes;
    if (carry_restores(carry)) {
        said = arena_allocate(&segments->arena, (count + 1) * sizeof *said);
        if (said == NULL) {
            carry_refuse_memory(carry);
            return;
        }
        segment->attributes = said;
        segment->attribute_count = count;
    }
    for (size_t i = 0; i < count; i++) {
        carry_text(carry, &said[i].name, &segments->arena);
        carry_text(carry, &said[i].value, &segments->arena);
    }
}

static void carry_segment(struct carry *carry, struct segments *segments, uint32_t number)
{
    struct segment *segment = &segments->items[number];
    carry_value(carry, &segment->id);
    carry_said(carry, segments, segment);
    carry_value(carry, &segment->values);
    carry_value(carry, &segment->kind);
    carry_value(carry, &segment->parent);
    carry_value(carry, &segment->settled);
    struct failure failure;
    if (carry_restores(carry) && !carry->failed &&
        !hash_index_add(&segments->by_id, uuid_hash(&segment->id), number, &failure)) {
        carry_note_failure(carry, &failure);
    }
}

/* Room for what is restored. */
static bool make_room(struct carry *carry, struct segments *segments, size_t values, size_t items)
{
    segments->values = calloc(values + 1, sizeof *segments->values);
    segments->items = calloc(items + 1, sizeof *segments->items);
    if (segments->values == NULL || segments->items == NULL) {
        carry_refuse_memory(carry);
        return false;
    }
    segments->value_count = (uint32_t)values;
    segments->value_capacity = (uint32_t)values + 1;
    segments->count = (uint32_t)items;
    segments->capacity = (uint32_t)items + 1;
    return true;
}

void segments_carry(struct carry *carry, struct segments *segments)
{
    carry_attributes(carry, segments);
    size_t values = carry_count(carry, segments->value_count, sizeof(size_t));
    size_t items = carry_count(carry, segments->count, sizeof(size_t));
    if (carry_restores(carry) && !make_room(carry, segments, values, items)) {
        return;
    }
    for (uint32_t i = 0; i < values && !carry->failed; i++) {
        carry_segment_value(carry, segments, i);
    }
    for (uint32_t i = 0; i < items && !carry->failed; i++) {
        carry_segment(carry, segments, i);
    }
}
