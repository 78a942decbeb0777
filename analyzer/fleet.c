/* The state of every host; see fleet.h for the drawing. Who they are is in fleet_index.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/fleet.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "analyzer/deadline.h"

_Static_assert(sizeof(struct fleet_host) == 64, "a host is one cache line");

/* "At the top": an agent's own sampling leaves a pinned host a few points short of 1. */
#define PINNED_BUSY 0.95
#define PINNED_SECONDS 120
#define PINNED_REPORTS 2

/* Elevated: the recent mean this far over the host's own baseline, and this many standard
 * deviations of a report, twice running: it crosses on one report of a short scan, and at twice as
 * many a slowed host would wait 15 minutes longer to be seen. */
#define ELEVATED_RISE 0.20F
#define ELEVATED_DEVIATIONS 4.0F
/* Or three fifths of that, and as many deviations of the mean, six times running: a slowdown of
 * twenty points only nears its level in the mean while the baseline creeps after it. Half an hour
 * at the usual interval, in which ordinary bursts pass. */
#define RAISED_RISE 0.12F
/* So each report well over counts three, each a little over one, and six are elevated. */
#define RAISED_WELL 3
#define RAISED_ENOUGH 6

/* One report alone is no longer calm so far over the baseline, and as many of its deviations. */
#define UNCALM_RISE ELEVATED_RISE

/* A baseline of fewer reports is a guess; half an hour at the usual interval. */
#define BASELINE_LEAST 6
/* The baseline's memory, in reports: about 5 hours at the usual interval, so it follows the day. */
#define BASELINE_MEMORY 64
/* A host that idles at exactly 0 has no deviation at all; agents round to whole percents. */
#define BASELINE_DEVIATION_LEAST 0.01F

/* Time constant of the recent mean: an exponential mean with this one has the same mean age as a
 * plain mean over 15 minutes, and needs no history. */
#define RECENT_SECONDS 450.0

#define CALM_REPORTS 2

instant_us fleet_instant_of(fleet_second second)
{
    return FLEET_EPOCH + second * INSTANT_SECOND;
}

fleet_second fleet_correct(const struct fleet_host *host, instant_us by_host,
                           instant_us received_at)
{
    instant_us delay = host->delay_s == INT32_MAX ? 0 : host->delay_s * INSTANT_SECOND;
    instant_us corrected = by_host + delay;
    return fleet_second_of(corrected < received_at ? corrected : received_at);
}

static bool add_event(struct fleet *fleet, const struct fleet_event *event, struct failure *failure)
{
    if (fleet->event_count == fleet->event_capacity) {
        size_t capacity = fleet->event_capacity == 0 ? 256 : fleet->event_capacity * 2;
        struct fleet_event *events = realloc(fleet->events, capacity * sizeof *events);
        if (events == NULL) {
            return failure_memory(failure, "noting a change of state");
        }
        fleet->events = events;
        fleet->event_capacity = capacity;
    }
    fleet->events[fleet->event_count++] = *event;
    return true;
}

static bool step(struct fleet *fleet, uint32_t number, enum host_state to, fleet_second began,
                 struct failure *failure)
{
    struct fleet_host *host = &fleet->hosts[number];
    struct fleet_event event = {
        .host = number, .from = host->state, .to = (uint8_t)to, .began = began};
    if (!add_event(fleet, &event, failure)) {
        return false;
    }
    fleet->in_state[host->state]--;
    fleet->in_state[to]++;
    host->state = (uint8_t)to;
    host->since = began;
    return true;
}

static fleet_second silence_due(const struct fleet_host *host)
{
    return host->last_seen + fleet_patience_s(host);
}

static void watch_silence(const struct fleet *fleet, uint32_t number)
{
    deadline_bring_forward(&fleet->silent_at[number / FLEET_BLOCK],
                           silence_due(&fleet->hosts[number]) / 60);
}

static uint8_t counted_up(uint8_t streak, bool counts)
{
    return !counts ? 0 : streak == UINT8_MAX ? UINT8_MAX : (uint8_t)(streak + 1);
}

static float deviation(const struct fleet_host *host)
{
    float sd = sqrtf(host->baseline_variance);
    return sd > BASELINE_DEVIATION_LEAST ? sd : BASELINE_DEVIATION_LEAST;
}

