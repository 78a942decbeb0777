/* Copying all that answers point at; see answer_copy.h. Whether there was room is noted in
 * `complete` and asked once, at the end. SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/answer_copy.h"

#include <stddef.h>
#include <string.h>

#include "analyzer/cost.h"
#include "analyzer/cost_parameters.h"

struct copying {
    struct arena *arena;
    bool complete;
};

/* NULL stays NULL. */
static const char *text(struct copying *copying, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    const char *copy = arena_copy_text(copying->arena, text, strlen(text));
    copying->complete &= copy != NULL;
    return copy;
}

/* NULL where there is no room: then `complete` is false, and nothing is written. */
static void *list(struct copying *copying, const void *elements, size_t count, size_t size)
{
    void *copy = arena_allocate(copying->arena, (count + 1) * size);
    copying->complete &= copy != NULL;
    if (copy != NULL && count > 0) {
        memcpy(copy, elements, count * size);
    }
    return copy;
}

#define COPY_LIST(copying, elements, count) list(copying, elements, count, sizeof *(elements))

static const char *const *texts(struct copying *copying, const char *const *all, size_t count)
{
    const char **copy = COPY_LIST(copying, all, count);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = text(copying, copy[i]);
    }
    return copy;
}

/* ---- Whom it hit ---- */

static void copy_segment(struct copying *copying, struct update_answer *update)
{
    struct segment_conjunction *segment =
        COPY_LIST(copying, update->segment, update->segment_count);
    for (size_t i = 0; segment != NULL && i < update->segment_count; i++) {
        struct segment_term *terms = COPY_LIST(copying, segment[i].terms, segment[i].term_count);
        for (size_t j = 0; terms != NULL && j < segment[i].term_count; j++) {
            terms[j].attribute = text(copying, terms[j].attribute);
            terms[j].value = text(copying, terms[j].value);
        }
        segment[i].terms = terms;
    }
    update->segment = segment;
    update->segment_text = text(copying, update->segment_text);
}

static void copy_impact(struct copying *copying, struct update_answer *update)
{
    struct impact_cell *cells = COPY_LIST(copying, update->impact, update->impact_count);
    struct impact_tier *tiers = COPY_LIST(copying, update->extent.tiers, update->extent.tier_count);
    for (size_t i = 0; cells != NULL && i < update->impact_count; i++) {
        cells[i].region = text(copying, cells[i].region);
        cells[i].product_line = text(copying, cells[i].product_line);
    }
    for (size_t i = 0; tiers != NULL && i < update->extent.tier_count; i++) {
        tiers[i].tier = text(copying, tiers[i].tier);
    }
    struct impact_partner *partners =
        COPY_LIST(copying, update->extent.partners, update->extent.partner_count);
    for (size_t i = 0; partners != NULL && i < update->extent.partner_count; i++) {
        partners[i].partner = text(copying, partners[i].partner);
    }
    update->impact = cells;
    update->extent.tiers = tiers;
    update->extent.partners = partners;
}

/* ---- The cost ---- */

static const struct cost_part *copy_parts(struct copying *copying, const struct cost_part *parts,
                                          size_t count)
{
    struct cost_part *copy = COPY_LIST(copying, parts, count);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i].name = text(copying, copy[i].name);
    }
    return copy;
}

static void copy_cost(struct copying *copying, struct cost_estimate *cost)
{
    struct cost_driver *tornado = COPY_LIST(copying, cost->tornado, cost->tornado_count);
    struct cost_queue *queues = COPY_LIST(copying, cost->queues, cost->queue_count);
    cost->currency = text(copying, cost->currency);
    for (size_t i = 0; i < sizeof cost->drivers / sizeof *cost->drivers; i++) {
        cost->drivers[i].parameter = text(copying, cost->drivers[i].parameter);
    }
    for (size_t i = 0; tornado != NULL && i < cost->tornado_count; i++) {
        tornado[i].parameter = text(copying, tornado[i].parameter);
    }
    for (size_t i = 0; queues != NULL && i < cost->queue_count; i++) {
        queues[i].region = text(copying, queues[i].region);
    }
    cost->tornado = tornado;
    cost->queues = queues;
    cost->lines = copy_parts(copying, cost->lines, cost->line_count);
    cost->regions = copy_parts(copying, cost->regions, cost->region_count);
    cost->product_lines = copy_parts(copying, cost->product_lines, cost->product_line_count);
}

