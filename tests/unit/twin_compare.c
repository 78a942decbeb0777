/* Reads the analyzer's inside in one place and compares it with the twin; see twin_compare.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "twin_compare.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random_fleet.h"

/* ---- The analyzer's inside, read in this one place ---- */

static const struct fleet_host *their_host(const struct trial *trial, size_t host)
{
    uint32_t number = fleet_find(&trial->analysis->fleet, &trial->twin.hosts[host]);
    return number == FLEET_NONE ? NULL : &trial->analysis->fleet.hosts[number];
}

/* The twin's number of one of their segments. */
static size_t our_segment(const struct trial *trial, uint32_t segment)
{
    if (segment == SEGMENT_NONE) {
        return TWIN_NONE;
    }
    const struct segment *theirs = &trial->analysis->segments.items[segment];
    return twin_segment(&trial->twin, theirs->attributes, theirs->attribute_count);
}

static size_t our_update(const struct trial *trial, uint32_t update)
{
    return twin_update(&trial->twin, trial->analysis->updates.texts[update]);
}

/* TWIN_NONE where they have not met it. */
static size_t their_update(const struct trial *trial, size_t update)
{
    for (size_t u = 0; u < trial->analysis->updates.count; u++) {
        if (our_update(trial, (uint32_t)u) == update) {
            return u;
        }
    }
    return TWIN_NONE;
}

/* The age class a mask has for one of our updates. */
static unsigned their_age(const struct trial *trial, uint64_t mask, size_t update)
{
    size_t number = their_update(trial, update);
    uint32_t slot =
        number == TWIN_NONE ? EXPOSURE_NONE : trial->analysis->exposure.updates[number].slot;
    return slot == EXPOSURE_NONE ? 0 : (unsigned)(mask >> (2 * slot) & 3);
}

static unsigned their_settled(uint64_t mask)
{
    return (unsigned)(mask >> (2 * EXPOSURE_ARRIVAL_SLOT) & 3);
}

static const struct lattice_update *their_lattice(const struct trial *trial, size_t update)
{
    static const struct lattice_update nothing;
    size_t number = their_update(trial, update);
    const struct lattice *lattice = &trial->analysis->lattice;
    return number < lattice->update_count ? &lattice->updates[number] : &nothing;
}

/* What the update has where the other is present too. */
static struct lattice_count their_company(const struct trial *trial, size_t update, size_t other)
{
    const struct lattice_update *theirs = their_lattice(trial, update);
    for (size_t i = 0; i < EXPOSURE_SLOTS; i++) {
        if (theirs->company[i].update == their_update(trial, other)) {
            return theirs->company[i].count;
        }
    }
    return (struct lattice_count){0};
}

static size_t our_value(struct trial *trial, uint32_t value)
{
    const struct segments *segments = &trial->analysis->segments;
    const struct segment_value *theirs = &segments->values[value];
    return twin_evidence_value(&trial->evidence, segments->attributes[theirs->attribute].name,
                               theirs->parent, theirs->text);
}

bool twin_compare_holds(const struct trial *trial, size_t update)
{
    size_t number = their_update(trial, update);
    return number < trial->analysis->state_count &&
           trial->analysis->states[number].decided.verdict == VERDICT_HOLD;
}

