/* What has been reported since we last looked? Loads are named in table report_load, in the
 * transaction of their rows, so a load that is seen is complete. The hard thing is the order: ids
 * are given out before commits, so one may turn up after a higher one (load_gaps.h), and what has
 * turned up between the look at report_load and the copy of rows must not be taken twice: rows are
 * taken by the list of loads, not by range alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/follow.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyzer/follow_batch.h"
#include "analyzer/load_gaps.h"
#include "analyzer/segment_book.h"
#include "analyzer/statements.h"
#include "common/buffer.h"
#include "common/report.h"

/* Rows taken in one step: 0.2 s of work, so that a stop and a look at the API never wait longer;
 * twice as many gain nothing measurable. */
#define ROWS_AT_ONCE 65536
/* Rows between two calls to summarise the index: as many are looked through in vain by each copy
 * until then, half of them on average, 25 ms; ten times as many would take a core on their own. */
#define ROWS_PER_SUMMARY 100000
#define LOADS_AT_ONCE 1024
#define LOADS_AT_ONCE_TEXT "1024"

struct load {
    int64_t load_id;
    int64_t row_count;
    instant_us received_from; /* INSTANT_NONE for a heartbeat */
    instant_us received_until;
    instant_us loaded_at;
    bool was_missing;
};

struct follow {
    struct analysis *analysis;
    pthread_rwlock_t *analysis_lock;
    instant_us horizon;
    struct segment_book *segments;
    struct follow_batch batch;
    struct load_gaps gaps;
    instant_us database_now;

    bool resumed;             /* goes on from what another run has taken in */
    bool started;             /* the horizon is known */
    instant_us horizon_start; /* loads of before, among those there at the start, are passed over */
    int64_t before_start;     /* the load before the first that is to be taken in */
    int64_t newest_at_start;
    int64_t newest_polled;
    instant_us first_received;

    struct load loads[2 * LOADS_AT_ONCE]; /* polled, not yet taken in: from load_at on */
    size_t load_at, load_count;
    struct follow_counts counts;
    uint64_t rows_summarized; /* rows copied when the index was last summarised */
};

bool follow_new(struct analysis *analysis, pthread_rwlock_t *analysis_lock, instant_us horizon,
                struct follow **follow, struct failure *failure)
{
    struct follow *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "following the database");
    }
    made->analysis = analysis;
    made->analysis_lock = analysis_lock;
    made->horizon = horizon;
    made->first_received = INSTANT_NONE;
    if (!segment_book_new(&made->segments, failure)) {
        follow_free(made);
        return false;
    }
    *follow = made;
    return true;
}

void follow_free(struct follow *follow)
{
    if (follow == NULL) {
        return;
    }
    segment_book_free(follow->segments);
    follow_batch_free(&follow->batch);
    load_gaps_free(&follow->gaps);
    free(follow);
}

static int64_t integer_at(const PGresult *rows, int row, int column, int64_t when_null)
{
    return PQgetisnull(rows, row, column) ? when_null
                                          : strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

static bool start(struct follow *follow, struct database *database, struct failure *failure)
{
    PGresult *rows = NULL;
    char horizon[24];
    const char *parameters[] = {horizon};
    snprintf(horizon, sizeof horizon, "%lld", (long long)follow->horizon);
    if (!database_run(database, STATEMENT_HORIZON, 1, parameters, &rows, failure)) {
        return false;
    }
    if (follow->resumed) {
        follow->newest_polled = follow->gaps.newest_id;
        follow->newest_at_start = integer_at(rows, 0, 1, 0);
        follow->horizon_start = INT64_MIN; /* all that came since, as if it had never stopped */
    } else if (PQntuples(rows) == 1 && !PQgetisnull(rows, 0, 0)) {
        follow->newest_polled = integer_at(rows, 0, 0, 0) - 1;
        follow->newest_at_start = integer_at(rows, 0, 1, 0);
        follow->horizon_start = integer_at(rows, 0, 2, INSTANT_NONE);
    }
    follow->before_start = follow->newest_polled;
    follow->started = true;
    PQclear(rows);
    return true;
}

/* Appends the loads of rows whose columns begin at `column`. */
static void take_loads(struct follow *follow, const PGresult *rows, int column, bool was_missing)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        if (PQgetisnull(rows, row, column) ||
            follow->load_count == sizeof follow->loads / sizeof *follow->loads) {
            continue;
        }
        follow->loads[follow->load_count++] = (struct load){
            .load_id = integer_at(rows, row, column, 0),
            .row_count = integer_at(rows, row, column + 1, 0),
            .received_from = integer_at(rows, row, column + 2, INSTANT_NONE),
            .received_until = integer_at(rows, row, column + 3, 0),
            .loaded_at = integer_at(rows, row, column + 4, 0),
            .was_missing = was_missing,
        };
    }
}

