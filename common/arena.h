/* Memory that lives as long as a request or a batch: many small allocations, one free.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_ARENA_H
#define EPICENTER_COMMON_ARENA_H

#include <stddef.h>

struct arena_block;

/* A zeroed struct is an empty arena. */
struct arena {
    struct arena_block *newest;
};

/* `size` bytes, zeroed and aligned for any type; NULL when memory is out. */
void *arena_allocate(struct arena *arena, size_t size);

/* A NUL-terminated copy of `length` bytes of `text`; NULL when memory is out. */
char *arena_copy_text(struct arena *arena, const char *text, size_t length);

/* Bytes taken from the system so far. */
size_t arena_size(const struct arena *arena);

void arena_free(struct arena *arena);

#endif
