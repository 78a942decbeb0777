/* What would the analyzer have said of these reports? The file path: decompress, cut into whole
 * lines, decode with the collector's own decoder, add, advance. The hard thing is to cost a bad
 * line no more than itself: line numbers are counted across chunks, and a line too long to hold is
 * skipped to its end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/report_file.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/byte_source.h"
#include "analyzer/text_layout.h"
#include "collector/decode.h"
#include "common/instant.h"

#define CHUNK_BYTES                                                                                \
    ((size_t)1 << 20)                /* some 3,000 reports: decoding dominates, memory does not    \
                                      */
#define LINE_LIMIT ((size_t)4 << 20) /* REPORT_UPDATES_LIMIT updates of full length are 20 kB */
#define BAD_LINES_NAMED 100          /* more are a wrong file, not bad lines */
#define PROGRESS_INTERVAL (INSTANT_SECOND / 5)

struct reading {
    struct byte_source *source;
    struct analysis *analysis;
    const char *path;
    FILE *messages;
    bool progress;
    instant_us newest;         /* receive time, INSTANT_NONE before the first report */
    instant_us progress_shown; /* real time */
    bool skipping;             /* within a line that is too long */
    struct report_file_counts *counts;
    char *text; /* unread text, LINE_LIMIT + 1 bytes at most */
    size_t length;
};

static void clear_progress(const struct reading *reading)
{
    if (reading->progress) {
        fputs("\r\033[K", reading->messages);
    }
}

static void show_progress(struct reading *reading)
{
    instant_us now = instant_now();
    if (!reading->progress || now - reading->progress_shown < PROGRESS_INTERVAL) {
        return;
    }
    char reports[TEXT_NUMBER_SIZE];
    char newest[INSTANT_TEXT_SIZE] = "";
    if (reading->newest != INSTANT_NONE) {
        instant_format(reading->newest - reading->newest % INSTANT_SECOND, newest);
    }
    double fraction = byte_source_fraction(reading->source);
    clear_progress(reading);
    if (fraction >= 0) {
        fprintf(reading->messages, "%3.0f %%  ", 100 * fraction);
    }
    fprintf(reading->messages, "%s reports  %s", text_count(reading->counts->reports, reports),
            newest);
    fflush(reading->messages);
    reading->progress_shown = now;
}

static void name_bad_line(struct reading *reading, uint64_t line, const char *detail)
{
    reading->counts->bad_lines++;
    if (reading->counts->bad_lines > BAD_LINES_NAMED) {
        return;
    }
    clear_progress(reading);
    fprintf(reading->messages, "%s:%llu: %s\n", reading->path, (unsigned long long)line, detail);
    if (reading->counts->bad_lines == BAD_LINES_NAMED) {
        fprintf(reading->messages, "Further bad lines are only counted.\n");
    }
}

static bool take_reports(struct reading *reading, const struct decode_output *output,
                         struct failure *failure)
{
    for (size_t i = 0; i < output->report_count; i++) {
        const struct report *report = &output->reports[i];
        if (!analysis_add(reading->analysis, report, failure)) {
            return false;
        }
        if (reading->newest == INSTANT_NONE || report->received_at > reading->newest) {
            reading->newest = report->received_at;
        }
    }
    reading->counts->reports += output->report_count;
    return reading->newest == INSTANT_NONE ||
           analysis_advance(reading->analysis, reading->newest - ANALYSIS_LATENESS, failure);
}

static uint64_t count_lines(const char *text, size_t length)
{
    uint64_t lines = 0;
    const char *end = text + length;
    for (const char *at = text; at < end; lines++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline != NULL ? newline + 1 : end;
    }
    return lines;
}

/* Decodes the first `length` bytes of the text, whole lines, and drops them. */
static bool take_lines(struct reading *reading, size_t length, struct failure *failure)
{
    struct decode_output output = {0};
    char after = reading->text[length];
    reading->text[length] = '\0';
    struct decode_input input = {.bytes = reading->text, .length = length, .replay = true};
    bool good = decode_report(&input, &output, failure);
    if (good) {
        size_t named =
            output.rejection_count < BAD_LINES_NAMED ? output.rejection_count : BAD_LINES_NAMED;
        for (size_t i = 0; i < named; i++) {
            name_bad_line(reading, reading->counts->lines + output.rejections[i].line,
                          output.rejections[i].detail);
        }
        reading->counts->bad_lines += output.rejection_count - named;
        good = take_reports(reading, &output, failure);
    }
    decode_output_free(&output);
    reading->counts->lines += count_lines(reading->text, length);
    reading->text[length] = after;
    reading->length -= length;
    memmove(reading->text, reading->text + length, reading->length);
    return good;
}

/* Drops text up to and with the end of a line that is too long. */
static void skip_line(struct reading *reading)
{
    const char *newline = memchr(reading->text, '\n', reading->length);
    size_t length = newline != NULL ? (size_t)(newline + 1 - reading->text) : reading->length;
    reading->length -= length;
    memmove(reading->text, reading->text + length, reading->length);
    if (newline != NULL) {
        reading->counts->lines++;
        reading->skipping = false;
    }
}

static bool take_text(struct reading *reading, struct failure *failure)
{
    if (reading->skipping) {
        skip_line(reading);
    }
    const char *last = memrchr(reading->text, '\n', reading->length);
    if (last != NULL) {
        return take_lines(reading, (size_t)(last + 1 - reading->text), failure);
    }
    if (reading->length == LINE_LIMIT) {
        name_bad_line(reading, reading->counts->lines + 1, "the line is longer than 4 MiB");
        reading->skipping = true;
        skip_line(reading);
    }
    return true;
}

static bool read_all(struct reading *reading, struct failure *failure)
{
    for (;;) {
        size_t room = LINE_LIMIT - reading->length;
        size_t length;
        if (!byte_source_read(reading->source, reading->text + reading->length,
                              room < CHUNK_BYTES ? room : CHUNK_BYTES, &length, failure)) {
            return false;
        }
        if (length == 0) {
            break;
        }
        reading->length += length;
        if (!take_text(reading, failure)) {
            return false;
        }
        show_progress(reading);
    }
    if (reading->skipping) {
        reading->counts->lines++;
        return true;
    }
    return reading->length == 0 || take_lines(reading, reading->length, failure);
}

bool report_file_read(const char *path, struct analysis *analysis, FILE *messages, bool progress,
                      struct report_file_counts *counts, struct failure *failure)
{
    struct reading reading = {.analysis = analysis,
                              .path = path,
                              .messages = messages,
                              .progress = progress,
                              .newest = INSTANT_NONE,
                              .counts = counts};
    bool good = false;
    *counts = (struct report_file_counts){0};
    reading.text = malloc(LINE_LIMIT + 1);
    if (reading.text == NULL) {
        failure_memory(failure, "reading a file of reports");
        goto done;
    }
    if (!byte_source_open(path, &reading.source, failure)) {
        goto done;
    }
    good = read_all(&reading, failure);
    clear_progress(&reading);

done:
    byte_source_close(reading.source);
    free(reading.text);
    return good;
}
