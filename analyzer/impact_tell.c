/* From what was counted to the answers: excess over the control, and what does not report; see
 * impact.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/impact_sums.h"
#include "analyzer/partner.h"

/* What fell silent unheard is taken for more than a coincidence past this many standard deviations.
 */
#define UNHEARD_DEVIATIONS 2.0

/* Hosts outside of the segment that a rate may be taken from. */
#define CONTROL_HOSTS_LEAST 20

/* ---- Silence ---- */

/* As many hosts of the segment as would have fallen silent anyway: at the rate of the hosts outside
 * of it in the same cell, or where they are few of the region, or of all regions. Where there is
 * nobody outside, any silence may be a coincidence. */
static void expect_unheard(const struct impact_sums *sums, struct impact_known *known)
{
    const struct impact_census *census = sums->census;
    for (size_t i = 0; i < census->place_count; i++) {
        const struct impact_sums_cell *cell = &sums->cells[i];
        uint64_t hosts = cell->outside;
        uint64_t unheard = cell->unheard_outside;
        for (int wide = 0; wide < 2 && hosts < CONTROL_HOSTS_LEAST; wide++) {
            hosts = unheard = 0;
            for (size_t j = 0; j < census->place_count; j++) {
                bool counts = wide == 1 || j / census->lines.count == i / census->lines.count;
                hosts += counts ? sums->cells[j].outside : 0;
                unheard += counts ? sums->cells[j].unheard_outside : 0;
            }
        }
        double rate = ((double)unheard + 0.5) / ((double)hosts + 1);
        known[i].unheard_expected = hosts < CONTROL_HOSTS_LEAST ? (double)cell->unheard_inside
                                                                : (double)cell->inside * rate;
        known[i].unheard_control = (double)unheard;
    }
}

static bool is_excess(const struct impact_sums_cell *cell, const struct impact_known *known)
{
    double expected = known->unheard_expected;
    double variance = expected + expected * expected / (known->unheard_control + 1);
    return (double)cell->unheard_inside > expected + UNHEARD_DEVIATIONS * sqrt(variance + 1);
}

/* Hosts that the update silenced before they could tell of it are taken for hosts without it: they
 * are not what is to be expected of the control. */
static void judge_silence(struct impact_sums *sums, const struct impact_known *known)
{
    for (size_t i = 0; i < sums->census->place_count; i++) {
        struct impact_sums_cell *cell = &sums->cells[i];
        double onsets = cell->control_onsets[SIGN_SILENT];
        cell->counts_unheard = is_excess(cell, &known[i]);
        if (cell->counts_unheard && onsets > 0) {
            double excess = (double)cell->unheard_inside - known[i].unheard_expected;
            cell->expected_hosts[SIGN_SILENT] *= fmax(0, 1 - excess / onsets);
        }
    }
    for (uint32_t i = 0; i < sums->share_count; i++) {
        struct impact_sums_share *share = &sums->shares[i];
        share->unheard = sums->cells[share->cell].counts_unheard ? share->unheard : 0;
    }
}

static void tell_silence(const struct impact_sums *sums, const struct impact_known *known,
                         struct impact_answer *answer)
{
    struct impact_silence *silence = &answer->extent.silence;
    double counted = 0;
    for (size_t i = 0; i < sums->census->place_count; i++) {
        const struct impact_sums_cell *cell = &sums->cells[i];
        double unheard = (double)cell->unheard_inside;
        silence->hosts += cell->unheard_inside;
        silence->expected += fmin(unheard, known[i].unheard_expected);
        counted += cell->counts_unheard ? unheard - known[i].unheard_expected : 0;
    }
    silence->if_none = fmax(0, answer->hosts.all.likely - counted);
    silence->if_half = silence->if_none + (double)silence->hosts / 2;
    silence->if_all = silence->if_none + (double)silence->hosts;
}

/* ---- Who there is ---- */

static bool is_noted(const struct impact_sums_share *share)
{
    return share->hosts[SIGN_SEEN] + share->hosts[SIGN_SILENT] + share->unheard > 0;
}

