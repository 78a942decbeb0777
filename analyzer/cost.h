/* What does the incident cost the vendor? Monte Carlo over ranges: affected customers times contact
 * rate times handling, and claims. One currency, P10, P50 and P90, the seed kept.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_H
#define EPICENTER_ANALYZER_COST_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "common/failure.h"

struct cost_parameter {
    char name[48];
    struct range range; /* PERT: low, most likely, high */
    char unit[48];
    char source[256];
    char dated[11]; /* YYYY-MM-DD */
};

#define COST_CURRENCY "USD"

/* The set in use; names are those of the defaults, each exactly once. */
struct cost_parameters {
    struct cost_parameter items[16];
    size_t count;
};

/* The defaults, each with its source; ranges without a public source say so and are wide. */
void cost_parameters_default(struct cost_parameters *parameters);

/* Replaces the range, source and date of the parameter of that name. FAILURE_INVALID for an unknown
 * name or a range that is not low <= likely <= high, all finite and not negative. */
MUST_CHECK bool cost_parameters_set(struct cost_parameters *parameters,
                                    const struct cost_parameter *parameter,
                                    struct failure *failure);

/* Whom the cost comes from: affected customers and hosts, drawn as PERT over each range. */
struct cost_basis {
    struct range consumers;       /* affected consumer customers */
    struct range corporates;      /* affected corporate customers */
    struct range corporate_hosts; /* their affected hosts */
};

/* 10,000 draws; the same arguments give the same figures on every machine. Percentiles are of the
 * draws (nearest rank). Fills everything of `estimate`. */
void cost_estimate(const struct cost_parameters *parameters, const struct cost_basis *basis,
                   uint64_t seed, struct cost_estimate *estimate);

#endif
