/* How do the answers read for a person at a terminal? The update that matters most in full, the
 * others in a line each, within the width there is. The hard thing is to stay on one screen and
 * still say what each figure means.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/answer.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/answer_table.h"
#include "analyzer/text_layout.h"

#define COLUMNS_LEAST 60 /* below, the table of affected customers has no room for its figures */
#define COLUMNS_MOST 120 /* beyond, sentences are too long for the eye to find the next line */
#define ROWS_SHOWN 10    /* with everything else at its longest this fills a screen of 60 lines */
#define OTHERS_SHOWN 8   /* likewise; the API has all of them */
#define LABEL_COLUMNS 11

static const char *verdict_colour(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_HOLD:
        return "\033[1;31m";
    case VERDICT_SUSPECT:
        return "\033[1;33m";
    case VERDICT_CLEAR:
        return "\033[1;32m";
    case VERDICT_INSUFFICIENT_DATA:
        break;
    }
    return TEXT_BOLD;
}

/* "2005-04-22 22:41"; without the date where it is that of `beside`. */
static char *minute_text(instant_us at, instant_us beside, char text[INSTANT_TEXT_SIZE])
{
    char other[INSTANT_TEXT_SIZE] = "";
    instant_format(at, text);
    text[10] = ' ';
    text[16] = '\0';
    if (beside != INSTANT_NONE) {
        instant_format(beside, other);
        if (strncmp(text, other, 10) == 0) {
            memmove(text, text + 11, 6);
        }
    }
    return text;
}

static void put_heading(const struct text_page *page, const char *text)
{
    text_put(page, "\n");
    text_paint(page, TEXT_BOLD);
    text_put(page, text);
    text_paint(page, TEXT_PLAIN);
    text_put(page, "\n");
}

#define E_VALUE_SIZE 40
static char *e_value_text(double log10_e_value, char text[E_VALUE_SIZE])
{
    if (isfinite(log10_e_value)) {
        snprintf(text, E_VALUE_SIZE, "e-value 10^%.1f", log10_e_value);
    } else {
        snprintf(text, E_VALUE_SIZE, "no evidence yet");
    }
    return text;
}

/* One labelled fact, wrapped beside its label. */
static void put_fact(const struct text_page *page, const char *label, const char *text)
{
    text_put(page, "  ");
    text_paint(page, TEXT_DIM);
    text_append_fitted(page->out, label, LABEL_COLUMNS, TEXT_LEFT);
    text_paint(page, TEXT_PLAIN);
    text_append_wrapped(page->out, text, LABEL_COLUMNS + 2, LABEL_COLUMNS + 2, page->columns);
}

static void put_headline(const struct text_page *page, const struct update_answer *update,
                         instant_us as_of)
{
    char at[INSTANT_TEXT_SIZE];
    char right[64];
    snprintf(right, sizeof right, "as of %s UTC", minute_text(as_of, INSTANT_NONE, at));
    const char *name = verdict_name(update->verdict);
    size_t right_width = text_width(right);
    size_t room = page->columns - text_width(name) - 2;

    text_paint(page, verdict_colour(update->verdict));
    text_put(page, name);
    text_paint(page, TEXT_PLAIN);
    text_put(page, "  ");
    text_paint(page, TEXT_BOLD);
    if (text_width(update->id) + 2 + right_width <= room) {
        text_append_fitted(page->out, update->id, room - right_width, TEXT_LEFT);
        text_paint(page, TEXT_PLAIN);
        text_paint(page, TEXT_DIM);
        text_put(page, right);
        text_paint(page, TEXT_PLAIN);
        text_put(page, "\n");
    } else {
        text_append_wrapped(page->out, update->id, page->columns - room, 2, page->columns);
        text_paint(page, TEXT_PLAIN);
        text_append_wrapped(page->out, right, 0, 0, page->columns);
    }
}

static void put_reasons(const struct text_page *page, const struct update_answer *update)
{
    for (size_t i = 0; i < update->reason_count; i++) {
        text_put(page, "  \xe2\x80\xa2 ");
        text_append_wrapped(page->out, update->reasons[i], 4, 4, page->columns);
    }
}

