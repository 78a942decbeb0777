/* Draws are worked on a stretch at a time: of a region, one array of them for each amount and price
 * stays in the nearest cache. The arithmetic on them, which compilers take several draws at once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_STRETCH_H
#define EPICENTER_ANALYZER_COST_STRETCH_H

#include <stddef.h>

/* Divides all numbers of draws; at ten times as many a region's arrays are beyond that cache. */
#define COST_STRETCH 100

static inline void cost_stretch_multiply(const double *restrict a, const double *restrict b,
                                         double product[restrict COST_STRETCH])
{
    for (size_t i = 0; i < COST_STRETCH; i++) {
        product[i] = a[i] * b[i];
    }
}

static inline void cost_stretch_add_product(const double *restrict a, const double *restrict b,
                                            double sum[restrict COST_STRETCH])
{
    for (size_t i = 0; i < COST_STRETCH; i++) {
        sum[i] += a[i] * b[i];
    }
}

static inline void cost_stretch_add(const double *restrict values,
                                    double sum[restrict COST_STRETCH])
{
    for (size_t i = 0; i < COST_STRETCH; i++) {
        sum[i] += values[i];
    }
}

#endif
