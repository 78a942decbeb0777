/* Strata, cells and tallies by their keys; see exposure_cells.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exposure_cells.h"

#include <stdlib.h>

#include "common/large_pages.h"

/* Makes room for one more of `size` bytes in an array. */
bool exposure_make_room(void **array, uint32_t count, uint32_t *capacity, size_t size,
                        struct failure *failure)
{
    if (count < *capacity) {
        return true;
    }
    uint32_t grown = *capacity == 0 ? 256 : *capacity * 2;
    void *moved = realloc(*array, grown * size);
    if (moved == NULL) {
        return failure_memory(failure, "counting exposed hosts");
    }
    *array = moved;
    *capacity = grown;
    large_pages_ask(moved, grown * size);
    return true;
}

bool exposure_list(uint32_t **list, uint32_t *count, uint32_t *capacity, uint32_t number,
                   struct failure *failure)
{
    if (!exposure_make_room((void **)list, *count, capacity, sizeof **list, failure)) {
        return false;
    }
    (*list)[(*count)++] = number;
    return true;
}

struct pair_key {
    const struct exposure *exposure;
    uint32_t first, second;
};

static bool same_stratum(const void *context, uint32_t item)
{
    const struct pair_key *key = context;
    const struct exposure_stratum *stratum = &key->exposure->strata[item];
    return stratum->segment == key->first && stratum->size_class == key->second;
}

static uint64_t stratum_hash(uint32_t segment, uint8_t size_class)
{
    return hash_number((uint64_t)segment << 8 | size_class);
}

uint32_t exposure_look_up_stratum(const struct exposure *exposure, uint32_t segment,
                                  uint8_t size_class)
{
    struct pair_key key = {.exposure = exposure, .first = segment, .second = size_class};
    return hash_index_find(&exposure->by_stratum, stratum_hash(segment, size_class), same_stratum,
                           &key);
}

/* One step deep: a parent is its own. NOLINTNEXTLINE(misc-no-recursion) */
bool exposure_find_stratum(struct exposure *exposure, uint32_t segment, uint8_t size_class,
                           uint32_t *number, struct failure *failure)
{
    *number = exposure_look_up_stratum(exposure, segment, size_class);
    if (*number != HASH_INDEX_NONE) {
        return true;
    }
    uint64_t hash = stratum_hash(segment, size_class);
    if (!exposure_make_room((void **)&exposure->strata, exposure->stratum_count,
                            &exposure->stratum_capacity, sizeof *exposure->strata, failure) ||
        !hash_index_add(&exposure->by_stratum, hash, exposure->stratum_count, failure)) {
        return false;
    }
    *number = exposure->stratum_count++;
    exposure->strata[*number] = (struct exposure_stratum){.segment = segment,
                                                          .size_class = size_class,
                                                          .first_cell = EXPOSURE_NONE,
                                                          .first_child = EXPOSURE_NONE};
    uint32_t parent = *number;
    if (exposure->segments != NULL && segment != SEGMENT_NONE &&
        exposure->segments->items[segment].parent != segment &&
        !exposure_find_stratum(exposure, exposure->segments->items[segment].parent, size_class,
                               &parent, failure)) {
        return false;
    }
    exposure->strata[*number].next_child = exposure->strata[parent].first_child;
    exposure->strata[parent].first_child = *number;
    return true;
}

struct cell_key {
    const struct exposure *exposure;
    uint32_t stratum;
    uint64_t mask;
};

static bool same_cell(const void *context, uint32_t item)
{
    const struct cell_key *key = context;
    const struct exposure_cell *cell = &key->exposure->cells[item];
    return cell->stratum == key->stratum && cell->mask == key->mask;
}

static uint64_t cell_hash(uint32_t stratum, uint64_t mask)
{
    return hash_number(mask + stratum * UINT64_C(0x9fb21c651e98df25));
}

uint32_t exposure_look_up_cell(const struct exposure *exposure, uint32_t stratum, uint64_t mask)
{
    struct cell_key key = {.exposure = exposure, .stratum = stratum, .mask = mask};
    return hash_index_find(&exposure->by_cell, cell_hash(stratum, mask), same_cell, &key);
}

