/* A file of reports, in all its packings. Oracles: the same lines plain, and packed by zlib's and
 * libzstd's own writers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "analyzer/analysis.h"
#include "analyzer/answer.h"
#include "analyzer/cost.h"
#include "analyzer/registry.h"
#include "analyzer/report_file.h"
#include "common/buffer.h"

#define HOSTS 40
#define MINUTES 30
#define STARTED_AT (INT64_C(1114209180) * INSTANT_SECOND) /* 2005-04-22T22:33:00Z */

/* Thirty minutes of a small fleet: every host reports each minute, half install an update. */
static void append_reports(struct buffer *text)
{
    for (int minute = 0; minute < MINUTES; minute++) {
        for (int host = 0; host < HOSTS; host++) {
            char at[INSTANT_TEXT_SIZE];
            instant_format(STARTED_AT + minute * INSTANT_MINUTE + host * INSTANT_SECOND, at);
            buffer_append_format(
                text,
                "{\"customer_id\":\"c-%d\",\"received_at\":\"%s\",\"observed_at\":\"%s\","
                "\"host_id\":\"6f1d2c3a-5b7e-4f10-9a2b-0000000000%02d\","
                "\"host\":{\"product_line\":\"OfficeScan\",\"os\":\"Windows XP\"},%s"
                "\"cpu\":{\"interval_s\":60,\"busy\":0.%02d}}\n",
                host % 7, at, at, host,
                minute == 10 && host % 2 == 0
                    ? "\"updates\":[{\"id\":\"pattern/1\",\"outcome\":\"installed\","
                      "\"at\":\"2005-04-22T22:42:00Z\"}],"
                    : "",
                10 + (host * 7 + minute) % 30);
        }
    }
    assert_false(text->failed);
}

struct fixture {
    char path[64];
    struct buffer text;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    strcpy(fixture->path, "/tmp/epicenter-report-file-XXXXXX");
    int descriptor = mkstemp(fixture->path);
    assert_true(descriptor >= 0);
    close(descriptor);
    append_reports(&fixture->text);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    unlink(fixture->path);
    buffer_free(&fixture->text);
    free(fixture);
    return 0;
}

static void write_file(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void append_gzip(struct buffer *packed, const char *bytes, size_t length)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, length);
    unsigned char *out = malloc(room);
    stream.next_in = (z_const Bytef *)bytes;
    stream.avail_in = (uInt)length;
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    buffer_append(packed, out, stream.total_out);
    deflateEnd(&stream);
    free(out);
}

static void append_zstd(struct buffer *packed, const char *bytes, size_t length)
{
    size_t room = ZSTD_compressBound(length);
    char *out = malloc(room);
    size_t packed_length = ZSTD_compress(out, room, bytes, length, 3);
    assert_false(ZSTD_isError(packed_length));
    buffer_append(packed, out, packed_length);
    free(out);
}

struct reading {
    bool good;
    struct failure failure;
    struct report_file_counts counts;
    struct buffer answers;
    char messages[4096];
};

/* Reads the file into a fresh analysis and keeps what it answers. */
static struct reading read_file(const char *path)
{
    struct reading reading = {0};
    struct failure failure;
    struct registry *registry;
    struct analysis *analysis;
    struct cost_parameters parameters;
    const struct analysis_options options = {0};
    const struct answers *answers;
    FILE *messages = tmpfile();
    assert_non_null(messages);
    cost_parameters_default(&parameters);
    assert_true(registry_new(&registry, &failure));
    assert_true(analysis_new(&options, registry, &parameters, &analysis, &failure));
    reading.good =
        report_file_read(path, analysis, messages, false, &reading.counts, &reading.failure);
    assert_true(analysis_answers(analysis, &answers, &failure));
    assert_true(answer_write_json(answers, &reading.answers, &failure));
    rewind(messages);
    size_t length = fread(reading.messages, 1, sizeof reading.messages - 1, messages);
    reading.messages[length] = '\0';
    fclose(messages);
    analysis_free(analysis);
    registry_free(registry);
    return reading;
}

static void all_packings_say_the_same(void **state)
{
    struct fixture *fixture = *state;
    const char *text = fixture->text.data;
    size_t length = fixture->text.length;
    size_t middle = length / 2; /* mid-line: members and frames are cut anywhere */

    write_file(fixture->path, text, length);
    struct reading plain = read_file(fixture->path);
    assert_true(plain.good);
    assert_int_equal(plain.counts.lines, HOSTS * MINUTES);
    assert_int_equal(plain.counts.reports, HOSTS * MINUTES);
    assert_int_equal(plain.counts.bad_lines, 0);
    assert_non_null(strstr(plain.answers.data, "\"id\":\"pattern/1\""));
    /* The last report came at 23:02:39; ten seconds less, whole minutes. */
    assert_non_null(strstr(plain.answers.data, "\"as_of\":\"2005-04-22T23:02:00Z\""));

    for (int packing = 0; packing < 4; packing++) {
        struct buffer packed = {0};
        void (*append)(struct buffer *, const char *, size_t) =
            packing < 2 ? append_gzip : append_zstd;
        size_t first = packing % 2 == 0 ? length : middle;
        append(&packed, text, first);
        if (first < length) {
            append(&packed, text + first, length - first);
        }
        write_file(fixture->path, packed.data, packed.length);
        struct reading same = read_file(fixture->path);
        assert_true(same.good);
        assert_int_equal(same.counts.reports, plain.counts.reports);
        assert_string_equal(same.answers.data, plain.answers.data);
        buffer_free(&same.answers);
        buffer_free(&packed);
    }
    buffer_free(&plain.answers);
}

