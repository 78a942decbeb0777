/* Checked reads of a scenario's JSON; see scenario_json.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/scenario_json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/report.h"

/* Longer paths than the file format can nest. */
#define PATH_SIZE 256

struct json_place json_place_root(const json_t *document)
{
    return (struct json_place){.value = document};
}

struct json_place json_place_member(const struct json_place *parent, const char *key)
{
    return (struct json_place){
        .parent = parent, .key = key, .value = json_object_get(parent->value, key)};
}

struct json_place json_place_element(const struct json_place *parent, size_t index)
{
    return (struct json_place){
        .parent = parent, .index = index, .value = json_array_get(parent->value, index)};
}

static void append_path(const struct json_place *place, char path[PATH_SIZE])
{
    if (place->parent == NULL) {
        return;
    }
    append_path(place->parent, path);
    size_t used = strlen(path);
    if (place->key != NULL) {
        snprintf(path + used, PATH_SIZE - used, "%s%s", used > 0 ? "." : "", place->key);
    } else {
        snprintf(path + used, PATH_SIZE - used, "[%zu]", place->index);
    }
}

bool json_place_fail(const struct json_place *place, struct failure *failure, const char *format,
                     ...)
{
    char path[PATH_SIZE] = "";
    append_path(place, path);
    char complaint[PATH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint, sizeof complaint, format, arguments);
    va_end(arguments);
    return failure_set(failure, FAILURE_INVALID, "%s: %s", path[0] != '\0' ? path : "the document",
                       complaint);
}

static bool wrong_type(const struct json_place *place, const char *wanted, struct failure *failure)
{
    if (place->value == NULL) {
        return json_place_fail(place, failure, "is missing");
    }
    return json_place_fail(place, failure, "must be %s", wanted);
}

static bool is_named(const char *key, const char *const *names)
{
    if (strcmp(key, "note") == 0 || strcmp(key, "source") == 0) {
        return true;
    }
    for (; *names != NULL; names++) {
        if (strcmp(key, *names) == 0) {
            return true;
        }
    }
    return false;
}

bool json_place_object(const struct json_place *place, const char *const *names,
                       struct failure *failure)
{
    if (!json_is_object(place->value)) {
        return wrong_type(place, "an object", failure);
    }
    /* jansson's iterator takes a pointer to non-const though it changes nothing. */
    json_t *object = (json_t *)place->value;
    for (void *member = json_object_iter(object); member != NULL;
         member = json_object_iter_next(object, member)) {
        const char *key = json_object_iter_key(member);
        if (!is_named(key, names)) {
            struct json_place unknown = json_place_member(place, key);
            return json_place_fail(&unknown, failure, "is not something a scenario says");
        }
    }
    return true;
}

bool json_place_array(const struct json_place *place, size_t least, size_t most, size_t *count,
                      struct failure *failure)
{
    if (!json_is_array(place->value)) {
        return wrong_type(place, "an array", failure);
    }
    *count = json_array_size(place->value);
    if (*count < least || *count > most) {
        return json_place_fail(place, failure, "must have %zu to %zu elements, not %zu", least,
                               most, *count);
    }
    return true;
}

bool json_place_number(const struct json_place *place, double low, double high, double *number,
                       struct failure *failure)
{
    if (!json_is_number(place->value)) {
        return wrong_type(place, "a number", failure);
    }
    double value = json_number_value(place->value);
    if (value < low || value > high) {
        return json_place_fail(place, failure, "must be from %g to %g, not %g", low, high, value);
    }
    *number = value;
    return true;
}

bool json_place_bounds(const struct json_place *place, double low, double high,
                       struct bounds *bounds, struct failure *failure)
{
    size_t count;
    if (!json_place_array(place, 2, 2, &count, failure)) {
        return false;
    }
    struct json_place first = json_place_element(place, 0);
    struct json_place second = json_place_element(place, 1);
    if (!json_place_number(&first, low, high, &bounds->low, failure) ||
        !json_place_number(&second, low, high, &bounds->high, failure)) {
        return false;
    }
    if (bounds->low > bounds->high) {
        return json_place_fail(place, failure, "must be [low, high], but %g is over %g",
                               bounds->low, bounds->high);
    }
    return true;
}

bool json_place_text(const struct json_place *place, struct arena *arena, const char **text,
                     struct failure *failure)
{
    if (!json_is_string(place->value)) {
        return wrong_type(place, "text", failure);
    }
    size_t length = json_string_length(place->value);
    if (length == 0 || length > REPORT_TEXT_LIMIT) {
        return json_place_fail(place, failure, "must have 1 to %d bytes, not %zu",
                               REPORT_TEXT_LIMIT, length);
    }
    *text = arena_copy_text(arena, json_string_value(place->value), length);
    return *text != NULL || failure_memory(failure, "reading the scenario");
}

bool json_place_instant(const struct json_place *place, instant_us *instant,
                        struct failure *failure)
{
    if (!json_is_string(place->value)) {
        return wrong_type(place, "a time (RFC 3339)", failure);
    }
    struct failure why;
    if (!instant_parse(json_string_value(place->value), instant, &why)) {
        return json_place_fail(place, failure, "%s", why.message);
    }
    return true;
}

bool json_place_texts(const struct json_place *place, struct arena *arena, const char ***texts,
                      size_t *count, struct failure *failure)
{
    if (!json_place_array(place, 1, 1000, count, failure)) {
        return false;
    }
    *texts = arena_allocate(arena, *count * sizeof **texts);
    if (*texts == NULL) {
        return failure_memory(failure, "reading the scenario");
    }
    for (size_t i = 0; i < *count; i++) {
        struct json_place element = json_place_element(place, i);
        if (!json_place_text(&element, arena, &(*texts)[i], failure)) {
            return false;
        }
    }
    return true;
}
