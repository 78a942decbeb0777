/* One event, one line, one write; see log.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/instant.h"

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

static void append_quoted(struct buffer *line, const char *text)
{
    buffer_append_text(line, "\"");
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"' || byte == '\\') {
            buffer_append_format(line, "\\%c", byte);
        } else if (byte < 0x20 || byte == 0x7f) {
            buffer_append_format(line, "\\u%04x", byte);
        } else {
            buffer_append(line, at, 1);
        }
    }
    buffer_append_text(line, "\"");
}

static bool needs_quotes(const char *text)
{
    if (*text == '\0') {
        return true;
    }
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte <= ' ' || byte == '"' || byte == '=' || byte == '\\' || byte == 0x7f) {
            return true;
        }
    }
    return false;
}

static void append_field(struct buffer *line, const struct log_field *field)
{
    if (as_json) {
        buffer_append_text(line, ",");
        append_quoted(line, field->name);
        buffer_append_text(line, ":");
    } else {
        buffer_append_format(line, " %s=", field->name);
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
        buffer_append_format(&line, "%s %-7s %s ", now, names[level], sentence);
    }
    va_list arguments;
    va_start(arguments, sentence);
    for (;;) {
        struct log_field field = va_arg(arguments, struct log_field);
        if (field.name == NULL) {
            break;
        }
        append_field(&line, &field);
    }
    va_end(arguments);
    buffer_append_text(&line, as_json ? "}\n" : "\n");
    if (!line.failed) {
        while (write(STDERR_FILENO, line.data, line.length) < 0 && errno == EINTR) {
        }
    }
    buffer_free(&line);
}
