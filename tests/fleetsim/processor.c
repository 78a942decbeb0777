/* How busy is one host's processor? See processor.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/processor.h"

#include <math.h>

#include "tests/fleetsim/power.h"

/* No machine is ever quite idle, and a mean over minutes is never quite 1. */
#define BUSY_LEAST 0.003
#define BUSY_MOST 0.9999
/* Our product's own share of ordinary work, of a scan and of harm: assumptions; the second and
 * third are mostly the scan engine's. */
#define PRODUCT_SHARE_ORDINARY 0.15
#define PRODUCT_SHARE_SCAN 0.8
#define PRODUCT_SHARE_HARM 0.97
/* The busiest second of a window lies this much over its mean, on average. */
#define PEAK_SPREAD 0.3

static double between(struct random_stream *random, struct bounds bounds)
{
    return bounds.low + (bounds.high - bounds.low) * random_uniform(random);
}

static instant_us seconds(double count)
{
    return (instant_us)(count * 1000) * (INSTANT_SECOND / 1000);
}

static void plan_scan(struct processor *processor, const struct ordinary *ordinary,
                      instant_us after, struct random_stream *random)
{
    if (ordinary->scans_per_hour <= 0) {
        processor->scan_from = NEVER;
        processor->scan_until = NEVER;
        return;
    }
    processor->scan_from =
        after + seconds(random_exponential(random, 3600 / ordinary->scans_per_hour));
    processor->scan_until = processor->scan_from + seconds(between(random, ordinary->scan_s));
    processor->scan_busy = (float)between(random, ordinary->scan_busy);
}

void processor_start(struct processor *processor, const struct ordinary *ordinary, instant_us at,
                     struct random_stream *random)
{
    processor->started_at = at;
    processor->boot_busy = (float)between(random, ordinary->boot_busy);
    processor->harm_from = NEVER;
    processor->harm_until = NEVER;
    plan_scan(processor, ordinary, at, random);
}

/* Share of (from, until] that lies within (begin, end]. */
static double share_within(instant_us from, instant_us until, instant_us begin, instant_us end)
{
    instant_us low = begin > from ? begin : from;
    instant_us high = end < until ? end : until;
    return high > low ? (double)(high - low) / (double)(until - from) : 0;
}

static uint16_t ten_thousandths(double busy)
{
    return (uint16_t)lround(fmin(BUSY_MOST, fmax(BUSY_LEAST, busy)) * READING_ONE);
}

struct reading processor_read(struct processor *processor, const struct ordinary *ordinary,
                              instant_us from, instant_us until, double factor,
                              struct random_stream *random)
{
    while (processor->scan_until <= from) {
        plan_scan(processor, ordinary, processor->scan_until, random);
    }
    double level = processor->base_busy * factor;
    level *= fmax(0.1, 1 + ordinary->noise * random_normal(random));
    if (random_uniform(random) < ordinary->burst_share) {
        level += between(random, ordinary->burst_busy);
    }
    double scan = share_within(from, until, processor->scan_from, processor->scan_until);
    double boot = share_within(from, until, processor->started_at,
                               processor->started_at + seconds(ordinary->boot_s));
    double harm = share_within(from, until, processor->harm_from, processor->harm_until);
    double harm_busy = between(random, processor->harm_busy);

    /* Whoever wants more of the processor has it; scan, start and harm each run beside the rest. */
    double busy = level;
    busy += scan * fmax(0, processor->scan_busy - busy);
    busy += boot * fmax(0, processor->boot_busy - busy);
    double product = PRODUCT_SHARE_ORDINARY * level;
    product += scan * fmax(0, PRODUCT_SHARE_SCAN * processor->scan_busy - product);
    busy += harm * fmax(0, harm_busy - busy);
    product += harm * fmax(0, PRODUCT_SHARE_HARM * harm_busy - product);

    double highest = busy + PEAK_SPREAD * random_uniform(random);
    if (harm > 0) {
        highest = fmax(highest, harm_busy);
    }
    if (scan > 0) {
        highest = fmax(highest, processor->scan_busy);
    }
    struct reading reading = {.busy = ten_thousandths(busy),
                              .product_busy = ten_thousandths(fmin(product, busy)),
                              .harmed_share = harm};
    uint16_t peak = highest >= BUSY_MOST ? READING_ONE : ten_thousandths(highest);
    reading.peak = peak > reading.busy ? peak : reading.busy;
    return reading;
}
