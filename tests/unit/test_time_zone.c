/* Time zones against the C library's localtime_r, in a child process for each zone, since TZ is one
 * for a whole process; and rules against POSIX's own description.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/instant.h"
#include "common/random_stream.h"
#include "common/time_zone.h"
#include "common/time_zone_rule.h"

static struct time_zone *loaded(const char *name)
{
    struct time_zone *zone = NULL;
    struct failure failure = {0};
    if (!time_zone_load(name, &zone, &failure)) {
        fail_msg("%s", failure.message);
    }
    return zone;
}

static int32_t offset_at(const struct time_zone *zone, const char *text)
{
    instant_us instant;
    assert_true(instant_parse(text, &instant, NULL));
    return time_zone_offset_s(zone, instant);
}

static void clocks_change_at_the_published_second(void **state)
{
    (void)state;
    /* Energy Policy Act of 2005 (second Sunday of March, first of November, from 2007; first of
     * April and last of October before); Directive 2000/84/EC (last Sundays, 01:00 UTC); Lord Howe
     * changes by half an hour. */
    static const struct {
        const char *zone, *at;
        int32_t offset_s;
    } cases[] = {
        {"Asia/Tokyo", "2005-04-22T22:33:00Z", 32400},
        {"America/New_York", "2005-04-03T06:59:59Z", -18000},
        {"America/New_York", "2005-04-03T07:00:00Z", -14400},
        {"America/New_York", "2005-10-30T05:59:59Z", -14400},
        {"America/New_York", "2005-10-30T06:00:00Z", -18000},
        {"America/New_York", "2026-03-08T06:59:59.999999Z", -18000},
        {"America/New_York", "2026-03-08T07:00:00Z", -14400},
        {"America/New_York", "2026-11-01T05:59:59Z", -14400},
        {"America/New_York", "2026-11-01T06:00:00Z", -18000},
        {"America/New_York", "2050-07-01T00:00:00Z", -14400},
        {"Europe/Berlin", "2005-03-27T00:59:59Z", 3600},
        {"Europe/Berlin", "2005-03-27T01:00:00Z", 7200},
        {"Europe/Berlin", "2005-10-30T00:59:59Z", 7200},
        {"Europe/Berlin", "2005-10-30T01:00:00Z", 3600},
        {"Australia/Lord_Howe", "2005-03-26T14:59:59Z", 39600},
        {"Australia/Lord_Howe", "2005-03-26T15:00:00Z", 37800},
        {"Asia/Kathmandu", "2026-01-01T00:00:00Z", 20700},
        {"Etc/GMT+5", "2026-01-01T00:00:00Z", -18000},
        {"UTC", "2026-01-01T00:00:00Z", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct time_zone *zone = loaded(cases[i].zone);
        if (offset_at(zone, cases[i].at) != cases[i].offset_s) {
            fail_msg("%s at %s: %d", cases[i].zone, cases[i].at, offset_at(zone, cases[i].at));
        }
        time_zone_free(zone);
    }
}

static void no_zone_is_utc(void **state)
{
    (void)state;
    assert_int_equal(time_zone_offset_s(NULL, 0), 0);
    assert_int_equal(offset_at(NULL, "2026-07-01T00:00:00Z"), 0);
}

/* ---- Against localtime_r ---- */

static bool agree(const char *name, const struct time_zone *zone, time_t at, long *offset_s)
{
    struct tm parts;
    localtime_r(&at, &parts);
    *offset_s = parts.tm_gmtoff;
    int32_t ours = time_zone_offset_s(zone, at * INSTANT_SECOND);
    if (ours != parts.tm_gmtoff) {
        fprintf(stderr, "%s at %lld: %d, but the C library has %ld\n", name, (long long)at, ours,
                parts.tm_gmtoff);
    }
    return ours == parts.tm_gmtoff;
}

/* Every day of the years 1970 to 2099, and where a day brought a change, every quarter of an hour
 * of it with the second before. A child ends with what this returns. */