bool exposure_find_cell(struct exposure *exposure, uint32_t stratum, uint64_t mask,
                        uint32_t *number, struct failure *failure)
{
    *number = exposure_look_up_cell(exposure, stratum, mask);
    if (*number != HASH_INDEX_NONE) {
        return true;
    }
    uint32_t fresh = exposure->free_cell;
    if (fresh == EXPOSURE_NONE) {
        if (!exposure_make_room((void **)&exposure->cells, exposure->cell_count,
                                &exposure->cell_capacity, sizeof *exposure->cells, failure)) {
            return false;
        }
        fresh = exposure->cell_count;
    }
    if (!hash_index_add(&exposure->by_cell, cell_hash(stratum, mask), fresh, failure)) {
        return false;
    }
    if (fresh == exposure->cell_count) {
        exposure->cell_count++;
    } else {
        exposure->free_cell = exposure->cells[fresh].next;
    }
    exposure->cells[fresh] = (struct exposure_cell){
        .mask = mask, .stratum = stratum, .next = exposure->strata[stratum].first_cell};
    exposure->strata[stratum].first_cell = fresh;
    *number = fresh;
    return true;
}

static bool same_tally(const void *context, uint32_t item)
{
    const struct pair_key *key = context;
    const struct exposure_tally *tally = &key->exposure->tallies[item];
    return tally->update == key->first && tally->stratum == key->second;
}

static uint64_t tally_hash(uint32_t update, uint32_t stratum)
{
    return hash_number((uint64_t)update << 32 | stratum);
}

uint32_t exposure_look_up_tally(const struct exposure *exposure, uint32_t update, uint32_t stratum)
{
    struct pair_key key = {.exposure = exposure, .first = update, .second = stratum};
    return hash_index_find(&exposure->by_tally, tally_hash(update, stratum), same_tally, &key);
}

bool exposure_find_tally(struct exposure *exposure, uint32_t update, uint32_t stratum,
                         struct exposure_tally **tally, struct failure *failure)
{
    uint32_t number = exposure_look_up_tally(exposure, update, stratum);
    if (number == HASH_INDEX_NONE) {
        uint64_t hash = tally_hash(update, stratum);
        if (!exposure_make_room((void **)&exposure->tallies, exposure->tally_count,
                                &exposure->tally_capacity, sizeof *exposure->tallies, failure) ||
            !hash_index_add(&exposure->by_tally, hash, exposure->tally_count, failure)) {
            return false;
        }
        number = exposure->tally_count++;
        exposure->tallies[number] = (struct exposure_tally){
            .update = update, .stratum = stratum, .next = exposure->updates[update].first_tally};
        exposure->updates[update].first_tally = number;
    }
    *tally = &exposure->tallies[number];
    return true;
}

void exposure_drop_cell(struct exposure *exposure, uint32_t number)
{
    struct exposure_cell *cell = &exposure->cells[number];
    hash_index_remove(&exposure->by_cell, cell_hash(cell->stratum, cell->mask), number);
    cell->next = exposure->free_cell;
    exposure->free_cell = number;
}

bool exposure_index_again(struct exposure *exposure, struct failure *failure)
{
    bool done = true;
    for (uint32_t s = 0; done && s < exposure->stratum_count; s++) {
        const struct exposure_stratum *stratum = &exposure->strata[s];
        done = hash_index_add(&exposure->by_stratum,
                              stratum_hash(stratum->segment, stratum->size_class), s, failure);
        /* Those in no stratum's list are free. */
        for (uint32_t c = stratum->first_cell; done && c != EXPOSURE_NONE;
             c = exposure->cells[c].next) {
            done = hash_index_add(&exposure->by_cell, cell_hash(s, exposure->cells[c].mask), c,
                                  failure);
        }
    }
    for (uint32_t t = 0; done && t < exposure->tally_count; t++) {
        const struct exposure_tally *tally = &exposure->tallies[t];
        done = hash_index_add(&exposure->by_tally, tally_hash(tally->update, tally->stratum), t,
                              failure);
    }
    return done;
}
