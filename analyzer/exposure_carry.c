/* What of exposure is carried over; see carry.h. Contrasts, their members and leftovers, who is
 * alone with its members, tells or is awaited and the minute itself are of the minute being closed
 * only; the window and the segments are the owner's; the indexes are made anew.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exposure.h"
#include "analyzer/exposure_cells.h"

_Static_assert(sizeof(struct exposure) == 2008,
               "a field more or less: carry it below, or say why not");

void exposure_carry(struct carry *carry, struct exposure *exposure)
{
    carry_array(carry, (void **)&exposure->updates, &exposure->update_count,
                &exposure->update_capacity, sizeof *exposure->updates);
    carry_value(carry, &exposure->slots);
    carry_value(carry, &exposure->spoilt);
    carry_array(carry, (void **)&exposure->installs, &exposure->install_count,
                &exposure->install_capacity, sizeof *exposure->installs);
    carry_array(carry, (void **)&exposure->free_installs, &exposure->free_install_count,
                &exposure->free_install_capacity, sizeof *exposure->free_installs);
    carry_array(carry, (void **)&exposure->strata, &exposure->stratum_count,
                &exposure->stratum_capacity, sizeof *exposure->strata);
    carry_array(carry, (void **)&exposure->cells, &exposure->cell_count, &exposure->cell_capacity,
                sizeof *exposure->cells);
    carry_value(carry, &exposure->free_cell);
    carry_array(carry, (void **)&exposure->tallies, &exposure->tally_count,
                &exposure->tally_capacity, sizeof *exposure->tallies);
    carry_value(carry, &exposure->quiet_minute); /* added to what follows by the next minute */
    carry_value(carry, &exposure->quiet);
    wheel_carry(carry, &exposure->ageing);
    carry_array(carry, (void **)&exposure->settle_at, &exposure->block_count, NULL,
                sizeof *exposure->settle_at);
    struct failure failure;
    if (carry_restores(carry) && !carry->failed && !exposure_index_again(exposure, &failure)) {
        carry_note_failure(carry, &failure);
    }
}
