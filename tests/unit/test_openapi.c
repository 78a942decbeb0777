/* Does the API's description know every door, and no other? The table of doors (api.c) and the
 * description (openapi.json) are written apart; here each is held to the other: paths, methods,
 * bodies, and who may. That the answers are as described is the contract test's to see.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <jansson.h>

#include "analyzer/api.h"
#include "analyzer/door.h"
#include "analyzer/role.h"
#include "tests/unit/description.h"

#define DOORS_MOST 64
#define PATH_SIZE 256

/* The path as somebody might ask for it: a variable gets its own name without the braces. */
static void fill_in(const char *template, char path[PATH_SIZE])
{
    size_t length = 0;
    for (; *template != '\0'; template ++) {
        assert_true(length < PATH_SIZE - 1);
        if (*template != '{' && *template != '}') {
            path[length++] = *template;
        }
    }
    path[length] = '\0';
}

static bool leads_to(const struct door *door, const char *path)
{
    size_t star = strcspn(door->path, "*");
    if (door->path[star] == '\0') {
        return strcmp(door->path, path) == 0;
    }
    size_t length = strlen(path);
    size_t tail = strlen(door->suffix);
    return strncmp(door->path, path, star) == 0 && length >= star + tail &&
           strcmp(path + length - tail, door->suffix) == 0;
}

/* The first in the table, as door.h has it; DOORS_MOST when there is none. */
static size_t find_door(const struct door *doors, size_t count, const char *method,
                        const char *path)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(doors[i].method, method) == 0 && leads_to(&doors[i], path)) {
            return i;
        }
    }
    return DOORS_MOST;
}

static unsigned roles_of(const json_t *operation)
{
    unsigned roles = 0;
    const json_t *names = json_object_get(operation, "x-roles");
    assert_true(json_is_array(names));
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        for (unsigned role = 0; role < ROLE_COUNT; role++) {
            if (strcmp(role_name((enum role)role), name) == 0) {
                roles |= ROLE_BIT(role);
            }
        }
    }
    return roles;
}

static void check_operation(const char *template, const char *method, const json_t *operation,
                            bool *seen)
{
    char path[PATH_SIZE];
    size_t count;
    const struct door *doors = api_doors(&count);
    fill_in(template, path);
    size_t at = find_door(doors, count, method, path);
    if (at == DOORS_MOST) {
        fail_msg("%s %s is described, and there is no such door", method, template);
    }
    if (roles_of(operation) != doors[at].roles) {
        fail_msg("%s %s is for others than described", method, template);
    }
    bool open = json_array_size(json_object_get(operation, "security")) == 0 &&
                json_object_get(operation, "security") != NULL;
    if (open != (doors[at].roles == 0)) {
        fail_msg("%s %s: is it open to everybody?", method, template);
    }
    if (json_object_get(operation, "requestBody") != NULL && doors[at].body_limit == 0) {
        fail_msg("%s %s takes no body", method, template);
    }
    seen[at] = true;
}

static void every_door_is_described_and_no_other(void **state)
{
    (void)state;
    bool seen[DOORS_MOST] = {false};
    json_t *document = description_load("analyzer/openapi.json");
    description_each(document, check_operation, seen);
    size_t count;
    const struct door *doors = api_doors(&count);
    assert_true(count <= DOORS_MOST);
    for (size_t i = 0; i < count; i++) {
        if (!seen[i]) {
            fail_msg("nothing described is served at %s %s%s", doors[i].method, doors[i].path,
                     doors[i].suffix);
        }
    }
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_door_is_described_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
