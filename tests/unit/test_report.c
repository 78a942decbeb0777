/* Reports: the names of outcomes, the identity of segments, and the JSON line, read back by jansson
 * as the oracle. The segment ids were computed by Python's hashlib.blake2b, as in test_uuid.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/random_stream.h"
#include "common/report.h"

static void outcomes_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"installed", "failed", "rolled_back"};
    for (int i = 0; i < 3; i++) {
        enum update_outcome outcome = UPDATE_INSTALLED;
        assert_string_equal(update_outcome_name((enum update_outcome)i), names[i]);
        assert_true(update_outcome_parse(names[i], &outcome));
        assert_int_equal(outcome, i);
    }
    static const char *const others[] = {"", "Installed", "installed ", "rolled back", "removed"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        enum update_outcome outcome = UPDATE_FAILED;
        assert_false(update_outcome_parse(others[i], &outcome));
        assert_int_equal(outcome, UPDATE_FAILED);
    }
}

static void assert_segment(const struct report_attribute *attributes, size_t count,
                           const char *expected)
{
    struct uuid id = report_segment_id(attributes, count);
    char text[UUID_TEXT_SIZE];
    assert_string_equal(uuid_format(&id, text), expected);
}

static void attributes_in_any_order_are_one_segment(void **state)
{
    (void)state;
    struct report_attribute attributes[] = {{"product_line", "OfficeScan"},
                                            {"os_version", "SP2"},
                                            {"engine", "7.510"},
                                            {"os", "Windows XP"},
                                            {"arch", "x86"}};
    report_sort_attributes(attributes, 5);
    for (size_t i = 0; i + 1 < 5; i++) {
        assert_true(strcmp(attributes[i].name, attributes[i + 1].name) < 0);
    }
    assert_segment(attributes, 5, "29e7133d-b35f-86a3-a6d4-2f51cb8359a1");
    assert_string_equal(report_attribute_value(attributes, 5, "engine"), "7.510");
    assert_string_equal(report_attribute_value(attributes, 5, "os"), "Windows XP");
    assert_null(report_attribute_value(attributes, 5, "ring"));
    assert_null(report_attribute_value(NULL, 0, "ring"));
    report_sort_attributes(NULL, 0);
    assert_segment(NULL, 0, "58a04817-17fa-800e-a2e7-096eb3d4ea9c");
}

static void other_attributes_are_another_segment(void **state)
{
    (void)state;
    /* Name and value must not run together, nor one pair into the next. */
    static const struct report_attribute cases[][2] = {
        {{"a", "bc"}, {"d", "e"}}, {{"ab", "c"}, {"d", "e"}}, {{"a", "b"}, {"cd", "e"}},
        {{"a", "bcd"}, {"e", ""}}, {{"a", "bc"}, {"d", ""}},  {{"a", ""}, {"bc", "de"}},
    };
    enum { COUNT = sizeof cases / sizeof *cases };
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = i + 1; j < COUNT; j++) {
            struct uuid left = report_segment_id(cases[i], 2);
            struct uuid right = report_segment_id(cases[j], 2);
            assert_int_not_equal(uuid_compare(&left, &right), 0);
        }
        struct uuid both = report_segment_id(cases[i], 2);
        struct uuid one = report_segment_id(cases[i], 1);
        assert_int_not_equal(uuid_compare(&both, &one), 0);
    }
}

static void a_segment_at_every_limit_has_an_id(void **state)
{
    (void)state;
    char name[REPORT_TEXT_LIMIT + 1];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct report_attribute attributes[REPORT_ATTRIBUTES_LIMIT];
    for (size_t i = 0; i < REPORT_ATTRIBUTES_LIMIT; i++) {
        attributes[i] = (struct report_attribute){.name = name, .value = name};
    }
    struct uuid all = report_segment_id(attributes, REPORT_ATTRIBUTES_LIMIT);
    struct uuid fewer = report_segment_id(attributes, REPORT_ATTRIBUTES_LIMIT - 1);
    assert_int_not_equal(uuid_compare(&all, &fewer), 0);
}

/* ---- JSON ---- */

