/* Linear probing at most three quarters full, deletion by shifting back; see hash_index.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/hash_index.h"

#include <stdlib.h>
#include <string.h>

#include "common/large_pages.h"

static void place(struct hash_index_slot *slots, size_t capacity, struct hash_index_slot slot)
{
    size_t at = slot.hash & (capacity - 1);
    while (slots[at].item != HASH_INDEX_NONE) {
        at = (at + 1) & (capacity - 1);
    }
    slots[at] = slot;
}

uint32_t hash_index_find(const struct hash_index *index, uint64_t hash, hash_index_same same,
                         const void *context)
{
    if (index->capacity == 0) {
        return HASH_INDEX_NONE;
    }
    uint32_t wanted = (uint32_t)hash;
    size_t at = wanted & (index->capacity - 1);
    while (index->slots[at].item != HASH_INDEX_NONE) {
        if (index->slots[at].hash == wanted && same(context, index->slots[at].item)) {
            return index->slots[at].item;
        }
        at = (at + 1) & (index->capacity - 1);
    }
    return HASH_INDEX_NONE;
}

void hash_index_expect(const struct hash_index *index, uint64_t hash)
{
    if (index->capacity > 0) {
        __builtin_prefetch(&index->slots[(uint32_t)hash & (index->capacity - 1)]);
    }
}

uint32_t hash_index_guess(const struct hash_index *index, uint64_t hash)
{
    if (index->capacity == 0) {
        return HASH_INDEX_NONE;
    }
    size_t at = (uint32_t)hash & (index->capacity - 1);
    while (index->slots[at].item != HASH_INDEX_NONE && index->slots[at].hash != (uint32_t)hash) {
        at = (at + 1) & (index->capacity - 1);
    }
    return index->slots[at].item;
}

static bool grow(struct hash_index *index, struct failure *failure)
{
    size_t capacity = index->capacity == 0 ? 64 : index->capacity * 2;
    struct hash_index_slot *slots = malloc(capacity * sizeof *slots);
    if (slots == NULL) {
        return failure_memory(failure, "growing an index");
    }
    large_pages_ask(slots, capacity * sizeof *slots);
    memset(slots, 0xff, capacity * sizeof *slots); /* every item HASH_INDEX_NONE */
    for (size_t i = 0; i < index->capacity; i++) {
        if (index->slots[i].item != HASH_INDEX_NONE) {
            place(slots, capacity, index->slots[i]);
        }
    }
    free(index->slots);
    index->slots = slots;
    index->capacity = capacity;
    return true;
}

bool hash_index_add(struct hash_index *index, uint64_t hash, uint32_t item, struct failure *failure)
{
    if ((index->count + 1) * 4 > index->capacity * 3 && !grow(index, failure)) {
        return false;
    }
    place(index->slots, index->capacity,
          (struct hash_index_slot){.hash = (uint32_t)hash, .item = item});
    index->count++;
    return true;
}

void hash_index_remove(struct hash_index *index, uint64_t hash, uint32_t item)
{
    if (index->capacity == 0) {
        return;
    }
    size_t mask = index->capacity - 1;
    size_t hole = (uint32_t)hash & mask;
    while (index->slots[hole].item != item) {
        if (index->slots[hole].item == HASH_INDEX_NONE) {
            return;
        }
        hole = (hole + 1) & mask;
    }
    /* Close the gap: whatever probed past the hole moves back into it. */
    for (size_t next = (hole + 1) & mask; index->slots[next].item != HASH_INDEX_NONE;
         next = (next + 1) & mask) {
        size_t home = index->slots[next].hash & mask;
        if (((next - home) & mask) >= ((next - hole) & mask)) {
            index->slots[hole] = index->slots[next];
            hole = next;
        }
    }
    index->slots[hole].item = HASH_INDEX_NONE;
    index->count--;
}

bool hash_index_copy(const struct hash_index *index, struct hash_index *copy)
{
    *copy = (struct hash_index){0};
    if (index->capacity == 0) {
        return true;
    }
    size_t size = index->capacity * sizeof *index->slots;
    struct hash_index_slot *slots = malloc(size);
    if (slots == NULL) {
        return false;
    }
    memcpy(slots, index->slots, size);
    *copy = *index;
    copy->slots = slots;
    return true;
}

void hash_index_free(struct hash_index *index)
{
    free(index->slots);
    *index = (struct hash_index){0};
}

uint64_t hash_number(uint64_t number)
{
    /* The finaliser of splitmix64 (Steele, Lea and Flood 2014). */
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

/* Up to seven bytes as a number, lowest first. Read in pieces of known size: a copy of as many as
 * there are goes byte by byte through memory, and takes longer than all else about a short key. */
static uint64_t last_bytes(const unsigned char *at, size_t length)
{
    uint64_t number = 0;
    unsigned bits = 0;
    if ((length & 4) != 0) {
        uint32_t piece;
        memcpy(&piece, at, sizeof piece);
        number = piece;
        bits = 32;
        at += sizeof piece;
    }
    if ((length & 2) != 0) {
        uint16_t piece;
        memcpy(&piece, at, sizeof piece);
        number |= (uint64_t)piece << bits;
        bits += 16;
        at += sizeof piece;
    }
    return (length & 1) != 0 ? number | (uint64_t)*at << bits : number;
}

uint64_t hash_bytes(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint64_t hash = hash_number(length);
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = hash_number(hash ^ word);
        at += 8;
        length -= 8;
    }
    return hash_number(hash ^ last_bytes(at, length));
}
