/* Who calls whom; see outreach_case.h. The hard thing is that many agents press the same key at the
 * same time: each change is one statement that says what must be so for it to be made, and the
 * database's row locks do the rest.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/outreach_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/statements.h"
#include "common/buffer.h"

static const char *const state_names[OUTREACH_STATES] = {
    [OUTREACH_NEW] = "new",
    [OUTREACH_TAKEN] = "taken",
    [OUTREACH_REACHED] = "reached",
    [OUTREACH_MESSAGE_LEFT] = "message_left",
    [OUTREACH_ESCALATED] = "escalated",
    [OUTREACH_FIXED] = "fixed",
    [OUTREACH_RECOVERED] = "recovered",
    [OUTREACH_DISMISSED] = "dismissed",
};

const char *outreach_state_name(enum outreach_state state)
{
    return state_names[state];
}

bool outreach_state_parse(const char *name, enum outreach_state *state, struct failure *failure)
{
    for (size_t i = 0; i < OUTREACH_STATES; i++) {
        if (strcmp(state_names[i], name) == 0) {
            *state = (enum outreach_state)i;
            return true;
        }
    }
    return failure_set(failure, FAILURE_INVALID, "\"%.40s\" is no state of an outreach", name);
}

/* ---- Rows ---- */

static const char *copy_field(const PGresult *rows, int row, int column, struct arena *arena)
{
    return arena_copy_text(arena, PQgetvalue(rows, row, column),
                           (size_t)PQgetlength(rows, row, column));
}

static instant_us read_instant(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column) ? INSTANT_NONE
                                          : strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

/* A row of STATEMENT_CASE_COLUMNS. */
static bool read_case(const PGresult *rows, int row, struct arena *arena, struct outreach_case *one,
                      struct failure *failure)
{
    *one = (struct outreach_case){.customer_id = copy_field(rows, row, 0, arena),
                                  .held_until = read_instant(rows, row, 3),
                                  .note = copy_field(rows, row, 4, arena),
                                  .since = read_instant(rows, row, 5),
                                  .version = strtoll(PQgetvalue(rows, row, 6), NULL, 10)};
    if (!PQgetisnull(rows, row, 2)) {
        one->holder = copy_field(rows, row, 2, arena);
    }
    if (one->customer_id == NULL || one->note == NULL ||
        (one->holder == NULL && !PQgetisnull(rows, row, 2))) {
        return failure_memory(failure, "reading the outreach");
    }
    return outreach_state_parse(PQgetvalue(rows, row, 1), &one->state, failure);
}

/* Runs a statement that gives one case or none. */
static bool run_one(struct database *database, const char *sql, size_t count,
                    const char *const *parameters, struct arena *arena, bool *found,
                    struct outreach_case *one, struct failure *failure)
{
    PGresult *rows;
    if (!database_run(database, sql, count, parameters, &rows, failure)) {
        return false;
    }
    *found = PQntuples(rows) > 0;
    bool good = !*found || read_case(rows, 0, arena, one, failure);
    PQclear(rows);
    return good;
}

/* '{"a","b"}', as PostgreSQL reads an array. */
static void append_array(struct buffer *out, const char *const *texts, size_t count)
{
    buffer_append_text(out, "{");
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(out, i > 0 ? ",\"" : "\"");
        for (const char *at = texts[i]; *at != '\0'; at++) {
            if (*at == '"' || *at == '\\') {
                buffer_append(out, "\\", 1);
            }
            buffer_append(out, at, 1);
        }
        buffer_append_text(out, "\"");
    }
    buffer_append_text(out, "}");
}

/* ---- Changes ---- */

