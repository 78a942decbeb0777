/* What fleet is simulated? Reads a scenario file whole; the chapters on who there is and on what
 * is released are in scenario_population.c and scenario_calendar.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/scenario.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "tests/fleetsim/scenario_parts.h"

/* A week: longer calendars would be another tool's. */
#define SPAN_LIMIT (7 * INSTANT_DAY)
/* A million hosts need 370 MB here. */
#define HOSTS_LIMIT 10000000.0
#define DAY_S 86400.0

const char *const kind_names[KIND_COUNT] = {"consumer", "corporate"};

const char *host_attribute_name(enum host_attribute attribute)
{
    static const char *const names[ATTRIBUTE_COUNT] = {"product_line", "product_version", "os",
                                                       "os_version",   "region",          "ring",
                                                       "engine",       "locale",          "arch"};
    return names[attribute];
}

size_t choice_draw(const struct choice *choice, double uniform)
{
    size_t index = 0;
    while (index + 1 < choice->count && uniform >= choice->cumulative[index]) {
        index++;
    }
    return index;
}

bool condition_matches(const struct condition *condition, const char *const *values)
{
    for (size_t t = 0; t < condition->term_count; t++) {
        const struct condition_term *term = &condition->terms[t];
        bool found = false;
        for (size_t v = 0; v < term->value_count && !found; v++) {
            found = strcmp(term->values[v], values[term->attribute]) == 0;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

bool scenario_accumulate(const struct json_place *place, struct choice *choice,
                         struct failure *failure)
{
    double sum = 0;
    for (size_t i = 0; i < choice->count; i++) {
        sum += choice->cumulative[i];
        choice->cumulative[i] = sum;
    }
    /* Shares are written with a few decimals; a slip of a thousandth is a typing error. */
    if (fabs(sum - 1) > 1e-6) {
        return json_place_fail(place, failure, "has shares that add up to %g, not 1", sum);
    }
    choice->cumulative[choice->count - 1] = 1;
    return true;
}

bool scenario_read_choice(const struct json_place *place, struct arena *arena,
                          struct choice *choice, struct failure *failure)
{
    if (!json_is_object(place->value) || json_object_size(place->value) == 0) {
        return json_place_fail(place, failure, "must be an object of value to share");
    }
    size_t count = json_object_size(place->value);
    if (count > SCENARIO_CHOICES_LIMIT) {
        return json_place_fail(place, failure, "has more than %d values", SCENARIO_CHOICES_LIMIT);
    }
    choice->count = 0;
    choice->values = arena_allocate(arena, count * sizeof *choice->values);
    choice->cumulative = arena_allocate(arena, count * sizeof *choice->cumulative);
    if (choice->values == NULL || choice->cumulative == NULL) {
        return failure_memory(failure, "reading the scenario");
    }
    /* jansson's iterator takes a pointer to non-const though it changes nothing. */
    json_t *object = (json_t *)place->value;
    for (void *member = json_object_iter(object); member != NULL;
         member = json_object_iter_next(object, member)) {
        const char *key = json_object_iter_key(member);
        size_t i = choice->count++;
        struct json_place share = json_place_member(place, key);
        choice->values[i] = arena_copy_text(arena, key, strlen(key));
        if (choice->values[i] == NULL) {
            return failure_memory(failure, "reading the scenario");
        }
        if (!json_place_number(&share, 0, 1, &choice->cumulative[i], failure)) {
            return false;
        }
    }
    return scenario_accumulate(place, choice, failure);
}

static bool read_span(const struct json_place *root, struct scenario *scenario,
                      struct failure *failure)
{
    static const char *const names[] = {"from", "until", NULL};
    struct json_place span = json_place_member(root, "span");
    if (!json_place_object(&span, names, failure)) {
        return false;
    }
    struct json_place from = json_place_member(&span, "from");
    struct json_place until = json_place_member(&span, "until");
    if (!json_place_instant(&from, &scenario->from, failure) ||
        !json_place_instant(&until, &scenario->until, failure)) {
        return false;
    }
    if (scenario->until <= scenario->from || scenario->until - scenario->from > SPAN_LIMIT) {
        return json_place_fail(&until, failure, "must be after from, by 7 days at most");
    }
    return true;
}

/* A table of plain figures read the same way. */
struct figure {
    const char *name;
    double low, high;
    double *number;        /* one of the two … */
    struct bounds *bounds; /* … the other is NULL */
};

static bool read_figures(const struct json_place *place, const struct figure *figures, size_t count,
                         struct failure *failure)
{
    const char *names[32];
    for (size_t i = 0; i < count; i++) {
        names[i] = figures[i].name;
    }
    names[count] = NULL;
    if (!json_place_object(place, names, failure)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct figure *figure = &figures[i];
        struct json_place member = json_place_member(place, figure->name);
        bool good =
            figure->number != NULL
                ? json_place_number(&member, figure->low, figure->high, figure->number, failure)
                : json_place_bounds(&member, figure->low, figure->high, figure->bounds, failure);
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool read_telemetry(const struct json_place *root, struct scenario *scenario,
                           struct failure *failure)
{
    struct telemetry *telemetry = &scenario->telemetry;
    const struct figure figures[] = {
        {"coverage", 0.01, 0.999, &telemetry->coverage, NULL},
        {"coverage_concentration", 0.1, 1000, &telemetry->concentration, NULL},
        {"interval_s", 1, 3600, &telemetry->interval_s, NULL},
        /* A report is received in the minute it was sent in or in the next (minute.c). */
        {"latency_s", 0, 59, NULL, &telemetry->latency_s},
        {"lost_share", 0, 0.9, &telemetry->lost_share, NULL},
        {"wrong_clock_share", 0, 1, &telemetry->wrong_clock_share, NULL},
        {"clock_ahead_share", 0, 1, &telemetry->clock_ahead_share, NULL},
        /* What the collector takes; see REPORT_AHEAD_LIMIT and REPORT_BEHIND_LIMIT. */
        {"clock_ahead_s", 0, 599, NULL, &telemetry->clock_ahead_s},
        {"clock_behind_s", 0, 7 * DAY_S - 60, NULL, &telemetry->clock_behind_s},
    };
    struct json_place place = json_place_member(root, "telemetry");
    return read_figures(&place, figures, sizeof figures / sizeof *figures, failure);
}

static bool read_ordinary(const struct json_place *root, struct scenario *scenario,
                          struct failure *failure)
{
    struct ordinary *ordinary = &scenario->ordinary;
    const struct figure figures[] = {
        {"noise", 0, 2, &ordinary->noise, NULL},
        {"burst_share", 0, 1, &ordinary->burst_share, NULL},
        {"burst_busy", 0, 1, NULL, &ordinary->burst_busy},
        {"scans_per_hour", 0, 10, &ordinary->scans_per_hour, NULL},
        {"scan_s", 1, DAY_S, NULL, &ordinary->scan_s},
        {"scan_busy", 0, 1, NULL, &ordinary->scan_busy},
        {"boot_s", 0, 3600, &ordinary->boot_s, NULL},
        {"boot_busy", 0, 1, NULL, &ordinary->boot_busy},
        {"poll_s", 60, DAY_S, &ordinary->poll_s, NULL},
        {"install_s", 0, 3600, NULL, &ordinary->install_s},
    };
    struct json_place place = json_place_member(root, "ordinary");
    return read_figures(&place, figures, sizeof figures / sizeof *figures, failure);
}

static bool read_attributes(const struct json_place *root, struct scenario *scenario,
                            struct failure *failure)
{
    static const char *const names[] = {"rings", "archs", "same_within_customer", NULL};
    struct json_place place = json_place_member(root, "attributes");
    if (!json_place_object(&place, names, failure)) {
        return false;
    }
    struct json_place rings = json_place_member(&place, "rings");
    struct json_place archs = json_place_member(&place, "archs");
    struct json_place same = json_place_member(&place, "same_within_customer");
    return scenario_read_choice(&rings, &scenario->arena, &scenario->rings, failure) &&
           scenario_read_choice(&archs, &scenario->arena, &scenario->archs, failure) &&
           json_place_number(&same, 0, 1, &scenario->same_within_customer, failure);
}

static bool read_document(const json_t *document, struct scenario *scenario,
                          struct failure *failure)
{
    static const char *const names[] = {
        "name",    "title", "span",          "hosts",      "telemetry", "ordinary", "machines",
        "regions", "kinds", "product_lines", "attributes", "updates",   NULL};
    struct json_place root = json_place_root(document);
    if (!json_place_object(&root, names, failure)) {
        return false;
    }
    struct json_place name = json_place_member(&root, "name");
    struct json_place title = json_place_member(&root, "title");
    struct json_place hosts = json_place_member(&root, "hosts");
    return json_place_text(&name, &scenario->arena, &scenario->name, failure) &&
           json_place_text(&title, &scenario->arena, &scenario->title, failure) &&
           json_place_number(&hosts, 1, HOSTS_LIMIT, &scenario->hosts, failure) &&
           read_span(&root, scenario, failure) && read_telemetry(&root, scenario, failure) &&
           read_ordinary(&root, scenario, failure) && read_attributes(&root, scenario, failure) &&
           scenario_read_population(&root, scenario, failure) &&
           scenario_read_calendar(&root, scenario, failure);
}

bool scenario_load(const char *path, struct scenario *scenario, struct failure *failure)
{
    *scenario = (struct scenario){0};
    json_error_t error;
    json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL) {
        return failure_set(failure, FAILURE_INVALID, "%s: line %d: %s", path, error.line,
                           error.text);
    }
    bool good = read_document(document, scenario, failure);
    json_decref(document);
    if (!good) {
        failure_prefix(failure, "%s: ", path);
        scenario_free(scenario);
    }
    return good;
}

void scenario_free(struct scenario *scenario)
{
    arena_free(&scenario->arena);
    *scenario = (struct scenario){0};
}
