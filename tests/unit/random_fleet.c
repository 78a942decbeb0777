/* Each host's life, minute by minute, drawn from a stream of its own; see random_fleet.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "random_fleet.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/random_stream.h"

enum { UPDATES = 7 };

static char customers[RANDOM_FLEET_CUSTOMERS][8];
static const char *const updates[UPDATES] = {"pattern/1", "pattern/2", "engine/1", "engine/2",
                                             "pattern/3", "policy/1",  "pattern/4"};
/* One does harm, two come together. */
enum { LARGE = 100 }; /* hosts */
enum { HARMFUL = 1, FIRST_OF_BUNDLE = 2, SECOND_OF_BUNDLE = 3 };

const char *random_fleet_customer(size_t number)
{
    (void)snprintf(customers[number], sizeof customers[number], "c-%zu", number);
    return customers[number];
}

uint32_t random_fleet_seats(const char *customer_id)
{
    return strcmp(customer_id, "c-2") == 0   ? 40
           : strcmp(customer_id, "c-5") == 0 ? 3
           : strcmp(customer_id, "c-7") == 0 ? 1
                                             : 0;
}

/* ---- What all hosts of a fleet share ---- */

struct plan {
    uint64_t seed;
    int minutes;
    int updates;           /* the first so many are released */
    int released[UPDATES]; /* minute */
    int spread[UPDATES];   /* minutes over which hosts take it */
    int builds, systems, regions;
    int customers;
    bool has_harm;
    int trouble; /* one in so many minutes a host's state changes by itself */
    int cut_at;  /* minute: the power fails at the largest customer */
};

static int draw(struct random_stream *random, int least, int most)
{
    return least + (int)random_below(random, (uint64_t)most - (uint64_t)least + 1);
}

/* A large fleet is all of one kind and struck hard, so that something comes of it. */
static struct plan make_plan(uint64_t seed, uint32_t hosts, int minutes)
{
    struct random_stream random = random_stream_new(seed, UINT64_MAX);
    bool varied = hosts <= LARGE && random_below(&random, 2) == 0;
    struct plan plan = {.seed = seed,
                        .minutes = minutes,
                        .updates = draw(&random, varied ? 4 : 2, UPDATES),
                        .builds = draw(&random, 1, varied ? 3 : 2),
                        .systems = draw(&random, 1, varied ? 2 : 1),
                        .regions = draw(&random, 1, varied ? 2 : 1),
                        .customers = draw(&random, hosts > LARGE ? 2 : 6, RANDOM_FLEET_CUSTOMERS),
                        .has_harm = hosts > LARGE || random_below(&random, 4) != 0,
                        .trouble = varied ? draw(&random, 40, 120) : draw(&random, 150, 500),
                        .cut_at = draw(&random, 20, minutes - 1)};
    for (int u = 0; u < UPDATES; u++) {
        plan.released[u] = draw(&random, 15, minutes - 1);
        plan.spread[u] = draw(&random, 5, 60);
    }
    /* Early enough to be seen; a bundle comes in a wave. */
    plan.released[HARMFUL] = draw(&random, 25, 50);
    plan.spread[HARMFUL] = 100;
    plan.released[FIRST_OF_BUNDLE] = draw(&random, 30, 80);
    plan.spread[FIRST_OF_BUNDLE] = 12;
    return plan;
}

/* ---- One host ---- */

enum { CALM, BUSY, RAISED, OFF };

struct life {
    const struct plan *plan;
    struct random_fleet *fleet;
    struct random_stream random;
    struct uuid id;
    const char *customer;
    struct report_attribute attributes[RANDOM_FLEET_ATTRIBUTES];
    size_t attribute_count;
    bool tells_kind;
    int interval;   /* minutes … */
    int interval_s; /* … as it says */
    instant_us clock_error;
    double level;
    int mood, mood_ends;
    int installs_at[UPDATES]; /* minute, or INT32_MAX */
    struct report_update to_tell[RANDOM_FLEET_UPDATES];
    size_t to_tell_count;
    instant_us sent_at; /* when what is held back goes out; 0: at once */
};

static bool one_in(struct life *life, uint64_t many)
{
    return random_below(&life->random, many) == 0;
}

static void set_kind(struct life *life)
{
    static const char *const builds[] = {"7.500", "7.510", "7.600"};
    static const char *const systems[] = {"Windows XP", "Windows 2000"};
    const struct plan *plan = life->plan;
    size_t count = 0;
    if (plan->builds > 1 && !one_in(life, 4)) {
        life->attributes[count++] = (struct report_attribute){
            "engine", builds[random_below(&life->random, (uint64_t)plan->builds)]};
    }
    if (!one_in(life, 12)) {
        life->attributes[count++] = (struct report_attribute){
            "os", systems[random_below(&life->random, (uint64_t)plan->systems)]};
        if (plan->systems > 1 && one_in(life, 3)) {
            life->attributes[count++] = (struct report_attribute){"os_version", "SP2"};
        }
        life->attributes[count++] = (struct report_attribute){"product_line", "OfficeScan"};
        life->attributes[count++] = (struct report_attribute){
            "region", random_below(&life->random, (uint64_t)plan->regions) == 0 ? "JP" : "EMEA"};
    }
    life->attribute_count = count;
}