static float recent_weight(double interval_s)
{
    return (float)(interval_s / (interval_s + RECENT_SECONDS));
}

/* Above the baseline by so much that its deviation, a square root, is worth knowing. Without a
 * branch between the two, of which the processor could guess but one. */
static bool is_over(const struct fleet_host *host, float level, float rise_least)
{
    return ((unsigned)(level - host->baseline_mean >= rise_least) &
            (unsigned)(host->baseline_count >= BASELINE_LEAST)) != 0;
}

static bool is_far_over(const struct fleet_host *host, float level, float rise_least, float sd)
{
    return is_over(host, level, rise_least) &&
           level - host->baseline_mean >= ELEVATED_DEVIATIONS * sd;
}

/* What a report adds to the host's score that leaves it with this recent mean; 0 where that is not
 * raised. An exponential mean of weight w has w / (2 - w) of one report's variance. */
static uint8_t raised_by(const struct fleet_host *host, float recent)
{
    if (!is_over(host, recent, RAISED_RISE)) {
        return 0;
    }
    float weight = recent_weight(host->interval_s);
    float sd = deviation(host);
    if (is_far_over(host, recent, ELEVATED_RISE, sd)) {
        return RAISED_WELL;
    }
    return is_far_over(host, recent, RAISED_RISE, sd * sqrtf(weight / (2.0F - weight)));
}

static bool is_calm(const struct fleet_host *host, float busy)
{
    return !is_over(host, busy, UNCALM_RISE) ||
           !is_far_over(host, busy, UNCALM_RISE, deviation(host));
}

/* One part in as many as there are, up to its memory: the division would take as long as the rest.
 */
#define SHARE(count) (1.0F / (float)(count))
#define SHARES_OF_8(first)                                                                         \
    SHARE(first), SHARE((first) + 1), SHARE((first) + 2), SHARE((first) + 3), SHARE((first) + 4),  \
        SHARE((first) + 5), SHARE((first) + 6), SHARE((first) + 7)
static const float BASELINE_SHARES[BASELINE_MEMORY] = {
    SHARES_OF_8(1),  SHARES_OF_8(9),  SHARES_OF_8(17), SHARES_OF_8(25),
    SHARES_OF_8(33), SHARES_OF_8(41), SHARES_OF_8(49), SHARES_OF_8(57)};

static void learn_baseline(struct fleet_host *host, float busy)
{
    float weight = BASELINE_SHARES[host->baseline_count < BASELINE_MEMORY ? host->baseline_count
                                                                          : BASELINE_MEMORY - 1];
    float difference = busy - host->baseline_mean;
    host->baseline_mean += weight * difference;
    /* West 1979, the exponentially weighted form. */
    host->baseline_variance =
        (1.0F - weight) * (host->baseline_variance + weight * difference * difference);
    host->baseline_count = counted_up(host->baseline_count, true);
}

/* A call of lround takes as long as the rest of a reading. */
static uint16_t rounded(double value)
{
    return (uint16_t)(value + 0.5); /* NOLINT(bugprone-incorrect-roundings): from 0 on */
}

static double interval_of(const struct fleet_reading *reading)
{
    return reading->interval_s < 1 ? 1 : reading->interval_s;
}

static uint16_t whole_interval(double interval_s)
{
    return interval_s > UINT16_MAX ? UINT16_MAX : rounded(interval_s);
}

/* The reading's streaks, from which decide() draws the state. */
static void measure(struct fleet_host *host, const struct fleet_reading *reading)
{
    float busy = (float)reading->busy;
    double interval_s = interval_of(reading);
    host->interval_s = whole_interval(interval_s);
    host->busy = rounded(reading->busy * 10000);
    float weight = recent_weight(interval_s);
    host->recent = host->has_cpu ? host->recent + weight * (busy - host->recent) : busy;
    host->has_cpu = 1;

    bool high = reading->busy >= PINNED_BUSY;
    if (high && host->high_streak == 0) {
        host->high_since = fleet_correct(host, reading->observed_at, reading->received_at) -
                           (fleet_second)interval_s;
    }
    host->high_streak = counted_up(host->high_streak, high);
    uint8_t calm = counted_up(host->calm_streak, !high && is_calm(host, busy));
    host->calm_streak = calm;
    if (calm == 1 && host->state == HOST_ELEVATED) {
        host->recent = busy; /* whether it is over is for what is calm to say */
    }
    uint8_t raised = raised_by(host, host->recent);
    host->raised_score = raised == 0 || host->raised_score > UINT8_MAX - RAISED_WELL
                             ? raised
                             : (uint8_t)(host->raised_score + raised);
}

