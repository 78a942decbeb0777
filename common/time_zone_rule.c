/* Parses and applies POSIX TZ rules; see time_zone_rule.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/time_zone_rule.h"

#include <string.h>
#include <time.h>

#define HOUR_S 3600
#define DAY_S INT64_C(86400)

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "EST" or "<+1030>": passed over, nobody is shown it. */
static bool skip_name(const char **at)
{
    const char *start = *at;
    if (*start == '<') {
        *at = strchr(start, '>');
        return *at != NULL && *(*at)++ == '>';
    }
    while (is_letter(**at)) {
        (*at)++;
    }
    return *at - start >= 3;
}

static bool read_number(const char **at, int low, int high, int *number)
{
    if (!is_digit(**at)) {
        return false;
    }
    for (*number = 0; is_digit(**at) && *number <= high; (*at)++) {
        *number = *number * 10 + (**at - '0');
    }
    return *number >= low && *number <= high;
}

/* [+-]hours[:minutes[:seconds]] */
static bool read_time(const char **at, int most_hours, int32_t *seconds)
{
    int sign = **at == '-' ? -1 : 1;
    if (**at == '-' || **at == '+') {
        (*at)++;
    }
    int part[3] = {0};
    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            if (**at != ':') {
                break;
            }
            (*at)++;
        }
        if (!read_number(at, 0, i == 0 ? most_hours : 59, &part[i])) {
            return false;
        }
    }
    *seconds = sign * (part[0] * HOUR_S + part[1] * 60 + part[2]);
    return true;
}

static bool read_weekday(const char **at, struct time_zone_change *change)
{
    const struct {
        int *number, low, high;
    } parts[] = {{&change->month, 1, 12}, {&change->week, 1, 5}, {&change->day, 0, 6}};
    for (int i = 0; i < 3; i++) {
        if ((i > 0 && *(*at)++ != '.') ||
            !read_number(at, parts[i].low, parts[i].high, parts[i].number)) {
            return false;
        }
    }
    return true;
}

/* ",M3.2.0/2" and its two other forms. */
static bool read_change(const char **at, struct time_zone_change *change)
{
    if (*(*at)++ != ',') {
        return false;
    }
    bool good;
    if (**at == 'M') {
        (*at)++;
        change->form = CHANGE_WEEKDAY;
        good = read_weekday(at, change);
    } else if (**at == 'J') {
        (*at)++;
        change->form = CHANGE_JULIAN;
        good = read_number(at, 1, 365, &change->day);
    } else {
        change->form = CHANGE_DAY;
        good = read_number(at, 0, 365, &change->day);
    }
    change->time_s = 2 * HOUR_S;
    if (good && **at == '/') {
        (*at)++;
        good = read_time(at, 167, &change->time_s);
    }
    return good;
}

bool time_zone_rule_parse(const char *text, struct time_zone_rule *rule)
{
    struct time_zone_rule parsed = {0};
    int32_t west_s;
    if (!skip_name(&text) || !read_time(&text, 24, &west_s)) {
        return false;
    }
    parsed.standard_s = parsed.daylight_s = -west_s;
    if (*text != '\0') {
        if (!skip_name(&text)) {
            return false;
        }
        parsed.daylight_s = parsed.standard_s + HOUR_S;
        if (*text != ',') {
            if (!read_time(&text, 24, &west_s)) {
                return false;
            }
            parsed.daylight_s = -west_s;
        }
        if (!read_change(&text, &parsed.starts) || !read_change(&text, &parsed.ends) ||
            *text != '\0') {
            return false;
        }
    }
    *rule = parsed;
    return true;
}

/* Midnight at the beginning of a day, in seconds since 1970 as if local time were UTC. timegm takes
 * days past the end of a month. */
static int64_t midnight(int year, int month, int day)
{
    struct tm date = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return timegm(&date);
}

static int64_t change_day(const struct time_zone_change *change, int year)
{
    if (change->form == CHANGE_DAY) {
        return midnight(year, 1, 1 + change->day);
    }
    if (change->form == CHANGE_JULIAN) {
        /* Counted in 2001, which like every year here has no 29 February. */
        time_t plain = midnight(2001, 1, change->day);
        struct tm date;
        gmtime_r(&plain, &date);
        return midnight(year, date.tm_mon + 1, date.tm_mday);
    }
    int64_t first = midnight(year, change->month, 1);
    int64_t end = midnight(year, change->month + 1, 1);
    int64_t weekday = (first / DAY_S + 4) % 7; /* 1970-01-01 was a Thursday; 0 is Sunday */
    int64_t day =
        first + ((change->day - weekday + 7) % 7 + INT64_C(7) * (change->week - 1)) * DAY_S;
    return day < end ? day : day - 7 * DAY_S;
}

int32_t time_zone_rule_offset_s(const struct time_zone_rule *rule, int64_t at_s)
{
    if (rule->standard_s == rule->daylight_s) {
        return rule->standard_s;
    }
    time_t local = at_s + rule->standard_s;
    struct tm date;
    if (gmtime_r(&local, &date) == NULL) {
        return rule->standard_s; /* a year beyond what an int holds */
    }
    int year = date.tm_year + 1900;
    int64_t starts = change_day(&rule->starts, year) + rule->starts.time_s - rule->standard_s;
    int64_t ends = change_day(&rule->ends, year) + rule->ends.time_s - rule->daylight_s;
    /* South of the equator daylight saving starts late in one year and ends early in the next. */
    bool in_summer = starts < ends ? at_s >= starts && at_s < ends : at_s >= starts || at_s < ends;
    return in_summer ? rule->daylight_s : rule->standard_s;
}
