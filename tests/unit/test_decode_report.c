/* What decode_report takes, what it refuses, and in which words. The rules are those of the design,
 * section 3, and of report.h, written out by hand in the table; the round trip's oracle is that
 * a report means the same after being written and read.
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
#include "common/buffer.h"
#include "common/instant.h"
#include "common/report.h"
#include "common/token.h"
#include "common/uuid.h"

#define HOST "6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b"
#define OTHER_HOST "00000000-0000-4000-8000-000000000001"
/* 2005-04-22T22:35:10Z, by `date -u -d … +%s`. */
#define NOW (INT64_C(1114209310) * INSTANT_SECOND)
#define OBSERVED "\"observed_at\":\"2005-04-22T22:35:10Z\""
#define CPU "\"cpu\":{\"interval_s\":300,\"busy\":0.98}"
#define HEAD "{\"host_id\":\"" HOST "\"," OBSERVED ","
/* A whole report around the part under test. */
#define WITH(part) HEAD part "}"

static struct token gateway(void)
{
    return (struct token){.kind = TOKEN_GATEWAY, .customer_id = "acme"};
}

static void decode(const char *text, size_t length, const struct token *token, bool one,
                   bool replay, struct decode_output *output)
{
    struct decode_input input = {.bytes = text,
                                 .length = length,
                                 .one_report = one,
                                 .token = token,
                                 .replay = replay,
                                 .received_at = NOW};
    struct failure failure;
    *output = (struct decode_output){0};
    assert_true(decode_report(&input, output, &failure));
}

static void decode_one(const char *text, struct decode_output *output)
{
    struct token token = gateway();
    decode(text, strlen(text), &token, true, false, output);
}

/* ---- What is refused ---- */

