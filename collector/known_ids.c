/* See known_ids.h. The hard thing is only that an id must not count as known before its commit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/known_ids.h"

#include <stdint.h>
#include <stdlib.h>

#define KNOWN_LIMIT ((size_t)1 << 20)

struct sought {
    const struct known_ids *known;
    const struct uuid *id;
};

static bool is_same(const void *context, uint32_t item)
{
    const struct sought *sought = context;
    return uuid_compare(&sought->known->ids[item], sought->id) == 0;
}

bool known_ids_add(struct known_ids *known, const struct uuid *id, bool *added,
                   struct failure *failure)
{
    uint64_t hash = hash_bytes(id->bytes, sizeof id->bytes);
    struct sought sought = {.known = known, .id = id};
    *added = false;
    if (hash_index_find(&known->index, hash, is_same, &sought) != HASH_INDEX_NONE) {
        return true;
    }
    if (known->count == known->capacity) {
        size_t capacity = known->capacity == 0 ? 256 : known->capacity * 2;
        struct uuid *ids = realloc(known->ids, capacity * sizeof *ids);
        if (ids == NULL) {
            return failure_memory(failure, "remembering ids");
        }
        known->ids = ids;
        known->capacity = capacity;
    }
    if (!hash_index_add(&known->index, hash, (uint32_t)known->count, failure)) {
        return false;
    }
    known->ids[known->count++] = *id;
    *added = true;
    return true;
}

void known_ids_keep(struct known_ids *known)
{
    known->kept = known->count;
    if (known->count > KNOWN_LIMIT) {
        known_ids_free(known);
    }
}

void known_ids_take_back(struct known_ids *known)
{
    while (known->count > known->kept) {
        const struct uuid *id = &known->ids[--known->count];
        hash_index_remove(&known->index, hash_bytes(id->bytes, sizeof id->bytes),
                          (uint32_t)known->count);
    }
}

void known_ids_free(struct known_ids *known)
{
    hash_index_free(&known->index);
    free(known->ids);
    *known = (struct known_ids){0};
}
