/* The settings and the harm. Everybody scans for a quarter of an hour now and then: the distress
 * that harm must be told from.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/detection/made_rollout.h"

#include <math.h>
#include <string.h>

#include "common/random_stream.h"

/* Half as many where nothing is wrong, so that there is time for thousands of those. */
#define CLEAN_HOSTS 400
#define SCANS_PER_HOUR 0.15
#define SINGLE_HOSTS 200   /* are a customer each; of the others ten are one */
#define EXPOSED_MINUTES 60 /* the harm works in the hour after installation */

const char *const made_attributes[MADE_ATTRIBUTES] = {"engine", "os", "product_line", "region",
                                                      "ring"};
const char *const made_values[MADE_ATTRIBUTES][3] = {{"7.500", "7.510"},
                                                     {"Windows 2000", "Windows XP"},
                                                     {"OfficeScan"},
                                                     {"JP", "AMER", "EMEA"},
                                                     {"broad", "canary"}};
/* Twelve kinds of host, twice as many where there are rings. */
static const uint64_t value_counts[MADE_ATTRIBUTES] = {2, 2, 1, 3, 1};
enum { ENGINE, OS, PRODUCT_LINE, REGION, RING_OF };

const char *const made_settings[MADE_SETTINGS] = {"staged by ring, beta users unlike the rest",
                                                  "everybody updated within the hour",
                                                  "somebody else's bad patch at the same time",
                                                  "power cut of a region",
                                                  "Monday boot storm",
                                                  "offices off at six",
                                                  "sleeping laptops",
                                                  "wrong clocks",
                                                  "30 % of reports lost"};
enum { RING, WITHIN_HOUR, FOREIGN_PATCH, POWER_CUT, MONDAY, OFF_AT_SIX, LAPTOPS, CLOCKS, LOSS };

static double between(struct random_stream *random, double from, double until)
{
    return from + (until - from) * random_uniform(random);
}

static void set_on(struct made_host *host, double from, double until, bool on)
{
    for (int m = from < 0 ? 0 : (int)from; m < until && m < MADE_MINUTES; m++) {
        host->on[m] = on;
    }
}

static void set_work(struct made_host *host, double from, double until)
{
    for (int m = from < 0 ? 0 : (int)from; m < until && m < MADE_MINUTES; m++) {
        double share = fmin(until, m + 1) - fmax(from, m);
        host->work[m] = (float)fmin(1, host->work[m] + share);
    }
}

static void scan(struct random_stream *random, struct made_host *host, double from, double per_hour)
{
    double at = from;
    while ((at += random_exponential(random, 60 / per_hour)) < MADE_MINUTES) {
        set_work(host, at, at + 15);
    }
}

static void begin(struct random_stream *random, uint32_t number, struct made_host *host)
{
    memset(host, 0, sizeof *host);
    for (int u = 0; u < MADE_UPDATES; u++) {
        host->installs[u] = MADE_NEVER;
    }
    host->harmed_at = MADE_NEVER;
    host->customer = number < SINGLE_HOSTS ? number : SINGLE_HOSTS + number / 10;
    for (int a = 0; a < MADE_ATTRIBUTES; a++) {
        host->values[a] = (uint8_t)random_below(random, value_counts[a]);
    }
}

static void sleep_and_wake(struct random_stream *random, struct made_host *host)
{
    double at = -random_exponential(random, 30);
    memset(host->on, 0, sizeof host->on);
    while (at < MADE_MINUTES) {
        double until = at + random_exponential(random, 50);
        set_on(host, at, until, true);
        at = until + random_exponential(random, 25);
    }
}

/* The patch comes within twenty minutes of our update, or without it, and pins one host in two. */
static void patch(struct random_stream *random, struct made_host *host)
{
    host->installs[1] = host->installs[0] + between(random, -20, 20);
    uint64_t kind = random_below(random, 10);
    if (kind < 2) {
        host->installs[0] = MADE_NEVER;
    } else if (kind < 4) {
        host->installs[1] = MADE_NEVER;
    }
    if (host->installs[1] < MADE_MINUTES && random_below(random, 2) == 0) {
        set_work(host, host->installs[1] + random_exponential(random, 15), MADE_MINUTES);
    }
}

static void boot_on_monday(struct random_stream *random, struct made_host *host)
{
    double boot = random_below(random, 4) == 0 ? 0 : between(random, 60, 100);
    memset(host->on, 0, sizeof host->on);
    set_on(host, boot, MADE_MINUTES, true);
    set_work(host, boot, boot + 3);
    if (random_below(random, 5) == 0) {
        double at = boot + between(random, 6, 30);
        set_work(host, at, at + 10);
    }
    host->installs[0] = random_below(random, 2) == 0 ? boot + 4 : between(random, 60, 230);
}