static const struct refusal {
    const char *text, *detail;
} refusals[] = {
    {"[]", "a report is a JSON object"},
    {"{", "not JSON: string or '}' expected at byte 1"},
    {"", "the body is empty"},
    {" \r\n ", "the body is empty"},
    {"{\"a\":1,\"a\":2}", "not JSON: duplicate object key at byte 10"},
    {"{\"a\":1} x", "not JSON: end of file expected at byte 9"},
    {"{\"a\":[[[[[[[[1]]]]]]]]}", "nested deeper than 8"},
    {"{\"a\":\"\\u0000\"}", "not JSON: \\u0000 is not allowed at byte 13"},
    /* the sender */
    {"{" OBSERVED "," CPU "}", "host_id: missing"},
    {"{\"host_id\":7," OBSERVED "," CPU "}", "host_id: a number is not text"},
    {"{\"host_id\":null," OBSERVED "," CPU "}", "host_id: null is not text"},
    {"{\"host_id\":\"\"," OBSERVED "," CPU "}", "host_id: empty"},
    {"{\"host_id\":\"a\\tb\"," OBSERVED "," CPU "}", "host_id: holds a control character"},
    {WITH("\"customer_id\":false," CPU), "customer_id: false is not text"},
    {WITH("\"customer_id\":\"other\"," CPU),
     "customer_id: this token writes for customer acme, not other"},
    /* times */
    {"{\"host_id\":\"" HOST "\"," CPU "}", "observed_at: missing"},
    {"{\"host_id\":\"" HOST "\",\"observed_at\":true," CPU "}",
     "observed_at: true is neither RFC 3339 text nor whole milliseconds since 1970"},
    {"{\"host_id\":\"" HOST "\",\"observed_at\":1.5," CPU "}",
     "observed_at: a number is neither RFC 3339 text nor whole milliseconds since 1970"},
    {"{\"host_id\":\"" HOST "\",\"observed_at\":-1," CPU "}",
     "observed_at: -1 milliseconds are not a time from 1970 to 9999"},
    {"{\"host_id\":\"" HOST "\",\"observed_at\":9223372036854775807," CPU "}",
     "observed_at: 9223372036854775807 milliseconds are not a time from 1970 to 9999"},
    {"{\"host_id\":\"" HOST "\",\"observed_at\":\"yesterday\"," CPU "}",
     "observed_at: \"yesterday\" is not an RFC 3339 time such as 2005-04-22T22:35:10Z"},
    {"{\"host_id\":\"" HOST "\",\"observed_at\":\"2005-04-22T22:45:10.000001Z\"," CPU "}",
     "observed_at: 2005-04-22T22:45:10.000001Z is more than 10 minutes ahead of its receipt at "
     "2005-04-22T22:35:10Z"},
    {"{\"host_id\":\"" HOST "\",\"observed_at\":\"2005-04-15T22:35:09Z\"," CPU "}",
     "observed_at: 2005-04-15T22:35:09Z is more than 7 days behind its receipt at "
     "2005-04-22T22:35:10Z"},
    /* the host */
    {WITH("\"host\":[]"), "host: an array is not an object"},
    {WITH("\"host\":{\"os\":5}"), "host.os: a number is not text"},
    {WITH("\"host\":{\"ring\":\"\"}"), "host.ring: empty"},
    {WITH("\"host\":{\"attributes\":\"x\"}"), "host.attributes: text is not an object"},
    {WITH("\"host\":{\"attributes\":{\"arch\":null}}"), "host.attributes: arch: null is not text"},
    {WITH("\"host\":{\"attributes\":{\"Arch\":\"x\"}}"),
     "host.attributes: the name \"Arch\" is not 1 to 64 of a-z, 0-9, _, . and -"},
    {WITH("\"host\":{\"attributes\":{\"\":\"x\"}}"),
     "host.attributes: the name \"\" is not 1 to 64 of a-z, 0-9, _, . and -"},
    {WITH("\"host\":{\"os\":\"a\",\"attributes\":{\"os\":\"b\"}}"),
     "host.attributes: os: named twice"},
    /* updates */
    {WITH("\"updates\":{}"), "updates: an object is not an array"},
    {WITH("\"updates\":[7]"), "updates[0]: a number is not an object"},
    {WITH("\"updates\":[{\"outcome\":\"installed\",\"at\":0}]"), "updates[0].id: missing"},
    {WITH("\"updates\":[{\"id\":\"u\",\"outcome\":\"installed\",\"at\":0},"
          "{\"id\":\"u\",\"outcome\":\"done\",\"at\":0}]"),
     "updates[1].outcome: \"done\" is not installed, failed or rolled_back"},
    {WITH("\"updates\":[{\"id\":\"u\",\"at\":0}]"), "updates[0].outcome: missing"},
    {WITH("\"updates\":[{\"id\":\"u\",\"outcome\":\"failed\"}]"), "updates[0].at: missing"},
    {WITH("\"updates\":[{\"id\":\"u\",\"outcome\":\"failed\",\"at\":\"2005-04-22T23:35:10Z\"}]"),
     "updates[0].at: 2005-04-22T23:35:10Z is more than 10 minutes ahead of its receipt at "
     "2005-04-22T22:35:10Z"},
    /* cpu */
    {WITH("\"cpu\":7"), "cpu: a number is not an object"},
    {WITH("\"cpu\":{\"busy\":0.5}"), "cpu.interval_s: missing"},
    {WITH("\"cpu\":{\"interval_s\":\"300\",\"busy\":0.5}"), "cpu.interval_s: text is not a number"},
    {WITH("\"cpu\":{\"interval_s\":0,\"busy\":0.5}"),
     "cpu.interval_s: 0 is not over 0 and at most 86400, which is a day"},
    {WITH("\"cpu\":{\"interval_s\":86400.5,\"busy\":0.5}"),
     "cpu.interval_s: 86400.5 is not over 0 and at most 86400, which is a day"},
    {WITH("\"cpu\":{\"interval_s\":300}"), "cpu.busy: missing"},
    {WITH("\"cpu\":{\"interval_s\":300,\"busy\":1.4}"), "cpu.busy: 1.4 is not between 0 and 1"},
    {WITH("\"cpu\":{\"interval_s\":300,\"busy\":-0.1}"), "cpu.busy: -0.1 is not between 0 and 1"},
    {WITH("\"cpu\":{\"interval_s\":300,\"busy\":100}"), "cpu.busy: 100 is not between 0 and 1"},
    {WITH("\"cpu\":{\"interval_s\":300,\"busy\":1,\"peak\":2}"),
     "cpu.peak: 2 is not between 0 and 1"},
    {WITH("\"cpu\":{\"interval_s\":300,\"busy\":1,\"peak\":null}"),
     "cpu.peak: null is not a number"},
    {WITH("\"cpu\":{\"interval_s\":300,\"busy\":1,\"product_busy\":\"1\"}"),
     "cpu.product_busy: text is not a number"},
    {WITH("\"cpu\":{\"interval_s\":1e400,\"busy\":1}"),
     "not JSON: real number overflow at byte 112"},
    /* the whole */
    {WITH("\"other\":1"), "holds none of host, updates and cpu"},
    {WITH("\"updates\":[]"), "holds none of host, updates and cpu"},
};

