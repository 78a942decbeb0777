/* What does every machine do? A clock of timers for each host; the earliest runs next.
 *
 * The hard thing is speed: most hosts have nothing to do in most minutes, so the time of a host's
 * earliest timer stands in an array of its own, which is all that is read of an idle host.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/behaviour.h"

#include <math.h>
#include <stdlib.h>

#include "common/random_stream.h"
#include "tests/fleetsim/power.h"
#include "tests/fleetsim/processor.h"
#include "tests/fleetsim/rollout.h"

#define MILLISECOND (INSTANT_SECOND / 1000)
/* What the analyzer calls pinned, so that the truth can say what can be seen at best. */
#define SEEN_PINNED 9500
#define SEEN_PINNED_REPORTS 2
#define SEEN_SLOWED_REPORTS 3
#define SEEN_SILENT_INTERVALS 3
/* A machine that has just started asks for updates within a minute and a half. */
static const struct bounds first_poll_s = {20, 90};
/* No agent keeps its rhythm to the second. */
static const struct bounds poll_jitter = {0.97, 1.03};
/* Least delay of a report, in seconds. */
#define LATENCY_LEAST_S 0.05

enum host_state { HOST_OFF, HOST_WELL, HOST_HARMED, HOST_LOCKED_UP, HOST_DEAD };

/* In the order they run when several are due at once. */
enum timer {
    TIMER_POWER, /* switched on or off by its user */
    TIMER_LOCK_UP,
    TIMER_RESTART,
    TIMER_RECOVER,
    TIMER_HARM,
    TIMER_INSTALL,
    TIMER_POLL,
    TIMER_REPORT,
    TIMER_COUNT
};

struct host {
    struct random_stream random;
    instant_us timers[TIMER_COUNT];
    struct processor processor;
    struct host_fate fate;
    instant_us last_received_at;
    uint32_t installed;  /* set of updates */
    uint32_t installing; /* due at TIMER_INSTALL */
    uint8_t state;
    bool stricken; /* has a faulty update on it that strikes it, not yet cured */
    bool slowed;   /* rather than pinned */
    uint8_t reports_pinned, reports_slowed; /* in a row, after harm */
};

struct behaviour {
    const struct scenario *scenario;
    const struct population *population;
    struct power *power;
    struct rollout rollout;
    instant_us *next_at; /* by seat: the earliest of its timers */
    struct host *hosts;  /* by seat */

    /* Where the reports of the present advance go. */
    instant_us until;
    struct observation_list *now, *later;
    bool out_of_memory;
};

static instant_us seconds(double count)
{
    return (instant_us)(count * 1000) * MILLISECOND;
}

static double between(struct random_stream *random, struct bounds bounds)
{
    return bounds.low + (bounds.high - bounds.low) * random_uniform(random);
}

static instant_us draw_s(struct host *host, struct bounds bounds)
{
    return seconds(between(&host->random, bounds));
}

static const struct fleet_segment *segment_of(const struct behaviour *behaviour, size_t seat)
{
    return &behaviour->population->segments[behaviour->population->seats[seat].segment];
}

static void stop_timers(struct host *host, enum timer from)
{
    for (int t = (int)from; t < TIMER_COUNT; t++) {
        host->timers[t] = NEVER;
    }
    host->installing = 0;
}

/* ---- Reporting ---- */

/* Nothing was received between harm, or the last report after it, and `at`, for so long that the
 * host must be taken for silent. */
static bool was_silent(const struct behaviour *behaviour, const struct host *host, instant_us at)
{
    instant_us since = host->last_received_at > host->fate.harmed_at ? host->last_received_at
                                                                     : host->fate.harmed_at;
    return at - since >= SEEN_SILENT_INTERVALS * seconds(behaviour->scenario->telemetry.interval_s);
}

/* Counts to `enough` and stays there; back to none when `again` is false. */
static void count_in_row(uint8_t *count, bool again, uint8_t enough)
{
    if (!again) {
        *count = 0;
    } else if (*count < enough) {
        (*count)++;
    }
}

static void note_seen(const struct behaviour *behaviour, struct host *host, instant_us at,
                      const struct reading *reading)
{
    if (host->fate.harmed_at <= at) {
        count_in_row(&host->reports_pinned, reading->busy >= SEEN_PINNED, SEEN_PINNED_REPORTS);
        count_in_row(&host->reports_slowed, host->slowed && reading->harmed_share >= 1,
                     SEEN_SLOWED_REPORTS);
        host->fate.seen_pinned |= host->reports_pinned >= SEEN_PINNED_REPORTS;
        host->fate.seen_slowed |= host->reports_slowed >= SEEN_SLOWED_REPORTS;
        host->fate.seen_silent |= was_silent(behaviour, host, at);
    }
    host->last_received_at = at;
}

