/* The registry's CSV files: good rows arrive as a person reads them, a bad one is named by file,
 * line and column.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyzer/registry_csv.h"
#include "common/buffer.h"
#include "common/instant.h"
#include "common/time_zone.h"

#define CUSTOMER_HEADER                                                                            \
    "customer_id,name,kind,region,country,time_zone,tier,partner,contract_value,currency,"         \
    "renewal_on\n"
#define CUSTOMER_HEADER_WHOLE                                                                      \
    "customer_id,name,kind,region,country,time_zone,tier,partner,contract_value,currency,"         \
    "renewal_on,language,criticality\n"
#define SEAT_HEADER "customer_id,product_line,seats\n"
#define UPDATE_HEADER "update_id,product_line,released_at,withdrawn_at\n"

static char path[40];
static struct registry *registry;

static int start(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/epicenter-test-registry-XXXXXX");
    int file = mkstemp(path);
    return file >= 0 && close(file) == 0 && registry_new(&registry, NULL) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    registry_free(registry);
    return unlink(path);
}

typedef bool (*reader)(struct registry *registry, const char *path, struct failure *failure);

/* "" when the file is read, otherwise what is said. */
static const char *read_text(reader read, const char *content)
{
    static struct failure failure;
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
    failure = (struct failure){0};
    if (read(registry, path, &failure)) {
        return "";
    }
    assert_int_equal(failure.code, FAILURE_INVALID);
    return failure.message;
}

static void customers_are_read(void **state)
{
    (void)state;
    assert_string_equal(
        read_text(registry_read_customers, CUSTOMER_HEADER
                  "c-1,\"Example, Trading\",corporate,JP,JP,Asia/Tokyo,premium,Partner One,1200000,"
                  "JPY,2005-09-30\n"
                  "c-2,\xe6\x9d\xb1\xe4\xba\xac,consumer,EU,DE,Europe/Berlin,standard,,,,\n"),
        "");
    const struct registry_customer *first = registry_customer_at(registry, 0);
    assert_string_equal(first->customer_id, "c-1");
    assert_string_equal(first->name, "Example, Trading");
    assert_int_equal(first->kind, CUSTOMER_CORPORATE);
    assert_string_equal(first->region, "JP");
    assert_string_equal(first->country, "JP");
    assert_string_equal(first->time_zone, "Asia/Tokyo");
    assert_int_equal(time_zone_offset_s(first->zone, 0), 32400);
    assert_string_equal(first->tier, "premium");
    assert_string_equal(first->partner, "Partner One");
    assert_true(first->contract_value == 1200000);
    assert_string_equal(first->currency, "JPY");
    assert_string_equal(first->renewal_on, "2005-09-30");
    const struct registry_customer *second = registry_customer_at(registry, 1);
    assert_string_equal(second->name, "\xe6\x9d\xb1\xe4\xba\xac");
    assert_int_equal(second->kind, CUSTOMER_CONSUMER);
    assert_null(second->partner);
    assert_true(second->contract_value == 0);
    assert_null(second->currency);
    assert_null(second->renewal_on);
    assert_null(registry_customer_at(registry, 2));
}

static void language_and_criticality_may_be_there(void **state)
{
    (void)state;
    static const struct {
        const char *language, *criticality;
        enum criticality expected;
    } cases[] = {{"ja", "critical", CRITICALITY_CRITICAL}, {"pt-BR", "high", CRITICALITY_HIGH},
                 {"zh-Hant-TW", "low", CRITICALITY_LOW},   {"gsw", "normal", CRITICALITY_NORMAL},
                 {"de-CH-1996", "", CRITICALITY_UNKNOWN},  {"", "", CRITICALITY_UNKNOWN}};
    struct buffer content = {0};
    /* In another order of columns, too. */
    buffer_append_text(&content, "criticality,language,customer_id,name,kind,region,country,"
                                 "time_zone,tier,partner,contract_value,currency,renewal_on\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buffer_append_format(&content, "%s,%s,c%zu,N,corporate,JP,JP,Asia/Tokyo,a,,,,\n",
                             cases[i].criticality, cases[i].language, i);
    }
    assert_string_equal(read_text(registry_read_customers, content.data), "");
    buffer_free(&content);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct registry_customer *customer = registry_customer_at(registry, i);
        assert_int_equal(customer->criticality, cases[i].expected);
        if (*cases[i].language == '\0') {
            assert_null(customer->language);
        } else {
            assert_string_equal(customer->language, cases[i].language);
        }
    }
}

