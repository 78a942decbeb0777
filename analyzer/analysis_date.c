/* Since when, until when, and how do the hosts recover? From the ledger of harm to dates.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "analyzer/analysis_state.h"
#include "analyzer/onset.h"
#include "analyzer/onset_clock.h"

/* Harm has ended when none has begun for so long: three intervals of five minutes, in which silence
 * is found, and a report. At half of it an ordinary pause would be an end. */
#define QUIET (20 * (double)INSTANT_MINUTE)

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

/* When the harm of one record can have come: the report that shows it was busy for 95 % of its
 * interval, so it may have begun a twentieth into that one and not before a twentieth of the one
 * that shows nothing; a silent host was well when last heard of. Never before it installed the
 * update, as ordinary distress may. */
static struct onset_sighting sighting_of(const struct analysis *analysis, uint32_t number)
{
    const struct impact_record *record = &analysis->impact.records[number];
    double interval = fmax(analysis->fleet.hosts[record->host].interval_s, 1);
    const struct exposure_install *install = install_of(analysis, number);
    double until_s = record->began + (record->sign == SIGN_SILENT ? interval : interval / 20);
    struct onset_sighting sighting = {.from_s = until_s - interval, .until_s = until_s, .share = 1};
    if (install != NULL && install->installed > sighting.from_s) {
        sighting.from_s = fmin(install->installed, until_s);
        sighting.share = (until_s - sighting.from_s) / interval;
    }
    return sighting;
}

/* Instants from what the clock of exposure reads. */
static void to_instants(const struct onset_clock *clock, struct range *range)
{
    double *ends[] = {&range->low, &range->likely, &range->high};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        double at_s = onset_clock_when(clock, *ends[i]);
        *ends[i] = isnan(at_s) ? NAN : (double)fleet_instant_of((fleet_second)at_s);
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

/* Who was harmed and when, and since when the update has been about. */
struct sightings {
    struct onset_sighting *all;
    size_t count;
    double first_s;       /* installation */
    double heard_after_s; /* of installations, on average */
};

static bool gather(const struct analysis *analysis, uint32_t update,
                   const struct subgroup *subgroup, struct sightings *sightings,
                   struct failure *failure)
{
    const struct impact *impact = &analysis->impact;
    double heard_after_min = 0;
    *sightings =
        (struct sightings){.all = malloc((impact->record_count + 1) * sizeof *sightings->all),
                           .first_s = analysis->exposure.updates[update].first_seen};
    if (sightings->all == NULL) {
        return failure_memory(failure, "dating the onset");
    }
    for (uint32_t i = impact->first[update]; i != IMPACT_NONE; i = impact->records[i].next) {
        if (!subgroup_contains(subgroup, &analysis->segments, impact->records[i].segment)) {
            continue;
        }
        sightings->all[sightings->count++] = sighting_of(analysis, i);
        const struct exposure_install *install = install_of(analysis, i);
        if (install != NULL) {
            sightings->first_s = fmin(sightings->first_s, install->installed);
            heard_after_min += install->heard_after_min;
        }
    }
    sightings->heard_after_s = 60 * heard_after_min / fmax((double)sightings->count, 1);
    return true;
}

/* Onset and end, as the clock of exposure reads. */
static bool date_both(const struct sightings *sightings, const struct onset_clock *clock,
                      double expected, double now_s, struct update_answer *answer,
                      struct failure *failure)
{
    double first_s = sightings->first_s;
    double noise_per_s = now_s > first_s ? expected / (now_s - first_s) : 0;
    for (size_t i = 0; i < sightings->count; i++) {
        struct onset_sighting *one = &sightings->all[i];
        one->from_s = onset_clock_read(clock, one->from_s);
        one->until_s = onset_clock_read(clock, one->until_s);
    }
    return onset_of(sightings->all, sightings->count, noise_per_s, first_s, &answer->onset,
                    failure) &&
           onset_end_of(sightings->all, sightings->count, noise_per_s, now_s, &answer->ended,
                        failure);
}

bool analysis_date(const struct analysis *analysis, uint32_t update,
                   const struct subgroup *subgroup, double expected, struct arena *arena,
                   struct update_answer *answer, struct failure *failure)
{
    static const struct course_update no_path = {.marks = NULL};
    const struct course *course = &analysis->course;
    struct sightings sightings;
    if (update >= analysis->impact.update_count || analysis->impact.first[update] == IMPACT_NONE) {
        return true;
    }
    if (!gather(analysis, update, subgroup, &sightings, failure)) {
        return false;
    }
    double now_s = (double)analysis->next_minute * 60;
    struct onset_clock clock;
    onset_clock_set(&clock, update < course->update_count ? &course->updates[update] : &no_path,
                    sightings.first_s, sightings.heard_after_s, now_s,
                    (double)analysis->options.risk_window / (double)INSTANT_SECOND);
    bool done = date_both(&sightings, &clock, expected, now_s, answer, failure);
    free(sightings.all);
    if (!done) {
        return false;
    }
    to_instants(&clock, &answer->onset);
    to_instants(&clock, &answer->ended);
    if (!((double)fleet_instant_of((fleet_second)now_s) - answer->ended.high > QUIET)) {
        answer->ended = (struct range){.low = NAN, .likely = NAN, .high = NAN};
    }
    return isnan(answer->onset.likely) ||
           curve(analysis, update, subgroup, fleet_second_of((instant_us)answer->onset.likely),
                 arena, answer, failure);
}
