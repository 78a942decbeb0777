/* One small fleet over four hours, minute by minute, with an update under test: harmless in a
 * setting that fools simpler tests, or harmful in a segment that is known.
 *
 * Time is in minutes from the beginning, and real: minute m of an array covers [m, m + 1).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_DETECTION_MADE_ROLLOUT_H
#define EPICENTER_TESTS_BENCH_DETECTION_MADE_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MADE_HOSTS 4000 /* at most */
#define MADE_MINUTES 240
#define MADE_INTERVAL 2 /* minutes between the reports of a host */
#define MADE_UPDATES 3  /* the first is the one under test */
#define MADE_ATTRIBUTES 5
#define MADE_NEVER 1e9

struct made_host {
    bool on[MADE_MINUTES];
    float work[MADE_MINUTES]; /* share of the minute in which all processors are taken */
    double installs[MADE_UPDATES];
    double harmed_at; /* by the update under test */
    double clock_off; /* minutes its clock is ahead */
    uint32_t customer;
    uint8_t values[MADE_ATTRIBUTES];
};

struct made_rollout {
    struct made_host hosts[MADE_HOSTS];
    uint32_t host_count;
    /* The segment harmed: a value by attribute, or -1 where any. */
    int segment[MADE_ATTRIBUTES];
    double ratio; /* of the rates of distress, there */
};

extern const char *const made_attributes[MADE_ATTRIBUTES]; /* sorted */
extern const char *const made_values[MADE_ATTRIBUTES][3];

#define MADE_SETTINGS 9
extern const char *const made_settings[MADE_SETTINGS];

/* A harmless update in setting `setting`. */
void made_clean(size_t setting, uint64_t seed, struct made_rollout *rollout);

enum made_harm {
    /* In a quarter or a third of the fleet, three to seven times the rate of the exposed hour: */
    MADE_ALONE,     /* one update, its harm minutes after installation */
    MADE_OVER_HOUR, /* one update, its harm anywhere in the hour after installation */
    MADE_IN_THREE,  /* as the first, with two harmless updates in flight */
    MADE_BUNDLE,    /* as the first, and the second update always comes with it */
    MADE_THREEFOLD  /* the whole fleet, threefold at every moment of the hour */
};
void made_harmful(enum made_harm harm, uint64_t seed, struct made_rollout *rollout);

bool made_is_in_segment(const struct made_rollout *rollout, const struct made_host *host);

/* What the host reports at the end of minute `at` - 1, as fraction of all processors; negative when
 * it does not. */
double made_reading(const struct made_host *host, uint32_t number, int at);

#endif
