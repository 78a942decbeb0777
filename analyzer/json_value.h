/* Our values as JSON values: text, numbers that may be missing, instants, ranges.
 *
 * Each returns a new reference, or NULL when memory is out; json_value_set takes it and remembers
 * the NULL, so that a writer checks once, at the end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_JSON_VALUE_H
#define EPICENTER_ANALYZER_JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "analyzer/answer.h"
#include "common/buffer.h"
#include "common/failure.h"
#include "common/instant.h"

/* NULL gives null. A byte that is not UTF-8 (a registry file in another encoding) becomes U+FFFD:
 * one bad name must not cost the whole document. */
json_t *json_value_text(const char *text);

json_t *json_value_number(double number);     /* null unless finite */
json_t *json_value_instant(instant_us at);    /* RFC 3339; null for INSTANT_NONE */
json_t *json_value_range(struct range range); /* {"low","likely","high"} */
json_t *json_value_instant_range(struct range range_us);
json_t *json_value_texts(const char *const *texts, size_t count);

/* The e-value itself, capped at 1e300: beyond, a double would be infinite, which JSON cannot say.
 */
json_t *json_value_e_value(double log10_e_value);

/* Sets `key` of `object` to `take_value`; clears *complete when either is NULL. */
void json_value_set(json_t *object, const char *key, json_t *take_value, bool *complete);
void json_value_append(json_t *array, json_t *take_value, bool *complete);

/* Appends the text of `take_value` to `out`: compact, keys in the order they were set, 12
 * significant digits (more would show the last bits of a sum, fewer would round a count). */
MUST_CHECK bool json_value_write(json_t *take_value, bool complete, struct buffer *out,
                                 struct failure *failure);

#endif
