/* How is the analyzer itself? Counters and gauges in OpenMetrics text, which wants _total on
 * counters only and "# EOF" at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/api_metrics.h"

#include <stdint.h>

#include "common/instant.h"

static void describe(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_append_format(out, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

static void write_counter(struct buffer *out, const char *name, const char *help, uint64_t value)
{
    describe(out, name, "counter", help);
    buffer_append_format(out, "%s_total %llu\n", name, (unsigned long long)value);
}

static void write_gauge(struct buffer *out, const char *name, const char *help, double value)
{
    describe(out, name, "gauge", help);
    buffer_append_format(out, "%s %.15g\n", name, value);
}

static void write_labelled(struct buffer *out, const char *name, const char *label,
                           const char *value, uint64_t count)
{
    buffer_append_format(out, "%s{%s=\"%s\"} %llu\n", name, label, value,
                         (unsigned long long)count);
}

static void write_answers(const struct snapshot *snapshot, struct buffer *out)
{
    const struct fleet_answer *fleet = &snapshot->fleet;
    if (snapshot->as_of != INSTANT_NONE) {
        write_gauge(out, "epicenter_analyzer_as_of_timestamp_seconds",
                    "End of the last minute in the answers, by the server's clock.",
                    (double)snapshot->as_of / (double)INSTANT_SECOND);
    }
    describe(out, "epicenter_analyzer_updates", "gauge", "Updates by verdict.");
    for (enum verdict verdict = VERDICT_HOLD; verdict <= VERDICT_CLEAR; verdict++) {
        write_labelled(out, "epicenter_analyzer_updates", "verdict", verdict_name(verdict),
                       snapshot->verdict_counts[verdict]);
    }
    describe(out, "epicenter_analyzer_hosts", "gauge", "Hosts by state.");
    const struct {
        const char *state;
        uint64_t count;
    } states[] = {
        {"undistressed", fleet->hosts - fleet->pinned - fleet->elevated - fleet->silent},
        {"pinned", fleet->pinned},
        {"elevated", fleet->elevated},
        {"silent", fleet->silent},
    };
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        write_labelled(out, "epicenter_analyzer_hosts", "state", states[i].state, states[i].count);
    }
    write_counter(out, "epicenter_analyzer_duplicate_reports", "Reports that had been read before.",
                  fleet->duplicate_reports);
    write_counter(out, "epicenter_analyzer_late_reports",
                  "Reports read after their minute had been closed.", fleet->late_reports);
}

void api_metrics_write(const struct live_status *status, const struct snapshot *snapshot,
                       struct buffer *out)
{
    write_gauge(out, "epicenter_analyzer_database_up", "1 while the database answers.",
                status->database_up ? 1 : 0);
    write_gauge(out, "epicenter_analyzer_ready", "1 when the horizon has been read.",
                status->database_up && status->horizon_replayed ? 1 : 0);
    write_gauge(out, "epicenter_analyzer_leads",
                "1 while it writes verdicts and tells webhooks; 0 while it stands by.",
                status->leads ? 1 : 0);
    write_counter(out, "epicenter_analyzer_database_faults",
                  "Times that the database failed or was away.", status->database_faults);
    write_counter(out, "epicenter_analyzer_loads", "Loads read from the database.",
                  status->followed.loads);
    write_counter(out, "epicenter_analyzer_reports", "Reports read from the database.",
                  status->followed.reports);
    write_counter(out, "epicenter_analyzer_report_updates",
                  "Updates named in reports read from the database.", status->followed.updates);
    write_gauge(out, "epicenter_analyzer_missing_loads",
                "Load ids that have not been seen though higher ones have.",
                (double)status->followed.missing_loads);
    write_counter(out, "epicenter_analyzer_advances", "Steps the analysis has been advanced.",
                  status->advances);
    if (snapshot != NULL) {
        write_answers(snapshot, out);
    }
    buffer_append_text(out, "# EOF\n");
}
