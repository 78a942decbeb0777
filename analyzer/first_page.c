/* The first content of a page; see first_page.h. The words are those of dashboards/src/headline.ts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/first_page.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "analyzer/text_layout.h"
#include "common/instant.h"

#define CANDIDATES_MOST 12 /* as many as the script shows at first */
#define CALLS_MOST 5

static const struct {
    const char *class, *word;
} verdicts[] = {[VERDICT_HOLD] = {"hold", "Hold"},
                [VERDICT_SUSPECT] = {"suspect", "Suspect"},
                [VERDICT_INSUFFICIENT_DATA] = {"insufficient_data", "Not enough data"},
                [VERDICT_CLEAR] = {"clear", "Clear"}};

static void put_escaped(struct buffer *out, const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        switch (*text) {
        case '&':
            buffer_append_text(out, "&amp;");
            break;
        case '<':
            buffer_append_text(out, "&lt;");
            break;
        case '>':
            buffer_append_text(out, "&gt;");
            break;
        case '"':
            buffer_append_text(out, "&quot;");
            break;
        default:
            buffer_append(out, text, 1);
        }
    }
}

static void put_count(struct buffer *out, uint64_t count)
{
    char text[TEXT_NUMBER_SIZE];
    buffer_append_text(out, text_count(count, text));
}

static void put_amount(struct buffer *out, double amount)
{
    char text[TEXT_NUMBER_SIZE];
    buffer_append_text(out, text_amount(amount, text));
}

/* The gravest; the analyzer's order among equals. NULL: there is none. */
static const struct update_answer *worst_of(const struct answers *answers)
{
    const struct update_answer *worst = NULL;
    for (size_t i = 0; i < answers->update_count; i++) {
        const struct update_answer *update = &answers->updates[i];
        worst = worst == NULL || update->verdict < worst->verdict ? update : worst;
    }
    return worst;
}

static void put_sentence(const struct answers *answers, const struct update_answer *worst,
                         struct buffer *out)
{
    size_t clear = 0;
    for (size_t i = 0; i < answers->update_count; i++) {
        clear += answers->updates[i].verdict == VERDICT_CLEAR;
    }
    if (worst->verdict == VERDICT_CLEAR && answers->update_count > 1) {
        buffer_append_format(out, "All %zu updates in flight are clear.", clear);
    } else if (worst->verdict == VERDICT_INSUFFICIENT_DATA && answers->update_count > 1) {
        size_t undecided = answers->update_count - clear;
        buffer_append_format(out, "Nothing on hold. %zu %s not enough data yet", undecided,
                             undecided == 1 ? "update has" : "updates have");
        if (clear > 0) {
            buffer_append_format(out, ", %zu clear", clear);
        }
        buffer_append_text(out, ".");
    } else {
        put_escaped(out, worst->sentence);
    }
}

static void put_headline(const struct answers *answers, const struct update_answer *worst,
                         struct buffer *out)
{
    buffer_append_format(out,
                         "<section class=\"headline %s\" aria-labelledby=\"verdict\"><p "
                         "class=\"word\"><span class=\"badge\">%s</span></p><h1 id=\"verdict\">",
                         verdicts[worst->verdict].class, verdicts[worst->verdict].word);
    put_sentence(answers, worst, out);
    buffer_append_text(out, "</h1>");
    if (worst->verdict != VERDICT_CLEAR && worst->action != NULL) {
        buffer_append_text(out, "<p class=\"action\"><span>");
        put_escaped(out, worst->action);
        buffer_append_text(out, "</span></p>");
    }
    buffer_append_text(out, "</section>");
}

static void begin_figure(struct buffer *out, const char *name)
{
    buffer_append_format(out, "<div class=\"figure\"><dt>%s</dt><dd><span class=\"value\">", name);
}

static void put_affected(struct buffer *out, const char *name, const struct affected_count *count)
{
    begin_figure(out, name);
    put_count(out, count->confirmed + count->probable);
    buffer_append_text(out, "</span><span class=\"below\">");
    put_count(out, count->confirmed);
    buffer_append_text(out, " confirmed, ");
    put_count(out, count->probable);
    buffer_append_text(out, " probable</span></dd></div>");
}

static void put_figures(const struct update_answer *worst, struct buffer *out)
{
    buffer_append_text(out, "<section aria-label=\"What it has done\"><dl class=\"figures\">");
    put_affected(out, "Customers affected", &worst->customers_total);
    put_affected(out, "Hosts affected", &worst->hosts_total);
    begin_figure(out, "Rate of distress");
    put_amount(out, worst->rate_ratio.likely);
    buffer_append_text(out, "×</span></dd></div>");
    begin_figure(out, "Cost of support");
    put_escaped(out, worst->cost.currency);
    buffer_append_text(out, " ");
    put_amount(out, worst->cost.p10);
    buffer_append_text(out, " to ");
    put_amount(out, worst->cost.p90);
    buffer_append_text(out, "</span></dd></div></dl></section>");
}

