/* What does a line of our own format say? JSON or NDJSON (design, section 3) to reports.
 *
 * The hard thing is to be exact about what is wrong and still fast. Nearly all reports take the
 * quick way (decode_usual.h); the rest goes through a tree of JSON values here, which finds the
 * words: field names are put together only when a check refuses.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <jansson.h>

#include "collector/decode.h"
#include "collector/decode_steps.h"
#include "collector/decode_usual.h"

/* The largest report within report.h's limits has under 600. */
#define STRUCTURE_LIMIT 4096

struct reading {
    const struct decode_input *input;
    struct decode_output *output;
    const char *own_customer;
    bool by_tree; /* only; see decode_usual.h */
};

static bool copy_text(struct reading *reading, const json_t *value, const char **text,
                      struct failure *failure)
{
    const char *said;
    if (!decode_text(value, REPORT_TEXT_LIMIT, &said, failure)) {
        return false;
    }
    *text = arena_copy_text(&reading->output->arena, said, json_string_length(value));
    return *text != NULL || failure_memory(failure, "reading a report");
}

/* ---- Host ---- */

static bool read_attribute(struct reading *reading, const char *name, const json_t *value,
                           struct report_attribute *attribute, struct failure *failure)
{
    if (!decode_attribute_name_is_good(name)) {
        return failure_set(failure, FAILURE_INVALID,
                           "the name \"%.80s\" is not 1 to 64 of a-z, 0-9, _, . and -", name);
    }
    if (!copy_text(reading, value, &attribute->value, failure)) {
        return failure_prefix(failure, "%s: ", name);
    }
    attribute->name = arena_copy_text(&reading->output->arena, name, strlen(name));
    return attribute->name != NULL || failure_memory(failure, "reading a report");
}

static bool read_other_attributes(struct reading *reading, json_t *others,
                                  struct report_attribute *attributes, size_t *count,
                                  struct failure *failure)
{
    const char *name;
    json_t *value;
    json_object_foreach(others, name, value)
    {
        if (*count == REPORT_ATTRIBUTES_LIMIT) {
            return failure_set(failure, FAILURE_INVALID,
                               "host: more than %d attributes, the named ones included",
                               REPORT_ATTRIBUTES_LIMIT);
        }
        if (!read_attribute(reading, name, value, &attributes[*count], failure)) {
            return failure_prefix(failure, "host.attributes: ");
        }
        (*count)++;
    }
    return true;
}

static bool read_host(struct reading *reading, json_t *host, struct report *report,
                      struct failure *failure)
{
    /* The names live as long as the program, so they are not copied. */
    static const char *const named[] = {"product_line", "product_version", "os",
                                        "os_version",   "region",          "ring"};
    const size_t named_count = sizeof named / sizeof *named;

    if (!decode_is(host, JSON_OBJECT, failure)) {
        return failure_prefix(failure, "host: ");
    }
    json_t *others = json_object_get(host, "attributes");
    if (others != NULL && !decode_is(others, JSON_OBJECT, failure)) {
        return failure_prefix(failure, "host.attributes: ");
    }
    size_t room = named_count + json_object_size(others);
    struct report_attribute *attributes = arena_allocate(
        &reading->output->arena,
        (room < REPORT_ATTRIBUTES_LIMIT ? room : REPORT_ATTRIBUTES_LIMIT) * sizeof *attributes);
    if (attributes == NULL) {
        return failure_memory(failure, "reading a report");
    }
    size_t count = 0;
    for (size_t i = 0; i < named_count; i++) {
        const json_t *value = json_object_get(host, named[i]);
        if (value == NULL) {
            continue;
        }
        if (!copy_text(reading, value, &attributes[count].value, failure)) {
            return failure_prefix(failure, "host.%s: ", named[i]);
        }
        attributes[count++].name = named[i];
    }
    if (!read_other_attributes(reading, others, attributes, &count, failure)) {
        return false;
    }
    return decode_finish_attributes(report, attributes, count, failure) ||
           failure_prefix(failure, "host.attributes: ");
}

/* ---- Updates ---- */

static bool read_outcome(const json_t *value, enum update_outcome *outcome, struct failure *failure)
{
    const char *name;
    if (!decode_text(value, REPORT_TEXT_LIMIT, &name, failure)) {
        return false;
    }
    return update_outcome_parse(name, outcome) ||
           failure_set(failure, FAILURE_INVALID, "\"%s\" is not installed, failed or rolled_back",
                       name);
}

