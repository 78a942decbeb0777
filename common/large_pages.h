/* For arrays of many megabytes that are read here and there: most of such a read is finding out
 * where its page is, which large pages spare.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_LARGE_PAGES_H
#define EPICENTER_COMMON_LARGE_PAGES_H

#include <stddef.h>

/* An array in pages of its own: NULL and 0 to begin with. Its elements lie at multiples of
 * their size, where that is a power of two, and growing copies nothing. Returns NULL, and changes
 * nothing, when there is no memory. Unlike realloc's it starts at a page, so that an element of 64
 * bytes is one cache line and not parts of two. */
void *large_pages_grow(void *start, size_t bytes, size_t wanted);
void large_pages_free(void *start, size_t bytes);

/* Asks for large pages below what will be written there; a wish, which Linux may not grant. */
void large_pages_ask(void *start, size_t bytes);

#endif
