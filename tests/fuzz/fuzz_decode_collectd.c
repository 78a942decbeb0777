/* Can any body make the decoder of collectd's write_http crash, or let a report through that it
 * should have refused? The first byte chooses between a gateway's token and a host's.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "collector/decode.h"
#include "common/instant.h"
#include "common/report.h"
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
    static const struct report_attribute attributes[] = {{"os", "Debian"}, {"ring", "canary"}};
    struct token senders[2] = {
        {.kind = TOKEN_GATEWAY, .customer_id = "acme"},
        {.kind = TOKEN_HOST, .customer_id = "acme", .host_id = uuid_from_name("acme", "pc-01", 5)},
    };
    struct decode_input input = {
        .token = &senders[bytes[0] & 1],
        .received_at = RECEIVED_AT,
        .attributes = attributes,
        .attribute_count = sizeof attributes / sizeof attributes[0],
    };
    invariants_check(decode_collectd, input, bytes + 1, length - 1);
    return 0;
}
