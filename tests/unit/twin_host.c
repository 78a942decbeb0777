/* What one host is, from its reports alone; see twin.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "twin.h"

#define SECONDS_TO_2000 INT64_C(946684800)
#define WINDOW_MINUTES 60

/* Of times after 2000 only. */
static int64_t second_of(instant_us instant)
{
    return instant / 1000000 - SECONDS_TO_2000;
}

/* The host while its reports are gone through. */
struct replay {
    struct twin_host *host;
    int32_t minute, first_minute;
    int64_t delay_s; /* smallest so far */
    instant_us last_observed;
    bool heard_any;
    int intervals[TWIN_MINUTES]; /* at the end of each minute from first_minute on */
    int interval_s;
    double recent, mean, variance;
    int baseline_count;
    bool has_recent;
    int high_run, calm_run, raised_run, raised_score;
    int64_t high_since;
};

/* ---- Age classes ---- */

static int patience_s(int interval_s)
{
    return 3 * interval_s > 300 ? 3 * interval_s : 300;
}

static int patience_minutes(int interval_s)
{
    return (patience_s(interval_s) + 59) / 60;
}

static int window_minutes(int interval_s)
{
    int least = patience_minutes(interval_s) + 2 * interval_s / 60;
    return least > WINDOW_MINUTES ? least : WINDOW_MINUTES;
}

/* Exposed is who is in the window, and as long after it as it takes to be found pinned. */
static int class_of(int age, int interval_s)
{
    int patience = patience_minutes(interval_s);
    int exposed = window_minutes(interval_s) + (2 * interval_s + 59) / 60;
    return age >= exposed ? 0 : age < patience ? 1 : age < 2 * patience ? 2 : 3;
}

static int interval_at_end(const struct replay *replay, int32_t minute)
{
    return minute < replay->first_minute ? 300 : replay->intervals[minute - replay->first_minute];
}

/* A class lasts as long as the interval makes it that the host had when it entered it. */
static uint8_t class_now(const struct replay *replay, int32_t begin, int32_t entered,
                         int interval_s, int32_t now)
{
    int class = class_of(entered - begin, interval_s);
    for (int32_t m = entered + 1; class != 0 && m <= now; m++) {
        if (class_of(m - begin, interval_s) != class) {
            interval_s = interval_at_end(replay, m - 1);
            class = class_of(m - begin, interval_s);
        }
    }
    return (uint8_t) class;
}

/* ---- Installations ---- */

static int64_t correct(const struct replay *replay, instant_us by_host, instant_us received_at)
{
    instant_us corrected = by_host + replay->delay_s * 1000000;
    return second_of(corrected < received_at ? corrected : received_at);
}

static uint8_t exposure_now(const struct replay *replay, size_t update);

/* About the same date, or it exposes the host already. */
static bool is_told_again(const struct replay *replay, size_t update, int64_t installed)
{
    const struct twin_host *host = replay->host;
    for (size_t i = 0; i < host->install_count; i++) {
        if (host->installs[i].update == update &&
            llabs(host->installs[i].installed - installed) < 300) {
            return true;
        }
    }
    return exposure_now(replay, update) != 0;
}

/* Taken back again it counts no more; of an installation nobody told of it does each time. */
static void roll_back(struct replay *replay, size_t update)
{
    struct twin_host *host = replay->host;
    bool known = false;
    bool undoes = false;
    for (size_t i = 0; i < host->install_count; i++) {
        struct twin_install *install = &host->installs[i];
        if (install->update == update) {
            known = true;
            undoes |= install->undone == INT32_MAX;
            install->undone = install->undone == INT32_MAX ? replay->minute : install->undone;
        }
    }
    host->rolled_back[update] += undoes || !known;
}

static void take_update(struct replay *replay, size_t update, const struct report_update *told,
                        const struct report *report)
{
    struct twin_host *host = replay->host;
    int64_t installed = correct(replay, told->at, report->received_at);
    if (told->outcome == UPDATE_ROLLED_BACK) {
        roll_back(replay, update);
    } else if (told->outcome == UPDATE_FAILED) {
        host->failed[update]++;
    } else if (!is_told_again(replay, update, installed)) {
        int interval_s = interval_at_end(replay, replay->minute - 1);
        assert_true(host->install_count < TWIN_INSTALLS);
        host->installs[host->install_count++] = (struct twin_install){
            .update = update,
            .installed = installed,
            .heard = replay->minute,
            .undone = INT32_MAX,
            .in_time = replay->minute - installed / 60 < window_minutes(interval_s)};
    }
}

static bool same_updates(const struct report *a, const struct report *b)
{
    bool same = a->update_count == b->update_count;
    for (size_t i = 0; same && i < a->update_count; i++) {
        same = strcmp(a->updates[i].id, b->updates[i].id) == 0 &&
               a->updates[i].outcome == b->updates[i].outcome &&
               a->updates[i].at == b->updates[i].at;
    }
    return same;
}

