/* Was this request committed before? What an Idempotency-Key promises (IETF
 * draft-ietf-httpapi-idempotency-key-header): a request that is sent again with its key is answered
 * as the first was, and stores nothing; the same key with another body is refused.
 *
 * Keys belong to a customer and are remembered for 24 hours, in the database, in the transaction of
 * the request's reports: so it holds across collectors, restarts and lost answers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_REPEAT_H
#define EPICENTER_COLLECTOR_REPEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/database.h"
#include "common/failure.h"

struct batch;

#define REPEAT_KEY_LIMIT 255
#define REPEAT_FINGERPRINT_SIZE 32

enum repeat_kind {
    REPEAT_FIRST, /* not seen before: store it */
    REPEAT_SAME,  /* committed before, or earlier in the same group */
    REPEAT_OTHER, /* the key was used for another body */
};

struct repeat {
    char key[REPEAT_KEY_LIMIT + 1];
    uint8_t fingerprint[REPEAT_FINGERPRINT_SIZE];
    struct buffer answer;  /* of this request; repeat_claim puts the first one's here */
    enum repeat_kind kind; /* by repeat_claim */
};

/* Reads the header: 1 to 255 printable ASCII characters, in quotation marks as the draft has it, or
 * bare as many send it. */
MUST_CHECK bool repeat_read_key(const char *header, char key[REPEAT_KEY_LIMIT + 1],
                                struct failure *failure);

/* What must be the same in a repeat. `body` is out of its encoding. */
void repeat_fingerprint(const char *route, bool one_report, const void *body, size_t length,
                        uint8_t fingerprint[REPEAT_FINGERPRINT_SIZE]);

/* Within a transaction: writes down the keys of the batches from `first` on (by `next`) and judges
 * each. Waits for other transactions that are writing the same keys. */
MUST_CHECK bool repeat_claim(struct database *database, const struct batch *first,
                             struct failure *failure);

#endif
