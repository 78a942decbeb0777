/* UUIDs in text and from names; see uuid.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/uuid.h"

#include <pthread.h>
#include <string.h>

#include <sodium.h>

#include "common/hash_index.h"

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static bool is_dash_place(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

bool uuid_parse(const char *text, struct uuid *uuid)
{
    struct uuid parsed = {{0}};
    size_t digits = 0;
    for (size_t at = 0; at < UUID_TEXT_SIZE - 1; at++) {
        if (is_dash_place(at)) {
            if (text[at] != '-') {
                return false;
            }
            continue;
        }
        int digit = hex_digit(text[at]);
        if (digit < 0) {
            return false;
        }
        parsed.bytes[digits / 2] = (uint8_t)(parsed.bytes[digits / 2] << 4 | digit);
        digits++;
    }
    if (text[UUID_TEXT_SIZE - 1] != '\0') {
        return false;
    }
    *uuid = parsed;
    return true;
}

char *uuid_format(const struct uuid *uuid, char text[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *out = text;
    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *out++ = '-';
        }
        *out++ = digits[uuid->bytes[i] >> 4];
        *out++ = digits[uuid->bytes[i] & 15];
    }
    *out = '\0';
    return text;
}

/* Lets libsodium choose the fastest BLAKE2b of this processor. Once: sodium_init takes a lock, and
 * every report names a segment. It fails only where there is no randomness, which hashing does not
 * need. */
static void prepare_hashing(void)
{
    if (sodium_init() < 0) {
        return; /* the plain BLAKE2b it is */
    }
}

struct uuid uuid_from_name(const char *name_space, const void *name, size_t length)
{
    static pthread_once_t prepared = PTHREAD_ONCE_INIT;
    pthread_once(&prepared, prepare_hashing);
    struct uuid uuid;
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof uuid.bytes);
    crypto_generichash_update(&state, (const unsigned char *)name_space, strlen(name_space) + 1);
    crypto_generichash_update(&state, name, length);
    crypto_generichash_final(&state, uuid.bytes, sizeof uuid.bytes);
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x80); /* version 8 */
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80); /* RFC 9562 variant */
    return uuid;
}

uint64_t uuid_hash(const struct uuid *id)
{
    uint64_t halves[2];
    memcpy(halves, id, sizeof halves);
    return hash_number(halves[0] + halves[1] * UINT64_C(0x9fb21c651e98df25));
}

int uuid_compare(const struct uuid *left, const struct uuid *right)
{
    return memcmp(left->bytes, right->bytes, sizeof left->bytes);
}
