/* What of the lattice is carried over; see carry.h. Its sides are scratch.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/lattice.h"

#include <stdlib.h>

_Static_assert(sizeof(struct lattice) == 48,
               "a field more or less: carry it below, or say why not");
_Static_assert(sizeof(struct lattice_update) == 17656, "likewise, above all a pointer");

/* All but `values` as it lies in memory. */
static void carry_account(struct carry *carry, struct lattice_account *account)
{
    struct lattice_account bare = *account;
    bare.values = NULL;
    bare.value_count = 0;
    carry_value(carry, &bare);
    if (carry_restores(carry)) {
        *account = bare;
    }
    carry_array(carry, (void **)&account->values, &account->value_count, NULL,
                sizeof *account->values);
}

static void carry_shared(struct carry *carry, struct lattice_update *update)
{
    bool shares = update->shared != NULL;
    carry_value(carry, &shares);
    if (carry_restores(carry) && shares) {
        update->shared = calloc(1, sizeof *update->shared);
        if (update->shared == NULL) {
            carry_refuse_memory(carry);
        }
    }
    if (update->shared != NULL) {
        carry_account(carry, update->shared);
    }
}

static void carry_update(struct carry *carry, struct lattice_update *update)
{
    carry_account(carry, &update->own);
    carry_shared(carry, update);
    carry_array(carry, (void **)&update->early, &update->early_count, NULL, sizeof *update->early);
    carry_value(carry, &update->alone);
    carry_array(carry, (void **)&update->past, &update->past_count, NULL, sizeof *update->past);
    carry_value(carry, &update->company);
    carry_value(carry, &update->has_alone);
    carry_value(carry, &update->shared_first);
    carry_value(carry, &update->touched);
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