static void report(struct behaviour *behaviour, size_t seat, instant_us at, uint32_t updates)
{
    const struct fleet_seat *known = &behaviour->population->seats[seat];
    const struct telemetry *telemetry = &behaviour->scenario->telemetry;
    struct host *host = &behaviour->hosts[seat];
    if (!known->reports) {
        return;
    }
    instant_us from = at - seconds(telemetry->interval_s);
    if (from < host->processor.started_at) {
        from = host->processor.started_at;
    }
    struct reading reading =
        processor_read(&host->processor, &behaviour->scenario->ordinary, from, at,
                       power_busy_factor(behaviour->power, known->rhythm, at), &host->random);
    double latency = LATENCY_LEAST_S + random_exponential(&host->random, telemetry->latency_s.low);
    bool lost = random_uniform(&host->random) < telemetry->lost_share;
    /* Agents send what they installed until it arrives; figures alone are not worth it. */
    if (lost && updates == 0) {
        return;
    }
    note_seen(behaviour, host, at, &reading);
    instant_us observed_at = at + known->clock_offset_ms * MILLISECOND;
    const struct observation observation = {
        .received_at = at + seconds(fmin(latency, telemetry->latency_s.high)),
        .observed_at = observed_at,
        .updates_at = observed_at,
        .seat = (uint32_t)seat,
        .updates = updates,
        .busy = reading.busy,
        .peak = reading.peak,
        .product_busy = reading.product_busy};
    struct observation_list *list =
        observation.received_at < behaviour->until ? behaviour->now : behaviour->later;
    behaviour->out_of_memory |= !observation_list_append(list, &observation);
}

/* ---- What happens to a host ---- */

static void go_silent(struct host *host, instant_us at)
{
    if (host->fate.silent_at == NEVER) {
        host->fate.silent_at = at;
    }
}

static void start(struct behaviour *behaviour, size_t seat, instant_us at)
{
    const struct scenario *scenario = behaviour->scenario;
    struct host *host = &behaviour->hosts[seat];
    const struct fleet_seat *known = &behaviour->population->seats[seat];
    if (host->stricken) {
        const struct fault *fault = &scenario->updates[host->fate.fault].fault;
        bool was_harmed = host->fate.harmed_at != NEVER;
        if (was_harmed && random_uniform(&host->random) < fault->reboot_worse_share) {
            host->state = HOST_DEAD;
            host->timers[TIMER_POWER] = NEVER;
            go_silent(host, at);
            return;
        }
        host->timers[TIMER_HARM] = at + draw_s(host, fault->delay_s);
    }
    host->state = HOST_WELL;
    processor_start(&host->processor, &scenario->ordinary, at, &host->random);
    host->timers[TIMER_POLL] = at + draw_s(host, first_poll_s);
    host->timers[TIMER_REPORT] =
        known->reports ? at + seconds(scenario->telemetry.interval_s) : NEVER;
    host->timers[TIMER_POWER] =
        power_next_change(behaviour->power, known->rhythm, true, at, &host->random);
}

static void switch_off(struct behaviour *behaviour, size_t seat, instant_us at)
{
    struct host *host = &behaviour->hosts[seat];
    host->state = HOST_OFF;
    stop_timers(host, TIMER_LOCK_UP);
    host->timers[TIMER_POWER] = power_next_change(
        behaviour->power, behaviour->population->seats[seat].rhythm, false, at, &host->random);
}

static void restart(struct behaviour *behaviour, size_t seat, instant_us at)
{
    struct host *host = &behaviour->hosts[seat];
    const struct fault *fault = &behaviour->scenario->updates[host->fate.fault].fault;
    host->state = HOST_OFF;
    stop_timers(host, TIMER_LOCK_UP);
    host->timers[TIMER_POWER] = at + draw_s(host, fault->reboot_takes_s);
}

static void lock_up(struct host *host, instant_us at)
{
    instant_us restart_at = host->timers[TIMER_RESTART];
    host->state = HOST_LOCKED_UP;
    stop_timers(host, TIMER_LOCK_UP);
    host->timers[TIMER_RESTART] = restart_at; /* its user still has the power button */
    go_silent(host, at);
}

