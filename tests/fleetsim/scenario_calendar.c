/* What is released when, and what does it do? The chapter updates of a scenario.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <jansson.h>

#include "tests/fleetsim/scenario.h"
#include "tests/fleetsim/scenario_json.h"
#include "tests/fleetsim/scenario_parts.h"

#define HOUR_S 3600.0

static void *allocate(struct scenario *scenario, size_t count, size_t size, struct failure *failure)
{
    /* An empty list is a list: one element's memory, none of it used. */
    void *memory = arena_allocate(&scenario->arena, (count > 0 ? count : 1) * size);
    if (memory == NULL) {
        (void)failure_memory(failure, "reading the scenario");
    }
    return memory;
}

/* {"attribute": ["value", …], …} */
static bool read_condition(const struct json_place *place, struct scenario *scenario,
                           struct condition *condition, struct failure *failure)
{
    const char *names[ATTRIBUTE_COUNT + 1] = {NULL};
    for (int i = 0; i < ATTRIBUTE_COUNT; i++) {
        names[i] = host_attribute_name((enum host_attribute)i);
    }
    if (!json_place_object(place, names, failure)) {
        return false;
    }
    condition->term_count = 0;
    condition->terms = allocate(scenario, ATTRIBUTE_COUNT, sizeof *condition->terms, failure);
    if (condition->terms == NULL) {
        return false;
    }
    for (int i = 0; i < ATTRIBUTE_COUNT; i++) {
        struct json_place values = json_place_member(place, names[i]);
        if (values.value == NULL) {
            continue;
        }
        struct condition_term *term = &condition->terms[condition->term_count++];
        term->attribute = (enum host_attribute)i;
        if (!json_place_texts(&values, &scenario->arena, &term->values, &term->value_count,
                              failure)) {
            return false;
        }
    }
    return true;
}

static bool read_strikes(const struct json_place *place, struct scenario *scenario,
                         struct fault *fault, struct failure *failure)
{
    if (!json_place_array(place, 1, 16, &fault->strike_count, failure)) {
        return false;
    }
    fault->strikes = allocate(scenario, fault->strike_count, sizeof *fault->strikes, failure);
    for (size_t i = 0; fault->strikes != NULL && i < fault->strike_count; i++) {
        struct json_place strike = json_place_element(place, i);
        if (!read_condition(&strike, scenario, &fault->strikes[i], failure)) {
            return false;
        }
    }
    return fault->strikes != NULL;
}

static bool read_fault(const struct json_place *place, struct scenario *scenario,
                       struct fault *fault, struct failure *failure)
{
    static const char *const names[] = {"strikes",
                                        "untouched_share",
                                        "delay_s",
                                        "pinned_busy",
                                        "slowed_share",
                                        "slowed_busy",
                                        "lock_up_share",
                                        "lock_up_s",
                                        "reboot_share",
                                        "reboot_s",
                                        "recovery_s",
                                        "reboot_takes_s",
                                        "reboot_worse_share",
                                        NULL};
    if (!json_place_object(place, names, failure)) {
        return false;
    }
    const struct {
        const char *name;
        double *share;
    } shares[] = {{"untouched_share", &fault->untouched_share},
                  {"slowed_share", &fault->slowed_share},
                  {"lock_up_share", &fault->lock_up_share},
                  {"reboot_share", &fault->reboot_share},
                  {"reboot_worse_share", &fault->reboot_worse_share}};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        struct json_place share = json_place_member(place, shares[i].name);
        if (!json_place_number(&share, 0, 1, shares[i].share, failure)) {
            return false;
        }
    }
    const struct {
        const char *name;
        double most;
        struct bounds *bounds;
    } bounds[] = {{"delay_s", 24 * HOUR_S, &fault->delay_s},
                  {"pinned_busy", 1, &fault->pinned_busy},
                  {"slowed_busy", 1, &fault->slowed_busy},
                  {"lock_up_s", 24 * HOUR_S, &fault->lock_up_s},
                  {"reboot_s", 24 * HOUR_S, &fault->reboot_s},
                  {"reboot_takes_s", HOUR_S, &fault->reboot_takes_s},
                  {"recovery_s", 24 * HOUR_S, &fault->recovery_s}};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        struct json_place range = json_place_member(place, bounds[i].name);
        if (!json_place_bounds(&range, 0, bounds[i].most, bounds[i].bounds, failure)) {
            return false;
        }
    }
    struct json_place strikes = json_place_member(place, "strikes");
    return read_strikes(&strikes, scenario, fault, failure);
}

