/* Which updates does a host take? See rollout.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/rollout.h"

#include <string.h>

#include "common/random_stream.h"

void rollout_begin(struct rollout *rollout, const struct scenario *scenario, uint64_t seed)
{
    *rollout = (struct rollout){.scenario = scenario, .seed = seed};
    for (size_t u = 0; u < scenario->update_count; u++) {
        for (size_t newer = u + 1; newer < scenario->update_count; newer++) {
            if (strcmp(scenario->updates[u].series, scenario->updates[newer].series) == 0) {
                rollout->newer[u] |= UINT32_C(1) << newer;
            }
        }
    }
}

/* A number in [0, 1) that belongs to the seat and the update. */
static double fixed_draw(const struct rollout *rollout, uint64_t purpose, size_t seat,
                         size_t update)
{
    struct random_stream random =
        random_stream_new(rollout->seed, purpose + seat * SCENARIO_UPDATES_LIMIT + update);
    return random_uniform(&random);
}

bool rollout_adopts(const struct rollout *rollout, size_t seat, size_t update)
{
    return fixed_draw(rollout, STREAM_ADOPTION, seat, update) <
           rollout->scenario->updates[update].adoption;
}

bool rollout_is_untouched(const struct rollout *rollout, size_t seat, size_t update)
{
    return fixed_draw(rollout, STREAM_MATCHING_FILE, seat, update) <
           rollout->scenario->updates[update].fault.untouched_share;
}

static uint32_t out_at(const struct scenario *scenario, instant_us at)
{
    uint32_t out = 0;
    for (size_t u = 0; u < scenario->update_count; u++) {
        const struct update *update = &scenario->updates[u];
        bool withdrawn = update->withdrawn_at != INSTANT_NONE && update->withdrawn_at <= at;
        if (update->released_at <= at && !withdrawn) {
            out |= UINT32_C(1) << u;
        }
    }
    return out;
}

uint32_t rollout_taken(const struct rollout *rollout, size_t seat,
                       const struct fleet_segment *segment, uint32_t installed, instant_us at)
{
    uint32_t out = out_at(rollout->scenario, at) & segment->targeted;
    uint32_t taken = 0;
    for (size_t u = 0; u < rollout->scenario->update_count; u++) {
        uint32_t bit = UINT32_C(1) << u;
        uint32_t newer = rollout->newer[u];
        if ((out & bit) != 0 && (installed & (bit | newer)) == 0 && (out & newer) == 0 &&
            rollout_adopts(rollout, seat, u)) {
            taken |= bit;
        }
    }
    return taken;
}
