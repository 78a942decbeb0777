/* What becomes of what collectd sends. tests/fixtures/collectd holds elements captured from
 * collectd 5.12.0; the expected busy fractions are its percentages by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/decode.h"
#include "common/instant.h"
#include "common/report.h"
#include "common/token.h"
#include "common/uuid.h"

/* 2026-11-23T04:52:20Z, by `date -u -d … +%s`: a few seconds after the captures. */
#define NOW_S INT64_C(1795409540)
#define HOST "host-0001.acme.example"

static const struct report_attribute attributes[] = {{"ring", "canary"}, {"os", "Debian 12"}};

static void decode_as(const char *text, const struct token *token, size_t attribute_count,
                      struct decode_output *output)
{
    struct decode_input input = {.bytes = text,
                                 .length = strlen(text),
                                 .token = token,
                                 .received_at = NOW_S * INSTANT_SECOND,
                                 .attributes = attributes,
                                 .attribute_count = attribute_count};
    struct failure failure;
    *output = (struct decode_output){0};
    assert_true(decode_collectd(&input, output, &failure));
}

static void decode(const char *text, struct decode_output *output)
{
    struct token token = {.kind = TOKEN_GATEWAY, .customer_id = "acme"};
    decode_as(text, &token, 0, output);
}

static char *read_fixture(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "tests/fixtures/collectd/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 65536);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, file) > 0);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void percent_active_becomes_busy(void **state)
{
    (void)state;
    char *text = read_fixture("cpu_active.json");
    struct decode_output output;
    decode(text, &output);
    assert_int_equal(output.rejection_count, 0);
    /* Three samples, of which the first is the exact 0 of a fresh start. */
    assert_int_equal(output.report_count, 2);
    const struct report *report = &output.reports[0];
    struct uuid host = uuid_from_name("acme", HOST, strlen(HOST));
    assert_int_equal(uuid_compare(&report->host_id, &host), 0);
    assert_string_equal(report->host_name, HOST);
    assert_string_equal(report->customer_id, "acme");
    assert_true(report->observed_at == INT64_C(1795409532118000));
    assert_true(report->received_at == NOW_S * INSTANT_SECOND);
    assert_true(report->has_cpu && !report->has_host);
    assert_true(report->interval_s == 1.0);
    assert_true(fabs(report->busy - 0.00995024875621891) < 1e-15);
    assert_true(isnan(report->peak) && isnan(report->product_busy));
    assert_true(fabs(output.reports[1].busy - 0.0150753768844221) < 1e-15);
    decode_output_free(&output);
    free(text);
}

static void percent_idle_becomes_its_complement(void **state)
{
    (void)state;
    char *text = read_fixture("cpu_by_state.json");
    struct decode_output output;
    decode(text, &output);
    assert_int_equal(output.rejection_count, 0);
    /* The second instant is cut off before its idle; it is judged by the request that brings it. */
    assert_int_equal(output.report_count, 1);
    assert_true(output.reports[0].busy == 0);
    assert_true(output.reports[0].observed_at == INT64_C(1795409350038000));
    decode_output_free(&output);
    free(text);
}

static void a_notification_becomes_an_installed_update(void **state)
{
    (void)state;
    char *text = read_fixture("notification.json");
    struct decode_output output;
    decode(text, &output);
    assert_int_equal(output.report_count, 1);
    const struct report *report = &output.reports[0];
    assert_string_equal(report->host_name, HOST);
    assert_int_equal(report->update_count, 1);
    assert_string_equal(report->updates[0].id, "KB5001");
    assert_int_equal(report->updates[0].outcome, UPDATE_INSTALLED);
    /* 2026-11-23T04:52:12Z */
    assert_true(report->updates[0].at == (NOW_S - 8) * INSTANT_SECOND);
    assert_false(report->has_cpu);
    decode_output_free(&output);
    free(text);
}

#define VALUE(values, type, instance, rest)                                                        \
    "{\"values\":[" values "],\"dstypes\":[\"gauge\"],\"dsnames\":[\"value\"],"                    \
    "\"time\":1795409535.118,\"interval\":10.000,\"host\":\"pc\",\"plugin\":\"cpu\","              \
    "\"plugin_instance\":\"" rest "\",\"type\":\"" type "\",\"type_instance\":\"" instance "\"}"
#define ACTIVE(values) VALUE(values, "percent", "active", "")

static const struct answer {
    const char *text;
    size_t reports;
    const char *detail; /* NULL: nothing is refused */
} answers[] = {
    {"[]", 0, NULL},
    {"[" ACTIVE("50") "]", 1, NULL},
    {"[" ACTIVE("100.004") "]", 1, NULL},
    {"[" ACTIVE("null") "]", 0, NULL},
    {"[" ACTIVE("0") "]", 0, NULL},
    {"[" ACTIVE("0") "," ACTIVE("0") "]", 1, NULL}, /* only the first is spurious */
    {"[" VALUE("100", "percent", "idle", "") "]", 1, NULL},
    {"[" VALUE("3", "percent", "user", "") "]", 0, NULL},
    {"[{\"labels\":{\"alertname\":\"collectd_load_load\"},\"annotations\":{}}]", 0, NULL},
    {"[{\"values\":[1],\"plugin\":\"load\"}]", 0, NULL},
    {"{}", 0, "collectd's write_http sends an array"},
    {"[7]", 0, "neither values nor labels: not an element of collectd's write_http"},
    {"[", 0, "not JSON: ']' expected at byte 1"},
    {"[" ACTIVE("101") "," ACTIVE("50") "]", 1, "values[0]: 101 is not between 0 and 100"},
    {"[" ACTIVE("") "]", 0, "values[0]: missing"},
    {"[" ACTIVE("\"5\"") "]", 0, "values[0]: text is not a number"},
    {"[" VALUE("123456", "cpu", "idle", "0") "]", 0,
     "type: cpu counts clock ticks; set ValuesPercentage true in collectd's plugin cpu"},
    {"[" VALUE("50", "percent", "active", "0") "]", 0,
     "plugin_instance: one processor is not the host; set ReportByCpu false in collectd's plugin "
     "cpu"},
    {"[{\"values\":[5],\"plugin\":\"cpu\",\"type\":\"percent\",\"type_instance\":\"active\"}]", 0,
     "host: missing"},
    {"[{\"values\":[5],\"plugin\":\"cpu\",\"type\":\"percent\",\"type_instance\":\"active\","
     "\"host\":\"pc\",\"time\":1795400000000,\"interval\":1}]",
     0, "time: 1795400000000 seconds are not a time from 1970 to 9999"},
    {"[{\"values\":[5],\"plugin\":\"cpu\",\"type\":\"percent\",\"type_instance\":\"active\","
     "\"host\":\"pc\",\"time\":1795410141.5,\"interval\":1}]",
     0,
     "time: 2026-11-23T05:02:21.5Z is more than 10 minutes ahead of its receipt at "
     "2026-11-23T04:52:20Z"},
    {"[{\"values\":[5],\"plugin\":\"cpu\",\"type\":\"percent\",\"type_instance\":\"active\","
     "\"host\":\"pc\",\"time\":1795409540,\"interval\":0}]",
     0, "interval: 0 is not over 0 and at most 86400, which is a day"},
    {"[{\"labels\":{\"alertname\":\"collectd_update_install\",\"instance\":\"pc\"},"
     "\"annotations\":{\"summary\":\"x\"},\"startsAt\":\"2026-11-23T04:52:12Z\"}]",
     0, "annotations.update_id: missing"},
    {"[{\"labels\":{\"alertname\":\"collectd_update_install\"},\"startsAt\":0}]", 0,
     "labels.instance: missing"},
};

static void each_element_is_taken_ignored_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct decode_output output;
        decode(answers[i].text, &output);
        if (answers[i].detail == NULL && output.rejection_count > 0) {
            print_error("%s: %s\n", answers[i].text, output.rejections[0].detail);
        }
        assert_int_equal(output.report_count, answers[i].reports);
        assert_int_equal(output.rejection_count, answers[i].detail != NULL);
        if (answers[i].detail != NULL) {
            assert_string_equal(output.rejections[0].detail, answers[i].detail);
        }
        decode_output_free(&output);
    }
}