static struct twin_contrast from_theirs(const struct trial *trial,
                                        const struct exposure_contrast *theirs)
{
    const struct exposure *exposure = &trial->analysis->exposure;
    const struct exposure_member *members = &exposure->members[theirs->first_member];
    struct twin_contrast contrast = {.update = our_update(trial, theirs->update),
                                     .sign = (int)theirs->sign,
                                     .shared = theirs->shared,
                                     .size_class = exposure->strata[members->stratum].size_class,
                                     .exposed = theirs->exposed_at_risk,
                                     .control = theirs->control_at_risk,
                                     .onsets = theirs->onsets,
                                     .exposed_onsets = theirs->exposed_onsets};
    for (size_t u = 0; u < trial->twin.update_count; u++) {
        bool present = their_age(trial, theirs->company, u) != 0;
        contrast.company |= present ? UINT32_C(1) << u : 0;
    }
    for (uint32_t m = 0; m < theirs->member_count; m++) {
        size_t segment = our_segment(trial, exposure->strata[members[m].stratum].segment);
        size_t at = 0;
        while (at < contrast.member_count && contrast.members[at].segment != segment) {
            at++;
        }
        contrast.members[at].segment = segment;
        contrast.members[at].at_risk += members[m].at_risk;
        contrast.members[at].onsets += members[m].onsets;
        contrast.member_count += at == contrast.member_count;
    }
    return contrast;
}

/* ---- Comparing ---- */

static void differ(const struct trial *trial, const char *what, double theirs, double ours)
{
    fail_msg("seed %llu, minute %d: %s: the analyzer has %.12g, the twin %.12g",
             (unsigned long long)trial->seed,
             trial->minute.minute - fleet_second_of(RANDOM_FLEET_START) / 60, what, theirs, ours);
}

static void same_number(const struct trial *trial, const char *what, double theirs, double ours)
{
    if (theirs != ours) {
        differ(trial, what, theirs, ours);
    }
}

static void same_sum(const struct trial *trial, const char *what, double theirs, double ours)
{
    if (!(fabs(theirs - ours) <= 1e-9 * (1 + fabs(ours)))) {
        differ(trial, what, theirs, ours);
    }
}

static void compare_host(const struct trial *trial, size_t number)
{
    const struct twin_host *ours = &trial->minute.hosts[number];
    const struct fleet_host *theirs = their_host(trial, number);
    const struct exposure *exposure = &trial->analysis->exposure;
    same_number(trial, "a host is known", theirs != NULL, ours->known);
    if (theirs == NULL) {
        return;
    }
    same_number(trial, "state", theirs->state, ours->state);
    same_number(trial, "since", theirs->since, (double)ours->since);
    same_number(trial, "last seen", theirs->last_seen, (double)ours->last_seen);
    same_number(trial, "size class", theirs->size_class, ours->size_class);
    same_number(trial, "segment", (double)our_segment(trial, theirs->segment),
                (double)ours->segment);
    assert_string_equal(trial->analysis->customers.texts[theirs->customer], ours->customer);
    same_number(trial, "at risk", theirs->risk_cell != EXPOSURE_NONE, ours->state == HOST_HEALTHY);
    if (ours->state != HOST_HEALTHY) {
        return;
    }
    const struct exposure_cell *cell = &exposure->cells[theirs->risk_cell];
    const struct exposure_stratum *stratum = &exposure->strata[cell->stratum];
    same_number(trial, "stratum's segment", (double)our_segment(trial, stratum->segment),
                (double)ours->segment);
    same_number(trial, "stratum's size class", stratum->size_class, ours->size_class);
    same_number(trial, "since healthy", their_settled(cell->mask), ours->settled_after);
    for (size_t u = 0; u < trial->twin.update_count; u++) {
        same_number(trial, "age of an exposure", their_age(trial, cell->mask, u), ours->ages[u]);
    }
}

/* Each cell has as many hosts as the twin counts in it. */
static void compare_cells(const struct trial *trial)
{
    const struct exposure *exposure = &trial->analysis->exposure;
    for (uint32_t s = 0; s < exposure->stratum_count; s++) {
        for (uint32_t c = exposure->strata[s].first_cell; c != EXPOSURE_NONE;
             c = exposure->cells[c].next) {
            size_t count = 0;
            for (size_t i = 0; i < trial->twin.host_count; i++) {
                const struct fleet_host *theirs = their_host(trial, i);
                count += trial->minute.hosts[i].state == HOST_HEALTHY && theirs->risk_cell == c;
            }
            same_number(trial, "hosts at risk in a cell", exposure->cells[c].at_risk,
                        (double)count);
        }
    }
}

