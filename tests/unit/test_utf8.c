/* UTF-8 against the encoding rule of RFC 3629 (section 3), applied to every code point there is,
 * and against every sequence of two bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/utf8.h"

/* The bits of `code` laid out in `size` bytes, whether or not that is the proper size. */
static void encode(uint32_t code, size_t size, char *bytes)
{
    static const uint8_t marks[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1;) {
        bytes[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    bytes[0] = (char)(marks[size] | code);
}

static void every_code_point_is_known_in_its_shortest_form_alone(void **state)
{
    (void)state;
    static const uint32_t first_of_next[] = {0, 0x80, 0x800, 0x10000, 0x200000};
    for (size_t size = 1; size <= 4; size++) {
        for (uint32_t code = 0; code < first_of_next[size]; code++) {
            char bytes[5] = "";
            encode(code, size, bytes);
            bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
            bool valid = code >= first_of_next[size - 1] && code <= 0x10ffff && !is_surrogate;
            size_t expected = valid ? size : 0;
            if (utf8_character_size(bytes, 4) != expected) {
                fail_msg("U+%04X in %zu bytes: %zu, not %zu", code, size,
                         utf8_character_size(bytes, 4), expected);
            }
            /* Cut short it is nothing. */
            assert_int_equal(utf8_character_size(bytes, size - 1), 0);
        }
    }
}

static void two_bytes_are_valid_as_the_rule_says(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            char bytes[] = {(char)first, (char)second};
            bool ascii = first < 0x80 && second < 0x80;
            bool pair = first >= 0xc2 && first <= 0xdf && second >= 0x80 && second <= 0xbf;
            assert_int_equal(utf8_is_valid(bytes, 2), ascii || pair);
        }
    }
}

static void texts_are_judged_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", true},
        {"Windows XP", true},
        {"\xe6\x9d\xb1\xe4\xba\xac", true},     /* Tokyo in Japanese */
        {"\x93\x8c\x8b\x9e", false},            /* the same in Shift_JIS */
        {"caf\xc3\xa9 \xf0\x9f\x94\xa5", true}, /* two and four bytes */
        {"caf\xe9", false},                     /* Latin-1 */
        {"cut \xe6\x9d", false},                /* ends within a character */
        {"\xed\xa0\xbd\xed\xb4\xa5", false},    /* a pair of surrogates (CESU-8) */
        {"\xc0\x80", false},                    /* NUL, overlong */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(utf8_is_valid(cases[i].text, strlen(cases[i].text)), cases[i].valid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_is_known_in_its_shortest_form_alone),
        cmocka_unit_test(two_bytes_are_valid_as_the_rule_says),
        cmocka_unit_test(texts_are_judged_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
