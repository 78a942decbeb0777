/* Answers from the state: the stations after evidence, run once for all who ask.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis_state.h"
#include "analyzer/cost.h"
#include "analyzer/cost_draws.h"
#include "analyzer/cost_strata.h"
#include "analyzer/impact_forecast.h"
#include "analyzer/outreach.h"
#include "analyzer/outreach_hosts.h"
#include "analyzer/parallel.h"
#include "analyzer/subgroup.h"

/* What the tallies of one update add up to. */
struct totals {
    double exposed_minutes[SIGN_COUNT], control_minutes[SIGN_COUNT];
    uint64_t exposed_hosts, exposed_onsets, control_onsets[SIGN_COUNT];
};

static double pooled_rate(const struct exposure *exposure, const struct totals *totals,
                          enum exposure_sign sign)
{
    return impact_pooled_rate(exposure, sign, (double)totals->control_onsets[sign],
                              totals->control_minutes[sign]);
}

static struct totals sum_tallies(const struct exposure *exposure, uint32_t update)
{
    struct totals totals = {0};
    for (uint32_t i = exposure->updates[update].first_tally; i != EXPOSURE_NONE;
         i = exposure->tallies[i].next) {
        const struct exposure_tally *tally = &exposure->tallies[i];
        totals.exposed_hosts += tally->exposed_hosts;
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            totals.exposed_minutes[sign] += tally->exposed_minutes[sign];
            totals.control_minutes[sign] += tally->control_minutes[sign];
            totals.exposed_onsets += tally->exposed_onsets[sign];
            totals.control_onsets[sign] += tally->control_onsets[sign];
        }
    }
    return totals;
}

_Static_assert(SUBGROUP_SIGNS == (int)SIGN_COUNT, "a cell's sign is exposure's");

/* A cell for each sign of a segment, in the order of segment numbers. */
static bool segment_cells(const struct analysis *analysis, uint32_t update,
                          const struct totals *totals, struct arena *arena,
                          const struct subgroup_cell **cells, size_t *count,
                          struct failure *failure)
{
    uint32_t most = SIGN_COUNT * analysis->segments.count;
    struct subgroup_cell *all = arena_allocate(arena, (most + (size_t)1) * sizeof *all);
    if (all == NULL) {
        return failure_memory(failure, "looking for the segment");
    }
    const struct exposure *exposure = &analysis->exposure;
    for (uint32_t i = exposure->updates[update].first_tally; i != EXPOSURE_NONE;
         i = exposure->tallies[i].next) {
        const struct exposure_tally *tally = &exposure->tallies[i];
        uint32_t segment = exposure->strata[tally->stratum].segment;
        if (segment == SEGMENT_NONE) {
            continue;
        }
        for (enum exposure_sign sign = SIGN_SEEN; sign < SIGN_COUNT; sign++) {
            struct subgroup_cell *cell = &all[SIGN_COUNT * segment + sign];
            cell->exposed_minutes += tally->exposed_minutes[sign];
            cell->onsets += tally->exposed_onsets[sign];
            cell->expected += impact_expected(tally, sign, pooled_rate(exposure, totals, sign));
        }
    }
    *count = 0;
    for (uint32_t i = 0; i < most; i++) {
        if (all[i].exposed_minutes > 0) {
            all[*count] = all[i];
            all[*count].segment = i / SIGN_COUNT;
            all[(*count)++].sign = i % SIGN_COUNT;
        }
    }
    *cells = all;
    return true;
}

static bool answer_outreach(const struct analysis *analysis, uint32_t update,
                            const struct impact_answer *impact, const struct subgroup *subgroup,
                            struct arena *arena, struct update_answer *answer,
                            struct failure *failure)
{
    const struct outreach_hosts_source source = {.impact = &analysis->impact,
                                                 .exposure = &analysis->exposure,
                                                 .fleet = &analysis->fleet,
                                                 .segments = &analysis->segments,
                                                 .subgroup = subgroup,
                                                 .census = &analysis->census,
                                                 .counts_unheard = impact->counts_unheard,
                                                 .customer_count = analysis->customers.count,
                                                 .update = update};
    struct outreach_entry *entries;
    answer->outreach_total = impact->candidate_count;
    answer->outreach_count = impact->candidate_count < ANSWER_OUTREACH_DEPTH
                                 ? impact->candidate_count
                                 : ANSWER_OUTREACH_DEPTH;
    const struct outreach_moment moment = {.now = analysis->answers.as_of,
                                           .rates = &analysis->parameters->rates};
    if (!outreach_order(impact->candidates, impact->candidate_count, ANSWER_OUTREACH_DEPTH, &moment,
                        arena, &entries, failure)) {
        return false;
    }
    answer->outreach = entries;
    return outreach_hosts_list(&source, entries, answer->outreach_count, arena, &answer->hosts,
                               failure);
}