static void a_bad_report_is_refused_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct decode_output output;
        decode_one(refusals[i].text, &output);
        assert_int_equal(output.report_count, 0);
        assert_int_equal(output.rejection_count, 1);
        assert_string_equal(output.rejections[0].detail, refusals[i].detail);
        assert_int_equal(output.rejections[0].line, 1);
        decode_output_free(&output);
    }
}

/* Puts `size` times 'x' between the two texts. */
static void check_sized(const char *before, const char *after, size_t size, const char *detail)
{
    struct buffer text = {0};
    buffer_append_text(&text, before);
    for (size_t i = 0; i < size; i++) {
        buffer_append_text(&text, "x");
    }
    buffer_append_text(&text, after);
    assert_false(text.failed);
    struct decode_output output;
    decode_one(text.data, &output);
    if (detail == NULL) {
        assert_int_equal(output.report_count, 1);
    } else {
        assert_int_equal(output.rejection_count, 1);
        assert_string_equal(output.rejections[0].detail, detail);
        assert_true(strlen(output.rejections[0].excerpt) <= 256);
    }
    decode_output_free(&output);
    buffer_free(&text);
}

static void a_text_ends_at_its_limit(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        size_t size;
        const char *detail;
    } cases[] = {
        {"{\"host_id\":\"", "\"," OBSERVED "," CPU "}", 128, NULL},
        {"{\"host_id\":\"", "\"," OBSERVED "," CPU "}", 129,
         "host_id: 129 bytes are over the limit of 128"},
        {HEAD "\"host\":{\"os\":\"", "\"}}", 128, NULL},
        {HEAD "\"host\":{\"os\":\"", "\"}}", 129, "host.os: 129 bytes are over the limit of 128"},
        {HEAD "\"host\":{\"attributes\":{\"", "\":\"v\"}}}", 64, NULL},
        {HEAD "\"updates\":[{\"id\":\"", "\",\"outcome\":\"failed\",\"at\":0}]}", 128, NULL},
        {HEAD "\"updates\":[{\"id\":\"", "\",\"outcome\":\"failed\",\"at\":0}]}", 129,
         "updates[0].id: 129 bytes are over the limit of 128"},
        {HEAD CPU ",\"ignored\":\"", "\"}", 60000, NULL},
        {HEAD CPU ",\"ignored\":\"", "\"}", 70000, "70137 bytes are over the limit of 65536"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_sized(cases[i].before, cases[i].after, cases[i].size, cases[i].detail);
    }
}

/* Puts `count` items between the two texts, each with its number after `item` and then `rest`. */
static void check_counted(const char *before, const char *item, const char *rest, const char *after,
                          size_t count, const char *detail)
{
    struct buffer text = {0};
    buffer_append_text(&text, before);
    for (size_t i = 0; i < count; i++) {
        buffer_append_format(&text, "%s%s%zu%s", i > 0 ? "," : "", item, i, rest);
    }
    buffer_append_text(&text, after);
    struct decode_output output;
    decode_one(text.data, &output);
    if (detail == NULL) {
        assert_int_equal(output.report_count, 1);
    } else {
        assert_int_equal(output.rejection_count, 1);
        assert_string_equal(output.rejections[0].detail, detail);
    }
    decode_output_free(&output);
    buffer_free(&text);
}

static void a_list_ends_at_its_limit(void **state)
{
    (void)state;
    static const char update[] = "{\"id\":\"u";
    static const char happened[] = "\",\"outcome\":\"failed\",\"at\":0}";
    check_counted(HEAD "\"updates\":[", update, happened, "]}", 64, NULL);
    check_counted(HEAD "\"updates\":[", update, happened, "]}", 65,
                  "updates: 65 are over the limit of 64");
    static const char before[] = HEAD "\"host\":{\"os\":\"o\",\"attributes\":{";
    check_counted(before, "\"a", "\":\"v\"", "}}}", 31, NULL);
    check_counted(before, "\"a", "\":\"v\"", "}}}", 32,
                  "host: more than 32 attributes, the named ones included");
    check_counted(HEAD CPU ",\"ignored\":[", "", "", "]}", 4000, NULL);
    check_counted(HEAD CPU ",\"ignored\":[", "", "", "]}", 4200,
                  "4215 structural characters are over the limit of 4096");
}

