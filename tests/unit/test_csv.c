/* CSV against the rules of RFC 4180 (section 2) written out as cases, and against itself: what is
 * written is read back.
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

#include "common/csv.h"
#include "common/random_stream.h"

static char path[] = "/tmp/epicenter-test-csv-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_bytes(const void *bytes, size_t length)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static const char *const columns[] = {"id", "name"};

/* Joins all records as "id|name;" and closes; on an error gives its message, in brackets. */
static const char *read_all(void)
{
    static char joined[1024];
    joined[0] = '\0';
    struct csv_reader *reader;
    struct failure failure = {0};
    const char *cells[2];
    bool end = false;
    if (!csv_open(path, columns, 2, &reader, &failure)) {
        snprintf(joined, sizeof joined, "[%s]", failure.message);
        return joined;
    }
    while (csv_next(reader, cells, &end, &failure) && !end) {
        size_t used = strlen(joined);
        snprintf(joined + used, sizeof joined - used, "%s|%s;", cells[0], cells[1]);
    }
    if (!end) {
        assert_int_equal(failure.code, FAILURE_INVALID);
        size_t used = strlen(joined);
        snprintf(joined + used, sizeof joined - used, "[%s]", failure.message);
    }
    csv_close(reader);
    return joined;
}

static void records_are_read_as_the_standard_says(void **state)
{
    (void)state;
    static const struct {
        const char *content, *expected;
    } cases[] = {
        {"id,name\n1,a\n2,b\n", "1|a;2|b;"},
        {"id,name\r\n1,a\r\n2,b\r\n", "1|a;2|b;"},
        {"id,name\r1,a\r2,b", "1|a;2|b;"},
        {"id,name\n1,a", "1|a;"},                    /* no line end at the end */
        {"id,name\n1,a\n\n\r\n2,b\n\n", "1|a;2|b;"}, /* empty lines */
        {"\xef\xbb\xbfid,name\n1,a\n", "1|a;"},      /* byte order mark */
        {"\xef\xbb\xbf\"id\",\"name\"\n1,a\n", "1|a;"},
        {"name,other,id\na,x,1\n", "1|a;"}, /* any order, others ignored */
        {"id,name\n\"1\",\"a,b\"\n", "1|a,b;"},
        {"id,name\n1,\"say \"\"x\"\"\"\n", "1|say \"x\";"},
        {"id,name\n1,\"two\nlines\"\n2,b\n", "1|two\nlines;2|b;"},
        {"id,name\n1,\"two\r\nlines\"\r\n", "1|two\r\nlines;"},
        {"id,name\n,\n", "|;"},
        {"id,name\n\"\",\"\"\n", "|;"},
        {"id,name\n1,a b \n", "1|a b ;"},       /* spaces are part of a field */
        {"id,name\n1,inch \"\n", "1|inch \";"}, /* a quote inside stands for itself */
        {"id,name\n1,\xe6\x9d\xb1\xe4\xba\xac\n", "1|\xe6\x9d\xb1\xe4\xba\xac;"},
        {"id,name\n", ""},
        {"id,name", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_bytes(cases[i].content, strlen(cases[i].content));
        assert_string_equal(read_all(), cases[i].expected);
    }
}

static void bad_files_name_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *content, *says;
    } cases[] = {
        {"", "is empty; it needs a header line"},
        {"\n\n", "is empty; it needs a header line"},
        {"id,other\n1,a\n", "line 1: there is no column \"name\""},
        {"ID,name\n1,a\n", "line 1: there is no column \"id\""},
        {"id,name\n1,a\n2\n", "line 3: 1 cells where the header has 2]"},
        {"id,name\n1,a\n2,b,c\n", "line 3: 3 cells where the header has 2]"},
        {"id,name\n1,\"two\nlines\"\n2\n", "line 4: 1 cells"},
        {"id,name\r\n\r\n1,a\r\n2\r\n", "line 4: 1 cells"},
        {"id,name\n1,a\n2,\"b\n3,c\n", "line 3: a quoted cell does not end"},
        {"id,name\n1,\"a\"b\n", "line 2: text after a closing quote"},
        {"id,name\n1,a\n2,\x93\x8c\x8b\x9e\n", "line 3: not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_bytes(cases[i].content, strlen(cases[i].content));
        const char *answer = read_all();
        if (strstr(answer, cases[i].says) == NULL || strstr(answer, path) == NULL) {
            fail_msg("case %zu: %s", i, answer);
        }
    }
    write_bytes("id,name\n1,a\0b\n", 14);
    assert_non_null(strstr(read_all(), "line 2: a NUL byte"));
}

