/* Who may write: bearer tokens that say host and customer, and prove it without a look-up.
 *
 *   ep1_<base64url(kind 1, key id 1, issued_at 8, customer length 1, customer, host 16, MAC 32)>
 *
 * The MAC is keyed BLAKE2b-256 (libsodium crypto_generichash) over everything before it. Keys live
 * in a file of their own, one a line: "<key id 0-255> <64 hex digits>"; the first line signs, all
 * of them verify, so a key rotates by adding a line on top. The file is made with mode 0600.
 *
 * Enrolment secrets ("eps_…", 256 random bits) are shown once; the database keeps their SHA-256.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_TOKEN_H
#define EPICENTER_COMMON_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "common/instant.h"
#include "common/report.h"
#include "common/uuid.h"

enum token_kind {
    TOKEN_HOST = 1,    /* writes one host of one customer */
    TOKEN_GATEWAY = 2, /* writes any host of one customer */
    TOKEN_REPLAY = 3,  /* writes any host of any customer; only a collector in --replay takes it */
};

struct token {
    instant_us issued_at;
    enum token_kind kind;
    struct uuid host_id;                     /* zero unless TOKEN_HOST */
    char customer_id[REPORT_TEXT_LIMIT + 1]; /* empty for TOKEN_REPLAY */
};

struct token_keys; /* opaque; wiped when freed */

#define TOKEN_TEXT_SIZE 320
#define TOKEN_SECRET_SIZE 64
#define TOKEN_SECRET_HASH_BYTES 32

/* Reads the key file; with `create`, makes it with one fresh random key when it is not there. */
MUST_CHECK bool token_keys_load(const char *path, bool create, struct token_keys **keys,
                                struct failure *failure);
void token_keys_free(struct token_keys *keys);

MUST_CHECK bool token_issue(const struct token_keys *keys, const struct token *token,
                            char text[TOKEN_TEXT_SIZE], struct failure *failure);

/* Constant time in the MAC. FAILURE_UNAUTHORIZED, always with the same message, for anything that
 * is not a token of ours. */
MUST_CHECK bool token_verify(const struct token_keys *keys, const char *text, struct token *token,
                             struct failure *failure);

/* A fresh enrolment secret and the hash to store. */
void token_secret_new(char secret[TOKEN_SECRET_SIZE], uint8_t hash[TOKEN_SECRET_HASH_BYTES]);
void token_secret_hash(const char *secret, uint8_t hash[TOKEN_SECRET_HASH_BYTES]);

#endif
