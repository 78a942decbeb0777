/* Probability distributions the answers need.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_DISTRIBUTION_H
#define EPICENTER_ANALYZER_DISTRIBUTION_H

/* The regularised incomplete beta function I_x(a, b), for a, b > 0 and x in [0, 1], to about 1e-12:
 * continued fraction DLMF 8.17.22, evaluated by Lentz's method. */
double distribution_beta_below(double x, double a, double b);

/* The x with I_x(a, b) = p, by bisection to 1e-12. */
double distribution_beta_quantile(double p, double a, double b);

/* ln |Γ(x)|. Unlike lgamma's, its sign is not kept where all threads write it. */
double distribution_log_gamma(double x);

#endif
