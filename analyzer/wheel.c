/* A ring of buckets that grows with the farthest minute put down; see wheel.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/wheel.h"

#include <stdlib.h>
#include <string.h>

static bool grow(struct wheel *wheel, uint32_t needed, struct failure *failure)
{
    uint32_t span = wheel->span == 0 ? 64 : wheel->span;
    while (span < needed) {
        span *= 2;
    }
    struct wheel_bucket *buckets = calloc(span, sizeof *buckets);
    if (buckets == NULL) {
        return failure_memory(failure, "scheduling minutes");
    }
    for (uint32_t i = 0; i < wheel->span; i++) {
        uint32_t minute = (uint32_t)wheel->next + i;
        buckets[minute & (span - 1)] = wheel->buckets[minute & (wheel->span - 1)];
    }
    free(wheel->buckets);
    wheel->buckets = buckets;
    wheel->span = span;
    return true;
}

/* The bucket of the minute, with room for `count` more; NULL when memory is out. */
static struct wheel_bucket *find_bucket(struct wheel *wheel, int32_t now, int32_t minute,
                                        uint32_t count, struct failure *failure)
{
    if (wheel->span == 0) {
        wheel->next = now;
    }
    if (minute < wheel->next) {
        minute = wheel->next;
    }
    uint32_t ahead = (uint32_t)(minute - wheel->next) + 1;
    if (ahead > wheel->span && !grow(wheel, ahead, failure)) {
        return NULL;
    }
    struct wheel_bucket *bucket = &wheel->buckets[(uint32_t)minute & (wheel->span - 1)];
    if (bucket->capacity - bucket->count < count) {
        uint32_t capacity = bucket->capacity == 0 ? 16 : bucket->capacity;
        while (capacity - bucket->count < count) {
            capacity *= 2;
        }
        uint32_t *items = realloc(bucket->items, capacity * sizeof *items);
        if (items == NULL) {
            failure_memory(failure, "scheduling minutes");
            return NULL;
        }
        bucket->items = items;
        bucket->capacity = capacity;
    }
    return bucket;
}

bool wheel_put(struct wheel *wheel, int32_t now, int32_t minute, uint32_t item,
               struct failure *failure)
{
    struct wheel_bucket *bucket = find_bucket(wheel, now, minute, 1, failure);
    if (bucket != NULL) {
        bucket->items[bucket->count++] = item;
    }
    return bucket != NULL;
}

bool wheel_join(struct wheel *wheel, const struct wheel *other, int32_t now,
                struct failure *failure)
{
    for (uint32_t i = 0; i < other->span; i++) {
        int32_t minute = other->next + (int32_t)i;
        const struct wheel_bucket *from = &other->buckets[(uint32_t)minute & (other->span - 1)];
        if (from->count == 0) {
            continue;
        }
        struct wheel_bucket *to = find_bucket(wheel, now, minute, from->count, failure);
        if (to == NULL) {
            return false;
        }
        memcpy(to->items + to->count, from->items, from->count * sizeof *from->items);
        to->count += from->count;
    }
    return true;
}

struct wheel_bucket wheel_take(struct wheel *wheel, int32_t minute)
{
    if (wheel->span == 0) {
        return (struct wheel_bucket){0};
    }
    struct wheel_bucket *slot = &wheel->buckets[(uint32_t)minute & (wheel->span - 1)];
    struct wheel_bucket taken = {0};
    /* A minute farther than the ring reaches shares its bucket with one that is not due. */
    if (minute >= wheel->next && (uint32_t)(minute - wheel->next) < wheel->span) {
        taken = *slot;
        *slot = (struct wheel_bucket){0};
    }
    wheel->next = minute + 1;
    return taken;
}

void wheel_done(struct wheel *wheel, int32_t minute, struct wheel_bucket bucket)
{
    if (bucket.capacity == 0) {
        return;
    }
    struct wheel_bucket *slot = &wheel->buckets[(uint32_t)minute & (wheel->span - 1)];
    if (slot->capacity == 0) {
        bucket.count = 0;
        *slot = bucket; /* keeps the memory for the minute that comes round */
    } else {
        free(bucket.items);
    }
}

_Static_assert(sizeof(struct wheel) == 16, "a field more or less: carry it below, or say why not");

void wheel_carry(struct carry *carry, struct wheel *wheel)
{
    uint32_t span = (uint32_t)carry_count(carry, wheel->span, sizeof(size_t));
    if (carry_restores(carry) && span > 0) {
        wheel->buckets = calloc(span, sizeof *wheel->buckets);
        if (wheel->buckets == NULL) {
            carry_refuse_memory(carry);
            return;
        }
        wheel->span = span;
    }
    carry_value(carry, &wheel->next);
    for (uint32_t i = 0; i < wheel->span; i++) {
        struct wheel_bucket *bucket = &wheel->buckets[i];
        carry_array(carry, (void **)&bucket->items, &bucket->count, &bucket->capacity,
                    sizeof *bucket->items);
    }
}

void wheel_free(struct wheel *wheel)
{
    for (uint32_t i = 0; i < wheel->span; i++) {
        free(wheel->buckets[i].items);
    }
    free(wheel->buckets);
    *wheel = (struct wheel){0};
}
