/* For arrays of many megabytes that are read here and there: most of such a read is finding out
 * where its page is, which large pages spare.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_LARGE_PAGES_H
#define EPICENTER_COMMON_LARGE_PAGES_H

#include <stddef.h>

/* An array in pages of its own, resized from `bytes` to `wanted`; NULL is one of 0 bytes. Growing
 * copies nothing, new bytes are 0, and it starts at a page, so that an element of 64 bytes is one
 * cache line, where realloc would lay it across two. Returns NULL when nothing is wanted, and, with
 * the array as it was, when there is no memory; there always is to shrink. */
void *large_pages_resize(void *start, size_t bytes, size_t wanted);

/* Asks for large pages below what will be written there; a wish, which Linux may not grant. */
void large_pages_ask(void *start, size_t bytes);

#endif