static void count_customers(struct impact_sums *sums)
{
    for (uint32_t i = 0; i < sums->share_count; i++) {
        const struct impact_sums_share *share = &sums->shares[i];
        if (is_noted(share)) {
            sums->cells[share->cell]
                .customers[share->hosts[SIGN_SEEN] > 0 ? SIGN_SEEN : SIGN_SILENT]++;
        }
    }
}

/* The census' customers, with what shows of them. */
static bool add_shown(const struct impact_sums *sums, struct impact_population *population,
                      struct failure *failure)
{
    for (uint32_t i = 0; i < sums->share_count; i++) {
        const struct impact_sums_share *share = &sums->shares[i];
        if (!is_noted(share)) {
            continue;
        }
        struct impact_seats seats =
            impact_census_seats(sums->census, share->customer, share->cell,
                                impact_census_hosts(sums->census, share->customer, share->cell));
        if (!impact_population_add(population, &seats, -1, failure)) {
            return false;
        }
        seats.shown = share->hosts[SIGN_SEEN] + share->hosts[SIGN_SILENT];
        seats.unheard = share->unheard;
        if (!impact_population_add(population, &seats, 1, failure)) {
            return false;
        }
    }
    return true;
}

/* ---- Answers ---- */

static uint64_t excess(uint64_t noted, double expected)
{
    double left = (double)noted - expected;
    return left > 0 ? (uint64_t)llround(left) : 0;
}

/* Customers of which only coincidences show, by what shows of them as the hosts' are. */
static double mistaken(const struct impact_sums_cell *cell,
                       const struct impact_estimate_cell *estimate, int sign)
{
    double hosts = cell->expected_hosts[SIGN_SEEN] + cell->expected_hosts[SIGN_SILENT];
    return hosts > 0 ? estimate->mistaken * cell->expected_hosts[sign] / hosts : 0;
}

static void fill_cell(const struct impact_sums_cell *sums, const struct impact_known *known,
                      const struct impact_estimate_cell *estimate, struct impact_cell *cell)
{
    double unheard =
        sums->counts_unheard ? (double)sums->unheard_inside - known->unheard_expected : 0;
    cell->hosts.confirmed = excess(sums->hosts[SIGN_SEEN], sums->expected_hosts[SIGN_SEEN]);
    cell->hosts.probable =
        excess(sums->hosts[SIGN_SILENT], sums->expected_hosts[SIGN_SILENT] - unheard);
    cell->hosts.estimated = estimate->unseen_hosts;
    cell->hosts.all = estimate->hosts;
    cell->customers.confirmed =
        excess(sums->customers[SIGN_SEEN], mistaken(sums, estimate, SIGN_SEEN));
    cell->customers.probable =
        excess(sums->customers[SIGN_SILENT], mistaken(sums, estimate, SIGN_SILENT));
    cell->customers.estimated = estimate->unseen_customers;
    cell->customers.all = estimate->customers;
}

static int compare_cells(const void *left, const void *right)
{
    const struct impact_cell *a = left;
    const struct impact_cell *b = right;
    int order = strcmp(a->region, b->region);
    return order != 0 ? order : strcmp(a->product_line, b->product_line);
}

static bool fill_cells(const struct impact_sums *sums, const struct impact_known *known,
                       const struct impact_estimate *estimate, struct arena *arena,
                       struct impact_answer *answer, struct failure *failure)
{
    size_t places = sums->census->place_count;
    struct impact_cell *cells = arena_allocate(arena, (places + 1) * sizeof *cells);
    if (cells == NULL) {
        return failure_memory(failure, "counting the affected");
    }
    for (size_t i = 0; i < places; i++) {
        struct impact_cell *cell = &cells[answer->cell_count];
        *cell = (struct impact_cell){.region = impact_census_region(sums->census, i),
                                     .product_line = impact_census_line(sums->census, i)};
        fill_cell(&sums->cells[i], &known[i], &estimate->cells[i], cell);
        if (cell->hosts.confirmed + cell->hosts.probable > 0 || cell->hosts.all.likely >= 0.5) {
            answer->cell_count++;
            answer->hosts.confirmed += cell->hosts.confirmed;
            answer->hosts.probable += cell->hosts.probable;
        }
    }
    qsort(cells, answer->cell_count, sizeof *cells, compare_cells);
    answer->cells = cells;
    return true;
}

