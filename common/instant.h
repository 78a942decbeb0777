/* Points in time: microseconds since 1970-01-01T00:00:00Z, as PostgreSQL keeps them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_INSTANT_H
#define EPICENTER_COMMON_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

typedef int64_t instant_us;

#define INSTANT_SECOND INT64_C(1000000)
#define INSTANT_MINUTE (60 * INSTANT_SECOND)
#define INSTANT_HOUR (60 * INSTANT_MINUTE)
#define INSTANT_DAY (24 * INSTANT_HOUR)
#define INSTANT_NONE INT64_MIN

/* Room for "2005-04-22T22:35:10.123456Z" and its NUL. */
#define INSTANT_TEXT_SIZE 32

/* Now, by the machine's real-time clock. Only the programs' rims call this; the library is handed
 * time. */
instant_us instant_now(void);

/* Reads RFC 3339 ("2005-04-22T22:35:10.5Z", "…+09:00"; years 1970 to 9999; 'T' and 'Z' in either
 * case). A leap second :60 is read as :59.999999. Fails with FAILURE_INVALID and says what is
 * wrong. */
MUST_CHECK bool instant_parse(const char *text, instant_us *instant, struct failure *failure);

/* Writes RFC 3339 in UTC; fractions only when there are any. Returns `text`. */
char *instant_format(instant_us instant, char text[INSTANT_TEXT_SIZE]);

/* With a fixed offset from UTC, given in seconds ("2005-04-23T07:33:00+09:00"). To the second:
 * fractions and an offset together would not fit, and nobody reads both. Returns `text`. */
char *instant_format_offset(instant_us instant, int32_t offset_s, char text[INSTANT_TEXT_SIZE]);

#endif
