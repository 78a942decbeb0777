/* Tokens by keyed BLAKE2b; see token.h for their form.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#define PREFIX "ep1_"
#define BASE64_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define SECRET_PREFIX "eps_"
#define KEY_BYTES 32
#define MAC_BYTES 32
/* A key in use and its successor, twice over. */
#define KEYS_MOST 8
/* kind, key id, issue time, customer length, host */
#define FIXED_BYTES (1 + 1 + 8 + 1 + 16)
#define PAYLOAD_MOST (FIXED_BYTES + REPORT_TEXT_LIMIT + MAC_BYTES)

struct token_keys {
    size_t count;
    struct token_key {
        uint8_t id;
        uint8_t bytes[KEY_BYTES];
    } keys[KEYS_MOST];
};

/* ---- The key file ---- */

static bool make_key_file(const char *path, struct failure *failure)
{
    uint8_t key[KEY_BYTES];
    char hex[2 * KEY_BYTES + 1];
    randombytes_buf(key, sizeof key);
    sodium_bin2hex(hex, sizeof hex, key, sizeof key);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        return errno == EEXIST ||
               failure_set(failure, FAILURE_SYSTEM, "cannot make the key file %s: %s", path,
                           strerror(errno));
    }
    bool done = dprintf(file, "1 %s\n", hex) > 0 && fsync(file) == 0;
    sodium_memzero(key, sizeof key);
    sodium_memzero(hex, sizeof hex);
    if (close(file) != 0 || !done) {
        return failure_set(failure, FAILURE_SYSTEM, "cannot write the key file %s: %s", path,
                           strerror(errno));
    }
    return true;
}

static bool parse_key(const char *line, struct token_key *key)
{
    char *end;
    long id = strtol(line, &end, 10);
    size_t length;
    const char *rest;
    if (end == line || id < 0 || id > UINT8_MAX || *end != ' ') {
        return false;
    }
    key->id = (uint8_t)id;
    return sodium_hex2bin(key->bytes, sizeof key->bytes, end + 1, strcspn(end + 1, "\r\n"), NULL,
                          &length, &rest) == 0 &&
           length == KEY_BYTES && (*rest == '\0' || *rest == '\r' || *rest == '\n');
}

static bool read_keys(FILE *file, const char *path, struct token_keys *keys,
                      struct failure *failure)
{
    char line[128];
    for (int number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        if (line[0] == '\n' || line[0] == '#') {
            continue;
        }
        if (keys->count == KEYS_MOST) {
            return failure_set(failure, FAILURE_INVALID, "%s has more than %d keys", path,
                               KEYS_MOST);
        }
        if (!parse_key(line, &keys->keys[keys->count])) {
            return failure_set(failure, FAILURE_INVALID,
                               "%s line %d is not a key: an id from 0 to 255, a space and 64 hex "
                               "digits",
                               path, number);
        }
        keys->count++;
    }
    sodium_memzero(line, sizeof line);
    return keys->count > 0 || failure_set(failure, FAILURE_INVALID, "%s has no key in it", path);
}

bool token_keys_load(const char *path, bool create, struct token_keys **keys,
                     struct failure *failure)
{
    if (sodium_init() < 0) {
        return failure_set(failure, FAILURE_SYSTEM, "libsodium does not start");
    }
    if (create && access(path, F_OK) != 0 && !make_key_file(path, failure)) {
        return false;
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return failure_set(failure, FAILURE_NOT_FOUND, "cannot read the key file %s: %s", path,
                           strerror(errno));
    }
    struct token_keys *made = sodium_malloc(sizeof *made);
    if (made == NULL) {
        fclose(file);
        return failure_memory(failure, "reading the keys");
    }
    made->count = 0;
    bool done = read_keys(file, path, made, failure);
    fclose(file);
    if (!done) {
        token_keys_free(made);
        return false;
    }
    *keys = made;
    return true;
}

void token_keys_free(struct token_keys *keys)
{
    sodium_free(keys); /* wipes */
}

/* ---- Tokens ---- */

static void compute_mac(const struct token_key *key, const uint8_t *bytes, size_t length,
                        uint8_t mac[MAC_BYTES])
{
    crypto_generichash(mac, MAC_BYTES, bytes, length, key->bytes, sizeof key->bytes);
}

