/* A scan for the first dense run of sightings, then the posterior of where it begins; see onset.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/onset.h"

#include <math.h>
#include <stdlib.h>

/* Five: fewer and a scan of ordinary noise finds a run somewhere; more and a small fleet's first
 * harmed hosts are passed over. */
#define RUN 5
#define RUN_CHANCE 0.001
/* Sightings before the run's first that may belong to it, and after it that tell its rate: more of
 * either say nothing more of the beginning, and rates do not stay the same for long. */
#define BEFORE 10
#define AFTER 30

/* Points of the posterior: beginnings, and for each the rates it is averaged over, from a quarter
 * to four times the mean rate from then on. */
#define BEGINNINGS 400
#define RATES 9 /* by half an octave */

/* Harm need not begin at its full rate: installations and delays make it rise over some minutes. */
static const double ramps_s[] = {0, 120, 300, 720};
#define RAMPS (sizeof ramps_s / sizeof *ramps_s)

static int compare(const void *left, const void *right)
{
    const struct onset_sighting *a = left;
    const struct onset_sighting *b = right;
    return a->until_s != b->until_s ? (a->until_s > b->until_s) - (a->until_s < b->until_s)
                                    : (a->from_s > b->from_s) - (a->from_s < b->from_s);
}

/* The chance of `least` events or more where `mean` are expected. */
static double poisson_at_least(int least, double mean)
{
    double term = exp(-mean);
    double below = 0;
    for (int k = 0; k < least; k++) {
        below += term;
        term *= mean / (k + 1);
    }
    return below < 1 ? 1 - below : 0;
}

/* The first sighting of the first run that is too dense for the noise. */
static size_t find_run(const struct onset_sighting *sightings, size_t count, double noise_per_s)
{
    size_t run = count < RUN ? count : RUN;
    size_t first = 0;
    while (first + run < count) {
        /* Times are known to the second at best; a run within one is dense, not infinitely so. */
        double span = sightings[first + run - 1].until_s - sightings[first].until_s + 1;
        if (poisson_at_least((int)run - 1, noise_per_s * span) < RUN_CHANCE) {
            break;
        }
        first++;
    }
    return first;
}

/* The stretch of sightings the posterior is made of. */
struct stretch {
    const struct onset_sighting *sightings;
    size_t count;
    double from_s, until_s;
    double noise_per_s;
    double width_s; /* of a sighting, on average */
};

/* Seconds' worth of harm that can be sighted by the end of the stretch when it began at `at_s`:
 * what falls in the last interval is sighted only in part. */
static double sighted_s(const struct stretch *stretch, double at_s)
{
    double since = stretch->until_s - at_s;
    double width = stretch->width_s;
    return since < width ? since * since / (2 * width) : since - width / 2;
}

/* The same where the rate rises to its full height over `ramp_s`. */
static double ramped_s(double sighted, double ramp_s)
{
    return sighted < ramp_s ? sighted * sighted / (2 * ramp_s) : sighted - ramp_s / 2;
}

/* Log likelihood of a beginning at `at_s` with in the end `rate` sightings a second, less that of
 * noise alone. */
static double log_likelihood(const struct stretch *stretch, double at_s, double rate, double ramp_s)
{
    double sum = -rate * ramped_s(sighted_s(stretch, at_s), ramp_s);
    for (size_t i = 0; i < stretch->count; i++) {
        const struct onset_sighting *one = &stretch->sightings[i];
        double width = one->until_s - one->from_s;
        double from = at_s > one->from_s ? at_s : one->from_s;
        double after = one->until_s - from;
        double share = width > 0 ? after / width : 1;
        double risen = 0.5 * (from + one->until_s) - at_s;
        share *= risen < ramp_s ? risen / ramp_s : 1;
        sum += after > 0 ? log1p(rate * share / stretch->noise_per_s) : 0;
    }
    return sum;
}

/* The point below which `share` of the weights lies. */
static double quantile(const double *weights, double total, double share, double from_s,
                       double step_s)
{
    double below = 0;
    for (int i = 0; i < BEGINNINGS; i++) {
        if (below + weights[i] >= share * total) {
            return from_s + step_s * (i + (share * total - below) / weights[i]);
        }
        below += weights[i];
    }
    return from_s + step_s * BEGINNINGS;
}