static void be_born(struct life *life, uint32_t host)
{
    static const int intervals[] = {1, 1, 2, 2, 2, 5, 5, 15};
    const struct plan *plan = life->plan;
    life->random = random_stream_new(plan->seed, host);
    life->id = uuid_from_name("random fleet", (const uint64_t[]){plan->seed, host}, 16);
    /* Few large customers, many small ones. */
    double skewed = pow(random_uniform(&life->random), 2);
    life->customer = random_fleet_customer((size_t)(skewed * plan->customers));
    life->interval = intervals[random_below(&life->random, 8)];
    life->interval_s = life->interval * 60 + (one_in(life, 4) ? 10 : 0);
    life->tells_kind = !one_in(life, 15);
    life->clock_error =
        one_in(life, 5)
            ? (instant_us)random_below(&life->random, 100) * INSTANT_MINUTE - 50 * INSTANT_MINUTE
            : 0;
    life->level = 0.05 + 0.5 * random_uniform(&life->random);
    set_kind(life);
    for (int u = 0; u < plan->updates; u++) {
        int at = plan->released[u] + (int)random_below(&life->random, (uint64_t)plan->spread[u]);
        life->installs_at[u] = one_in(life, u == FIRST_OF_BUNDLE ? 10 : 3) ? INT32_MAX : at;
    }
    if (!one_in(life, 30)) {
        life->installs_at[SECOND_OF_BUNDLE] = life->installs_at[FIRST_OF_BUNDLE];
    }
}

static void will_tell(struct life *life, int update, enum update_outcome outcome, instant_us at)
{
    if (life->to_tell_count < RANDOM_FLEET_UPDATES) {
        life->to_tell[life->to_tell_count++] =
            (struct report_update){.id = updates[update], .outcome = outcome, .at = at};
    }
}

/* What happens to one of its updates in this minute; times are by its clock. What comes in a bundle
 * goes smoothly, as else it would not stay one. */
static void change_update(struct life *life, int update, int minute, instant_us clock)
{
    int *at = &life->installs_at[update];
    bool smooth = update == FIRST_OF_BUNDLE || update == SECOND_OF_BUNDLE;
    if (*at == minute) {
        bool failed = !smooth && one_in(life, 15);
        /* Sometimes told long after, too late to learn from or nearly so. */
        uint64_t ago_s = random_below(&life->random, !smooth && one_in(life, 12) ? 90 * 60 : 120);
        will_tell(life, update, failed ? UPDATE_FAILED : UPDATE_INSTALLED,
                  clock - (instant_us)ago_s * INSTANT_SECOND);
        if (failed || (!smooth && one_in(life, 6))) { /* once more, later */
            *at = minute + 3 + (int)random_below(&life->random, 50);
        }
    } else if (*at < minute && one_in(life, smooth ? 1000 : 200)) {
        will_tell(life, update, UPDATE_ROLLED_BACK, clock);
        *at = one_in(life, 2) ? minute + 1 + (int)random_below(&life->random, 30) : INT32_MAX;
    }
}

static void change_mood(struct life *life, int minute)
{
    const struct plan *plan = life->plan;
    bool hit = plan->has_harm && life->mood == CALM && life->installs_at[HARMFUL] < minute &&
               one_in(life, 6);
    bool cut = minute == plan->cut_at && strcmp(life->customer, random_fleet_customer(0)) == 0;
    if (minute >= life->mood_ends && life->mood != CALM) {
        life->mood = CALM;
    } else if (hit || cut || (life->mood == CALM && one_in(life, (uint64_t)plan->trouble))) {
        uint64_t longest = hit || !one_in(life, 3) ? 40 : 4;
        life->mood = cut ? OFF : hit ? BUSY : BUSY + (int)random_below(&life->random, 3);
        life->mood_ends = minute + (hit ? 30 : 2) + (int)random_below(&life->random, longest);
    }
}

static double busy_now(struct life *life)
{
    double noise = 0.02 * random_normal(&life->random);
    double busy = life->level + noise;
    if (life->mood == BUSY) {
        busy = 0.96 + 0.04 * random_uniform(&life->random);
    } else if (life->mood == RAISED) {
        busy += 0.15 + 0.2 * (life->mood_ends % 2);
    } else if (one_in(life, 12)) {
        busy = 0.97; /* a short scan */
    }
    return fmin(fmax(busy, 0), 1);
}

