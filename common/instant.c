/* RFC 3339 to microseconds and back, by civil-day arithmetic; see instant.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/instant.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

instant_us instant_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INSTANT_SECOND + now.tv_nsec / 1000;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level
 * date algorithms", days_from_civil), for years from 1. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Reads `count` digits; moves *text past them. */
static bool digits(const char **text, int count, int *number)
{
    *number = 0;
    for (int i = 0; i < count; i++) {
        char digit = (*text)[i];
        if (digit < '0' || digit > '9') {
            return false;
        }
        *number = *number * 10 + (digit - '0');
    }
    *text += count;
    return true;
}

static bool literal(const char **text, char wanted, char also)
{
    if (**text != wanted && **text != also) {
        return false;
    }
    (*text)++;
    return true;
}

static int64_t fraction(const char **text)
{
    int64_t us = 0;
    int64_t unit = INSTANT_SECOND / 10;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        us += (**text - '0') * unit;
        unit /= 10;
    }
    return us;
}

static bool offset(const char **text, int64_t *us)
{
    *us = 0;
    if (literal(text, 'Z', 'z')) {
        return true;
    }
    bool east = **text == '+';
    int hours;
    int minutes;
    if (!literal(text, '+', '-') || !digits(text, 2, &hours) || !literal(text, ':', ':') ||
        !digits(text, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    int64_t size = hours * INSTANT_HOUR + minutes * INSTANT_MINUTE;
    *us = east ? size : -size;
    return true;
}

bool instant_parse(const char *text, instant_us *instant, struct failure *failure)
{
    const char *at = text;
    int year, month, day, hour, minute, second;
    if (!digits(&at, 4, &year) || !literal(&at, '-', '-') || !digits(&at, 2, &month) ||
        !literal(&at, '-', '-') || !digits(&at, 2, &day) || !literal(&at, 'T', 't') ||
        !digits(&at, 2, &hour) || !literal(&at, ':', ':') || !digits(&at, 2, &minute) ||
        !literal(&at, ':', ':') || !digits(&at, 2, &second)) {
        return failure_set(failure, FAILURE_INVALID,
                           "\"%.40s\" is not an RFC 3339 time such as 2005-04-22T22:35:10Z", text);
    }
    int64_t us = 0;
    if (*at == '.') {
        at++;
        if (*at < '0' || *at > '9') {
            return failure_set(failure, FAILURE_INVALID, "\"%.40s\" has no digit after the point",
                               text);
        }
        us = fraction(&at);
    }
    int64_t east_us;
    if (!offset(&at, &east_us) || *at != '\0') {
        return failure_set(failure, FAILURE_INVALID,
                           "\"%.40s\" does not end in Z or an offset such as +09:00", text);
    }
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour > 23 || minute > 59 || second > 60) {
        return failure_set(failure, FAILURE_INVALID,
                           "\"%.40s\" is not a date and time from 1970 on", text);
    }
    if (second == 60) {
        second = 59;
        us = INSTANT_SECOND - 1;
    }
    *instant = days_from_civil(year, month, day) * INSTANT_DAY + hour * INSTANT_HOUR +
               minute * INSTANT_MINUTE + second * INSTANT_SECOND + us - east_us;
    return true;
}

/* RFC 3339 has the years 0000 to 9999; what lies outside is shown at the edge. */
static instant_us within_years(instant_us instant)
{
    const instant_us first = INT64_C(-62167219200) * INSTANT_SECOND;
    const instant_us last = INT64_C(253402300800) * INSTANT_SECOND - 1;
    return instant < first ? first : instant > last ? last : instant;
}

static int write_local(instant_us local, char text[INSTANT_TEXT_SIZE])
{
    local = within_years(local);
    int64_t days = local / INSTANT_DAY - (local % INSTANT_DAY < 0);
    int64_t rest = local - days * INSTANT_DAY;
    int64_t year;
    int month, day;
    civil_from_days(days, &year, &month, &day);
    int length = snprintf(text, INSTANT_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year,
                          month, day, (int)(rest / INSTANT_HOUR), (int)(rest / INSTANT_MINUTE % 60),
                          (int)(rest / INSTANT_SECOND % 60));
    int us = (int)(rest % INSTANT_SECOND);
    if (us != 0) {
        length += snprintf(text + length, INSTANT_TEXT_SIZE - (size_t)length, ".%06d", us);
        while (text[length - 1] == '0') {
            length--;
        }
    }
    return length;
}

char *instant_format(instant_us instant, char text[INSTANT_TEXT_SIZE])
{
    int length = write_local(instant, text);
    text[length] = 'Z';
    text[length + 1] = '\0';
    return text;
}

char *instant_format_offset(instant_us instant, int32_t offset_s, char text[INSTANT_TEXT_SIZE])
{
    /* An offset of RFC 3339 has minutes and no seconds. Local mean times of the nineteenth century
     * have seconds; leaving them out on both sides, the text still names the right instant. */
    int minutes = offset_s / 60 % 1440;
    int64_t local = within_years(within_years(instant) + minutes * INSTANT_MINUTE);
    int64_t fraction_us = local % INSTANT_SECOND;
    local -= fraction_us + (fraction_us < 0 ? INSTANT_SECOND : 0);
    int length = write_local(local, text);
    int size = minutes < 0 ? -minutes : minutes;
    snprintf(text + length, INSTANT_TEXT_SIZE - (size_t)length, "%c%02d:%02d",
             minutes < 0 ? '-' : '+', size / 60, size % 60);
    return text;
}