static bool decide(struct fleet *fleet, uint32_t number, fleet_second observed, float busy,
                   struct failure *failure)
{
    struct fleet_host *host = &fleet->hosts[number];
    bool pinned =
        host->high_streak >= PINNED_REPORTS && observed - host->high_since >= PINNED_SECONDS;
    if (pinned) {
        return host->state == HOST_PINNED ||
               step(fleet, number, HOST_PINNED, host->high_since, failure);
    }
    if (host->state == HOST_HEALTHY && host->raised_score >= RAISED_ENOUGH) {
        bool well = raised_by(host, host->recent) == RAISED_WELL;
        int reports = well ? RAISED_ENOUGH / RAISED_WELL : RAISED_ENOUGH;
        fleet_second began = observed - host->interval_s * reports;
        return step(fleet, number, HOST_ELEVATED, began, failure);
    }
    /* Between RAISED_RISE and UNCALM_RISE every report is calm, and the mean of them is raised. */
    bool still_raised = host->state == HOST_ELEVATED && host->raised_score > 0;
    if (host->state != HOST_HEALTHY && host->calm_streak >= CALM_REPORTS && !still_raised) {
        /* The distress just over is no part of the next 15 minutes, nor half way to another. */
        host->recent = busy;
        host->raised_score = 0;
        if (!step(fleet, number, HOST_HEALTHY, observed, failure)) {
            return false;
        }
        /* What was held back tells of long ago, but who sends it cannot be found silent for now. */
        host->since = host->last_seen;
        return true;
    }
    bool settled = host->state == HOST_HEALTHY && host->raised_score == 0;
    bool unknown = host->state == HOST_NEW && host->baseline_count < BASELINE_LEAST;
    if (host->calm_streak > 0 && (settled || unknown)) {
        learn_baseline(host, busy);
    }
    return true;
}

static bool welcome_back(struct fleet *fleet, uint32_t number, fleet_second now,
                         struct failure *failure)
{
    struct fleet_host *host = &fleet->hosts[number];
    host->high_streak = host->raised_score = host->calm_streak = 0;
    host->has_cpu = 0; /* what it measured before the silence is not recent */
    return step(fleet, number, HOST_NEW, now, failure);
}

/* What the report says, once it is known to be new. */
static bool take_reading(struct fleet *fleet, uint32_t number, const struct fleet_reading *reading,
                         struct failure *failure)
{
    struct fleet_host *host = &fleet->hosts[number];
    host->last_observed_at = reading->observed_at;
    fleet->reports++;
    if (isnan(reading->busy)) {
        return true;
    }
    measure(host, reading);
    return decide(fleet, number, fleet_correct(host, reading->observed_at, reading->received_at),
                  (float)reading->busy, failure);
}

bool fleet_hear(struct fleet *fleet, uint32_t number, const struct fleet_reading *reading,
                struct failure *failure)
{
    struct fleet_host *host = &fleet->hosts[number];
    fleet_second now = fleet_second_of(reading->received_at);
    fleet_note_delay(host, reading->observed_at, reading->received_at);
    bool unwatched = host->last_seen == INT32_MIN || host->state == HOST_SILENT;
    uint16_t interval_s = host->interval_s;
    host->since = host->last_seen == INT32_MIN ? now : host->since;
    host->last_seen = now > host->last_seen ? now : host->last_seen;
    if (host->state == HOST_SILENT && !welcome_back(fleet, number, now, failure)) {
        return false;
    }
    if (reading->observed_at > host->last_observed_at) {
        if (!take_reading(fleet, number, reading, failure)) {
            return false;
        }
    } else {
        bool other_part = reading->observed_at == host->last_observed_at && isnan(reading->busy);
        fleet->duplicate_reports += reading->observed_at == host->last_observed_at && !other_part;
        fleet->out_of_order_reports += reading->observed_at < host->last_observed_at;
    }
    /* After the reading, which says how often the host reports. */
    if (unwatched || host->interval_s < interval_s) {
        watch_silence(fleet, number);
    }
    return true;
}

