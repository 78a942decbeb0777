/* The quick way through decode_report means what the tree means. The oracle is
 * decode_report_by_tree, which stands on jansson; the inputs are reports of the design, changed in
 * thousands of ways by a fixed stream of random numbers. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/decode.h"
#include "collector/decode_usual.h"
#include "common/buffer.h"
#include "common/random_stream.h"
#include "common/report.h"

/* 2005-04-22T22:35:10Z, by `date -u -d … +%s`. */
#define NOW (INT64_C(1114209310) * INSTANT_SECOND)
#define CHANGED_PER_SAMPLE 20000

static const char *const samples[] = {
    "{\"host_id\":\"6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b\",\"observed_at\":\"2005-04-22T22:35:"
    "10Z\","
    "\"host\":{\"product_line\":\"OfficeScan\",\"product_version\":\"6.5\",\"os\":\"Windows XP\","
    "\"os_version\":\"SP2\",\"region\":\"JP\",\"ring\":\"broad\","
    "\"attributes\":{\"engine\":\"7.510\",\"locale\":\"ja-JP\",\"arch\":\"x86\"}},"
    "\"updates\":[{\"id\":\"pattern/2.594.00\",\"outcome\":\"installed\","
    "\"at\":\"2005-04-22T22:33:41Z\"}],"
    "\"cpu\":{\"interval_s\":300,\"busy\":0.98,\"peak\":1.0,\"product_busy\":0.95}}",
    "{\"customer_id\":\"acme\",\"received_at\":\"2005-04-22T22:35:11.25Z\",\"host_id\":\"pc-01\","
    "\"observed_at\":1114209310000,\"cpu\":{\"busy\":0.123456789012345,\"interval_s\":59.97}}",
    " { \"cpu\" : { \"interval_s\" : 60 , \"busy\" : 0 , \"peak\" : 1 } , \"host_id\" : \"a b\" ,\t"
    "\"observed_at\" : \"2005-04-23T07:35:10+09:00\" , \"host\" : { } , \"updates\" : [ ] } \r",
    "{\"host_id\":\"h\",\"observed_at\":1114209310000,\"received_at\":0,\"customer_id\":\"acme\","
    "\"updates\":[{\"at\":0,\"id\":\"a\",\"outcome\":\"failed\"},"
    "{\"outcome\":\"rolled_back\",\"at\":1114209310001,\"id\":\"b\"}]}",
};

static struct decode_input input_of(const char *text, size_t length, const struct token *token,
                                    bool replay)
{
    return (struct decode_input){.bytes = text,
                                 .length = length,
                                 .one_report = true,
                                 .token = token,
                                 .replay = replay,
                                 .received_at = NOW};
}

static bool same_number(double left, double right)
{
    return isnan(left) ? (bool)isnan(right) : left == right;
}

static bool same_text(const char *left, const char *right)
{
    return left == NULL || right == NULL ? left == right : strcmp(left, right) == 0;
}

static bool same_report(const struct report *left, const struct report *right)
{
    bool same = uuid_compare(&left->host_id, &right->host_id) == 0 &&
                same_text(left->host_name, right->host_name) &&
                same_text(left->customer_id, right->customer_id) &&
                left->observed_at == right->observed_at &&
                left->received_at == right->received_at && left->has_host == right->has_host &&
                uuid_compare(&left->segment_id, &right->segment_id) == 0 &&
                left->attribute_count == right->attribute_count &&
                left->update_count == right->update_count && left->has_cpu == right->has_cpu &&
                same_number(left->peak, right->peak) &&
                same_number(left->product_busy, right->product_busy) &&
                left->interval_s == right->interval_s && left->busy == right->busy;
    for (size_t i = 0; same && i < left->attribute_count; i++) {
        same = same_text(left->attributes[i].name, right->attributes[i].name) &&
               same_text(left->attributes[i].value, right->attributes[i].value);
    }
    for (size_t i = 0; same && i < left->update_count; i++) {
        same = same_text(left->updates[i].id, right->updates[i].id) &&
               left->updates[i].outcome == right->updates[i].outcome &&
               left->updates[i].at == right->updates[i].at;
    }
    return same;
}

/* Decodes both ways, requires the same, and says whether it was a report. */
static bool check(const char *text, size_t length, const struct token *token, bool replay)
{
    struct decode_input input = input_of(text, length, token, replay);
    struct decode_output quick = {0};
    struct decode_output tree = {0};
    struct failure failure;
    assert_true(decode_report(&input, &quick, &failure));
    assert_true(decode_report_by_tree(&input, &tree, &failure));
    if (quick.report_count != tree.report_count ||
        (quick.report_count == 1 && !same_report(&quick.reports[0], &tree.reports[0])) ||
        (tree.rejection_count == 1 &&
         strcmp(quick.rejections[0].detail, tree.rejections[0].detail) != 0)) {
        fail_msg("the two ways differ on\n%.*s", (int)length, text);
    }
    bool is_report = quick.report_count == 1;
    decode_output_free(&quick);
    decode_output_free(&tree);
    return is_report;
}

static void the_usual_goes_the_quick_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct token token = {.kind = TOKEN_GATEWAY, .customer_id = "acme"};
        struct decode_input input = input_of(samples[i], strlen(samples[i]), &token, false);
        struct arena arena = {0};
        struct report report;
        assert_true(decode_usual(&input, &arena, "acme", samples[i], strlen(samples[i]), &report));
        arena_free(&arena);
        assert_true(check(samples[i], strlen(samples[i]), &token, false));
    }
}

