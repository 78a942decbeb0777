/* Has this been tried too often? See throttle.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/throttle.h"

#include <stdbool.h>
#include <stddef.h>

/* Places a key may stand in; with eight, a thousand keys lose hardly one. */
#define WAYS 8

static size_t place_of(uint64_t key, unsigned way)
{
    return (size_t)((key + way) % THROTTLE_PLACES);
}

static bool has_run_out(const struct throttle_count *count, instant_us now)
{
    return count->failures == 0 || now - count->since >= THROTTLE_WINDOW;
}

instant_us throttle_wait(const struct throttle *throttle, uint64_t key, unsigned limit,
                         instant_us now)
{
    for (unsigned way = 0; way < WAYS; way++) {
        const struct throttle_count *count = &throttle->counts[place_of(key, way)];
        if (count->key == key && !has_run_out(count, now)) {
            return count->failures >= limit ? count->since + THROTTLE_WINDOW - now : 0;
        }
    }
    return 0;
}

void throttle_fail(struct throttle *throttle, uint64_t key, instant_us now)
{
    struct throttle_count *chosen = NULL;
    for (unsigned way = 0; way < WAYS; way++) {
        struct throttle_count *count = &throttle->counts[place_of(key, way)];
        if (count->key == key && !has_run_out(count, now)) {
            count->failures++;
            return;
        }
        if (has_run_out(count, now)) {
            count->failures = 0;
        }
        if (chosen == NULL ||
            (chosen->failures > 0 && (count->failures == 0 || count->since < chosen->since))) {
            chosen = count;
        }
    }
    *chosen = (struct throttle_count){.key = key, .since = now, .failures = 1};
}

void throttle_forgive(struct throttle *throttle, uint64_t key)
{
    for (unsigned way = 0; way < WAYS; way++) {
        struct throttle_count *count = &throttle->counts[place_of(key, way)];
        if (count->key == key) {
            count->failures = 0;
        }
    }
}
