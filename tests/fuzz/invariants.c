/* Does a decoder keep its word on hostile input? The oracle is common/report.h: its limits, and
 * that what report_write_json writes, decode_report reads back unchanged.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/invariants.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/decode.h"
#include "common/buffer.h"
#include "common/failure.h"
#include "common/instant.h"
#include "common/report.h"
#include "common/uuid.h"

static void require(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "A decoded report breaks its word: %s\n", what);
        abort();
    }
}

static void require_text(const char *text, const char *what)
{
    require(text != NULL && text[0] != '\0' && strlen(text) <= REPORT_TEXT_LIMIT, what);
}

static void require_fraction(double value, const char *what)
{
    require(value >= 0 && value <= 1, what);
}

static void require_limits(const struct report *report)
{
    require_text(report->customer_id, "customer_id");
    if (report->host_name != NULL) {
        require_text(report->host_name, "host_name");
    }
    require(report->observed_at <= report->received_at + REPORT_AHEAD_LIMIT &&
                report->observed_at >= report->received_at - REPORT_BEHIND_LIMIT,
            "observed_at is within the limits of received_at");
    require(report->attribute_count <= REPORT_ATTRIBUTES_LIMIT, "attribute count");
    for (size_t i = 0; report->has_host && i < report->attribute_count; i++) {
        require_text(report->attributes[i].name, "attribute name");
        require_text(report->attributes[i].value, "attribute value");
        require(i == 0 || strcmp(report->attributes[i - 1].name, report->attributes[i].name) < 0,
                "attributes are sorted and named once");
    }
    require(report->update_count <= REPORT_UPDATES_LIMIT, "update count");
    for (size_t i = 0; i < report->update_count; i++) {
        require_text(report->updates[i].id, "update id");
        require(report->updates[i].outcome <= UPDATE_ROLLED_BACK, "update outcome");
    }
    if (!report->has_cpu) {
        return;
    }
    require(isfinite(report->interval_s) && report->interval_s > 0, "interval_s");
    require_fraction(report->busy, "busy");
    if (!isnan(report->peak)) {
        require_fraction(report->peak, "peak");
    }
    if (!isnan(report->product_busy)) {
        require_fraction(report->product_busy, "product_busy");
    }
}

static bool same_number(double left, double right)
{
    return isnan(left) ? (bool)isnan(right) : left == right;
}

static void require_same(const struct report *sent, const struct report *back)
{
    require(uuid_compare(&sent->host_id, &back->host_id) == 0, "host_id comes back");
    require(strcmp(sent->customer_id, back->customer_id) == 0, "customer_id comes back");
    require(sent->observed_at == back->observed_at, "observed_at comes back");
    require(sent->received_at == back->received_at, "received_at comes back");
    require(sent->has_host == back->has_host && sent->attribute_count == back->attribute_count,
            "the attributes come back");
    if (sent->has_host) {
        require(uuid_compare(&sent->segment_id, &back->segment_id) == 0, "segment_id comes back");
    }
    require(sent->update_count == back->update_count, "the updates come back");
    for (size_t i = 0; i < sent->update_count; i++) {
        require(strcmp(sent->updates[i].id, back->updates[i].id) == 0 &&
                    sent->updates[i].outcome == back->updates[i].outcome &&
                    sent->updates[i].at == back->updates[i].at,
                "an update comes back");
    }
    require(sent->has_cpu == back->has_cpu, "the cpu comes back");
    if (sent->has_cpu) {
        require(same_number(sent->interval_s, back->interval_s) &&
                    same_number(sent->busy, back->busy) && same_number(sent->peak, back->peak) &&
                    same_number(sent->product_busy, back->product_busy),
                "the cpu figures come back");
    }
}

static void require_round_trip(const struct report *report)
{
    struct buffer text = {0};
    report_write_json(report, &text);
    require(!text.failed, "there is memory to write a report");

    struct decode_input input = {
        .bytes = text.data, .length = text.length, .one_report = true, .replay = true};
    struct decode_output output = {0};
    struct failure failure = {0};
    require(decode_report(&input, &output, &failure), "there is memory to read a report");
    require(output.report_count == 1 && output.rejection_count == 0,
            "a written report is read again");
    require_same(report, &output.reports[0]);
    decode_output_free(&output);
    buffer_free(&text);
}

void invariants_check(decoder decode, struct decode_input input, const uint8_t *bytes,
                      size_t length)
{
    char *copy = malloc(length + 1);
    if (copy == NULL) {
        return;
    }
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    copy[length] = '\0';
    input.bytes = copy;
    input.length = length;

    struct decode_output output = {0};
    struct failure failure = {0};
    if (decode(&input, &output, &failure)) {
        require(output.report_count > 0 || output.rejection_count > 0 || length == 0 ||
                    decode == decode_collectd, /* which leaves other plugins' values alone */
                "a body is accepted or refused, never neither");
        for (size_t i = 0; i < output.report_count; i++) {
            require_limits(&output.reports[i]);
            require_round_trip(&output.reports[i]);
        }
    }
    decode_output_free(&output);
    free(copy);
}
