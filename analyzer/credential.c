/* Is this what we gave out? See credential.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/credential.h"

#include <stddef.h>
#include <string.h>

#include <sodium.h>

_Static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES, "libsodium's hash must fit");

#define BASE64_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define RANDOM_BYTES 32

void credential_new(const char *prefix, char text[CREDENTIAL_SIZE])
{
    uint8_t bytes[RANDOM_BYTES];
    size_t length = strlen(prefix);
    memcpy(text, prefix, length + 1);
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(text + length, CREDENTIAL_SIZE - length, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
}

bool credential_is_formed(const char *prefix, const char *text)
{
    size_t length = strnlen(text, CREDENTIAL_SIZE);
    return length == CREDENTIAL_SIZE - 1 && strncmp(text, prefix, strlen(prefix)) == 0 &&
           strspn(text, BASE64_CHARACTERS) == length;
}

void credential_hash(const char *text, uint8_t hash[CREDENTIAL_HASH_BYTES])
{
    crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
}

char *credential_hex(const char *text, char hex[CREDENTIAL_HEX_SIZE])
{
    uint8_t hash[CREDENTIAL_HASH_BYTES];
    credential_hash(text, hash);
    return sodium_bin2hex(hex, CREDENTIAL_HEX_SIZE, hash, sizeof hash);
}

/* ---- Passwords ---- */

bool password_hash(const char *password, char hash[PASSWORD_HASH_SIZE], struct failure *failure)
{
    size_t length = strlen(password);
    if (length < PASSWORD_BYTES_LEAST || length > PASSWORD_BYTES_MOST) {
        return failure_set(failure, FAILURE_INVALID, "a password has %d to %d bytes",
                           PASSWORD_BYTES_LEAST, PASSWORD_BYTES_MOST);
    }
    if (crypto_pwhash_str_alg(hash, password, length, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                              crypto_pwhash_MEMLIMIT_INTERACTIVE,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return failure_memory(failure, "hashing a password");
    }
    return true;
}

bool password_matches(const char *password, const char *hash)
{
    /* Nobody's: costs what a real one does. */
    static const char nobodys[] = "$argon2id$v=19$m=65536,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
                                  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    size_t length = strlen(password);
    return length <= PASSWORD_BYTES_MOST &&
           crypto_pwhash_str_verify(hash != NULL ? hash : nobodys, password, length) == 0 &&
           hash != NULL;
}