/* Of the first `ramps` of the ways to rise, each as likely. */
static struct range posterior(const struct stretch *stretch, double latest_s, size_t ramps)
{
    double weights[BEGINNINGS];
    double step_s = (latest_s - stretch->from_s) / BEGINNINGS;
    double largest = -INFINITY;
    double logs[BEGINNINGS][RATES * RAMPS];
    for (int i = 0; i < BEGINNINGS; i++) {
        double at_s = stretch->from_s + step_s * (i + 0.5);
        double mean_rate = (double)stretch->count / sighted_s(stretch, at_s);
        for (size_t r = 0; r < RATES * ramps; r++) {
            double rate = mean_rate * exp2(0.5 * (double)(r % RATES) - 2);
            logs[i][r] = log_likelihood(stretch, at_s, rate, ramps_s[r / RATES]);
            largest = logs[i][r] > largest ? logs[i][r] : largest;
        }
    }
    double total = 0;
    for (int i = 0; i < BEGINNINGS; i++) {
        weights[i] = 0;
        for (size_t r = 0; r < RATES * ramps; r++) {
            weights[i] += exp(logs[i][r] - largest);
        }
        total += weights[i];
    }
    return (struct range){.low = quantile(weights, total, 0.05, stretch->from_s, step_s),
                          .likely = quantile(weights, total, 0.5, stretch->from_s, step_s),
                          .high = quantile(weights, total, 0.95, stretch->from_s, step_s)};
}

struct range onset_of(struct onset_sighting *sightings, size_t count, double noise_per_s,
                      double earliest_s)
{
    if (count == 0) {
        return (struct range){.low = NAN, .likely = NAN, .high = NAN};
    }
    qsort(sightings, count, sizeof *sightings, compare);
    size_t run = find_run(sightings, count, noise_per_s);
    size_t first = run > BEFORE ? run - BEFORE : 0;
    size_t last = run + AFTER < count ? run + AFTER : count - 1;
    size_t sure = run + RUN - 1 < last ? run + RUN - 1 : last; /* the run has begun by then */
    struct stretch stretch = {.sightings = &sightings[first],
                              .count = last - first + 1,
                              .from_s = earliest_s,
                              .until_s = sightings[last].until_s,
                              /* Some noise there always is; a millionth is none to speak of. */
                              .noise_per_s = noise_per_s > 1e-6 ? noise_per_s : 1e-6};
    if (first > 0 && sightings[first - 1].until_s > earliest_s) {
        stretch.from_s = sightings[first - 1].until_s;
    }
    for (size_t i = first; i <= last; i++) {
        double width = sightings[i].until_s - sightings[i].from_s;
        stretch.width_s += width / (double)stretch.count;
    }
    double latest_s = sightings[sure].until_s;
    if (latest_s <= stretch.from_s + 1) {
        return (struct range){
            .low = stretch.from_s, .likely = stretch.from_s, .high = stretch.from_s + 1};
    }
    /* Whether it rises or begins at once a few minutes do not tell: the interval covers both. */
    struct range at_once = posterior(&stretch, latest_s, 1);
    struct range rising = posterior(&stretch, latest_s, RAMPS);
    return (struct range){.low = fmin(at_once.low, rising.low),
                          .likely = 0.5 * (at_once.likely + rising.likely),
                          .high = fmax(at_once.high, rising.high)};
}

/* The end is the beginning of the same harm with time running backwards. */
struct range onset_end_of(struct onset_sighting *sightings, size_t count, double noise_per_s,
                          double latest_s)
{
    for (size_t i = 0; i < count; i++) {
        sightings[i] = (struct onset_sighting){.from_s = -sightings[i].until_s,
                                               .until_s = -sightings[i].from_s};
    }
    struct range mirrored = onset_of(sightings, count, noise_per_s, -latest_s);
    return (struct range){.low = -mirrored.high, .likely = -mirrored.likely, .high = -mirrored.low};
}
