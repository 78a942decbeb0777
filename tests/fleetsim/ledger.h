/* Which reports were acknowledged: what must stand in the database, whatever was killed meanwhile.
 *
 * DIR/ledger is a run of struct ledger_record as it lies in memory (little-endian machines only),
 * each written after the 2xx that acknowledged it and not before. DIR/ledger.json is written at the
 * end: {"acknowledged","batches","resent","seconds","complete"}.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_LEDGER_H
#define EPICENTER_FLEETSIM_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "common/instant.h"
#include "common/uuid.h"
#include "tests/fleetsim/output_file.h"

struct ledger_record {
    struct uuid host_id;
    instant_us observed_at;
    double busy; /* fraction, as sent */
};
_Static_assert(sizeof(struct ledger_record) == 32, "the file's record");

struct ledger {
    struct output_file file;
    uint64_t acknowledged;
    uint64_t batches;
    uint64_t resent; /* batches sent again */
};

MUST_CHECK bool ledger_open(const char *directory, struct ledger *ledger, struct failure *failure);
/* One batch's records. */
MUST_CHECK bool ledger_append(struct ledger *ledger, const struct ledger_record *records,
                              size_t count, struct failure *failure);
/* Closes the file in any case and writes ledger.json; `complete` says whether all was sent. */
MUST_CHECK bool ledger_close(struct ledger *ledger, const char *directory, double seconds,
                             bool complete, struct failure *failure);

#endif
