/* Everything the Monte Carlo works on, laid out; shared by cost_work.c, which does so, and cost.c,
 * which makes figures of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_WORK_H
#define EPICENTER_ANALYZER_COST_WORK_H

#include "analyzer/cost_draws.h"
#include "analyzer/cost_model.h"
#include "common/arena.h"

/* Two medians over the same draws differ by what was changed; a tenth of the draws will do. */
#define TORNADO_DRAWS 1000

_Static_assert(COST_DRAWS % COST_STRETCH == 0 && TORNADO_DRAWS % COST_STRETCH == 0,
               "the model takes whole stretches");

struct cost_work {
    struct cost_model model;
    struct cost_row *rows;
    struct cost_plan *plans, *merged;
    size_t plan_count, merged_count;
    struct cost_sums sums;
    const char **product_lines;
    size_t product_line_count;
    struct arena arena; /* all of the above and the draws */
    bool complete;      /* no allocation failed */
};

/* Zeroed memory that lives as long as the work; NULL, and `complete` false from then on, when it is
 * out. */
void *cost_work_allocate(struct cost_work *work, size_t size);

/* Lays out all rows and strata in an empty work with `complete` set; `draws` are the parameters'
 * and must outlive it. */
void cost_work_prepare(struct cost_work *work, const struct cost_parameters *parameters,
                       const struct cost_draws *draws, const struct cost_basis *basis);

#endif