/* What the last hour added, as a share of all so far; NAN when nothing more is to come. */
static double growth_an_hour(const struct update_answer *answer, instant_us now)
{
    double before = 0;
    if (answer->withdrawn_at != INSTANT_NONE || answer->recovery_count == 0) {
        return NAN;
    }
    double harmed = (double)answer->recovery[answer->recovery_count - 1].harmed;
    for (size_t i = 0; i < answer->recovery_count; i++) {
        if (answer->recovery[i].at <= now - INSTANT_HOUR) {
            before = (double)answer->recovery[i].harmed;
        }
    }
    return harmed > 0 ? (harmed - before) / harmed : NAN;
}

static bool answer_cost(const struct analysis *analysis, const struct impact_answer *impact,
                        struct arena *arena, struct update_answer *answer, struct failure *failure)
{
    struct cost_basis *basis = arena_allocate(arena, sizeof *basis);
    if (basis == NULL) {
        return failure_memory(failure, "estimating the cost");
    }
    if (!cost_strata_make(impact, answer->product_line, &analysis->population, arena, basis,
                          failure)) {
        return false;
    }
    basis->growth_an_hour = growth_an_hour(answer, analysis->answers.as_of);
    answer->cost_basis = basis;
    return cost_estimate_drawn(analysis->parameters, analysis->cost_draws, basis, arena,
                               &answer->cost, failure);
}

/* Onsets there would have been inside the subgroup without the update. */
static double expected_inside(const struct analysis *analysis, const struct subgroup *subgroup,
                              const struct subgroup_cell *cells, size_t count)
{
    double expected = 0;
    for (size_t i = 0; i < count; i++) {
        if (subgroup_contains(subgroup, &analysis->segments, cells[i].segment)) {
            expected += cells[i].expected;
        }
    }
    return expected;
}

/* Whom it will hit. */
static bool answer_forecast(const struct analysis *analysis, uint32_t update,
                            const struct totals *totals, const struct subgroup *subgroup,
                            struct update_answer *answer, struct failure *failure)
{
    double installed = 0;
    for (uint32_t i = analysis->exposure.updates[update].first_tally; i != EXPOSURE_NONE;
         i = analysis->exposure.tallies[i].next) {
        const struct exposure_tally *tally = &analysis->exposure.tallies[i];
        uint32_t segment = analysis->exposure.strata[tally->stratum].segment;
        installed +=
            subgroup_contains(subgroup, &analysis->segments, segment) ? tally->exposed_hosts : 0;
    }
    double inside = 0;
    for (uint32_t i = 0; i < analysis->segments.count; i++) {
        inside += subgroup_contains(subgroup, &analysis->segments, i)
                      ? (double)analysis->census.segments[i].on
                      : 0;
    }
    struct impact_outlook outlook = {.now = analysis->next_minute,
                                     .control_rate =
                                         pooled_rate(&analysis->exposure, totals, SIGN_SEEN) +
                                         pooled_rate(&analysis->exposure, totals, SIGN_SILENT),
                                     .without = inside > installed ? inside - installed : 0,
                                     .affected = answer->hosts_total.all,
                                     .withdrawn = answer->withdrawn_at != INSTANT_NONE};
    return impact_forecast(&analysis->impact, &analysis->exposure, &analysis->fleet,
                           &analysis->segments, subgroup, update, &outlook,
                           &answer->extent.forecast, failure);
}