/* ---- What is taken ---- */

static const char sample[] =
    "{\"host_id\":\"" HOST "\",\"observed_at\":\"2005-04-22T22:35:10Z\","
    "\"host\":{\"product_line\":\"OfficeScan\",\"product_version\":\"6.5\",\"os\":\"Windows XP\","
    "\"os_version\":\"SP2\",\"region\":\"JP\",\"ring\":\"broad\","
    "\"attributes\":{\"engine\":\"7.510\",\"locale\":\"ja-JP\",\"arch\":\"x86\"}},"
    "\"updates\":[{\"id\":\"pattern/2.594.00\",\"outcome\":\"installed\","
    "\"at\":\"2005-04-22T22:33:41Z\"}],"
    "\"cpu\":{\"interval_s\":300,\"busy\":0.98,\"peak\":1.0,\"product_busy\":0.95}}";

static void the_design_s_report_is_read_whole(void **state)
{
    (void)state;
    struct decode_output output;
    decode_one(sample, &output);
    assert_int_equal(output.report_count, 1);
    const struct report *report = &output.reports[0];
    struct uuid host;
    assert_true(uuid_parse(HOST, &host));
    assert_int_equal(uuid_compare(&report->host_id, &host), 0);
    assert_null(report->host_name);
    assert_string_equal(report->customer_id, "acme");
    assert_true(report->observed_at == NOW && report->received_at == NOW);
    assert_true(report->has_host && report->has_cpu);
    static const char *const names[] = {"arch",       "engine",       "locale",          "os",
                                        "os_version", "product_line", "product_version", "region",
                                        "ring"};
    assert_int_equal(report->attribute_count, sizeof names / sizeof *names);
    for (size_t i = 0; i < report->attribute_count; i++) {
        assert_string_equal(report->attributes[i].name, names[i]);
    }
    assert_string_equal(report->attributes[3].value, "Windows XP");
    struct uuid segment = report_segment_id(report->attributes, report->attribute_count);
    assert_int_equal(uuid_compare(&report->segment_id, &segment), 0);
    assert_int_equal(report->update_count, 1);
    assert_string_equal(report->updates[0].id, "pattern/2.594.00");
    assert_int_equal(report->updates[0].outcome, UPDATE_INSTALLED);
    assert_true(report->updates[0].at == NOW - 89 * INSTANT_SECOND);
    assert_true(report->interval_s == 300 && report->busy == 0.98 && report->peak == 1.0 &&
                report->product_busy == 0.95);
    decode_output_free(&output);
}

static const char *const acceptable[] = {
    WITH(CPU),
    WITH("\"host\":{}"),
    WITH("\"host\":{\"unheard_of\":7,\"os\":\"x\"}"),
    WITH("\"host\":{\"attributes\":{}}"),
    WITH("\"unheard_of\":[{\"a\":null}]," CPU),
    WITH("\"customer_id\":\"acme\"," CPU),
    WITH("\"cpu\":{\"interval_s\":0.001,\"busy\":0}"),
    WITH("\"cpu\":{\"interval_s\":86400,\"busy\":1,\"peak\":0,\"product_busy\":1,\"more\":true}"),
    WITH("\"updates\":[{\"id\":\"old\",\"outcome\":\"rolled_back\",\"at\":0}]"),
    WITH("\"updates\":[]," CPU),
    "{\"host_id\":\"" HOST "\",\"observed_at\":1114209310000," CPU "}",
    "{\"host_id\":\"" HOST "\",\"observed_at\":\"2005-04-23T07:35:10.25+09:00\"," CPU "}",
    "{\"host_id\":\"" HOST "\",\"observed_at\":\"2005-04-22T22:45:10Z\"," CPU "}",
    "{\"host_id\":\"" HOST "\",\"observed_at\":\"2005-04-15T22:35:10Z\"," CPU "}",
    "\n\t{ \"host_id\" : \"" HOST "\" ,\r\n" OBSERVED " , " CPU " } \n",
    "{\"host_id\":\"\\u65e5\\u672c \xe3\x83\x9b \\\"1\\\"\"," OBSERVED "," CPU "}",
};

