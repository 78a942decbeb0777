/* The cost model itself: what the draws of all parameters make of the strata's draws, with no
 * percentile in sight. cost.c makes figures of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_MODEL_H
#define EPICENTER_ANALYZER_COST_MODEL_H

#include "analyzer/cost.h"
#include "analyzer/cost_queue.h"
#include "analyzer/cost_stretch.h"

enum cost_line {
    LINE_CALLS,
    LINE_WRITTEN,
    LINE_OVERTIME,
    LINE_REPAIRS,
    LINE_VISITS,
    LINE_CLAIMS,
    LINE_COMPENSATION,
    LINE_PARTNERS,
    LINE_NOTICES,
    LINE_COUNT
};

/* A row of the parameters or a scheme, and what is reckoned with for it. */
struct cost_row {
    const char *name;
    struct range range;
    const double *draws;
};

/* A stratum with the rows that hold in it. Plans of one region, kind, rows and schemes are on the
 * same terms: each of their customers costs the same. */
struct cost_plan {
    size_t row[COST_NAME_COUNT];
    unsigned schemes; /* bit i: scheme i holds here */
    enum customer_kind kind;
    size_t region, product_line;
    bool same_terms; /* as the plan before it */
    bool same_cell;  /* and the same product line */
    size_t order;    /* they came in */
    const double *customers, *hosts;
    double customer_share, host_share;
    size_t draw_count;
    double customers_all, hosts_all;
};

/* Where results go: an array of draws each. */
struct cost_sums {
    double *total, *lines[LINE_COUNT], *varying; /* varying: what grows with the affected */
    double *deferred, *at_risk, *loss;
    double *callers, *contacts, *phone, *written;
    double **regions, **product_lines;
};

/* By region, what the queue needs to know. */
struct cost_region {
    const char *name;
    struct cost_day day;
    size_t rows[COST_NAME_COUNT]; /* that hold in the region, whatever the tier and product line */
    double *calls;                /* phone contacts */
    double *minutes;              /* their handling */
    double *written;              /* contacts by mail or chat */
    double *dialled;              /* attempts, were the staffing not known */
};

/* What money is paid for: what strata add to, and what follows from it. */
enum cost_amount {
    AMOUNT_CUSTOMERS, /* affected */
    AMOUNT_HOSTS,
    AMOUNT_OTHERS,         /* customers who could have been, and are not */
    AMOUNT_SEATS,          /* of affected companies, hit or not */
    AMOUNT_ELIGIBLE_SEATS, /* of all companies; where a scheme needs it */
    AMOUNT_ADDED_COUNT,
    AMOUNT_AFFECTED_CALLERS = AMOUNT_ADDED_COUNT,
    AMOUNT_CALLERS,
    AMOUNT_ELIGIBLE, /* customers, hit or not */
    AMOUNT_COUNT
};

struct cost_amounts {
    double of[AMOUNT_COUNT][COST_STRETCH];
};

struct cost_model {
    const struct cost_parameters *parameters;
    const struct cost_row *rows; /* the parameters' items, then the schemes */
    struct cost_region *regions;
    size_t region_count;
    const struct cost_needs *needs;
    struct cost_amounts *room; /* to work in: `room_count` on each processor */
    size_t room_count;         /* at least the most terms and cells of any region */
};

/* Runs the first `draws` draws (a multiple of COST_STRETCH) over the plans, which must be sorted so
 * that those of one region, of the same terms and of the same cell follow each other: the regions'
 * arrays are filled anew, and `sums` added to (only `total` where `lines[0]` is NULL). */
void cost_model_run(const struct cost_model *model, const struct cost_plan *plans, size_t count,
                    size_t draws, const struct cost_sums *sums);

#endif
