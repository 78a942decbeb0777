/* What really happened? Counts the struck hosts and customers; see truth.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/truth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/buffer.h"
#include "common/csv.h"
#include "common/uuid.h"
#include "tests/fleetsim/output_file.h"
#include "tests/fleetsim/power.h"

enum counted { COUNTED_ALL, COUNTED_REPORTING, COUNTED_SEEN, COUNTED_COUNT };
static const char *const counted_names[COUNTED_COUNT] = {"all", "reporting", "seen"};

struct tally {
    uint64_t hosts[COUNTED_COUNT];
    uint64_t customers[COUNTED_COUNT];
};

/* One faulty update's count. */
struct damage {
    struct tally total;
    struct tally *cells; /* region * line_count + line */
    uint64_t pinned, slowed, silent;
    instant_us first_harm_at, last_harm_at;
};

static bool is_harmed_by(const struct host_fate *fate, size_t update)
{
    return fate->fault == update && fate->harmed_at != NEVER;
}

static bool counts(const struct fleet_seat *seat, const struct host_fate *fate,
                   enum counted counted)
{
    switch (counted) {
    case COUNTED_ALL:
        return true;
    case COUNTED_REPORTING:
        return seat->reports;
    case COUNTED_SEEN:
        return seat->reports && (fate->seen_pinned || fate->seen_slowed || fate->seen_silent);
    case COUNTED_COUNT:
        break;
    }
    return false;
}

static void count_customer(const struct simulation *simulation,
                           const struct fleet_customer *customer, size_t update,
                           struct damage *damage)
{
    const struct population *population = &simulation->population;
    size_t line_count = simulation->scenario->line_count;
    bool struck[SCENARIO_LINES_LIMIT][COUNTED_COUNT] = {{false}};
    bool anywhere[COUNTED_COUNT] = {false};
    for (uint32_t s = 0; s < customer->seat_count; s++) {
        const struct fleet_seat *seat = &population->seats[customer->first_seat + s];
        const struct host_fate *fate =
            behaviour_fate(simulation->behaviour, customer->first_seat + s);
        if (!is_harmed_by(fate, update)) {
            continue;
        }
        size_t line = population->segments[seat->segment].line;
        struct tally *cell = &damage->cells[customer->region * line_count + line];
        for (int c = 0; c < COUNTED_COUNT; c++) {
            if (counts(seat, fate, (enum counted)c)) {
                cell->hosts[c]++;
                damage->total.hosts[c]++;
                cell->customers[c] += !struck[line][c];
                damage->total.customers[c] += !anywhere[c];
                struck[line][c] = true;
                anywhere[c] = true;
            }
        }
        damage->pinned += seat->reports && fate->seen_pinned;
        damage->slowed += seat->reports && fate->seen_slowed;
        damage->silent += seat->reports && fate->seen_silent;
        if (fate->harmed_at < damage->first_harm_at) {
            damage->first_harm_at = fate->harmed_at;
        }
        if (damage->last_harm_at == NEVER || fate->harmed_at > damage->last_harm_at) {
            damage->last_harm_at = fate->harmed_at;
        }
    }
}

/* ---- As JSON; jansson's setters take over what they are given and report a NULL ---- */

struct document {
    bool failed;
};

static void add(struct document *document, json_t *object, const char *name, json_t *take_value)
{
    document->failed |= json_object_set_new(object, name, take_value) != 0;
}

static void add_to(struct document *document, json_t *array, json_t *take_value)
{
    document->failed |= json_array_append_new(array, take_value) != 0;
}

static json_t *time_json(instant_us at)
{
    char text[INSTANT_TEXT_SIZE];
    return at == INSTANT_NONE || at == NEVER ? json_null() : json_string(instant_format(at, text));
}

static json_t *counts_json(struct document *document, const uint64_t numbers[COUNTED_COUNT])
{
    json_t *object = json_object();
    for (int c = 0; c < COUNTED_COUNT; c++) {
        add(document, object, counted_names[c], json_integer((json_int_t)numbers[c]));
    }
    return object;
}

static json_t *condition_json(struct document *document, const struct condition *condition)
{
    json_t *object = json_object();
    for (size_t t = 0; t < condition->term_count; t++) {
        const struct condition_term *term = &condition->terms[t];
        json_t *values = json_array();
        for (size_t v = 0; v < term->value_count; v++) {
            add_to(document, values, json_string(term->values[v]));
        }
        add(document, object, host_attribute_name(term->attribute), values);
    }
    return object;
}

static void add_damage(struct document *document, const struct scenario *scenario,
                       const struct update *update, const struct damage *damage, json_t *object)
{
    add(document, object, "first_harm_at", time_json(damage->first_harm_at));
    add(document, object, "last_harm_at", time_json(damage->last_harm_at));
    json_t *segment = json_array();
    for (size_t s = 0; s < update->fault.strike_count; s++) {
        add_to(document, segment, condition_json(document, &update->fault.strikes[s]));
    }
    add(document, object, "segment", segment);
    json_t *hosts = counts_json(document, damage->total.hosts);
    add(document, hosts, "pinned", json_integer((json_int_t)damage->pinned));
    add(document, hosts, "slowed", json_integer((json_int_t)damage->slowed));
    add(document, hosts, "silent", json_integer((json_int_t)damage->silent));
    add(document, object, "hosts", hosts);
    add(document, object, "customers", counts_json(document, damage->total.customers));
    json_t *cells = json_array();
    for (size_t r = 0; r < scenario->region_choice.count; r++) {
        for (size_t line = 0; line < scenario->line_count; line++) {
            const struct tally *tally = &damage->cells[r * scenario->line_count + line];
            if (tally->hosts[COUNTED_ALL] == 0) {
                continue;
            }
            json_t *cell = json_object();
            add(document, cell, "region", json_string(scenario->regions[r].region));
            add(document, cell, "product_line", json_string(scenario->lines[line].product_line));
            add(document, cell, "hosts", counts_json(document, tally->hosts));
            add(document, cell, "customers", counts_json(document, tally->customers));
            add_to(document, cells, cell);
        }
    }
    add(document, object, "cells", cells);
}

