/* The vocabulary's own functions: names, segments, and a report as one line of JSON; see report.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const outcome_names[] = {"installed", "failed", "rolled_back"};

const char *update_outcome_name(enum update_outcome outcome)
{
    return outcome_names[outcome];
}

bool update_outcome_parse(const char *name, enum update_outcome *outcome)
{
    for (size_t i = 0; i < sizeof outcome_names / sizeof *outcome_names; i++) {
        if (strcmp(name, outcome_names[i]) == 0) {
            *outcome = (enum update_outcome)i;
            return true;
        }
    }
    return false;
}

static int compare_names(const void *left, const void *right)
{
    const struct report_attribute *a = left;
    const struct report_attribute *b = right;
    return strcmp(a->name, b->name);
}

void report_sort_attributes(struct report_attribute *attributes, size_t count)
{
    if (count > 1) {
        qsort(attributes, count, sizeof *attributes, compare_names);
    }
}

struct uuid report_segment_id(const struct report_attribute *attributes, size_t count)
{
    char text[REPORT_ATTRIBUTES_LIMIT * 2 * (REPORT_TEXT_LIMIT + 1)];
    size_t length = 0;
    for (size_t i = 0; i < count && i < REPORT_ATTRIBUTES_LIMIT; i++) {
        const char *parts[] = {attributes[i].name, attributes[i].value};
        for (size_t part = 0; part < 2; part++) {
            size_t size = strnlen(parts[part], REPORT_TEXT_LIMIT);
            memcpy(text + length, parts[part], size);
            text[length + size] = '\0';
            length += size + 1;
        }
    }
    return uuid_from_name("segment", text, length);
}

const char *report_attribute_value(const struct report_attribute *attributes, size_t count,
                                   const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(attributes[i].name, name) == 0) {
            return attributes[i].value;
        }
    }
    return NULL;
}

/* ---- As JSON ---- */

static void append_string(struct buffer *out, const char *text)
{
    buffer_append(out, "\"", 1);
    const char *plain = text;
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte != '"' && byte != '\\' && byte >= 0x20) {
            continue;
        }
        buffer_append(out, plain, (size_t)(text - plain));
        if (byte < 0x20) {
            buffer_append_format(out, "\\u%04x", byte);
        } else {
            buffer_append_format(out, "\\%c", byte);
        }
        plain = text + 1;
    }
    buffer_append(out, plain, (size_t)(text - plain));
    buffer_append(out, "\"", 1);
}

static void append_named(struct buffer *out, const char *name, const char *text)
{
    append_string(out, name);
    buffer_append(out, ":", 1);
    append_string(out, text);
}

static void append_instant(struct buffer *out, const char *name, instant_us instant)
{
    char text[INSTANT_TEXT_SIZE];
    buffer_append_format(out, "\"%s\":\"%s\"", name, instant_format(instant, text));
}

/* The first of 15, 16 and 17 digits that reads back as the same double; %g drops the zeros. */
static void append_number(struct buffer *out, double number)
{
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    buffer_append_text(out, text);
}

static bool is_named(const char *attribute)
{
    static const char *const named[] = {"os",     "os_version", "product_line", "product_version",
                                        "region", "ring"};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (strcmp(attribute, named[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void append_host(struct buffer *out, const struct report *report)
{
    buffer_append_text(out, ",\"host\":{");
    size_t written = 0;
    size_t others = 0;
    for (size_t i = 0; i < report->attribute_count; i++) {
        const struct report_attribute *attribute = &report->attributes[i];
        if (!is_named(attribute->name)) {
            others++;
            continue;
        }
        buffer_append_text(out, written++ > 0 ? "," : "");
        append_named(out, attribute->name, attribute->value);
    }
    if (others > 0) {
        buffer_append_text(out, written > 0 ? ",\"attributes\":{" : "\"attributes\":{");
        written = 0;
        for (size_t i = 0; i < report->attribute_count; i++) {
            if (!is_named(report->attributes[i].name)) {
                buffer_append_text(out, written++ > 0 ? "," : "");
                append_named(out, report->attributes[i].name, report->attributes[i].value);
            }
        }
        buffer_append_text(out, "}");
    }
    buffer_append_text(out, "}");
}

static void append_updates(struct buffer *out, const struct report *report)
{
    buffer_append_text(out, ",\"updates\":[");
    for (size_t i = 0; i < report->update_count; i++) {
        const struct report_update *update = &report->updates[i];
        buffer_append_text(out, i > 0 ? ",{" : "{");
        append_named(out, "id", update->id);
        buffer_append_text(out, ",");
        append_named(out, "outcome", update_outcome_name(update->outcome));
        buffer_append_text(out, ",");
        append_instant(out, "at", update->at);
        buffer_append_text(out, "}");
    }
    buffer_append_text(out, "]");
}

static void append_cpu(struct buffer *out, const struct report *report)
{
    buffer_append_text(out, ",\"cpu\":{\"interval_s\":");
    append_number(out, report->interval_s);
    const struct {
        const char *name;
        double value;
    } figures[] = {
        {"busy", report->busy}, {"peak", report->peak}, {"product_busy", report->product_busy}};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        if (!isnan(figures[i].value)) {
            buffer_append_format(out, ",\"%s\":", figures[i].name);
            append_number(out, figures[i].value);
        }
    }
    buffer_append_text(out, "}");
}

void report_write_json(const struct report *report, struct buffer *buffer)
{
    char id[UUID_TEXT_SIZE];
    buffer_append_text(buffer, "{");
    append_named(buffer, "host_id",
                 report->host_name != NULL ? report->host_name : uuid_format(&report->host_id, id));
    if (report->customer_id != NULL) {
        buffer_append_text(buffer, ",");
        append_named(buffer, "customer_id", report->customer_id);
    }
    buffer_append_text(buffer, ",");
    append_instant(buffer, "observed_at", report->observed_at);
    buffer_append_text(buffer, ",");
    append_instant(buffer, "received_at", report->received_at);
    if (report->has_host) {
        append_host(buffer, report);
    }
    if (report->update_count > 0) {
        append_updates(buffer, report);
    }
    if (report->has_cpu) {
        append_cpu(buffer, report);
    }
    buffer_append_text(buffer, "}");
}