/* Segment, since when, whom it hit, the cost and the calls: what a suspected update is asked. */
static bool answer_harm(const struct analysis *analysis, uint32_t update,
                        const struct totals *totals, struct arena *arena,
                        struct update_answer *answer, struct failure *failure)
{
    const struct subgroup_cell *cells = NULL;
    size_t count = 0;
    struct subgroup subgroup;
    if (!segment_cells(analysis, update, totals, arena, &cells, &count, failure) ||
        !subgroup_find(&analysis->segments, cells, count, &subgroup, failure)) {
        return false;
    }
    struct impact_customers customers = {.ids = analysis->customers.texts,
                                         .count = analysis->customers.count,
                                         .census = &analysis->census};
    const struct impact_drawing drawing = {
        .seed = analysis->options.seed,
        .heard_for = (analysis->next_minute - analysis->first_minute) * INSTANT_MINUTE};
    struct impact_answer impact;
    bool done =
        subgroup_describe(&subgroup, &analysis->segments, cells, count, arena, &answer->segment,
                          &answer->segment_count, &answer->segment_text, failure) &&
        analysis_date(analysis, update, &subgroup,
                      expected_inside(analysis, &subgroup, cells, count), arena, answer, failure) &&
        impact_count(&analysis->impact, &analysis->exposure, &analysis->fleet, &analysis->segments,
                     &subgroup, update, &customers, &drawing, arena, &impact, failure);
    if (done) {
        analysis_tell_ratio_inside(analysis, update, &subgroup, answer);
        answer->impact = impact.cells;
        answer->impact_count = impact.cell_count;
        answer->hosts_total = impact.hosts;
        answer->customers_total = impact.customers;
        answer->extent = impact.extent;
        done = answer_forecast(analysis, update, totals, &subgroup, answer, failure) &&
               answer_cost(analysis, &impact, arena, answer, failure) &&
               answer_outreach(analysis, update, &impact, &subgroup, arena, answer, failure);
    }
    subgroup_free(&subgroup);
    return done;
}

static void answer_release(const struct analysis *analysis, struct update_answer *answer)
{
    answer->released_at = answer->withdrawn_at = INSTANT_NONE;
    const struct registry_update *known =
        analysis->registry == NULL ? NULL : registry_update(analysis->registry, answer->id);
    if (known == NULL) {
        return;
    }
    answer->product_line = known->product_line;
    answer->released_at = known->released_at;
    /* In a replay the registry knows the future; the answers do not. */
    if (known->withdrawn_at <= analysis->answers.as_of &&
        !registry_released_again(known, analysis->answers.as_of)) {
        answer->withdrawn_at = known->withdrawn_at;
    }
}

static bool is_suspected(const struct update_state *state)
{
    return state->decided.verdict == VERDICT_HOLD || state->decided.verdict == VERDICT_SUSPECT;
}

/* The updates it is held in a bundle with, and the one without which it does no harm. */
static bool answer_company(const struct analysis *analysis, uint32_t number, struct arena *arena,
                           struct update_answer *answer, struct failure *failure)
{
    const struct update_state *state = &analysis->states[number];
    const struct exposure_update *counts = &analysis->exposure.updates[number];
    const char **mates = arena_allocate(arena, (EXPOSURE_MATES + 1) * sizeof *mates);
    if (mates == NULL) {
        return failure_memory(failure, "naming the bundle");
    }
    bool suspected = is_suspected(state);
    bool own = answer->verdict == VERDICT_HOLD && !state->decided.bundled;
    for (uint32_t i = 0; suspected && !own && i < counts->mate_count; i++) {
        if (counts->mates[i].together && !state->decided.explained) {
            mates[answer->bundle_count++] = analysis->updates.texts[counts->mates[i].update];
        }
    }
    answer->bundle = mates;
    if (own && number < analysis->lattice.update_count) {
        uint32_t company = lattice_only_with(&analysis->lattice.updates[number]);
        answer->only_with = company == EXPOSURE_NONE ? NULL : analysis->updates.texts[company];
    }
    return true;
}

