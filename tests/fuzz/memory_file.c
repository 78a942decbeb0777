/* A file in memory; see memory_file.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/memory_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

const char *memory_file(const void *bytes, size_t length)
{
    static int file = -1;
    static char path[32];
    if (file < 0) {
        file = memfd_create("fuzz", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    if (file < 0 || ftruncate(file, 0) != 0 || pwrite(file, bytes, length, 0) != (ssize_t)length) {
        abort();
    }
    return path;
}
