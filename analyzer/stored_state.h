/* A state of the analyzer as it lies in the database: packed, and sealed so that whatever is not
 * what this program wrote is refused before a byte of it is used.
 *
 * A state is a cache: reading all reports of the horizon gives the same answers, and takes minutes.
 * So there is one form of it and no way to read another: it belongs to one build of the program,
 * whose structs it holds as they lie in memory, and whose ways of reckoning it goes on with. The
 * seal is a hash over all of it (BLAKE2b, 256 bits): damage and truncation cannot pass, and numbers
 * in it need no checks of their own. It is no defence against somebody who may write the table;
 * that is the role of the analyzer alone, which may write every answer as well.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_STORED_STATE_H
#define EPICENTER_ANALYZER_STORED_STATE_H

#include <stdint.h>

#include "common/buffer.h"
#include "common/failure.h"

/* Which build of the program: a hash of its bytes. */
#define STORED_STATE_BUILD 32
struct stored_state_build {
    uint8_t hash[STORED_STATE_BUILD];
};

/* The one that is running. */
MUST_CHECK bool stored_state_this_build(struct stored_state_build *build, struct failure *failure);

/* Appends the packed state. */
MUST_CHECK bool stored_state_pack(const struct buffer *plain,
                                  const struct stored_state_build *build, struct buffer *packed,
                                  struct failure *failure);

/* Makes `plain` what was packed. FAILURE_INVALID with the reason, a clause about "it", when it is
 * another build's, or damaged. */
MUST_CHECK bool stored_state_unpack(const struct buffer *packed,
                                    const struct stored_state_build *build, struct buffer *plain,
                                    struct failure *failure);

#endif
