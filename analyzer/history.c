/* Rates by hour of the week; see history.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/history.h"

#include <math.h>

/* An hour of the week is known from this many onsets expected in it. */
#define KNOWN_EXPECTED 5
/* Even where hours were all alike so far, half as much again may be usual. */
#define RAISED_LEAST 0.5
/* By how much more an hour may differ that has not been seen. */
#define UNSEEN 2.0

static int hour_of(int32_t minute)
{
    return (int)(minute / 60 % HISTORY_HOURS);
}

static void add(struct exposure_quiet *sum, const struct exposure_quiet *quiet)
{
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        sum->minutes[sign] += quiet->minutes[sign];
        sum->onsets[sign] += quiet->onsets[sign];
    }
}

void history_take(struct history *history, int32_t minute, const struct exposure_quiet *quiet)
{
    add(&history->hours[hour_of(minute)], quiet);
    add(&history->total, quiet);
}

/* The rate of some hours as a multiple of `rate`; NAN where too little was to be expected. */
static double multiple(double onsets, double minutes, double rate)
{
    return minutes * rate >= KNOWN_EXPECTED ? onsets / (minutes * rate) : NAN;
}

/* The same hour of the week, else of the day. */
static double usual(const struct history *history, int hour, enum exposure_sign sign, double rate)
{
    const struct exposure_quiet *same = &history->hours[hour];
    double by_week = multiple(same->onsets[sign], same->minutes[sign], rate);
    if (!isnan(by_week)) {
        return by_week;
    }
    double onsets = 0;
    double minutes = 0;
    for (int h = hour % 24; h < HISTORY_HOURS; h += 24) {
        onsets += history->hours[h].onsets[sign];
        minutes += history->hours[h].minutes[sign];
    }
    return multiple(onsets, minutes, rate);
}

/* Standard deviation of the hours' multiples, less what chance alone gives them; the largest of
 * them in *most. */
static double spread(const struct history *history, enum exposure_sign sign, double rate,
                     double *most)
{
    double weight = 0;
    double square = 0;
    *most = 1;
    for (int h = 0; h < HISTORY_HOURS; h++) {
        const struct exposure_quiet *one = &history->hours[h];
        double times = multiple(one->onsets[sign], one->minutes[sign], rate);
        if (!isnan(times)) {
            double chance = 1 / (one->minutes[sign] * rate);
            weight += one->minutes[sign];
            square += one->minutes[sign] * ((times - 1) * (times - 1) - chance);
            *most = times > *most ? times : *most;
        }
    }
    return weight > 0 && square > 0 ? sqrt(square / weight) : 0;
}

double history_factor(const struct history *history, int32_t minute, enum exposure_sign sign)
{
    if (history->total.minutes[sign] <= 0) {
        return INFINITY;
    }
    double rate = history->total.onsets[sign] / history->total.minutes[sign];
    double most;
    double deviation = spread(history, sign, rate, &most);
    double raised = 1 + (deviation > RAISED_LEAST ? deviation : RAISED_LEAST);
    double times = usual(history, hour_of(minute), sign, rate);
    if (isnan(times)) {
        return sign == SIGN_SILENT ? INFINITY : most * raised * UNSEEN;
    }
    return (times > 1 ? times : 1) * raised;
}