static void put_since(const struct text_page *page, const struct update_answer *update)
{
    struct buffer line = {0};
    char first[INSTANT_TEXT_SIZE];
    char second[INSTANT_TEXT_SIZE];
    instant_us onset = INSTANT_NONE;
    if (isfinite(update->onset.low) && isfinite(update->onset.likely) &&
        isfinite(update->onset.high)) {
        onset = (instant_us)llround(update->onset.likely);
        buffer_append_format(&line, "%s UTC", minute_text(onset, INSTANT_NONE, first));
        minute_text((instant_us)llround(update->onset.low), onset, first);
        minute_text((instant_us)llround(update->onset.high), onset, second);
        if (strcmp(first, second) != 0) {
            buffer_append_format(&line, " (between %s and %s)", first, second);
        }
    }
    if (isfinite(update->ended.likely)) {
        buffer_append_format(&line, "; no new harm since %s",
                             minute_text((instant_us)llround(update->ended.likely), onset, second));
    }
    const struct {
        const char *what;
        instant_us at;
    } events[] = {{"first installed",
                   update->released_at == INSTANT_NONE ? update->first_seen_at : INSTANT_NONE},
                  {"released", update->released_at},
                  {"withdrawn", update->withdrawn_at}};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (events[i].at != INSTANT_NONE) {
            buffer_append_format(&line, "%s%s %s", line.length > 0 ? "; " : "", events[i].what,
                                 minute_text(events[i].at, onset, first));
        }
    }
    if (line.length > 0) {
        put_fact(page, onset == INSTANT_NONE ? "Released" : "Since", line.data);
    }
    buffer_free(&line);
}

static void put_evidence(const struct text_page *page, const struct update_answer *update,
                         double alpha)
{
    char low[TEXT_NUMBER_SIZE];
    char likely[TEXT_NUMBER_SIZE];
    char high[TEXT_NUMBER_SIZE];
    struct buffer line = {0};
    char e_value[E_VALUE_SIZE];
    buffer_append_format(&line, "%s (a hold needs 10^%.1f)",
                         e_value_text(update->log10_e_value, e_value), -log10(alpha));
    put_fact(page, "Evidence", line.data != NULL ? line.data : "");

    buffer_clear(&line);
    if (isfinite(update->rate_ratio.high)) {
        buffer_append_format(&line, "%s (%s to %s with %g %% confidence)",
                             text_amount(update->rate_ratio.likely, likely),
                             text_amount(update->rate_ratio.low, low),
                             text_amount(update->rate_ratio.high, high), 100 * (1 - alpha));
    } else {
        buffer_append_format(&line, "%s (%s or more with %g %% confidence)",
                             text_amount(update->rate_ratio.likely, likely),
                             text_amount(update->rate_ratio.low, low), 100 * (1 - alpha));
    }
    buffer_append_format(&line,
                         ": %s onsets compared, at most one a customer a minute, where %s would be "
                         "expected",
                         text_count(update->compared.onsets, low),
                         text_amount(update->compared.expected, high));
    put_fact(page, "Rate ratio", line.data != NULL ? line.data : "");
    buffer_free(&line);
}

static void put_facts(const struct text_page *page, const struct update_answer *update,
                      double alpha)
{
    char installed[TEXT_NUMBER_SIZE];
    char exposed[TEXT_NUMBER_SIZE];
    char line[160];
    text_put(page, "\n");
    if (update->segment_text != NULL) {
        put_fact(page, "Segment", update->segment_text);
    }
    put_since(page, update);
    put_evidence(page, update, alpha);
    if (update->control != NULL) {
        put_fact(page, "Control", update->control);
    }
    snprintf(line, sizeof line, "%s hosts, %s of them in the risk window now",
             text_count(update->installed_hosts, installed),
             text_count(update->exposed_now, exposed));
    put_fact(page, "Installed", line);
}

/* ---- Cost, calls, the other updates ---- */

