/* Reading a scenario; see scenario.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/backtest/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *reading = "";

static void die(const char *what)
{
    (void)fprintf(stderr, "backtest: %s: %s\n", reading, what);
    exit(EXIT_FAILURE);
}

static json_t *load(const char *path)
{
    json_error_t error;
    reading = path;
    json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL) {
        die(error.text);
    }
    return document;
}

static struct range range_of(const json_t *object, const char *key, bool needed)
{
    const json_t *list = json_object_get(object, key);
    if (list == NULL && !needed) {
        return (struct range){0, 0, 0};
    }
    if (json_array_size(list) != 3) {
        die(key);
    }
    return (struct range){json_number_value(json_array_get(list, 0)),
                          json_number_value(json_array_get(list, 1)),
                          json_number_value(json_array_get(list, 2))};
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL) {
        die(key);
    }
    return text;
}

void exposure_load(const char *path, struct exposure_ranges *ranges)
{
    json_t *document = load(path);
    ranges->online_share = range_of(document, "online_share", true);
    ranges->poll_minutes = range_of(document, "poll_minutes", true);
    ranges->symptom_share = range_of(document, "symptom_share", true);
    json_decref(document);
}

static void read_group(const json_t *object, struct scenario_group *group)
{
    bool counted = json_object_get(object, "affected_hosts") != NULL;
    bool corporate = strcmp(text_of(object, "kind"), "corporate") == 0;
    *group = (struct scenario_group){
        .region = text_of(object, "region"),
        .product_line = text_of(object, "product_line"),
        .kind = corporate ? CUSTOMER_CORPORATE : CUSTOMER_CONSUMER,
        .counted = counted,
        .by_host = json_is_true(json_object_get(object, "by_host")),
        .affected_customers = range_of(object, "affected_customers", counted),
        .affected_hosts = range_of(object, "affected_hosts", counted),
        .base_customers = range_of(object, "base_customers", !counted),
        .hosts_per_customer = range_of(object, "hosts_per_customer", !counted),
        .segment_share = range_of(object, "segment_share", !counted),
        .share_within = range_of(object, "share_within", !counted)};
}

static void read_scheme(const json_t *object, struct cost_scheme *scheme)
{
    const char *kind = text_of(object, "kind");
    *scheme = (struct cost_scheme){.consumers = strcmp(kind, "corporate") != 0,
                                   .corporates = strcmp(kind, "consumer") != 0,
                                   .amount = range_of(object, "amount", true),
                                   .source = "the vendor's announcement"};
    (void)snprintf(scheme->name, sizeof scheme->name, "%s", text_of(object, "name"));
    if (!cost_recipients_parse(text_of(object, "recipients"), &scheme->recipients) ||
        !cost_form_parse(text_of(object, "form"), &scheme->form)) {
        die("compensation");
    }
}

static void read_published(const json_t *object, struct published_figure *figure)
{
    const json_t *high = json_object_get(object, "value_high");
    *figure = (struct published_figure){
        .figure = text_of(object, "figure"),
        .name = text_of(object, "name"),
        .unit = text_of(object, "unit"),
        .value = json_number_value(json_object_get(object, "value")),
        .at_least = json_is_true(json_object_get(object, "at_least")),
        .shown_only = json_is_true(json_object_get(object, "shown_only"))};
    figure->value_high = high != NULL ? json_number_value(high) : figure->value;
}

void scenario_load(const char *path, struct scenario *scenario)
{
    *scenario = (struct scenario){.document = load(path)};
    const json_t *document = scenario->document;
    size_t index;
    json_t *item;
    scenario->title = text_of(document, "title");
    scenario->window_minutes = range_of(document, "window_minutes", false);
    json_array_foreach(json_object_get(document, "groups"), index, item)
    {
        if (index == GROUPS_MOST) {
            die("too many groups");
        }
        read_group(item, &scenario->groups[scenario->group_count++]);
    }
    json_array_foreach(json_object_get(document, "compensation"), index, item)
    {
        if (index == 2) {
            die("too many compensations");
        }
        read_scheme(item, &scenario->schemes[scenario->scheme_count++]);
    }
    json_array_foreach(json_object_get(document, "published"), index, item)
    {
        if (index == PUBLISHED_MOST) {
            die("too many published figures");
        }
        read_published(item, &scenario->published[scenario->published_count++]);
    }
}

void scenario_free(struct scenario *scenario)
{
    json_decref(scenario->document);
}
