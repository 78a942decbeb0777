/* A second estimate beside the first; see cost_what_if.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_what_if.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/cost.h"
#include "analyzer/cost_csv.h"
#include "analyzer/cost_draws.h"
#include "analyzer/cost_json.h"
#include "analyzer/json_value.h"

#define SETTING_SIZE 256

static const struct update_answer *find(const struct answers *answers, const char *update_id,
                                        struct failure *failure)
{
    for (size_t i = 0; i < answers->update_count; i++) {
        if (strcmp(answers->updates[i].id, update_id) != 0) {
            continue;
        }
        if (answers->updates[i].cost_basis != NULL) {
            return &answers->updates[i];
        }
        failure_set(failure, FAILURE_NOT_FOUND, "%.100s is not suspected of anything that costs",
                    update_id);
        return NULL;
    }
    failure_set(failure, FAILURE_NOT_FOUND, "no host has reported the update \"%.100s\"",
                update_id);
    return NULL;
}

static bool apply_one(struct cost_parameters *parameters, const char *setting, json_t *list,
                      struct failure *failure)
{
    bool complete = true;
    struct cost_parameter one;
    if (!cost_csv_parse_setting(setting, &one, failure) ||
        !cost_parameters_set(parameters, &one, failure)) {
        return false;
    }
    json_t *object = json_object();
    json_value_set(object, "parameter", json_value_text(one.name), &complete);
    json_value_set(object, "region",
                   json_value_text(*one.scope.region != '\0' ? one.scope.region : NULL), &complete);
    json_value_set(object, "range", json_value_range(one.range), &complete);
    json_value_append(list, object, &complete);
    return complete || failure_memory(failure, "reckoning what if");
}

static bool apply(struct cost_parameters *parameters, const char *settings, json_t *list,
                  struct failure *failure)
{
    for (const char *at = settings;;) {
        char setting[SETTING_SIZE];
        size_t length = strcspn(at, ";");
        if (length >= sizeof setting) {
            return failure_set(failure, FAILURE_INVALID, "a setting is over %d bytes",
                               SETTING_SIZE - 1);
        }
        memcpy(setting, at, length);
        setting[length] = '\0';
        if (!apply_one(parameters, setting, list, failure)) {
            return false;
        }
        at += length;
        if (*at++ == '\0') {
            return true;
        }
    }
}

static bool write_both(const struct update_answer *update, const struct answers *answers,
                       const struct cost_parameters *then, json_t *settings, struct buffer *out,
                       struct failure *failure)
{
    bool complete = true;
    struct cost_estimate other;
    struct arena arena = {.newest = NULL};
    struct cost_draws *draws = NULL;
    bool done = cost_draws_new(then, update->cost.seed, answers->cost_draws, &draws, failure) &&
                cost_estimate_drawn(then, draws, update->cost_basis, &arena, &other, failure);
    if (done) {
        json_t *object = json_object();
        json_value_set(object, "update_id", json_value_text(update->id), &complete);
        json_value_set(object, "as_of", json_value_instant(answers->as_of), &complete);
        json_value_set(object, "set", json_incref(settings), &complete);
        json_value_set(object, "now", cost_json_value(&update->cost), &complete);
        json_value_set(object, "then", cost_json_value(&other), &complete);
        done = json_value_write(object, complete, out, failure);
    }
    cost_draws_release(draws);
    arena_free(&arena);
    return done;
}

bool cost_what_if(const struct answers *answers, const char *update_id, const char *settings,
                  struct buffer *out, struct failure *failure)
{
    const struct update_answer *update = find(answers, update_id, failure);
    if (update == NULL) {
        return false;
    }
    struct cost_parameters *then = malloc(sizeof *then);
    json_t *list = json_array();
    if (then == NULL || list == NULL) {
        free(then);
        json_decref(list);
        return failure_memory(failure, "reckoning what if");
    }
    *then = *answers->cost_parameters;
    bool done = apply(then, settings, list, failure) &&
                write_both(update, answers, then, list, out, failure);
    json_decref(list);
    free(then);
    return done;
}
