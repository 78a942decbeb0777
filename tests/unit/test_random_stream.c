/* The generators against published outputs, the distributions against their closed-form moments.
 *
 * Every sample has a fixed seed, so the tests pass or fail the same everywhere. The tolerance of a
 * mean is five of its standard errors: a wrong formula is off by hundreds.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/random_stream.h"

#define DRAWS 200000

static void bits_are_those_of_the_reference(void **state)
{
    (void)state;
    /* The first ten outputs of xoshiro256plusplus.c (Blackman and Vigna, prng.di.unimi.it) from the
     * state {1, 2, 3, 4}, as the Rust crate rand_xoshiro 0.6 publishes them in its tests. */
    static const uint64_t expected[] = {
        41943041,
        58720359,
        3588806011781223,
        3591011842654386,
        9228616714210784205U,
        9973669472204895162U,
        14011001112246962877U,
        12406186145184390807U,
        15849039046786891736U,
        10450023813501588000U,
    };
    struct random_stream random = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(random_bits(&random) == expected[i]);
    }
}

static void seeding_is_the_reference_splitmix(void **state)
{
    (void)state;
    /* splitmix64.c (Vigna, prng.di.unimi.it): its first output from 0, and its first four from
     * 1234567 (Rosetta Code, "Pseudo-random numbers/Splitmix64"). A stream's state is what
     * splitmix64 gives from the seed xored with the mixed stream number. */
    const uint64_t first_of_zero = UINT64_C(0xe220a8397b1dcdaf);
    static const uint64_t expected[] = {6457827717110365317, 3203168211198807973,
                                        9817491932198370423U, 4593380528125082431};
    struct random_stream random = random_stream_new(1234567 ^ first_of_zero, 0);
    for (size_t i = 0; i < 4; i++) {
        assert_true(random.state[i] == expected[i]);
    }
}

static void streams_of_a_seed_differ_and_repeat(void **state)
{
    (void)state;
    struct random_stream streams[200];
    for (uint64_t i = 0; i < 200; i++) {
        streams[i] = random_stream_new(i / 100, i % 100);
        struct random_stream again = random_stream_new(i / 100, i % 100);
        assert_memory_equal(&streams[i], &again, sizeof again);
        for (uint64_t j = 0; j < i; j++) {
            assert_int_not_equal(streams[i].state[0], streams[j].state[0]);
        }
    }
    /* Neighbouring streams do not march in step: uniforms of mean 1/2, and of mean product 1/4. */
    double product = 0;
    for (int i = 0; i < DRAWS; i++) {
        product += random_uniform(&streams[0]) * random_uniform(&streams[1]);
    }
    assert_true(fabs(product / DRAWS - 0.25) < 5 * sqrt(7.0 / 144 / DRAWS));
}

/* Compares the mean of the draws and of their squared distances from it with what they should be.
 * The variance of the squared distances is taken from the sample. */
static void assert_moments(const char *name, const double *draws, double mean, double variance)
{
    double sum = 0;
    double square = 0;
    double fourth = 0;
    for (int i = 0; i < DRAWS; i++) {
        double distance = draws[i] - mean;
        sum += draws[i];
        square += distance * distance;
        fourth += distance * distance * distance * distance;
    }
    double mean_error = sqrt(variance / DRAWS);
    double variance_error = sqrt(fmax(0, fourth / DRAWS - square / DRAWS * square / DRAWS) / DRAWS);
    if (fabs(sum / DRAWS - mean) > 5 * mean_error + 1e-12) {
        fail_msg("%s: mean %g, not %g", name, sum / DRAWS, mean);
    }
    if (fabs(square / DRAWS - variance) > 5 * variance_error + 1e-12) {
        fail_msg("%s: variance %g, not %g", name, square / DRAWS, variance);
    }
}

static double draws[DRAWS];

static void uniforms_fill_the_unit_interval(void **state)
{
    (void)state;
    struct random_stream random = random_stream_new(4, 1);
    size_t bins[64] = {0};
    for (int i = 0; i < DRAWS; i++) {
        draws[i] = random_uniform(&random);
        assert_true(draws[i] >= 0 && draws[i] < 1);
        bins[(size_t)(draws[i] * 64)]++;
    }
    assert_moments("uniform", draws, 0.5, 1.0 / 12);
    /* Pearson's chi-squared with 63 degrees of freedom is over 120.6 with probability 1e-5. */
    double chi_squared = 0;
    for (size_t i = 0; i < 64; i++) {
        double expected = DRAWS / 64.0;
        chi_squared += ((double)bins[i] - expected) * ((double)bins[i] - expected) / expected;
    }
    assert_true(chi_squared < 120.6);
}

static void below_is_even_over_every_number(void **state)
{
    (void)state;
    static const uint64_t limits[] = {1, 2, 3, 7, 10, 64, 100};
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        struct random_stream random = random_stream_new(4, 100 + l);
        double counts[100] = {0};
        for (int i = 0; i < DRAWS; i++) {
            uint64_t number = random_below(&random, limits[l]);
            assert_true(number < limits[l]);
            counts[number]++;
        }
        double share = 1.0 / (double)limits[l];
        for (uint64_t n = 0; n < limits[l]; n++) {
            assert_true(fabs(counts[n] / DRAWS - share) <= 5 * sqrt(share * (1 - share) / DRAWS));
        }
    }
    /* Under a limit of 3/4 of 2^64 a plain remainder would give the lowest third twice as often. */
    struct random_stream random = random_stream_new(4, 200);
    int low = 0;
    for (int i = 0; i < DRAWS; i++) {
        low += random_below(&random, UINT64_C(3) << 62) < UINT64_C(1) << 62;
    }
    assert_true(fabs((double)low / DRAWS - 1.0 / 3) < 5 * sqrt(2.0 / 9 / DRAWS));
}

