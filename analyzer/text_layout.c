/* How wide is this text, and how does it fit? The hard thing: columns are neither bytes nor
 * characters. The C library's wcwidth depends on the process's locale, which a library cannot
 * choose, so the wide ranges stand here (Unicode 15, EastAsianWidth.txt, W and F).
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/text_layout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define ELLIPSIS "\xe2\x80\xa6"

void text_put(const struct text_page *page, const char *text)
{
    buffer_append_text(page->out, text);
}

void text_paint(const struct text_page *page, const char *code)
{
    if (page->colour) {
        buffer_append_text(page->out, code);
    }
}

struct code_range {
    uint32_t first, last;
};

static const struct code_range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},
    {0xa960, 0xa97c},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe10, 0xfe19},
    {0xfe30, 0xfe6b},   {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18cd5},
    {0x1b000, 0x1b2fb}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
    {0x20000, 0x2fffd}, {0x30000, 0x3fffd},
};

/* Combining marks of the scripts customers' names come in, and the invisible joiners. */
static const struct code_range narrowless[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},
    {0x093c, 0x093c}, {0x0941, 0x0948}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a},
    {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200d},
    {0x20d0, 0x20f0}, {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

/* Controls, line separators, and what changes the direction of the text around it. */
static const struct code_range unsafe[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x061c, 0x061c}, {0x200e, 0x200f},
    {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
};

static bool is_in(uint32_t code_point, const struct code_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (code_point >= ranges[i].first && code_point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}
#define IS_IN(code_point, ranges) is_in(code_point, ranges, sizeof(ranges) / sizeof *(ranges))

size_t text_code_point(const char *text, uint32_t *code_point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    if (first == '\0' || first > 0xf4 || (first >= 0x80 && first < 0xc2)) {
        return 0;
    }
    if (first < 0x80) {
        *code_point = first;
        return 1;
    }
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    uint32_t value = first & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (next & 0x3f);
    }
    if (value < smallest[length] || (value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff) {
        return 0;
    }
    *code_point = value;
    return length;
}

/* One character as it will be printed. */
struct glyph {
    const char *bytes;
    size_t length;   /* bytes to print */
    size_t consumed; /* bytes of the text it stands for; 0 at the end */
    size_t columns;
};

static struct glyph glyph_at(const char *text)
{
    uint32_t code_point = 0;
    if (*text == '\0') {
        return (struct glyph){.bytes = text};
    }
    size_t length = text_code_point(text, &code_point);
    if (length == 0 || IS_IN(code_point, unsafe)) {
        return (struct glyph){.bytes = REPLACEMENT,
                              .length = strlen(REPLACEMENT),
                              .consumed = length == 0 ? 1 : length,
                              .columns = 1};
    }
    size_t columns = code_point < 0x300              ? 1
                     : IS_IN(code_point, narrowless) ? 0
                     : IS_IN(code_point, wide)       ? 2
                                                     : 1;
    return (struct glyph){.bytes = text, .length = length, .consumed = length, .columns = columns};
}

size_t text_width(const char *text)
{
    size_t columns = 0;
    for (struct glyph glyph = glyph_at(text); glyph.consumed > 0; glyph = glyph_at(text)) {
        columns += glyph.columns;
        text += glyph.consumed;
    }
    return columns;
}

void text_append_spaces(struct buffer *out, size_t count)
{
    static const char spaces[] = "                                ";
    while (count > 0) {
        size_t part = count < sizeof spaces - 1 ? count : sizeof spaces - 1;
        buffer_append(out, spaces, part);
        count -= part;
    }
}

/* Appends glyphs of `text` while they fit `room` columns; returns the columns taken. */
static size_t append_glyphs(struct buffer *out, const char *text, size_t room)
{
    size_t taken = 0;
    for (struct glyph glyph = glyph_at(text); glyph.consumed > 0; glyph = glyph_at(text)) {
        if (taken + glyph.columns > room) {
            break;
        }
        buffer_append(out, glyph.bytes, glyph.length);
        taken += glyph.columns;
        text += glyph.consumed;
    }
    return taken;
}

void text_append_fitted(struct buffer *out, const char *text, size_t width, enum text_align align)
{
    size_t whole = text_width(text);
    if (whole > width) {
        size_t taken = width > 0 ? append_glyphs(out, text, width - 1) : 0;
        if (width > 0) {
            buffer_append_text(out, ELLIPSIS);
            text_append_spaces(out, width - 1 - taken);
        }
        return;
    }
    if (align == TEXT_RIGHT) {
        text_append_spaces(out, width - whole);
    }
    append_glyphs(out, text, whole);
    if (align == TEXT_LEFT) {
        text_append_spaces(out, width - whole);
    }
}

/* Bytes and columns of the word at `text`: up to the next space or the end. */
static size_t word_length(const char *text, size_t *columns)
{
    size_t length = 0;
    *columns = 0;
    while (text[length] != '\0' && text[length] != ' ') {
        struct glyph glyph = glyph_at(text + length);
        *columns += glyph.columns;
        length += glyph.consumed;
    }
    return length;
}

static void break_line(struct buffer *out, size_t indent, size_t *at)
{
    buffer_append_text(out, "\n");
    text_append_spaces(out, indent);
    *at = indent;
}

void text_append_wrapped(struct buffer *out, const char *text, size_t at, size_t indent,
                         size_t columns)
{
    bool line_is_empty = true;
    for (;;) {
        text += strspn(text, " ");
        size_t word_columns;
        size_t length = word_length(text, &word_columns);
        if (length == 0) {
            break;
        }
        size_t gap = line_is_empty ? 0 : 1;
        if (at + gap + word_columns > columns && !line_is_empty) {
            break_line(out, indent, &at);
            gap = 0;
        }
        text_append_spaces(out, gap);
        at += gap;
        const char *end = text + length;
        while (text < end) {
            struct glyph glyph = glyph_at(text);
            if (at + glyph.columns > columns && at > indent) {
                break_line(out, indent, &at);
            }
            buffer_append(out, glyph.bytes, glyph.length);
            at += glyph.columns;
            text += glyph.consumed;
        }
        line_is_empty = false;
    }
    buffer_append_text(out, "\n");
}

char *text_count(uint64_t count, char text[TEXT_NUMBER_SIZE])
{
    char digits[24];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    size_t to = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            text[to++] = ',';
        }
        text[to++] = digits[i];
    }
    text[to] = '\0';
    return text;
}

