/* What people and programs show to come in. Whatever we make ourselves (session ids, one-time
 * links, keys) is 256 random bits, so its plain SHA-256 is kept; a password is a person's, so
 * Argon2id is.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_CREDENTIAL_H
#define EPICENTER_ANALYZER_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/failure.h"

#define CREDENTIAL_SESSION "epn_"
#define CREDENTIAL_LINK "epl_"
#define CREDENTIAL_KEY "epk_"

#define CREDENTIAL_SIZE 48 /* a prefix, 43 characters of base64url, NUL */
#define CREDENTIAL_HASH_BYTES 32
#define CREDENTIAL_HEX_SIZE (2 * CREDENTIAL_HASH_BYTES + 1)

/* A fresh one of the kind that the prefix says. */
void credential_new(const char *prefix, char text[CREDENTIAL_SIZE]);
/* Whether the text has the form of one, which tells nothing of its worth. */
bool credential_is_formed(const char *prefix, const char *text);
void credential_hash(const char *text, uint8_t hash[CREDENTIAL_HASH_BYTES]);
/* The hash in hexadecimal, as a parameter for decode(…, 'hex'). Returns `hex`. */
char *credential_hex(const char *text, char hex[CREDENTIAL_HEX_SIZE]);

/* Fewer are guessed in no time; more than the most would only make the hash work. */
#define PASSWORD_BYTES_LEAST 12
#define PASSWORD_BYTES_MOST 256
#define PASSWORD_HASH_SIZE 128

/* Takes some 64 MiB and a tenth of a second, so one at a time. */
MUST_CHECK bool password_hash(const char *password, char hash[PASSWORD_HASH_SIZE],
                              struct failure *failure);
/* NULL hash: there is no such account; takes as long, and is false. */
bool password_matches(const char *password, const char *hash);

#endif
