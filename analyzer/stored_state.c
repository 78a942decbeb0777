/* Packs, seals and opens; see stored_state.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/stored_state.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* A million hosts take 0.15 s and two fifths of the bytes; level 3 takes twice as long for a sixth
 * less. */
#define LEVEL 1

#define MAGIC "epicstat"

struct header {
    char magic[sizeof(uint64_t)]; /* without its NUL */
    uint64_t plain_length;
    struct stored_state_build build;
    uint8_t seal[crypto_generichash_BYTES]; /* of all else */
};
_Static_assert(sizeof(struct header) == 80, "without padding, so that every byte is sealed");

bool stored_state_this_build(struct stored_state_build *build, struct failure *failure)
{
    crypto_generichash_state hash;
    char block[65536];
    size_t length;
    FILE *program = fopen("/proc/self/exe", "rbe");
    if (program == NULL) {
        return failure_set(failure, FAILURE_SYSTEM, "the program cannot read itself: %s",
                           strerror(errno));
    }
    (void)crypto_generichash_init(&hash, NULL, 0, sizeof build->hash);
    while ((length = fread(block, 1, sizeof block, program)) > 0) {
        (void)crypto_generichash_update(&hash, (const uint8_t *)block, length);
    }
    bool whole = ferror(program) == 0;
    (void)fclose(program);
    (void)crypto_generichash_final(&hash, build->hash, sizeof build->hash);
    return whole ||
           failure_set(failure, FAILURE_SYSTEM, "the program cannot read itself to its end");
}

static void seal(const struct header *header, const char *packed, size_t length,
                 uint8_t sealed[crypto_generichash_BYTES])
{
    crypto_generichash_state hash;
    (void)crypto_generichash_init(&hash, NULL, 0, crypto_generichash_BYTES);
    (void)crypto_generichash_update(&hash, (const uint8_t *)header, offsetof(struct header, seal));
    (void)crypto_generichash_update(&hash, (const uint8_t *)packed, length);
    (void)crypto_generichash_final(&hash, sealed, crypto_generichash_BYTES);
}

bool stored_state_pack(const struct buffer *plain, const struct stored_state_build *build,
                       struct buffer *packed, struct failure *failure)
{
    struct header header = {.magic = MAGIC, .plain_length = plain->length, .build = *build};
    size_t most = ZSTD_compressBound(plain->length);
    char *bytes = malloc(most);
    if (bytes == NULL) {
        return failure_memory(failure, "packing a state");
    }
    size_t length = ZSTD_compress(bytes, most, plain->data, plain->length, LEVEL);
    if (ZSTD_isError(length) != 0) {
        free(bytes);
        return failure_set(failure, FAILURE_SYSTEM, "a state cannot be packed: %s",
                           ZSTD_getErrorName(length));
    }
    seal(&header, bytes, length, header.seal);
    buffer_append(packed, &header, sizeof header);
    buffer_append(packed, bytes, length);
    free(bytes);
    return buffer_check(packed, failure);
}

static bool damaged(struct failure *failure)
{
    return failure_set(failure, FAILURE_INVALID, "it is damaged");
}

bool stored_state_unpack(const struct buffer *packed, const struct stored_state_build *build,
                         struct buffer *plain, struct failure *failure)
{
    struct header header;
    uint8_t wanted[crypto_generichash_BYTES];
    if (packed->length < sizeof header) {
        return damaged(failure);
    }
    memcpy(&header, packed->data, sizeof header);
    const char *bytes = packed->data + sizeof header;
    size_t length = packed->length - sizeof header;
    seal(&header, bytes, length, wanted);
    if (memcmp(header.magic, MAGIC, sizeof header.magic) != 0 ||
        memcmp(header.seal, wanted, sizeof wanted) != 0) {
        return damaged(failure);
    }
    if (memcmp(&header.build, build, sizeof *build) != 0) {
        return failure_set(failure, FAILURE_INVALID, "it is of another build of the program");
    }
    char *opened = malloc(header.plain_length + 1);
    if (opened == NULL) {
        return failure_memory(failure, "unpacking a state");
    }
    size_t got = ZSTD_decompress(opened, header.plain_length, bytes, length);
    if (ZSTD_isError(got) != 0 || got != header.plain_length) {
        free(opened);
        return damaged(failure);
    }
    opened[got] = '\0';
    *plain = (struct buffer){.data = opened, .length = got, .capacity = got + 1};
    return true;
}
