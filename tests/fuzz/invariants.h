/* What must hold of every report a decoder lets through, whatever bytes it was given.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FUZZ_INVARIANTS_H
#define EPICENTER_FUZZ_INVARIANTS_H

#include <stddef.h>
#include <stdint.h>

#include "collector/decode.h"

/* Decodes `bytes` (copied into memory of exactly their size, so that reading past the end is seen)
 * and aborts when a report breaks a limit of common/report.h, or does not come back the same when
 * it is written out and read again. `input` says everything but the bytes. */
void invariants_check(decoder decode, struct decode_input input, const uint8_t *bytes,
                      size_t length);

#endif
