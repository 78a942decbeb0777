/* What of the lattice is carried over; see carry.h. Its sides are scratch.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/lattice.h"

#include <stdlib.h>

_Static_assert(sizeof(struct lattice) == 48,
               "a field more or less: carry it below, or say why not");
_Static_assert(sizeof(struct lattice_update) == 18288, "likewise, above all a pointer");

/* All but `values` as it lies in memory. */
static void carry_update(struct carry *carry, struct lattice_update *update)
{
    struct lattice_update bare = *update;
    bare.values = NULL;
    bare.value_count = 0;
    carry_value(carry, &bare);
    if (carry_restores(carry)) {
        *update = bare;
    }
    carry_array(carry, (void **)&update->values, &update->value_count, NULL,
                sizeof *update->values);
}

void lattice_carry(struct carry *carry, struct lattice *lattice)
{
    size_t count = carry_count(carry, lattice->update_count, sizeof *lattice->updates);
    if (carry_restores(carry) && count > 0) {
        lattice->updates = calloc(count, sizeof *lattice->updates);
        if (lattice->updates == NULL) {
            carry_refuse_memory(carry);
            return;
        }
        lattice->update_count = (uint32_t)count;
    }
    for (uint32_t i = 0; i < lattice->update_count; i++) {
        carry_update(carry, &lattice->updates[i]);
    }
    carry_array(carry, (void **)&lattice->tallies, &lattice->tally_count, NULL,
                sizeof *lattice->tallies);
}
