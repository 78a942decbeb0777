/* A file in memory, for what reads files by their path: its content is the fuzzer's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_FUZZ_MEMORY_FILE_H
#define EPICENTER_TESTS_FUZZ_MEMORY_FILE_H

#include <stddef.h>

/* Replaces the content, and returns the path; always the same file. */
const char *memory_file(const void *bytes, size_t length);

#endif