static void a_bad_line_costs_only_itself(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture->path, fixture->text.data, fixture->text.length);
    struct reading whole = read_file(fixture->path);

    /* Between line 3 and 4 one that is not JSON, and at the end one without its newline. */
    struct buffer spoilt = {0};
    const char *at = fixture->text.data;
    for (int i = 0; i < 3; i++) {
        at = strchr(at, '\n') + 1;
    }
    buffer_append(&spoilt, fixture->text.data, (size_t)(at - fixture->text.data));
    buffer_append_text(&spoilt, "{\"host_id\":\n");
    buffer_append_text(&spoilt, at);
    buffer_append_text(&spoilt, "{\"host_id\":5}");
    write_file(fixture->path, spoilt.data, spoilt.length);
    struct reading reading = read_file(fixture->path);

    assert_true(reading.good);
    assert_int_equal(reading.counts.bad_lines, 2);
    assert_int_equal(reading.counts.reports, HOSTS * MINUTES);
    assert_int_equal(reading.counts.lines, HOSTS * MINUTES + 2);
    char name[96];
    snprintf(name, sizeof name, "%s:4: ", fixture->path);
    assert_non_null(strstr(reading.messages, name));
    snprintf(name, sizeof name, "%s:%d: ", fixture->path, HOSTS * MINUTES + 2);
    assert_non_null(strstr(reading.messages, name));
    assert_string_equal(reading.answers.data, whole.answers.data);
    buffer_free(&reading.answers);
    buffer_free(&whole.answers);
    buffer_free(&spoilt);
}

static void a_line_too_long_is_skipped(void **state)
{
    struct fixture *fixture = *state;
    struct buffer text = {0};
    char *spaces = malloc(5 << 20);
    memset(spaces, 'x', 5 << 20);
    buffer_append(&text, spaces, 5 << 20);
    buffer_append_text(&text, "\n");
    buffer_append(&text, fixture->text.data, fixture->text.length);
    write_file(fixture->path, text.data, text.length);
    struct reading reading = read_file(fixture->path);
    assert_true(reading.good);
    assert_int_equal(reading.counts.bad_lines, 1);
    assert_int_equal(reading.counts.reports, HOSTS * MINUTES);
    assert_non_null(strstr(reading.messages, ":1: the line is longer than 4 MiB"));
    buffer_free(&reading.answers);
    buffer_free(&text);
    free(spaces);
}

static void what_is_cut_off_or_damaged_is_said(void **state)
{
    struct fixture *fixture = *state;
    struct {
        void (*append)(struct buffer *, const char *, size_t);
    } packings[] = {{append_gzip}, {append_zstd}};
    for (size_t i = 0; i < 2; i++) {
        struct buffer packed = {0};
        packings[i].append(&packed, fixture->text.data, fixture->text.length);
        write_file(fixture->path, packed.data, packed.length - 9);
        struct reading cut = read_file(fixture->path);
        assert_false(cut.good);
        assert_int_equal(cut.failure.code, FAILURE_INVALID);
        assert_non_null(strstr(cut.failure.message, "cut off"));

        memset(packed.data + packed.length / 2, 0xff, 16);
        write_file(fixture->path, packed.data, packed.length);
        struct reading damaged = read_file(fixture->path);
        assert_false(damaged.good);
        assert_int_equal(damaged.failure.code, FAILURE_INVALID);
        buffer_free(&damaged.answers);
        buffer_free(&cut.answers);
        buffer_free(&packed);
    }
}

static void a_file_that_is_empty_or_not_there(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture->path, "", 0);
    struct reading empty = read_file(fixture->path);
    assert_true(empty.good);
    assert_int_equal(empty.counts.lines, 0);
    buffer_free(&empty.answers);
    struct reading none = read_file("/nonexistent/reports.ndjson");
    assert_false(none.good);
    assert_int_equal(none.failure.code, FAILURE_NOT_FOUND);
    buffer_free(&none.answers);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(all_packings_say_the_same),         WITH_FILE(a_bad_line_costs_only_itself),
        WITH_FILE(a_line_too_long_is_skipped),        WITH_FILE(what_is_cut_off_or_damaged_is_said),
        WITH_FILE(a_file_that_is_empty_or_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