/* What is easily taken for usual and is not. */
static void the_nearly_usual_is_judged_alike(void **state)
{
    (void)state;
    static const char *const values[] = {
        "1",
        "1.0",
        "01",
        "1.",
        ".5",
        "-0",
        "-0.0",
        "+1",
        "1e0",
        "0.5E0",
        "0x1",
        "1.0.0",
        "1_0",
        "true",
        "null",
        "\"1\"",
        "0.1234567890123456789",
        "0.30000000000000004",
        "1.0000000000000002",
        "0.000000000000001",
        "123456789012345678",
        "9007199254740993",
        "1114209310000.0",
        "253402300800000",
        "999999999999999",
        "\"\"",
        "\"\\u0041\"",
        "\"\xc3\xa9\"",
        "\"\x7f\"",
        "\"2005-04-22T22:35:10\"",
    };
    static const char *const shapes[][2] = {
        {"{\"host_id\":\"h\",\"observed_at\":1114209310000,\"cpu\":{\"interval_s\":1,\"busy\":",
         "}}"},
        {"{\"host_id\":\"h\",\"observed_at\":1114209310000,\"cpu\":{\"busy\":1,\"interval_s\":",
         "}}"},
        {"{\"host_id\":\"h\",\"host\":{},\"observed_at\":", "}"},
        {"{\"host_id\":\"h\",\"host\":{},\"observed_at\":1114209310000,\"received_at\":", "}"},
        {"{\"host\":{},\"observed_at\":1114209310000,\"host_id\":", "}"},
        {"{\"host_id\":\"h\",\"observed_at\":1114209310000,\"host\":{\"os\":", "}}"},
        {"{\"host_id\":\"h\",\"observed_at\":1114209310000,\"host\":{\"attributes\":{\"a\":",
         "}}}"},
        {"{\"host_id\":\"h\",\"observed_at\":1114209310000,\"updates\":[{\"id\":\"u\","
         "\"outcome\":\"failed\",\"at\":",
         "}]}"},
        {"{\"host_id\":\"h\",\"observed_at\":1114209310000,\"host\":{},\"customer_id\":", "}"},
        {"{\"host_id\":\"h\",\"observed_at\":1114209310000,\"host\":{},\"unknown\":", "}"},
        {"{\"host_id\":\"h\",\"observed_at\":1114209310000,\"host\":{}} ", ""},
    };
    struct token token = {.kind = TOKEN_GATEWAY, .customer_id = "acme"};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            struct buffer text = {0};
            buffer_append_format(&text, "%s%s%s", shapes[s][0], values[v], shapes[s][1]);
            (void)check(text.data, text.length, &token, false);
            (void)check(text.data, text.length, NULL, true);
            buffer_free(&text);
        }
    }
}

static size_t below(struct random_stream *stream, size_t limit)
{
    return (size_t)random_below(stream, limit);
}

/* One to three changes: a byte replaced by one that matters to JSON, left out, or a part doubled.
 */
static void change(struct random_stream *stream, struct buffer *text)
{
    static const char bytes[] = "{}[]:,\"\\0123456789.-+eE \t\n\x01\x7f\xc3nutrfalse\0";
    for (size_t changes = 1 + below(stream, 3); changes > 0 && text->length > 2; changes--) {
        size_t at = below(stream, text->length - 1);
        size_t size = 1 + below(stream, text->length - at < 40 ? text->length - at : 40);
        switch (below(stream, 3)) {
        case 0:
            text->data[at] = bytes[below(stream, sizeof bytes)];
            break;
        case 1:
            memmove(text->data + at, text->data + at + size, text->length - at - size);
            text->length -= size;
            break;
        default: {
            struct buffer doubled = {0};
            buffer_append(&doubled, text->data, at + size);
            buffer_append(&doubled, text->data + at, text->length - at);
            buffer_free(text);
            *text = doubled;
            break;
        }
        }
        text->data[text->length] = '\0';
    }
}

static void changed_reports_are_judged_alike(void **state)
{
    (void)state;
    struct random_stream stream = random_stream_new(5, 1);
    struct token host = {.kind = TOKEN_HOST, .customer_id = "acme"};
    assert_true(uuid_parse("6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b", &host.host_id));
    struct token gateway = {.kind = TOKEN_GATEWAY, .customer_id = "acme"};
    const struct token *const senders[] = {&host, &gateway, NULL};
    size_t reports = 0;
    for (size_t s = 0; s < sizeof samples / sizeof *samples; s++) {
        for (int i = 0; i < CHANGED_PER_SAMPLE; i++) {
            struct buffer text = {0};
            buffer_append_text(&text, samples[s]);
            change(&stream, &text);
            const struct token *sender = senders[below(&stream, 3)];
            reports += check(text.data, text.length, sender, sender == NULL);
            buffer_free(&text);
        }
    }
    /* Or the changes would be too harsh to try anything. */
    assert_true(reports > sizeof samples / sizeof *samples * CHANGED_PER_SAMPLE / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_goes_the_quick_way),
        cmocka_unit_test(the_nearly_usual_is_judged_alike),
        cmocka_unit_test(changed_reports_are_judged_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