static struct report say(struct life *life, instant_us now)
{
    struct report report = {.host_id = life->id,
                            .customer_id = life->customer,
                            .observed_at = now + life->clock_error,
                            .has_host = life->tells_kind && one_in(life, 3),
                            .has_cpu = !one_in(life, 15),
                            .interval_s = life->interval_s,
                            .busy = busy_now(life),
                            .peak = NAN,
                            .product_busy = NAN};
    report.received_at = (life->sent_at > now ? life->sent_at : now) +
                         (instant_us)random_below(&life->random, 2 * INSTANT_SECOND);
    return report;
}

static void send(struct life *life, const struct report *report, bool with_updates)
{
    struct random_report told = {.report = *report, .arrives_at = report->received_at};
    if (report->has_host) {
        memcpy(told.attributes, life->attributes, sizeof life->attributes);
        told.report.attribute_count = life->attribute_count;
        told.report.segment_id = report_segment_id(life->attributes, life->attribute_count);
    }
    if (with_updates) {
        memcpy(told.updates, life->to_tell, sizeof life->to_tell);
        told.report.update_count = life->to_tell_count;
        life->to_tell_count = 0;
    }
    if (one_in(life, 60)) {
        told.arrives_at += INSTANT_MINUTE + (instant_us)random_below(&life->random, 180000000);
    }
    random_fleet_add(life->fleet, &told);
    if (one_in(life, 25)) { /* stored twice, or sent again after an answer that was lost */
        if (one_in(life, 2)) {
            told.report.received_at += (instant_us)random_below(&life->random, 120000000);
            told.arrives_at = told.report.received_at;
        }
        random_fleet_add(life->fleet, &told);
    }
}

/* The updates in the report of the minute, or in one of their own. */
static void report_minute(struct life *life, instant_us now)
{
    struct report report = say(life, now);
    bool apart = life->to_tell_count > 0 && one_in(life, 2);
    send(life, &report, !apart);
    if (apart) {
        report.has_cpu = false;
        report.has_host = false;
        report.busy = NAN;
        report.observed_at += one_in(life, 2) ? 0 : INSTANT_SECOND;
        send(life, &report, true);
    }
}

/* Short of being found silent, or for longer. */
static int hold_back(struct life *life)
{
    return 2 + (int)random_below(&life->random, one_in(life, 2) ? 3 : 40);
}

static void live(struct life *life)
{
    int comes = one_in(life, 6) ? (int)random_below(&life->random, (uint64_t)life->plan->minutes)
                                : (int)random_below(&life->random, 20);
    for (int minute = comes; minute < life->plan->minutes; minute++) {
        instant_us now = RANDOM_FLEET_START + minute * INSTANT_MINUTE +
                         (instant_us)random_below(&life->random, 57 * INSTANT_SECOND);
        change_mood(life, minute);
        for (int update = 0; update < life->plan->updates; update++) {
            change_update(life, update, minute, now + life->clock_error);
        }
        if (life->tells_kind && one_in(life, 400)) {
            set_kind(life);
        }
        if (one_in(life, 900)) {
            life->customer =
                random_fleet_customer(random_below(&life->random, (uint64_t)life->plan->customers));
        }
        if (life->sent_at <= now) {
            life->sent_at = one_in(life, 60) ? now + hold_back(life) * INSTANT_MINUTE : 0;
        }
        bool due = minute % life->interval == 0;
        if (due && life->mood != OFF && !one_in(life, 20)) {
            report_minute(life, now);
        }
    }
}

/* ---- The fleet ---- */

void random_fleet_add(struct random_fleet *fleet, const struct random_report *told)
{
    struct random_report copy = *told; /* which may be one of the fleet's own */
    if (fleet->count == fleet->capacity) {
        fleet->capacity = fleet->capacity == 0 ? 1024 : fleet->capacity * 2;
        fleet->told = realloc(fleet->told, fleet->capacity * sizeof *fleet->told);
        assert_non_null(fleet->told);
    }
    fleet->told[fleet->count++] = copy;
}

static int compare_arrival(const void *left, const void *right)
{
    const struct random_report *a = left;
    const struct random_report *b = right;
    return (a->arrives_at > b->arrives_at) - (a->arrives_at < b->arrives_at);
}

void random_fleet_sort(struct random_fleet *fleet)
{
    if (fleet->told == NULL) {
        return; /* nobody has told anything */
    }
    qsort(fleet->told, fleet->count, sizeof *fleet->told, compare_arrival);
    for (size_t i = 0; i < fleet->count; i++) {
        fleet->told[i].report.updates = fleet->told[i].updates;
        fleet->told[i].report.attributes = fleet->told[i].attributes;
    }
}

struct random_fleet random_fleet_new(uint64_t seed, uint32_t hosts, int minutes)
{
    struct random_fleet fleet = {.minutes = minutes};
    struct plan plan = make_plan(seed, hosts, minutes);
    for (uint32_t host = 0; host < hosts; host++) {
        struct life life = {.plan = &plan, .fleet = &fleet};
        be_born(&life, host);
        live(&life);
    }
    random_fleet_sort(&fleet);
    return fleet;
}
