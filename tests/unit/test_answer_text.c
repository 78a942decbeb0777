/* The terminal summary. Oracle for widths: the C library's wcswidth under C.UTF-8, which the code
 * does not use.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "analyzer/text_layout.h"
#include "common/buffer.h"
#include "tests/unit/sample_answers.h"

static int columns_by_libc(const char *line)
{
    wchar_t wide[1024];
    size_t length = mbstowcs(wide, line, sizeof wide / sizeof *wide);
    assert_true(length < sizeof wide / sizeof *wide);
    return wcswidth(wide, length);
}

static char *summary(const struct answers *answers, unsigned columns, bool colour)
{
    struct buffer text = {0};
    answer_write_text(answers, columns, colour, 5, &text);
    assert_false(text.failed);
    return text.data;
}

static void no_line_is_wider_than_asked(void **state)
{
    (void)state;
    struct answers answers = sample_answers();
    for (unsigned columns = 60; columns <= 120; columns++) {
        char *text = summary(&answers, columns, false);
        size_t lines = 0;
        char *rest = text;
        for (char *line = strsep(&rest, "\n"); rest != NULL; line = strsep(&rest, "\n")) {
            int width = columns_by_libc(line);
            assert_true(width >= 0); /* -1: a control character */
            assert_true((unsigned)width <= columns);
            assert_true(*line == '\0' || line[strlen(line) - 1] != ' ');
            lines++;
        }
        assert_true(lines <= (columns < 80 ? 72 : 62)); /* a screen; a narrow one scrolls */
        free(text);
    }
}

static void says_what_matters(void **state)
{
    (void)state;
    struct answers answers = sample_answers();
    char *text = summary(&answers, 120, false);
    static const char *const expected[] = {
        "HOLD  pattern/2.594.00",
        "as of 2005-04-23 01:40 UTC",
        "engine 7.510 on Windows XP SP2",
        "2005-04-22 22:39 UTC (between 22:37 and 22:42); released 22:33;",
        "withdrawn 2005-04-23 00:02",
        "e-value 10^412.7",
        "14.2 (9.04 or more with 99.9 % confidence)",
        "JP      OfficeScan",
        "33,755 onsets compared, at most one a customer a minute",
        "2,380 would be expected",
        "USD 2.31 million \xe2\x80\x93 4.87 million \xe2\x80\x93 9.12 million",
        "contact rate consumer (2.20 million)",
        "1. \xe6\x9d\xb1\xe6\x97\xa5\xe6\x9c\xac",
        "engine/7.600   INSUFFICIENT_DATA",
        "spyware/0.120  CLEAR",
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        if (strstr(text, expected[i]) == NULL) {
            fail_msg("\"%s\" is missing in\n%s", expected[i], text);
        }
    }
    free(text);
}

static void figures_stand_in_columns_and_the_total_is_theirs(void **state)
{
    (void)state;
    struct answers answers = sample_answers();
    char *text = summary(&answers, 120, false);
    const char *total = strstr(text, "  Total ");
    assert_non_null(total);
    assert_non_null(strstr(total, "18,957    26,119  39,962\xe2\x80\x93"
                                  "45,229"));
    /* Right-aligned: every row of the table ends in the same column. */
    const char *row = strstr(text, "  AMER ");
    size_t width = text_width(strndupa(row, strcspn(row, "\n")));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(text_width(strndupa(row, strcspn(row, "\n"))), width);
        row = strchr(row, '\n') + 1;
    }
    assert_int_equal(text_width(strndupa(total, strcspn(total, "\n"))), width);
    free(text);
}

static void long_tables_are_added_up(void **state)
{
    (void)state;
    struct impact_cell cells[25];
    char regions[25][8];
    for (size_t i = 0; i < 25; i++) {
        snprintf(regions[i], sizeof regions[i], "R%02zu", i);
        cells[i] = (struct impact_cell){.region = regions[i],
                                        .product_line = "OfficeScan",
                                        .hosts = {.confirmed = 10 * (i + 1)},
                                        .customers = {.confirmed = i + 1}};
    }
    struct answers answers = sample_answers();
    struct update_answer update = answers.updates[0];
    update.impact = cells;
    update.impact_count = 25;
    answers.updates = &update;
    answers.update_count = 1;
    char *text = summary(&answers, 120, false);
    /* The nine largest are R16 … R24; 1 + 2 + … + 16 = 136 customers are left. */
    assert_null(strstr(text, "R15"));
    assert_non_null(strstr(text, "R16"));
    const char *others = strstr(text, "16 others");
    assert_non_null(others);
    assert_non_null(strstr(strndupa(others, strcspn(others, "\n")), " 136 "));
    assert_non_null(strstr(strndupa(others, strcspn(others, "\n")), " 1,360 "));
    free(text);
}