static bool answer_update(const struct analysis *analysis, uint32_t number, struct arena *arena,
                          struct update_answer *answer, struct failure *failure)
{
    const struct update_state *state = &analysis->states[number];
    const struct exposure_update *counts = &analysis->exposure.updates[number];
    struct totals totals = sum_tallies(&analysis->exposure, number);
    *answer = (struct update_answer){
        .id = analysis->updates.texts[number],
        .first_seen_at =
            counts->first_seen == INT32_MAX ? INSTANT_NONE : fleet_instant_of(counts->first_seen),
        .verdict = state->decided.verdict,
        .decided_at = state->decided_at == 0 ? INSTANT_NONE : fleet_instant_of(state->decided_at),
        .log10_e_value = verdict_log_e(&state->decided) / M_LN10,
        .onset = {.low = NAN, .likely = NAN, .high = NAN},
        .ended = {.low = NAN, .likely = NAN, .high = NAN},
        .segment_text = "the whole fleet",
        .installed_hosts = counts->installed,
        .failed_hosts = counts->failed,
        .rolled_back_hosts = counts->rolled_back,
        .exposed_now = counts->exposed_now,
        .exposed_onsets = totals.exposed_onsets};
    analysis_tell_ratio(analysis, number, answer);
    answer->cost.currency = COST_CURRENCY;
    answer->cost.seed = analysis->options.seed;
    answer_release(analysis, answer);
    if ((is_suspected(state) && !answer_harm(analysis, number, &totals, arena, answer, failure)) ||
        !answer_company(analysis, number, arena, answer, failure)) {
        return false;
    }
    if (!analysis_contrast(analysis, number, is_suspected(state), arena, answer, failure) ||
        !course_answer(&analysis->course, &analysis->segments, number, analysis->next_minute - 1,
                       arena, answer, failure)) {
        return false;
    }
    double minutes = totals.exposed_minutes[SIGN_SEEN] + totals.control_minutes[SIGN_SEEN];
    struct verdict_facts facts = {
        .update_id = answer->id,
        .verdict = answer->verdict,
        .log_e = verdict_log_e(&state->decided),
        .low = state->decided.explained ? state->decided.own_low
                                        : fmax(state->decided.own_low, state->decided.bundle_low),
        .clear_gain = state->clear_gain,
        .by_past = state->by_past,
        .mates = answer->bundle,
        .mate_count = answer->bundle_count,
        .only_with = answer->only_with,
        .alpha = analysis->options.alpha,
        .margin = analysis->options.margin,
        .window_minutes = analysis->exposure.window_minutes,
        .rate_ratio = answer->rate_ratio,
        .segment_text = answer->segment_text,
        .has_segment = answer->segment_count > 0,
        .exposed_hosts = totals.exposed_hosts,
        .exposed_onsets = totals.exposed_onsets,
        .compared = answer->compared,
        .exposed_share = minutes > 0 ? totals.exposed_minutes[SIGN_SEEN] / minutes : 0,
        .hosts_per_minute = state->pace >= 0.1 ? state->pace : 0,
        .followed = counts->slot != EXPOSURE_NONE || counts->exposed_now == 0,
        .withdrawn = answer->withdrawn_at != INSTANT_NONE,
        .onset = answer->onset,
        .customers = answer->customers_total.confirmed + answer->customers_total.probable,
        .hosts = answer->hosts_total.confirmed + answer->hosts_total.probable};
    return verdict_explain(&facts, arena, answer, failure);
}

static int compare_answers(const void *left, const void *right)
{
    const struct update_answer *a = left;
    const struct update_answer *b = right;
    bool a_held = a->verdict == VERDICT_HOLD;
    bool b_held = b->verdict == VERDICT_HOLD;
    if (a_held != b_held) {
        return a_held ? -1 : 1;
    }
    if (a->log10_e_value != b->log10_e_value) {
        return a->log10_e_value > b->log10_e_value ? -1 : 1;
    }
    return strcmp(a->id, b->id);
}

static void answer_fleet(const struct analysis *analysis, struct fleet_answer *answer)
{
    const struct fleet *fleet = &analysis->fleet;
    *answer =
        (struct fleet_answer){.hosts = fleet->count,
                              .reporting = fleet->count - fleet->in_state[HOST_SILENT],
                              .pinned = fleet->in_state[HOST_PINNED],
                              .elevated = fleet->in_state[HOST_ELEVATED],
                              .silent = fleet->in_state[HOST_SILENT],
                              .reports = fleet->reports,
                              .duplicate_reports = fleet->duplicate_reports,
                              .late_reports = analysis->late_reports + fleet->out_of_order_reports};
    for (uint32_t i = 0; i < analysis->customer_sizes_count; i++) {
        if (analysis->customer_sizes[i].hosts > 0) {
            answer->customers++;
            answer->unregistered_customers +=
                analysis->registry == NULL ||
                registry_customer(analysis->registry, analysis->customers.texts[i]) == NULL;
        }
    }
    for (uint32_t i = 0; i < fleet->count; i++) {
        /* Beyond what latency explains; the reference line of a clock that is off. */
        answer->skewed_hosts += abs(fleet->hosts[i].delay_s) > 120;
    }
}

static bool answer_left_out(const struct analysis *analysis, struct arena *arena,
                            struct fleet_answer *answer, struct failure *failure)
{
    const char **names = arena_allocate(arena, REPORT_ATTRIBUTES_LIMIT * sizeof *names);
    if (names == NULL) {
        return failure_memory(failure, "answering");
    }
    for (uint32_t a = 0; a < analysis->segments.attribute_count; a++) {
        if (analysis->segments.attributes[a].left_out) {
            names[answer->left_out_count++] = analysis->segments.attributes[a].name;
        }
    }
    answer->left_out = names;
    return true;
}

