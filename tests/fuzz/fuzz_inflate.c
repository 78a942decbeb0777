/* Can any body make inflating crash, go over its bounds, or give other bytes than were packed? The
 * first byte chooses the encoding, and whether the rest is packed bytes or is packed first.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "collector/inflate.h"
#include "common/buffer.h"

#define LIMIT ((size_t)256 * 1024)
#define RATIO_LIMIT 100
#define RATIO_FREE_BYTES ((size_t)64 * 1024)
#define PACKED_SIZE ((size_t)64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* One gzip member; returns its size, or 0 where it does not fit. */
static size_t pack_gzip(const uint8_t *bytes, size_t length, char packed[static PACKED_SIZE])
{
    z_stream stream = {0};
    demand(deflateInit2(&stream, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_in = (Bytef *)bytes;
    stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)packed;
    stream.avail_out = PACKED_SIZE;
    size_t size = deflate(&stream, Z_FINISH) == Z_STREAM_END ? stream.total_out : 0;
    demand(deflateEnd(&stream) == Z_OK || size == 0);
    return size;
}

static void check_packed(enum inflate_encoding encoding, const uint8_t *bytes, size_t length)
{
    static char packed[PACKED_SIZE];
    size_t size = encoding == INFLATE_GZIP ? pack_gzip(bytes, length, packed)
                                           : ZSTD_compress(packed, sizeof packed, bytes, length, 1);
    if (size == 0 || (encoding == INFLATE_ZSTD && ZSTD_isError(size))) {
        return;
    }
    struct buffer plain = {0};
    struct failure failure = {0};
    bool good = inflate_body(encoding, &(struct buffer){.data = packed, .length = size}, LIMIT,
                             &plain, &failure);
    demand(good || length > LIMIT || length / RATIO_LIMIT > size);
    demand(!good ||
           (plain.length == length && (length == 0 || memcmp(plain.data, bytes, length) == 0)));
    buffer_free(&plain);
}

static void check_strange(enum inflate_encoding encoding, const uint8_t *bytes, size_t length)
{
    /* Its own copy, so that a byte read behind it is found. */
    char *copy = malloc(length + 1);
    struct buffer plain = {0};
    struct failure failure = {0};
    demand(copy != NULL);
    memcpy(copy, bytes, length);
    bool good = inflate_body(encoding, &(struct buffer){.data = copy, .length = length}, LIMIT,
                             &plain, &failure);
    demand(good || failure.code != FAILURE_NONE);
    demand(!good || (plain.length <= LIMIT &&
                     (plain.length <= RATIO_FREE_BYTES || plain.length / RATIO_LIMIT <= length)));
    buffer_free(&plain);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length == 0) {
        return 0;
    }
    enum inflate_encoding encoding = bytes[0] & 1 ? INFLATE_ZSTD : INFLATE_GZIP;
    if (bytes[0] & 2) {
        check_packed(encoding, bytes + 1, length - 1);
    } else {
        check_strange(encoding, bytes + 1, length - 1);
    }
    return 0;
}
