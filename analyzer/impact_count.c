/* Counting the ledger of harm by region and product line; see impact.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "analyzer/impact.h"
#include "analyzer/impact_sums.h"

/* A stratum's own control rate counts as much as the pooled one once it has seen this many onsets,
 * and so does that of a region and product line as that of all, and that as the fleet's quiet one.
 */
#define POOLED_ONSETS 3.0

struct counting {
    const struct exposure *exposure;
    const struct fleet *fleet;
    const struct segments *segments;
    uint32_t update;
    bool *inside; /* by segment number; the last: of no segment */
    struct impact_sums sums;
};

/* A rate drawn towards another, where there is one. */
static double drawn_rate(double onsets, double minutes, double towards)
{
    if (towards <= 0) {
        return minutes > 0 ? onsets / minutes : 0;
    }
    return (onsets + POOLED_ONSETS) / (minutes + POOLED_ONSETS / towards);
}

double impact_pooled_rate(const struct exposure *exposure, enum exposure_sign sign, double onsets,
                          double minutes)
{
    const struct exposure_quiet *quiet = &exposure->quiet;
    return drawn_rate(onsets, minutes, drawn_rate(quiet->onsets[sign], quiet->minutes[sign], 0));
}

double impact_expected(const struct exposure_tally *tally, enum exposure_sign sign,
                       double pooled_rate)
{
    return tally->exposed_minutes[sign] *
           drawn_rate(tally->control_onsets[sign], tally->control_minutes[sign], pooled_rate);
}

struct share_key {
    const struct impact_sums *sums;
    uint32_t customer, cell;
};

static bool same_share(const void *context, uint32_t item)
{
    const struct share_key *key = context;
    const struct impact_sums_share *share = &key->sums->shares[item];
    return share->customer == key->customer && share->cell == key->cell;
}

static struct impact_sums_share *find_share(struct impact_sums *sums, uint32_t customer,
                                            uint32_t cell, struct failure *failure)
{
    struct share_key key = {.sums = sums, .customer = customer, .cell = cell};
    uint64_t hash = hash_number((uint64_t)customer << 32 | cell);
    uint32_t found = hash_index_find(&sums->by_share, hash, same_share, &key);
    if (found != HASH_INDEX_NONE) {
        return &sums->shares[found];
    }
    if (sums->share_count == sums->share_capacity) {
        uint32_t capacity = sums->share_capacity == 0 ? 1024 : sums->share_capacity * 2;
        struct impact_sums_share *shares = realloc(sums->shares, capacity * sizeof *shares);
        if (shares == NULL) {
            (void)failure_memory(failure, "counting the affected");
            return NULL;
        }
        sums->shares = shares;
        sums->share_capacity = capacity;
    }
    if (!hash_index_add(&sums->by_share, hash, sums->share_count, failure)) {
        return NULL;
    }
    struct impact_sums_share *share = &sums->shares[sums->share_count++];
    *share =
        (struct impact_sums_share){.customer = customer, .cell = cell, .first_onset = INT32_MAX};
    return share;
}

/* ---- The passes over the data ---- */

static bool mark_inside(struct counting *counting, const struct subgroup *subgroup,
                        struct failure *failure)
{
    counting->inside = calloc(counting->segments->count + 1, sizeof *counting->inside);
    if (counting->inside == NULL) {
        return failure_memory(failure, "counting the affected");
    }
    for (uint32_t i = 0; i < counting->segments->count; i++) {
        counting->inside[i] = subgroup_contains(subgroup, counting->segments, i);
    }
    return true;
}

