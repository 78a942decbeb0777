/* Who is in the fleet? The chapters machines, regions, product_lines and kinds of a scenario.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/report.h"
#include "tests/fleetsim/scenario.h"
#include "tests/fleetsim/scenario_json.h"
#include "tests/fleetsim/scenario_parts.h"

static const char *const day_names[DAY_COUNT + 1] = {"weekday", "saturday", "sunday", NULL};

static void *allocate(struct scenario *scenario, size_t count, size_t size, struct failure *failure)
{
    void *memory = arena_allocate(&scenario->arena, count * size);
    if (memory == NULL) {
        (void)failure_memory(failure, "reading the scenario");
    }
    return memory;
}

static bool read_week(const struct json_place *place, double highest, double hours[DAY_COUNT][24],
                      struct failure *failure)
{
    if (!json_place_object(place, day_names, failure)) {
        return false;
    }
    for (size_t day = 0; day < DAY_COUNT; day++) {
        struct json_place row = json_place_member(place, day_names[day]);
        size_t count;
        if (!json_place_array(&row, 24, 24, &count, failure)) {
            return false;
        }
        for (size_t hour = 0; hour < 24; hour++) {
            struct json_place cell = json_place_element(&row, hour);
            if (!json_place_number(&cell, 0, highest, &hours[day][hour], failure)) {
                return false;
            }
        }
    }
    return true;
}

static bool read_machine(const struct json_place *place, struct scenario *scenario,
                         struct machine *machine, struct failure *failure)
{
    static const char *const names[] = {"name",   "turnover_per_hour", "on",
                                        "rhythm", "base_busy",         NULL};
    if (!json_place_object(place, names, failure)) {
        return false;
    }
    struct json_place name = json_place_member(place, "name");
    struct json_place turnover = json_place_member(place, "turnover_per_hour");
    struct json_place on = json_place_member(place, "on");
    struct json_place rhythm = json_place_member(place, "rhythm");
    struct json_place base = json_place_member(place, "base_busy");
    return json_place_text(&name, &scenario->arena, &machine->name, failure) &&
           json_place_number(&turnover, 0, 60, &machine->turnover_per_hour, failure) &&
           read_week(&on, 1, machine->on, failure) &&
           read_week(&rhythm, 10, machine->rhythm, failure) &&
           json_place_bounds(&base, 0, 1, &machine->base_busy, failure);
}

static bool read_machines(const struct json_place *root, struct scenario *scenario,
                          struct failure *failure)
{
    struct json_place place = json_place_member(root, "machines");
    if (!json_place_array(&place, 1, SCENARIO_CHOICES_LIMIT, &scenario->machine_count, failure)) {
        return false;
    }
    scenario->machines =
        allocate(scenario, scenario->machine_count, sizeof *scenario->machines, failure);
    for (size_t i = 0; scenario->machines != NULL && i < scenario->machine_count; i++) {
        struct json_place machine = json_place_element(&place, i);
        if (!read_machine(&machine, scenario, &scenario->machines[i], failure)) {
            return false;
        }
    }
    return scenario->machines != NULL;
}

static bool read_country(const struct json_place *place, struct scenario *scenario,
                         struct country *country, double *share, struct failure *failure)
{
    static const char *const names[] = {"country",  "share",        "time_zone", "locale",
                                        "currency", "yearly_value", NULL};
    static const char *const kinds[] = {"consumer", "corporate", NULL};
    if (!json_place_object(place, names, failure)) {
        return false;
    }
    const struct {
        const char *name;
        const char **text;
    } texts[] = {{"country", &country->country},
                 {"time_zone", &country->time_zone},
                 {"locale", &country->locale},
                 {"currency", &country->currency}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct json_place text = json_place_member(place, texts[i].name);
        if (!json_place_text(&text, &scenario->arena, texts[i].text, failure)) {
            return false;
        }
    }
    struct json_place value = json_place_member(place, "yearly_value");
    if (!json_place_object(&value, kinds, failure)) {
        return false;
    }
    for (size_t kind = 0; kind < KIND_COUNT; kind++) {
        struct json_place amount = json_place_member(&value, kind_names[kind]);
        if (!json_place_number(&amount, 0, 1e9, &country->yearly_value[kind], failure)) {
            return false;
        }
    }
    struct json_place weight = json_place_member(place, "share");
    return json_place_number(&weight, 0, 1, share, failure);
}

static bool read_countries(const struct json_place *place, struct scenario *scenario,
                           struct region *region, struct failure *failure)
{
    struct choice *choice = &region->country_choice;
    if (!json_place_array(place, 1, SCENARIO_CHOICES_LIMIT, &choice->count, failure)) {
        return false;
    }
    region->countries = allocate(scenario, choice->count, sizeof *region->countries, failure);
    choice->cumulative = allocate(scenario, choice->count, sizeof *choice->cumulative, failure);
    if (region->countries == NULL || choice->cumulative == NULL) {
        return false;
    }
    for (size_t i = 0; i < choice->count; i++) {
        struct json_place country = json_place_element(place, i);
        if (!read_country(&country, scenario, &region->countries[i], &choice->cumulative[i],
                          failure)) {
            return false;
        }
    }
    return scenario_accumulate(place, choice, failure);
}

static bool read_region(const struct json_place *place, struct scenario *scenario,
                        struct region *region, double *share, struct failure *failure)
{
    static const char *const names[] = {"region", "share", "countries", "partners", "names", NULL};
    static const char *const parts[] = {"first", "second", NULL};
    if (!json_place_object(place, names, failure)) {
        return false;
    }
    struct arena *arena = &scenario->arena;
    struct json_place name = json_place_member(place, "region");
    struct json_place weight = json_place_member(place, "share");
    struct json_place countries = json_place_member(place, "countries");
    struct json_place partners = json_place_member(place, "partners");
    struct json_place words = json_place_member(place, "names");
    struct json_place first = json_place_member(&words, "first");
    struct json_place second = json_place_member(&words, "second");
    return json_place_text(&name, arena, &region->region, failure) &&
           json_place_number(&weight, 0, 1, share, failure) &&
           read_countries(&countries, scenario, region, failure) &&
           json_place_texts(&partners, arena, &region->partners, &region->partner_count, failure) &&
           json_place_object(&words, parts, failure) &&
           json_place_texts(&first, arena, &region->name_first, &region->name_first_count,
                            failure) &&
           json_place_texts(&second, arena, &region->name_second, &region->name_second_count,
                            failure);
}

static bool number_time_zones(struct scenario *scenario, struct failure *failure)
{
    size_t countries = 0;
    for (size_t r = 0; r < scenario->region_choice.count; r++) {
        countries += scenario->regions[r].country_choice.count;
    }
    scenario->time_zones = allocate(scenario, countries, sizeof *scenario->time_zones, failure);
    if (scenario->time_zones == NULL) {
        return false;
    }
    for (size_t r = 0; r < scenario->region_choice.count; r++) {
        for (size_t c = 0; c < scenario->regions[r].country_choice.count; c++) {
            struct country *country = &scenario->regions[r].countries[c];
            size_t zone = 0;
            while (zone < scenario->time_zone_count &&
                   strcmp(scenario->time_zones[zone], country->time_zone) != 0) {
                zone++;
            }
            country->zone = zone;
            scenario->time_zones[zone] = country->time_zone;
            scenario->time_zone_count += zone == scenario->time_zone_count;
        }
    }
    return true;
}

static bool read_regions(const struct json_place *root, struct scenario *scenario,
                         struct failure *failure)
{
    struct choice *choice = &scenario->region_choice;
    struct json_place place = json_place_member(root, "regions");
    if (!json_place_array(&place, 1, SCENARIO_CHOICES_LIMIT, &choice->count, failure)) {
        return false;
    }
    scenario->regions = allocate(scenario, choice->count, sizeof *scenario->regions, failure);
    choice->cumulative = allocate(scenario, choice->count, sizeof *choice->cumulative, failure);
    if (scenario->regions == NULL || choice->cumulative == NULL) {
        return false;
    }
    for (size_t i = 0; i < choice->count; i++) {
        struct json_place region = json_place_element(&place, i);
        if (!read_region(&region, scenario, &scenario->regions[i], &choice->cumulative[i],
                         failure)) {
            return false;
        }
    }
    return scenario_accumulate(&place, choice, failure) && number_time_zones(scenario, failure);
}

static bool read_systems(const struct json_place *place, struct scenario *scenario,
                         struct product_line *line, struct failure *failure)
{
    static const char *const names[] = {"os", "os_version", "share", NULL};
    struct choice *systems = &line->systems;
    if (!json_place_array(place, 1, SCENARIO_CHOICES_LIMIT, &systems->count, failure)) {
        return false;
    }
    systems->values = allocate(scenario, systems->count, sizeof *systems->values, failure);
    systems->cumulative = allocate(scenario, systems->count, sizeof *systems->cumulative, failure);
    line->os_versions = allocate(scenario, systems->count, sizeof *line->os_versions, failure);
    if (systems->values == NULL || systems->cumulative == NULL || line->os_versions == NULL) {
        return false;
    }
    for (size_t i = 0; i < systems->count; i++) {
        struct json_place system = json_place_element(place, i);
        if (!json_place_object(&system, names, failure)) {
            return false;
        }
        struct json_place os = json_place_member(&system, "os");
        struct json_place version = json_place_member(&system, "os_version");
        struct json_place share = json_place_member(&system, "share");
        if (!json_place_text(&os, &scenario->arena, &systems->values[i], failure) ||
            !json_place_text(&version, &scenario->arena, &line->os_versions[i], failure) ||
            !json_place_number(&share, 0, 1, &systems->cumulative[i], failure)) {
            return false;
        }
    }
    return scenario_accumulate(place, systems, failure);
}

static bool read_machine_name(const struct json_place *place, const struct scenario *scenario,
                              size_t *machine, struct failure *failure)
{
    const char *name = json_string_value(place->value);
    for (size_t i = 0; name != NULL && i < scenario->machine_count; i++) {
        if (strcmp(name, scenario->machines[i].name) == 0) {
            *machine = i;
            return true;
        }
    }
    return json_place_fail(place, failure, "must name one of machines");
}

static bool read_line(const struct json_place *place, struct scenario *scenario,
                      struct product_line *line, struct failure *failure)
{
    static const char *const names[] = {"product_line", "machine", "versions",
                                        "systems",      "engines", NULL};
    if (!json_place_object(place, names, failure)) {
        return false;
    }
    struct json_place name = json_place_member(place, "product_line");
    struct json_place machine = json_place_member(place, "machine");
    struct json_place versions = json_place_member(place, "versions");
    struct json_place systems = json_place_member(place, "systems");
    struct json_place engines = json_place_member(place, "engines");
    return json_place_text(&name, &scenario->arena, &line->product_line, failure) &&
           read_machine_name(&machine, scenario, &line->machine, failure) &&
           scenario_read_choice(&versions, &scenario->arena, &line->versions, failure) &&
           read_systems(&systems, scenario, line, failure) &&
           scenario_read_choice(&engines, &scenario->arena, &line->engines, failure);
}

static bool read_lines(const struct json_place *root, struct scenario *scenario,
                       struct failure *failure)
{
    struct json_place place = json_place_member(root, "product_lines");
    if (!json_place_array(&place, 1, SCENARIO_LINES_LIMIT, &scenario->line_count, failure)) {
        return false;
    }
    scenario->lines = allocate(scenario, scenario->line_count, sizeof *scenario->lines, failure);
    for (size_t i = 0; scenario->lines != NULL && i < scenario->line_count; i++) {
        struct json_place line = json_place_element(&place, i);
        if (!read_line(&line, scenario, &scenario->lines[i], failure)) {
            return false;
        }
    }
    return scenario->lines != NULL;
}

/* Either {"1": 0.88, "2": 0.12} or {"median": 7, "sigma": 1.3, "cap": 0.02}. */
static bool read_seats(const struct json_place *place, struct scenario *scenario, struct kind *kind,
                       struct failure *failure)
{
    static const char *const names[] = {"median", "sigma", "cap", NULL};
    struct json_place median = json_place_member(place, "median");
    if (median.value != NULL) {
        struct json_place sigma = json_place_member(place, "sigma");
        struct json_place cap = json_place_member(place, "cap");
        return json_place_object(place, names, failure) &&
               json_place_number(&median, 1, 1e6, &kind->seats_median, failure) &&
               json_place_number(&sigma, 0, 4, &kind->seats_sigma, failure) &&
               json_place_number(&cap, 1e-7, 1, &kind->seats_cap, failure);
    }
    if (!scenario_read_choice(place, &scenario->arena, &kind->seats, failure)) {
        return false;
    }
    for (size_t i = 0; i < kind->seats.count; i++) {
        char *end;
        long seats = strtol(kind->seats.values[i], &end, 10);
        if (*end != '\0' || seats < 1 || seats > 1000000) {
            return json_place_fail(place, failure, "has \"%s\", which is no number of seats",
                                   kind->seats.values[i]);
        }
    }
    return true;
}