/* What a reader would otherwise add to the cost, or take for it. */
static void put_beside_cost(const struct text_page *page, const struct cost_estimate *cost)
{
    const struct {
        const char *name;
        double amount;
    } apart[] = {{"revenue put off", cost->deferred_revenue.p50},
                 {"revenue at risk", cost->revenue_at_risk.p50},
                 {"the customers' own loss", cost->customers_loss.p50}};
    char amount[TEXT_NUMBER_SIZE];
    struct buffer line = {0};
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) {
        if (apart[i].amount > 0) {
            buffer_append_format(&line, "%s%s (P50 %s)",
                                 line.length > 0 ? ", " : "Not in it: ", apart[i].name,
                                 text_amount(apart[i].amount, amount));
        }
    }
    if (line.length > 0) {
        buffer_append_text(&line, ".");
    }
    if (cost->further_hour.p50 > 0) {
        buffer_append_format(&line, "%sA further hour before withdrawal adds %s (P50).",
                             line.length > 0 ? " " : "",
                             text_amount(cost->further_hour.p50, amount));
    }
    if (line.length > 0) {
        text_put(page, "  ");
        text_append_wrapped(page->out, line.data, 2, 2, page->columns);
    }
    buffer_free(&line);
}

static void put_cost(const struct text_page *page, const struct cost_estimate *cost)
{
    char p10[TEXT_NUMBER_SIZE];
    char p50[TEXT_NUMBER_SIZE];
    char p90[TEXT_NUMBER_SIZE];
    char line[256];
    put_heading(page, "Cost");
    snprintf(line, sizeof line,
             "%s %s \xe2\x80\x93 %s \xe2\x80\x93 %s  (P10 \xe2\x80\x93 P50 \xe2\x80\x93 P90)",
             cost->currency != NULL ? cost->currency : "", text_amount(cost->p10, p10),
             text_amount(cost->p50, p50), text_amount(cost->p90, p90));
    text_paint(page, TEXT_BOLD);
    text_put(page, "  ");
    text_append_wrapped(page->out, line, 2, 2, page->columns);
    text_paint(page, TEXT_PLAIN);
    text_put(page, "  ");
    text_append_wrapped(page->out,
                        "P10 and P90: one chance in ten each that it is less or more; P50: the "
                        "middle.",
                        2, 2, page->columns);
    struct buffer drivers = {0};
    for (size_t i = 0; i < sizeof cost->drivers / sizeof *cost->drivers; i++) {
        if (cost->drivers[i].parameter != NULL) {
            buffer_append_format(
                &drivers, "%s%s (%s)", drivers.length > 0 ? ", " : "It depends most on ",
                cost->drivers[i].parameter, text_amount(fabs(cost->drivers[i].swing), p50));
        }
    }
    if (drivers.length > 0) {
        for (char *at = drivers.data; *at != '\0'; at++) {
            *at = (char)(*at == '_' ? ' ' : *at);
        }
        buffer_append_text(&drivers, ": by so much from its low to its high value.");
        text_put(page, "  ");
        text_append_wrapped(page->out, drivers.data, 2, 2, page->columns);
    }
    buffer_free(&drivers);
    put_beside_cost(page, cost);
}

static void put_call(const struct text_page *page, const struct outreach_entry *entry)
{
    char hosts[TEXT_NUMBER_SIZE];
    char number[16];
    struct buffer line = {0};
    snprintf(number, sizeof number, "%4u. ", entry->rank);
    text_put(page, number);

    buffer_append_format(&line, "%s \xc2\xb7 %s \xc2\xb7 %s %s%s", entry->name,
                         entry->region != NULL ? entry->region : "region unknown",
                         text_count(entry->hosts_affected, hosts),
                         entry->hosts_affected == 1 ? "host" : "hosts",
                         entry->reachable_now ? " \xc2\xb7 reachable now" : "");
    text_paint(page, TEXT_BOLD);
    text_append_wrapped(page->out, line.data != NULL ? line.data : "", 6, 6, page->columns);
    text_paint(page, TEXT_PLAIN);

    buffer_clear(&line);
    for (size_t i = 0; i < entry->reason_count; i++) {
        buffer_append_format(&line, "%s%s", i > 0 ? "; " : "", entry->reasons[i]);
    }
    if (line.length > 0) {
        text_put(page, "      ");
        text_append_wrapped(page->out, line.data, 6, 6, page->columns);
    }
    buffer_free(&line);
}

static void put_calls(const struct text_page *page, const struct update_answer *update,
                      size_t calls)
{
    if (update->outreach_count == 0 || calls == 0) {
        return;
    }
    put_heading(page, "Call first");
    for (size_t i = 0; i < update->outreach_count && i < calls; i++) {
        put_call(page, &update->outreach[i]);
    }
}

