/* Takes a body out of its Content-Encoding, bounded: one member, so many bytes, so many times its
 * size.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_INFLATE_H
#define EPICENTER_COLLECTOR_INFLATE_H

#include <stddef.h>

#include "common/buffer.h"
#include "common/failure.h"

enum inflate_encoding { INFLATE_IDENTITY, INFLATE_GZIP, INFLATE_ZSTD };

/* What a Content-Encoding header names; NULL is the identity. FAILURE_UNSUPPORTED for others and
 * for more than one. */
MUST_CHECK bool inflate_encoding(const char *header, enum inflate_encoding *encoding,
                                 struct failure *failure);

/* Inflates `packed` into the empty buffer `plain`. FAILURE_TOO_LARGE over `limit` bytes or a ratio
 * of 100:1, FAILURE_INVALID when it is damaged, cut short, or followed by anything. Not for the
 * identity. */
MUST_CHECK bool inflate_body(enum inflate_encoding encoding, const struct buffer *packed,
                             size_t limit, struct buffer *plain, struct failure *failure);

#endif