static int compare_with_the_library(const char *name, const struct time_zone *zone)
{
    const time_t day_s = 86400;
    const time_t end_s = INT64_C(4102444800);
    long offset_s = 0;
    setenv("TZ", name, 1); // NOLINT(concurrency-mt-unsafe): a child of one thread
    tzset();
    if (!agree(name, zone, 0, &offset_s)) {
        return 1;
    }
    for (time_t day = day_s; day < end_s; day += day_s) {
        long before_s = offset_s;
        if (!agree(name, zone, day, &offset_s)) {
            return 1;
        }
        for (time_t at = day - day_s; offset_s != before_s && at < day; at += 900) {
            long ignored_s;
            if (!agree(name, zone, at, &ignored_s) || !agree(name, zone, at + 899, &ignored_s)) {
                return 1;
            }
        }
    }
    return 0;
}

static void offsets_agree_with_the_c_library(void **state)
{
    (void)state;
    /* Besides the plain ones: a change of half an hour, winter time as the exception (Dublin), a
     * change that is not at an hour of day (Gaza, Nuuk), days left out (Apia), the south. */
    static const char *const names[] = {
        "Asia/Tokyo",  "America/New_York",  "Europe/Berlin",    "Australia/Lord_Howe",
        "UTC",         "Asia/Kolkata",      "Europe/Dublin",    "Pacific/Apia",
        "Asia/Gaza",   "America/Nuuk",      "America/Santiago", "Africa/Casablanca",
        "Asia/Tehran", "America/Sao_Paulo", "Pacific/Auckland", "Europe/London",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct time_zone *zone = loaded(names[i]);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            _exit(compare_with_the_library(names[i], zone));
        }
        int status = -1;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        time_zone_free(zone);
        assert_int_equal(status, 0);
    }
}

/* ---- Rules ---- */

static void rules_apply_after_the_last_transition(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        int64_t at_s;
        int32_t offset_s;
    } cases[] = {
        {"JST-9", 0, 32400},
        {"<+0545>-5:45", INT64_C(4102444800), 20700},
        {"<-00>0", 0, 0},
        /* 2050-03-13T07:00:00Z and 2050-11-06T06:00:00Z, the Sundays of 2050. */
        {"EST5EDT,M3.2.0,M11.1.0", INT64_C(2530767599), -18000},
        {"EST5EDT,M3.2.0,M11.1.0", INT64_C(2530767600), -14400},
        {"EST5EDT,M3.2.0,M11.1.0", INT64_C(2551327199), -14400},
        {"EST5EDT,M3.2.0,M11.1.0", INT64_C(2551327200), -18000},
        /* The whole year is daylight saving (RFC 8536, 3.3.1): new year's night has no gap. */
        {"XXX3EDT4,0/0,J365/23", INT64_C(2524607999), -14400},
        {"XXX3EDT4,0/0,J365/23", INT64_C(2524608000), -14400},
        {"XXX3EDT4,0/0,J365/23", INT64_C(2540000000), -14400},
        /* Day 59 is 1 March in a plain year and 29 February in a leap year; J60 is 1 March in both.
         * 2051-03-01, 2052-02-29 and 2052-03-01, each at 00:00 UTC. */
        {"AAA0BBB,59/0,J365/0", INT64_C(2561241600) - 1, 0},
        {"AAA0BBB,59/0,J365/0", INT64_C(2561241600), 3600},
        {"AAA0BBB,59/0,J365/0", INT64_C(2592777600) - 1, 0},
        {"AAA0BBB,59/0,J365/0", INT64_C(2592777600), 3600},
        {"AAA0BBB,J60/0,J365/0", INT64_C(2561241600) - 1, 0},
        {"AAA0BBB,J60/0,J365/0", INT64_C(2561241600), 3600},
        {"AAA0BBB,J60/0,J365/0", INT64_C(2592864000) - 1, 0},
        {"AAA0BBB,J60/0,J365/0", INT64_C(2592864000), 3600},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct time_zone_rule rule;
        assert_true(time_zone_rule_parse(cases[i].rule, &rule));
        if (time_zone_rule_offset_s(&rule, cases[i].at_s) != cases[i].offset_s) {
            fail_msg("%s at %lld: %d", cases[i].rule, (long long)cases[i].at_s,
                     time_zone_rule_offset_s(&rule, cases[i].at_s));
        }
    }
}

