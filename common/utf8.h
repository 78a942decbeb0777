/* Whether bytes are UTF-8, as the database and JSON demand (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_UTF8_H
#define EPICENTER_COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that the `length` bytes of `text` begin with, 1 to 4; 0 when they begin
 * with none. */
size_t utf8_character_size(const char *text, size_t length);

bool utf8_is_valid(const char *text, size_t length);

#endif