static json_t *written(const struct report *report)
{
    struct buffer line = {0};
    struct failure failure;
    report_write_json(report, &line);
    assert_true(buffer_check(&line, &failure));
    assert_null(memchr(line.data, '\n', line.length));
    json_error_t error;
    json_t *document =
        json_loadb(line.data, line.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (document == NULL) {
        fail_msg("%s: %s", error.text, line.data);
    }
    buffer_free(&line);
    return document;
}

/* Compares with a document in which jansson reads what a person wrote. */
static void assert_json(const struct report *report, const char *expected)
{
    json_error_t error;
    json_t *document = written(report);
    json_t *wanted = json_loads(expected, JSON_REJECT_DUPLICATES, &error);
    if (wanted == NULL) {
        fail_msg("%s: %s", error.text, expected);
    }
    if (!json_equal(document, wanted)) {
        char *text = json_dumps(document, JSON_SORT_KEYS);
        fail_msg("%s\nis not\n%s", text, expected);
    }
    json_decref(document);
    json_decref(wanted);
}

static const struct uuid host = {{0x6f, 0x1d, 0x2c, 0x3a, 0x5b, 0x7e, 0x4f, 0x10, 0x9a, 0x2b, 0x0c,
                                  0x1d, 0x2e, 0x3f, 0x4a, 0x5b}};

static void a_whole_report_is_the_designs_json(void **state)
{
    (void)state;
    static const struct report_attribute attributes[] = {{"arch", "x86"},
                                                         {"engine", "7.510"},
                                                         {"locale", "ja-JP"},
                                                         {"os", "Windows XP"},
                                                         {"os_version", "SP2"},
                                                         {"product_line", "OfficeScan"},
                                                         {"product_version", "6.5"},
                                                         {"region", "JP"},
                                                         {"ring", "broad"}};
    static const struct report_update updates[] = {
        {"pattern/2.594.00", UPDATE_INSTALLED, 1114209221 * INSTANT_SECOND},
        {"engine/7.510", UPDATE_ROLLED_BACK, 1114209221 * INSTANT_SECOND + 500000}};
    const struct report report = {.host_id = host,
                                  .customer_id = "c-1",
                                  .observed_at = 1114209310 * INSTANT_SECOND,
                                  .received_at = 1114209311 * INSTANT_SECOND + 250000,
                                  .has_host = true,
                                  .attributes = attributes,
                                  .attribute_count = 9,
                                  .updates = updates,
                                  .update_count = 2,
                                  .has_cpu = true,
                                  .interval_s = 300,
                                  .busy = 0.98,
                                  .peak = 1.0,
                                  .product_busy = 0.95};
    json_t *document = written(&report);
    json_t *cpu = json_object_get(document, "cpu");
    assert_true(json_number_value(json_object_get(cpu, "interval_s")) == 300);
    assert_true(json_number_value(json_object_get(cpu, "busy")) == 0.98);
    assert_true(json_number_value(json_object_get(cpu, "peak")) == 1.0);
    assert_true(json_number_value(json_object_get(cpu, "product_busy")) == 0.95);
    json_decref(document);
    assert_json(
        &report,
        "{\"host_id\":\"6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b\",\"customer_id\":\"c-1\","
        "\"observed_at\":\"2005-04-22T22:35:10Z\",\"received_at\":\"2005-04-22T22:35:11.25Z\","
        "\"host\":{\"product_line\":\"OfficeScan\",\"product_version\":\"6.5\","
        "\"os\":\"Windows XP\",\"os_version\":\"SP2\",\"region\":\"JP\",\"ring\":\"broad\","
        "\"attributes\":{\"engine\":\"7.510\",\"locale\":\"ja-JP\",\"arch\":\"x86\"}},"
        "\"updates\":[{\"id\":\"pattern/2.594.00\",\"outcome\":\"installed\","
        "\"at\":\"2005-04-22T22:33:41Z\"},{\"id\":\"engine/7.510\",\"outcome\":\"rolled_back\","
        "\"at\":\"2005-04-22T22:33:41.5Z\"}],"
        "\"cpu\":{\"interval_s\":300,\"busy\":0.98,\"peak\":1,\"product_busy\":0.95}}");
}

static void each_part_is_optional(void **state)
{
    (void)state;
    static const struct report_attribute own[] = {{"engine", "7.510"}};
    static const struct report_attribute named[] = {{"os", "Windows XP"}};
    struct report report = {.host_id = host, .customer_id = "c-1"};
    assert_json(&report, "{\"host_id\":\"6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b\","
                         "\"customer_id\":\"c-1\",\"observed_at\":\"1970-01-01T00:00:00Z\","
                         "\"received_at\":\"1970-01-01T00:00:00Z\"}");
    report.host_name = "pc-01";
    report.customer_id = NULL;
    report.has_host = true;
    assert_json(&report, "{\"host_id\":\"pc-01\",\"observed_at\":\"1970-01-01T00:00:00Z\","
                         "\"received_at\":\"1970-01-01T00:00:00Z\",\"host\":{}}");
    report.attributes = own;
    report.attribute_count = 1;
    assert_json(&report, "{\"host_id\":\"pc-01\",\"observed_at\":\"1970-01-01T00:00:00Z\","
                         "\"received_at\":\"1970-01-01T00:00:00Z\","
                         "\"host\":{\"attributes\":{\"engine\":\"7.510\"}}}");
    report.attributes = named;
    report.has_cpu = true;
    report.interval_s = 60;
    report.busy = 0;
    report.peak = NAN;
    report.product_busy = NAN;
    assert_json(&report,
                "{\"host_id\":\"pc-01\",\"observed_at\":\"1970-01-01T00:00:00Z\","
                "\"received_at\":\"1970-01-01T00:00:00Z\",\"host\":{\"os\":\"Windows XP\"},"
                "\"cpu\":{\"interval_s\":60,\"busy\":0}}");
}

static void any_text_comes_back_as_it_was(void **state)
{
    (void)state;
    static const char *const texts[] = {"quote \" and \\ and /",
                                        "\x01\x02\b\t\n\v\f\r\x1f end",
                                        "\xe6\x9d\xb1\xe4\xba\xac \xf0\x9f\x94\xa5 \xc3\xa9",
                                        "</script>",
                                        "",
                                        "\x7f"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct report_attribute attribute = {.name = texts[i], .value = texts[i]};
        struct report_update update = {.id = texts[i]};
        struct report report = {.host_name = texts[i],
                                .customer_id = texts[i],
                                .has_host = true,
                                .attributes = &attribute,
                                .attribute_count = 1,
                                .updates = &update,
                                .update_count = 1};
        json_t *document = written(&report);
        assert_string_equal(json_string_value(json_object_get(document, "host_id")), texts[i]);
        assert_string_equal(json_string_value(json_object_get(document, "customer_id")), texts[i]);
        json_t *own = json_object_get(json_object_get(document, "host"), "attributes");
        assert_string_equal(json_string_value(json_object_get(own, texts[i])), texts[i]);
        json_t *first = json_array_get(json_object_get(document, "updates"), 0);
        assert_string_equal(json_string_value(json_object_get(first, "id")), texts[i]);
        json_decref(document);
    }
}

static void numbers_round_trip(void **state)
{
    (void)state;
    struct random_stream random = random_stream_new(3, 1);
    struct report report = {.host_id = host, .has_cpu = true, .peak = NAN, .product_busy = NAN};
    for (int i = 0; i < 20000; i++) {
        report.busy = i % 3 == 0 ? (double)random_below(&random, 1001) / 1000
                                 : random_uniform(&random) * pow(10, -(double)(i % 7));
        report.interval_s = 1 + (double)random_below(&random, 86400000) / 1000;
        json_t *cpu_of = written(&report);
        json_t *cpu = json_object_get(cpu_of, "cpu");
        assert_true(json_number_value(json_object_get(cpu, "busy")) == report.busy);
        assert_true(json_number_value(json_object_get(cpu, "interval_s")) == report.interval_s);
        json_decref(cpu_of);
    }
}

static void short_numbers_stay_short(void **state)
{
    (void)state;
    struct buffer line = {0};
    struct report report = {.host_id = host,
                            .has_cpu = true,
                            .interval_s = 300,
                            .busy = 0.1,
                            .peak = 0.3,
                            .product_busy = 1.0 / 3};
    report_write_json(&report, &line);
    assert_non_null(strstr(line.data, "{\"interval_s\":300,\"busy\":0.1,\"peak\":0.3,"
                                      "\"product_busy\":0.3333333333333333}"));
    buffer_free(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_have_names),
        cmocka_unit_test(attributes_in_any_order_are_one_segment),
        cmocka_unit_test(other_attributes_are_another_segment),
        cmocka_unit_test(a_segment_at_every_limit_has_an_id),
        cmocka_unit_test(a_whole_report_is_the_designs_json),
        cmocka_unit_test(each_part_is_optional),
        cmocka_unit_test(any_text_comes_back_as_it_was),
        cmocka_unit_test(numbers_round_trip),
        cmocka_unit_test(short_numbers_stay_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
