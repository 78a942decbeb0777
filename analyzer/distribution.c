/* The incomplete beta function and its inverse; see distribution.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/distribution.h"

#include <math.h>

double distribution_log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* Converges in O(sqrt(max(a, b))) steps below the mean; this many serve a million hosts. */
#define STEPS_MOST 5000

static double continued_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1;
    double d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m <= STEPS_MOST; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double change = 1;
        for (int half = 0; half < 2; half++) {
            double step = half == 0 ? even : odd;
            d = 1 + step * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + step / c;
            c = fabs(c) < tiny ? tiny : c;
            change = c * d;
            value *= change;
        }
        if (fabs(change - 1) < 1e-15) {
            break;
        }
    }
    return value;
}

double distribution_beta_below(double x, double a, double b)
{
    if (x <= 0) {
        return 0;
    }
    if (x >= 1) {
        return 1;
    }
    double log_front = distribution_log_gamma(a + b) - distribution_log_gamma(a) -
                       distribution_log_gamma(b) + a * log(x) + b * log1p(-x);
    if (x < (a + 1) / (a + b + 2)) {
        return exp(log_front) * continued_fraction(x, a, b) / a;
    }
    return 1 - exp(log_front) * continued_fraction(1 - x, b, a) / b;
}

double distribution_beta_quantile(double p, double a, double b)
{
    double low = 0;
    double high = 1;
    while (high - low > 1e-12) {
        double middle = (low + high) / 2;
        if (distribution_beta_below(middle, a, b) < p) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (low + high) / 2;
}
