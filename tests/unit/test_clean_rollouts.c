/* Harmless updates in the settings that fool simpler tests, each read at the end of every minute:
 * how many are held? The bound is the binomial's at the promised error rate.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/analysis.h"
#include "common/random_stream.h"

#define START (INT64_C(1114200000) * INSTANT_SECOND) /* 2005-04-22T20:00:00Z */
#define MINUTES 240
#define INTERVAL_MINUTES 2
#define HOSTS 400
#define BETA_HOSTS 150 /* so many of a kind are compared with their own kind alone */
#define CUSTOMERS 80
#define ROLLOUTS 40
#define ALPHA 0.05
/* Of 40 rollouts 2 may be held; 7 or more would be once in two hundred times. */
#define HELD_MOST 6

/* One host's day: what it reports at each minute if it reports then. */
struct day {
    bool on[MINUTES], busy[MINUTES];
    int install; /* from then on, as soon as it is on */
    const char *ring;
    const char *version_after; /* what the update makes of the product's version; NULL: nothing */
    uint32_t customer;
};

typedef void plan(uint64_t seed, uint32_t host, struct random_stream *random, struct day *day);

static void set(bool *minutes, int from, int until, bool value)
{
    for (int m = from < 0 ? 0 : from; m < until && m < MINUTES; m++) {
        minutes[m] = value;
    }
}

/* Scans of a quarter of an hour, `per_hour` on average, from a minute on. */
static void scan(struct random_stream *random, struct day *day, int from, double per_hour)
{
    double at = from;
    while ((at += random_exponential(random, 60 / per_hour)) < MINUTES) {
        set(day->busy, (int)at, (int)at + 15, true);
    }
}

/* On Monday everybody switches on within forty minutes, takes the update that is waiting one time
 * in two, and is three times as busy in the first half hour as later. */
static void monday_morning(uint64_t seed, uint32_t host, struct random_stream *random,
                           struct day *day)
{
    (void)seed, (void)host;
    int boot = random_below(random, 4) == 0 ? 0 : 60 + (int)random_below(random, 40);
    set(day->on, boot, MINUTES, true);
    set(day->busy, boot, boot + 3, true);
    if (random_below(random, 5) == 0) {
        int at = boot + 6 + (int)random_below(random, 25);
        set(day->busy, at, at + 10, true);
    }
    scan(random, day, boot + 30, 0.1);
    day->install = random_below(random, 2) == 0 ? boot + 4 : 60 + (int)random_below(random, 170);
}

/* Offices update during the afternoon and go home around minute 150. */
static void going_home_at_six(uint64_t seed, uint32_t host, struct random_stream *random,
                              struct day *day)
{
    (void)seed, (void)host;
    set(day->on, 0, MINUTES, true);
    if (random_below(random, 4) != 0) {
        set(day->on, 140 + (int)random_below(random, 25), MINUTES, false);
    }
    scan(random, day, 0, 0.1);
    day->install = 100 + (int)random_below(random, 100);
}

/* Beta users update first and are six times as busy as the rest; so are they without the update. */
static void stage_by_ring(uint32_t one_in, uint32_t host, struct random_stream *random,
                          struct day *day)
{
    bool beta = host % one_in == 0;
    set(day->on, 0, MINUTES, true);
    scan(random, day, 0, beta ? 0.6 : 0.1);
    day->ring = beta ? "canary" : "broad";
    day->install = (beta ? 60 : 110) + (int)random_below(random, 60);
}

static void staged_by_ring(uint64_t seed, uint32_t host, struct random_stream *random,
                           struct day *day)
{
    (void)seed;
    stage_by_ring(8, host, random, day);
}

/* The same, of an update that is told by the product's version, too: whoever has the new one has
 * just installed it. */
static void a_new_version_by_ring(uint64_t seed, uint32_t host, struct random_stream *random,
                                  struct day *day)
{
    (void)seed;
    stage_by_ring(8, host, random, day);
    day->version_after = "6.6";
}

/* Customers lose power as a whole, the smallest of them take the update first. */
static void power_cuts(uint64_t seed, uint32_t host, struct random_stream *random, struct day *day)
{
    /* Customer k has about twice as many hosts as customer 2k. */
    day->customer = (uint32_t)(CUSTOMERS * pow(0.02, random_uniform(random)) - 1);
    struct random_stream shared = random_stream_new(seed, 100000 + day->customer);
    set(day->on, 0, MINUTES, true);
    double at = 0;
    while ((at += random_exponential(&shared, 600)) < MINUTES) {
        set(day->on, (int)at, (int)at + 40, false);
    }
    scan(random, day, 0, 0.1);
    day->install = 60 + (int)(CUSTOMERS - day->customer) + (int)random_below(random, 60);
    (void)host;
}

