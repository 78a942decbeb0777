/* Reading a scenario's JSON so that every complaint names its place: "updates[3].fault.delay_s".
 *
 * A place is one value and the way to it. It lives on the reader's stack and points at its parent;
 * the path is only put together when there is something to complain about.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_SCENARIO_JSON_H
#define EPICENTER_FLEETSIM_SCENARIO_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "common/arena.h"
#include "common/failure.h"
#include "common/instant.h"

struct json_place {
    const struct json_place *parent; /* NULL: the document */
    const char *key;                 /* NULL: an element of the parent, see index */
    size_t index;
    const json_t *value; /* NULL: not there */
};

/* A low and a high bound of a uniform draw. */
struct bounds {
    double low;
    double high;
};

struct json_place json_place_root(const json_t *document);
struct json_place json_place_member(const struct json_place *parent, const char *key);
struct json_place json_place_element(const struct json_place *parent, size_t index);

/* Fills `failure` with FAILURE_INVALID, the path and the complaint; returns false. */
bool json_place_fail(const struct json_place *place, struct failure *failure, const char *format,
                     ...) PRINTF_LIKE(3, 4);

/* An object with no members but those named (and "note" and "source", which explain figures to
 * the reader of the file). `names` ends in NULL. */
MUST_CHECK bool json_place_object(const struct json_place *place, const char *const *names,
                                  struct failure *failure);
/* An array of at least `least` and at most `most` elements. */
MUST_CHECK bool json_place_array(const struct json_place *place, size_t least, size_t most,
                                 size_t *count, struct failure *failure);
MUST_CHECK bool json_place_number(const struct json_place *place, double low, double high,
                                  double *number, struct failure *failure);
/* [low, high] with limits[0] <= low <= high <= limits[1]. */
MUST_CHECK bool json_place_bounds(const struct json_place *place, double low, double high,
                                  struct bounds *bounds, struct failure *failure);
/* Text of 1 to REPORT_TEXT_LIMIT bytes, copied into the arena. */
MUST_CHECK bool json_place_text(const struct json_place *place, struct arena *arena,
                                const char **text, struct failure *failure);
MUST_CHECK bool json_place_instant(const struct json_place *place, instant_us *instant,
                                   struct failure *failure);
/* An array of texts. */
MUST_CHECK bool json_place_texts(const struct json_place *place, struct arena *arena,
                                 const char ***texts, size_t *count, struct failure *failure);

#endif