/* Only an earlier update can be cured. */
static bool read_cures(const struct json_place *place, const struct scenario *scenario,
                       size_t earlier, uint32_t *cures, struct failure *failure)
{
    *cures = 0;
    if (place->value == NULL) {
        return true;
    }
    size_t count;
    if (!json_place_array(place, 0, SCENARIO_UPDATES_LIMIT, &count, failure)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct json_place element = json_place_element(place, i);
        const char *id = json_string_value(element.value);
        size_t cured = 0;
        while (cured < earlier && (id == NULL || strcmp(scenario->updates[cured].id, id) != 0)) {
            cured++;
        }
        if (cured == earlier) {
            return json_place_fail(&element, failure, "must name an update released earlier");
        }
        *cures |= UINT32_C(1) << cured;
    }
    return true;
}

static bool read_times(const struct json_place *place, struct update *update,
                       const struct update *before, struct failure *failure)
{
    struct json_place released = json_place_member(place, "released_at");
    if (!json_place_instant(&released, &update->released_at, failure)) {
        return false;
    }
    if (before != NULL && update->released_at < before->released_at) {
        return json_place_fail(&released, failure, "must not be before the update above it");
    }
    update->withdrawn_at = INSTANT_NONE;
    struct json_place withdrawn = json_place_member(place, "withdrawn_at");
    if (withdrawn.value == NULL) {
        return true;
    }
    if (!json_place_instant(&withdrawn, &update->withdrawn_at, failure)) {
        return false;
    }
    return update->withdrawn_at > update->released_at ||
           json_place_fail(&withdrawn, failure, "must be after released_at");
}

/* Ids go into reports as they are, without escaping. */
static bool read_id(const struct json_place *place, struct scenario *scenario, const char **id,
                    struct failure *failure)
{
    if (!json_place_text(place, &scenario->arena, id, failure)) {
        return false;
    }
    for (const char *c = *id; *c != '\0'; c++) {
        if (strchr("/._-", *c) == NULL && !(*c >= '0' && *c <= '9') && !(*c >= 'a' && *c <= 'z') &&
            !(*c >= 'A' && *c <= 'Z')) {
            return json_place_fail(place, failure,
                                   "may have letters, digits and / . _ - only, not \"%s\"", *id);
        }
    }
    return true;
}

static bool read_update(const struct json_place *place, struct scenario *scenario, size_t index,
                        struct failure *failure)
{
    static const char *const names[] = {"id",           "series",   "targets", "released_at",
                                        "withdrawn_at", "adoption", "already", "fault",
                                        "cures",        NULL};
    struct update *update = &scenario->updates[index];
    if (!json_place_object(place, names, failure)) {
        return false;
    }
    struct json_place id = json_place_member(place, "id");
    struct json_place series = json_place_member(place, "series");
    struct json_place targets = json_place_member(place, "targets");
    struct json_place adoption = json_place_member(place, "adoption");
    struct json_place already = json_place_member(place, "already");
    struct json_place fault = json_place_member(place, "fault");
    struct json_place cures = json_place_member(place, "cures");
    if (!read_id(&id, scenario, &update->id, failure) ||
        !json_place_text(&series, &scenario->arena, &update->series, failure) ||
        !read_condition(&targets, scenario, &update->targets, failure) ||
        !read_times(place, update, index > 0 ? update - 1 : NULL, failure) ||
        !json_place_number(&adoption, 0, 1, &update->adoption, failure) ||
        !json_place_number(&already, 0, 1, &update->already, failure) ||
        !read_cures(&cures, scenario, index, &update->cures, failure)) {
        return false;
    }
    if (update->already > 0 && update->released_at >= scenario->from) {
        return json_place_fail(&already, failure, "must be 0 for an update released in the span");
    }
    update->faulty = fault.value != NULL;
    return !update->faulty || read_fault(&fault, scenario, &update->fault, failure);
}

bool scenario_read_calendar(const struct json_place *root, struct scenario *scenario,
                            struct failure *failure)
{
    struct json_place place = json_place_member(root, "updates");
    if (!json_place_array(&place, 0, SCENARIO_UPDATES_LIMIT, &scenario->update_count, failure)) {
        return false;
    }
    scenario->updates =
        allocate(scenario, scenario->update_count, sizeof *scenario->updates, failure);
    for (size_t i = 0; scenario->updates != NULL && i < scenario->update_count; i++) {
        struct json_place update = json_place_element(&place, i);
        if (!read_update(&update, scenario, i, failure)) {
            return false;
        }
        for (size_t before = 0; before < i; before++) {
            if (strcmp(scenario->updates[before].id, scenario->updates[i].id) == 0) {
                return json_place_fail(&update, failure, "has the id of an update above it");
            }
        }
    }
    return scenario->updates != NULL;
}
