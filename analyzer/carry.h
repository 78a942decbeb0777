/* Carries the analyzer's state over from one run to the next: to bytes, and from them. Each station
 * has one list of its fields for both directions (fleet_carry, exposure_carry, …), so the two
 * cannot get out of step; what is scratch, or follows from the rest, is in none.
 *
 * Values go as they lie in memory: such bytes are for the same build of the program only, which
 * stored_state.h sees to. It also sees to it that they are whole, so that a number found in them is
 * one that the program wrote. Here lengths are checked against what is left, and the first failure
 * is remembered: a reader goes on with zeros and is asked once, at the end.
 *
 * A station whose struct has a field more must carry it. It says so by an assertion on the size of
 * the struct.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_CARRY_H
#define EPICENTER_ANALYZER_CARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buffer.h"
#include "common/failure.h"

/* Begin with {.into = …} or {.from = …, .left = …}. */
struct carry {
    struct buffer *into; /* where a state is stored; NULL: one is restored … */
    const char *from;    /* … from here … */
    size_t left;         /* … and so many bytes */
    bool failed;
    struct failure failure; /* the first */
};

bool carry_restores(const struct carry *carry);

/* True when all went well; restoring, when nothing is left over, too. */
MUST_CHECK bool carry_check(const struct carry *carry, struct failure *failure);

/* The bytes there are not what was expected. */
void carry_refuse(struct carry *carry, const char *why);
void carry_refuse_memory(struct carry *carry);
void carry_note_failure(struct carry *carry, const struct failure *failure);

/* Stores `length` bytes or overwrites them. */
void carry_bytes(struct carry *carry, void *bytes, size_t length);
#define carry_value(carry, place) carry_bytes((carry), (place), sizeof *(place))

/* How many follow, each of `size` bytes at least: `count` where it is stored. */
size_t carry_count(struct carry *carry, size_t count, size_t size);

/* An array from malloc whose elements lie in it whole: a pointer in them would be carried as it is
 * and lead nowhere. Restoring replaces a NULL *array; `capacity`
 * may be NULL. */
void carry_array(struct carry *carry, void **array, uint32_t *count, uint32_t *capacity,
                 size_t size);

/* A text, or NULL. Restored into the arena; of malloc's where that is NULL. */
void carry_text(struct carry *carry, const char **text, struct arena *arena);

#endif