static void an_unusual_report_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof acceptable / sizeof *acceptable; i++) {
        struct decode_output output;
        decode_one(acceptable[i], &output);
        if (output.rejection_count > 0) {
            print_error("%s: %s\n", acceptable[i], output.rejections[0].detail);
        }
        assert_int_equal(output.report_count, 1);
        assert_int_equal(output.rejection_count, 0);
        decode_output_free(&output);
    }
}

static void what_is_not_said_is_not_a_number(void **state)
{
    (void)state;
    struct decode_output output;
    decode_one(WITH(CPU), &output);
    assert_true(isnan(output.reports[0].peak) && isnan(output.reports[0].product_busy));
    assert_false(output.reports[0].has_host);
    assert_int_equal(output.reports[0].update_count, 0);
    decode_output_free(&output);
}

/* ---- Lines ---- */

static void a_bad_line_costs_only_itself(void **state)
{
    (void)state;
    const char *text = WITH(CPU) "\n\nnonsense \xff\x01\n" WITH("\"cpu\":{}") "\r\n" WITH(CPU);
    struct token token = gateway();
    struct decode_output output;
    decode(text, strlen(text), &token, false, false, &output);
    assert_int_equal(output.report_count, 2);
    assert_int_equal(output.rejection_count, 2);
    assert_int_equal(output.rejections[0].line, 3);
    assert_string_equal(output.rejections[0].excerpt, "nonsense ?"
                                                      "?");
    assert_int_equal(output.rejections[1].line, 4);
    assert_string_equal(output.rejections[1].detail, "cpu.interval_s: missing");
    decode_output_free(&output);
}

static void only_the_first_hundred_rejections_are_kept(void **state)
{
    (void)state;
    struct buffer text = {0};
    for (int i = 0; i < 250; i++) {
        buffer_append_text(&text, i % 2 == 0 ? "x\n" : WITH(CPU) "\n");
    }
    struct token token = gateway();
    struct decode_output output;
    decode(text.data, text.length, &token, false, false, &output);
    assert_int_equal(output.report_count, 125);
    assert_int_equal(output.rejection_count, 125);
    assert_int_equal(output.rejections[99].line, 199);
    decode_output_free(&output);
    buffer_free(&text);
}

static void a_nul_is_no_end(void **state)
{
    (void)state;
    static const char text[] = "{\"host_id\":\"a\"," OBSERVED "," CPU "}\0{}";
    struct token token = gateway();
    struct decode_output output;
    decode(text, sizeof text - 1, &token, true, false, &output);
    assert_int_equal(output.report_count, 0);
    assert_int_equal(output.rejection_count, 1);
    decode_output_free(&output);
}

/* ---- Whose report it is ---- */

static void a_named_host_gets_a_uuid_of_its_customer(void **state)
{
    (void)state;
    const char *text = "{\"host_id\":\"pc-01\"," OBSERVED "," CPU "}";
    struct decode_output output;
    decode_one(text, &output);
    struct uuid expected = uuid_from_name("acme", "pc-01", 5);
    assert_int_equal(uuid_compare(&output.reports[0].host_id, &expected), 0);
    assert_string_equal(output.reports[0].host_name, "pc-01");
    decode_output_free(&output);
}

static void a_host_token_writes_only_its_host(void **state)
{
    (void)state;
    struct token token = {.kind = TOKEN_HOST, .customer_id = "acme"};
    assert_true(uuid_parse(HOST, &token.host_id));
    struct decode_output output;
    decode(WITH(CPU), strlen(WITH(CPU)), &token, true, false, &output);
    assert_int_equal(output.report_count, 1);
    decode_output_free(&output);

    const char *other = "{\"host_id\":\"" OTHER_HOST "\"," OBSERVED "," CPU "}";
    decode(other, strlen(other), &token, true, false, &output);
    assert_int_equal(output.rejection_count, 1);
    assert_int_equal(output.rejections[0].code, FAILURE_FORBIDDEN);
    assert_string_equal(output.rejections[0].detail,
                        "host_id: this token writes host " HOST ", not " OTHER_HOST);
    decode_output_free(&output);
}