static void put_candidate(const struct update_answer *update, struct buffer *out)
{
    buffer_append_text(out, "<tr><th scope=\"row\">");
    put_escaped(out, update->id);
    buffer_append_format(out, "</th><td>%s</td><td class=\"number\">",
                         verdicts[update->verdict].word);
    put_amount(out, update->rate_ratio.likely);
    buffer_append_text(out, "</td><td class=\"number\">");
    put_count(out, update->installed_hosts);
    buffer_append_text(out, "</td><td class=\"number\">");
    put_count(out, update->compared.onsets);
    buffer_append_text(out, "</td></tr>");
}

static void put_candidates(const struct answers *answers, struct buffer *out)
{
    buffer_append_text(
        out, "<section class=\"candidates\" aria-labelledby=\"candidates-title\"><header><h2 "
             "id=\"candidates-title\">Candidates</h2></header><table><thead><tr><th "
             "scope=\"col\">Update</th><th scope=\"col\">Verdict</th><th scope=\"col\" "
             "class=\"number\">Rate ratio</th><th scope=\"col\" class=\"number\">Installed</th><th "
             "scope=\"col\" class=\"number\">Onsets compared</th></tr></thead><tbody>");
    for (size_t i = 0; i < answers->update_count && i < CANDIDATES_MOST; i++) {
        put_candidate(&answers->updates[i], out);
    }
    buffer_append_text(out, "</tbody></table></section>");
}

static void put_calls(const struct update_answer *worst, struct buffer *out)
{
    if (worst->outreach_count == 0) {
        return;
    }
    buffer_append_text(out, "<section class=\"calls\" aria-labelledby=\"calls-title\"><header><h2 "
                            "id=\"calls-title\">Customers to call first</h2></header><ol>");
    for (size_t i = 0; i < worst->outreach_count && i < CALLS_MOST; i++) {
        const struct outreach_entry *entry = &worst->outreach[i];
        buffer_append_format(out, "<li><span class=\"rank\">%u</span><p><strong>",
                             (unsigned)entry->rank);
        put_escaped(out, entry->name);
        buffer_append_text(out, "</strong> <span class=\"aside\">");
        put_escaped(out, entry->region);
        buffer_append_text(out, "</span></p><p class=\"why\">");
        for (size_t j = 0; j < entry->reason_count; j++) {
            buffer_append_text(out, j > 0 ? " · " : "");
            put_escaped(out, entry->reasons[j]);
        }
        buffer_append_text(out, "</p></li>");
    }
    buffer_append_text(out, "</ol></section>");
}

static void put_bar(enum first_page page, struct buffer *out)
{
    static const struct {
        const char *path, *name;
    } ways[] = {[FIRST_OPERATIONS] = {"/", "Operations"},
                [FIRST_EXECUTIVES] = {"/executives", "Executives"},
                [FIRST_SUPPORT] = {"/support", "Support"}};
    buffer_append_text(out, "<header class=\"bar\"><a class=\"brand\" href=\"/\"><span>Epicenter"
                            "</span></a><nav aria-label=\"Pages\">");
    for (int i = 0; i < FIRST_PAGES; i++) {
        buffer_append_format(out, "<a href=\"%s\"%s>%s</a>", ways[i].path,
                             i == (int)page ? " aria-current=\"page\"" : "", ways[i].name);
    }
    buffer_append_text(out, "</nav></header>");
}

void first_page_write(const struct answers *answers, enum first_page page, struct buffer *out)
{
    const struct update_answer *worst = worst_of(answers);
    if (worst == NULL) {
        return;
    }
    put_bar(page, out);
    buffer_append_text(out, "<main>");
    put_headline(answers, worst, out);
    if (worst->verdict <= VERDICT_SUSPECT && page != FIRST_SUPPORT) {
        put_figures(worst, out);
    }
    if (page == FIRST_OPERATIONS) {
        put_candidates(answers, out);
    }
    if (page != FIRST_EXECUTIVES) {
        put_calls(worst, out);
    }
    char as_of[INSTANT_TEXT_SIZE];
    buffer_append_format(out, "</main><footer><p>Answers as of %s.</p></footer>",
                         instant_format(answers->as_of, as_of));
}
