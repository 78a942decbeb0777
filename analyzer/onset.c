/* A scan for the first dense run of sightings, then the posterior of where it begins and which of
 * its sightings is the first that is harm; see onset.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/onset.h"

#include <math.h>
#include <stdlib.h>

/* Runs are looked for at every length from 5, doubled: harm of ten times the noise shows in five,
 * of twice the noise in some fifty. Under five ordinary noise would make one somewhere. */
#define RUN_FEWEST 5
#define RUN_MOST 320
#define RUN_CHANCE 0.001
/* Sightings before the run's first that may belong to it, and after its last that tell its rate:
 * more say nothing more of the beginning, and rates do not stay the same for long. */
#define BEFORE 10
#define AFTER 30

/* Share of the harmed that were in ordinary distress already, so that nobody sees them turn: a
 * guess for any fleet. Scans of a quarter of an hour, 0.15 a host and hour, keep so many busy. */
#define HIDDEN 0.04

/* Points of the posterior: beginnings, and for each the rates it is averaged over, from a quarter
 * to four times the mean rate from then on. */
#define BEGINNINGS 250
#define RATES 9 /* by half an octave */

static int compare(const void *left, const void *right)
{
    const struct onset_sighting *a = left;
    const struct onset_sighting *b = right;
    return a->until_s != b->until_s ? (a->until_s > b->until_s) - (a->until_s < b->until_s)
                                    : (a->from_s > b->from_s) - (a->from_s < b->from_s);
}

/* A bound on the chance of `least` events or more where `mean` are expected (Chernoff): within a
 * small factor of it where it is small, and the same work for five and for hundreds. */
static double poisson_at_least(double least, double mean)
{
    return least > mean ? exp(least - mean - least * log(least / fmax(mean, 1e-300))) : 1;
}

struct run {
    size_t first, length;
};

/* The first run that is too dense for the noise, of any length; the last sightings where none is.
 */
static struct run find_run(const struct onset_sighting *sightings, size_t count, double noise_per_s)
{
    struct run found = {.first = count, .length = RUN_FEWEST};
    for (size_t length = RUN_FEWEST; length <= RUN_MOST && length <= count; length *= 2) {
        for (size_t i = 0; i + length <= count && i < found.first; i++) {
            double span = sightings[i + length - 1].until_s - sightings[i].until_s;
            if (poisson_at_least((double)length - 1, noise_per_s * span) < RUN_CHANCE) {
                found = (struct run){.first = i, .length = length};
            }
        }
    }
    if (found.first == count) {
        found.length = count < RUN_FEWEST ? count : RUN_FEWEST;
        found.first = count - found.length;
    }
    return found;
}

/* The stretch of sightings the posterior is made of. */
struct stretch {
    const struct onset_sighting *sightings;
    size_t count;
    double from_s, latest_s, until_s; /* the beginning is between the first two */
    bool whole;                       /* nothing was exposed before it */
    double noise_per_s;
    double width_s; /* of a sighting, on average */
};

static double beginning_of(const struct stretch *stretch, int i)
{
    return stretch->from_s + (stretch->latest_s - stretch->from_s) * i / BEGINNINGS;
}

/* Seconds' worth of harm that can be sighted by the end of the stretch when it began at `at_s`:
 * what falls in the last interval is sighted only in part. */
static double sighted_s(const struct stretch *stretch, double at_s)
{
    double since = fmax(stretch->until_s - at_s, 1e-6); /* all in the last instant, at most */
    double width = stretch->width_s;
    return since < width ? since * since / (2 * width) : since - width / 2;
}

/* What part of the time in which noise may have made the sighting harm may have, from `at_s` on. */
static double share_after(const struct onset_sighting *one, double at_s)
{
    double width = one->until_s - one->from_s;
    double after = one->until_s - fmax(at_s, one->from_s);
    return after > 0 ? one->share * after / width : 0;
}

/* Log likelihood of a beginning with `rate` sightings of harm a second, less that of noise alone.
 * `shares`: what part of each sighting lies after the beginning. */
