/* A description in OpenAPI as tests read it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_UNIT_DESCRIPTION_H
#define EPICENTER_TESTS_UNIT_DESCRIPTION_H

#include <stdbool.h>

#include <jansson.h>

/* The document at `path`, from the top of the checkout; the caller's to release. Fails the test
 * with the line where it is no JSON, or names something twice. */
json_t *description_load(const char *path);

/* Calls `check` for each operation: the path and the method as they are written there. `seen` is
 * the caller's. */
void description_each(const json_t *document,
                      void (*check)(const char *path, const char *method, const json_t *operation,
                                    bool *seen),
                      bool *seen);

#endif
