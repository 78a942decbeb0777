/* A scenario file that is wrong says where. Each case is the shipped scenario with one member
 * changed; what must be named is read off the change.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "common/failure.h"
#include "tests/fleetsim/scenario.h"

#define SCENARIO "tests/fleetsim/scenarios/2005-pattern-2.594.00.json"

struct bad_case {
    const char *place;  /* members and indexes, separated by spaces; the last is changed */
    const char *value;  /* JSON; NULL: the member is removed */
    const char *phrase; /* what the complaint must hold */
};

static const struct bad_case bad_cases[] = {
    {"span until", NULL, "span.until: is missing"},
    {"span until", "\"yesterday\"", "span.until: "},
    {"span until", "\"2005-04-23T05:00:00+09:00\"", "span.until: must be after from"},
    {"hosts", "0", "hosts: must be from 1"},
    {"colour", "\"red\"", "colour: is not something a scenario says"},
    {"telemetry coverage", "2", "telemetry.coverage: must be from"},
    {"telemetry latency_s", "[1, 60]", "telemetry.latency_s[1]: must be from 0 to 59"},
    {"telemetry clock_ahead_s", "[120, 601]", "telemetry.clock_ahead_s[1]: must be from"},
    {"ordinary scan_s", "[2400, 900]", "ordinary.scan_s: must be [low, high]"},
    {"ordinary scan_s", "[900]", "ordinary.scan_s: must have 2 to 2 elements, not 1"},
    {"machines 0 on saturday 3", "\"off\"", "machines[0].on.saturday[3]: must be a number"},
    {"machines 1 rhythm sunday", "[]", "machines[1].rhythm.sunday: must have 24"},
    {"regions 0 share", "0.5", "regions: has shares that add up to 0.88"},
    {"regions 1 countries 0 locale", "\"\"", "regions[1].countries[0].locale: must have 1 to"},
    {"regions 1 names first", "[]", "regions[1].names.first: must have 1"},
    {"product_lines 0 machine", "\"toaster\"", "product_lines[0].machine: must name one of"},
    {"product_lines 2 engines", "{\"7.100\": 0.4}", "product_lines[2].engines: has shares"},
    {"kinds corporate product_lines Doorbell", "0", "kinds.corporate.product_lines.Doorbell: "},
    {"kinds consumer seats", "{\"many\": 1}", "kinds.consumer.seats: has \"many\""},
    {"kinds corporate tiers 1 from_seats", "0", "kinds.corporate.tiers[1].from_seats: must"},
    {"updates 0 id", "\"a b\"", "updates[0].id: may have letters"},
    {"updates 1 id", "\"pattern/2.592.00\"", "updates[1]: has the id of an update above"},
    {"updates 1 already", "0.5", "updates[1].already: must be 0"},
    {"updates 1 targets planet", "[\"Mars\"]", "updates[1].targets.planet: is not something"},
    {"updates 2 released_at", "\"2005-04-22T00:00:00Z\"", "updates[2].released_at: must not be"},
    {"updates 3 withdrawn_at", "\"2005-04-22T00:00:00Z\"", "updates[3].withdrawn_at: must be"},
    {"updates 3 fault delay_s", "[5, 1]", "updates[3].fault.delay_s: must be [low, high]"},
    {"updates 3 fault strikes 0 engine", "\"7.510\"", "updates[3].fault.strikes[0].engine: must"},
    {"updates 5 cures 0", "\"pattern/9\"", "updates[5].cures[0]: must name an update"},
};

/* Changes what `place` names, as json_object_set or json_array_set would. */
static void change(json_t *document, const struct bad_case *bad)
{
    char place[256];
    snprintf(place, sizeof place, "%s", bad->place);
    json_t *parent = document;
    char *rest = NULL;
    char *name = strtok_r(place, " ", &rest);
    for (char *next = strtok_r(NULL, " ", &rest); next != NULL; next = strtok_r(NULL, " ", &rest)) {
        parent = json_is_array(parent) ? json_array_get(parent, strtoul(name, NULL, 10))
                                       : json_object_get(parent, name);
        assert_non_null(parent);
        name = next;
    }
    json_t *value = bad->value != NULL ? json_loads(bad->value, JSON_DECODE_ANY, NULL) : NULL;
    if (json_is_array(parent)) {
        assert_int_equal(json_array_set_new(parent, strtoul(name, NULL, 10), value), 0);
    } else if (value != NULL) {
        assert_int_equal(json_object_set_new(parent, name, value), 0);
    } else {
        assert_int_equal(json_object_del(parent, name), 0);
    }
}