static int compare_members(const void *left, const void *right)
{
    const struct twin_member *a = left;
    const struct twin_member *b = right;
    return (a->segment > b->segment) - (a->segment < b->segment);
}

static int compare_numbers(const double *left, const double *right, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

/* All of a contrast but its members, to sort and compare by. */
#define CONTRAST_NUMBERS 10
static void contrast_numbers(const struct twin_contrast *contrast, double numbers[CONTRAST_NUMBERS])
{
    numbers[0] = (double)contrast->update;
    numbers[1] = contrast->sign;
    numbers[2] = contrast->shared;
    numbers[3] = contrast->size_class;
    numbers[4] = contrast->company;
    numbers[5] = contrast->exposed;
    numbers[6] = contrast->control;
    numbers[7] = contrast->onsets;
    numbers[8] = contrast->exposed_onsets;
    numbers[9] = (double)contrast->member_count;
}

static int compare_contrasts(const void *left, const void *right)
{
    const struct twin_contrast *a = left;
    const struct twin_contrast *b = right;
    double of_a[CONTRAST_NUMBERS + 3] = {0};
    double of_b[CONTRAST_NUMBERS + 3] = {0};
    contrast_numbers(a, of_a);
    contrast_numbers(b, of_b);
    int order = compare_numbers(of_a, of_b, CONTRAST_NUMBERS);
    for (size_t m = 0; order == 0 && m < a->member_count; m++) {
        const double one[] = {(double)a->members[m].segment, a->members[m].at_risk,
                              a->members[m].onsets};
        const double other[] = {(double)b->members[m].segment, b->members[m].at_risk,
                                b->members[m].onsets};
        order = compare_numbers(one, other, 3);
    }
    return order;
}

static void sort_contrasts(struct twin_contrast *contrasts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        qsort(contrasts[i].members, contrasts[i].member_count, sizeof *contrasts[i].members,
              compare_members);
    }
    qsort(contrasts, count, sizeof *contrasts, compare_contrasts);
}

static void compare_all_contrasts(struct trial *trial)
{
    static struct twin_contrast theirs[TWIN_CONTRASTS];
    const struct exposure *exposure = &trial->analysis->exposure;
    struct twin_minute *minute = &trial->minute;
    assert_true(exposure->contrast_count <= TWIN_CONTRASTS);
    for (uint32_t i = 0; i < exposure->contrast_count; i++) {
        theirs[i] = from_theirs(trial, &exposure->contrasts[i]);
    }
    sort_contrasts(theirs, exposure->contrast_count);
    sort_contrasts(minute->contrasts, minute->contrast_count);
    static const char *const names[CONTRAST_NUMBERS] = {
        "a contrast's update", "its sign",    "its bundle", "its size class",     "its company",
        "its exposed",         "its control", "its onsets", "its exposed onsets", "its strata"};
    for (size_t i = 0; i < exposure->contrast_count && i < minute->contrast_count; i++) {
        double of_theirs[CONTRAST_NUMBERS];
        double of_ours[CONTRAST_NUMBERS];
        contrast_numbers(&theirs[i], of_theirs);
        contrast_numbers(&minute->contrasts[i], of_ours);
        for (size_t n = 0; n < CONTRAST_NUMBERS; n++) {
            same_number(trial, names[n], of_theirs[n], of_ours[n]);
        }
        same_number(trial, "its hosts by stratum",
                    compare_contrasts(&theirs[i], &minute->contrasts[i]), 0);
    }
    same_number(trial, "contrasts", exposure->contrast_count, (double)minute->contrast_count);
}

static void compare_count(const struct trial *trial, const char *what,
                          const struct lattice_count *theirs, const struct twin_part *ours)
{
    same_sum(trial, what, theirs->observed, ours->observed);
    same_sum(trial, what, theirs->expected, ours->expected);
    same_sum(trial, what, theirs->variance, ours->variance);
}

