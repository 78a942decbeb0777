/* Instants against the examples of RFC 3339 (section 5.8), known epochs, and the C library's timegm
 * and gmtime_r over random instants.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/instant.h"
#include "common/random_stream.h"

/* The last microsecond of the year 9999. */
#define LAST (INT64_C(253402300800) * INSTANT_SECOND - 1)

static void known_texts_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t second, us;
    } cases[] = {
        /* RFC 3339, 5.8. The seconds are from GNU date -u +%s. */
        {"1985-04-12T23:20:50.52Z", 482196050, 520000},
        {"1996-12-19T16:39:57-08:00", 851042397, 0},
        {"1990-12-31T23:59:60Z", 662687999, 999999},
        {"1990-12-31T15:59:60-08:00", 662687999, 999999},
        /* Edges of the calendar and of the range. */
        {"1970-01-01T00:00:00Z", 0, 0},
        {"1970-01-01T00:00:00.000001Z", 0, 1},
        {"2000-01-01T00:00:00Z", 946684800, 0},
        {"2000-02-29T00:00:00Z", 951782400, 0},
        {"2001-09-09T01:46:40Z", 1000000000, 0},
        {"2038-01-19T03:14:08Z", INT64_C(2147483648), 0},
        {"2100-03-01T00:00:00Z", INT64_C(4107542400), 0},
        {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799), 999999},
        /* Offsets: the same instant four ways, and one that is before 1970 only in UTC. */
        {"2005-04-22T22:33:00Z", 1114209180, 0},
        {"2005-04-23T07:33:00+09:00", 1114209180, 0},
        {"2005-04-22T15:33:00-07:00", 1114209180, 0},
        {"2005-04-23T04:18:00+05:45", 1114209180, 0},
        {"1970-01-01T00:00:00+09:00", -32400, 0},
        {"2005-04-22T22:33:00-00:00", 1114209180, 0},
        /* Either case; fractions of any length, cut after the microsecond. */
        {"2005-04-22t22:33:00z", 1114209180, 0},
        {"2005-04-22T22:33:00.5Z", 1114209180, 500000},
        {"2005-04-22T22:33:00.1234567890123456789Z", 1114209180, 123456},
        {"2005-04-22T22:33:00.9999999Z", 1114209180, 999999},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        instant_us instant = 0;
        struct failure failure = {0};
        if (!instant_parse(cases[i].text, &instant, &failure)) {
            fail_msg("%s: %s", cases[i].text, failure.message);
        }
        int64_t expected = cases[i].second * INSTANT_SECOND + cases[i].us;
        if (instant != expected) {
            fail_msg("%s read as %lld, not %lld", cases[i].text, (long long)instant,
                     (long long)expected);
        }
    }
}

static void what_is_not_a_time_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "RFC 3339"},
        {"yesterday", "RFC 3339"},
        {"2005-04-22", "RFC 3339"},
        {"2005-04-22 22:33:00Z", "RFC 3339"},
        {"2005-4-22T22:33:00Z", "RFC 3339"},
        {"05-04-22T22:33:00Z", "RFC 3339"},
        {"+2005-04-22T22:33:00Z", "RFC 3339"},
        {" 2005-04-22T22:33:00Z", "RFC 3339"},
        {"2005-04-22T22:33Z", "RFC 3339"},
        {"2005-04-22T22:33:00", "offset"},
        {"2005-04-22T22:33:00Z ", "offset"},
        {"2005-04-22T22:33:00ZZ", "offset"},
        {"2005-04-22T22:33:00+0900", "offset"},
        {"2005-04-22T22:33:00+9:00", "offset"},
        {"2005-04-22T22:33:00+24:00", "offset"},
        {"2005-04-22T22:33:00+09:60", "offset"},
        {"2005-04-22T22:33:00,5Z", "offset"},
        {"2005-04-22T22:33:00.Z", "digit"},
        {"2005-02-29T00:00:00Z", "date"},
        {"2100-02-29T00:00:00Z", "date"},
        {"2005-04-31T00:00:00Z", "date"},
        {"2005-00-10T00:00:00Z", "date"},
        {"2005-13-10T00:00:00Z", "date"},
        {"2005-04-00T00:00:00Z", "date"},
        {"2005-04-22T24:00:00Z", "date"},
        {"2005-04-22T22:60:00Z", "date"},
        {"2005-04-22T22:33:61Z", "date"},
        /* RFC 3339, 5.8 has this one, before our range. */
        {"1937-01-01T12:00:27.87+00:20", "1970"},
        {"1969-12-31T23:59:59Z", "1970"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        instant_us instant = 42;
        struct failure failure = {0};
        if (instant_parse(cases[i].text, &instant, &failure)) {
            fail_msg("\"%s\" was taken", cases[i].text);
        }
        assert_int_equal(failure.code, FAILURE_INVALID);
        if (strstr(failure.message, cases[i].says) == NULL) {
            fail_msg("\"%s\": %s", cases[i].text, failure.message);
        }
        assert_true(instant == 42);
        assert_false(instant_parse(cases[i].text, &instant, NULL));
    }
}

