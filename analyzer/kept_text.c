/* What is the same for everybody who asks? See kept_text.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/kept_text.h"

#include <stdlib.h>

#include <sodium.h>
#include <zlib.h>

/* Level 6 makes these texts half as long as level 1 does, in twice its time. */
#define LEVEL 6
#define WINDOW_GZIP (15 + 16) /* zlib: the whole window, in gzip's frame */
#define MEMORY_LEVEL 8        /* zlib's default */

void kept_text_name(struct kept_text *text)
{
    unsigned char hash[(KEPT_TEXT_NAME_SIZE - 1) / 2];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)text->plain.data,
                       text->plain.length, NULL, 0);
    sodium_bin2hex(text->name, sizeof text->name, hash, sizeof hash);
}

bool kept_text_pack(struct kept_text *text, struct failure *failure)
{
    z_stream stream = {.zalloc = Z_NULL};
    if (deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        return failure_memory(failure, "publishing the answers");
    }
    size_t bound = deflateBound(&stream, text->plain.length);
    char *packed = malloc(bound);
    bool good = packed != NULL;
    if (good) {
        stream.next_in = (unsigned char *)text->plain.data;
        stream.avail_in = (uInt)text->plain.length;
        stream.next_out = (unsigned char *)packed;
        stream.avail_out = (uInt)bound;
        good = deflate(&stream, Z_FINISH) == Z_STREAM_END; /* within the bound it always is */
    }
    if (good) {
        buffer_append(&text->gzip, packed, stream.total_out);
    }
    deflateEnd(&stream);
    free(packed);
    return good ? buffer_check(&text->gzip, failure)
                : failure_memory(failure, "publishing the answers");
}

void kept_text_free(struct kept_text *text)
{
    buffer_free(&text->plain);
    buffer_free(&text->gzip);
}
