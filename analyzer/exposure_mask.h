/* What a cell's mask says; for the files of exposure. Two bits for each slot, low slots first.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_EXPOSURE_MASK_H
#define EPICENTER_ANALYZER_EXPOSURE_MASK_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/exposure.h"

#define EXPOSURE_LOW_BITS UINT64_C(0x5555555555555555)

static inline uint64_t exposure_slot_bits(int slot)
{
    return UINT64_C(3) << (2 * slot);
}

static inline unsigned exposure_class(uint64_t mask, int slot)
{
    return (unsigned)(mask >> (2 * slot) & 3);
}

/* The low bit of each pair that is not zero, updates only. */
static inline uint64_t exposure_slots_of(uint64_t mask)
{
    return (mask | mask >> 1) & EXPOSURE_LOW_BITS & ~exposure_slot_bits(EXPOSURE_ARRIVAL_SLOT);
}

/* Exposed in the slot so that the sign can tell of it: who is silent now was last heard of a while
 * ago, and counts as what it was then. */
static inline bool exposure_shows(uint64_t mask, int slot, enum exposure_sign sign)
{
    unsigned age_class = exposure_class(mask, slot);
    return age_class != 0 && (sign != SIGN_SILENT || age_class != EXPOSURE_FRESH);
}

/* Silence can be found only of a host that has been at risk for as long as it takes to find it. */
static inline bool exposure_can_be_silent(uint64_t mask)
{
    return exposure_class(mask, EXPOSURE_ARRIVAL_SLOT) != EXPOSURE_FRESH;
}

#endif