static void colour_and_escapes_only_where_asked(void **state)
{
    (void)state;
    struct answers answers = sample_answers();
    char *plain = summary(&answers, 80, false);
    char *coloured = summary(&answers, 80, true);
    assert_null(strchr(plain, '\033'));
    assert_non_null(strstr(coloured, "\033[1;31mHOLD"));
    /* The escape sequence in a customer's name never gets through. */
    assert_null(strstr(coloured, "\033[2J"));
    free(plain);
    free(coloured);
}

static void nothing_yet_is_said(void **state)
{
    (void)state;
    struct answers nothing = {.as_of = INSTANT_NONE};
    char *text = summary(&nothing, 80, false);
    assert_string_equal(text, "Nothing has been reported yet.\n");
    free(text);
    nothing.as_of = INSTANT_MINUTE;
    text = summary(&nothing, 80, false);
    assert_non_null(strstr(text, "No update has been reported"));
    free(text);
}

static void widths_are_those_of_the_c_library(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "plain",
        "na\xc3\xafve caf\xc3\xa9",
        "e\xcc\x81tude",                                    /* a combining accent */
        "\xe6\x9d\xb1\xe4\xba\xac",                         /* 東京 */
        "\xef\xbc\xb4\xef\xbc\xad",                         /* full-width letters */
        "\xef\xbd\xb6\xef\xbe\x80\xef\xbd\xb6\xef\xbe\x85", /* half-width katakana */
        "\xe3\x81\x8b\xe3\x82\x99",                         /* か with a combining mark */
        "\xed\x95\x9c\xea\xb5\xad",                         /* 한국 */
        "\xd0\x9c\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0", /* Москва */
        "\xf0\xa0\xae\xb7",                                 /* a rare kanji, plane 2 */
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(text_width(texts[i]), columns_by_libc(texts[i]));
    }
}

static void text_is_cut_to_its_column(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t width;
        enum text_align align;
        const char *expected;
    } cases[] = {
        {"abc", 5, TEXT_LEFT, "abc  "},
        {"abc", 5, TEXT_RIGHT, "  abc"},
        {"abcdef", 4, TEXT_LEFT, "abc\xe2\x80\xa6"},
        /* Two wide characters fit three columns before the ellipsis only with a space. */
        {"\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", 4, TEXT_LEFT, "\xe6\x9d\xb1\xe2\x80\xa6 "},
        {"a\033[2Jb", 6, TEXT_LEFT, "a\xef\xbf\xbd[2Jb"},
        {"a\xff", 2, TEXT_LEFT, "a\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer out = {0};
        text_append_fitted(&out, cases[i].text, cases[i].width, cases[i].align);
        assert_string_equal(out.data, cases[i].expected);
        buffer_free(&out);
    }
}

static void numbers_are_for_people(void **state)
{
    (void)state;
    static const struct {
        double amount;
        const char *expected;
    } amounts[] = {
        {0, "0"},
        {3, "3"},
        {0.0424, "0.042"},
        {3.14159, "3.14"},
        {14.25, "14.2"},
        {127.4, "127"},
        {999.4, "999"},
        {1234, "1,230"},
        {999499, "999,000"},
        {999600, "1.00 million"},
        {4.5678e6, "4.57 million"},
        {1.2e9, "1.20 billion"},
        {-2500, "-2,500"},
    };
    char text[TEXT_NUMBER_SIZE];
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        assert_string_equal(text_amount(amounts[i].amount, text), amounts[i].expected);
    }
    assert_string_equal(text_count(0, text), "0");
    assert_string_equal(text_count(999, text), "999");
    assert_string_equal(text_count(1000, text), "1,000");
    assert_string_equal(text_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

int main(void)
{
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
        fputs("the locale C.UTF-8 is needed as the oracle\n", stderr);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_line_is_wider_than_asked),
        cmocka_unit_test(says_what_matters),
        cmocka_unit_test(figures_stand_in_columns_and_the_total_is_theirs),
        cmocka_unit_test(long_tables_are_added_up),
        cmocka_unit_test(colour_and_escapes_only_where_asked),
        cmocka_unit_test(nothing_yet_is_said),
        cmocka_unit_test(widths_are_those_of_the_c_library),
        cmocka_unit_test(text_is_cut_to_its_column),
        cmocka_unit_test(numbers_are_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