static void make_clean_host(size_t setting, uint64_t seed, struct random_stream *random,
                            struct made_host *host)
{
    struct random_stream shared = random_stream_new(seed, 1000000); /* the same for all hosts */
    bool beta = setting == RING && random_below(random, 8) == 0;
    host->values[RING_OF] = beta ? 1 : 0;
    set_on(host, 0, MADE_MINUTES, true);
    host->installs[0] = between(random, 60, 180);
    switch (setting) {
    case RING:
        host->installs[0] = between(random, beta ? 60 : 110, beta ? 120 : 170);
        scan(random, host, 0, beta ? 4 * SCANS_PER_HOUR : 0);
        break;
    case WITHIN_HOUR:
        host->installs[0] = between(random, 120, 170);
        break;
    case FOREIGN_PATCH:
        patch(random, host);
        break;
    case POWER_CUT: {
        double cut = between(&shared, 90, 180);
        host->installs[0] = between(random, host->values[REGION] == 0 ? 60 : 90, 190);
        if (host->values[REGION] == 0) {
            set_on(host, cut, cut + 40, false);
        }
        break;
    }
    case MONDAY:
        boot_on_monday(random, host);
        break;
    case OFF_AT_SIX:
        host->installs[0] = between(random, 100, 200);
        if (random_below(random, 4) != 0) {
            set_on(host, between(random, 140, 165), MADE_MINUTES, false);
        }
        break;
    case LAPTOPS:
        sleep_and_wake(random, host);
        break;
    case CLOCKS: /* minutes for most, days behind for some */
        host->clock_off =
            random_below(random, 10) == 0 ? -between(random, 60, 4000) : between(random, -9, 9);
        break;
    default:
        for (int m = 0; m < MADE_MINUTES; m++) {
            host->on[m] = random_below(random, 10) >= 3;
        }
    }
    scan(random, host, 0, SCANS_PER_HOUR);
}

void made_clean(size_t setting, uint64_t seed, struct made_rollout *rollout)
{
    memset(rollout->segment, -1, sizeof rollout->segment);
    rollout->ratio = 1;
    rollout->host_count = CLEAN_HOSTS;
    for (uint32_t h = 0; h < rollout->host_count; h++) {
        struct random_stream random = random_stream_new(seed, h);
        begin(&random, h, &rollout->hosts[h]);
        make_clean_host(setting, seed, &random, &rollout->hosts[h]);
    }
}

bool made_is_in_segment(const struct made_rollout *rollout, const struct made_host *host)
{
    for (int a = 0; a < MADE_ATTRIBUTES; a++) {
        if (rollout->segment[a] >= 0 && rollout->segment[a] != host->values[a]) {
            return false;
        }
    }
    return true;
}

/* One region, or one engine on one operating system. */
static void draw_segment(struct random_stream *random, struct made_rollout *rollout)
{
    if (random_below(random, 2) == 0) {
        rollout->segment[REGION] = (int)random_below(random, value_counts[REGION]);
    } else {
        rollout->segment[ENGINE] = (int)random_below(random, value_counts[ENGINE]);
        rollout->segment[OS] = (int)random_below(random, value_counts[OS]);
    }
}

/* At every moment of the hour, of hosts that have got over it, too: like scans, but more of them.
 */
static void harm_anew(struct random_stream *random, struct made_host *host, double per_hour)
{
    double from = host->installs[0];
    for (double at = from;
         (at += random_exponential(random, 60 / per_hour)) < from + EXPOSED_MINUTES;) {
        host->harmed_at = fmin(host->harmed_at, at);
        set_work(host, at, at + 15);
    }
}

/* When harm of `ratio` times the rate strikes after installation, or MADE_NEVER. */
static double draw_delay(enum made_harm harm, double ratio, struct random_stream *random)
{
    double share = SCANS_PER_HOUR * (ratio - 1);
    if (harm == MADE_OVER_HOUR) {
        double delay = random_exponential(random, 60 / share);
        return delay < EXPOSED_MINUTES ? delay : MADE_NEVER;
    }
    bool is_struck = random_uniform(random) < share;
    return is_struck ? 1 + random_exponential(random, 4) : MADE_NEVER;
}

void made_harmful(enum made_harm harm, uint64_t seed, struct made_rollout *rollout)
{
    struct random_stream shared = random_stream_new(seed, 1000000);
    memset(rollout->segment, -1, sizeof rollout->segment);
    rollout->ratio = 3;
    /* The ratio is that of the fleet as a whole, which fewer hosts tell as well. */
    rollout->host_count = harm == MADE_THREEFOLD ? MADE_HOSTS / 2 : MADE_HOSTS;
    if (harm != MADE_THREEFOLD) {
        rollout->ratio = exp(between(&shared, log(3), log(7)));
        draw_segment(&shared, rollout);
    }
    for (uint32_t h = 0; h < rollout->host_count; h++) {
        struct made_host *host = &rollout->hosts[h];
        struct random_stream random = random_stream_new(seed, h);
        begin(&random, h, host);
        set_on(host, 0, MADE_MINUTES, true);
        host->installs[0] = between(&random, 60, 180);
        if (harm == MADE_IN_THREE) {
            host->installs[1] = between(&random, 60, 180);
            host->installs[2] = between(&random, 60, 180);
        } else if (harm == MADE_BUNDLE) {
            host->installs[1] = host->installs[0];
        }
        scan(&random, host, 0, SCANS_PER_HOUR);
        if (harm == MADE_THREEFOLD) {
            harm_anew(&random, host, SCANS_PER_HOUR * (rollout->ratio - 1));
            continue;
        }
        double delay = draw_delay(harm, rollout->ratio, &random);
        if (made_is_in_segment(rollout, host) && delay < MADE_NEVER) {
            host->harmed_at = host->installs[0] + delay;
            set_work(host, host->harmed_at, MADE_MINUTES);
        }
    }
}

double made_reading(const struct made_host *host, uint32_t number, int at)
{
    if (at < MADE_INTERVAL || at > MADE_MINUTES || at % MADE_INTERVAL != (int)(number % 2) ||
        !host->on[at - 1]) {
        return -1;
    }
    double work = 0.5 * (host->work[at - 1] + host->work[at - 2]);
    double idle =
        0.05 + 0.1 * (double)((number * 2654435761U + (uint32_t)at * 40503U) % 1000) / 1000;
    return idle + (0.99 - idle) * work;
}
