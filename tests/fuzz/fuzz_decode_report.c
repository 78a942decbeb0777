/* Can any body make the decoder of native reports crash, or let a report through that it should
 * have refused? The first byte chooses who sends and whether it is one document or many lines.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "collector/decode.h"
#include "common/instant.h"
#include "common/token.h"
#include "common/uuid.h"
#include "tests/fuzz/invariants.h"

/* 2026-01-01T00:00:00Z, so that times of the corpus stay in range for ever. */
#define RECEIVED_AT (INT64_C(1767225600) * INSTANT_SECOND)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length == 0) {
        return 0;
    }
    struct token senders[3] = {
        {.kind = TOKEN_GATEWAY, .customer_id = "acme"},
        {.kind = TOKEN_HOST, .customer_id = "acme", .host_id = uuid_from_name("acme", "pc-01", 5)},
        {.kind = TOKEN_REPLAY},
    };
    unsigned sender = (bytes[0] >> 1) & 3; /* 3: nobody, as in a file of reports */
    struct decode_input input = {
        .one_report = bytes[0] & 1,
        .token = sender < 3 ? &senders[sender] : NULL,
        .replay = sender >= 2,
        .received_at = RECEIVED_AT,
    };
    invariants_check(decode_report, input, bytes + 1, length - 1);
    return 0;
}
