/* What does collectd's write_http say of a host? Percentages become reports, one a sample;
 * notifications of installed updates become reports of the update.
 *
 * The hard thing is what the agent leaves out: bodies are cut by size, so that a sample's states
 * may come in two requests. Only the state that says it alone is read: percent-active, or
 * percent-idle as its complement. Values of other plugins are neither reports nor wrong.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "collector/decode.h"
#include "collector/decode_steps.h"

/* A value has some 40 characters of structure in 250 bytes; 64 KiB of them have 11,000. */
#define STRUCTURE_LIMIT 16384
/* Where RFC 3339 ends, in seconds. */
#define LAST_SECOND 253402300799.0
/* collectd adds up fractions in floating point; this much over 100 is still 100. */
#define PERCENT_SLACK 0.01
#define HOST_NAMES_SEEN 64

struct reading {
    const struct decode_input *input;
    struct decode_output *output;
    const char *own_customer;
    struct report attributes; /* has_host, attributes and segment of every report */
    /* Hosts whose first percent-active of this body has been seen. More than these in one body come
     * through a relay, which does not start its sessions anew. */
    struct uuid seen[HOST_NAMES_SEEN];
    size_t seen_count;
};

static bool start_report(struct reading *reading, const json_t *host, const char *field,
                         struct report *report, struct failure *failure)
{
    *report = reading->attributes;
    report->received_at = reading->input->received_at;
    report->peak = NAN;
    report->product_busy = NAN;
    const char *name;
    if (!decode_text(host, REPORT_TEXT_LIMIT, &name, failure)) {
        return failure_prefix(failure, "%s: ", field);
    }
    return decode_identity(reading->input, &reading->output->arena, reading->own_customer, NULL,
                           name, report, failure);
}

static bool check_time(const struct report *report, struct failure *failure)
{
    return decode_check_ahead(report->observed_at, report->received_at, failure) &&
           decode_check_behind(report->observed_at, report->received_at, failure);
}

/* ---- Values ---- */

