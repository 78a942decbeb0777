/* From a key to its number: open addressing over items the caller keeps in an array of its own.
 * Stores eight bytes an item, never the key.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_HASH_INDEX_H
#define EPICENTER_COMMON_HASH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

#define HASH_INDEX_NONE UINT32_MAX

/* A zeroed struct is an empty index. */
struct hash_index {
    struct hash_index_slot {
        uint32_t hash;
        uint32_t item;
    } * slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

/* Whether `item` is the one looked for. */
typedef bool (*hash_index_same)(const void *context, uint32_t item);

/* The item with this hash that is `same`, or HASH_INDEX_NONE. */
uint32_t hash_index_find(const struct hash_index *index, uint64_t hash, hash_index_same same,
                         const void *context);

/* The two steps of finding one among many without waiting for each: asks for the place of the hash
 * in memory, and says later which item is likely the one; only hash_index_find knows. */
void hash_index_expect(const struct hash_index *index, uint64_t hash);
uint32_t hash_index_guess(const struct hash_index *index, uint64_t hash);

/* Adds an item that is not there yet. */
MUST_CHECK bool hash_index_add(struct hash_index *index, uint64_t hash, uint32_t item,
                               struct failure *failure);

/* Removes an item that is there. */
void hash_index_remove(struct hash_index *index, uint64_t hash, uint32_t item);

/* Makes `copy` of its own. False when memory is out; `copy` is then empty. */
MUST_CHECK bool hash_index_copy(const struct hash_index *index, struct hash_index *copy);

void hash_index_free(struct hash_index *index);

/* Well-mixed hashes of short keys; not for keys an attacker can choose by the million. */
uint64_t hash_bytes(const void *bytes, size_t length);
uint64_t hash_number(uint64_t number);

#endif