static void harm(struct behaviour *behaviour, struct host *host, instant_us at)
{
    const struct fault *fault = &behaviour->scenario->updates[host->fate.fault].fault;
    if (host->fate.harmed_at == NEVER) {
        host->fate.harmed_at = at;
        host->slowed = random_uniform(&host->random) < fault->slowed_share;
    }
    host->state = HOST_HARMED;
    host->processor.harm_busy = host->slowed ? fault->slowed_busy : fault->pinned_busy;
    host->processor.harm_from = at;
    host->processor.harm_until = NEVER;
    bool locks_up = random_uniform(&host->random) < fault->lock_up_share;
    if (locks_up && !host->slowed) {
        host->timers[TIMER_LOCK_UP] = at + draw_s(host, fault->lock_up_s);
    }
    if (random_uniform(&host->random) < fault->reboot_share) {
        host->timers[TIMER_RESTART] = at + draw_s(host, fault->reboot_s);
    }
}

static void recover(struct host *host, instant_us at)
{
    host->state = HOST_WELL;
    host->processor.harm_until = at;
}

/* ---- Updates ---- */

static void poll(struct behaviour *behaviour, size_t seat, instant_us at)
{
    const struct ordinary *ordinary = &behaviour->scenario->ordinary;
    struct host *host = &behaviour->hosts[seat];
    host->timers[TIMER_POLL] = at + seconds(ordinary->poll_s * between(&host->random, poll_jitter));
    if (host->installing != 0) {
        return; /* still busy with the last */
    }
    host->installing =
        rollout_taken(&behaviour->rollout, seat, segment_of(behaviour, seat), host->installed, at);
    if (host->installing != 0) {
        host->timers[TIMER_INSTALL] = at + draw_s(host, ordinary->install_s);
    }
}

static void take_fault(struct behaviour *behaviour, size_t seat, size_t update, instant_us at)
{
    struct host *host = &behaviour->hosts[seat];
    const struct fault *fault = &behaviour->scenario->updates[update].fault;
    /* A host is struck once: a second fault on top of the first could not be told apart. */
    if (host->fate.fault != FAULT_NONE || rollout_is_untouched(&behaviour->rollout, seat, update)) {
        return;
    }
    host->stricken = true;
    host->fate.fault = (uint8_t)update;
    host->fate.installed_at = at;
    host->timers[TIMER_HARM] = at + draw_s(host, fault->delay_s);
}

static void take_cure(struct behaviour *behaviour, struct host *host, instant_us at)
{
    const struct fault *fault = &behaviour->scenario->updates[host->fate.fault].fault;
    host->stricken = false;
    host->timers[TIMER_HARM] = NEVER;
    host->timers[TIMER_LOCK_UP] = NEVER;
    host->timers[TIMER_RESTART] = NEVER;
    if (host->state == HOST_HARMED) {
        host->timers[TIMER_RECOVER] = at + draw_s(host, fault->recovery_s);
    }
}

static void install(struct behaviour *behaviour, size_t seat, instant_us at)
{
    const struct scenario *scenario = behaviour->scenario;
    struct host *host = &behaviour->hosts[seat];
    uint32_t updates = host->installing;
    host->installing = 0;
    host->installed |= updates;
    for (size_t u = 0; u < scenario->update_count; u++) {
        uint32_t bit = UINT32_C(1) << u;
        if ((updates & bit) == 0) {
            continue;
        }
        if ((segment_of(behaviour, seat)->struck & bit) != 0) {
            take_fault(behaviour, seat, u, at);
        }
        if (host->stricken && (scenario->updates[u].cures >> host->fate.fault & 1) != 0) {
            take_cure(behaviour, host, at);
        }
    }
    /* One report for both: two at the same instant would be one to whoever counts. */
    if (host->timers[TIMER_REPORT] == at) {
        host->timers[TIMER_REPORT] = at + seconds(scenario->telemetry.interval_s);
    }
    report(behaviour, seat, at, updates);
}

/* ---- The clock ---- */

static enum timer earliest(const struct host *host)
{
    int first = 0;
    for (int t = 1; t < TIMER_COUNT; t++) {
        if (host->timers[t] < host->timers[first]) {
            first = t;
        }
    }
    return (enum timer)first;
}

static void run_timer(struct behaviour *behaviour, size_t seat, enum timer timer)
{
    struct host *host = &behaviour->hosts[seat];
    instant_us at = host->timers[timer];
    host->timers[timer] = NEVER;
    switch (timer) {
    case TIMER_POWER:
        if (host->state == HOST_OFF) {
            start(behaviour, seat, at);
        } else {
            switch_off(behaviour, seat, at);
        }
        break;
    case TIMER_LOCK_UP:
        lock_up(host, at);
        break;
    case TIMER_RESTART:
        restart(behaviour, seat, at);
        break;
    case TIMER_RECOVER:
        recover(host, at);
        break;
    case TIMER_HARM:
        harm(behaviour, host, at);
        break;
    case TIMER_INSTALL:
        install(behaviour, seat, at);
        break;
    case TIMER_POLL:
        poll(behaviour, seat, at);
        break;
    case TIMER_REPORT:
        host->timers[TIMER_REPORT] = at + seconds(behaviour->scenario->telemetry.interval_s);
        report(behaviour, seat, at, 0);
        break;
    case TIMER_COUNT:
        break;
    }
}