bool outreach_case_take_next(struct database *database, const char *update_id,
                             const char *const *customers, size_t count, const char *agent,
                             double hold_s, struct arena *arena, bool *taken,
                             struct outreach_case *one, struct failure *failure)
{
    struct buffer list = {0};
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%.3f", hold_s);
    append_array(&list, customers, count);
    const char *parameters[] = {update_id, list.data, agent, seconds};
    bool good =
        buffer_check(&list, failure) &&
        database_run(database, STATEMENT_CASES_OPEN, 2, parameters, NULL, failure) &&
        run_one(database, STATEMENT_CASE_TAKE_NEXT, 4, parameters, arena, taken, one, failure);
    buffer_free(&list);
    return good;
}

/* Why a change was not made: says who has it. */
static bool refuse(struct database *database, const char *update_id, const char *customer_id,
                   struct arena *arena, struct failure *failure)
{
    const char *parameters[] = {update_id, customer_id};
    struct outreach_case one;
    bool found;
    if (!run_one(database, STATEMENT_CASES, 2, parameters, arena, &found, &one, failure)) {
        return false;
    }
    if (!found || one.holder == NULL) {
        return failure_set(failure, FAILURE_CONFLICT, "nobody holds %.100s now: take it first",
                           customer_id);
    }
    return failure_set(failure, FAILURE_CONFLICT, "%.100s has taken %.100s", one.holder,
                       customer_id);
}

/* Makes a change that gives one case, or says why not. */
static bool change(struct database *database, const char *sql, size_t count,
                   const char *const *parameters, struct arena *arena, struct outreach_case *one,
                   struct failure *failure)
{
    bool made;
    return run_one(database, sql, count, parameters, arena, &made, one, failure) &&
           (made || refuse(database, parameters[0], parameters[1], arena, failure));
}

bool outreach_case_take(struct database *database, const char *update_id, const char *customer_id,
                        const char *agent, double hold_s, struct arena *arena,
                        struct outreach_case *one, struct failure *failure)
{
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%.3f", hold_s);
    const char *parameters[] = {update_id, customer_id, agent, seconds};
    return change(database, STATEMENT_CASE_TAKE, 4, parameters, arena, one, failure);
}

bool outreach_case_outcome(struct database *database, const char *update_id,
                           const char *customer_id, const char *agent, enum outreach_state outcome,
                           const char *note, struct arena *arena, struct outreach_case *one,
                           struct failure *failure)
{
    if (outcome == OUTREACH_NEW || outcome == OUTREACH_TAKEN) {
        return failure_set(failure, FAILURE_INVALID, "\"%s\" is no outcome of a call",
                           outreach_state_name(outcome));
    }
    if (strlen(note) > OUTREACH_NOTE_LIMIT) {
        return failure_set(failure, FAILURE_INVALID, "the note is over %d bytes",
                           OUTREACH_NOTE_LIMIT);
    }
    const char *parameters[] = {update_id, customer_id, agent, outreach_state_name(outcome), note};
    return change(database, STATEMENT_CASE_OUTCOME, 5, parameters, arena, one, failure);
}

bool outreach_case_release(struct database *database, const char *update_id,
                           const char *customer_id, const char *agent, struct arena *arena,
                           struct outreach_case *one, struct failure *failure)
{
    const char *parameters[] = {update_id, customer_id, agent};
    return change(database, STATEMENT_CASE_RELEASE, 3, parameters, arena, one, failure);
}

bool outreach_case_list(struct database *database, const char *update_id, struct arena *arena,
                        struct outreach_case **cases, size_t *count, struct failure *failure)
{
    const char *parameters[] = {update_id, NULL};
    PGresult *rows;
    if (!database_run(database, STATEMENT_CASES, 2, parameters, &rows, failure)) {
        return false;
    }
    *count = (size_t)PQntuples(rows);
    *cases = arena_allocate(arena, (*count + 1) * sizeof **cases);
    if (*cases == NULL) {
        PQclear(rows);
        return failure_memory(failure, "reading the outreach");
    }
    bool good = true;
    for (size_t i = 0; good && i < *count; i++) {
        good = read_case(rows, (int)i, arena, &(*cases)[i], failure);
    }
    PQclear(rows);
    return good;
}
