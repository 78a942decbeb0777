/* SPDX-License-Identifier: Apache-2.0 */
#include "common/large_pages.h"

#include <stdint.h>
#include <sys/mman.h>

/* Of x86-64, and of arm64 with pages of 4 KiB. */
#define LARGE_PAGE ((uintptr_t)2 << 20)

void large_pages_ask(void *start, size_t bytes)
{
    uintptr_t first = ((uintptr_t)start + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
    uintptr_t end = ((uintptr_t)start + bytes) & ~(LARGE_PAGE - 1);
    if (first < end) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): within `start`, rounded to a page */
        (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
    }
}

void *large_pages_resize(void *start, size_t bytes, size_t wanted)
{
    if (wanted == 0) {
        if (start != NULL) {
            (void)munmap(start, bytes);
        }
        return NULL;
    }
    void *resized = start == NULL ? mmap(NULL, wanted, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                                  : mremap(start, bytes, wanted, MREMAP_MAYMOVE);
    if (resized == MAP_FAILED) {
        return NULL;
    }
    /* All of it alike: mremap does not take a range of two kinds. */
    (void)madvise(resized, wanted, MADV_HUGEPAGE);
    return resized;
}