static void instants_are_written_in_utc(void **state)
{
    (void)state;
    static const struct {
        instant_us instant;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.000001Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {1114209180 * INSTANT_SECOND, "2005-04-22T22:33:00Z"},
        {1114209180 * INSTANT_SECOND + 520000, "2005-04-22T22:33:00.52Z"},
        {LAST, "9999-12-31T23:59:59.999999Z"},
        /* Beyond what RFC 3339 can say: the edge, and no crash. */
        {LAST + 1, "9999-12-31T23:59:59.999999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999999Z"},
        {INSTANT_NONE, "0000-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[INSTANT_TEXT_SIZE];
        assert_string_equal(instant_format(cases[i].instant, text), cases[i].text);
    }
}

static void instants_are_written_with_an_offset(void **state)
{
    (void)state;
    static const struct {
        instant_us instant;
        int32_t offset_s;
        const char *text;
    } cases[] = {
        {1114209180 * INSTANT_SECOND, 9 * 3600, "2005-04-23T07:33:00+09:00"},
        {1114209180 * INSTANT_SECOND, -7 * 3600, "2005-04-22T15:33:00-07:00"},
        {1114209180 * INSTANT_SECOND, 20700, "2005-04-23T04:18:00+05:45"},
        {1114209180 * INSTANT_SECOND, -12600, "2005-04-22T19:03:00-03:30"},
        {1114209180 * INSTANT_SECOND + 999999, 0, "2005-04-22T22:33:00+00:00"},
        {-1, 0, "1969-12-31T23:59:59+00:00"},
        /* Tokyo's local mean time was 9:18:59 ahead. */
        {0, 33539, "1970-01-01T09:18:00+09:18"},
        {0, -30, "1970-01-01T00:00:00+00:00"},
        {INSTANT_NONE, -8 * 3600, "0000-01-01T00:00:00-08:00"},
        {INT64_MAX, 14 * 3600, "9999-12-31T23:59:59+14:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[INSTANT_TEXT_SIZE];
        instant_format_offset(cases[i].instant, cases[i].offset_s, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* A second of the years 1970 to 9999. */
static int64_t random_second(struct random_stream *random)
{
    return (int64_t)random_below(random, UINT64_C(253402300800));
}

static void reading_agrees_with_timegm(void **state)
{
    (void)state;
    struct random_stream random = random_stream_new(1, 1);
    for (int i = 0; i < 200000; i++) {
        struct tm parts = {.tm_year = 70 + (int)random_below(&random, 8030),
                           .tm_mon = (int)random_below(&random, 12),
                           .tm_mday = 1 + (int)random_below(&random, 28),
                           .tm_hour = (int)random_below(&random, 24),
                           .tm_min = (int)random_below(&random, 60),
                           .tm_sec = (int)random_below(&random, 60)};
        char text[INSTANT_TEXT_SIZE];
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
        instant_us instant;
        assert_true(instant_parse(text, &instant, NULL));
        assert_true(instant == timegm(&parts) * INSTANT_SECOND);
    }
}

static void writing_agrees_with_gmtime(void **state)
{
    (void)state;
    struct random_stream random = random_stream_new(1, 2);
    for (int i = 0; i < 200000; i++) {
        time_t second = random_second(&random);
        struct tm parts;
        gmtime_r(&second, &parts);
        char expected[INSTANT_TEXT_SIZE];
        char text[INSTANT_TEXT_SIZE];
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &parts);
        assert_string_equal(instant_format(second * INSTANT_SECOND, text), expected);
    }
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct random_stream random = random_stream_new(1, 3);
    for (int i = 0; i < 200000; i++) {
        instant_us instant = random_second(&random) * INSTANT_SECOND +
                             (int64_t)random_below(&random, INSTANT_SECOND);
        char text[INSTANT_TEXT_SIZE];
        instant_us back;
        assert_true(instant_parse(instant_format(instant, text), &back, NULL));
        assert_true(back == instant);
        int32_t offset_s = 60 * ((int32_t)random_below(&random, 1681) - 840);
        instant_format_offset(instant, offset_s, text);
        /* Near the ends of the range the local year has four digits no more, or is before 1970. */
        if (instant > INSTANT_DAY && instant < LAST - INSTANT_DAY) {
            assert_true(instant_parse(text, &back, NULL));
            assert_true(back == instant - instant % INSTANT_SECOND);
        }
    }
}

static void now_is_the_systems_time(void **state)
{
    (void)state;
    time_t before = time(NULL);
    instant_us now = instant_now();
    /* time() reads a coarser clock, up to a tick behind. */
    assert_true(now >= before * INSTANT_SECOND);
    assert_true(now <= (time(NULL) + 2) * INSTANT_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts_are_read),
        cmocka_unit_test(what_is_not_a_time_is_refused),
        cmocka_unit_test(instants_are_written_in_utc),
        cmocka_unit_test(instants_are_written_with_an_offset),
        cmocka_unit_test(reading_agrees_with_timegm),
        cmocka_unit_test(writing_agrees_with_gmtime),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(now_is_the_systems_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
