/* What a benchmark found, as a table for people and as build/bench/NAME.json for programs: an array
 * of {"name", "value", "unit", "goal" (or null), "holds"}.
 *
 *   struct bench_table *table = bench_table_new("ingest");
 *   bench_table_section(table, "The limits");
 *   bench_table_add(table, "bare server, 64 connections", 88000, "requests/s");
 *   bench_table_goal(table, "single reports, of the bare server", 0.43, "1", BENCH_AT_LEAST, 0.4);
 *   return bench_table_finish(table);
 *
 * Rows are printed as they come, so that a long benchmark shows how far it is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_BENCH_TABLE_H
#define EPICENTER_TESTS_BENCH_BENCH_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct bench_table;

/* Ends the program when memory is out, as everything here does: a benchmark has nobody to tell. */
struct bench_table *bench_table_new(const char *name);

/* A heading between rows; not in the JSON. */
void bench_table_section(struct bench_table *table, const char *title);

/* A line of explanation under the rows so far; not in the JSON. */
void bench_table_note(struct bench_table *table, const char *text);

void bench_table_add(struct bench_table *table, const char *name, double value, const char *unit);

enum bench_goal { BENCH_AT_LEAST, BENCH_AT_MOST };
void bench_table_goal(struct bench_table *table, const char *name, double value, const char *unit,
                      enum bench_goal direction, double goal);

/* A line on standard error that the next row or progress writes over: how far a long run is. Only
 * on a terminal. */
void bench_table_progress(struct bench_table *table, const char *what, size_t done, size_t all);

/* Writes the JSON below build/bench and frees the table. The exit status of the program: 0, also
 * when a goal is missed (the table says so); 1 when the file cannot be written. */
int bench_table_finish(struct bench_table *table);

/* The median; `values` are sorted. */
double bench_median(double *values, size_t count);

#endif
