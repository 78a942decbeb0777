/* Decides and explains; see verdict.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"HOLD", "SUSPECT", "INSUFFICIENT_DATA", "CLEAR"};
    return names[verdict];
}

static int compare_descending(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a < b) - (a > b);
}

/* The smallest log e-value that e-BH rejects at, INFINITY when it rejects none. */
static double e_bh_threshold(const double *descending, size_t count, double alpha)
{
    double threshold = INFINITY;
    for (size_t k = 1; k <= count; k++) {
        double needed = log((double)count / ((double)k * alpha));
        if (descending[k - 1] >= needed) {
            threshold = needed;
        }
    }
    return threshold;
}

double verdict_log_e(const struct verdict_case *one)
{
    return one->explained ? one->own_log_e : one->log_e;
}

/* Held by evidence of its own, an update it is or was in a bundle with. */
static bool mate_is_held(const struct verdict_case *cases, size_t count,
                         const struct verdict_case *one)
{
    for (uint32_t m = 0; m < one->mate_count; m++) {
        for (size_t i = 0; i < count; i++) {
            if (cases[i].update == one->mates[m].update && cases[i].verdict == VERDICT_HOLD &&
                !cases[i].bundled) {
                return true;
            }
        }
    }
    return false;
}

/* The verdict on what is not held. Each step has its way back a little apart, so that it does not
 * change with every onset. */
static enum verdict unheld(const struct verdict_case *one, double margin)
{
    double log_e = verdict_log_e(one);
    bool suspected = log_e >= log(VERDICT_SUSPECT_E) || one->own_low >= 1 ||
                     (one->verdict == VERDICT_SUSPECT && log_e >= log(VERDICT_UNSUSPECT_E));
    bool bounded = one->rate_ratio.high < margin;
    /* Harm, but less than the margin everywhere: the evidence is that of the whole fleet, and no
     * part of it stands out. */
    bool slight = bounded && one->own_low <= one->rate_ratio.high &&
                  one->fleet_log_e >= log_e - log(VERDICT_SUSPECT_E);
    if (suspected && !slight) {
        return VERDICT_SUSPECT;
    }
    return bounded ? VERDICT_CLEAR : VERDICT_INSUFFICIENT_DATA;
}

bool verdict_decide(struct verdict_case *cases, size_t count, double alpha, double margin,
                    struct failure *failure)
{
    double *sorted = malloc((count + 1) * sizeof *sorted);
    if (sorted == NULL) {
        return failure_memory(failure, "deciding");
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = cases[i].log_e;
    }
    qsort(sorted, count, sizeof *sorted, compare_descending);
    double threshold = e_bh_threshold(sorted, count, alpha);
    free(sorted);

    for (size_t i = 0; i < count; i++) {
        struct verdict_case *one = &cases[i];
        bool stays = one->verdict == VERDICT_HOLD && !one->bundled;
        if (stays || (one->own_log_e >= threshold && one->own_low >= margin)) {
            one->verdict = VERDICT_HOLD;
            one->bundled = false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct verdict_case *one = &cases[i];
        bool own = one->verdict == VERDICT_HOLD && !one->bundled;
        one->explained = !own && mate_is_held(cases, count, one);
        bool shared = one->bundled || (one->log_e >= threshold && one->bundle_low >= margin);
        one->bundled = !own && shared && !one->explained;
        if (!own) {
            one->verdict = one->bundled ? VERDICT_HOLD : unheld(one, margin);
        }
    }
    return true;
}

/* ---- In words ---- */

PRINTF_LIKE(2, 3)
static const char *say(struct arena *arena, const char *format, ...)
{
    char text[768];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        return NULL;
    }
    size_t used = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    return arena_copy_text(arena, text, used);
}

#define NUMBER_SIZE 32

/* 1234567 as "1,234,567". */
static const char *grouped(uint64_t number, char text[NUMBER_SIZE])
{
    char plain[NUMBER_SIZE];
    int length = snprintf(plain, sizeof plain, "%llu", (unsigned long long)number);
    size_t out = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            text[out++] = ',';
        }
        text[out++] = plain[i];
    }
    text[out] = '\0';
    return text;
}

/* Rate ratios are read to two figures; 0.73, 9.2, 31. */
static const char *ratio(double value, char text[NUMBER_SIZE])
{
    if (isinf(value)) {
        snprintf(text, NUMBER_SIZE, "more than 128");
    } else {
        snprintf(text, NUMBER_SIZE, value < 1 ? "%.2f" : value < 10 ? "%.1f" : "%.0f", value);
    }
    return text;
}

/* Exposed hosts the comparison still needs before the margin is shut out. What D onsets say of log
 * theta is D p (1-p); the confidence sequence shuts out what lies log(1/alpha) below the maximum,
 * and its mixture costs about one unit more. That is for a rate ratio of 1; where the data have
 * said something already, it is what they will say when there are as many times more of them. */