static void put_other(const struct text_page *page, const struct update_answer *update,
                      size_t id_width)
{
    static const size_t verdict_width = sizeof "INSUFFICIENT_DATA" - 1;
    char hosts[TEXT_NUMBER_SIZE];
    char e_value[E_VALUE_SIZE];
    char detail[TEXT_NUMBER_SIZE + E_VALUE_SIZE + 16];
    const char *name = verdict_name(update->verdict);

    snprintf(detail, sizeof detail, "%s hosts, %s", text_count(update->installed_hosts, hosts),
             e_value_text(update->log10_e_value, e_value));
    text_put(page, "  ");
    text_append_fitted(page->out, update->id, id_width, TEXT_LEFT);
    text_put(page, "  ");
    text_paint(page, verdict_colour(update->verdict));
    text_put(page, name);
    text_paint(page, TEXT_PLAIN);
    if (2 + id_width + 2 + verdict_width + 2 + text_width(detail) <= page->columns) {
        text_append_spaces(page->out, verdict_width - text_width(name) + 2);
        text_put(page, detail);
    }
    text_put(page, "\n");
}

static void put_others(const struct text_page *page, const struct answers *answers)
{
    size_t id_width = 0;
    size_t last = answers->update_count <= OTHERS_SHOWN + 1 ? answers->update_count : OTHERS_SHOWN;
    if (answers->update_count < 2) {
        return;
    }
    for (size_t i = 1; i < last; i++) {
        size_t width = text_width(answers->updates[i].id);
        id_width = width > id_width ? width : id_width;
    }
    id_width = id_width > page->columns / 3 ? page->columns / 3 : id_width;
    put_heading(page, "Other updates");
    for (size_t i = 1; i < last; i++) {
        put_other(page, &answers->updates[i], id_width);
    }
    if (last < answers->update_count) {
        char line[64];
        snprintf(line, sizeof line, "  and %zu more\n", answers->update_count - last);
        text_put(page, line);
    }
}

static void put_fleet(const struct text_page *page, const struct answers *answers)
{
    char hosts[TEXT_NUMBER_SIZE];
    char reporting[TEXT_NUMBER_SIZE];
    char customers[TEXT_NUMBER_SIZE];
    char line[256];
    snprintf(line, sizeof line, "The fleet: %s hosts of %s customers; %s hosts reporting.",
             text_count(answers->fleet.hosts, hosts),
             text_count(answers->fleet.customers, customers),
             text_count(answers->fleet.reporting, reporting));
    text_put(page, "\n");
    text_append_wrapped(page->out, line, 0, 0, page->columns);
    for (size_t i = 0; i < answers->fleet.left_out_count; i++) {
        snprintf(line, sizeof line, "Left out: %s names hosts rather than kinds of host.",
                 answers->fleet.left_out[i]);
        text_append_wrapped(page->out, line, 0, 0, page->columns);
    }
}

void answer_write_text(const struct answers *answers, unsigned columns, bool colour, size_t calls,
                       struct buffer *out)
{
    struct text_page page = {.out = out, .columns = columns, .colour = colour};
    page.columns = columns < COLUMNS_LEAST  ? COLUMNS_LEAST
                   : columns > COLUMNS_MOST ? COLUMNS_MOST
                                            : columns;
    if (answers->as_of == INSTANT_NONE) {
        text_put(&page, "Nothing has been reported yet.\n");
        return;
    }
    if (answers->update_count == 0) {
        text_put(&page, "No update has been reported by any host yet.\n");
        put_fleet(&page, answers);
        return;
    }
    const struct update_answer *update = &answers->updates[0];
    put_headline(&page, update, answers->as_of);
    text_append_wrapped(out, update->sentence, 0, 0, page.columns);
    text_append_wrapped(out, update->action, 0, 0, page.columns);
    if (update->verdict != VERDICT_HOLD) {
        put_reasons(&page, update);
    }
    put_facts(&page, update, answers->alpha);
    if (update->impact_count > 0) {
        put_heading(&page, "Affected");
        answer_table_put(&page, update);
        put_cost(&page, &update->cost);
        put_calls(&page, update, calls);
    }
    put_others(&page, answers);
    put_fleet(&page, answers);
}
