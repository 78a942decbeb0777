/* For arrays of many megabytes that are read here and there: most of such a read is finding out
 * where its page is, which large pages spare.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_LARGE_PAGES_H
#define EPICENTER_COMMON_LARGE_PAGES_H

#include <stddef.h>

/* Asks for large pages below what will be written there; a wish, which Linux may not grant. */
void large_pages_ask(void *start, size_t bytes);

#endif
