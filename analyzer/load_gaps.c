/* Which loads are still to come? Memory of the ids jumped over, oldest first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/load_gaps.h"

#include <stdlib.h>
#include <string.h>

static bool open_gap(struct load_gaps *gaps, int64_t load_id, instant_us noticed_at,
                     struct failure *failure)
{
    if (gaps->missing_count == gaps->missing_capacity) {
        size_t capacity = gaps->missing_capacity == 0 ? 64 : 2 * gaps->missing_capacity;
        struct load_gap *grown = realloc(gaps->missing, capacity * sizeof *grown);
        if (grown == NULL) {
            return failure_memory(failure, "noting missing loads");
        }
        gaps->missing = grown;
        gaps->missing_capacity = capacity;
    }
    gaps->missing[gaps->missing_count++] = (struct load_gap){
        .load_id = load_id, .noticed_at = noticed_at, .until_before = gaps->newest_until};
    return true;
}

static void forget_first(struct load_gaps *gaps, size_t count)
{
    if (count == 0) {
        return; /* there may be no array at all */
    }
    gaps->missing_count -= count;
    memmove(gaps->missing, gaps->missing + count, gaps->missing_count * sizeof *gaps->missing);
}

static void close_gap(struct load_gaps *gaps, int64_t load_id)
{
    for (size_t i = 0; i < gaps->missing_count; i++) {
        if (gaps->missing[i].load_id == load_id) {
            gaps->missing_count--;
            memmove(&gaps->missing[i], &gaps->missing[i + 1],
                    (gaps->missing_count - i) * sizeof *gaps->missing);
            return;
        }
    }
}

/* Notes the ids between the newest and `load_id`, the highest of them if there are too many. */
static bool open_gaps(struct load_gaps *gaps, int64_t load_id, instant_us loaded_at,
                      struct failure *failure)
{
    int64_t first = gaps->newest_id + 1;
    if (load_id - first > LOAD_GAPS_LIMIT) {
        first = load_id - LOAD_GAPS_LIMIT;
    }
    size_t opening = (size_t)(load_id - first);
    if (gaps->missing_count + opening > LOAD_GAPS_LIMIT) {
        forget_first(gaps, gaps->missing_count + opening - LOAD_GAPS_LIMIT);
    }
    for (int64_t id = first; id < load_id; id++) {
        if (!open_gap(gaps, id, loaded_at, failure)) {
            return false;
        }
    }
    return true;
}

bool load_gaps_seen(struct load_gaps *gaps, int64_t load_id, instant_us received_until,
                    instant_us loaded_at, struct failure *failure)
{
    if (gaps->newest_id != 0 && load_id < gaps->newest_id) {
        close_gap(gaps, load_id);
    } else {
        if (gaps->newest_id == 0) {
            gaps->newest_until = received_until;
        } else if (!open_gaps(gaps, load_id, loaded_at, failure)) {
            return false;
        }
        gaps->newest_id = load_id;
    }
    if (received_until > gaps->newest_until) {
        gaps->newest_until = received_until;
    }
    return true;
}

void load_gaps_expire(struct load_gaps *gaps, instant_us now)
{
    size_t expired = 0;
    while (expired < gaps->missing_count &&
           now - gaps->missing[expired].noticed_at > LOAD_GAP_LASTS) {
        expired++;
    }
    forget_first(gaps, expired);
}

instant_us load_gaps_known_until(const struct load_gaps *gaps, instant_us now)
{
    if (gaps->newest_id == 0) {
        return INSTANT_NONE;
    }
    for (size_t i = 0; i < gaps->missing_count; i++) {
        if (now - gaps->missing[i].noticed_at <= LOAD_GAP_HOLDS) {
            /* Times below a lower gap are older still, so the first young one decides. */
            return gaps->missing[i].until_before;
        }
    }
    return gaps->newest_until;
}

_Static_assert(sizeof(struct load_gaps) == 40,
               "a field more or less: carry it below, or say why not");

void load_gaps_carry(struct carry *carry, struct load_gaps *gaps)
{
    uint32_t count = (uint32_t)gaps->missing_count;
    carry_array(carry, (void **)&gaps->missing, &count, NULL, sizeof *gaps->missing);
    if (carry_restores(carry)) {
        gaps->missing_count = gaps->missing_capacity = count;
    }
    carry_value(carry, &gaps->newest_id);
    carry_value(carry, &gaps->newest_until);
}

void load_gaps_free(struct load_gaps *gaps)
{
    free(gaps->missing);
    *gaps = (struct load_gaps){0};
}
