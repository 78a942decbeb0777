/* Log lines, caught on a socket that keeps each write apart, so that one line proves to be one
 * write. jansson is the oracle of the JSON form.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/instant.h"
#include "common/log.h"

static int caught, original;
static char line[8192];

static int catch_lines(void **state)
{
    (void)state;
    int ends[2];
    original = dup(STDERR_FILENO);
    if (original < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 ||
        dup2(ends[1], STDERR_FILENO) < 0) {
        return -1;
    }
    caught = ends[0];
    close(ends[1]);
    log_use_json(false);
    log_set_level(LOG_LEVEL_INFO);
    return 0;
}

static int release_lines(void **state)
{
    (void)state;
    dup2(original, STDERR_FILENO);
    close(original);
    close(caught);
    return 0;
}

/* The next write, or "" when there was none. */
static const char *next_write(void)
{
    ssize_t length = recv(caught, line, sizeof line - 1, MSG_DONTWAIT);
    line[length > 0 ? length : 0] = '\0';
    return line;
}

/* The line behind its time, which must be one and now. */
static const char *after_time(void)
{
    next_write();
    char *space = strchr(line, ' ');
    assert_non_null(space);
    *space = '\0';
    instant_us at;
    assert_true(instant_parse(line, &at, NULL));
    assert_true(at <= instant_now() && at > instant_now() - INSTANT_HOUR);
    return space + 1;
}

static void a_line_is_a_sentence_and_its_fields(void **state)
{
    (void)state;
    log_info("replayed the horizon", log_number("reports", 48211), log_text("from", "24 h"));
    assert_string_equal(after_time(),
                        "info    replayed the horizon  reports=48211 from=\"24 h\"\n");
    log_warning("alone");
    assert_string_equal(after_time(), "warning alone\n");
    log_error("least", log_number("n", INT64_MIN), log_text("none", NULL), log_text("empty", ""));
    assert_string_equal(after_time(),
                        "error   least  n=-9223372036854775808 none=\"\" empty=\"\"\n");
    assert_string_equal(next_write(), "");
}

static void values_are_quoted_where_they_must_be(void **state)
{
    (void)state;
    static const struct {
        const char *value, *shown;
    } cases[] = {
        {"pattern/2.594.00", "pattern/2.594.00"},
        {"http://127.0.0.1:8420", "http://127.0.0.1:8420"},
        {"\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac"},
        {"a b", "\"a b\""},
        {"a=b", "\"a=b\""},
        {"say \"x\"", "\"say \\\"x\\\"\""},
        {"C:\\x", "\"C:\\\\x\""},
        /* A line that forges another, and orders to a terminal in all their forms. */
        {"x\n2026-11-23T07:16:00Z error forged", "\"x\\u000a2026-11-23T07:16:00Z error forged\""},
        {"\x1b[2J", "\"\\u001b[2J\""},
        {"\x7f", "\"\\u007f\""},
        {"\xc2\x9b"
         "2J",
         "\"\\u009b2J\""},
        {"\xc2\xa0", "\xc2\xa0"},
        {"bad \xff\xc3 bytes", "\"bad \\ufffd\\ufffd bytes\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "info    said  what=%s\n", cases[i].shown);
        log_info("said", log_text("what", cases[i].value));
        assert_string_equal(after_time(), expected);
    }
}

static void a_line_in_json_is_one_object(void **state)
{
    (void)state;
    log_use_json(true);
    log_error("cannot say \"this\"", log_text("path", "C:\\x\n\x1b\xff"),
              log_number("count", INT64_C(9007199254740993)), log_text("city", "\xe6\x9d\xb1"));
    next_write();
    assert_int_equal(line[strlen(line) - 1], '\n');
    json_error_t error;
    json_t *document = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL) {
        fail_msg("%s: %s", error.text, line);
    }
    instant_us at;
    assert_true(instant_parse(json_string_value(json_object_get(document, "ts")), &at, NULL));
    assert_string_equal(json_string_value(json_object_get(document, "level")), "error");
    assert_string_equal(json_string_value(json_object_get(document, "msg")), "cannot say \"this\"");
    assert_string_equal(json_string_value(json_object_get(document, "path")),
                        "C:\\x\n\x1b\xef\xbf\xbd");
    assert_string_equal(json_string_value(json_object_get(document, "city")), "\xe6\x9d\xb1");
    assert_true(json_integer_value(json_object_get(document, "count")) ==
                INT64_C(9007199254740993));
    assert_int_equal(json_object_size(document), 6);
    json_decref(document);
    assert_string_equal(next_write(), "");
}

static void levels_below_the_lowest_are_not_written(void **state)
{
    (void)state;
    log_debug("unseen");
    assert_string_equal(next_write(), "");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("seen");
    assert_string_equal(after_time(), "debug   seen\n");
    log_set_level(LOG_LEVEL_ERROR);
    log_warning("unseen");
    assert_string_equal(next_write(), "");
    log_error("seen");
    assert_string_equal(after_time(), "error   seen\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_a_sentence_and_its_fields, catch_lines,
                                        release_lines),
        cmocka_unit_test_setup_teardown(values_are_quoted_where_they_must_be, catch_lines,
                                        release_lines),
        cmocka_unit_test_setup_teardown(a_line_in_json_is_one_object, catch_lines, release_lines),
        cmocka_unit_test_setup_teardown(levels_below_the_lowest_are_not_written, catch_lines,
                                        release_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