static void compare_part(const struct trial *trial, const char *what,
                         const struct lattice_part *theirs, const struct twin_part *ours)
{
    long double both[TWIN_POINTS] = {0};
    struct evidence_sum their_both = {{0}};
    _Static_assert(EVIDENCE_POINTS == TWIN_POINTS, "both have the same grid");
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        for (int k = 0; k < TWIN_POINTS; k++) {
            same_sum(trial, what, theirs->signs[sign].log_ratio[k],
                     (double)ours->log_ratio[sign][k]);
            both[k] += ours->log_ratio[sign][k];
        }
        same_sum(trial, what, evidence_log_e(&theirs->signs[sign]),
                 twin_log_e(ours->log_ratio[sign]));
        evidence_add(&their_both, &theirs->signs[sign]);
    }
    same_sum(trial, what, evidence_log_e(&their_both), twin_log_e(both));
    compare_count(trial, what, &theirs->count, ours);
}

/* What the table by segment tells of a suspected update's value. */
static void compare_table(struct trial *trial, size_t update, uint32_t value)
{
    size_t ours = our_value(trial, value);
    struct lattice_tally theirs = lattice_read_value(their_lattice(trial, update), value, true);
    const struct twin_part *own = &trial->evidence.updates[update].values[ours];
    const struct twin_part *early = &trial->evidence.updates[update].early[ours];
    same_sum(trial, "onsets told of a value", theirs.count.observed,
             own->observed + early->observed);
    same_sum(trial, "expected of a value", theirs.count.expected, own->expected + early->expected);
    for (int k = 0; k < EVIDENCE_POINTS; k++) {
        long double sum = 0;
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            sum += own->log_ratio[sign][k] + early->log_ratio[sign][k];
        }
        same_sum(trial, "the ratio of a value", theirs.sum.log_ratio[k], (double)sum);
    }
}

static void compare_evidence(struct trial *trial)
{
    static const struct lattice_part nothing;
    for (size_t u = 0; u < trial->twin.update_count; u++) {
        const struct lattice_update *theirs = their_lattice(trial, u);
        compare_part(trial, "evidence of the fleet", &theirs->own.fleet,
                     &trial->evidence.updates[u].fleet);
        compare_part(trial, "evidence of a bundle",
                     theirs->shared != NULL ? &theirs->shared->fleet : &nothing,
                     &trial->evidence.updates[u].bundle);
        for (size_t other = 0; other < trial->twin.update_count; other++) {
            struct lattice_count company = their_company(trial, u, other);
            compare_count(trial, "counts in company", &company,
                          &trial->evidence.updates[u].company[other]);
        }
        for (uint32_t v = 0; v < trial->analysis->segments.value_count; v++) {
            compare_part(trial, "evidence of a value",
                         v < theirs->own.value_count ? &theirs->own.values[v] : &nothing,
                         &trial->evidence.updates[u].values[our_value(trial, v)]);
            compare_table(trial, u, v);
        }
    }
}

/* ---- Host-minutes and hosts by update ---- */

static struct twin_tally *find_tally(struct trial *trial, size_t update, size_t segment,
                                     unsigned size_class)
{
    for (size_t i = 0; i < trial->tally_count; i++) {
        struct twin_tally *tally = &trial->tallies[i];
        if (tally->update == update && tally->segment == segment &&
            tally->size_class == size_class) {
            return tally;
        }
    }
    assert_true(trial->tally_count < sizeof trial->tallies / sizeof *trial->tallies);
    trial->tallies[trial->tally_count] =
        (struct twin_tally){.update = update, .segment = segment, .size_class = size_class};
    return &trial->tallies[trial->tally_count++];
}