bool token_issue(const struct token_keys *keys, const struct token *token,
                 char text[TOKEN_TEXT_SIZE], struct failure *failure)
{
    size_t customer_length = strlen(token->customer_id);
    if (customer_length > REPORT_TEXT_LIMIT ||
        (customer_length == 0) != (token->kind == TOKEN_REPLAY)) {
        return failure_set(failure, FAILURE_INVALID, "a token needs a customer id of 1 to %d bytes",
                           REPORT_TEXT_LIMIT);
    }
    uint8_t bytes[PAYLOAD_MOST];
    size_t at = 0;
    bytes[at++] = (uint8_t)token->kind;
    bytes[at++] = keys->keys[0].id;
    for (int shift = 56; shift >= 0; shift -= 8) {
        bytes[at++] = (uint8_t)((uint64_t)token->issued_at >> shift);
    }
    bytes[at++] = (uint8_t)customer_length;
    memcpy(bytes + at, token->customer_id, customer_length);
    at += customer_length;
    memcpy(bytes + at, token->host_id.bytes, sizeof token->host_id.bytes);
    at += sizeof token->host_id.bytes;
    compute_mac(&keys->keys[0], bytes, at, bytes + at);
    at += MAC_BYTES;
    memcpy(text, PREFIX, sizeof PREFIX);
    sodium_bin2base64(text + sizeof PREFIX - 1, TOKEN_TEXT_SIZE - sizeof PREFIX + 1, bytes, at,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return true;
}

static bool refuse(struct failure *failure)
{
    return failure_set(failure, FAILURE_UNAUTHORIZED, "the token is not one of ours");
}

static bool read_fields(const uint8_t *bytes, size_t length, struct token *token)
{
    *token = (struct token){.kind = (enum token_kind)bytes[0]};
    uint64_t issued_at = 0;
    for (int i = 0; i < 8; i++) {
        issued_at = issued_at << 8 | bytes[2 + i];
    }
    token->issued_at = (instant_us)issued_at;
    size_t customer_length = bytes[10];
    if (customer_length > REPORT_TEXT_LIMIT || length != FIXED_BYTES + customer_length) {
        return false;
    }
    memcpy(token->customer_id, bytes + 11, customer_length);
    memcpy(token->host_id.bytes, bytes + 11 + customer_length, sizeof token->host_id.bytes);
    return token->kind >= TOKEN_HOST && token->kind <= TOKEN_REPLAY;
}

bool token_verify(const struct token_keys *keys, const char *text, struct token *token,
                  struct failure *failure)
{
    uint8_t bytes[PAYLOAD_MOST];
    size_t length;
    size_t text_length = strnlen(text, TOKEN_TEXT_SIZE);
    /* libsodium 1.0.18 takes bytes from 0x80 on for an underscore: a token has one text only. */
    if (text_length == TOKEN_TEXT_SIZE || strncmp(text, PREFIX, sizeof PREFIX - 1) != 0 ||
        strspn(text, BASE64_CHARACTERS) != text_length ||
        sodium_base642bin(bytes, sizeof bytes, text + sizeof PREFIX - 1,
                          text_length - (sizeof PREFIX - 1), NULL, &length, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        length < FIXED_BYTES + MAC_BYTES) {
        return refuse(failure);
    }
    size_t signed_length = length - MAC_BYTES;
    bool genuine = false;
    for (size_t i = 0; i < keys->count; i++) {
        uint8_t mac[MAC_BYTES];
        compute_mac(&keys->keys[i], bytes, signed_length, mac);
        genuine |= keys->keys[i].id == bytes[1] &&
                   sodium_memcmp(mac, bytes + signed_length, MAC_BYTES) == 0;
    }
    return (genuine && read_fields(bytes, signed_length, token)) || refuse(failure);
}

/* ---- Enrolment secrets ---- */

void token_secret_new(char secret[TOKEN_SECRET_SIZE], uint8_t hash[TOKEN_SECRET_HASH_BYTES])
{
    uint8_t bytes[32];
    randombytes_buf(bytes, sizeof bytes);
    memcpy(secret, SECRET_PREFIX, sizeof SECRET_PREFIX);
    sodium_bin2base64(secret + sizeof SECRET_PREFIX - 1,
                      TOKEN_SECRET_SIZE - sizeof SECRET_PREFIX + 1, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
    token_secret_hash(secret, hash);
}

void token_secret_hash(const char *secret, uint8_t hash[TOKEN_SECRET_HASH_BYTES])
{
    crypto_hash_sha256(hash, (const unsigned char *)secret, strlen(secret));
}
