/* One event, one line, one write; see log.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/instant.h"
#include "common/utf8.h"

static bool as_json;
static enum log_level lowest_level = LOG_LEVEL_INFO;

void log_use_json(bool json)
{
    as_json = json;
}

void log_set_level(enum log_level lowest)
{
    lowest_level = lowest;
}

/* U+0080 to U+009F, in which some terminals see orders. */
static bool is_c1_control(const char *text, size_t size)
{
    return size == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0;
}

/* As JSON has strings, and readable in text: nothing in them breaks the line or moves a cursor. */
static void append_quoted(struct buffer *line, const char *text)
{
    buffer_append_text(line, "\"");
    size_t left = strlen(text);
    for (size_t size; left > 0; text += size, left -= size) {
        unsigned char byte = (unsigned char)*text;
        size = utf8_character_size(text, left);
        if (byte == '"' || byte == '\\') {
            buffer_append_format(line, "\\%c", byte);
        } else if (byte < 0x20 || byte == 0x7f) {
            buffer_append_format(line, "\\u%04x", byte);
        } else if (is_c1_control(text, size)) {
            buffer_append_format(line, "\\u%04x", (unsigned char)text[1]);
        } else if (size == 0) {
            buffer_append_text(line, "\\ufffd");
            size = 1;
        } else {
            buffer_append(line, text, size);
        }
    }
    buffer_append_text(line, "\"");
}

static bool needs_quotes(const char *text)
{
    if (*text == '\0') {
        return true;
    }
    size_t left = strlen(text);
    for (size_t size; left > 0; text += size, left -= size) {
        unsigned char byte = (unsigned char)*text;
        size = utf8_character_size(text, left);
        if (byte <= ' ' || byte == '"' || byte == '=' || byte == '\\' || byte == 0x7f ||
            size == 0 || is_c1_control(text, size)) {
            return true;
        }
    }
    return false;
}

static void append_field(struct buffer *line, const struct log_field *field, bool first)
{
    if (as_json) {
        buffer_append_text(line, ",");
        append_quoted(line, field->name);
        buffer_append_text(line, ":");
    } else {
        buffer_append_format(line, "%s%s=", first ? "  " : " ", field->name);
    }
    if (field->text == NULL) {
        buffer_append_format(line, "%lld", (long long)field->number);
    } else if (as_json || needs_quotes(field->text)) {
        append_quoted(line, field->text);
    } else {
        buffer_append_text(line, field->text);
    }
}

void log_line(enum log_level level, const char *sentence, ...)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    if (level < lowest_level) {
        return;
    }
    struct buffer line = {0};
    char now[INSTANT_TEXT_SIZE];
    instant_format(instant_now() / 1000 * 1000, now);
    if (as_json) {
        buffer_append_format(&line, "{\"ts\":\"%s\",\"level\":\"%s\",\"msg\":", now, names[level]);
        append_quoted(&line, sentence);
    } else {
        buffer_append_format(&line, "%s %-7s %s", now, names[level], sentence);
    }
    va_list arguments;
    va_start(arguments, sentence);
    for (bool first = true;; first = false) {
        struct log_field field = va_arg(arguments, struct log_field);
        if (field.name == NULL) {
            break;
        }
        append_field(&line, &field, first);
    }
    va_end(arguments);
    buffer_append_text(&line, as_json ? "}\n" : "\n");
    if (!line.failed) {
        while (write(STDERR_FILENO, line.data, line.length) < 0 && errno == EINTR) {
        }
    }
    buffer_free(&line);
}
