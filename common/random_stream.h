/* Random numbers that are the same on every machine for the same seed: xoshiro256++ (Blackman and
 * Vigna, 2019), seeded by splitmix64. For simulation and Monte Carlo; secrets come from libsodium.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_RANDOM_STREAM_H
#define EPICENTER_COMMON_RANDOM_STREAM_H

#include <stdint.h>

struct random_stream {
    uint64_t state[4];
};

/* Streams of different `stream` numbers under one seed are independent for any practical purpose;
 * give every host, draw or purpose its own. */
struct random_stream random_stream_new(uint64_t seed, uint64_t stream);

uint64_t random_bits(struct random_stream *random);
double random_uniform(struct random_stream *random);                 /* [0, 1), 53 bits */
uint64_t random_below(struct random_stream *random, uint64_t limit); /* 0 … limit-1, unbiased */
double random_normal(struct random_stream *random); /* mean 0, sd 1 (polar method) */
double random_exponential(struct random_stream *random, double mean);
double random_gamma(struct random_stream *random, double shape); /* scale 1; Marsaglia-Tsang 2000 */
double random_beta(struct random_stream *random, double a, double b);
/* Canonical PERT (Vose; mc2d::rpert with shape 4): beta on [low, high] with
 * a = 1 + 4(likely-low)/(high-low), b = 1 + 4(high-likely)/(high-low). low == high gives low. */
double random_pert(struct random_stream *random, double low, double likely, double high);

#endif