static void the_url_s_attributes_are_the_host_s(void **state)
{
    (void)state;
    struct token token = {.kind = TOKEN_GATEWAY, .customer_id = "acme"};
    struct decode_output output;
    decode_as("[" ACTIVE("50") "]", &token, 2, &output);
    assert_int_equal(output.report_count, 1);
    const struct report *report = &output.reports[0];
    assert_true(report->has_host);
    assert_int_equal(report->attribute_count, 2);
    assert_string_equal(report->attributes[0].name, "os");
    assert_string_equal(report->attributes[1].name, "ring");
    decode_output_free(&output);

    /* With attributes, even the sample that is dropped is a sign of life. */
    decode_as("[" ACTIVE("0") "]", &token, 2, &output);
    assert_int_equal(output.report_count, 1);
    assert_false(output.reports[0].has_cpu);
    decode_output_free(&output);
}

static void check_attribute(const char *name, const char *value, const char *detail)
{
    const struct report_attribute bad = {name, value};
    struct token token = {.kind = TOKEN_GATEWAY, .customer_id = "acme"};
    struct decode_input input = {.bytes = "[]",
                                 .length = 2,
                                 .token = &token,
                                 .received_at = NOW_S * INSTANT_SECOND,
                                 .attributes = &bad,
                                 .attribute_count = 1};
    struct decode_output output = {0};
    struct failure failure;
    assert_true(decode_collectd(&input, &output, &failure));
    assert_int_equal(output.rejection_count, 1);
    assert_string_equal(output.rejections[0].detail, detail);
    decode_output_free(&output);
}

static void a_bad_attribute_in_the_url_is_refused(void **state)
{
    (void)state;
    check_attribute("OS", "x",
                    "the URL's attribute \"OS\" is not named by 1 to 64 of a-z, 0-9, _, . and -");
    check_attribute("os", "", "the URL's attribute os: empty");
    check_attribute("os", "\xff", "the URL's attribute os: not UTF-8");
    check_attribute("os", "a\nb", "the URL's attribute os: holds a control character");
}

static void a_host_token_writes_only_its_host(void **state)
{
    (void)state;
    struct token token = {.kind = TOKEN_HOST, .customer_id = "acme"};
    token.host_id = uuid_from_name("acme", "pc", 2);
    struct decode_output output;
    decode_as("[" ACTIVE("50") "]", &token, 0, &output);
    assert_int_equal(output.report_count, 1);
    decode_output_free(&output);
    token.host_id = uuid_from_name("acme", "pc2", 3);
    decode_as("[" ACTIVE("50") "]", &token, 0, &output);
    assert_int_equal(output.report_count, 0);
    assert_int_equal(output.rejections[0].code, FAILURE_FORBIDDEN);
    decode_output_free(&output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_active_becomes_busy),
        cmocka_unit_test(percent_idle_becomes_its_complement),
        cmocka_unit_test(a_notification_becomes_an_installed_update),
        cmocka_unit_test(each_element_is_taken_ignored_or_refused),
        cmocka_unit_test(the_url_s_attributes_are_the_host_s),
        cmocka_unit_test(a_bad_attribute_in_the_url_is_refused),
        cmocka_unit_test(a_host_token_writes_only_its_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