/* A customer in two product lines is counted once in the total; what was to be expected is taken
 * off as in the cells. */
static void fill_total(const struct impact_sums *sums, const struct impact_estimate *estimate,
                       struct impact_answer *answer)
{
    double expected[SIGN_COUNT] = {0};
    uint64_t noted[SIGN_COUNT] = {0};
    for (size_t i = 0; i < sums->census->place_count; i++) {
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            expected[sign] += mistaken(&sums->cells[i], &estimate->cells[i], sign);
        }
    }
    for (size_t i = 0; i < answer->candidate_count; i++) {
        noted[answer->candidates[i].hosts_confirmed > 0 ? SIGN_SEEN : SIGN_SILENT]++;
    }
    answer->customers.confirmed = excess(noted[SIGN_SEEN], expected[SIGN_SEEN]);
    answer->customers.probable = excess(noted[SIGN_SILENT], expected[SIGN_SILENT]);
    answer->hosts.estimated = estimate->unseen_hosts;
    answer->hosts.all = estimate->hosts;
    answer->customers.estimated = estimate->unseen_customers;
    answer->customers.all = estimate->customers;
    memcpy(answer->extent.degrees, estimate->degrees, sizeof answer->extent.degrees);
    answer->extent.tiers = estimate->tiers;
    answer->extent.tier_count = estimate->tier_count;
    answer->consumers = estimate->consumers;
    answer->corporates = estimate->corporates;
    answer->corporate_hosts = estimate->corporate_hosts;
}

static void add_to_candidate(const struct impact_sums_share *share,
                             struct outreach_candidate *candidate)
{
    candidate->hosts_confirmed += share->hosts[SIGN_SEEN];
    candidate->hosts_probable += share->hosts[SIGN_SILENT] + share->unheard;
    candidate->hosts_still_affected += share->still_affected + share->unheard;
    instant_us recovered = fleet_instant_of(share->last_recovered);
    if (share->last_recovered > 0 && recovered > candidate->last_recovered_at) {
        candidate->last_recovered_at = recovered;
    }
    instant_us began = fleet_instant_of(share->first_onset);
    if (began < candidate->first_onset_at) {
        candidate->first_onset_at = began;
    }
}

static bool fill_candidates(const struct impact_sums *sums,
                            const struct impact_customers *customers, struct arena *arena,
                            struct impact_answer *answer, struct failure *failure)
{
    /* 1 + index of the candidate, by customer number */
    uint32_t *place = calloc(customers->count + 1, sizeof *place);
    struct outreach_candidate *all = arena_allocate(arena, (sums->share_count + 1) * sizeof *all);
    bool *counts_unheard = arena_allocate(arena, sums->census->place_count + 1);
    if (place == NULL || all == NULL || counts_unheard == NULL) {
        free(place);
        return failure_memory(failure, "listing the affected customers");
    }
    size_t count = 0;
    for (uint32_t i = 0; i < sums->share_count; i++) {
        const struct impact_sums_share *share = &sums->shares[i];
        if (!is_noted(share)) {
            continue;
        }
        if (place[share->customer] == 0) {
            place[share->customer] = (uint32_t)++count;
            all[count - 1] = (struct outreach_candidate){
                .customer_id = customers->ids[share->customer],
                .customer = sums->census->registered[share->customer],
                .number = share->customer,
                .region = impact_census_region(sums->census, share->cell),
                .hosts_reporting = sums->census->customer_hosts[share->customer],
                .first_onset_at = INT64_MAX,
                .last_recovered_at = INSTANT_NONE};
        }
        add_to_candidate(share, &all[place[share->customer] - 1]);
    }
    free(place);
    for (size_t i = 0; i < sums->census->place_count; i++) {
        counts_unheard[i] = sums->cells[i].counts_unheard;
    }
    answer->counts_unheard = counts_unheard;
    answer->candidates = all;
    answer->candidate_count = count;
    return true;
}