static const char *text_or_empty(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static bool read_time(const json_t *value, instant_us *instant, struct failure *failure)
{
    double seconds;
    if (!decode_number(value, &seconds, failure)) {
        return false;
    }
    if (!(seconds >= 0 && seconds <= LAST_SECOND)) {
        char text[DECODE_NUMBER_SIZE];
        return failure_set(failure, FAILURE_INVALID, "%s seconds are not a time from 1970 to 9999",
                           decode_number_text(seconds, text));
    }
    *instant = (instant_us)llround(seconds * 1e3) * 1000; /* collectd writes milliseconds */
    return true;
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

static bool read_percent(const json_t *value, double *percent, struct failure *failure)
{
    if (!decode_number(value, percent, failure)) {
        return false;
    }
    if (*percent >= -PERCENT_SLACK && *percent <= 100 + PERCENT_SLACK) {
        *percent = fmin(fmax(*percent, 0), 100);
        return true;
    }
    char text[DECODE_NUMBER_SIZE];
    return failure_set(failure, FAILURE_INVALID, "%s is not between 0 and 100",
                       decode_number_text(*percent, text));
}

/* Whether this is the first percent-active of the host in this body. */
static bool is_first(struct reading *reading, const struct uuid *host_id)
{
    for (size_t i = 0; i < reading->seen_count; i++) {
        if (uuid_compare(&reading->seen[i], host_id) == 0) {
            return false;
        }
    }
    if (reading->seen_count == HOST_NAMES_SEEN) {
        return false;
    }
    reading->seen[reading->seen_count++] = *host_id;
    return true;
}

static bool read_sample(struct reading *reading, const json_t *element, const json_t *value,
                        bool active, struct failure *failure)
{
    struct report report;
    double percent;
    if (!start_report(reading, json_object_get(element, "host"), "host", &report, failure)) {
        return false;
    }
    if (!read_time(json_object_get(element, "time"), &report.observed_at, failure) ||
        !check_time(&report, failure)) {
        return failure_prefix(failure, "time: ");
    }
    if (!read_interval(json_object_get(element, "interval"), &report.interval_s, failure)) {
        return failure_prefix(failure, "interval: ");
    }
    if (!read_percent(value, &percent, failure)) {
        return failure_prefix(failure, "values[0]: ");
    }
    report.busy = active ? percent / 100 : 1 - percent / 100;
    /* collectd's first percent-active after it starts is an exact 0 that was never measured. A body
     * cannot tell a start, so an exact 0 that comes first is taken for a sign of life alone. */
    report.has_cpu = !(active && is_first(reading, &report.host_id) && percent == 0);
    return (!report.has_cpu && !report.has_host) ||
           decode_add_report(reading->output, &report, failure);
}

static bool read_value(struct reading *reading, const json_t *element, struct failure *failure)
{
    if (strcmp(text_or_empty(element, "plugin"), "cpu") != 0) {
        return true;
    }
    const char *type = text_or_empty(element, "type");
    const char *state = text_or_empty(element, "type_instance");
    if (strcmp(type, "cpu") == 0) {
        return failure_set(failure, FAILURE_INVALID,
                           "type: cpu counts clock ticks; set ValuesPercentage true in collectd's "
                           "plugin cpu");
    }
    bool active = strcmp(state, "active") == 0;
    if (strcmp(type, "percent") != 0 || (!active && strcmp(state, "idle") != 0)) {
        return true;
    }
    if (text_or_empty(element, "plugin_instance")[0] != '\0') {
        return failure_set(failure, FAILURE_INVALID,
                           "plugin_instance: one processor is not the host; set ReportByCpu false "
                           "in collectd's plugin cpu");
    }
    const json_t *values = json_object_get(element, "values");
    if (!decode_is(values, JSON_ARRAY, failure)) {
        return failure_prefix(failure, "values: ");
    }
    const json_t *value = json_array_get(values, 0);
    if (json_is_null(value)) { /* what JSON has for NaN: not measured this time */
        return true;
    }
    return read_sample(reading, element, value, active, failure);
}

/* ---- Notifications ---- */

static bool read_update(struct reading *reading, const json_t *annotations,
                        struct report_update *update, struct failure *failure)
{
    const char *id;
    if (!decode_text(json_object_get(annotations, "update_id"), REPORT_TEXT_LIMIT, &id, failure)) {
        return failure_prefix(failure, "annotations.update_id: ");
    }
    const json_t *outcome = json_object_get(annotations, "outcome");
    const char *name = "installed";
    if (outcome != NULL && !decode_text(outcome, REPORT_TEXT_LIMIT, &name, failure)) {
        return failure_prefix(failure, "annotations.outcome: ");
    }
    if (!update_outcome_parse(name, &update->outcome)) {
        return failure_set(failure, FAILURE_INVALID,
                           "annotations.outcome: \"%s\" is not installed, failed or rolled_back",
                           name);
    }
    update->id = arena_copy_text(&reading->output->arena, id, strlen(id));
    return update->id != NULL || failure_memory(failure, "reading a notification");
}

static bool read_notification(struct reading *reading, const json_t *element,
                              struct failure *failure)
{
    const json_t *labels = json_object_get(element, "labels");
    if (strcmp(text_or_empty(labels, "alertname"), "collectd_update_install") != 0) {
        return true;
    }
    struct report report;
    if (!start_report(reading, json_object_get(labels, "instance"), "labels.instance", &report,
                      failure)) {
        return false;
    }
    if (!decode_instant(json_object_get(element, "startsAt"), &report.observed_at, failure) ||
        !check_time(&report, failure)) {
        return failure_prefix(failure, "startsAt: ");
    }
    struct report_update *update = arena_allocate(&reading->output->arena, sizeof *update);
    if (update == NULL) {
        return failure_memory(failure, "reading a notification");
    }
    if (!read_update(reading, json_object_get(element, "annotations"), update, failure)) {
        return false;
    }
    update->at = report.observed_at;
    report.updates = update;
    report.update_count = 1;
    return decode_add_report(reading->output, &report, failure);
}

/* ---- The body ---- */

static bool read_element(struct reading *reading, const json_t *element, struct failure *failure)
{
    if (json_object_get(element, "labels") != NULL) {
        return read_notification(reading, element, failure);
    }
    if (json_object_get(element, "values") != NULL) {
        return read_value(reading, element, failure);
    }
    return failure_set(failure, FAILURE_INVALID,
                       "neither values nor labels: not an element of collectd's write_http");
}

static bool take_element(struct reading *reading, size_t number, const json_t *element,
                         struct failure *failure)
{
    struct failure refusal = {0};
    if (read_element(reading, element, &refusal)) {
        return true;
    }
    if (refusal.code == FAILURE_MEMORY) {
        *failure = refusal;
        return false;
    }
    char *excerpt = json_dumps(element, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *text = excerpt != NULL ? excerpt : "";
    bool good = decode_reject(reading->output, number, &refusal, text, strlen(text), failure);
    free(excerpt);
    return good;
}

/* What the URL says of the host, checked as the native format checks it. */
static bool read_attributes(struct reading *reading, struct failure *failure)
{
    const struct decode_input *input = reading->input;
    if (input->attribute_count == 0) {
        return true;
    }
    if (input->attribute_count > REPORT_ATTRIBUTES_LIMIT) {
        return failure_set(failure, FAILURE_INVALID, "the URL names more than %d attributes",
                           REPORT_ATTRIBUTES_LIMIT);
    }
    struct arena *arena = &reading->output->arena;
    struct report_attribute *copies =
        arena_allocate(arena, input->attribute_count * sizeof *copies);
    if (copies == NULL) {
        return failure_memory(failure, "reading the URL");
    }
    for (size_t i = 0; i < input->attribute_count; i++) {
        const struct report_attribute *said = &input->attributes[i];
        size_t length = strlen(said->value);
        if (!decode_attribute_name_is_good(said->name)) {
            return failure_set(failure, FAILURE_INVALID,
                               "the URL's attribute \"%.80s\" is not named by 1 to 64 of a-z, 0-9, "
                               "_, . and -",
                               said->name);
        }
        if (!decode_check_text(said->value, length, REPORT_TEXT_LIMIT, failure)) {
            return failure_prefix(failure, "the URL's attribute %s: ", said->name);
        }
        copies[i].name = arena_copy_text(arena, said->name, strlen(said->name));
        copies[i].value = arena_copy_text(arena, said->value, length);
        if (copies[i].name == NULL || copies[i].value == NULL) {
            return failure_memory(failure, "reading the URL");
        }
    }
    return decode_finish_attributes(&reading->attributes, copies, input->attribute_count,
                                    failure) ||
           failure_prefix(failure, "the URL's attribute ");
}

bool decode_collectd(const struct decode_input *input, struct decode_output *output,
                     struct failure *failure)
{
    struct reading reading = {.input = input, .output = output};
    struct failure refusal = {0};
    json_t *body = NULL;
    if (!decode_own_customer(input, &output->arena, &reading.own_customer, failure)) {
        return false;
    }
    bool good = read_attributes(&reading, &refusal) &&
                decode_json(input->bytes, input->length, STRUCTURE_LIMIT, &body, &refusal);
    if (good && !json_is_array(body)) {
        good = failure_set(&refusal, FAILURE_INVALID, "collectd's write_http sends an array");
    }
    if (!good && refusal.code == FAILURE_MEMORY) {
        *failure = refusal;
    } else if (!good) {
        good = decode_reject(output, 1, &refusal, input->bytes, input->length, failure);
    } else {
        for (size_t i = 0; good && i < json_array_size(body); i++) {
            good = take_element(&reading, i + 1, json_array_get(body, i), failure);
        }
    }
    json_decref(body);
    return good;
}