static void a_bad_language_or_criticality_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"j",   "japanese",     "ja_JP", "ja-",
                                      "-ja", "ja-123456789", "ja--x", "12"};
    char content[512];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(content, sizeof content,
                 CUSTOMER_HEADER_WHOLE "c-1,N,corporate,JP,JP,Asia/Tokyo,a,,,,,%s,high\n", bad[i]);
        const char *answer = read_text(registry_read_customers, content);
        if (strstr(answer, "line 2, language: ") == NULL) {
            fail_msg("%s: \"%s\"", bad[i], answer);
        }
    }
    assert_non_null(strstr(read_text(registry_read_customers, CUSTOMER_HEADER_WHOLE
                                     "c-1,N,corporate,JP,JP,Asia/Tokyo,a,,,,,ja,urgent\n"),
                           "line 2, criticality: \"urgent\" is none of low, normal, high and"));
}

static void of_a_customer_named_twice_the_last_counts(void **state)
{
    (void)state;
    assert_string_equal(read_text(registry_read_customers,
                                  CUSTOMER_HEADER "c-1,First,corporate,JP,JP,Asia/Tokyo,a,,,,\n"
                                                  "c-1,Second,corporate,JP,JP,Asia/Tokyo,b,,,,\n"),
                        "");
    assert_string_equal(registry_customer(registry, "c-1")->name, "Second");
    assert_null(registry_customer_at(registry, 1));
}

static void seats_are_read(void **state)
{
    (void)state;
    assert_string_equal(read_text(registry_read_customers,
                                  CUSTOMER_HEADER "c-1,N,corporate,JP,JP,Asia/Tokyo,a,,,,\n"),
                        "");
    assert_string_equal(read_text(registry_read_seats,
                                  SEAT_HEADER "c-1,OfficeScan,2147483647\nc-1,VirusBuster,0\n"),
                        "");
    const struct registry_customer *customer = registry_customer(registry, "c-1");
    assert_int_equal(customer->seat_count, 2);
    assert_string_equal(customer->seats[0].product_line, "OfficeScan");
    assert_int_equal(customer->seats[0].seats, 2147483647);
    assert_int_equal(customer->seats[1].seats, 0);
}

static void updates_are_read(void **state)
{
    (void)state;
    assert_string_equal(
        read_text(registry_read_updates,
                  UPDATE_HEADER "pattern/2.594.00,,2005-04-23T07:33:00+09:00,2005-04-23T00:02:00Z\n"
                                "engine/7.510,OfficeScan,,\n"),
        "");
    const struct registry_update *first = registry_update_at(registry, 0);
    assert_string_equal(first->update_id, "pattern/2.594.00");
    assert_null(first->product_line);
    assert_true(first->released_at == 1114209180 * INSTANT_SECOND);
    assert_true(first->withdrawn_at == 1114214520 * INSTANT_SECOND);
    const struct registry_update *second = registry_update_at(registry, 1);
    assert_string_equal(second->product_line, "OfficeScan");
    assert_true(second->released_at == INSTANT_NONE);
    assert_true(second->withdrawn_at == INSTANT_NONE);
}

