/* What every decoder does alike: guard and parse JSON, say who a host is, read times, keep reports
 * and rejections. For decoders only; everybody else uses decode.h.
 *
 * A check that refuses fills struct failure with FAILURE_INVALID or FAILURE_FORBIDDEN and no field
 * name; the caller puts the name before it. FAILURE_MEMORY ends the decoding.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_DECODE_STEPS_H
#define EPICENTER_COLLECTOR_DECODE_STEPS_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "collector/decode.h"
#include "common/failure.h"
#include "common/instant.h"
#include "common/report.h"

/* Bytes of one JSON document. jansson takes up to 79 bytes of heap a byte of input, so this is
 * 5 MB at worst; twice as much would be, too. */
#define DECODE_DOCUMENT_LIMIT ((size_t)64 * 1024)

/* The last millisecond of year 9999, where RFC 3339 ends. */
#define DECODE_LAST_MILLISECOND INT64_C(253402300799999)

/* A host that reports less than once a day cannot be watched. */
#define DECODE_INTERVAL_LIMIT_S 86400.0

/* Parses one document, after a pass that allocates nothing and refuses what would make jansson
 * work hard: nesting over 8, more than `structure_limit` of the characters { } [ ] : and comma. */
MUST_CHECK bool decode_json(const char *bytes, size_t length, size_t structure_limit,
                            json_t **document, struct failure *failure);

/* Whether the value is there and of the type (an object, an array or a string). */
MUST_CHECK bool decode_is(const json_t *value, json_type type, struct failure *failure);

/* Whether the text is 1 to `limit` bytes of UTF-8 without control characters. */
MUST_CHECK bool decode_check_text(const char *text, size_t length, size_t limit,
                                  struct failure *failure);

/* The text of a JSON string that passes decode_check_text. */
MUST_CHECK bool decode_text(const json_t *value, size_t limit, const char **text,
                            struct failure *failure);

/* The value as a finite number. */
MUST_CHECK bool decode_number(const json_t *value, double *number, struct failure *failure);

/* The value as RFC 3339 text or whole milliseconds since 1970. */
MUST_CHECK bool decode_instant(const json_t *value, instant_us *instant, struct failure *failure);

/* A number as a person would write it, for messages. Returns `text`. */
#define DECODE_NUMBER_SIZE 32
char *decode_number_text(double number, char text[DECODE_NUMBER_SIZE]);

/* Refuse an instant beyond the limits of report.h around received_at. */
MUST_CHECK bool decode_check_ahead(instant_us instant, instant_us received_at,
                                   struct failure *failure);
MUST_CHECK bool decode_check_behind(instant_us instant, instant_us received_at,
                                    struct failure *failure);

/* The token's customer, copied to the arena; NULL where the body must say it. False: memory. */
MUST_CHECK bool decode_own_customer(const struct decode_input *input, struct arena *arena,
                                    const char **customer_id, struct failure *failure);

/* Says whose report it is and whether the token may write it: sets customer_id, host_id and
 * host_name. `own_customer` is from decode_own_customer; `said_customer` is what the body says, or
 * NULL. Messages name their field. */
MUST_CHECK bool decode_identity(const struct decode_input *input, struct arena *arena,
                                const char *own_customer, const char *said_customer,
                                const char *said_host, struct report *report,
                                struct failure *failure);

/* Whether an attribute may be called that: 1 to 64 bytes of a-z, 0-9, _, . and -. */
bool decode_attribute_name_is_good(const char *name);

/* Sorts, refuses a name that stands twice, and names the segment. */
MUST_CHECK bool decode_finish_attributes(struct report *report, struct report_attribute *attributes,
                                         size_t count, struct failure *failure);

/* Keeps a copy of the report. False: memory. */
MUST_CHECK bool decode_add_report(struct decode_output *output, const struct report *report,
                                  struct failure *failure);

/* Keeps what was refused, with the first bytes of it. False: memory. */
MUST_CHECK bool decode_reject(struct decode_output *output, size_t line,
                              const struct failure *refusal, const char *bytes, size_t length,
                              struct failure *failure);

#endif
