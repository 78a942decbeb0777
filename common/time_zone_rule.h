/* The offset of a time zone behind its last listed transition, by the rule at the end of its TZif
 * file: a POSIX TZ string such as "EST5EDT,M3.2.0,M11.1.0", with the hours from -167 to 167 that
 * RFC 8536 (3.3.1) adds.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_TIME_ZONE_RULE_H
#define EPICENTER_COMMON_TIME_ZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct time_zone_rule {
    int32_t standard_s; /* seconds east of UTC */
    int32_t daylight_s; /* the same as standard_s where there is no daylight saving */
    struct time_zone_change {
        /* Jn: day 1 to 365, never 29 February. n: day 0 to 365. Mm.w.d: weekday d (0 Sunday) of
         * week w (5 the last) of month m. */
        enum { CHANGE_JULIAN, CHANGE_DAY, CHANGE_WEEKDAY } form;
        int month, week, day;
        int32_t time_s; /* after local midnight */
    } starts, ends;     /* of daylight saving */
};

/* False when `text` is not such a rule. */
bool time_zone_rule_parse(const char *text, struct time_zone_rule *rule);

/* Seconds east of UTC at `at_s` seconds since 1970. */
int32_t time_zone_rule_offset_s(const struct time_zone_rule *rule, int64_t at_s);

#endif
