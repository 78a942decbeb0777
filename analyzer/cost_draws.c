/* Drawing the rows of the parameters; see cost_draws.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_draws.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/parallel.h"
#include "common/random_stream.h"

/* Streams of random numbers: parameters for all customers by their name, so that a further row
 * moves no other; rows of a narrower scope, and schemes, from here on. Below are those of the
 * strata (cost_work.c). */
#define SCOPED_STREAMS 100000
#define SCHEME_STREAMS 200000

void cost_draws_fill(const struct range *range, uint64_t seed, uint64_t stream, double *draws)
{
    struct random_stream random = random_stream_new(seed, stream);
    for (size_t i = 0; i < COST_DRAWS; i++) {
        draws[i] = random_pert(&random, range->low, range->likely, range->high);
    }
}

/* ---- Which draws ---- */

static uint64_t scoped_stream(const struct cost_parameter *item)
{
    const char *texts[] = {item->name, item->scope.region, item->scope.tier,
                           item->scope.product_line};
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        for (const char *at = texts[t];; at++) {
            hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
            if (*at == '\0') {
                break;
            }
        }
    }
    return SCOPED_STREAMS + (hash >> 20);
}

/* All of a row but its draws. */
static struct cost_drawn row_of(const struct cost_parameters *parameters, size_t index)
{
    if (index >= parameters->count) {
        size_t number = index - parameters->count;
        const struct cost_scheme *scheme = &parameters->schemes[number];
        return (struct cost_drawn){
            .range = scheme->amount, .stream = SCHEME_STREAMS + (uint64_t)number, .leader = index};
    }
    const struct cost_parameter *item = &parameters->items[index];
    struct cost_drawn row = {.range = item->range, .stream = (uint64_t)index, .leader = index};
    if (index >= COST_NAME_COUNT) {
        row.stream = scoped_stream(item);
        row.leader = 0;
        while (strcmp(parameters->items[row.leader].name, item->name) != 0) {
            row.leader++;
        }
    }
    return row;
}

static bool same_range(const struct range *a, const struct range *b)
{
    return a->low == b->low && a->likely == b->likely && a->high == b->high;
}

static bool drawn_alike(const struct cost_draws *one, const struct cost_drawn *row,
                        const struct cost_draws *other, const struct cost_drawn *its)
{
    return row->stream == its->stream && same_range(&row->range, &its->range) &&
           same_range(&one->rows[row->leader].range, &other->rows[its->leader].range);
}

bool cost_draws_are_of(const struct cost_draws *draws, const struct cost_parameters *parameters,
                       uint64_t seed)
{
    bool same = draws != NULL && draws->seed == seed &&
                draws->count == parameters->count + parameters->scheme_count;
    for (size_t i = 0; same && i < draws->count; i++) {
        struct cost_drawn row = row_of(parameters, i);
        same = row.stream == draws->rows[i].stream && row.leader == draws->rows[i].leader &&
               same_range(&row.range, &draws->rows[i].range);
    }
    return same;
}

/* ---- Drawing ---- */

struct drawing {
    struct cost_draws *made;
    const struct cost_draws *like;
    double *draws; /* COST_DRAWS for each row */
    bool copied[COST_PARAMETER_LIMIT + COST_SCHEME_LIMIT];
    unsigned parts;
};

static void fill_row(struct drawing *drawing, size_t index)
{
    const struct cost_draws *made = drawing->made;
    const struct cost_drawn *row = &made->rows[index];
    double *draws = drawing->draws + index * COST_DRAWS;
    const struct cost_draws *like = drawing->like;
    for (size_t i = 0; like != NULL && like->seed == made->seed && i < like->count; i++) {
        if (drawn_alike(made, row, like, &like->rows[i])) {
            memcpy(draws, like->rows[i].draws, COST_DRAWS * sizeof *draws);
            drawing->copied[index] = true;
            return;
        }
    }
    cost_draws_fill(&row->range, made->seed, row->stream, draws);
}

