/* gzip and zstd, by zlib and libzstd; see inflate.h. The hard thing is a bomb: both inflate in
 * pieces, and stop at the first piece that goes over.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/inflate.h"

#include <string.h>
#include <strings.h>

#include <zlib.h>
#include <zstd.h>

/* Reports of one fleet, much alike, pack to a thirtieth; bombs to a thousandth. */
#define RATIO_LIMIT 100
/* Under this a ratio means nothing: a few equal lines reach any. */
#define RATIO_FREE_BYTES ((size_t)64 * 1024)
#define PIECE_BYTES ((size_t)64 * 1024)
/* Memory zstd may take for its window: 8 MiB, what every level up to 19 stays within. */
#define ZSTD_WINDOW_LOG 23

bool inflate_encoding(const char *header, enum inflate_encoding *encoding, struct failure *failure)
{
    if (header == NULL || header[0] == '\0' || strcasecmp(header, "identity") == 0) {
        *encoding = INFLATE_IDENTITY;
    } else if (strcasecmp(header, "gzip") == 0 || strcasecmp(header, "x-gzip") == 0) {
        *encoding = INFLATE_GZIP;
    } else if (strcasecmp(header, "zstd") == 0) {
        *encoding = INFLATE_ZSTD;
    } else {
        return failure_set(failure, FAILURE_UNSUPPORTED,
                           "Content-Encoding: \"%.64s\" is not gzip or zstd", header);
    }
    return true;
}

static bool append_piece(struct buffer *plain, const char *piece, size_t size, size_t packed_size,
                         size_t limit, struct failure *failure)
{
    size_t total = plain->length + size;
    if (total > limit) {
        return failure_set(failure, FAILURE_TOO_LARGE,
                           "the body inflates to more than the limit of %zu bytes", limit);
    }
    if (total > RATIO_FREE_BYTES && total / RATIO_LIMIT > packed_size) {
        return failure_set(failure, FAILURE_TOO_LARGE,
                           "the body inflates to more than %d times its size", RATIO_LIMIT);
    }
    buffer_append(plain, piece, size);
    return buffer_check(plain, failure);
}

static bool damaged(const char *encoding, struct failure *failure)
{
    return failure_set(failure, FAILURE_INVALID,
                       "the body is not one whole %s member with nothing after it", encoding);
}

static bool inflate_gzip(const struct buffer *packed, size_t limit, struct buffer *plain,
                         struct failure *failure)
{
    char piece[PIECE_BYTES];
    z_stream stream = {.next_in = (Bytef *)packed->data, .avail_in = (uInt)packed->length};
    /* 15 bits of window, and 16 for gzip alone. */
    if (inflateInit2(&stream, 15 + 16) != Z_OK) {
        return failure_memory(failure, "inflating a body");
    }
    bool good = true;
    int status = Z_OK;
    while (good && status == Z_OK) {
        stream.next_out = (Bytef *)piece;
        stream.avail_out = sizeof piece;
        status = inflate(&stream, Z_NO_FLUSH);
        size_t size = sizeof piece - stream.avail_out;
        if (status == Z_MEM_ERROR) {
            good = failure_memory(failure, "inflating a body");
        } else if (status == Z_OK || status == Z_STREAM_END) {
            good = append_piece(plain, piece, size, packed->length, limit, failure);
        } else {
            good = damaged("gzip", failure); /* Z_BUF_ERROR: it ends too early */
        }
    }
    if (good && stream.avail_in > 0) {
        good = damaged("gzip", failure);
    }
    (void)inflateEnd(&stream);
    return good;
}

static bool inflate_zstd(const struct buffer *packed, size_t limit, struct buffer *plain,
                         struct failure *failure)
{
    char piece[PIECE_BYTES];
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL ||
        ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG))) {
        (void)ZSTD_freeDCtx(context);
        return failure_memory(failure, "inflating a body");
    }
    ZSTD_inBuffer in = {.src = packed->data, .size = packed->length};
    bool good = true;
    size_t status = 1;
    while (good && status != 0) {
        ZSTD_outBuffer out = {.dst = piece, .size = sizeof piece};
        size_t before = in.pos;
        status = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(status) || (status != 0 && out.pos == 0 && in.pos == before)) {
            good = damaged("zstd", failure);
        } else {
            good = append_piece(plain, piece, out.pos, packed->length, limit, failure);
        }
    }
    if (good && in.pos < in.size) {
        good = damaged("zstd", failure);
    }
    (void)ZSTD_freeDCtx(context);
    return good;
}

bool inflate_body(enum inflate_encoding encoding, const struct buffer *packed, size_t limit,
                  struct buffer *plain, struct failure *failure)
{
    if (packed->length == 0) {
        return damaged(encoding == INFLATE_GZIP ? "gzip" : "zstd", failure);
    }
    return encoding == INFLATE_GZIP ? inflate_gzip(packed, limit, plain, failure)
                                    : inflate_zstd(packed, limit, plain, failure);
}
