/* What is the verdict on each update at the end of this minute, and what has changed?
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis_state.h"
#include "analyzer/exposure_mask.h"

static struct update_state fresh_state(uint32_t update)
{
    return (struct update_state){
        .decided = {.update = update,
                    .rate_ratio = {.low = 0, .likely = NAN, .high = INFINITY},
                    .verdict = VERDICT_INSUFFICIENT_DATA},
        .told = VERDICT_INSUFFICIENT_DATA,
        .renewed_at = INSTANT_NONE};
}

static bool reach_states(struct analysis *analysis, struct failure *failure)
{
    uint32_t known = analysis->exposure.update_count;
    if (known <= analysis->state_count) {
        return true;
    }
    struct update_state *states = realloc(analysis->states, known * sizeof *states);
    if (states == NULL) {
        return failure_memory(failure, "deciding");
    }
    for (uint32_t i = analysis->state_count; i < known; i++) {
        states[i] = fresh_state(i);
    }
    analysis->states = states;
    analysis->state_count = known;
    return true;
}

/* An update that was withdrawn and is released again, mended, under the same id is another
 * candidate: what is known of the old one says nothing of it. */
static void renew_released_again(struct analysis *analysis)
{
    instant_us now = fleet_instant_of((analysis->next_minute + 1) * 60);
    for (uint32_t i = 0; analysis->registry != NULL && i < analysis->state_count; i++) {
        const struct registry_update *known =
            registry_update(analysis->registry, analysis->updates.texts[i]);
        struct update_state *state = &analysis->states[i];
        if (known == NULL || !registry_released_again(known, now) ||
            state->renewed_at == known->released_at) {
            continue;
        }
        enum verdict told = state->told;
        lattice_forget(&analysis->lattice, &analysis->exposure, i);
        exposure_forget(&analysis->exposure, i);
        course_forget(&analysis->course, i);
        *state = fresh_state(i);
        state->told = told;
        state->renewed_at = known->released_at;
    }
}

static bool note_change(struct analysis *analysis, uint32_t update, enum verdict previous,
                        struct failure *failure)
{
    struct update_state *state = &analysis->states[update];
    state->decided_at = (analysis->next_minute + 1) * 60;
    if (!analysis_make_room((void **)&analysis->changes, analysis->change_count,
                            &analysis->change_capacity, sizeof *analysis->changes, failure)) {
        return false;
    }
    /* Kept in the order of update ids within a minute, whatever order they were first met in. */
    size_t at = analysis->change_count++;
    struct verdict_change change = {.update_id = analysis->updates.texts[update],
                                    .decided_at = fleet_instant_of(state->decided_at),
                                    .verdict = state->decided.verdict,
                                    .previous = previous,
                                    .log10_e_value = verdict_log_e(&state->decided) / M_LN10,
                                    .rate_ratio = state->decided.rate_ratio};
    while (at > analysis->changes_read &&
           analysis->changes[at - 1].decided_at == change.decided_at &&
           strcmp(analysis->changes[at - 1].update_id, change.update_id) > 0) {
        analysis->changes[at] = analysis->changes[at - 1];
        at--;
    }
    analysis->changes[at] = change;
    return true;
}

/* The interval holds at every moment, so what has once been shut out stays out; where that leaves
 * nothing the ratio has changed, and only the present interval speaks of it. */
static struct range narrower(struct range before, struct range now)
{
    struct range both = {.low = now.low > before.low ? now.low : before.low,
                         .likely = now.likely,
                         .high = now.high < before.high ? now.high : before.high};
    bool apart = both.low > both.high || now.likely < both.low || now.likely > both.high;
    return apart ? now : both;
}

static void measure_update(struct analysis *analysis, uint32_t number)
{
    struct update_state *state = &analysis->states[number];
    uint64_t installed = analysis->exposure.updates[number].installed;
    state->pace += ((double)(installed - state->installed_before) - state->pace) / 10;
    state->installed_before = installed;
    if (number >= analysis->lattice.update_count || !analysis->lattice.updates[number].touched) {
        return;
    }
    struct lattice_update *update = &analysis->lattice.updates[number];
    update->touched = false;
    struct lattice_reading reading = lattice_read(
        update, &analysis->segments, analysis->options.alpha, analysis->options.margin);
    struct verdict_case *decided = &state->decided;
    decided->log_e = reading.log_e;
    decided->own_log_e = reading.own_log_e;
    decided->fleet_log_e = reading.fleet_log_e;
    decided->own_low = reading.own_low;
    decided->bundle_low = reading.bundle_low;
    decided->rate_ratio = narrower(decided->rate_ratio, reading.rate_ratio);
    state->clear_gain = reading.clear_gain;
    state->by_past = reading.by_past;
}

void analysis_find_spoilt(struct analysis *analysis)
{
    struct exposure *exposure = &analysis->exposure;
    memset(exposure->spoilt, 0, sizeof exposure->spoilt);
    for (int slot = 0; slot < EXPOSURE_SLOTS; slot++) {
        uint32_t update = exposure->slots[slot];
        if (update == EXPOSURE_NONE || update >= analysis->lattice.update_count ||
            update >= analysis->state_count ||
            analysis->states[update].decided.verdict != VERDICT_HOLD) {
            continue;
        }
        for (int other = 0; other < EXPOSURE_SLOTS; other++) {
            if (other != slot && exposure->slots[other] != EXPOSURE_NONE &&
                lattice_harms_without(&analysis->lattice.updates[update], exposure->slots[other])) {
                exposure->spoilt[other] |= exposure_slot_bits(slot);
            }
        }
    }
}

bool analysis_decide(struct analysis *analysis, struct failure *failure)
{
    if (!reach_states(analysis, failure)) {
        return false;
    }
    renew_released_again(analysis);
    struct verdict_case *cases = malloc((analysis->state_count + 1) * sizeof *cases);
    if (cases == NULL) {
        return failure_memory(failure, "deciding");
    }
    /* Only updates some closed minute has seen: what waits in an open one is not known yet. */
    size_t count = 0;
    for (uint32_t i = 0; i < analysis->state_count; i++) {
        measure_update(analysis, i);
        if (analysis->exposure.updates[i].installed > 0) {
            cases[count] = analysis->states[i].decided;
            cases[count].mates = analysis->exposure.updates[i].mates;
            cases[count++].mate_count = analysis->exposure.updates[i].mate_count;
        }
    }
    bool done =
        verdict_decide(cases, count, analysis->options.alpha, analysis->options.margin, failure);
    course_meet_rings(&analysis->course, &analysis->exposure, &analysis->segments);
    count = 0;
    for (uint32_t i = 0; done && i < analysis->state_count; i++) {
        if (analysis->exposure.updates[i].installed == 0) {
            continue;
        }
        struct update_state *state = &analysis->states[i];
        enum verdict previous = state->told;
        state->decided = cases[count++];
        state->told = state->decided.verdict;
        done = (state->told == previous || note_change(analysis, i, previous, failure)) &&
               course_take(&analysis->course, &analysis->exposure, &analysis->segments, i,
                           analysis->next_minute, verdict_log_e(&state->decided) / M_LN10, failure);
    }
    free(cases);
    return done;
}