static double log_likelihood(const struct stretch *stretch, const double *shares, double sighted,
                             double rate)
{
    double product = 1;
    double sum = -rate * sighted;
    for (size_t i = 0; i < stretch->count; i++) {
        product *= 1 + rate * shares[i] / stretch->noise_per_s;
        if (product > 1e200) { /* one logarithm for many factors */
            sum += log(product);
            product = 1;
        }
    }
    return sum + log(product);
}

/* How likely each sighting is harm, and not noise, for each beginning; how likely each beginning
 * is, not normed; and the rate of harm from then on. Averaged over the rates. */
struct posterior {
    double *weights; /* of the beginnings */
    double *rates;
    double *harm;   /* BEGINNINGS + 1 times stretch->count */
    double *shares; /* of the sightings; room to work in */
};

static void weigh(const struct stretch *stretch, struct posterior *posterior)
{
    double logs[BEGINNINGS + 1];
    double largest = -INFINITY;
    for (int b = 0; b <= BEGINNINGS; b++) {
        double at_s = beginning_of(stretch, b);
        double sighted = sighted_s(stretch, at_s);
        double *harm = posterior->harm + (size_t)b * stretch->count;
        double rate_logs[RATES];
        double best = -INFINITY;
        double sum = 0;
        double mean = 0;
        for (size_t i = 0; i < stretch->count; i++) {
            posterior->shares[i] = share_after(&stretch->sightings[i], at_s);
            harm[i] = 0;
        }
        for (int r = 0; r < RATES; r++) {
            double rate = (double)stretch->count / sighted * exp2(0.5 * r - 2);
            rate_logs[r] = log_likelihood(stretch, posterior->shares, sighted, rate);
            best = fmax(best, rate_logs[r]);
        }
        for (int r = 0; r < RATES; r++) {
            double rate = (double)stretch->count / sighted * exp2(0.5 * r - 2);
            double weight = exp(rate_logs[r] - best);
            sum += weight;
            mean += weight * rate;
            for (size_t i = 0; i < stretch->count; i++) {
                double from_harm = rate * posterior->shares[i];
                harm[i] += weight * from_harm / (from_harm + stretch->noise_per_s);
            }
        }
        for (size_t i = 0; i < stretch->count; i++) {
            harm[i] /= sum;
        }
        posterior->rates[b] = mean / sum;
        /* Harm is as likely to begin with the first installation, where the stretch does, as at any
         * time later. */
        logs[b] = best + log(sum) + (b == 0 && stretch->whole ? log(BEGINNINGS) : 0);
        largest = fmax(largest, logs[b]);
    }
    for (int b = 0; b <= BEGINNINGS; b++) {
        posterior->weights[b] = exp(logs[b] - largest);
    }
}

/* The chance that the first harm is at `at_s` or before it, for one beginning, from which on harm
 * is sighted at `rate`: one of the sightings is harm and fell there, or a host was harmed that was
 * in distress already. */
static double harmed_by(const struct stretch *stretch, const double *harm, double rate,
                        double beginning_s, double at_s)
{
    double none = exp(-HIDDEN / (1 - HIDDEN) * rate * (at_s - beginning_s));
    for (size_t i = 0; i < stretch->count && none > 1e-9; i++) {
        const struct onset_sighting *one = &stretch->sightings[i];
        double from = fmax(one->from_s, beginning_s);
        double before = at_s >= one->until_s ? 1
                        : at_s > from        ? (at_s - from) / (one->until_s - from)
                                             : 0;
        none *= 1 - harm[i] * before;
    }
    return 1 - none;
}

/* The point by which the first harm has come with chance `share`. */
static double quantile(const double *chances, double share, const struct stretch *stretch)
{
    int i = 0;
    while (i < BEGINNINGS && chances[i] < share) {
        i++;
    }
    if (i == 0) {
        return beginning_of(stretch, 0);
    }
    double step = beginning_of(stretch, i) - beginning_of(stretch, i - 1);
    double rise = chances[i] - chances[i - 1];
    double part = rise > 0 ? (share - chances[i - 1]) / rise : 1;
    return beginning_of(stretch, i - 1) + step * fmin(part, 1);
}

