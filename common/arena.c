/* Bump allocation in blocks that double; see arena.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* With its header the largest that malloc hands out from its cache of small pieces: one report, or
 * one request, fits. */
#define BLOCK_FIRST 1000
/* Blocks stop doubling here: one more wastes at most this much. */
#define BLOCK_LARGEST ((size_t)1 << 20)

struct arena_block {
    struct arena_block *older;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    size_t wanted = arena->newest == NULL ? BLOCK_FIRST : arena->newest->size * 2;
    wanted = wanted > BLOCK_LARGEST ? BLOCK_LARGEST : wanted;
    wanted = wanted < size ? size : wanted;
    if (wanted > PTRDIFF_MAX - sizeof(struct arena_block)) { /* no object is larger */
        return NULL;
    }
    struct arena_block *block = calloc(1, sizeof *block + wanted);
    if (block != NULL) {
        block->older = arena->newest;
        block->size = wanted;
        arena->newest = block;
    }
    return block;
}

void *arena_allocate(struct arena *arena, size_t size)
{
    const size_t alignment = alignof(max_align_t);
    if (size > SIZE_MAX - alignment) {
        return NULL;
    }
    size = (size + alignment - 1) / alignment * alignment;
    struct arena_block *block = arena->newest;
    if (block == NULL || block->size - block->used < size) {
        block = add_block(arena, size);
        if (block == NULL) {
            return NULL;
        }
    }
    void *place = block->bytes + block->used;
    block->used += size;
    return place;
}

char *arena_copy_text(struct arena *arena, const char *text, size_t length)
{
    char *copy = length == SIZE_MAX ? NULL : arena_allocate(arena, length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

size_t arena_size(const struct arena *arena)
{
    size_t size = 0;
    for (const struct arena_block *block = arena->newest; block != NULL; block = block->older) {
        size += sizeof *block + block->size;
    }
    return size;
}

void arena_free(struct arena *arena)
{
    while (arena->newest != NULL) {
        struct arena_block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
}
