/* What is in the file, whichever way it is packed? The form is told by the first bytes, since a
 * name may lie and a pipe has none. The hard thing is to notice a stream that is cut off: both
 * libraries only say so by never reporting an end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/byte_source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include <zlib.h>
#include <zstd.h>

#define PACKED_BYTES (256 * (size_t)1024) /* a read large enough that system calls do not count */
#define GZIP_WINDOW (15 + 16)             /* zlib: the largest window, gzip wrapping only */

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

struct byte_source {
    FILE *file;
    char *path;
    enum packing packing;
    unsigned char *packed;
    size_t packed_at, packed_length;
    bool file_ended;
    bool in_stream;                 /* a compressed stream has begun and not ended */
    double bytes_read, bytes_total; /* total 0: unknown */
    z_stream gzip;
    ZSTD_DStream *zstd;
};

static bool fill(struct byte_source *source, struct failure *failure)
{
    if (source->packed_at < source->packed_length || source->file_ended) {
        return true;
    }
    source->packed_at = 0;
    source->packed_length = fread(source->packed, 1, PACKED_BYTES, source->file);
    source->bytes_read += (double)source->packed_length;
    if (source->packed_length == 0) {
        source->file_ended = true;
        if (ferror(source->file)) {
            return failure_set(failure, FAILURE_SYSTEM, "%s cannot be read: %s", source->path,
                               strerror(errno));
        }
    }
    return true;
}

static bool begin_unpacking(struct byte_source *source, struct failure *failure)
{
    static const unsigned char gzip_magic[] = {0x1f, 0x8b};
    static const unsigned char zstd_magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    if (source->packed_length >= sizeof gzip_magic &&
        memcmp(source->packed, gzip_magic, sizeof gzip_magic) == 0) {
        if (inflateInit2(&source->gzip, GZIP_WINDOW) != Z_OK) {
            return failure_memory(failure, "reading a gzip file");
        }
        source->packing = PACKING_GZIP;
    } else if (source->packed_length >= sizeof zstd_magic &&
               memcmp(source->packed, zstd_magic, sizeof zstd_magic) == 0) {
        source->zstd = ZSTD_createDStream();
        if (source->zstd == NULL) {
            return failure_memory(failure, "reading a zstd file");
        }
        source->packing = PACKING_ZSTD;
    }
    return true;
}

bool byte_source_open(const char *path, struct byte_source **source, struct failure *failure)
{
    struct byte_source *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return failure_memory(failure, "opening a file");
    }
    bool is_pipe = strcmp(path, "-") == 0;
    opened->path = strdup(is_pipe ? "standard input" : path);
    opened->packed = malloc(PACKED_BYTES);
    opened->file = is_pipe ? stdin : fopen(path, "rb");
    if (opened->path == NULL || opened->packed == NULL) {
        failure_memory(failure, "opening a file");
        goto failed;
    }
    if (opened->file == NULL) {
        failure_set(failure, errno == ENOENT ? FAILURE_NOT_FOUND : FAILURE_SYSTEM,
                    "%s cannot be opened: %s", path, strerror(errno));
        goto failed;
    }
    struct stat status;
    if (fstat(fileno(opened->file), &status) == 0 && S_ISREG(status.st_mode)) {
        opened->bytes_total = (double)status.st_size;
    }
    if (!fill(opened, failure) || !begin_unpacking(opened, failure)) {
        goto failed;
    }
    *source = opened;
    return true;

failed:
    byte_source_close(opened);
    return false;
}

static bool cut_off(const struct byte_source *source, struct failure *failure)
{
    return failure_set(failure, FAILURE_INVALID,
                       "%s ends in the middle of its compressed data: it was cut off",
                       source->path);
}

/* Both unpackers set *length to what they wrote; 0 means "give me more" until the file has ended.
 */
static bool unpack_gzip(struct byte_source *source, unsigned char *bytes, size_t size,
                        size_t *length, struct failure *failure)
{
    source->gzip.next_in = source->packed + source->packed_at;
    source->gzip.avail_in = (uInt)(source->packed_length - source->packed_at);
    source->gzip.next_out = bytes;
    source->gzip.avail_out = (uInt)size;
    source->in_stream = true;
    int status = inflate(&source->gzip, Z_NO_FLUSH);
    *length = size - source->gzip.avail_out;
    source->packed_at = source->packed_length - source->gzip.avail_in;
    if (status == Z_STREAM_END) {
        source->in_stream = false;
        status = inflateReset(&source->gzip);
    }
    if (status != Z_OK && status != Z_BUF_ERROR) {
        return failure_set(failure, FAILURE_INVALID, "%s is damaged: %s", source->path,
                           source->gzip.msg != NULL ? source->gzip.msg : "not gzip data");
    }
    return true;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libzstd writes there. */
static bool unpack_zstd(struct byte_source *source, char *bytes, size_t size, size_t *length,
                        struct failure *failure)
{
    ZSTD_inBuffer in = {source->packed, source->packed_length, source->packed_at};
    ZSTD_outBuffer out = {bytes, size, 0};
    size_t wanted = ZSTD_decompressStream(source->zstd, &out, &in);
    if (ZSTD_isError(wanted)) {
        return failure_set(failure, FAILURE_INVALID, "%s is damaged: %s", source->path,
                           ZSTD_getErrorName(wanted));
    }
    source->in_stream = wanted != 0;
    source->packed_at = in.pos;
    *length = out.pos;
    return true;
}

bool byte_source_read(struct byte_source *source, char *bytes, size_t size, size_t *length,
                      struct failure *failure)
{
    *length = 0;
    size_t limit = size < PACKED_BYTES * 64 ? size : PACKED_BYTES * 64; /* zlib counts in 32 bits */
    while (*length == 0) {
        if (!fill(source, failure)) {
            return false;
        }
        if (source->packing == PACKING_NONE) {
            size_t there = source->packed_length - source->packed_at;
            *length = there < limit ? there : limit;
            memcpy(bytes, source->packed + source->packed_at, *length);
            source->packed_at += *length;
            return true;
        }
        bool drained = source->file_ended && source->packed_at == source->packed_length;
        if (drained && !source->in_stream) {
            return true;
        }
        bool good = source->packing == PACKING_GZIP
                        ? unpack_gzip(source, (unsigned char *)bytes, limit, length, failure)
                        : unpack_zstd(source, bytes, limit, length, failure);
        if (!good) {
            return false;
        }
        if (drained && *length == 0 && source->in_stream) {
            return cut_off(source, failure);
        }
    }
    return true;
}

double byte_source_fraction(const struct byte_source *source)
{
    return source->bytes_total > 0 ? source->bytes_read / source->bytes_total : -1;
}

void byte_source_close(struct byte_source *source)
{
    if (source == NULL) {
        return;
    }
    if (source->packing == PACKING_GZIP) {
        inflateEnd(&source->gzip);
    }
    ZSTD_freeDStream(source->zstd);
    if (source->file != NULL && source->file != stdin) {
        fclose(source->file);
    }
    free(source->packed);
    free(source->path);
    free(source);
}