static struct range first_harm(const struct stretch *stretch, const struct posterior *posterior)
{
    double chances[BEGINNINGS + 1];
    double total = 0;
    for (int b = 0; b <= BEGINNINGS; b++) {
        total += posterior->weights[b];
    }
    for (int t = 0; t <= BEGINNINGS; t++) {
        chances[t] = 0;
        for (int b = 0; b <= t; b++) {
            chances[t] +=
                posterior->weights[b] / total *
                harmed_by(stretch, posterior->harm + (size_t)b * stretch->count,
                          posterior->rates[b], beginning_of(stretch, b), beginning_of(stretch, t));
        }
    }
    /* The run has begun by the end of the stretch of beginnings, or nothing has. */
    double sure = chances[BEGINNINGS];
    return (struct range){.low = quantile(chances, 0.05 * sure, stretch),
                          .likely = quantile(chances, 0.5 * sure, stretch),
                          .high = quantile(chances, 0.95 * sure, stretch)};
}

static struct stretch stretch_of(const struct onset_sighting *sightings, size_t count,
                                 double noise_per_s, double earliest_s)
{
    struct run run = find_run(sightings, count, noise_per_s);
    size_t first = run.first > BEFORE ? run.first - BEFORE : 0;
    size_t last = run.first + run.length + AFTER;
    last = last < count ? last : count - 1;
    struct stretch stretch = {.sightings = &sightings[first],
                              .count = last - first + 1,
                              .from_s = earliest_s,
                              .latest_s = sightings[run.first + run.length - 1].until_s,
                              .until_s = sightings[last].until_s,
                              .whole = true,
                              /* Some noise there always is; a millionth is none to speak of. */
                              .noise_per_s = fmax(noise_per_s, 1e-6)};
    if (first > 0 && sightings[first - 1].until_s > earliest_s) {
        stretch.from_s = sightings[first - 1].until_s;
        stretch.whole = false;
    }
    for (size_t i = first; i <= last; i++) {
        double width = sightings[i].until_s - sightings[i].from_s;
        stretch.width_s += width / (double)stretch.count;
    }
    return stretch;
}

bool onset_of(struct onset_sighting *sightings, size_t count, double noise_per_s, double earliest_s,
              struct range *onset, struct failure *failure)
{
    *onset = (struct range){.low = NAN, .likely = NAN, .high = NAN};
    if (count == 0) {
        return true;
    }
    qsort(sightings, count, sizeof *sightings, compare);
    struct stretch stretch = stretch_of(sightings, count, noise_per_s, earliest_s);
    if (!(stretch.latest_s > stretch.from_s)) {
        *onset =
            (struct range){.low = stretch.from_s, .likely = stretch.from_s, .high = stretch.from_s};
        return true;
    }
    const size_t beginnings = BEGINNINGS + 1;
    double *room = malloc((2 * beginnings + (beginnings + 1) * stretch.count) * sizeof *room);
    if (room == NULL) {
        return failure_memory(failure, "dating the onset");
    }
    struct posterior posterior = {.weights = room,
                                  .rates = room + beginnings,
                                  .shares = room + 2 * beginnings,
                                  .harm = room + 2 * beginnings + stretch.count};
    weigh(&stretch, &posterior);
    *onset = first_harm(&stretch, &posterior);
    free(room);
    return true;
}

/* The last harm is the first with time running backwards. */
bool onset_end_of(struct onset_sighting *sightings, size_t count, double noise_per_s,
                  double latest_s, struct range *end, struct failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        sightings[i] = (struct onset_sighting){.from_s = -sightings[i].until_s,
                                               .until_s = -sightings[i].from_s,
                                               .share = sightings[i].share};
    }
    struct range mirrored;
    bool done = onset_of(sightings, count, noise_per_s, -latest_s, &mirrored, failure);
    *end = (struct range){.low = -mirrored.high, .likely = -mirrored.likely, .high = -mirrored.low};
    return done;
}