/* Laptops sleep and wake, three reports in ten are lost, and what wakes takes the update. */
static void sleeping_laptops(uint64_t seed, uint32_t host, struct random_stream *random,
                             struct day *day)
{
    (void)seed, (void)host;
    double at = -random_exponential(random, 30);
    while (at < MINUTES) {
        double until = at + random_exponential(random, 50);
        set(day->on, (int)at, (int)until, true);
        at = until + random_exponential(random, 25);
    }
    for (int m = 0; m < MINUTES; m++) {
        day->on[m] &= random_below(random, 10) >= 3;
    }
    scan(random, day, 0, 0.2);
    day->install = 60 + (int)random_below(random, 150);
}

static void report_day(struct analysis *analysis, uint32_t host, const struct day *day,
                       struct random_stream *random)
{
    struct failure failure;
    char customer[16];
    snprintf(customer, sizeof customer, "C%05u", day->customer);
    struct report_attribute attributes[] = {{"os", "Windows XP"},
                                            {"product_line", "OfficeScan"},
                                            {"product_version", "6.5"},
                                            {"ring", day->ring}};
    const size_t count = sizeof attributes / sizeof *attributes;
    bool installed = false;
    for (int m = (int)(host % INTERVAL_MINUTES); m < MINUTES; m += INTERVAL_MINUTES) {
        if (!day->on[m]) {
            continue;
        }
        if (m >= day->install && day->version_after != NULL) {
            attributes[2].value = day->version_after;
        }
        struct report_update update = {.id = "pattern/1", .outcome = UPDATE_INSTALLED};
        struct report report = {.host_id = uuid_from_name("test", &host, sizeof host),
                                .customer_id = customer,
                                .has_host = true,
                                .attributes = attributes,
                                .attribute_count = count,
                                .segment_id = report_segment_id(attributes, count),
                                .has_cpu = true,
                                .interval_s = 60 * INTERVAL_MINUTES,
                                .peak = NAN,
                                .product_busy = NAN,
                                .updates = &update};
        report.observed_at = START + m * INSTANT_MINUTE + 20 * INSTANT_SECOND;
        report.received_at = report.observed_at + INSTANT_SECOND;
        report.busy = day->busy[m] ? 0.99 : 0.05 + 0.1 * random_uniform(random);
        if (!installed && m >= day->install) {
            installed = true;
            report.update_count = 1;
            update.at = report.observed_at - 30 * INSTANT_SECOND;
        }
        assert_true(analysis_add(analysis, &report, &failure));
    }
}

static bool is_ever_held(plan *make, uint32_t hosts, uint64_t seed, double *log_ratio)
{
    struct analysis_options options = {.alpha = ALPHA, .seed = 1};
    struct cost_parameters parameters;
    struct analysis *analysis;
    struct failure failure;
    const struct answers *answers;
    const struct verdict_change *change;
    cost_parameters_default(&parameters);
    assert_true(analysis_new(&options, NULL, &parameters, &analysis, &failure));
    for (uint32_t host = 0; host < hosts; host++) {
        struct random_stream random = random_stream_new(seed, host);
        struct day day = {.ring = "broad", .customer = host};
        make(seed, host, &random, &day);
        report_day(analysis, host, &day, &random);
    }
    assert_true(analysis_advance(analysis, START + MINUTES * INSTANT_MINUTE, &failure));
    bool held = false;
    for (analysis_next_change(analysis, &change); change != NULL;
         analysis_next_change(analysis, &change)) {
        held |= change->verdict == VERDICT_HOLD;
    }
    assert_true(analysis_answers(analysis, &answers, &failure));
    *log_ratio = log(answers->updates[0].rate_ratio.likely);
    analysis_free(analysis);
    return held;
}

static void clean_rollouts_are_not_held(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        plan *make;
        uint32_t hosts;
    } settings[] = {{"Monday morning", monday_morning, HOSTS},
                    {"going home at six", going_home_at_six, HOSTS},
                    {"staged by ring", staged_by_ring, HOSTS},
                    {"power cuts", power_cuts, HOSTS},
                    {"sleeping laptops", sleeping_laptops, HOSTS},
                    {"a new version by ring", a_new_version_by_ring, BETA_HOSTS * 8}};
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
        int held = 0;
        double sum = 0;
        int counted = 0;
        for (uint64_t seed = 1; seed <= ROLLOUTS; seed++) {
            double log_ratio;
            held += is_ever_held(settings[s].make, settings[s].hosts, 1000 * s + seed, &log_ratio);
            sum += isfinite(log_ratio) ? log_ratio : 0;
            counted += isfinite(log_ratio);
        }
        print_message("%s: %d of %d held, rate ratio %.2f\n", settings[s].name, held, ROLLOUTS,
                      exp(sum / counted));
        assert_in_range(held, 0, HELD_MOST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(clean_rollouts_are_not_held)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