static bool read_tiers(const struct json_place *place, struct scenario *scenario, struct kind *kind,
                       struct failure *failure)
{
    static const char *const names[] = {"tier", "from_seats", NULL};
    if (!json_place_array(place, 1, 16, &kind->tier_count, failure)) {
        return false;
    }
    kind->tiers = allocate(scenario, kind->tier_count, sizeof *kind->tiers, failure);
    if (kind->tiers == NULL) {
        return false;
    }
    for (size_t i = 0; i < kind->tier_count; i++) {
        struct tier *tier = &kind->tiers[i];
        struct json_place element = json_place_element(place, i);
        if (!json_place_object(&element, names, failure)) {
            return false;
        }
        struct json_place name = json_place_member(&element, "tier");
        struct json_place from = json_place_member(&element, "from_seats");
        if (!json_place_text(&name, &scenario->arena, &tier->tier, failure) ||
            !json_place_number(&from, 0, 1e9, &tier->from_seats, failure)) {
            return false;
        }
        if (i == 0 ? tier->from_seats > 0 : tier->from_seats <= kind->tiers[i - 1].from_seats) {
            return json_place_fail(&from, failure, "must begin at 0 and ascend");
        }
    }
    return true;
}

static bool read_line_shares(const struct json_place *place, struct scenario *scenario,
                             struct kind *kind, struct failure *failure)
{
    struct choice shares;
    if (!scenario_read_choice(place, &scenario->arena, &shares, failure)) {
        return false;
    }
    for (size_t i = 0; i < shares.count; i++) {
        size_t line = 0;
        while (line < scenario->line_count &&
               strcmp(scenario->lines[line].product_line, shares.values[i]) != 0) {
            line++;
        }
        if (line == scenario->line_count) {
            struct json_place unknown = json_place_member(place, shares.values[i]);
            return json_place_fail(&unknown, failure, "is none of product_lines");
        }
        kind->line_share[line] = shares.cumulative[i] - (i > 0 ? shares.cumulative[i - 1] : 0);
    }
    return true;
}