/* Whether the minute has told the same before: a report is stored twice now and then. */
static bool is_once_more(const struct twin *twin, const struct twin_told *told)
{
    for (const struct twin_told *before = twin->told; before < told; before++) {
        if (before->host == told->host && before->minute == told->minute &&
            before->report->observed_at == told->report->observed_at &&
            same_updates(before->report, told->report)) {
            return true;
        }
    }
    return false;
}

/* Where the host belongs and what it installed, before anything is heard. */
static void place(const struct twin *twin, struct replay *replay, const struct twin_told *told)
{
    const struct report *report = told->report;
    struct twin_host *host = replay->host;
    int64_t delay_s = (report->received_at - report->observed_at) / 1000000;
    replay->delay_s = delay_s < replay->delay_s ? delay_s : replay->delay_s;
    host->known = true;
    host->customer = report->customer_id;
    host->size_class = told->size_class;
    if (report->has_host) {
        host->segment = twin_segment(twin, report->attributes, report->attribute_count);
    }
    bool once_more = report->update_count > 0 && is_once_more(twin, told);
    for (size_t i = 0; !once_more && i < report->update_count; i++) {
        take_update(replay, twin_update(twin, report->updates[i].id), &report->updates[i], report);
    }
}

/* The newest installation of an update by its date is what exposes; two of one date are one. */
static uint8_t exposure_now(const struct replay *replay, size_t update)
{
    const struct twin_install *newest = NULL;
    for (size_t i = 0; i < replay->host->install_count; i++) {
        const struct twin_install *install = &replay->host->installs[i];
        if (install->update == update &&
            (newest == NULL || install->installed > newest->installed)) {
            newest = install;
        }
    }
    if (newest == NULL || !newest->in_time || newest->undone != INT32_MAX) {
        return 0;
    }
    return class_now(replay, newest->heard, newest->heard,
                     interval_at_end(replay, newest->heard - 1), replay->minute);
}

/* As the minute begins what exposes stops being fresh. */
static bool is_awaited(const struct replay *replay, size_t update)
{
    const struct twin_install *newest = NULL;
    for (size_t i = 0; i < replay->host->install_count; i++) {
        const struct twin_install *install = &replay->host->installs[i];
        if (install->update == update && install->heard < replay->minute &&
            (newest == NULL || install->installed > newest->installed)) {
            newest = install;
        }
    }
    if (newest == NULL || !newest->in_time || newest->undone < replay->minute) {
        return false;
    }
    int interval_s = interval_at_end(replay, newest->heard - 1);
    return class_now(replay, newest->heard, newest->heard, interval_s, replay->minute - 1) == 1 &&
           class_now(replay, newest->heard, newest->heard, interval_s, replay->minute) != 1;
}

/* Of an installation that was the newest of its update when it was told. */
static bool tells(const struct replay *replay)
{
    bool any = false;
    const struct twin_install *installs = replay->host->installs;
    for (size_t i = 0; i < replay->host->install_count; i++) {
        bool newest = installs[i].heard == replay->minute && installs[i].in_time;
        for (size_t before = 0; newest && before < i; before++) {
            newest = installs[before].update != installs[i].update ||
                     installs[before].installed <= installs[i].installed;
        }
        any |= newest;
    }
    return any;
}

/* ---- States ---- */

static void turn(struct replay *replay, enum host_state to, int64_t since)
{
    struct twin_host *host = replay->host;
    /* The first step of the minute tells, and only of a host healthy at its beginning. */
    if (host->before == HOST_HEALTHY && host->onset < 0) {
        host->onset = to == HOST_SILENT;
    }
    host->state = to;
    host->since = since;
}

static double deviation(const struct replay *replay)
{
    return fmax(sqrt(replay->variance), 0.01);
}

/* 3: 20 points and 4 deviations over the baseline; 1: 12 points and 4 deviations of the mean. */
static int raised_by(const struct replay *replay)
{
    double rise = replay->recent - replay->mean;
    double weight = replay->interval_s / (replay->interval_s + 450.0);
    if (replay->baseline_count < 6) {
        return 0;
    }
    if (rise >= 0.20 && rise >= 4 * deviation(replay)) {
        return 3;
    }
    return rise >= 0.12 && rise >= 4 * deviation(replay) * sqrt(weight / (2 - weight));
}

static void learn(struct replay *replay, double busy)
{
    double weight = fmax(1.0 / (replay->baseline_count + 1), 1.0 / 64);
    double difference = busy - replay->mean;
    replay->mean += weight * difference;
    replay->variance = (1 - weight) * (replay->variance + weight * difference * difference);
    replay->baseline_count++;
}