static bool read_update(struct reading *reading, const json_t *value, instant_us received_at,
                        struct report_update *update, struct failure *failure)
{
    if (!decode_is(value, JSON_OBJECT, failure)) {
        return failure_prefix(failure, ": ");
    }
    if (!copy_text(reading, json_object_get(value, "id"), &update->id, failure)) {
        return failure_prefix(failure, ".id: ");
    }
    if (!read_outcome(json_object_get(value, "outcome"), &update->outcome, failure)) {
        return failure_prefix(failure, ".outcome: ");
    }
    /* Not checked for being behind: a host may name what it installed long ago. */
    if (!decode_instant(json_object_get(value, "at"), &update->at, failure) ||
        !decode_check_ahead(update->at, received_at, failure)) {
        return failure_prefix(failure, ".at: ");
    }
    return true;
}

static bool read_updates(struct reading *reading, const json_t *list, struct report *report,
                         struct failure *failure)
{
    if (!decode_is(list, JSON_ARRAY, failure)) {
        return failure_prefix(failure, "updates: ");
    }
    size_t count = json_array_size(list);
    if (count > REPORT_UPDATES_LIMIT) {
        return failure_set(failure, FAILURE_INVALID, "updates: %zu are over the limit of %d", count,
                           REPORT_UPDATES_LIMIT);
    }
    if (count == 0) {
        return true;
    }
    struct report_update *updates =
        arena_allocate(&reading->output->arena, count * sizeof *updates);
    if (updates == NULL) {
        return failure_memory(failure, "reading a report");
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_update(reading, json_array_get(list, i), report->received_at, &updates[i],
                         failure)) {
            return failure_prefix(failure, "updates[%zu]", i);
        }
    }
    report->updates = updates;
    report->update_count = count;
    return true;
}

/* ---- CPU ---- */

static bool read_fraction(const json_t *value, double *fraction, struct failure *failure)
{
    if (!decode_number(value, fraction, failure)) {
        return false;
    }
    if (*fraction >= 0 && *fraction <= 1) {
        return true;
    }
    char text[DECODE_NUMBER_SIZE];
    return failure_set(failure, FAILURE_INVALID, "%s is not between 0 and 1",
                       decode_number_text(*fraction, text));
}

static bool read_interval(const json_t *value, double *interval_s, struct failure *failure)
{
    if (!decode_number(value, interval_s, failure)) {
        return false;
    }
    if (*interval_s > 0 && *interval_s <= DECODE_INTERVAL_LIMIT_S) {
        return true;
    }
    char text[DECODE_NUMBER_SIZE];
    return failure_set(failure, FAILURE_INVALID,
                       "%s is not over 0 and at most %.0f, which is a day",
                       decode_number_text(*interval_s, text), DECODE_INTERVAL_LIMIT_S);
}

static bool read_cpu(const json_t *cpu, struct report *report, struct failure *failure)
{
    if (!decode_is(cpu, JSON_OBJECT, failure)) {
        return failure_prefix(failure, "cpu: ");
    }
    if (!read_interval(json_object_get(cpu, "interval_s"), &report->interval_s, failure)) {
        return failure_prefix(failure, "cpu.interval_s: ");
    }
    if (!read_fraction(json_object_get(cpu, "busy"), &report->busy, failure)) {
        return failure_prefix(failure, "cpu.busy: ");
    }
    const json_t *peak = json_object_get(cpu, "peak");
    if (peak != NULL && !read_fraction(peak, &report->peak, failure)) {
        return failure_prefix(failure, "cpu.peak: ");
    }
    const json_t *product_busy = json_object_get(cpu, "product_busy");
    if (product_busy != NULL && !read_fraction(product_busy, &report->product_busy, failure)) {
        return failure_prefix(failure, "cpu.product_busy: ");
    }
    report->has_cpu = true;
    return true;
}

/* ---- A report ---- */

static bool read_times(const struct decode_input *input, const json_t *document,
                       struct report *report, struct failure *failure)
{
    report->received_at = input->received_at;
    if (input->replay &&
        !decode_instant(json_object_get(document, "received_at"), &report->received_at, failure)) {
        return failure_prefix(failure, "received_at: ");
    }
    if (!decode_instant(json_object_get(document, "observed_at"), &report->observed_at, failure) ||
        !decode_check_ahead(report->observed_at, report->received_at, failure) ||
        !decode_check_behind(report->observed_at, report->received_at, failure)) {
        return failure_prefix(failure, "observed_at: ");
    }
    return true;
}