static void load_text(const char *text, bool good, const char *phrase)
{
    char path[] = "/tmp/fleetsim-scenario-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    struct scenario scenario;
    struct failure failure = {.message = ""};
    assert_int_equal(scenario_load(path, &scenario, &failure), good);
    unlink(path);
    if (good) {
        scenario_free(&scenario);
        return;
    }
    assert_int_equal(failure.code, FAILURE_INVALID);
    if (strstr(failure.message, phrase) == NULL || strstr(failure.message, path) == NULL) {
        fail_msg("\"%s\" should name the file and say \"%s\"", failure.message, phrase);
    }
}

static void a_wrong_member_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        json_t *document = json_load_file(SCENARIO, 0, NULL);
        assert_non_null(document);
        change(document, &bad_cases[i]);
        char *text = json_dumps(document, 0);
        load_text(text, false, bad_cases[i].phrase);
        free(text);
        json_decref(document);
    }
}

static void what_is_not_json_is_named_by_line(void **state)
{
    (void)state;
    load_text("{\n\"name\": \"x\",\n}", false, "line 3");
    load_text("[]", false, "the document: must be an object");
    struct scenario scenario;
    struct failure failure = {.message = ""};
    assert_false(scenario_load("/nowhere/scenario.json", &scenario, &failure));
    assert_non_null(strstr(failure.message, "/nowhere/scenario.json"));
}

static void explanations_may_stand_anywhere(void **state)
{
    (void)state;
    json_t *document = json_load_file(SCENARIO, 0, NULL);
    json_t *update = json_array_get(json_object_get(document, "updates"), 0);
    assert_int_equal(json_object_set_new(update, "source", json_string("hearsay")), 0);
    assert_int_equal(
        json_object_set_new(json_object_get(document, "span"), "note", json_string("short")), 0);
    char *text = json_dumps(document, 0);
    load_text(text, true, "");
    free(text);
    json_decref(document);
}

/* The oracle is the incident's record: sources stand in the scenario file. */
static void the_incident_is_as_published(void **state)
{
    (void)state;
    struct scenario scenario;
    struct failure failure;
    assert_true(scenario_load(SCENARIO, &scenario, &failure));
    const struct update *faulty = NULL;
    size_t innocent_between_seven_and_nine = 0;
    for (size_t u = 0; u < scenario.update_count; u++) {
        const struct update *update = &scenario.updates[u];
        if (update->faulty) {
            assert_null(faulty);
            faulty = update;
        } else if (update->released_at < INT64_C(1114214400) * INSTANT_SECOND) {
            innocent_between_seven_and_nine++; /* out before 09:00 in Japan */
        }
    }
    if (faulty == NULL) {
        fail_msg("no update is faulty");
        return;
    }
    assert_string_equal(faulty->id, "pattern/2.594.00");
    assert_true(faulty->released_at == INT64_C(1114209180) * INSTANT_SECOND);  /* 22:33 UTC */
    assert_true(faulty->withdrawn_at == INT64_C(1114214520) * INSTANT_SECOND); /* 00:02 UTC */
    assert_true(innocent_between_seven_and_nine >= 3);
    const char *struck[ATTRIBUTE_COUNT] = {"OfficeScan", "6.5",   "Windows XP", "SP2", "JP",
                                           "broad",      "7.500", "ja-JP",      "x86"};
    const struct condition *strike = &faulty->fault.strikes[0];
    assert_true(condition_matches(strike, struck));
    struck[ATTRIBUTE_ENGINE] = "7.100";
    assert_false(condition_matches(strike, struck));
    struck[ATTRIBUTE_ENGINE] = "7.510";
    struck[ATTRIBUTE_OS_VERSION] = "SP1";
    assert_false(condition_matches(strike, struck));
    scenario_free(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_member_is_named),
        cmocka_unit_test(what_is_not_json_is_named_by_line),
        cmocka_unit_test(explanations_may_stand_anywhere),
        cmocka_unit_test(the_incident_is_as_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
