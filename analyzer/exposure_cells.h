/* Where is what exposure counts? Strata, cells and tallies found by their keys, made where they are
 * new. For exposure.c, which puts hosts into cells, and exposure_minute.c, which adds cells up.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_EXPOSURE_CELLS_H
#define EPICENTER_ANALYZER_EXPOSURE_CELLS_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/exposure.h"
#include "common/failure.h"

/* Makes room for one more element of `size` bytes in an array. */
MUST_CHECK bool exposure_make_room(void **array, uint32_t count, uint32_t *capacity, size_t size,
                                   struct failure *failure);

/* Puts a number at the end of a list. */
MUST_CHECK bool exposure_list(uint32_t **list, uint32_t *count, uint32_t *capacity, uint32_t number,
                              struct failure *failure);

MUST_CHECK bool exposure_find_stratum(struct exposure *exposure, uint32_t segment,
                                      uint8_t size_class, uint32_t *number,
                                      struct failure *failure);
MUST_CHECK bool exposure_find_cell(struct exposure *exposure, uint32_t stratum, uint64_t mask,
                                   uint32_t *number, struct failure *failure);
MUST_CHECK bool exposure_find_tally(struct exposure *exposure, uint32_t update, uint32_t stratum,
                                    struct exposure_tally **tally, struct failure *failure);

/* The stratum, or HASH_INDEX_NONE. */
uint32_t exposure_look_up_stratum(const struct exposure *exposure, uint32_t segment,
                                  uint8_t size_class);

/* The cell of the stratum with this mask, or HASH_INDEX_NONE. */
uint32_t exposure_look_up_cell(const struct exposure *exposure, uint32_t stratum, uint64_t mask);

/* The update's tally in the stratum, or HASH_INDEX_NONE. */
uint32_t exposure_look_up_tally(const struct exposure *exposure, uint32_t update, uint32_t stratum);

/* Makes the indexes of strata, cells and tallies, which are empty. */
MUST_CHECK bool exposure_index_again(struct exposure *exposure, struct failure *failure);

/* Forgets an empty cell, which the caller has taken out of its stratum's list. */
void exposure_drop_cell(struct exposure *exposure, uint32_t number);

#endif
