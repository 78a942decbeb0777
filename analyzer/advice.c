/* What does support say about an update? See advice.h. The hard thing is that two may write at
 * once: a version's number is the key of its row, so of two who have seen the same one is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/advice.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/json_value.h"
#include "analyzer/statements.h"

/* ---- While nobody has written one ---- */

static void say_onset(const struct update_answer *update, struct buffer *words)
{
    char at[INSTANT_TEXT_SIZE];
    if (!isnan(update->onset.likely)) {
        instant_format((instant_us)update->onset.likely, at);
        buffer_append_format(words, " It began on %.10s at %.5s UTC.", at, at + 11);
    }
}

static void explain(const struct update_answer *update, struct buffer *words)
{
    bool segment = update->segment_count > 0 && update->segment[0].term_count > 0;
    if (update->verdict == VERDICT_HOLD) {
        buffer_append_format(words, "An update of ours, %s, makes computers very slow or hang",
                             update->id);
    } else if (update->verdict == VERDICT_SUSPECT) {
        buffer_append_format(words,
                             "We are looking into whether an update of ours, %s, makes computers "
                             "very slow or hang",
                             update->id);
    } else {
        buffer_append_format(words, "Nothing shows that our update %s does computers any harm.",
                             update->id);
        return;
    }
    if (segment) {
        buffer_append_format(words, ": those with %s", update->segment_text);
    }
    buffer_append_text(words, ".");
    say_onset(update, words);
    buffer_append_text(
        words, update->withdrawn_at != INSTANT_NONE
                   ? " We have withdrawn it: computers that do not have it yet will not get it."
               : update->verdict == VERDICT_HOLD
                   ? " We are stopping it. Until then, computers may still receive it."
                   : "");
}

bool advice_default(const struct update_answer *update, struct arena *arena, struct advice *advice,
                    struct failure *failure)
{
    static const char none[] =
        "No workaround has been tested yet. Note which computers are hit and "
        "what they show, and say when we call again.";
    struct buffer words = {0};
    explain(update, &words);
    *advice = (struct advice){
        .explanation = words.failed ? NULL : arena_copy_text(arena, words.data, words.length),
        .workaround = update->verdict <= VERDICT_SUSPECT ? none : "",
        .written_at = INSTANT_NONE};
    buffer_free(&words);
    return advice->explanation != NULL || failure_memory(failure, "wording the advice");
}

/* ---- What somebody has written ---- */

static const char *copy_field(const PGresult *rows, int column, struct arena *arena)
{
    return arena_copy_text(arena, PQgetvalue(rows, 0, column),
                           (size_t)PQgetlength(rows, 0, column));
}

/* A row of STATEMENT_ADVICE_COLUMNS, where there is one. */
static bool read_row(const PGresult *rows, struct arena *arena, struct advice *advice,
                     struct failure *failure)
{
    if (PQntuples(rows) == 0) {
        return true;
    }
    *advice = (struct advice){.version = strtoll(PQgetvalue(rows, 0, 0), NULL, 10),
                              .explanation = copy_field(rows, 1, arena),
                              .workaround = copy_field(rows, 2, arena),
                              .written_by = copy_field(rows, 3, arena),
                              .written_at = strtoll(PQgetvalue(rows, 0, 4), NULL, 10)};
    return (advice->explanation != NULL && advice->workaround != NULL &&
            advice->written_by != NULL) ||
           failure_memory(failure, "reading the advice");
}

bool advice_read(struct database *database, const char *update_id, struct arena *arena,
                 struct advice *advice, struct failure *failure)
{
    PGresult *rows;
    if (!database_run(database, STATEMENT_ADVICE, 1, &update_id, &rows, failure)) {
        return false;
    }
    bool good = read_row(rows, arena, advice, failure);
    PQclear(rows);
    return good;
}

/* ---- Writing one ---- */

/* `least` to `most` characters of plain text. */
static bool check_text(const char *name, const char *text, size_t least, size_t most,
                       struct failure *failure)
{
    size_t count = 0;
    bool blank = true;
    for (const unsigned char *at = (const unsigned char *)text; at != NULL && *at != '\0'; at++) {
        if ((*at < 0x20 && *at != '\n') || *at == 0x7f) {
            return failure_set(failure, FAILURE_INVALID,
                               "%s: plain text is taken, without control characters", name);
        }
        count += (*at & 0xC0U) != 0x80U;
        blank = blank && (*at == ' ' || *at == '\n');
    }
    if (text == NULL || count > most || (least > 0 && blank)) {
        return failure_set(failure, FAILURE_INVALID,
                           "%s: a text of %zu to %zu characters is needed", name, least, most);
    }
    return true;
}

/* Somebody was faster: says who. */
static bool refuse(struct database *database, const char *update_id, struct arena *arena,
                   struct failure *failure)
{
    struct advice newer = {.written_by = "nobody"};
    return advice_read(database, update_id, arena, &newer, failure) &&
           failure_set(failure, FAILURE_CONFLICT,
                       "%s has written version %lld meanwhile: read that, then write again",
                       newer.written_by, (long long)newer.version);
}

bool advice_write(struct database *database, const char *update_id, const char *author,
                  const json_t *body, struct arena *arena, struct advice *advice,
                  struct failure *failure)
{
    const json_t *seen = json_object_get(body, "version");
    const char *explanation = json_string_value(json_object_get(body, "explanation"));
    const char *workaround = json_string_value(json_object_get(body, "workaround"));
    char version[24];
    if (!json_is_integer(seen) || json_integer_value(seen) < 0 ||
        json_integer_value(seen) == INT64_MAX) {
        return failure_set(failure, FAILURE_INVALID,
                           "version: the number of the version that was read is needed");
    }
    if (!check_text("explanation", explanation, 1, ADVICE_EXPLANATION_MOST, failure) ||
        !check_text("workaround", workaround, 0, ADVICE_WORKAROUND_MOST, failure)) {
        return false;
    }
    (void)snprintf(version, sizeof version, "%lld", (long long)json_integer_value(seen));
    const char *parameters[] = {update_id, version, explanation, workaround, author};
    PGresult *rows;
    if (!database_run(database, STATEMENT_ADVICE_WRITE, 5, parameters, &rows, failure)) {
        return false;
    }
    bool good = PQntuples(rows) > 0 ? read_row(rows, arena, advice, failure)
                                    : refuse(database, update_id, arena, failure);
    PQclear(rows);
    return good;
}

bool advice_json(const struct advice *advice, const char *update_id, struct buffer *out,
                 struct failure *failure)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "update", json_value_text(update_id), &complete);
    json_value_set(object, "version", json_integer(advice->version), &complete);
    json_value_set(object, "explanation", json_value_text(advice->explanation), &complete);
    json_value_set(object, "workaround", json_value_text(advice->workaround), &complete);
    json_value_set(object, "written_by", json_value_text(advice->written_by), &complete);
    json_value_set(object, "written_at", json_value_instant(advice->written_at), &complete);
    return json_value_write(object, complete, out, failure);
}
