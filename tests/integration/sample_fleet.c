/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/sample_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/uuid.h"

#define INSTALL_MINUTE 20
#define HARM_MINUTE 25

/* No two hosts report in the same microsecond, so their order is their time. */
static instant_us received_at(int minute, int host)
{
    return SAMPLE_STARTED_AT + minute * INSTANT_MINUTE + host * (INSTANT_SECOND / 4) + 123;
}

void sample_report(int minute, int host, struct sample_report *sample)
{
    bool struck = host % 2 == 0;
    memset(sample, 0, sizeof *sample);
    snprintf(sample->customer_id, sizeof sample->customer_id, "c-%03d", host);
    sample->attributes[0] = (struct report_attribute){"os", "Windows XP"};
    sample->attributes[1] = (struct report_attribute){"product_line", "OfficeScan"};
    sample->attributes[2] = (struct report_attribute){"region", host % 3 == 0 ? "JP" : "EMEA"};
    sample->update = (struct report_update){
        .id = SAMPLE_UPDATE, .outcome = UPDATE_INSTALLED, .at = received_at(minute, host)};
    sample->report = (struct report){
        .host_id = uuid_from_name("sample", &host, sizeof host),
        .customer_id = sample->customer_id,
        .observed_at = received_at(minute, host) - INSTANT_SECOND,
        .received_at = received_at(minute, host),
        .has_host = minute % 10 == 0,
        .segment_id = report_segment_id(sample->attributes, 3),
        .attributes = sample->attributes,
        .attribute_count = 3,
        .updates = &sample->update,
        .update_count = struck && minute == INSTALL_MINUTE ? 1 : 0,
        .has_cpu = true,
        .interval_s = 60,
        .busy = struck && minute >= HARM_MINUTE ? 0.99 : 0.1 + 0.01 * ((host + minute) % 7),
        .peak = NAN,
        .product_busy = 0.05,
    };
}

void sample_fleet_add(struct analysis *analysis, int first, int last)
{
    for (int minute = first; minute < last; minute++) {
        for (int host = 0; host < SAMPLE_HOSTS; host++) {
            struct sample_report sample;
            struct failure failure;
            sample_report(minute, host, &sample);
            assert_true(analysis_add(analysis, &sample.report, &failure));
        }
    }
}

void sample_fleet_run(struct database *database, const char *sql)
{
    struct failure failure;
    if (!database_run(database, sql, 0, NULL, NULL, &failure)) {
        fail_msg("%s", failure.message);
    }
}

static void store_segment(struct database *database, const struct report *report)
{
    struct failure failure;
    struct buffer json = {0};
    char id[UUID_TEXT_SIZE];
    for (size_t i = 0; i < report->attribute_count; i++) {
        buffer_append_format(&json, "%s\"%s\":\"%s\"", i == 0 ? "{" : ",",
                             report->attributes[i].name, report->attributes[i].value);
    }
    buffer_append_text(&json, "}");
    const char *parameters[] = {uuid_format(&report->segment_id, id), json.data};
    assert_true(database_run(database,
                             "insert into segment values ($1::uuid, $2::jsonb) on conflict do "
                             "nothing",
                             2, parameters, NULL, &failure));
    buffer_free(&json);
}

static void put_head(struct buffer *rows, int16_t fields, int64_t load_id,
                     const struct report *report)
{
    copy_row(rows, fields);
    copy_int64(rows, load_id);
    copy_uuid(rows, &report->host_id);
    copy_text(rows, report->customer_id);
    if (report->has_host) {
        copy_uuid(rows, &report->segment_id);
    } else {
        copy_null(rows);
    }
    copy_instant(rows, report->observed_at);
    copy_instant(rows, report->received_at);
}

static void put_report(struct buffer *reports, struct buffer *updates, int64_t load_id,
                       const struct report *report)
{
    put_head(reports, 10, load_id, report);
    copy_double(reports, report->interval_s);
    copy_double(reports, report->busy);
    copy_double(reports, report->peak);
    copy_double(reports, report->product_busy);
    for (size_t i = 0; i < report->update_count; i++) {
        put_head(updates, 9, load_id, report);
        copy_text(updates, report->updates[i].id);
        copy_int16(updates, (int16_t)report->updates[i].outcome);
        copy_instant(updates, report->updates[i].at);
    }
}

static int64_t open_load(struct database *database, int minute, int first, int rows,
                         const char *loaded_at)
{
    char count[16];
    char from[INSTANT_TEXT_SIZE];
    char until[INSTANT_TEXT_SIZE];
    struct failure failure;
    PGresult *result;
    snprintf(count, sizeof count, "%d", rows);
    const char *parameters[] = {count, instant_format(received_at(minute, first), from),
                                instant_format(received_at(minute, SAMPLE_HOSTS - 1), until),
                                loaded_at};
    assert_true(database_run(database,
                             "insert into report_load (collector, row_count, received_from,"
                             " received_until, loaded_at) values ('test', $1, $2, $3, $4)"
                             " returning load_id",
                             4, parameters, &result, &failure));
    int64_t load_id = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return load_id;
}

void sample_fleet_store(struct database *database, int minute, int first, int step,
                        const char *loaded_at)
{
    struct failure failure;
    struct buffer reports = {0};
    struct buffer updates = {0};
    int rows = (SAMPLE_HOSTS - first + step - 1) / step;
    int64_t load_id = open_load(database, minute, first, rows, loaded_at);
    copy_begin(&reports);
    copy_begin(&updates);
    for (int host = first; host < SAMPLE_HOSTS; host += step) {
        struct sample_report sample;
        sample_report(minute, host, &sample);
        if (sample.report.has_host) {
            store_segment(database, &sample.report);
        }
        put_report(&reports, &updates, load_id, &sample.report);
    }
    copy_end(&reports);
    copy_end(&updates);
    if (!database_copy_in(database, "copy report from stdin (format binary)", &reports, &failure) ||
        !database_copy_in(database, "copy report_update from stdin (format binary)", &updates,
                          &failure)) {
        fail_msg("%s", failure.message);
    }
    buffer_free(&reports);
    buffer_free(&updates);
}

void sample_fleet_store_minutes(struct database *database, int first, int last)
{
    for (int minute = first; minute < last; minute++) {
        sample_fleet_run(database, "begin");
        sample_fleet_store(database, minute, 0, 1, "now");
        sample_fleet_run(database, "commit");
    }
}
