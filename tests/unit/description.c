/* A description in OpenAPI as tests read it; see description.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/description.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

json_t *description_load(const char *path)
{
    json_error_t error;
    json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL) {
        fail_msg("%s, line %d: %s", path, error.line, error.text);
    }
    return document;
}

void description_each(const json_t *document,
                      void (*check)(const char *path, const char *method, const json_t *operation,
                                    bool *seen),
                      bool *seen)
{
    const char *path;
    json_t *item;
    json_object_foreach(json_object_get(document, "paths"), path, item)
    {
        const char *method;
        json_t *operation;
        json_object_foreach(item, method, operation)
        {
            check(path, method, operation, seen);
        }
    }
}