/* Strata share their draws with those before them: each is copied once. */
static const double *copy_draws(struct copying *copying, const double *draws, size_t count,
                                const struct cost_basis *from, const struct cost_stratum *to,
                                size_t before)
{
    for (size_t i = 0; i < before; i++) {
        if (from->strata[i].customer_draws == draws) {
            return to[i].customer_draws;
        }
        if (from->strata[i].host_draws == draws) {
            return to[i].host_draws;
        }
    }
    return draws == NULL ? NULL : COPY_LIST(copying, draws, count);
}

static const struct cost_basis *copy_basis(struct copying *copying, const struct cost_basis *from)
{
    struct cost_basis *basis = from == NULL ? NULL : COPY_LIST(copying, from, 1);
    struct cost_stratum *strata =
        basis == NULL ? NULL : COPY_LIST(copying, from->strata, from->stratum_count);
    for (size_t i = 0; strata != NULL && i < basis->stratum_count; i++) {
        struct cost_stratum *one = &strata[i];
        one->region = text(copying, one->region);
        one->product_line = text(copying, one->product_line);
        one->tier = text(copying, one->tier);
        one->customer_draws =
            copy_draws(copying, one->customer_draws, from->draw_count, from, strata, i);
        one->host_draws = copy_draws(copying, one->host_draws, from->draw_count, from, strata, i);
    }
    if (basis != NULL) {
        basis->strata = strata;
    }
    return basis;
}

/* ---- Whom to call ---- */

static void copy_outreach(struct copying *copying, struct update_answer *update)
{
    struct outreach_entry *entries = COPY_LIST(copying, update->outreach, update->outreach_count);
    for (size_t i = 0; entries != NULL && i < update->outreach_count; i++) {
        struct outreach_entry *one = &entries[i];
        one->customer_id = text(copying, one->customer_id);
        one->name = text(copying, one->name);
        one->region = text(copying, one->region);
        one->partner = text(copying, one->partner);
        one->time_zone = text(copying, one->time_zone);
        for (size_t j = 0; j < one->reason_count; j++) {
            one->reasons[j] = text(copying, one->reasons[j]);
        }
    }
    update->outreach = entries;
}

static void copy_hosts(struct copying *copying, struct outreach_host_list *hosts)
{
    struct outreach_system *systems = COPY_LIST(copying, hosts->systems, hosts->system_count);
    for (size_t i = 0; systems != NULL && i < hosts->system_count; i++) {
        systems[i].product_line = text(copying, systems[i].product_line);
        systems[i].os = text(copying, systems[i].os);
        systems[i].os_version = text(copying, systems[i].os_version);
    }
    hosts->systems = systems;
    hosts->hosts = COPY_LIST(copying, hosts->hosts, hosts->count);
}

/* ---- All of it ---- */

static void copy_update(struct copying *copying, struct update_answer *update)
{
    update->id = text(copying, update->id);
    update->product_line = text(copying, update->product_line);
    update->sentence = text(copying, update->sentence);
    update->action = text(copying, update->action);
    update->control = text(copying, update->control);
    for (size_t i = 0; i < update->reason_count; i++) {
        update->reasons[i] = text(copying, update->reasons[i]);
    }
    update->recovery = NULL;
    update->course = NULL;
    update->contrasts = NULL;
    update->recovery_count = update->course_count = update->contrast_count = 0;
    update->rings = texts(copying, update->rings, update->ring_count);
    update->bundle = texts(copying, update->bundle, update->bundle_count);
    update->only_with = text(copying, update->only_with);
    copy_segment(copying, update);
    copy_impact(copying, update);
    copy_cost(copying, &update->cost);
    update->cost_basis = copy_basis(copying, update->cost_basis);
    copy_outreach(copying, update);
    copy_hosts(copying, &update->hosts);
}

const struct answers *answer_copy(const struct answers *answers, struct arena *arena)
{
    struct copying copying = {.arena = arena, .complete = true};
    struct answers *copy = COPY_LIST(&copying, answers, 1);
    if (copy == NULL) {
        return NULL;
    }
    struct update_answer *updates = COPY_LIST(&copying, answers->updates, answers->update_count);
    for (size_t i = 0; updates != NULL && i < copy->update_count; i++) {
        copy_update(&copying, &updates[i]);
    }
    copy->updates = updates;
    copy->fleet.left_out = texts(&copying, answers->fleet.left_out, answers->fleet.left_out_count);
    copy->cost_parameters =
        answers->cost_parameters == NULL ? NULL : COPY_LIST(&copying, answers->cost_parameters, 1);
    return copying.complete ? copy : NULL;
}