static bool poll_missing(struct follow *follow, struct database *database, struct failure *failure)
{
    if (follow->gaps.missing_count == 0) {
        return true;
    }
    bool good = false;
    PGresult *rows = NULL;
    struct buffer ids = {0};
    size_t count =
        follow->gaps.missing_count < LOADS_AT_ONCE ? follow->gaps.missing_count : LOADS_AT_ONCE;
    for (size_t i = 0; i < count; i++) {
        buffer_append_format(&ids, "%s%lld", i == 0 ? "{" : ",",
                             (long long)follow->gaps.missing[i].load_id);
    }
    buffer_append_text(&ids, "}");
    const char *parameters[] = {ids.data};
    if (!buffer_check(&ids, failure) ||
        !database_run(database, STATEMENT_LOADS_MISSING, 1, parameters, &rows, failure)) {
        goto done;
    }
    follow->database_now = integer_at(rows, 0, 0, follow->database_now);
    take_loads(follow, rows, 1, true);
    good = true;

done:
    PQclear(rows);
    buffer_free(&ids);
    return good;
}

static bool poll(struct follow *follow, struct database *database, struct failure *failure)
{
    PGresult *rows = NULL;
    char after[24];
    const char *parameters[] = {after, LOADS_AT_ONCE_TEXT};
    follow->load_at = 0;
    follow->load_count = 0;
    if (!poll_missing(follow, database, failure)) {
        return false;
    }
    snprintf(after, sizeof after, "%lld", (long long)follow->newest_polled);
    if (!database_run(database, STATEMENT_LOADS_AFTER, 2, parameters, &rows, failure)) {
        follow->load_count = 0;
        return false;
    }
    take_loads(follow, rows, 0, false);
    PQclear(rows);
    if (follow->load_count > 0) {
        const struct load *last = &follow->loads[follow->load_count - 1];
        if (last->load_id > follow->newest_polled) {
            follow->newest_polled = last->load_id;
        }
    }
    return true;
}

static bool has_rows(const struct follow *follow, const struct load *load)
{
    return load->row_count > 0 && (load->load_id > follow->newest_at_start ||
                                   load->received_until >= follow->horizon_start);
}

/* How many of the loads polled make the next step: up to ROWS_AT_ONCE, but one at least; a load
 * that was missing goes alone, for the range up to the next would hold rows taken long ago. */
static size_t choose_loads(const struct follow *follow)
{
    size_t count = 0;
    int64_t rows = 0;
    for (size_t i = follow->load_at; i < follow->load_count; i++) {
        const struct load *load = &follow->loads[i];
        rows += has_rows(follow, load) ? load->row_count : 0;
        if (count > 0 && (rows > ROWS_AT_ONCE || load->was_missing)) {
            break;
        }
        count++;
        if (load->was_missing) {
            break;
        }
    }
    return count;
}

static bool read_rows(struct follow *follow, struct database *database, size_t count,
                      struct failure *failure)
{
    int64_t ids[LOADS_AT_ONCE];
    struct follow_range range = {.load_ids = ids};
    bool all_timed = true;
    for (size_t i = 0; i < count; i++) {
        const struct load *load = &follow->loads[follow->load_at + i];
        if (!has_rows(follow, load)) {
            continue;
        }
        if (range.load_count == 0 || load->received_from < range.received_from) {
            range.received_from = load->received_from;
        }
        if (range.load_count == 0 || load->received_until > range.received_until) {
            range.received_until = load->received_until;
        }
        all_timed = all_timed && load->received_from != INSTANT_NONE;
        ids[range.load_count++] = load->load_id;
    }
    if (range.load_count == 0) {
        follow->batch.row_count = 0;
        return true;
    }
    if (all_timed &&
        (follow->first_received == INSTANT_NONE || range.received_from < follow->first_received)) {
        follow->first_received = range.received_from;
    }
    range.received_from = all_timed ? range.received_from : INSTANT_NONE;
    return follow_batch_read(&follow->batch, database, follow->segments, &range, failure);
}

static bool add_rows(struct follow *follow, struct failure *failure)
{
    bool good = true;
    pthread_rwlock_wrlock(follow->analysis_lock);
    for (size_t i = 0; good && i < follow->batch.row_count; i++) {
        good = analysis_add(follow->analysis, &follow->batch.rows[i].report, failure);
    }
    pthread_rwlock_unlock(follow->analysis_lock);
    return good;
}

