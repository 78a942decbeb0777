/* Who may write: a token's signature, its age, and whether it was revoked; and a record of those
 * who may not.
 *
 * Nothing here waits for the database. A thread of its own reads the revocation list every 5
 * seconds and the key file when it changes, and writes down what was refused; requests are judged
 * by what it read last. Until it has read the list once, nobody is let in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_ACCESS_H
#define EPICENTER_COLLECTOR_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "common/http_server.h"
#include "common/instant.h"
#include "common/token.h"

struct access;

struct access_options {
    const char *conninfo; /* must outlive it, as must key_file */
    const char *key_file; /* made when it is not there */
    unsigned token_days;  /* a token is good for; 0: 90 */
    bool replay;          /* replay tokens are taken */
};

MUST_CHECK bool access_start(const struct access_options *options, struct access **access,
                             struct failure *failure);
/* NULL is nothing. */
void access_stop(struct access *access);

/* Reads keys and revocations again now rather than soon; does not wait. */
void access_refresh(struct access *access);

/* Whether the revocation list has been read, so that tokens can be judged. */
bool access_is_ready(struct access *access);

/* Whose request it is, by its Authorization header: Bearer, or Basic with the token as password.
 * UNAUTHORIZED for no token, a strange, an expired or a revoked one; FORBIDDEN for a replay token
 * at a live collector; UNAVAILABLE until the list was read. */
MUST_CHECK bool access_authenticate(struct access *access, const struct http_request *request,
                                    struct token *token, struct failure *failure);

/* A token with the key that signs now. */
MUST_CHECK bool access_issue(struct access *access, const struct token *token,
                             char text[TOKEN_TEXT_SIZE], struct failure *failure);

/* When a token issued at that time ends. */
instant_us access_expiry(const struct access *access, instant_us issued_at);

/* ---- What is written down, and counted ---- */

enum access_event {
    ACCESS_FORBIDDEN_WRITE,
    ACCESS_REVOKED_TOKEN,
    ACCESS_EXPIRED_TOKEN,
    ACCESS_REPLAY_TOKEN,
    ACCESS_CERTIFICATE,
    ACCESS_IDENTITY_CONFLICT,
    ACCESS_EVENT_COUNT,
};
extern const char *const access_event_names[ACCESS_EVENT_COUNT]; /* as the table has them */

/* Notes that the holder of the token did it. The table access_event gets it within seconds. */
void access_note(struct access *access, enum access_event event, const struct token *token,
                 const struct http_request *request, const char *detail);

struct access_status {
    uint64_t events[ACCESS_EVENT_COUNT]; /* noted since the start */
    size_t revocations;                  /* rows of the list */
    double list_age_s;                   /* since it was read; below 0: never */
};
void access_read_status(struct access *access, struct access_status *status);

#endif
