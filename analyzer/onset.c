/* A scan for the first dense run of onsets; see onset.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/onset.h"

#include <math.h>
#include <stdlib.h>

/* Five: fewer and a scan of ordinary noise finds a run somewhere; more and a small fleet's first
 * harmed hosts are passed over. */
#define RUN 5
#define RUN_CHANCE 0.001
/* -ln(0.01): an exponential gap is longer than this many means once in a hundred times. */
#define GAP_LIMIT 4.6

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
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

/* A run may open with ordinary noise that happened shortly before: an event that stands off from
 * the next run by more than a gap of that run does once in a hundred times is not part of it. */
static size_t skip_stragglers(const double *began_s, size_t count, size_t first, size_t run)
{
    for (size_t skipped = 0; skipped + 1 < run && first + run < count; skipped++) {
        double mean_gap = (began_s[first + run] - began_s[first + 1]) / (double)(run - 1);
        if (began_s[first + 1] - began_s[first] <= GAP_LIMIT * (mean_gap + 1)) {
            break;
        }
        first++;
    }
    return first;
}

struct range onset_of(double *began_s, size_t count, double noise_per_s, double earliest_s)
{
    if (count == 0) {
        return (struct range){.low = NAN, .likely = NAN, .high = NAN};
    }
    qsort(began_s, count, sizeof *began_s, compare);
    size_t first = 0;
    size_t run = count < RUN ? count : RUN;
    while (first + run < count) {
        /* Times are known to the second at best; a run within one is dense, not infinitely so. */
        double span = began_s[first + run - 1] - began_s[first] + 1;
        if (poisson_at_least((int)run - 1, noise_per_s * span) < RUN_CHANCE) {
            break;
        }
        first++;
    }
    first = skip_stragglers(began_s, count, first, run);
    double likely = began_s[first] < earliest_s ? earliest_s : began_s[first];
    size_t left = count - first < run ? count - first : run;
    double gap = left > 1 ? (began_s[first + left - 1] - began_s[first]) / (double)(left - 1) : 60;
    double low = likely - 2.3 * gap;
    return (struct range){
        .low = low < earliest_s ? earliest_s : low, .likely = likely, .high = likely + gap};
}
