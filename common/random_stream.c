/* xoshiro256++ and the distributions drawn from it; see random_stream.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/random_stream.h"

#include <math.h>

static uint64_t rotate(uint64_t word, int by)
{
    return word << by | word >> (64 - by);
}

static uint64_t splitmix(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

struct random_stream random_stream_new(uint64_t seed, uint64_t stream)
{
    uint64_t mixed_stream = stream;
    uint64_t state = seed ^ splitmix(&mixed_stream);
    struct random_stream random;
    for (int i = 0; i < 4; i++) {
        random.state[i] = splitmix(&state);
    }
    return random;
}

uint64_t random_bits(struct random_stream *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[0] + s[3], 23) + s[0];
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

double random_uniform(struct random_stream *random)
{
    return (double)(random_bits(random) >> 11) * 0x1p-53;
}

uint64_t random_below(struct random_stream *random, uint64_t limit)
{
    /* Draws below 2^64 modulo limit would favour the small ones; they are drawn again. */
    uint64_t reject = (0 - limit) % limit;
    uint64_t bits;
    do {
        bits = random_bits(random);
    } while (bits < reject);
    return bits % limit;
}

double random_normal(struct random_stream *random)
{
    for (;;) {
        double x = 2 * random_uniform(random) - 1;
        double y = 2 * random_uniform(random) - 1;
        double square = x * x + y * y;
        if (square > 0 && square < 1) {
            return x * sqrt(-2 * log(square) / square);
        }
    }
}

double random_exponential(struct random_stream *random, double mean)
{
    return -mean * log1p(-random_uniform(random));
}

double random_gamma(struct random_stream *random, double shape)
{
    if (shape < 1) {
        /* Gamma(a) = Gamma(a+1) U^(1/a) (Marsaglia and Tsang 2000, section 6). */
        double uniform = 1 - random_uniform(random);
        return random_gamma(random, shape + 1) * pow(uniform, 1 / shape);
    }
    double d = shape - 1.0 / 3;
    double c = 1 / sqrt(9 * d);
    for (;;) {
        double x = random_normal(random);
        double v = 1 + c * x;
        if (v <= 0) {
            continue;
        }
        v = v * v * v;
        double uniform = 1 - random_uniform(random);
        double square = x * x;
        /* The first takes nothing that the second would not, and spares most draws two logarithms
         * (the paper's section 4). */
        if (uniform < 1 - 0.0331 * square * square ||
            log(uniform) < 0.5 * square + d - d * v + d * log(v)) {
            return d * v;
        }
    }
}

double random_beta(struct random_stream *random, double a, double b)
{
    double x = random_gamma(random, a);
    double y = random_gamma(random, b);
    if (x + y > 0) {
        return x / (x + y);
    }
    /* Both shapes so small that both draws are zero in a double: nearly all of the distribution
     * sits at its ends, a share a / (a + b) of it at 1. */
    return random_uniform(random) < a / (a + b) ? 1 : 0;
}

double random_pert(struct random_stream *random, double low, double likely, double high)
{
    if (!(high > low)) {
        return low;
    }
    double a = 1 + 4 * (likely - low) / (high - low);
    double b = 1 + 4 * (high - likely) / (high - low);
    return low + (high - low) * random_beta(random, a, b);
}