static bool is_inside(const struct counting *counting, uint32_t segment)
{
    /* mark_inside has made it: NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    return segment < counting->segments->count && counting->inside[segment];
}

static bool count_noted(struct counting *counting, const struct impact *impact,
                        struct failure *failure)
{
    uint32_t first =
        counting->update < impact->update_count ? impact->first[counting->update] : IMPACT_NONE;
    for (uint32_t i = first; i != IMPACT_NONE; i = impact->records[i].next) {
        const struct impact_record *record = &impact->records[i];
        if (!is_inside(counting, record->segment)) {
            continue;
        }
        const struct fleet_host *host = &counting->fleet->hosts[record->host];
        size_t cell = impact_census_place(counting->sums.census, host->customer, record->segment);
        struct impact_sums_share *share =
            find_share(&counting->sums, host->customer, (uint32_t)cell, failure);
        if (share == NULL) {
            return false;
        }
        counting->sums.cells[cell].hosts[record->sign]++;
        counting->sums.cells[cell].noted_minutes += record->minutes_at_risk;
        share->hosts[record->sign]++;
        share->still_affected += record->still_affected;
        if (!record->still_affected && record->recovered > share->last_recovered) {
            share->last_recovered = record->recovered;
        }
        if (record->began < share->first_onset) {
            share->first_onset = record->began;
        }
    }
    return true;
}

/* The cell of a stratum's hosts: strata do not know customers, so its region is the hosts' own. */
static struct impact_sums_cell *segment_cell(struct counting *counting, uint32_t segment)
{
    size_t place = impact_census_place(counting->sums.census, FLEET_NONE, segment);
    return &counting->sums.cells[place];
}

static void count_expected(struct counting *counting)
{
    const struct exposure *exposure = counting->exposure;
    double minutes[SIGN_COUNT] = {0};
    double onsets[SIGN_COUNT] = {0};
    uint32_t first = exposure->updates[counting->update].first_tally;
    for (uint32_t i = first; i != EXPOSURE_NONE; i = exposure->tallies[i].next) {
        const struct exposure_tally *tally = &exposure->tallies[i];
        uint32_t segment = exposure->strata[tally->stratum].segment;
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            minutes[sign] += tally->control_minutes[sign];
            onsets[sign] += tally->control_onsets[sign];
        }
        if (is_inside(counting, segment)) {
            struct impact_sums_cell *cell = segment_cell(counting, segment);
            cell->exposed_minutes += tally->exposed_minutes[SIGN_SEEN];
            for (int sign = 0; sign < SIGN_COUNT; sign++) {
                cell->control_minutes[sign] += tally->control_minutes[sign];
                cell->control_onsets[sign] += tally->control_onsets[sign];
            }
        }
    }
    for (uint32_t i = first; i != EXPOSURE_NONE; i = exposure->tallies[i].next) {
        const struct exposure_tally *tally = &exposure->tallies[i];
        uint32_t segment = exposure->strata[tally->stratum].segment;
        if (!is_inside(counting, segment)) {
            continue;
        }
        struct impact_sums_cell *cell = segment_cell(counting, segment);
        if (cell->exposed_minutes <= 0) {
            continue;
        }
        /* The share of the host-minutes that is of hosts not noted; see impact.h. */
        double unnoted = 1 - cell->noted_minutes / cell->exposed_minutes;
        for (enum exposure_sign sign = SIGN_SEEN; unnoted > 0 && sign < SIGN_COUNT; sign++) {
            double pooled = impact_pooled_rate(exposure, sign, onsets[sign], minutes[sign]);
            double rate =
                drawn_rate(cell->control_onsets[sign], cell->control_minutes[sign], pooled);
            cell->expected_hosts[sign] += unnoted * impact_expected(tally, sign, rate);
        }
    }
}

/* Hosts inside of the segment and outside, as controls for one another's silence. */
static void count_sides(struct counting *counting)
{
    const struct impact_census *census = counting->sums.census;
    for (uint32_t i = 0; i <= census->segment_count; i++) {
        const struct census_segment *hosts = &census->segments[i];
        bool inside = is_inside(counting, i);
        struct impact_sums_cell *cell = segment_cell(counting, i);
        cell->inside += inside ? hosts->hosts : 0;
        cell->outside += inside ? 0 : hosts->hosts;
        counting->sums.outside_on += inside ? 0 : hosts->on;
        counting->sums.outside_distressed += inside ? 0 : hosts->distressed;
    }
}

/* One that was about to tell is the first to be missed: it was last heard up to an interval before.
 */
bool impact_is_unheard(const struct exposure *exposure, const struct fleet_host *host,
                       uint32_t update)
{
    if (host->last_seen < exposure->updates[update].first_seen - host->interval_s) {
        return false;
    }
    uint32_t install = host->installs;
    while (install != EXPOSURE_NONE && exposure->installs[install].update != update) {
        install = exposure->installs[install].next;
    }
    return install == EXPOSURE_NONE;
}

static bool count_unheard(struct counting *counting, struct failure *failure)
{
    const struct impact_census *census = counting->sums.census;
    for (size_t i = 0; i < census->silent_count; i++) {
        const struct fleet_host *host = &counting->fleet->hosts[census->silent[i]];
        if (!impact_is_unheard(counting->exposure, host, counting->update)) {
            continue;
        }
        struct impact_sums_cell *cell = segment_cell(counting, host->segment);
        if (!is_inside(counting, host->segment)) {
            cell->unheard_outside++;
            continue;
        }
        cell->unheard_inside++;
        size_t place = impact_census_place(census, host->customer, host->segment);
        struct impact_sums_share *share =
            find_share(&counting->sums, host->customer, (uint32_t)place, failure);
        if (share == NULL) {
            return false;
        }
        share->unheard++;
        if (host->last_seen < share->first_onset) {
            share->first_onset = host->last_seen;
        }
    }
    return true;
}

bool impact_count(const struct impact *impact, const struct exposure *exposure,
                  const struct fleet *fleet, const struct segments *segments,
                  const struct subgroup *subgroup, uint32_t update,
                  const struct impact_customers *customers, const struct impact_drawing *drawing,
                  struct arena *arena, struct impact_answer *answer, struct failure *failure)
{
    *answer = (struct impact_answer){0};
    struct counting counting = {.exposure = exposure,
                                .fleet = fleet,
                                .segments = segments,
                                .update = update,
                                .sums = {.census = customers->census}};
    struct impact_sums *sums = &counting.sums;
    sums->cells = calloc(customers->census->place_count + 1, sizeof *sums->cells);
    bool done = sums->cells != NULL ? mark_inside(&counting, subgroup, failure) &&
                                          count_noted(&counting, impact, failure) &&
                                          count_unheard(&counting, failure)
                                    : failure_memory(failure, "counting the affected");
    if (done) {
        count_expected(&counting);
        count_sides(&counting);
        done = impact_tell(sums, customers, drawing, arena, answer, failure);
    }
    free(counting.inside);
    free(sums->cells);
    free(sums->shares);
    hash_index_free(&sums->by_share);
    return done;
}
