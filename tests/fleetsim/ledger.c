/* The ledger of acknowledged reports; see ledger.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/ledger.h"

#include <inttypes.h>

#include "common/buffer.h"

bool ledger_open(const char *directory, struct ledger *ledger, struct failure *failure)
{
    *ledger = (struct ledger){0};
    return output_open(directory, "ledger", &ledger->file, failure);
}

bool ledger_append(struct ledger *ledger, const struct ledger_record *records, size_t count,
                   struct failure *failure)
{
    ledger->acknowledged += count;
    ledger->batches++;
    return output_write(&ledger->file, records, count * sizeof *records, failure);
}

bool ledger_close(struct ledger *ledger, const char *directory, double seconds, bool complete,
                  struct failure *failure)
{
    if (!output_close(&ledger->file, failure)) {
        return false;
    }
    struct buffer text = {0};
    buffer_append_format(&text,
                         "{\"acknowledged\":%" PRIu64 ",\"batches\":%" PRIu64 ",\"resent\":%" PRIu64
                         ",\"seconds\":%.3f,\"complete\":%s}\n",
                         ledger->acknowledged, ledger->batches, ledger->resent, seconds,
                         complete ? "true" : "false");
    bool good = output_text(directory, "ledger.json", &text, failure);
    buffer_free(&text);
    return good;
}