static uint64_t hosts_needed(const struct verdict_facts *facts)
{
    double p = facts->exposed_share;
    double hosts = (double)facts->exposed_hosts;
    if (p <= 0 || p >= 1 || facts->exposed_onsets == 0 || facts->exposed_hosts == 0) {
        return 0;
    }
    double level = log(1 / facts->alpha) + 1;
    double information = 2 * level / pow(log(facts->margin), 2);
    double needed = information / (1 - p) * hosts / (double)facts->exposed_onsets - hosts;
    if (facts->clear_gain > 1 && facts->rate_ratio.likely < facts->margin) {
        needed = hosts * (level / facts->clear_gain - 1);
    }
    double least = hosts / 20; /* fewer would be more exact than an estimate can be */
    return (uint64_t)ceil(needed > least ? needed : least);
}

static void add_reason(struct update_answer *answer, const char *reason)
{
    size_t most = sizeof answer->reasons / sizeof *answer->reasons;
    if (reason != NULL && answer->reason_count < most) {
        answer->reasons[answer->reason_count++] = reason;
    }
}

static void reason_counts(const struct verdict_facts *facts, struct arena *arena,
                          struct update_answer *answer)
{
    char compared[NUMBER_SIZE];
    char without[NUMBER_SIZE];
    char seen[NUMBER_SIZE];
    char hosts[NUMBER_SIZE];
    double expected = facts->compared.expected;
    if (!isnan(expected)) {
        add_reason(
            answer,
            say(arena,
                "The comparison counts %s onsets of exposed hosts, at most one a customer a "
                "minute; %s would have come without the update. In all, %s exposed hosts had %s "
                "onsets, whatever caused them.",
                grouped(facts->compared.onsets, compared),
                expected < 10 ? ratio(expected, without)
                              : grouped((uint64_t)llround(expected), without),
                grouped(facts->exposed_hosts, hosts), grouped(facts->exposed_onsets, seen)));
    } else if (facts->exposed_onsets > 0) {
        add_reason(answer,
                   say(arena,
                       "%s exposed hosts had %s onsets; no comparison tells anything of them yet.",
                       grouped(facts->exposed_hosts, hosts), grouped(facts->exposed_onsets, seen)));
    }
}

/* That there is harm is certain, and only whether it is as much as the margin is not. */
static bool is_sure_but_small(const struct verdict_facts *facts)
{
    return facts->verdict == VERDICT_SUSPECT && facts->log_e >= -log(facts->alpha) &&
           facts->low >= 1;
}

static void reason_evidence(const struct verdict_facts *facts, struct arena *arena,
                            struct update_answer *answer)
{
    char low[NUMBER_SIZE];
    char likely[NUMBER_SIZE];
    char high[NUMBER_SIZE];
    double log10_e = facts->log_e / M_LN10;
    if (log10_e >= 1) {
        add_reason(answer, say(arena,
                               "Evidence of 10^%.0f to 1 that it raises the onset rate; a hold "
                               "needs 10^%.0f.",
                               log10_e, -log10(facts->alpha)));
    }
    if (is_sure_but_small(facts)) {
        add_reason(answer,
                   say(arena,
                       "Somewhere in the fleet it raises the rate %s times or more; a hold needs "
                       "that to be %.1f, with every part of the fleet allowed for.",
                       ratio(facts->low, low), facts->margin));
    }
    if (isnan(facts->rate_ratio.likely)) {
        return;
    }
    add_reason(answer,
               say(arena,
                   "Onset rate of exposed hosts %s times that of comparable hosts (%s to "
                   "%s); the margin is %.1f.",
                   ratio(facts->rate_ratio.likely, likely), ratio(facts->rate_ratio.low, low),
                   ratio(facts->rate_ratio.high, high), facts->margin));
}

static void reason_needed(const struct verdict_facts *facts, struct arena *arena,
                          struct update_answer *answer)
{
    char hosts[NUMBER_SIZE];
    uint64_t needed = hosts_needed(facts);
    if (!facts->followed) {
        add_reason(answer, "Too many updates are in flight to follow this one.");
    } else if (facts->exposed_hosts == 0) {
        add_reason(answer, "No healthy host has been seen to install it.");
    } else if (needed == 0) {
        add_reason(answer, "No onset has been seen yet that it could be judged by.");
    } else if (facts->hosts_per_minute > 0) {
        add_reason(answer,
                   say(arena,
                       "Needs about %s more exposed hosts, about %.0f minutes at the "
                       "present pace.",
                       grouped(needed, hosts), ceil((double)needed / facts->hosts_per_minute)));
    } else {
        add_reason(answer, say(arena,
                               "Needs about %s more exposed hosts; none is being exposed at the "
                               "moment.",
                               grouped(needed, hosts)));
    }
}

static const char *time_of_day(double instant, char text[NUMBER_SIZE])
{
    char full[INSTANT_TEXT_SIZE];
    instant_format((instant_us)instant, full);
    snprintf(text, NUMBER_SIZE, "%.10s %.5s UTC", full, full + 11);
    return text;
}

