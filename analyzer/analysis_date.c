/* Since when, until when, and how do the hosts recover? From the ledger of harm to dates.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "analyzer/analysis_state.h"
#include "analyzer/onset.h"

/* Harm has ended when none has begun for so long: three intervals of five minutes, in which silence
 * is found, and a report. At half of it an ordinary pause would be an end. */
#define QUIET_S 1200.0

/* The installation an impact record is noted under. */
static const struct exposure_install *install_of(const struct analysis *analysis, uint32_t record)
{
    uint32_t host = analysis->impact.records[record].host;
    uint32_t i = analysis->fleet.hosts[host].installs;
    while (i != EXPOSURE_NONE && analysis->exposure.installs[i].affected != record) {
        i = analysis->exposure.installs[i].next;
    }
    return i == EXPOSURE_NONE ? NULL : &analysis->exposure.installs[i];
}

/* When the harm of one record can have come: a report that shows it is of an interval all of which
 * was harmed, and the one before was not; a silent host was well when last heard of. Never before
 * it installed the update. */
static struct onset_sighting sighting_of(const struct analysis *analysis, uint32_t number)
{
    const struct impact_record *record = &analysis->impact.records[number];
    double interval = analysis->fleet.hosts[record->host].interval_s;
    const struct exposure_install *install = install_of(analysis, number);
    struct onset_sighting sighting = {.from_s = record->began - interval, .until_s = record->began};
    if (record->sign == SIGN_SILENT) {
        sighting =
            (struct onset_sighting){.from_s = record->began, .until_s = record->began + interval};
    }
    if (install != NULL && install->installed > sighting.from_s) {
        sighting.from_s =
            install->installed < sighting.until_s ? install->installed : sighting.until_s;
    }
    return sighting;
}

/* Instants from seconds since 2000. */
static void to_instants(struct range *range)
{
    double *ends[] = {&range->low, &range->likely, &range->high};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        *ends[i] = isnan(*ends[i]) ? NAN : (double)fleet_instant_of((fleet_second)*ends[i]);
    }
}

static bool curve(const struct analysis *analysis, uint32_t update, const struct subgroup *subgroup,
                  fleet_second from, struct arena *arena, struct update_answer *answer,
                  struct failure *failure)
{
    struct recovery_point *points = arena_allocate(arena, ANSWER_RECOVERY_LIMIT * sizeof *points);
    if (points == NULL) {
        return failure_memory(failure, "drawing the recovery");
    }
    fleet_second now = analysis->next_minute * 60;
    /* Whole minutes, five at least: finer than hosts report is noise. */
    int32_t step = ((now - from) / ANSWER_RECOVERY_LIMIT / 60 + 1) * 60;
    step = step < 300 ? 300 : step;
    size_t count = 0;
    for (fleet_second at = from + step; at <= now && count < ANSWER_RECOVERY_LIMIT; at += step) {
        points[count++] = (struct recovery_point){.at = fleet_instant_of(at)};
    }
    const struct impact *impact = &analysis->impact;
    for (uint32_t i = impact->first[update]; i != IMPACT_NONE; i = impact->records[i].next) {
        const struct impact_record *record = &impact->records[i];
        if (!subgroup_contains(subgroup, &analysis->segments, record->segment)) {
            continue;
        }
        for (size_t p = 0; p < count; p++) {
            fleet_second at = fleet_second_of(points[p].at);
            points[p].harmed += record->began <= at;
            points[p].still_affected +=
                record->began <= at && (record->still_affected || record->recovered > at);
        }
    }
    answer->recovery = points;
    answer->recovery_count = count;
    return true;
}

bool analysis_date(const struct analysis *analysis, uint32_t update,
                   const struct subgroup *subgroup, double expected, struct arena *arena,
                   struct update_answer *answer, struct failure *failure)
{
    const struct impact *impact = &analysis->impact;
    if (update >= impact->update_count || impact->first[update] == IMPACT_NONE) {
        return true;
    }
    struct onset_sighting *sightings = malloc((impact->record_count + 1) * sizeof *sightings);
    if (sightings == NULL) {
        return failure_memory(failure, "dating the onset");
    }
    size_t count = 0;
    fleet_second first_seen = analysis->exposure.updates[update].first_seen;
    double earliest = first_seen;
    for (uint32_t i = impact->first[update]; i != IMPACT_NONE; i = impact->records[i].next) {
        if (subgroup_contains(subgroup, &analysis->segments, impact->records[i].segment)) {
            sightings[count++] = sighting_of(analysis, i);
            const struct exposure_install *install = install_of(analysis, i);
            earliest =
                install != NULL && install->installed < earliest ? install->installed : earliest;
        }
    }
    double now = (double)analysis->next_minute * 60;
    double noise = now > first_seen ? expected / (now - first_seen) : 0;
    answer->onset = onset_of(sightings, count, noise, earliest);
    answer->ended = onset_end_of(sightings, count, noise, now);
    free(sightings);
    bool drawn = isnan(answer->onset.likely) ||
                 curve(analysis, update, subgroup, (fleet_second)answer->onset.likely, arena,
                       answer, failure);
    if (!(now - answer->ended.high > QUIET_S)) {
        answer->ended = (struct range){.low = NAN, .likely = NAN, .high = NAN};
    }
    to_instants(&answer->onset);
    to_instants(&answer->ended);
    return drawn;
}
