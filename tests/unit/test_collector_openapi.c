/* Does the collector's description know every route, and no other? The table of routes (serve.c)
 * and the description (openapi.json) are written apart; here each is held to the other: paths,
 * methods, bodies. That the answers are as described is the contract test's to see.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <jansson.h>

#include "collector/description.h"
#include "collector/serve.h"
#include "tests/unit/description.h"

#define DESCRIPTION "collector/openapi.json"
#define ROUTES_MOST 16

static void check_operation(const char *path, const char *method, const json_t *operation,
                            bool *seen)
{
    size_t count;
    const struct http_route *routes = serve_routes(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(routes[i].method, method) == 0 && strcmp(routes[i].path, path) == 0) {
            bool body = json_object_get(operation, "requestBody") != NULL;
            if (body != (routes[i].body_limit > 0)) {
                fail_msg("%s %s: does it take a body?", method, path);
            }
            seen[i] = true;
            return;
        }
    }
    fail_msg("%s %s is described, and there is no such route", method, path);
}

static void every_route_is_described_and_no_other(void **state)
{
    (void)state;
    bool seen[ROUTES_MOST] = {false};
    json_t *document = description_load(DESCRIPTION);
    description_each(document, check_operation, seen);
    size_t count;
    const struct http_route *routes = serve_routes(&count);
    assert_true(count <= ROUTES_MOST);
    for (size_t i = 0; i < count; i++) {
        if (!seen[i]) {
            fail_msg("%s %s is not described", routes[i].method, routes[i].path);
        }
    }
    json_decref(document);
}

static void what_is_served_is_the_file(void **state)
{
    (void)state;
    json_t *file = description_load(DESCRIPTION);
    json_t *served = json_loadb((const char *)description_text, description_length, 0, NULL);
    assert_true(json_equal(served, file));
    json_decref(served);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_described_and_no_other),
        cmocka_unit_test(what_is_served_is_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