static void normals_have_their_moments_and_tails(void **state)
{
    (void)state;
    struct random_stream random = random_stream_new(4, 2);
    int beyond[4] = {0};
    for (int i = 0; i < DRAWS; i++) {
        draws[i] = random_normal(&random);
        for (int sd = 1; sd < 4; sd++) {
            beyond[sd] += draws[i] > sd;
        }
    }
    assert_moments("normal", draws, 0, 1);
    for (int sd = 1; sd < 4; sd++) {
        double share = erfc(sd / sqrt(2)) / 2;
        assert_true(fabs((double)beyond[sd] / DRAWS - share) < 5 * sqrt(share / DRAWS));
    }
}

static void exponentials_have_their_moments_and_tail(void **state)
{
    (void)state;
    struct random_stream random = random_stream_new(4, 3);
    int beyond = 0;
    for (int i = 0; i < DRAWS; i++) {
        draws[i] = random_exponential(&random, 7);
        assert_true(draws[i] >= 0 && isfinite(draws[i]));
        beyond += draws[i] > 21;
    }
    assert_moments("exponential", draws, 7, 49);
    assert_true(fabs((double)beyond / DRAWS - exp(-3)) < 5 * sqrt(exp(-3) / DRAWS));
}

static void gammas_have_their_moments(void **state)
{
    (void)state;
    static const double shapes[] = {0.05, 0.3, 0.999, 1, 1.5, 4, 50, 10000};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        struct random_stream random = random_stream_new(4, 300 + s);
        for (int i = 0; i < DRAWS; i++) {
            draws[i] = random_gamma(&random, shapes[s]);
            assert_true(draws[i] >= 0 && isfinite(draws[i]));
        }
        assert_moments("gamma", draws, shapes[s], shapes[s]);
    }
}

static void betas_have_their_moments(void **state)
{
    (void)state;
    static const double shapes[][2] = {{1, 1}, {0.5, 0.5}, {2, 5}, {5, 1}, {0.1, 3}, {200, 300}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        double a = shapes[s][0];
        double b = shapes[s][1];
        struct random_stream random = random_stream_new(4, 400 + s);
        for (int i = 0; i < DRAWS; i++) {
            draws[i] = random_beta(&random, a, b);
            assert_true(draws[i] >= 0 && draws[i] <= 1);
        }
        assert_moments("beta", draws, a / (a + b), a * b / ((a + b) * (a + b) * (a + b + 1)));
    }
}

static void a_beta_of_tiny_shapes_is_a_coin(void **state)
{
    (void)state;
    struct random_stream random = random_stream_new(4, 500);
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        double draw = random_beta(&random, 1e-6, 3e-6);
        assert_true(draw >= 0 && draw <= 1);
        sum += draw;
    }
    assert_true(fabs(sum / DRAWS - 0.25) < 5 * sqrt(3.0 / 16 / DRAWS));
}

static void perts_have_their_moments(void **state)
{
    (void)state;
    static const double ranges[][3] = {{0, 0.5, 1},        {0, 0.02, 0.20}, {0.05, 0.15, 0.40},
                                       {8, 15, 30},        {3, 20, 30},     {0, 0, 10},
                                       {1000, 9000, 9000}, {-5, -1, 4}};
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        double low = ranges[r][0];
        double likely = ranges[r][1];
        double high = ranges[r][2];
        struct random_stream random = random_stream_new(4, 600 + r);
        for (int i = 0; i < DRAWS; i++) {
            draws[i] = random_pert(&random, low, likely, high);
            assert_true(draws[i] >= low && draws[i] <= high);
        }
        /* Vose: mean (low + 4 likely + high) / 6, variance (mean - low)(high - mean) / 7. */
        double mean = (low + 4 * likely + high) / 6;
        assert_moments("PERT", draws, mean, (mean - low) * (high - mean) / 7);
    }
}

static void a_pert_is_the_canonical_one(void **state)
{
    (void)state;
    /* The other PERT (moments matched to a deviation of a sixth of the range) has the quantiles
     * .278 and .722 here. These are of beta(3, 3): 6x^5 - 15x^4 + 10x^3 = 0.1 at x = 0.2466. */
    struct random_stream random = random_stream_new(4, 700);
    int below_tenth = 0;
    for (int i = 0; i < DRAWS; i++) {
        below_tenth += random_pert(&random, 0, 0.5, 1) < 0.246636;
    }
    assert_true(fabs((double)below_tenth / DRAWS - 0.1) < 5 * sqrt(0.09 / DRAWS));
}

static void a_range_of_one_value_is_that_value(void **state)
{
    (void)state;
    struct random_stream random = random_stream_new(4, 800);
    assert_true(random_pert(&random, 0, 0, 0) == 0);
    assert_true(random_pert(&random, 1.1, 1.1, 1.1) == 1.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_those_of_the_reference),
        cmocka_unit_test(seeding_is_the_reference_splitmix),
        cmocka_unit_test(streams_of_a_seed_differ_and_repeat),
        cmocka_unit_test(uniforms_fill_the_unit_interval),
        cmocka_unit_test(below_is_even_over_every_number),
        cmocka_unit_test(normals_have_their_moments_and_tails),
        cmocka_unit_test(exponentials_have_their_moments_and_tail),
        cmocka_unit_test(gammas_have_their_moments),
        cmocka_unit_test(betas_have_their_moments),
        cmocka_unit_test(a_beta_of_tiny_shapes_is_a_coin),
        cmocka_unit_test(perts_have_their_moments),
        cmocka_unit_test(a_pert_is_the_canonical_one),
        cmocka_unit_test(a_range_of_one_value_is_that_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
