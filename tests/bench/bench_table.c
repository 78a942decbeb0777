/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench_table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#define DIRECTORY "build/bench"

struct bench_table {
    char *name;
    json_t *rows;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

struct bench_table *bench_table_new(const char *name)
{
    struct bench_table *table = calloc(1, sizeof *table);
    if (table == NULL || (table->name = strdup(name)) == NULL ||
        (table->rows = json_array()) == NULL) {
        die("starting a table");
    }
    return table;
}

static void clear_progress(void)
{
    if (isatty(STDERR_FILENO) == 1) {
        (void)fputs("\r\033[K", stderr);
    }
}

void bench_table_section(struct bench_table *table, const char *title)
{
    (void)table;
    clear_progress();
    printf("\n%s\n", title);
    (void)fflush(stdout);
}

void bench_table_note(struct bench_table *table, const char *text)
{
    (void)table;
    clear_progress();
    printf("    %s\n", text);
    (void)fflush(stdout);
}

/* Four digits that matter, thousands apart. */
static void format_value(double value, char text[static 32])
{
    if (!isfinite(value)) {
        (void)snprintf(text, 32, "–");
        return;
    }
    if (fabs(value) < 1000) {
        (void)snprintf(text, 32, "%.4g", value);
        return;
    }
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%.0f", value);
    size_t used = 0;
    for (int i = 0; i < length && used < 30; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-') {
            text[used++] = ',';
        }
        text[used++] = digits[i];
    }
    text[used] = '\0';
}

/* Columns a text takes on a terminal: characters, not bytes. */
static int padding(const char *text, int columns)
{
    int width = 0;
    for (const char *at = text; *at != '\0'; at++) {
        width += ((unsigned char)*at & 0xC0) != 0x80 ? 1 : 0;
    }
    return width < columns ? columns - width : 0;
}

static void add_row(struct bench_table *table, const char *name, double value, const char *unit,
                    json_t *take_goal, bool holds, const char *said)
{
    char text[32];
    format_value(value, text);
    clear_progress();
    printf("  %s%*s %*s%s  %s%*s%s\n", name, padding(name, 62), "", padding(text, 12), "", text,
           unit, *said != '\0' ? padding(unit, 20) : 0, "", said);
    (void)fflush(stdout);
    json_t *number = isfinite(value) ? json_real(value) : json_null();
    json_t *row = json_pack("{s:s, s:o, s:s, s:o, s:b}", "name", name, "value", number, "unit",
                            unit, "goal", take_goal, "holds", holds);
    if (row == NULL || json_array_append_new(table->rows, row) != 0) {
        die("adding a row");
    }
}

void bench_table_add(struct bench_table *table, const char *name, double value, const char *unit)
{
    add_row(table, name, value, unit, json_null(), true, "");
}

void bench_table_goal(struct bench_table *table, const char *name, double value, const char *unit,
                      enum bench_goal direction, double goal)
{
    bool holds = direction == BENCH_AT_LEAST ? value >= goal : value <= goal;
    char limit[32];
    char said[96];
    format_value(goal, limit);
    (void)snprintf(said, sizeof said, "%s %s: %s", direction == BENCH_AT_LEAST ? "≥" : "≤", limit,
                   holds ? "holds" : "MISSED");
    add_row(table, name, value, unit, json_real(goal), holds, said);
}

void bench_table_progress(struct bench_table *table, const char *what, size_t done, size_t all)
{
    (void)table;
    if (isatty(STDERR_FILENO) == 1) {
        (void)fprintf(stderr, "\r\033[K  %s: %zu of %zu", what, done, all);
        (void)fflush(stderr);
    }
}

int bench_table_finish(struct bench_table *table)
{
    char path[256];
    (void)mkdir("build", 0777);
    (void)mkdir(DIRECTORY, 0777);
    (void)snprintf(path, sizeof path, DIRECTORY "/%s.json", table->name);
    bool written = json_dump_file(table->rows, path, JSON_INDENT(1) | JSON_REAL_PRECISION(8)) == 0;
    if (written) {
        printf("\n%s\n", path);
    } else {
        (void)fprintf(stderr, "bench: %s cannot be written: %s\n", path, strerror(errno));
    }
    json_decref(table->rows);
    free(table->name);
    free(table);
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    if (count == 0) {
        return NAN;
    }
    qsort(values, count, sizeof *values, compare);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}