static bool fill_partners(struct impact_answer *answer, struct arena *arena,
                          struct failure *failure)
{
    struct partners partners = {.all = NULL};
    bool done = partners_count(answer->candidates, answer->candidate_count, &partners, failure) &&
                partners_list(&partners, arena, &answer->extent.partners,
                              &answer->extent.partner_count, failure);
    partners_free(&partners);
    return done;
}

/* ---- All together ---- */

static void know_cells(const struct impact_sums *sums, struct impact_known *known)
{
    double masked = sums->outside_on >= CONTROL_HOSTS_LEAST
                        ? (double)sums->outside_distressed / (double)sums->outside_on
                        : 0;
    for (size_t i = 0; i < sums->census->place_count; i++) {
        const struct impact_sums_cell *cell = &sums->cells[i];
        known[i].product_line = impact_census_line(sums->census, i);
        known[i].expected_hosts =
            cell->expected_hosts[SIGN_SEEN] + cell->expected_hosts[SIGN_SILENT];
        known[i].control_onsets =
            cell->control_onsets[SIGN_SEEN] + cell->control_onsets[SIGN_SILENT];
        known[i].masked = masked;
        known[i].masked_hosts = (double)sums->outside_distressed;
    }
}

static enum customer_kind kind_of(const struct impact_census *census, uint32_t customer)
{
    return impact_census_kind(census, customer, census->customer_hosts[customer]);
}

/* Customers there are for each that is noted in one cell. */
static void share_distinct(const struct impact_sums *sums, const struct impact_answer *answer,
                           double distinct[CUSTOMER_KINDS])
{
    double in_cells[CUSTOMER_KINDS] = {0};
    double there[CUSTOMER_KINDS] = {0};
    for (uint32_t i = 0; i < sums->share_count; i++) {
        if (is_noted(&sums->shares[i])) {
            in_cells[kind_of(sums->census, sums->shares[i].customer)]++;
        }
    }
    for (size_t i = 0; i < answer->candidate_count; i++) {
        there[kind_of(sums->census, answer->candidates[i].number)]++;
    }
    for (int kind = 0; kind < CUSTOMER_KINDS; kind++) {
        distinct[kind] = in_cells[kind] > 0 ? there[kind] / in_cells[kind] : 1;
    }
}

bool impact_tell(struct impact_sums *sums, const struct impact_customers *customers,
                 const struct impact_drawing *drawing, struct arena *arena,
                 struct impact_answer *answer, struct failure *failure)
{
    size_t places = sums->census->place_count;
    struct impact_known *known = calloc(places + 1, sizeof *known);
    if (known == NULL) {
        return failure_memory(failure, "estimating the impact");
    }
    expect_unheard(sums, known);
    judge_silence(sums, known);
    know_cells(sums, known);
    count_customers(sums);
    struct impact_population population = {0};
    struct impact_estimate estimate;
    double distinct[CUSTOMER_KINDS];
    bool done = fill_candidates(sums, customers, arena, answer, failure) &&
                fill_partners(answer, arena, failure) &&
                impact_population_copy(&sums->census->population, &population, failure) &&
                add_shown(sums, &population, failure);
    if (done) {
        share_distinct(sums, answer, distinct);
        done = impact_estimate_draw(&population, known, places, distinct, drawing, arena, &estimate,
                                    failure) &&
               fill_cells(sums, known, &estimate, arena, answer, failure);
    }
    if (done) {
        fill_total(sums, &estimate, answer);
        tell_silence(sums, known, answer);
    }
    impact_population_free(&population);
    free(known);
    return done;
}