static void the_line_of_a_record_is_known(void **state)
{
    (void)state;
    static const char content[] = "id,name\n\n1,\"a\nb\nc\"\r\n2,d\n\n\n3,e";
    static const size_t lines[] = {3, 6, 9};
    write_bytes(content, strlen(content));
    struct csv_reader *reader;
    const char *cells[2];
    bool end;
    assert_true(csv_open(path, columns, 2, &reader, NULL));
    for (size_t i = 0; i < 3; i++) {
        assert_true(csv_next(reader, cells, &end, NULL));
        assert_false(end);
        assert_int_equal(csv_line(reader), lines[i]);
    }
    /* The end stays the end. */
    for (int i = 0; i < 3; i++) {
        assert_true(csv_next(reader, cells, &end, NULL));
        assert_true(end);
    }
    csv_close(reader);
}

static void a_quote_forgotten_in_a_large_file_is_found(void **state)
{
    (void)state;
    struct buffer content = {0};
    buffer_append_text(&content, "id,name\n1,\"never closed\n");
    while (content.length < ((size_t)2 << 20)) {
        buffer_append_text(&content, "2,another record\n");
    }
    write_bytes(content.data, content.length);
    buffer_free(&content);
    assert_non_null(strstr(read_all(), "line 2: the record is over 1 MiB; is a quote missing?"));
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    struct csv_reader *reader;
    struct failure failure = {0};
    assert_false(csv_open("/nowhere/customers.csv", columns, 2, &reader, &failure));
    assert_int_equal(failure.code, FAILURE_NOT_FOUND);
    assert_string_equal(failure.message,
                        "cannot read /nowhere/customers.csv: No such file or directory");
    assert_false(csv_open("/tmp", columns, 2, &reader, &failure));
    assert_non_null(strstr(failure.message, "Is a directory"));
    csv_close(NULL);
}

static void cells_that_a_spreadsheet_would_run_are_disarmed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"plain", "plain"},
        {"", ""},
        {"a,b", "\"a,b\""},
        {"say \"x\"", "\"say \"\"x\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"two\r\nlines", "\"two\r\nlines\""},
        {"=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""},
        {"=1+1", "'=1+1"},
        {"+1", "'+1"},
        {"-1", "'-1"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"\t=1", "'\t=1"},
        {"\r=1", "\"'\r=1\""},
        {"1-1", "1-1"},
        {"a=b", "a=b"},
        {"\xe6\x9d\xb1", "\xe6\x9d\xb1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer cell = {0};
        csv_append_cell(&cell, cases[i].text);
        buffer_append(&cell, "", 0);
        assert_string_equal(cell.data, cases[i].written);
        buffer_free(&cell);
    }
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    /* Texts of the awkward characters; none starts with what would be disarmed, nor is a line of
     * them empty. */
    static const char awkward[] = "\",\n\r ;'\tab=";
    struct random_stream random = random_stream_new(5, 1);
    char texts[500][2][16];
    struct buffer content = {0};
    buffer_append_text(&content, "id,name\r\n");
    for (size_t i = 0; i < 500; i++) {
        for (size_t c = 0; c < 2; c++) {
            size_t length = 1 + random_below(&random, 14);
            for (size_t at = 0; at < length; at++) {
                texts[i][c][at] = awkward[random_below(&random, sizeof awkward - 1)];
            }
            texts[i][c][0] = 'x';
            texts[i][c][length] = '\0';
            csv_append_cell(&content, texts[i][c]);
            buffer_append_text(&content, c == 0 ? "," : "\r\n");
        }
    }
    write_bytes(content.data, content.length);
    buffer_free(&content);
    struct csv_reader *reader;
    struct failure failure;
    const char *cells[2];
    bool end;
    assert_true(csv_open(path, columns, 2, &reader, &failure));
    for (size_t i = 0; i < 500; i++) {
        assert_true(csv_next(reader, cells, &end, &failure));
        assert_false(end);
        assert_string_equal(cells[0], texts[i][0]);
        assert_string_equal(cells[1], texts[i][1]);
    }
    assert_true(csv_next(reader, cells, &end, &failure));
    assert_true(end);
    csv_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read_as_the_standard_says),
        cmocka_unit_test(bad_files_name_the_line),
        cmocka_unit_test(the_line_of_a_record_is_known),
        cmocka_unit_test(a_quote_forgotten_in_a_large_file_is_found),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(cells_that_a_spreadsheet_would_run_are_disarmed),
        cmocka_unit_test(what_is_written_is_read_back),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