static bool read_sender(struct reading *reading, const json_t *document, struct report *report,
                        struct failure *failure)
{
    const char *host;
    if (!decode_text(json_object_get(document, "host_id"), REPORT_TEXT_LIMIT, &host, failure)) {
        return failure_prefix(failure, "host_id: ");
    }
    const char *customer = NULL;
    const json_t *said = json_object_get(document, "customer_id");
    if (said != NULL && !decode_text(said, REPORT_TEXT_LIMIT, &customer, failure)) {
        return failure_prefix(failure, "customer_id: ");
    }
    return decode_identity(reading->input, &reading->output->arena, reading->own_customer, customer,
                           host, report, failure);
}

static bool read_report(struct reading *reading, const json_t *document, struct report *report,
                        struct failure *failure)
{
    if (!json_is_object(document)) {
        return failure_set(failure, FAILURE_INVALID, "a report is a JSON object");
    }
    if (!read_sender(reading, document, report, failure) ||
        !read_times(reading->input, document, report, failure)) {
        return false;
    }
    json_t *host = json_object_get(document, "host");
    const json_t *updates = json_object_get(document, "updates");
    const json_t *cpu = json_object_get(document, "cpu");
    if ((host != NULL && !read_host(reading, host, report, failure)) ||
        (updates != NULL && !read_updates(reading, updates, report, failure)) ||
        (cpu != NULL && !read_cpu(cpu, report, failure))) {
        return false;
    }
    if (!report->has_host && report->update_count == 0 && !report->has_cpu) {
        return failure_set(failure, FAILURE_INVALID, "holds none of host, updates and cpu");
    }
    return true;
}

/* Reads one document; a bad one is kept as a rejection. False only when memory is out. */
static bool take_document(struct reading *reading, size_t line, const char *bytes, size_t length,
                          struct failure *failure)
{
    struct report report;
    struct failure refusal = {0};
    json_t *document = NULL;
    if (!reading->by_tree && decode_usual(reading->input, &reading->output->arena,
                                          reading->own_customer, bytes, length, &report)) {
        return decode_add_report(reading->output, &report, failure);
    }
    report = (struct report){.peak = NAN, .product_busy = NAN};
    bool good = decode_json(bytes, length, STRUCTURE_LIMIT, &document, &refusal) &&
                read_report(reading, document, &report, &refusal);
    json_decref(document);
    if (good) {
        return decode_add_report(reading->output, &report, failure);
    }
    if (refusal.code == FAILURE_MEMORY) {
        *failure = refusal;
        return false;
    }
    return decode_reject(reading->output, line, &refusal, bytes, length, failure);
}

static bool is_blank(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (strchr(" \t\r\n", bytes[i]) == NULL || bytes[i] == '\0') {
            return false;
        }
    }
    return true;
}

static bool take_lines(struct reading *reading, struct failure *failure)
{
    const char *at = reading->input->bytes;
    const char *end = at + reading->input->length;
    for (size_t line = 1; at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline != NULL ? newline : end;
        size_t length = (size_t)(line_end - at);
        if (!is_blank(at, length) && !take_document(reading, line, at, length, failure)) {
            return false;
        }
        at = line_end + 1;
    }
    return true;
}

static bool decode_body(const struct decode_input *input, bool by_tree,
                        struct decode_output *output, struct failure *failure)
{
    struct reading reading = {.input = input, .output = output, .by_tree = by_tree};
    if (!decode_own_customer(input, &output->arena, &reading.own_customer, failure)) {
        return false;
    }
    bool good = input->one_report && !is_blank(input->bytes, input->length)
                    ? take_document(&reading, 1, input->bytes, input->length, failure)
                    : take_lines(&reading, failure);
    if (good && output->report_count == 0 && output->rejection_count == 0) {
        struct failure refusal = {.code = FAILURE_INVALID, .message = "the body is empty"};
        return decode_reject(output, 1, &refusal, "", 0, failure);
    }
    return good;
}

bool decode_report(const struct decode_input *input, struct decode_output *output,
                   struct failure *failure)
{
    return decode_body(input, false, output, failure);
}

bool decode_report_by_tree(const struct decode_input *input, struct decode_output *output,
                           struct failure *failure)
{
    return decode_body(input, true, output, failure);
}
