/* Deadlines that threads bring forward side by side: the earliest stands, whoever comes last.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_DEADLINE_H
#define EPICENTER_ANALYZER_DEADLINE_H

#include <stdatomic.h>
#include <stdint.h>

static inline void deadline_bring_forward(_Atomic int32_t *at, int32_t minute)
{
    int32_t before = atomic_load_explicit(at, memory_order_relaxed);
    while (minute < before &&
           !atomic_compare_exchange_weak_explicit(at, &before, minute, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

#endif