static void measure(struct replay *replay, const struct report *report)
{
    double busy = report->busy;
    replay->interval_s = (int)floor(report->interval_s + 0.5);
    double weight = report->interval_s / (report->interval_s + 450);
    replay->recent = replay->has_recent ? replay->recent + weight * (busy - replay->recent) : busy;
    replay->has_recent = true;
    if (busy < 0.95) {
        replay->high_run = 0;
    } else if (replay->high_run++ == 0) {
        replay->high_since =
            correct(replay, report->observed_at, report->received_at) - (int64_t)report->interval_s;
    }
    bool far = replay->baseline_count >= 6 && busy - replay->mean >= 0.20 &&
               busy - replay->mean >= 4 * deviation(replay);
    replay->calm_run = busy >= 0.95 || far ? 0 : replay->calm_run + 1;
    if (replay->host->state == HOST_ELEVATED && replay->calm_run == 1) {
        replay->recent = busy;
    }
    int raised = raised_by(replay);
    replay->raised_score = raised == 0 ? 0 : replay->raised_score + raised;
}

static void decide(struct replay *replay, const struct report *report)
{
    struct twin_host *host = replay->host;
    int64_t observed = correct(replay, report->observed_at, report->received_at);
    if (replay->high_run >= 2 && observed - replay->high_since >= 120) {
        if (host->state != HOST_PINNED) {
            turn(replay, HOST_PINNED, replay->high_since);
        }
    } else if (host->state == HOST_HEALTHY && replay->raised_score >= 6) {
        turn(replay, HOST_ELEVATED,
             observed - (int64_t)replay->interval_s * (raised_by(replay) == 3 ? 2 : 6));
    } else if (host->state != HOST_HEALTHY && replay->calm_run >= 2 &&
               (host->state != HOST_ELEVATED || raised_by(replay) == 0)) {
        replay->recent = report->busy;
        replay->raised_score = 0;
        turn(replay, HOST_HEALTHY, host->last_seen); /* when it is heard of */
    } else if (replay->calm_run > 0 &&
               ((host->state == HOST_HEALTHY && replay->raised_score == 0) ||
                (host->state == HOST_NEW && replay->baseline_count < 6))) {
        learn(replay, report->busy);
    }
}

static void hear(struct replay *replay, const struct report *report)
{
    struct twin_host *host = replay->host;
    int64_t received = second_of(report->received_at);
    if (!replay->heard_any) {
        host->since = host->last_seen = received;
        replay->last_observed = INT64_MIN;
        replay->heard_any = true;
    }
    host->last_seen = received > host->last_seen ? received : host->last_seen;
    if (host->state == HOST_SILENT) {
        replay->high_run = replay->calm_run = replay->raised_score = 0;
        replay->has_recent = false;
        turn(replay, HOST_NEW, received);
    }
    if (report->observed_at > replay->last_observed) {
        replay->last_observed = report->observed_at;
        if (report->has_cpu) {
            measure(replay, report);
            decide(replay, report);
        }
    }
}

/* One minute: installations, then figures, then silence. */
static void pass_minute(const struct twin *twin, struct replay *replay, size_t number, size_t *next)
{
    struct twin_host *host = replay->host;
    const size_t *places = twin->reports_of[number];
    size_t begin = *next;
    host->before = host->state;
    host->since_before = host->since;
    host->onset = -1;
    while (*next < twin->report_counts[number] &&
           twin->told[places[*next]].minute == replay->minute) {
        place(twin, replay, &twin->told[places[(*next)++]]);
    }
    for (size_t i = begin; i < *next; i++) {
        hear(replay, twin->told[places[i]].report);
    }
    if (host->state != HOST_SILENT &&
        host->last_seen + patience_s(replay->interval_s) < ((int64_t)replay->minute + 1) * 60) {
        turn(replay, HOST_SILENT, host->last_seen);
    }
    assert_true(replay->minute - replay->first_minute < TWIN_MINUTES);
    replay->intervals[replay->minute - replay->first_minute] = replay->interval_s;
}

void twin_host_at(const struct twin *twin, size_t number, int32_t minute, struct twin_host *host)
{
    static struct replay replay;
    int32_t first = twin->told[twin->reports_of[number][0]].minute;
    *host = (struct twin_host){.segment = TWIN_NONE, .onset = -1};
    replay = (struct replay){
        .host = host, .first_minute = first, .interval_s = 300, .delay_s = INT32_MAX};
    size_t next = 0;
    for (replay.minute = first; replay.minute <= minute; replay.minute++) {
        pass_minute(twin, &replay, number, &next);
    }
    if (!host->known) {
        return;
    }
    replay.minute = minute;
    for (size_t update = 0; update < twin->update_count; update++) {
        host->ages[update] = exposure_now(&replay, update);
        host->awaited |= is_awaited(&replay, update);
    }
    host->tells = tells(&replay);
    host->interval_minutes = replay.interval_s > 60 ? (unsigned)(replay.interval_s + 30) / 60 : 1;
    /* Its interval was known before it could turn healthy. */
    host->settled = (uint8_t)class_of(minute - (int32_t)(host->since_before / 60),
                                      interval_at_end(&replay, minute - 1));
    host->settled_after =
        (uint8_t)class_of(minute - (int32_t)(host->since / 60), replay.interval_s);
}