/* "a", "a or b", "a, b or c"; the update itself first. */
static const char *list_mates(const struct verdict_facts *facts, struct arena *arena)
{
    struct buffer words = {0};
    buffer_append_text(&words, facts->update_id);
    for (size_t i = 0; i < facts->mate_count; i++) {
        buffer_append_format(&words, "%s%s", i + 1 < facts->mate_count ? ", " : " or ",
                             facts->mates[i]);
    }
    const char *text = words.failed ? NULL : arena_copy_text(arena, words.data, words.length);
    buffer_free(&words);
    return text;
}

/* "60 minutes", "24 hours": who is told that an update is harmless must know for how long. */
static const char *window(int32_t minutes, char text[NUMBER_SIZE])
{
    bool hours = minutes >= 120 && minutes % 60 == 0;
    snprintf(text, NUMBER_SIZE, hours ? "%d hours" : "%d minutes",
             (int)(hours ? minutes / 60 : minutes));
    return text;
}

static const char *sentence_of(const struct verdict_facts *facts, struct arena *arena)
{
    char customers[NUMBER_SIZE];
    char hosts[NUMBER_SIZE];
    char since[NUMBER_SIZE];
    char span[NUMBER_SIZE];
    const char *who = list_mates(facts, arena);
    if (who == NULL) {
        return NULL;
    }
    const char *with = facts->has_segment ? "hosts with " : "";
    const char *whom = facts->has_segment ? facts->segment_text : "hosts that install it";
    switch (facts->verdict) {
    case VERDICT_HOLD:
        return say(arena, "%s harms %s%s%s%s since %s: %s customers, %s hosts so far.", who, with,
                   facts->has_segment ? facts->segment_text : "hosts across the whole fleet",
                   facts->only_with != NULL ? ", together with " : "",
                   facts->only_with != NULL ? facts->only_with : "",
                   isnan(facts->onset.likely) ? "its release"
                                              : time_of_day(facts->onset.likely, since),
                   grouped(facts->customers, customers), grouped(facts->hosts, hosts));
    case VERDICT_SUSPECT:
        if (is_sure_but_small(facts)) {
            return say(arena,
                       "%s harms %s%s; whether by as much as the margin of %.1f is not sure yet.",
                       who, with, whom, facts->margin);
        }
        return say(arena, "%s may be harming %s%s; not enough to be sure yet.", who, with, whom);
    case VERDICT_CLEAR:
        return say(arena,
                   "%s does not raise the onset rate by as much as the margin of %.1f in the %s "
                   "after it is installed.",
                   facts->update_id, facts->margin, window(facts->window_minutes, span));
    case VERDICT_INSUFFICIENT_DATA:
        break;
    }
    return say(arena, "%s cannot be judged yet.", facts->update_id);
}

static const char *action_of(const struct verdict_facts *facts)
{
    switch (facts->verdict) {
    case VERDICT_HOLD:
        return facts->withdrawn ? "It is withdrawn; see that no host still takes it, and call the "
                                  "customers below."
                                : "Stop the rollout now and call the customers below.";
    case VERDICT_SUSPECT:
        return "Do not widen the rollout until this is decided.";
    case VERDICT_CLEAR:
        return "Go on.";
    case VERDICT_INSUFFICIENT_DATA:
        break;
    }
    return "Go on to the next hosts slowly, or wait.";
}

bool verdict_explain(const struct verdict_facts *facts, struct arena *arena,
                     struct update_answer *answer, struct failure *failure)
{
    answer->sentence = sentence_of(facts, arena);
    answer->action = action_of(facts);
    answer->control =
        facts->by_past
            ? "the same hosts' own past at this hour of the week, raised by how much it varies, as "
              "next to no hosts without the update were left"
            : "healthy hosts of the same segment and customer size that were not in its risk "
              "window in the same minute, alike in every other update and in how long they had "
              "been on";
    answer->reason_count = 0;
    reason_evidence(facts, arena, answer);
    reason_counts(facts, arena, answer);
    if (facts->has_segment) {
        add_reason(answer, say(arena, "The excess is in %s; exposed hosts outside it show none.",
                               facts->segment_text));
    }
    if (facts->mate_count > 0) {
        add_reason(answer, "The same hosts install them at the same time, so nothing tells them "
                           "apart: a bundle.");
    }
    if (facts->only_with != NULL) {
        add_reason(answer, say(arena,
                               "Where %s is not in its risk window too, exposed hosts show no "
                               "excess.",
                               facts->only_with));
    }
    if (facts->verdict == VERDICT_INSUFFICIENT_DATA || facts->verdict == VERDICT_SUSPECT) {
        reason_needed(facts, arena, answer);
    }
    return answer->sentence != NULL || failure_memory(failure, "explaining a verdict");
}
