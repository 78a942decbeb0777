/* Log lines on standard error: one event one line, a sentence and its fields.
 *
 *   log_info("replayed the horizon", log_number("reports", 48211), log_text("from", "24 h"));
 *   2026-11-23T07:16:00.125Z info    replayed the horizon  reports=48211 from="24 h"
 *
 * Text for people, JSON lines for machines (log_use_json: members ts, level, msg, then the fields).
 * Field texts are quoted where they hold a space, a quote or anything a terminal might obey. Never
 * pass a token, a secret or a body.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_LOG_H
#define EPICENTER_COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

struct log_field {
    const char *name;
    const char *text; /* NULL: the field is a number */
    int64_t number;
};

static inline struct log_field log_text(const char *name, const char *text)
{
    return (struct log_field){.name = name, .text = text != NULL ? text : ""};
}
static inline struct log_field log_number(const char *name, int64_t number)
{
    return (struct log_field){.name = name, .number = number};
}

/* Set once, before threads start. The default is text at LOG_LEVEL_INFO. */
void log_use_json(bool json);
void log_set_level(enum log_level lowest);

/* Writes one line with one write call; thread-safe. After the sentence come struct log_field
 * values, the last with a NULL name; the macros below add that one. */
void log_line(enum log_level level, const char *sentence, ...);

#define LOG_END ((struct log_field){.name = NULL})
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__, LOG_END)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__, LOG_END)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__, LOG_END)
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__, LOG_END)

#endif
