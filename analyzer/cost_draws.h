/* The draws of the cost's parameters. They go by the parameters and the seed, not by whom an update
 * hit: made once, they serve the estimates of all updates of all minutes until a parameter changes,
 * and those of what if for all it leaves as they are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_DRAWS_H
#define EPICENTER_ANALYZER_COST_DRAWS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/cost_parameters.h"
#include "analyzer/cost_queue.h"
#include "common/arena.h"
#include "common/failure.h"

/* At 10,000 the P90 of a PERT product moves by under 1 % from seed to seed; at twice as many by a
 * third less, for twice the time. */
#define COST_DRAWS 10000

/* A row of the parameters or a scheme, drawn. */
struct cost_drawn {
    struct range range;
    uint64_t stream;     /* of random numbers */
    size_t leader;       /* the row for all customers that it is high and low with; or itself */
    const double *draws; /* COST_DRAWS; rows of one name are high together and low together */
};

/* Never changed once made: any number of threads may read it. */
struct cost_draws {
    atomic_uint references;
    uint64_t seed;
    struct cost_drawn *rows; /* the parameters' items, then the schemes */
    size_t count;
    struct cost_needs needs; /* tabled here, as it is the same for all estimates */
    struct arena arena;      /* of the above */
};

/* Made with one reference. What `like` (may be NULL) has drawn in the same way is copied from
 * it. */
MUST_CHECK bool cost_draws_new(const struct cost_parameters *parameters, uint64_t seed,
                               const struct cost_draws *like, struct cost_draws **draws,
                               struct failure *failure);

/* Whether cost_draws_new would make the same again. */
bool cost_draws_are_of(const struct cost_draws *draws, const struct cost_parameters *parameters,
                       uint64_t seed);

struct cost_draws *cost_draws_hold(struct cost_draws *draws); /* NULL is fine, here and below */
void cost_draws_release(struct cost_draws *draws);

/* COST_DRAWS of one range, from a stream of its own. */
void cost_draws_fill(const struct range *range, uint64_t seed, uint64_t stream, double *draws);

#endif