static void a_bad_row_is_named(void **state)
{
    (void)state;
    static const struct {
        reader read;
        const char *content, *says;
    } cases[] = {
        {registry_read_customers,
         CUSTOMER_HEADER "c-1,N,corporate,JP,JP,Asia/Tokyo,a,,,,\nc-2,N,company,JP,JP,Asia/Tokyo,"
                         "a,,,,\n",
         "line 3, kind: \"company\" is neither consumer nor corporate"},
        {registry_read_customers, CUSTOMER_HEADER "c-1,N,,JP,JP,Asia/Tokyo,a,,,,\n",
         "line 2, kind: \"\" is neither consumer nor corporate"},
        {registry_read_customers, CUSTOMER_HEADER "c-1,N,consumer,JP,JP,Asia/Tokio,a,,,,\n",
         "line 2, time_zone: \"Asia/Tokio\" is not a time zone such as Asia/Tokyo"},
        {registry_read_customers, CUSTOMER_HEADER "c-1,N,consumer,JP,JP,../../etc/passwd,a,,,,\n",
         "line 2, time_zone: \"../../etc/passwd\" is not a time zone"},
        {registry_read_customers, CUSTOMER_HEADER "c-1,N,consumer,JP,JP,,a,,,,\n",
         "line 2, time_zone: \"\" must not be empty"},
        {registry_read_customers, CUSTOMER_HEADER ",N,consumer,JP,JP,Asia/Tokyo,a,,,,\n",
         "line 2, customer_id: \"\" must not be empty"},
        {registry_read_customers, CUSTOMER_HEADER "c-1,,consumer,JP,JP,Asia/Tokyo,a,,,,\n",
         "line 2, name: \"\" must not be empty"},
        {registry_read_customers, CUSTOMER_HEADER "c-1,N,consumer,,JP,Asia/Tokyo,a,,,,\n",
         "line 2, region: \"\" must not be empty"},
        {registry_read_customers, CUSTOMER_HEADER "c-1,N,consumer,JP,JP,Asia/Tokyo,,,,,\n",
         "line 2, tier: \"\" must not be empty"},
        {registry_read_customers,
         CUSTOMER_HEADER "c-1,\"two\nlines\",consumer,JP,JP,Asia/Tokyo,a,,,,\n",
         "line 2, name: holds a control character"},
        {registry_read_customers, CUSTOMER_HEADER "c-1,N,consumer,JP,JP,Asia/Tokyo,a,\x1b[2J,,,\n",
         "line 2, partner: holds a control character"},
        {registry_read_customers, CUSTOMER_HEADER "c-1,N,consumer,JP,JP,Asia/Tokyo,a,,-1,JPY,\n",
         "line 2, contract_value: \"-1\" is not a whole number from 0"},
        {registry_read_customers, CUSTOMER_HEADER "c-1,N,consumer,JP,JP,Asia/Tokyo,a,,12.5,JPY,\n",
         "line 2, contract_value: \"12.5\" is not a whole number from 0"},
        {registry_read_customers,
         CUSTOMER_HEADER "c-1,N,consumer,JP,JP,Asia/Tokyo,a,,9223372036854775808,JPY,\n",
         "line 2, contract_value: \"9223372036854775808\" is too large"},
        {registry_read_customers, CUSTOMER_HEADER "c-1,N,consumer,JP,JP,Asia/Tokyo,a,,1,yen,\n",
         "line 2, currency: \"yen\" is not an ISO 4217 code such as JPY"},
        {registry_read_customers,
         CUSTOMER_HEADER "c-1,N,consumer,JP,JP,Asia/Tokyo,a,,,,2005-02-29\n",
         "line 2, renewal_on: \"2005-02-29\" is not a date such as 2005-09-30"},
        {registry_read_customers,
         CUSTOMER_HEADER "c-1,N,consumer,JP,JP,Asia/Tokyo,a,,,,30/09/2005\n",
         "line 2, renewal_on: \"30/09/2005\" is not a date"},
        {registry_read_customers, "customer_id,name\nc-1,N\n",
         "line 1: there is no column \"kind\""},
        {registry_read_seats, SEAT_HEADER "c-1,OfficeScan,-5\n",
         "line 2, seats: \"-5\" is not a whole number from 0"},
        {registry_read_seats, SEAT_HEADER "c-1,OfficeScan,\n",
         "line 2, seats: \"\" is not a whole number from 0"},
        {registry_read_seats, SEAT_HEADER "c-1,OfficeScan, 5\n",
         "line 2, seats: \" 5\" is not a whole number from 0"},
        {registry_read_seats, SEAT_HEADER "c-1,OfficeScan,2147483648\n",
         "line 2, seats: \"2147483648\" is too large"},
        {registry_read_seats, SEAT_HEADER "c-1,,5\n",
         "line 2, product_line: \"\" must not be empty"},
        {registry_read_seats, SEAT_HEADER "\nstranger,OfficeScan,5\n",
         "line 3, customer_id: there is no customer \"stranger\""},
        {registry_read_updates, UPDATE_HEADER ",,,\n", "line 2, update_id: \"\" must not be empty"},
        {registry_read_updates, UPDATE_HEADER "pattern/1,,yesterday,\n",
         "line 2, released_at: \"yesterday\" is not an RFC 3339 time"},
        {registry_read_updates, UPDATE_HEADER "pattern/1,,,2005-04-23 09:02\n",
         "line 2, withdrawn_at: \"2005-04-23 09:02\" is not an RFC 3339 time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *answer = read_text(cases[i].read, cases[i].content);
        if (strstr(answer, cases[i].says) == NULL || strncmp(answer, path, strlen(path)) != 0) {
            fail_msg("\"%s\" does not say: %s", answer, cases[i].says);
        }
    }
}

static void texts_have_a_limit(void **state)
{
    (void)state;
    char content[1024];
    char name[130];
    for (size_t length = 128; length <= 129; length++) {
        memset(name, 'n', sizeof name);
        name[length] = '\0';
        snprintf(content, sizeof content,
                 CUSTOMER_HEADER "c-1,%s,consumer,JP,JP,Asia/Tokyo,a,,,,\n", name);
        const char *answer = read_text(registry_read_customers, content);
        assert_true((strstr(answer, "line 2, name: ") != NULL) == (length > 128));
    }
}

static void many_zones_are_all_checked(void **state)
{
    (void)state;
    /* More zones than are remembered, each three times, and a bad one that begins as a good one. */
    static const char *const cities[] = {
        "Asia/Tokyo",       "Asia/Seoul",      "Asia/Taipei",      "Asia/Shanghai",
        "Asia/Singapore",   "Asia/Manila",     "Asia/Jakarta",     "Asia/Bangkok",
        "Asia/Dhaka",       "Asia/Kolkata",    "Asia/Karachi",     "Asia/Dubai",
        "Asia/Tehran",      "Asia/Riyadh",     "Asia/Jerusalem",   "Europe/Moscow",
        "Europe/Istanbul",  "Europe/Athens",   "Europe/Kyiv",      "Europe/Warsaw",
        "Europe/Berlin",    "Europe/Paris",    "Europe/Madrid",    "Europe/Rome",
        "Europe/London",    "Europe/Dublin",   "Europe/Lisbon",    "Africa/Cairo",
        "Africa/Lagos",     "Africa/Nairobi",  "America/Halifax",  "America/New_York",
        "America/Chicago",  "America/Denver",  "America/Phoenix",  "America/Anchorage",
        "America/Bogota",   "America/Lima",    "America/Santiago", "Australia/Perth",
        "Australia/Sydney", "Pacific/Auckland"};
    struct buffer content = {0};
    buffer_append_text(&content, CUSTOMER_HEADER);
    for (int round = 0; round < 3; round++) {
        for (int hours = -14; hours <= 12; hours++) {
            buffer_append_format(&content, "c%d,N,consumer,JP,JP,Etc/GMT%+d,a,,,,\n", hours, hours);
        }
        for (size_t i = 0; i < sizeof cities / sizeof *cities; i++) {
            buffer_append_format(&content, "d%zu,N,consumer,JP,JP,%s,a,,,,\n", i, cities[i]);
        }
    }
    assert_string_equal(read_text(registry_read_customers, content.data), "");
    for (int hours = -14; hours <= 12; hours++) {
        char id[16];
        snprintf(id, sizeof id, "c%d", hours);
        const struct registry_customer *customer = registry_customer(registry, id);
        assert_int_equal(time_zone_offset_s(customer->zone, 0), -3600 * hours);
    }
    assert_int_equal(time_zone_offset_s(registry_customer(registry, "d0")->zone, 0), 32400);
    buffer_append_text(&content, "e,N,consumer,JP,JP,Asia/Tokyox,a,,,,\n");
    assert_non_null(strstr(read_text(registry_read_customers, content.data), "\"Asia/Tokyox\""));
    buffer_free(&content);
}

static bool stop_at_second(void *context, size_t line, const char *customer_id,
                           const char *product_line, uint32_t seats, struct failure *failure)
{
    int *rows = context;
    assert_int_equal(line, 2 + *rows);
    assert_string_equal(customer_id, *rows == 0 ? "a" : "b");
    assert_string_equal(product_line, "OfficeScan");
    assert_int_equal(seats, *rows == 0 ? 1 : 2);
    return ++*rows < 2 || failure_set(failure, FAILURE_CONFLICT, "enough");
}

static void a_row_can_stop_the_reading(void **state)
{
    (void)state;
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(SEAT_HEADER "a,OfficeScan,1\nb,OfficeScan,2\nc,OfficeScan,3\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    int rows = 0;
    struct failure failure = {0};
    assert_false(registry_each_seat(&(struct registry_source){.csv.path = path}, stop_at_second,
                                    &rows, &failure));
    assert_int_equal(rows, 2);
    assert_int_equal(failure.code, FAILURE_CONFLICT);
    assert_string_equal(failure.message, "enough");
}

#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(customers_are_read),
        FILE_TEST(language_and_criticality_may_be_there),
        FILE_TEST(a_bad_language_or_criticality_is_named),
        FILE_TEST(of_a_customer_named_twice_the_last_counts),
        FILE_TEST(seats_are_read),
        FILE_TEST(updates_are_read),
        FILE_TEST(a_bad_row_is_named),
        FILE_TEST(texts_have_a_limit),
        FILE_TEST(many_zones_are_all_checked),
        FILE_TEST(a_row_can_stop_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
