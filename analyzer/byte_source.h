/* Bytes of a file, decompressed on the way if it is gzip or zstd.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_BYTE_SOURCE_H
#define EPICENTER_ANALYZER_BYTE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

struct byte_source;

/* "-" is standard input. FAILURE_NOT_FOUND when there is no such file. */
MUST_CHECK bool byte_source_open(const char *path, struct byte_source **source,
                                 struct failure *failure);

/* Fills up to `size` bytes; *length is 0 only at the end. Concatenated gzip members and zstd frames
 * read as one. FAILURE_INVALID for a damaged or cut-off stream. */
MUST_CHECK bool byte_source_read(struct byte_source *source, char *bytes, size_t size,
                                 size_t *length, struct failure *failure);

/* How much of the file has been read, 0 to 1; negative where its size is unknown (a pipe). */
double byte_source_fraction(const struct byte_source *source);

void byte_source_close(struct byte_source *source);

#endif