static char *not_finite(double amount, char text[TEXT_NUMBER_SIZE])
{
    const char *sign = isnan(amount) ? "\xe2\x80\x93"
                       : amount > 0  ? "\xe2\x88\x9e"
                                     : "-\xe2\x88\x9e";
    snprintf(text, TEXT_NUMBER_SIZE, "%s", sign);
    return text;
}

char *text_amount(double amount, char text[TEXT_NUMBER_SIZE])
{
    static const struct {
        double from, unit;
        const char *name;
    } scales[] = {{999.5e6, 1e9, " billion"}, {999.5e3, 1e6, " million"}};
    char digits[TEXT_NUMBER_SIZE];
    const char *name = "";
    double size = fabs(amount);
    if (!isfinite(amount)) {
        return not_finite(amount, text);
    }
    for (size_t i = 0; i < sizeof scales / sizeof *scales && *name == '\0'; i++) {
        if (size >= scales[i].from) {
            size /= scales[i].unit;
            name = scales[i].name;
        }
    }
    if (size >= 999.5) {
        double step = pow(10, floor(log10(size)) - 2);
        text_count((uint64_t)fmin(round(size / step) * step, 1e18), digits);
    } else {
        int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
        bool whole = *name == '\0' && fabs(size - round(size)) < 1e-9;
        snprintf(digits, sizeof digits, "%.*f", whole ? 0 : decimals, size);
    }
    snprintf(text, TEXT_NUMBER_SIZE, "%s%.30s%s", amount < 0 ? "-" : "", digits, name);
    return text;
}