/* The first time, and then when an hour has brought new customers. */
static bool count_population(struct analysis *analysis, struct failure *failure)
{
    instant_us now = analysis->answers.as_of;
    if (analysis->registry == NULL ||
        (analysis->population.count > 0 && now - analysis->population_counted_at < INSTANT_HOUR)) {
        return true;
    }
    analysis->population_counted_at = now;
    return cost_population_count(&analysis->population, analysis->registry, failure);
}

/* Once for all updates, and for the next minutes' until a parameter changes. */
static bool draw_parameters(struct analysis *analysis, struct failure *failure)
{
    struct cost_draws *before = analysis->cost_draws;
    uint64_t seed = analysis->options.seed;
    if (!cost_draws_are_of(before, analysis->parameters, seed)) {
        if (!cost_draws_new(analysis->parameters, seed, before, &analysis->cost_draws, failure)) {
            return false;
        }
        cost_draws_release(before);
    }
    analysis->answers.cost_draws = analysis->cost_draws;
    return true;
}

/* Who reports is asked only when there is harm to be counted, and priced. */
static bool take_census(struct analysis *analysis, struct failure *failure)
{
    bool wanted = false;
    for (uint32_t i = 0; i < analysis->state_count; i++) {
        wanted |= is_suspected(&analysis->states[i]);
    }
    return !wanted || (draw_parameters(analysis, failure) &&
                       impact_census_take(&analysis->census, &analysis->fleet, &analysis->segments,
                                          analysis->customers.texts, analysis->customers.count,
                                          analysis->registry, analysis->options.threads, failure));
}

/* The updates seen, shared out to threads: every answer stands by itself. */
struct answering {
    struct analysis *analysis;
    struct update_answer *updates;
    uint32_t *numbers; /* of the updates */
    size_t count;
    unsigned parts;
    struct failure failures[PARALLEL_PARTS_MOST];
    bool failed[PARALLEL_PARTS_MOST];
};

static void answer_part(void *context, unsigned part)
{
    struct answering *answering = context;
    struct arena *arena = &answering->analysis->answer_arenas[part];
    for (size_t i = part; i < answering->count && !answering->failed[part]; i += answering->parts) {
        answering->failed[part] =
            !answer_update(answering->analysis, answering->numbers[i], arena,
                           &answering->updates[i], &answering->failures[part]);
    }
}

static bool answer_updates(struct analysis *analysis, struct failure *failure)
{
    struct arena *arena = &analysis->answer_arenas[0];
    struct answering answering = {
        .analysis = analysis,
        .parts = analysis->options.threads,
        .updates =
            arena_allocate(arena, (analysis->state_count + 1) * sizeof(struct update_answer)),
        .numbers = arena_allocate(arena, (analysis->state_count + 1) * sizeof(uint32_t))};
    if (answering.updates == NULL || answering.numbers == NULL) {
        return failure_memory(failure, "answering");
    }
    for (uint32_t i = 0; i < analysis->state_count; i++) {
        const struct exposure_update *counts = &analysis->exposure.updates[i];
        if (counts->installed + counts->failed + counts->rolled_back > 0) {
            answering.numbers[answering.count++] = i;
        }
    }
    if (answering.parts > answering.count) {
        answering.parts = answering.count > 0 ? (unsigned)answering.count : 1;
    }
    parallel_run(answering.parts, answer_part, &answering);
    for (unsigned part = 0; part < answering.parts; part++) {
        if (answering.failed[part]) {
            *failure = answering.failures[part];
            return false;
        }
    }
    qsort(answering.updates, answering.count, sizeof *answering.updates, compare_answers);
    analysis->answers.updates = answering.updates;
    analysis->answers.update_count = answering.count;
    return true;
}

bool analysis_fill_answers(struct analysis *analysis, struct failure *failure)
{
    struct arena *arena = &analysis->answer_arenas[0];
    analysis->answers = (struct answers){
        .as_of = analysis->started ? fleet_instant_of(analysis->next_minute * 60) : INSTANT_NONE,
        .alpha = analysis->options.alpha,
        .cost_parameters = analysis->parameters};
    if (!count_population(analysis, failure)) {
        return false;
    }
    answer_fleet(analysis, &analysis->answers.fleet);
    if (!answer_left_out(analysis, arena, &analysis->answers.fleet, failure)) {
        return false;
    }
    bool done = take_census(analysis, failure) && answer_updates(analysis, failure);
    impact_census_free(&analysis->census);
    return done;
}