static bool read_kind(const struct json_place *place, struct scenario *scenario, struct kind *kind,
                      struct failure *failure)
{
    static const char *const names[] = {"share", "seats",         "partner_share",
                                        "tiers", "product_lines", NULL};
    if (!json_place_object(place, names, failure)) {
        return false;
    }
    struct json_place share = json_place_member(place, "share");
    struct json_place seats = json_place_member(place, "seats");
    struct json_place partner = json_place_member(place, "partner_share");
    struct json_place tiers = json_place_member(place, "tiers");
    struct json_place lines = json_place_member(place, "product_lines");
    return json_place_number(&share, 0, 1, &kind->share, failure) &&
           read_seats(&seats, scenario, kind, failure) &&
           json_place_number(&partner, 0, 1, &kind->partner_share, failure) &&
           read_tiers(&tiers, scenario, kind, failure) &&
           read_line_shares(&lines, scenario, kind, failure);
}

static bool read_kinds(const struct json_place *root, struct scenario *scenario,
                       struct failure *failure)
{
    static const char *const names[] = {"consumer", "corporate", NULL};
    struct json_place place = json_place_member(root, "kinds");
    if (!json_place_object(&place, names, failure)) {
        return false;
    }
    double sum = 0;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct json_place kind = json_place_member(&place, kind_names[i]);
        if (!read_kind(&kind, scenario, &scenario->kinds[i], failure)) {
            return false;
        }
        sum += scenario->kinds[i].share;
    }
    if (sum < 1 - 1e-6 || sum > 1 + 1e-6) {
        return json_place_fail(&place, failure, "has shares that add up to %g, not 1", sum);
    }
    return true;
}

bool scenario_read_population(const struct json_place *root, struct scenario *scenario,
                              struct failure *failure)
{
    return read_machines(root, scenario, failure) && read_regions(root, scenario, failure) &&
           read_lines(root, scenario, failure) && read_kinds(root, scenario, failure);
}
