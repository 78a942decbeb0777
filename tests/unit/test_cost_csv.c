/* The CSV files of the cost estimate, good and bad.
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

#include "analyzer/cost_csv.h"

static struct cost_parameters parameters;
static char messages[4096];

typedef bool (*reader)(struct cost_parameters *parameters, const char *path, FILE *messages,
                       struct cost_csv_counts *counts, struct failure *failure);

/* Reads `text` as a file; what was said of it is in `messages`. */
static struct cost_csv_counts read_text(reader read, const char *text)
{
    char path[] = "/tmp/cost_csv_XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_true(write(descriptor, text, strlen(text)) == (ssize_t)strlen(text));
    close(descriptor);
    memset(messages, 0, sizeof messages);
    FILE *said = fmemopen(messages, sizeof messages, "w");
    assert_non_null(said);
    struct cost_csv_counts counts;
    struct failure failure;
    cost_parameters_default(&parameters);
    if (!read(&parameters, path, said, &counts, &failure)) {
        fail_msg("%s", failure.message);
    }
    fclose(said);
    unlink(path);
    return counts;
}

static void a_bad_row_costs_only_itself(void **state)
{
    (void)state;
    struct cost_csv_counts counts =
        read_text(cost_csv_read_parameters,
                  "name,region,tier,product_line,low,likely,high,unit,source,dated\n"
                  "handle_time,,,,5,6,7,,ours,2026-11-01\n"
                  "handel_time,,,,5,6,7,,ours,2026-11-01\n"
                  "handle_time,JP,premium,,7,6,5,,ours,2026-11-01\n"
                  "handle_time,JP,premium,,five,6,7,,ours,2026-11-01\n"
                  "handle_time,JP,premium,,5,6,7,,ours,yesterday\n"
                  "cost_per_minute,JP,,OfficeScan,1,1.5,2,USD,\"ours, of old\",2026-11-01\n");
    assert_int_equal(counts.taken, 2);
    assert_int_equal(counts.refused, 4);
    assert_non_null(strstr(messages, "line 3, there is no cost parameter \"handel_time\""));
    assert_non_null(strstr(messages, "line 4, cost parameter handle_time: low <= likely"));
    assert_non_null(strstr(messages, "line 5, low: \"five\" is not a number"));
    assert_non_null(strstr(messages, "line 6, dated: \"yesterday\" is not a date"));
    assert_true(parameters.items[HANDLE_TIME].range.likely == 6);
    assert_int_equal(parameters.count, COST_NAME_COUNT + 1);
    assert_string_equal(parameters.items[COST_NAME_COUNT].scope.product_line, "OfficeScan");
    assert_string_equal(parameters.items[COST_NAME_COUNT].source, "ours, of old");
}

static void staffing_is_by_the_hour(void **state)
{
    (void)state;
    struct cost_csv_counts counts =
        read_text(cost_csv_read_staffing,
                  "region,hour,agents\nJP,0,40\nJP,23,5\nTW,9,12\nJP,24,1\nJP,1,-1\n");
    assert_int_equal(counts.taken, 3);
    assert_int_equal(counts.refused, 2);
    assert_non_null(strstr(messages, "line 5, hour 24: hours are 0 to 23"));
    assert_int_equal(parameters.desk_count, 2);
    assert_int_equal(parameters.desks[0].agents[23], 5);
    assert_int_equal(parameters.desks[0].agents[1], 0);
    assert_int_equal(parameters.desks[1].agents[9], 12);
}

static void compensation_is_data(void **state)
{
    (void)state;
    struct cost_csv_counts counts = read_text(
        cost_csv_read_compensation,
        "name,region,tier,product_line,kind,recipients,form,low,likely,high,source,dated\n"
        "a month,JP,,,consumer,eligible,free_months,1,1,1,the board,2005-04-28\n"
        "a voucher,,,,,affected,fixed,5,10,10,the board,2005-04-28\n"
        "a car,,,,,everybody,fixed,5,10,10,the board,2005-04-28\n"
        "a hug,,,,,affected,fixed,5,10,9,the board,2005-04-28\n"
        "a pet,,,,dog,affected,fixed,5,10,11,the board,2005-04-28\n");
    assert_int_equal(counts.taken, 2);
    assert_int_equal(counts.refused, 3);
    assert_non_null(strstr(messages, "line 4, recipients: \"everybody\""));
    assert_non_null(strstr(messages, "line 5, compensation a hug"));
    assert_non_null(strstr(messages, "line 6, kind: \"dog\""));
    assert_true(parameters.schemes[0].consumers && !parameters.schemes[0].corporates);
    assert_true(parameters.schemes[1].consumers && parameters.schemes[1].corporates);
    assert_int_equal(parameters.schemes[0].form, FORM_FREE_MONTHS);
}

static void exchange_rates_are_by_currency(void **state)
{
    (void)state;
    struct cost_csv_counts counts =
        read_text(cost_csv_read_exchange_rates, "currency,usd,source,dated\n"
                                                "EUR,1.25,ours,2026-11-01\n"
                                                "euro,1,ours,2026-11-01\n"
                                                "JPY,much,ours,2026-11-01\n");
    assert_int_equal(counts.taken, 1);
    assert_int_equal(counts.refused, 2);
    assert_non_null(strstr(messages, "line 3, currency: \"euro\" is too long"));
    assert_non_null(strstr(messages, "line 4, usd: \"much\" is not a number"));
    assert_true(exchange_rates_usd(&parameters.rates, 100, "EUR") == 1.25);
}

static void settings_are_read(void **state)
{
    (void)state;
    struct cost_parameter one;
    struct failure failure;
    assert_true(cost_csv_parse_setting("handle_time=8,15,30", &one, &failure));
    assert_string_equal(one.name, "handle_time");
    assert_true(one.range.low == 8 && one.range.likely == 15 && one.range.high == 30);
    assert_true(cost_csv_parse_setting("handle_time@North America=1e0,2.5,3", &one, &failure));
    assert_string_equal(one.scope.region, "North America");
    static const char *const bad[] = {"",
                                      "handle_time",
                                      "handle_time=",
                                      "handle_time=1",
                                      "handle_time=1,2",
                                      "handle_time=1,2,3,4",
                                      "handle_time=1,2,3x",
                                      "=1,2,3",
                                      "handle_time@=1,2,3",
                                      "a_name_that_is_much_longer_than_any_name_can_be_here=1,2,3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(cost_csv_parse_setting(bad[i], &one, &failure));
        assert_int_equal(failure.code, FAILURE_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_row_costs_only_itself),
        cmocka_unit_test(staffing_is_by_the_hour),
        cmocka_unit_test(compensation_is_data),
        cmocka_unit_test(exchange_rates_are_by_currency),
        cmocka_unit_test(settings_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