static void what_is_no_rule_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "JST",
        "J-9",
        "-9",
        "<+09-9",
        "<+09>",
        "JST-25",
        "JST-9:60",
        "JST-9,",
        "EST5EDT",
        "EST5EDT,",
        "EST5EDT,M3.2.0",
        "EST5EDT,M3.2.0,",
        "EST5EDT,M13.2.0,M11.1.0",
        "EST5EDT,M0.2.0,M11.1.0",
        "EST5EDT,M3.6.0,M11.1.0",
        "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,M3.2,M11.1.0",
        "EST5EDT,M3.2.0/,M11.1.0",
        "EST5EDT,M3.2.0/168,M11.1.0",
        "EST5EDT,J0,J365",
        "EST5EDT,J1,J366",
        "EST5EDT,0,366",
        "EST5EDT,M3.2.0,M11.1.0 ",
        "EST5EDT,M3.2.0,M11.1.0,M1.1.0",
        "EST99999999999999999999EDT,M3.2.0,M11.1.0",
        ":America/New_York",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct time_zone_rule rule;
        if (time_zone_rule_parse(texts[i], &rule)) {
            fail_msg("\"%s\" was taken", texts[i]);
        }
    }
}

static void broken_rules_never_crash(void **state)
{
    (void)state;
    /* The sanitizers are the oracle: every rule with a few bytes changed is parsed, and applied. */
    static const char good[] = "<+1030>-10:30<+11>-11,M10.1.0/2,J365/-167:59:59";
    static const char pieces[] = "<>+-:,./MJ0123456789Az";
    struct random_stream random = random_stream_new(6, 1);
    for (int round = 0; round < 50000; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (uint64_t change = 1 + random_below(&random, 3); change > 0; change--) {
            text[random_below(&random, sizeof good - 1)] =
                pieces[random_below(&random, sizeof pieces)];
        }
        struct time_zone_rule rule;
        if (time_zone_rule_parse(text, &rule)) {
            int64_t at_s = (int64_t)random_below(&random, INT64_C(1) << 40);
            int32_t offset_s = time_zone_rule_offset_s(&rule, at_s);
            assert_true(offset_s == rule.standard_s || offset_s == rule.daylight_s);
        }
    }
}

/* ---- Names ---- */

static void names_cannot_leave_the_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"",
                                        "/",
                                        "../../etc/passwd",
                                        "/etc/passwd",
                                        "Asia/../Asia/Tokyo",
                                        "Asia//Tokyo",
                                        "Asia/Tokyo/",
                                        "/Asia/Tokyo",
                                        "Asia/Tokyo\n",
                                        "Asia/To kyo",
                                        "zone.tab",
                                        ":Asia/Tokyo",
                                        "Asia/Tok\xc3\xad"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct time_zone *zone = NULL;
        struct failure failure = {0};
        assert_false(time_zone_load(names[i], &zone, &failure));
        assert_int_equal(failure.code, FAILURE_INVALID);
        assert_null(zone);
    }
    char longest[66];
    memset(longest, 'A', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    struct time_zone *zone = NULL;
    struct failure failure = {0};
    assert_false(time_zone_load(longest, &zone, &failure));
    assert_int_equal(failure.code, FAILURE_INVALID);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    /* No such zone, a folder, and a file that is no TZif. */
    static const char *const names[] = {"Mars/Olympus_Mons", "Asia", "leapseconds"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct time_zone *zone = NULL;
        struct failure failure = {0};
        assert_false(time_zone_load(names[i], &zone, &failure));
        assert_int_equal(failure.code, FAILURE_NOT_FOUND);
        assert_non_null(strstr(failure.message, names[i]));
        assert_null(zone);
    }
    time_zone_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_change_at_the_published_second),
        cmocka_unit_test(no_zone_is_utc),
        cmocka_unit_test(offsets_agree_with_the_c_library),
        cmocka_unit_test(rules_apply_after_the_last_transition),
        cmocka_unit_test(what_is_no_rule_is_refused),
        cmocka_unit_test(broken_rules_never_crash),
        cmocka_unit_test(names_cannot_leave_the_folder),
        cmocka_unit_test(what_is_not_there_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
