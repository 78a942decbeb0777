/* Well-formed byte sequences by the table of the Unicode Standard (3-7); see utf8.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/utf8.h"

#include <stdint.h>

/* By first byte: the range of the second one, which alone tells overlong forms, surrogates and what
 * lies above U+10FFFF, and how many more continuation bytes follow. */
static const struct form {
    uint8_t first_low, first_high, second_low, second_high, size;
} forms[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool is_between(char byte, uint8_t low, uint8_t high)
{
    return (uint8_t)byte >= low && (uint8_t)byte <= high;
}

static bool has_form(const char *text, size_t length, const struct form *form)
{
    if (length < form->size || !is_between(text[0], form->first_low, form->first_high) ||
        !is_between(text[1], form->second_low, form->second_high)) {
        return false;
    }
    for (size_t i = 2; i < form->size; i++) {
        if (!is_between(text[i], 0x80, 0xbf)) {
            return false;
        }
    }
    return true;
}

size_t utf8_character_size(const char *text, size_t length)
{
    if (length > 0 && is_between(text[0], 0x00, 0x7f)) {
        return 1;
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (has_form(text, length, &forms[i])) {
            return forms[i].size;
        }
    }
    return 0;
}

bool utf8_is_valid(const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t size = utf8_character_size(text + at, length - at);
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}