bool fleet_hear_calm(struct fleet *fleet, uint32_t number, const struct fleet_reading *reading)
{
    struct fleet_host *host = &fleet->hosts[number];
    double interval_s = interval_of(reading);
    if (host->state != HOST_HEALTHY || !host->has_cpu ||
        !(reading->busy < PINNED_BUSY) || /* or it does not say */
        reading->observed_at <= host->last_observed_at ||
        host->interval_s != whole_interval(interval_s)) {
        return false;
    }
    float busy = (float)reading->busy;
    if (interval_s != fleet->weighed_interval_s) {
        fleet->weighed_interval_s = interval_s;
        fleet->weight = recent_weight(interval_s);
    }
    float recent = host->recent + fleet->weight * (busy - host->recent);
    if (raised_by(host, recent) != 0) {
        return false;
    }
    fleet_second now = fleet_second_of(reading->received_at);
    fleet_note_delay(host, reading->observed_at, reading->received_at);
    host->last_seen = now > host->last_seen ? now : host->last_seen;
    host->last_observed_at = reading->observed_at;
    host->busy = rounded(reading->busy * 10000);
    host->recent = recent;
    host->high_streak = host->raised_score = 0;
    bool calm = is_calm(host, busy);
    host->calm_streak = counted_up(host->calm_streak, calm);
    if (calm) {
        learn_baseline(host, busy);
    }
    fleet->reports++;
    return true;
}

struct fleet fleet_part(const struct fleet *fleet)
{
    return (struct fleet){.hosts = fleet->hosts,
                          .ids = fleet->ids,
                          .count = fleet->count,
                          .silent_at = fleet->silent_at};
}

bool fleet_join(struct fleet *fleet, struct fleet *part, bool take, struct failure *failure)
{
    bool done = true;
    if (take && fleet->event_count == 0) {
        free(fleet->events);
        fleet->events = part->events;
        fleet->event_count = part->event_count;
        fleet->event_capacity = part->event_capacity;
        part->events = NULL;
        part->event_count = 0;
    }
    for (size_t i = 0; take && done && i < part->event_count; i++) {
        done = add_event(fleet, &part->events[i], failure);
    }
    for (int state = HOST_NEW; take && state <= HOST_SILENT; state++) {
        fleet->in_state[state] += part->in_state[state]; /* modulo 2^64, as it was counted */
    }
    fleet->reports += part->reports;
    fleet->duplicate_reports += part->duplicate_reports;
    fleet->out_of_order_reports += part->out_of_order_reports;
    free(part->events);
    *part = (struct fleet){0};
    return done;
}

/* Looks at the hosts of a block whose time has come, and finds its next. */
static bool end_block(struct fleet *fleet, uint32_t block, int32_t minute, struct failure *failure)
{
    uint32_t begin = block * FLEET_BLOCK;
    uint32_t end = fleet->count - begin < FLEET_BLOCK ? fleet->count : begin + FLEET_BLOCK;
    int32_t next = INT32_MAX;
    for (uint32_t number = begin; number < end; number++) {
        const struct fleet_host *host = &fleet->hosts[number];
        if (host->last_seen == INT32_MIN || host->state == HOST_SILENT) {
            continue;
        }
        fleet_second due = silence_due(host);
        if (due < (minute + 1) * 60) {
            if (!step(fleet, number, HOST_SILENT, host->last_seen, failure)) {
                return false;
            }
        } else {
            next = due / 60 < next ? due / 60 : next;
        }
    }
    atomic_store_explicit(&fleet->silent_at[block], next, memory_order_relaxed);
    return true;
}

bool fleet_end_minute(struct fleet *fleet, int32_t minute, struct failure *failure)
{
    uint32_t blocks = (fleet->count + FLEET_BLOCK - 1) / FLEET_BLOCK;
    bool done = true;
    for (uint32_t block = 0; done && block < blocks; block++) {
        if (atomic_load_explicit(&fleet->silent_at[block], memory_order_relaxed) <= minute) {
            done = end_block(fleet, block, minute, failure);
        }
    }
    return done;
}

void fleet_clear_events(struct fleet *fleet)
{
    /* In the minutes in which the fleet is met there are as many as hosts, and never again. */
    free(fleet->events);
    fleet->events = NULL;
    fleet->event_count = fleet->event_capacity = 0;
}
