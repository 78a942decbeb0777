/* What time it is where a customer is: offsets from the system's zoneinfo (tzdata), read once per
 * zone. Not the C library's TZ variable, which is one per process and not thread-safe.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_TIME_ZONE_H
#define EPICENTER_COMMON_TIME_ZONE_H

#include <stdint.h>

#include "common/failure.h"
#include "common/instant.h"

struct time_zone; /* the transitions of one zone */

/* Reads an IANA zone ("Asia/Tokyo") from /usr/share/zoneinfo (TZif, RFC 8536). FAILURE_INVALID for
 * a name with anything but letters, digits, '_', '-', '+' and single inner slashes;
 * FAILURE_NOT_FOUND for a zone that is not there. */
MUST_CHECK bool time_zone_load(const char *name, struct time_zone **zone, struct failure *failure);
void time_zone_free(struct time_zone *zone);

/* Seconds east of UTC at `instant`, daylight saving included. NULL is UTC. */
int32_t time_zone_offset_s(const struct time_zone *zone, instant_us instant);

#endif