static void another_customer_s_report_is_forbidden(void **state)
{
    (void)state;
    struct decode_output output;
    decode_one(WITH("\"customer_id\":\"other\"," CPU), &output);
    assert_int_equal(output.rejections[0].code, FAILURE_FORBIDDEN);
    decode_output_free(&output);
    decode_one(WITH("\"customer_id\":7," CPU), &output);
    assert_int_equal(output.rejections[0].code, FAILURE_INVALID);
    decode_output_free(&output);
}

static void a_replay_says_customer_and_time_itself(void **state)
{
    (void)state;
    struct token replay = {.kind = TOKEN_REPLAY};
    const struct token *senders[] = {&replay, NULL};
    const char *whole =
        WITH("\"customer_id\":\"hospital\",\"received_at\":\"2005-04-22T22:36:00Z\"," CPU);
    for (size_t i = 0; i < 2; i++) {
        struct decode_output output;
        decode(whole, strlen(whole), senders[i], false, true, &output);
        assert_int_equal(output.report_count, 1);
        assert_string_equal(output.reports[0].customer_id, "hospital");
        assert_true(output.reports[0].received_at == NOW + 50 * INSTANT_SECOND);
        decode_output_free(&output);

        const char *lacking =
            WITH("\"received_at\":0," CPU) "\n" WITH("\"customer_id\":\"h\"," CPU);
        decode(lacking, strlen(lacking), senders[i], false, true, &output);
        assert_int_equal(output.rejection_count, 2);
        assert_string_equal(output.rejections[0].detail, "customer_id: missing");
        assert_string_equal(output.rejections[1].detail, "received_at: missing");
        decode_output_free(&output);
    }
}

static void outside_a_replay_the_server_s_time_counts(void **state)
{
    (void)state;
    struct decode_output output;
    decode_one(WITH("\"received_at\":\"2001-01-01T00:00:00Z\"," CPU), &output);
    assert_int_equal(output.report_count, 1);
    assert_true(output.reports[0].received_at == NOW);
    decode_output_free(&output);
}

/* ---- Round trip ---- */

static void what_report_write_json_writes_is_read_back(void **state)
{
    (void)state;
    const char *texts[] = {sample, acceptable[1], acceptable[6], acceptable[8],
                           "{\"host_id\":\"a \\\"b\\\" \\\\ \xe6\x97\xa5\"," OBSERVED "," CPU "}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct decode_output first;
        struct decode_output second;
        struct buffer once = {0};
        struct buffer twice = {0};
        decode_one(texts[i], &first);
        assert_int_equal(first.report_count, 1);
        report_write_json(&first.reports[0], &once);
        decode(once.data, once.length, NULL, true, true, &second);
        assert_int_equal(second.report_count, 1);
        assert_int_equal(uuid_compare(&first.reports[0].host_id, &second.reports[0].host_id), 0);
        assert_int_equal(uuid_compare(&first.reports[0].segment_id, &second.reports[0].segment_id),
                         0);
        report_write_json(&second.reports[0], &twice);
        assert_string_equal(once.data, twice.data);
        buffer_free(&once);
        buffer_free(&twice);
        decode_output_free(&first);
        decode_output_free(&second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_report_is_refused_in_words),
        cmocka_unit_test(a_text_ends_at_its_limit),
        cmocka_unit_test(a_list_ends_at_its_limit),
        cmocka_unit_test(the_design_s_report_is_read_whole),
        cmocka_unit_test(an_unusual_report_is_taken),
        cmocka_unit_test(what_is_not_said_is_not_a_number),
        cmocka_unit_test(a_bad_line_costs_only_itself),
        cmocka_unit_test(only_the_first_hundred_rejections_are_kept),
        cmocka_unit_test(a_nul_is_no_end),
        cmocka_unit_test(a_named_host_gets_a_uuid_of_its_customer),
        cmocka_unit_test(a_host_token_writes_only_its_host),
        cmocka_unit_test(another_customer_s_report_is_forbidden),
        cmocka_unit_test(a_replay_says_customer_and_time_itself),
        cmocka_unit_test(outside_a_replay_the_server_s_time_counts),
        cmocka_unit_test(what_report_write_json_writes_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