static void add_count(struct twin_count *sum, const struct twin_count *count)
{
    for (int sign = 0; sign < TWIN_SIGNS; sign++) {
        sum->exposed_minutes[sign] += count->exposed_minutes[sign];
        sum->control_minutes[sign] += count->control_minutes[sign];
        sum->exposed_onsets[sign] += count->exposed_onsets[sign];
        sum->control_onsets[sign] += count->control_onsets[sign];
    }
}

/* Adds the minute to the tally of each stratum: once, when its first host comes up. */
static void tally_minute(struct trial *trial)
{
    const struct twin_host *hosts = trial->minute.hosts;
    for (size_t i = 0; i < trial->twin.host_count; i++) {
        bool first = hosts[i].known;
        for (size_t j = 0; first && j < i; j++) {
            first = !hosts[j].known || hosts[j].segment != hosts[i].segment ||
                    hosts[j].size_class != hosts[i].size_class;
        }
        for (size_t u = 0; first && u < trial->twin.update_count; u++) {
            struct twin_count count;
            if (twin_count_stratum(&trial->twin, &trial->minute, u, hosts[i].segment,
                                   hosts[i].size_class, &count)) {
                add_count(&find_tally(trial, u, hosts[i].segment, hosts[i].size_class)->sum,
                          &count);
            }
        }
    }
}

static void compare_tallies(struct trial *trial)
{
    const struct exposure *exposure = &trial->analysis->exposure;
    size_t met = 0;
    for (uint32_t t = 0; t < exposure->tally_count; t++) {
        const struct exposure_tally *theirs = &exposure->tallies[t];
        const struct exposure_stratum *stratum = &exposure->strata[theirs->stratum];
        const struct twin_count *ours =
            &find_tally(trial, our_update(trial, theirs->update),
                        our_segment(trial, stratum->segment), stratum->size_class)
                 ->sum;
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            same_number(trial, "exposed host-minutes", theirs->exposed_minutes[sign],
                        ours->exposed_minutes[sign]);
            same_number(trial, "host-minutes of the control", theirs->control_minutes[sign],
                        ours->control_minutes[sign]);
            same_number(trial, "exposed onsets", theirs->exposed_onsets[sign],
                        ours->exposed_onsets[sign]);
            same_number(trial, "onsets of the control", theirs->control_onsets[sign],
                        ours->control_onsets[sign]);
        }
        met++;
    }
    same_number(trial, "tallies", (double)met, (double)trial->tally_count);
}

static void compare_updates(const struct trial *trial)
{
    for (size_t u = 0; u < trial->twin.update_count; u++) {
        size_t number = their_update(trial, u);
        struct exposure_update ours = {0};
        for (size_t i = 0; i < trial->twin.host_count; i++) {
            const struct twin_host *host = &trial->minute.hosts[i];
            for (size_t k = 0; k < host->install_count; k++) {
                ours.installed += host->installs[k].update == u;
            }
            ours.failed += host->failed[u];
            ours.rolled_back += host->rolled_back[u];
            ours.exposed_now += host->ages[u] != 0;
        }
        static const struct exposure_update nothing;
        const struct exposure_update *theirs =
            number == TWIN_NONE ? &nothing : &trial->analysis->exposure.updates[number];
        same_number(trial, "installed", (double)theirs->installed, (double)ours.installed);
        same_number(trial, "failed", (double)theirs->failed, (double)ours.failed);
        same_number(trial, "rolled back", (double)theirs->rolled_back, (double)ours.rolled_back);
        same_number(trial, "exposed now", (double)theirs->exposed_now, (double)ours.exposed_now);
    }
}

void twin_compare(struct trial *trial)
{
    twin_evidence_take(&trial->evidence, &trial->twin, &trial->minute);
    tally_minute(trial);
    for (size_t i = 0; i < trial->twin.host_count; i++) {
        compare_host(trial, i);
    }
    compare_cells(trial);
    compare_all_contrasts(trial);
    compare_evidence(trial);
    compare_tallies(trial);
    compare_updates(trial);
}