static bool summarize(struct follow *follow, struct database *database, struct failure *failure)
{
    uint64_t rows = follow->counts.reports + follow->counts.updates;
    if (rows - follow->rows_summarized < ROWS_PER_SUMMARY) {
        return true;
    }
    follow->rows_summarized = rows;
    return database_run(database, STATEMENT_SUMMARIZE_LOADS, 0, NULL, NULL, failure);
}

/* Takes in the next `count` of the loads polled. */
static bool take_step(struct follow *follow, struct database *database, size_t count,
                      struct failure *failure)
{
    if (!summarize(follow, database, failure) || !read_rows(follow, database, count, failure) ||
        !add_rows(follow, failure)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct load *load = &follow->loads[follow->load_at + i];
        if (!load_gaps_seen(&follow->gaps, load->load_id, load->received_until, load->loaded_at,
                            failure)) {
            return false;
        }
        if (load->loaded_at > follow->database_now) {
            follow->database_now = load->loaded_at;
        }
    }
    follow->load_at += count;
    follow->counts.loads += count;
    follow->counts.reports += follow->batch.row_count;
    follow->counts.updates += follow->batch.row_count > 0 ? follow->batch.update_count : 0;
    return true;
}

bool follow_step(struct follow *follow, struct database *database, bool *idle,
                 struct failure *failure)
{
    if (!follow->started && !start(follow, database, failure)) {
        return false;
    }
    if (follow->load_at == follow->load_count && !poll(follow, database, failure)) {
        return false;
    }
    load_gaps_expire(&follow->gaps, follow->database_now);
    size_t count = choose_loads(follow);
    if (count > 0 && !take_step(follow, database, count, failure)) {
        return false;
    }
    *idle = follow->load_at == follow->load_count && follow->load_count < LOADS_AT_ONCE;
    return true;
}

/* ---- Going on from where another run has come ---- */

void follow_carry(struct carry *carry, struct follow *follow)
{
    instant_us horizon = follow->horizon;
    carry_value(carry, &horizon);
    if (!carry->failed && horizon != follow->horizon) {
        carry_refuse(carry, "it was made with another horizon");
    }
    load_gaps_carry(carry, &follow->gaps);
    carry_value(carry, &follow->database_now);
    carry_value(carry, &follow->first_received);
    if (carry_restores(carry)) {
        follow->resumed = true;
        if (carry->failed) {
            follow_forget(follow);
        }
    }
}

void follow_forget(struct follow *follow)
{
    load_gaps_free(&follow->gaps);
    follow->database_now = 0;
    follow->first_received = INSTANT_NONE;
    follow->resumed = false;
}

bool follow_resume(struct follow *follow, struct database *database, struct failure *failure)
{
    PGresult *rows = NULL;
    char newest[24];
    const char *parameters[] = {newest};
    (void)snprintf(newest, sizeof newest, "%lld", (long long)follow->gaps.newest_id);
    if (!database_run(database, STATEMENT_RESUME, 1, parameters, &rows, failure)) {
        return false;
    }
    instant_us received_until = integer_at(rows, 0, 0, INSTANT_NONE);
    instant_us newest_until = integer_at(rows, 0, 1, INSTANT_NONE);
    PQclear(rows);
    if (received_until == INSTANT_NONE || received_until > follow->gaps.newest_until) {
        return failure_set(failure, FAILURE_INVALID, "the loads it has taken in are gone");
    }
    return newest_until - follow->horizon <= follow->gaps.newest_until ||
           failure_set(failure, FAILURE_INVALID, "it is older than the horizon");
}

instant_us follow_known_before(const struct follow *follow)
{
    instant_us until = load_gaps_known_until(&follow->gaps, follow->database_now);
    return until == INSTANT_NONE ? INSTANT_NONE : until - ANALYSIS_LATENESS;
}

instant_us follow_first_received(const struct follow *follow)
{
    return follow->first_received;
}

bool follow_has_caught_up(const struct follow *follow)
{
    return follow->started && follow->gaps.newest_id >= follow->newest_at_start;
}

static unsigned percent_of_start(const struct follow *follow)
{
    if (follow_has_caught_up(follow)) {
        return 100;
    }
    int64_t all = follow->newest_at_start - follow->before_start;
    int64_t taken = follow->gaps.newest_id - follow->before_start;
    return taken > 0 && all > 0 ? (unsigned)(100 * taken / all) : 0;
}

struct follow_counts follow_counts(const struct follow *follow)
{
    struct follow_counts counts = follow->counts;
    counts.missing_loads = follow->gaps.missing_count;
    counts.percent = percent_of_start(follow);
    return counts;
}
