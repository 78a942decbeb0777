/* Setting text in columns of a terminal: widths of UTF-8, fitting, wrapping, numbers for people.
 *
 * Text that came from outside is safe to print through these: control characters, escape sequences
 * and direction overrides come out as U+FFFD, so that a customer's name cannot move the cursor.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_TEXT_LAYOUT_H
#define EPICENTER_ANALYZER_TEXT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"

/* What text is set on. */
struct text_page {
    struct buffer *out;
    size_t columns;
    bool colour; /* ANSI colours may be used */
};

#define TEXT_BOLD "\033[1m"
#define TEXT_DIM "\033[2m"
#define TEXT_PLAIN "\033[0m"

/* Appends our own words as they are, and an ANSI code where colour is allowed. */
void text_put(const struct text_page *page, const char *text);
void text_paint(const struct text_page *page, const char *code);

/* Length in bytes of the UTF-8 sequence at `text` and its code point; 0 when the bytes there are
 * not UTF-8 (RFC 3629, section 4) or the text ends. */
size_t text_code_point(const char *text, uint32_t *code_point);

/* Columns the text takes in a terminal: East Asian wide characters take two, combining marks
 * none. */
size_t text_width(const char *text);

enum text_align { TEXT_LEFT, TEXT_RIGHT };

/* Appends the text in exactly `width` columns: padded, or cut with an ellipsis. */
void text_append_fitted(struct buffer *out, const char *text, size_t width, enum text_align align);

/* Appends words of `text` as lines of at most `columns`, the first one starting in column `at`
 * (what stands before it is already written), the others indented by `indent`. Ends with a
 * newline. A word longer than a line (Japanese has no spaces) is broken where the line is full. */
void text_append_wrapped(struct buffer *out, const char *text, size_t at, size_t indent,
                         size_t columns);

void text_append_spaces(struct buffer *out, size_t count);

#define TEXT_NUMBER_SIZE 48

/* "1,234,567". Returns `text`. */
char *text_count(uint64_t count, char text[TEXT_NUMBER_SIZE]);

/* Three significant digits for a person: "0.042", "3.14", "127", "12,300", "4.56 million",
 * "1.20 billion"; "–" for what is not a number. Returns `text`. */
char *text_amount(double amount, char text[TEXT_NUMBER_SIZE]);

#endif
