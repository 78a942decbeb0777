/* The cost estimate as JSON; see cost_json.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_json.h"

#include <math.h>
#include <stdio.h>

#include "analyzer/json_value.h"

static json_t *finish(json_t *value, bool complete)
{
    if (!complete) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static json_t *figure_value(const struct cost_figure *figure)
{
    bool complete = true;
    if (isnan(figure->p50)) {
        return json_null();
    }
    json_t *object = json_object();
    json_value_set(object, "p10", json_value_number(figure->p10), &complete);
    json_value_set(object, "p50", json_value_number(figure->p50), &complete);
    json_value_set(object, "p90", json_value_number(figure->p90), &complete);
    json_value_set(object, "mean", json_value_number(figure->mean), &complete);
    return finish(object, complete);
}

static json_t *drivers_value(const struct cost_driver *drivers, size_t count)
{
    bool complete = true;
    json_t *array = json_array();
    for (size_t i = 0; i < count && drivers[i].parameter != NULL; i++) {
        json_t *driver = json_object();
        json_value_set(driver, "parameter", json_value_text(drivers[i].parameter), &complete);
        json_value_set(driver, "swing", json_value_number(drivers[i].swing), &complete);
        json_value_set(driver, "at_low", json_value_number(drivers[i].at_low), &complete);
        json_value_set(driver, "at_high", json_value_number(drivers[i].at_high), &complete);
        json_value_append(array, driver, &complete);
    }
    return finish(array, complete);
}

static json_t *parts_value(const struct cost_part *parts, size_t count, const char *key)
{
    bool complete = true;
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *part = figure_value(&parts[i].figure);
        json_value_set(part, key, json_value_text(parts[i].name), &complete);
        json_value_append(array, part, &complete);
    }
    return finish(array, complete);
}

static json_t *desks_value(const struct cost_estimate *cost)
{
    bool complete = true;
    json_t *array = json_array();
    for (size_t i = 0; i < cost->queue_count; i++) {
        const struct cost_queue *queue = &cost->queues[i];
        json_t *desk = json_object();
        json_value_set(desk, "region", json_value_text(queue->region), &complete);
        json_value_set(desk, "agents_needed", figure_value(&queue->agents_needed), &complete);
        json_value_set(desk, "agents_missing", figure_value(&queue->agents_missing), &complete);
        json_value_set(desk, "short_hours", figure_value(&queue->short_hours), &complete);
        json_value_set(desk, "overtime_hours", figure_value(&queue->overtime_hours), &complete);
        json_value_set(desk, "wait_s", figure_value(&queue->wait_s), &complete);
        json_value_set(desk, "abandoned", figure_value(&queue->abandoned), &complete);
        json_value_append(array, desk, &complete);
    }
    return finish(array, complete);
}

static void set_quantities(json_t *object, const struct cost_estimate *cost, bool *complete)
{
    const struct {
        const char *key;
        const struct cost_figure *figure;
    } figures[] = {{"further_hour", &cost->further_hour},
                   {"deferred_revenue", &cost->deferred_revenue},
                   {"revenue_at_risk", &cost->revenue_at_risk},
                   {"customers_loss", &cost->customers_loss},
                   {"callers", &cost->callers},
                   {"contacts", &cost->contacts},
                   {"phone_contacts", &cost->phone},
                   {"written_contacts", &cost->written},
                   {"attempts", &cost->attempts}};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        json_value_set(object, figures[i].key, figure_value(figures[i].figure), complete);
    }
}

json_t *cost_json_value(const struct cost_estimate *cost)
{
    bool complete = true;
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)cost->seed);

    json_t *object = json_object();
    json_value_set(object, "currency", json_value_text(cost->currency), &complete);
    json_value_set(object, "p10", json_value_number(cost->p10), &complete);
    json_value_set(object, "p50", json_value_number(cost->p50), &complete);
    json_value_set(object, "p90", json_value_number(cost->p90), &complete);
    json_value_set(object, "mean", json_value_number(cost->mean), &complete);
    json_value_set(object, "p5", json_value_number(cost->p5), &complete);
    json_value_set(object, "p95", json_value_number(cost->p95), &complete);
    /* Text: a JSON number loses the low bits of a 64-bit seed in most readers. */
    json_value_set(object, "seed", json_value_text(seed), &complete);
    json_value_set(object, "drivers",
                   drivers_value(cost->drivers, sizeof cost->drivers / sizeof *cost->drivers),
                   &complete);
    json_value_set(object, "tornado", drivers_value(cost->tornado, cost->tornado_count), &complete);
    json_value_set(object, "by_kind", parts_value(cost->lines, cost->line_count, "kind"),
                   &complete);
    json_value_set(object, "by_region", parts_value(cost->regions, cost->region_count, "region"),
                   &complete);
    json_value_set(object, "by_product_line",
                   parts_value(cost->product_lines, cost->product_line_count, "product_line"),
                   &complete);
    set_quantities(object, cost, &complete);
    json_value_set(object, "desks", desks_value(cost), &complete);
    return finish(object, complete);
}
