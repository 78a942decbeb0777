/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/impact_forecast.h"

#include <math.h>
#include <stdlib.h>

/* Harm shows at the second report after it; with the usual interval of five minutes. */
#define SHOWS_AFTER_MIN 10
/* The present pace is that of the last minutes. */
#define PACE_MIN 15
#define HOUR_MIN 60
#define HORIZON_HOURS 4
/* Of a normal variable, to either end of 90 %. */
#define DEVIATIONS 1.645

/* Installations inside the segment by minutes: since then, and from then until harm. */
struct course {
    int32_t window;
    double *waiting;     /* by age: not affected */
    double *turned;      /* by delay: affected, of those old enough to tell */
    double *old;         /* by age, affected or not, less SHOWS_AFTER_MIN */
    double *left;        /* the chance not to have turned by that age */
    double harmed, told; /* affected; installations old enough to tell of the whole window */
    double in_pace, in_hour;
    double heard_after; /* minutes from installation, summed up */
    double installs;
};

static void take_install(struct course *course, const struct impact *impact,
                         const struct exposure_install *install, int32_t now)
{
    int32_t age = now - install->installed / 60;
    if (age < 0) {
        age = 0;
    }
    course->installs++;
    course->heard_after += install->heard_after_min;
    course->in_pace += age < PACE_MIN;
    course->in_hour += age < HOUR_MIN;
    int32_t old = age - SHOWS_AFTER_MIN;
    old = old > course->window ? course->window : old;
    if (old >= 0) {
        course->old[old]++;
        course->told += old == course->window;
    }
    if (install->affected == EXPOSURE_NONE) {
        if (age < course->window) {
            course->waiting[age]++;
        }
        return;
    }
    int32_t delay = (impact->records[install->affected].began - install->installed) / 60;
    delay = delay < 0 ? 0 : delay >= course->window ? course->window - 1 : delay;
    course->harmed++;
    if (delay <= old) {
        course->turned[delay]++;
    }
}

/* The product limit. Installations of age `old` have been watched for as long, and no longer. */
static void survive(struct course *course, double control_rate)
{
    double watched = 0;
    for (int32_t age = course->window; age >= 0; age--) {
        watched += course->old[age];
    }
    double left = 1;
    double turned = 0;
    for (int32_t age = 0; age < course->window; age++) {
        course->left[age] = left;
        double at_risk = watched - turned;
        double hazard = at_risk > 0 ? course->turned[age] / at_risk - control_rate : 0;
        left *= 1 - fmin(hazard, 1); /* below the control's rate as often as above it */
        turned += course->turned[age];
        watched -= course->old[age];
        /* Those that leave the watch now have turned in proportion. */
        turned = fmin(turned, watched);
    }
    course->left[course->window] = left;
}

static double chance_from(const struct course *course, int32_t age)
{
    int32_t told = age > SHOWS_AFTER_MIN ? age - SHOWS_AFTER_MIN : 0;
    double left = course->left[told < course->window ? told : course->window];
    return left > 0 ? fmax(0, 1 - course->left[course->window] / left) : 0;
}

/* For each that is known to be affected there are so many in all, give or take a standard deviation
 * of `doubt`. */
struct scale {
    double likely, doubt;
};

static struct scale scale_of(struct range affected, double harmed)
{
    if (harmed <= 0) {
        return (struct scale){.likely = 1};
    }
    return (struct scale){.likely = fmax(1, affected.likely / harmed),
                          .doubt = (affected.high - affected.low) / (2 * DEVIATIONS * harmed)};
}

/* Of `hosts` that report, with that chance each known from so many, and of as many more as `scale`
 * says. Counts vary like Poisson ones, of those that do not report and of those that stand for
 * them.
 */
static struct range range_of(double hosts, double chance, double known_from, struct scale scale)
{
    double seen = hosts * chance;
    double more = scale.likely - 1;
    double mean = scale.likely * seen;
    double chance_doubt = hosts * hosts * chance * (1 - chance) / (known_from + 1);
    double variance = (1 + more + more * more) * (seen + 1) +
                      scale.likely * scale.likely * chance_doubt +
                      seen * scale.doubt * seen * scale.doubt;
    double reach = DEVIATIONS * sqrt(variance);
    return (struct range){.low = fmax(0, mean - reach),
                          .likely = mean,
                          .high = hosts > 0 ? fmin(scale.likely * hosts, mean + reach) : 0};
}

static void tell(const struct course *course, const struct impact_outlook *outlook,
                 struct impact_forecast *forecast)
{
    /* Whatever came of those that told of it comes of all that have it. */
    struct scale scale = scale_of(outlook->affected, course->harmed);
    double chance = fmax(0, 1 - course->left[course->window]);
    double pace = outlook->withdrawn ? 0 : course->in_pace / PACE_MIN;
    double untold = course->installs > 0 ? pace * course->heard_after / course->installs : 0;
    double known_from = course->told + course->harmed;
    double waiting = untold;
    double to_turn = untold * chance;
    for (int32_t age = 0; age < course->window; age++) {
        waiting += course->waiting[age];
        to_turn += course->waiting[age] * chance_from(course, age);
    }
    forecast->may_turn = range_of(waiting, waiting > 0 ? to_turn / waiting : 0, known_from, scale);
    double without = fmax(0, outlook->without - untold);
    double hour = fmin(HOUR_MIN * pace, without);
    double hours = fmin(HORIZON_HOURS * HOUR_MIN * pace, without);
    forecast->hosts_an_hour = scale.likely * HOUR_MIN * pace;
    forecast->hosts_without = scale.likely * without;
    forecast->next_hour = range_of(hour, chance, known_from, scale);
    forecast->four_hours = range_of(hours, chance, known_from, scale);
    forecast->an_hour_ago =
        range_of(hours + (outlook->withdrawn ? 0 : course->in_hour), chance, known_from, scale);
}

bool impact_forecast(const struct impact *impact, const struct exposure *exposure,
                     const struct fleet *fleet, const struct segments *segments,
                     const struct subgroup *subgroup, uint32_t update,
                     const struct impact_outlook *outlook, struct impact_forecast *forecast,
                     struct failure *failure)
{
    *forecast = (struct impact_forecast){.hosts_an_hour = 0};
    int32_t window = exposure->window_minutes;
    size_t ages = (size_t)window + 1;
    double *room = calloc(4 * ages, sizeof *room);
    bool *inside = calloc((size_t)segments->count + 1, sizeof *inside);
    if (room == NULL || inside == NULL) {
        free(room);
        free(inside);
        return failure_memory(failure, "looking ahead");
    }
    struct course course = {.window = window,
                            .waiting = room,
                            .turned = room + ages,
                            .old = room + 2 * ages,
                            .left = room + 3 * ages};
    for (uint32_t i = 0; i < segments->count; i++) {
        inside[i] = subgroup_contains(subgroup, segments, i);
    }
    for (uint32_t i = 0; i < exposure->install_count; i++) {
        const struct exposure_install *install = &exposure->installs[i];
        if (install->update != update) {
            continue;
        }
        uint32_t segment = fleet->hosts[install->host].segment;
        if (segment < segments->count && inside[segment]) {
            take_install(&course, impact, install, outlook->now);
        }
    }
    survive(&course, outlook->control_rate);
    tell(&course, outlook, forecast);
    free(room);
    free(inside);
    return true;
}