bool behaviour_advance(struct behaviour *behaviour, instant_us until, struct observation_list *now,
                       struct observation_list *later, struct failure *failure)
{
    behaviour->until = until;
    behaviour->now = now;
    behaviour->later = later;
    for (size_t seat = 0; seat < behaviour->population->seat_count; seat++) {
        if (behaviour->next_at[seat] >= until) {
            continue;
        }
        struct host *host = &behaviour->hosts[seat];
        enum timer timer = earliest(host);
        while (host->timers[timer] < until) {
            run_timer(behaviour, seat, timer);
            timer = earliest(host);
        }
        behaviour->next_at[seat] = host->timers[timer];
    }
    return !behaviour->out_of_memory || failure_memory(failure, "gathering a minute's reports");
}

/* ---- Beginning and end ---- */

static void begin(struct behaviour *behaviour, size_t seat)
{
    const struct scenario *scenario = behaviour->scenario;
    const struct fleet_seat *known = &behaviour->population->seats[seat];
    struct host *host = &behaviour->hosts[seat];
    instant_us from = scenario->from;
    host->random = random_stream_new(behaviour->population->seed, STREAM_BEHAVIOUR + seat);
    host->processor.base_busy = known->base_busy;
    host->fate = (struct host_fate){
        .installed_at = NEVER, .harmed_at = NEVER, .silent_at = NEVER, .fault = FAULT_NONE};
    host->last_received_at = from;
    stop_timers(host, TIMER_POWER);
    for (size_t u = 0; u < scenario->update_count; u++) {
        const struct update *update = &scenario->updates[u];
        uint32_t bit = UINT32_C(1) << u;
        if (update->already > 0 && (segment_of(behaviour, seat)->targeted & bit) != 0 &&
            rollout_adopts(&behaviour->rollout, seat, u) &&
            random_uniform(&host->random) < update->already) {
            host->installed |= bit;
        }
    }
    bool on = random_uniform(&host->random) < power_share_on(behaviour->power, known->rhythm, from);
    if (!on) {
        host->state = HOST_OFF;
        host->timers[TIMER_POWER] =
            power_next_change(behaviour->power, known->rhythm, false, from, &host->random);
        return;
    }
    /* On for a while already, each somewhere within its intervals. */
    start(behaviour, seat, from);
    processor_start(&host->processor, &scenario->ordinary, from - INSTANT_HOUR, &host->random);
    host->timers[TIMER_POLL] =
        from + seconds(scenario->ordinary.poll_s * random_uniform(&host->random));
    instant_us phase = seconds(scenario->telemetry.interval_s * random_uniform(&host->random));
    host->timers[TIMER_REPORT] = known->reports ? from + phase : NEVER;
}

bool behaviour_new(const struct scenario *scenario, const struct population *population,
                   struct behaviour **behaviour, struct failure *failure)
{
    struct behaviour *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "making the fleet");
    }
    made->scenario = scenario;
    made->population = population;
    made->hosts = calloc(population->seat_count, sizeof *made->hosts);
    made->next_at = calloc(population->seat_count, sizeof *made->next_at);
    if (made->hosts == NULL || made->next_at == NULL) {
        behaviour_free(made);
        return failure_memory(failure, "making the fleet");
    }
    if (!power_new(scenario, &made->power, failure)) {
        behaviour_free(made);
        return false;
    }
    rollout_begin(&made->rollout, scenario, population->seed);
    for (size_t seat = 0; seat < population->seat_count; seat++) {
        begin(made, seat);
        made->next_at[seat] = made->hosts[seat].timers[earliest(&made->hosts[seat])];
    }
    *behaviour = made;
    return true;
}

void behaviour_free(struct behaviour *behaviour)
{
    if (behaviour == NULL) {
        return;
    }
    power_free(behaviour->power);
    free(behaviour->hosts);
    free(behaviour->next_at);
    free(behaviour);
}

void behaviour_finish(struct behaviour *behaviour, instant_us at)
{
    for (size_t seat = 0; seat < behaviour->population->seat_count; seat++) {
        struct host *host = &behaviour->hosts[seat];
        if (host->fate.harmed_at != NEVER && was_silent(behaviour, host, at)) {
            host->fate.seen_silent = true;
        }
    }
}

const struct host_fate *behaviour_fate(const struct behaviour *behaviour, size_t seat)
{
    return &behaviour->hosts[seat].fate;
}

uint32_t behaviour_installed(const struct behaviour *behaviour, size_t seat)
{
    return behaviour->hosts[seat].installed;
}
