/* Reports in one by one, the verdicts of all minutes and the last answers out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/detection/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis.h"

#define START (INT64_C(1114200000) * INSTANT_SECOND) /* 2005-04-22T20:00:00Z */

static const char *const ids[MADE_UPDATES] = {"pattern/1", "other/1", "other/2"};

static void require(bool done, const struct failure *failure)
{
    if (!done) {
        (void)fprintf(stderr, "bench_detection: %s\n", failure->message);
        exit(EXIT_FAILURE);
    }
}

static instant_us instant_of(double minutes)
{
    return START + (instant_us)(minutes * (double)INSTANT_MINUTE);
}

static void report_host(struct analysis *analysis, const struct made_host *host, uint32_t number)
{
    struct failure failure;
    char customer[16];
    (void)snprintf(customer, sizeof customer, "C%05u", host->customer);
    struct report_attribute attributes[MADE_ATTRIBUTES];
    for (int a = 0; a < MADE_ATTRIBUTES; a++) {
        attributes[a] =
            (struct report_attribute){made_attributes[a], made_values[a][host->values[a]]};
    }
    struct report_update updates[MADE_UPDATES];
    struct report report = {.host_id = uuid_from_name("bench", &number, sizeof number),
                            .customer_id = customer,
                            .has_host = true,
                            .attributes = attributes,
                            .attribute_count = MADE_ATTRIBUTES,
                            .segment_id = report_segment_id(attributes, MADE_ATTRIBUTES),
                            .has_cpu = true,
                            .interval_s = 60 * MADE_INTERVAL,
                            .peak = NAN,
                            .product_busy = NAN,
                            .updates = updates};
    bool said[MADE_UPDATES] = {false};
    for (int at = MADE_INTERVAL; at < MADE_MINUTES; at++) {
        report.busy = made_reading(host, number, at);
        if (report.busy < 0) {
            continue;
        }
        report.observed_at = instant_of(at + host->clock_off);
        report.received_at = instant_of(at) + INSTANT_SECOND;
        report.update_count = 0;
        for (int u = 0; u < MADE_UPDATES; u++) {
            if (!said[u] && host->installs[u] <= at) {
                said[u] = true;
                /* Who was off when it was due takes it right before it says so. */
                double when = fmax(host->installs[u], at - MADE_INTERVAL);
                updates[report.update_count++] =
                    (struct report_update){.id = ids[u],
                                           .outcome = UPDATE_INSTALLED,
                                           .at = instant_of(when + host->clock_off)};
            }
        }
        require(analysis_add(analysis, &report, &failure), &failure);
    }
}

static void read_changes(struct analysis *analysis, struct trial *trial)
{
    const struct verdict_change *change;
    for (analysis_next_change(analysis, &change); change != NULL;
         analysis_next_change(analysis, &change)) {
        if (change->verdict != VERDICT_HOLD) {
            continue;
        }
        if (strcmp(change->update_id, ids[0]) != 0) {
            trial->others_held = true;
        } else if (trial->held_at >= MADE_NEVER) {
            trial->held_at = (double)(change->decided_at - START) / (double)INSTANT_MINUTE;
        }
    }
}

static bool said_matches(const struct segment_conjunction *said, const struct made_host *host)
{
    for (size_t t = 0; t < said->term_count; t++) {
        for (int a = 0; a < MADE_ATTRIBUTES; a++) {
            if (strcmp(said->terms[t].attribute, made_attributes[a]) == 0 &&
                strcmp(said->terms[t].value, made_values[a][host->values[a]]) != 0) {
                return false;
            }
        }
    }
    return true;
}

static void read_segment(const struct made_rollout *rollout, const struct update_answer *update,
                         struct trial *trial)
{
    trial->segment_right = true;
    for (size_t h = 0; h < rollout->host_count; h++) {
        const struct made_host *host = &rollout->hosts[h];
        bool is_said = false;
        for (size_t s = 0; s < update->segment_count; s++) {
            is_said |= said_matches(&update->segment[s], host);
        }
        bool is_true = made_is_in_segment(rollout, host);
        trial->true_hosts += is_true ? 1 : 0;
        trial->said_hosts += is_said ? 1 : 0;
        trial->common_hosts += is_said && is_true ? 1 : 0;
        trial->segment_right &= is_said == is_true;
    }
}

static void read_answer(const struct made_rollout *rollout, const struct update_answer *update,
                        struct trial *trial)
{
    trial->ratio_covered =
        update->rate_ratio.low <= rollout->ratio && rollout->ratio <= update->rate_ratio.high;
    for (size_t b = 0; b < update->bundle_count; b++) {
        trial->others_named |= strcmp(update->bundle[b], ids[1]) == 0;
    }
    read_segment(rollout, update, trial);
    double first = MADE_NEVER;
    for (size_t h = 0; h < rollout->host_count; h++) {
        first = fmin(first, rollout->hosts[h].harmed_at);
    }
    trial->onset_dated = isfinite(update->onset.low) && isfinite(update->onset.high);
    if (trial->onset_dated) {
        double truth = (double)instant_of(first);
        trial->onset_inside = update->onset.low <= truth && truth <= update->onset.high;
        trial->onset_width = (update->onset.high - update->onset.low) / (double)INSTANT_MINUTE;
    }
}

void trial_run(const struct made_rollout *rollout, struct trial *trial)
{
    struct analysis_options options = {.alpha = TRIAL_ALPHA, .seed = 1};
    struct cost_parameters parameters;
    struct analysis *analysis;
    const struct answers *answers;
    struct failure failure;
    *trial = (struct trial){.held_at = MADE_NEVER};
    cost_parameters_default(&parameters);
    require(analysis_new(&options, NULL, &parameters, &analysis, &failure), &failure);
    for (uint32_t h = 0; h < rollout->host_count; h++) {
        report_host(analysis, &rollout->hosts[h], h);
        for (int m = 0; m <= MADE_MINUTES; m++) {
            trial->harmed_before[m] += rollout->hosts[h].harmed_at < m ? 1 : 0;
        }
    }
    require(analysis_advance(analysis, START + MADE_MINUTES * INSTANT_MINUTE, &failure), &failure);
    read_changes(analysis, trial);
    require(analysis_answers(analysis, &answers, &failure), &failure);
    for (size_t u = 0; u < answers->update_count; u++) {
        if (strcmp(answers->updates[u].id, ids[0]) == 0) {
            read_answer(rollout, &answers->updates[u], trial);
        }
    }
    analysis_free(analysis);
    rivals_score(rollout, &trial->rivals);
}
