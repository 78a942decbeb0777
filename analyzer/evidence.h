/* Does the update raise the onset rate? The safe logrank test: e-values and a confidence sequence
 * of the rate ratio that may be read at every moment.
 *
 * Method: ter Schure, Perez-Ortiz, Ly, Grunwald, "The Safe Logrank Test" (2020, arXiv 2011.06931).
 * In one minute of one stratum with E1 exposed and E0 unexposed hosts at risk, of whose d onsets x
 * are among the exposed, x given d is Fisher's noncentral hypergeometric with odds theta, the rate
 * ratio. For each theta_k of a grid the log of its probability at theta_k over that at 1 is summed
 * over minutes and strata. Under no effect the mean over the grid of exp of the sums is a
 * nonnegative martingale of mean 1, so by Ville's inequality the chance that it ever reaches
 * 1/alpha is at most alpha. Sums of disjoint cells add, so any subgroup's evidence is a sum, and
 * any average with weights fixed beforehand is again an e-value.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_EVIDENCE_H
#define EPICENTER_ANALYZER_EVIDENCE_H

#include <stdint.h>

#include "analyzer/answer.h"

/* theta_k = 2^((k - EVIDENCE_UNIT) / 4), 1/8 to 128: steps of 19 %, between which the likelihood
 * of even ten thousand onsets is interpolated, not missed. */
#define EVIDENCE_POINTS 41
#define EVIDENCE_UNIT 12

double evidence_theta(int point);

/* Log likelihood ratios against theta 1, one a grid point; additive over cells. */
struct evidence_sum {
    double log_ratio[EVIDENCE_POINTS];
};

/* The contribution of one minute of one stratum. 0 <= exposed_onsets <= onsets; nothing when either
 * side is empty. Closed form for one onset: log((exposed ? theta : 1)(E1+E0) / (theta E1 + E0)). */
void evidence_contribution(uint32_t exposed_at_risk, uint32_t control_at_risk, uint32_t onsets,
                           uint32_t exposed_onsets, struct evidence_sum *contribution);

void evidence_add(struct evidence_sum *sum, const struct evidence_sum *contribution);

/* Natural log of the e-value against a rate ratio of at most `most` (from 1, "no harm", to 64): the
 * weighted mean, over the grid points above it, of exp of the sum there less the sum at `most`. The
 * weights are largest at harm of two to sixteen times the rate, which is what has to be found while
 * it is small news; greater harm is found by whatever weight. Likelihood ratios of these families
 * rise with what is observed, so it is a supermartingale wherever the ratio is less than `most`. */
double evidence_log_e_over(const struct evidence_sum *sum, double most);
double evidence_log_e(const struct evidence_sum *sum); /* against no harm */

/* The confidence sequence at level 1 - alpha: every theta whose e-value against it (the mean over
 * the whole grid relative to theta) is below 1/alpha. Between grid points the concave log
 * likelihood is bounded by the chord of the two points inside, so the interval errs on the wide
 * side. `likely` is the maximum; NAN without an onset. low is 0 and high INFINITY where the grid
 * ends first. */
struct range evidence_rate_ratio(const struct evidence_sum *sum, double alpha);

/* The same for a count without a control: `onsets` where at most `expected` would come of
 * themselves, by the Poisson likelihood. At theta below 1 it says nothing, as `expected` is a
 * bound. */
void evidence_contribution_alone(double expected, uint32_t onsets,
                                 struct evidence_sum *contribution);

#endif
