/* What of the fleet is carried over; see carry.h. The index by id is made anew, and so is what a
 * report weighs.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>

#include "analyzer/fleet.h"

_Static_assert(sizeof(struct fleet) == 144, "a field more or less: carry it below, or say why not");

/* Hosts with these ids, found again by them; what else is known of them comes after. */
static void add_hosts(struct carry *carry, struct fleet *fleet, size_t count)
{
    for (size_t i = 0; i < count && !carry->failed; i++) {
        struct uuid id;
        uint32_t number;
        struct failure failure;
        carry_value(carry, &id);
        if (!fleet_add(fleet, &id, 0, &number, &failure)) {
            carry_note_failure(carry, &failure);
        }
    }
}

/* Its events are settled within a minute: between two there are none. */
void fleet_carry(struct carry *carry, struct fleet *fleet)
{
    size_t count = carry_count(carry, fleet->count, sizeof *fleet->ids);
    if (carry_restores(carry)) {
        add_hosts(carry, fleet, count);
    } else {
        carry_bytes(carry, fleet->ids, count * sizeof *fleet->ids);
    }
    carry_bytes(carry, fleet->hosts, fleet->count * sizeof *fleet->hosts);
    for (size_t block = 0; block < (fleet->count + FLEET_BLOCK - 1) / FLEET_BLOCK; block++) {
        int32_t minute = atomic_load_explicit(&fleet->silent_at[block], memory_order_relaxed);
        carry_value(carry, &minute);
        if (carry_restores(carry)) {
            atomic_init(&fleet->silent_at[block], minute);
        }
    }
    carry_value(carry, &fleet->in_state);
    carry_value(carry, &fleet->reports);
    carry_value(carry, &fleet->duplicate_reports);
    carry_value(carry, &fleet->out_of_order_reports);
}