static json_t *update_json(struct document *document, const struct simulation *simulation,
                           size_t index)
{
    const struct scenario *scenario = simulation->scenario;
    const struct population *population = &simulation->population;
    const struct update *update = &scenario->updates[index];
    uint64_t installed = 0;
    for (size_t seat = 0; seat < population->seat_count; seat++) {
        installed += population->seats[seat].reports &&
                     (behaviour_installed(simulation->behaviour, seat) >> index & 1) != 0;
    }
    json_t *object = json_object();
    add(document, object, "id", json_string(update->id));
    add(document, object, "released_at", time_json(update->released_at));
    add(document, object, "withdrawn_at", time_json(update->withdrawn_at));
    add(document, object, "installed_hosts", json_integer((json_int_t)installed));
    add(document, object, "faulty", json_boolean(update->faulty));
    if (!update->faulty) {
        return object;
    }
    struct damage damage = {.first_harm_at = NEVER, .last_harm_at = NEVER};
    damage.cells =
        calloc(scenario->region_choice.count * scenario->line_count, sizeof *damage.cells);
    if (damage.cells == NULL) {
        document->failed = true;
        return object;
    }
    for (size_t c = 0; c < population->customer_count; c++) {
        count_customer(simulation, &population->customers[c], index, &damage);
    }
    add_damage(document, scenario, update, &damage, object);
    free(damage.cells);
    return object;
}

static json_t *truth_json(struct document *document, const struct simulation *simulation)
{
    const struct scenario *scenario = simulation->scenario;
    const struct population *population = &simulation->population;
    json_t *object = json_object();
    add(document, object, "scenario", json_string(scenario->name));
    add(document, object, "title", json_string(scenario->title));
    add(document, object, "seed", json_integer((json_int_t)simulation->options.seed));
    json_t *hosts = json_object();
    add(document, hosts, "all", json_integer((json_int_t)population->seat_count));
    add(document, hosts, "reporting", json_integer((json_int_t)population->reporting_count));
    add(document, object, "hosts", hosts);
    add(document, object, "customers", json_integer((json_int_t)population->customer_count));
    add(document, object, "reports", json_integer((json_int_t)simulation->reports));
    add(document, object, "first_received_at", time_json(simulation->first_received_at));
    add(document, object, "last_received_at", time_json(simulation->last_received_at));
    json_t *updates = json_array();
    for (size_t u = 0; u < scenario->update_count; u++) {
        add_to(document, updates, update_json(document, simulation, u));
    }
    add(document, object, "updates", updates);
    return object;
}

static bool write_truth(const struct simulation *simulation, const char *directory,
                        struct failure *failure)
{
    struct document document = {false};
    struct buffer buffer = {0};
    json_t *json = truth_json(&document, simulation);
    char *text = document.failed ? NULL : json_dumps(json, JSON_INDENT(2));
    bool good = text != NULL || failure_memory(failure, "writing the truth");
    if (good) {
        buffer_append_text(&buffer, text);
        buffer_append(&buffer, "\n", 1);
        good = output_text(directory, "truth.json", &buffer, failure);
    }
    buffer_free(&buffer);
    free(text);
    json_decref(json);
    return good;
}

static bool write_struck(const struct simulation *simulation, const char *directory,
                         struct failure *failure)
{
    const struct population *population = &simulation->population;
    struct buffer buffer = {0};
    buffer_append_text(
        &buffer, "customer_id,host_id,region,product_line,installed_at,harmed_at,silent_at\n");
    for (size_t i = 0; i < population->seat_count; i++) {
        const struct fleet_seat *seat = &population->seats[i];
        const struct host_fate *fate = behaviour_fate(simulation->behaviour, i);
        if (!seat->reports || fate->fault == FAULT_NONE || fate->harmed_at == NEVER) {
            continue;
        }
        const struct fleet_segment *segment = &population->segments[seat->segment];
        char customer[CUSTOMER_ID_SIZE];
        char host[UUID_TEXT_SIZE];
        char times[3][INSTANT_TEXT_SIZE] = {""};
        instant_format(fate->installed_at, times[0]);
        instant_format(fate->harmed_at, times[1]);
        if (fate->silent_at != NEVER) {
            instant_format(fate->silent_at, times[2]);
        }
        buffer_append_format(&buffer, "%s,%s,", customer_id_format(seat->customer, customer),
                             uuid_format(&seat->host_id, host));
        csv_append_cell(&buffer, segment->values[ATTRIBUTE_REGION]);
        buffer_append(&buffer, ",", 1);
        csv_append_cell(&buffer, segment->values[ATTRIBUTE_PRODUCT_LINE]);
        buffer_append_format(&buffer, ",%s,%s,%s\n", times[0], times[1], times[2]);
    }
    bool good = output_text(directory, "struck.csv", &buffer, failure);
    buffer_free(&buffer);
    return good;
}

bool truth_write(const struct simulation *simulation, const char *directory,
                 struct failure *failure)
{
    return write_truth(simulation, directory, failure) &&
           write_struck(simulation, directory, failure);
}