static void fill_part(void *context, unsigned part)
{
    struct drawing *drawing = context;
    for (size_t i = part; i < drawing->made->count; i += drawing->parts) {
        fill_row(drawing, i);
    }
}

struct ranked {
    double value;
    size_t index;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *one = a;
    const struct ranked *other = b;
    if (one->value != other->value) {
        return one->value < other->value ? -1 : 1;
    }
    return one->index < other->index ? -1 : one->index > other->index;
}

static int compare_doubles(const void *a, const void *b)
{
    const double *one = a;
    const double *other = b;
    return *one < *other ? -1 : *one > *other;
}

struct ranking {
    double sorted[COST_DRAWS];
    struct ranked order[COST_DRAWS];
};

/* What we don't know of one region's contact rate we don't know of the next region's either: rows
 * of one name are high together and low together, so that scopes do not average the doubt away. */
static void rank_alike(const double *leader, double *draws, struct ranking *ranking)
{
    memcpy(ranking->sorted, draws, sizeof ranking->sorted);
    for (size_t i = 0; i < COST_DRAWS; i++) {
        ranking->order[i] = (struct ranked){leader[i], i};
    }
    qsort(ranking->sorted, COST_DRAWS, sizeof *ranking->sorted, compare_doubles);
    qsort(ranking->order, COST_DRAWS, sizeof *ranking->order, compare_ranked);
    for (size_t i = 0; i < COST_DRAWS; i++) {
        draws[ranking->order[i].index] = ranking->sorted[i];
    }
}

static bool rank_rows(const struct drawing *drawing)
{
    const struct cost_draws *made = drawing->made;
    struct ranking *ranking = malloc(sizeof *ranking);
    for (size_t i = 0; ranking != NULL && i < made->count; i++) {
        const struct cost_drawn *leader = &made->rows[made->rows[i].leader];
        if (leader != &made->rows[i] && leader->range.high > leader->range.low &&
            !drawing->copied[i]) {
            rank_alike(leader->draws, drawing->draws + i * COST_DRAWS, ranking);
        }
    }
    free(ranking);
    return ranking != NULL;
}

static bool draw(struct cost_draws *made, const struct cost_parameters *parameters,
                 const struct cost_draws *like)
{
    struct drawing drawing = {.made = made, .like = like, .parts = parallel_processors()};
    made->count = parameters->count + parameters->scheme_count;
    made->rows = arena_allocate(&made->arena, made->count * sizeof *made->rows);
    drawing.draws = arena_allocate(&made->arena, made->count * COST_DRAWS * sizeof(double));
    if (made->rows == NULL || drawing.draws == NULL) {
        return false;
    }
    for (size_t i = 0; i < made->count; i++) {
        made->rows[i] = row_of(parameters, i);
        made->rows[i].draws = drawing.draws + i * COST_DRAWS;
    }
    if (like != NULL) {
        made->needs = like->needs;
        drawing.parts = 1; /* to copy is quicker than to start a thread */
    } else {
        cost_needs_make(&made->needs);
    }
    parallel_run(drawing.parts, fill_part, &drawing);
    return rank_rows(&drawing);
}

bool cost_draws_new(const struct cost_parameters *parameters, uint64_t seed,
                    const struct cost_draws *like, struct cost_draws **draws,
                    struct failure *failure)
{
    struct cost_draws *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "drawing the cost's parameters");
    }
    atomic_init(&made->references, 1);
    made->seed = seed;
    if (!draw(made, parameters, like)) {
        cost_draws_release(made);
        return failure_memory(failure, "drawing the cost's parameters");
    }
    *draws = made;
    return true;
}

struct cost_draws *cost_draws_hold(struct cost_draws *draws)
{
    if (draws != NULL) {
        atomic_fetch_add(&draws->references, 1);
    }
    return draws;
}

void cost_draws_release(struct cost_draws *draws)
{
    if (draws != NULL && atomic_fetch_sub(&draws->references, 1) == 1) {
        arena_free(&draws->arena);
        free(draws);
    }
}
