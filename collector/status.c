/* See status.h. The hard thing is to be ready only while reports really get through: readiness is
 * progress, not the existence of a process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/status.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collector/access.h"
#include "collector/commit.h"
#include "collector/service.h"
#include "common/buffer.h"

/* Hosts time out after 10 s; a load balancer should have looked elsewhere by the second try. */
#define STUCK_LIMIT_S 15.0

static void respond_text(struct http_request *request, const char *text)
{
    struct buffer body = {0};
    buffer_append_text(&body, text);
    http_respond(request, 200, "text/plain; charset=utf-8", &body);
}

void status_health(void *context, struct http_request *request)
{
    (void)context;
    respond_text(request, "alive\n");
}

void status_readiness(void *context, struct http_request *request)
{
    struct service *service = context;
    struct commit_status status;
    commit_read_status(service->commit, &status);
    if (!status.database_answers) {
        http_respond_problem(request, 503, "the database does not answer");
    } else if (!access_is_ready(service->access)) {
        http_respond_problem(request, 503, "the list of revoked tokens has not been read yet");
    } else if (status.stuck_s > STUCK_LIMIT_S) {
        http_respond_problem(request, 503, "reports wait, and nothing was committed for %.0f s",
                             status.stuck_s);
    } else {
        respond_text(request, "ready\n");
    }
}

/* ---- Metrics ---- */

/* A page being written: OpenMetrics names a counter without its _total where it describes it, the
 * text format of old with. */
struct page {
    struct buffer body;
    bool open_metrics;
};

static void describe(struct page *page, const char *name, const char *type, const char *help)
{
    const char *suffix = !page->open_metrics && strcmp(type, "counter") == 0 ? "_total" : "";
    buffer_append_format(&page->body,
                         "# TYPE epicenter_collector_%s%s %s\n# HELP epicenter_collector_%s%s %s\n",
                         name, suffix, type, name, suffix, help);
}

static void counter(struct page *page, const char *name, const char *help, uint64_t value)
{
    describe(page, name, "counter", help);
    buffer_append_format(&page->body, "epicenter_collector_%s_total %" PRIu64 "\n", name, value);
}

static void gauge(struct page *page, const char *name, const char *help, double value)
{
    describe(page, name, "gauge", help);
    buffer_append_format(&page->body, "epicenter_collector_%s %.9g\n", name, value);
}

static void append_requests(struct page *page, struct service *service)
{
    describe(page, "requests", "counter",
             "Requests to the routes of /v1 that take something, answered.");
    for (size_t i = 0; i < SERVICE_STATUS_COUNT; i++) {
        buffer_append_format(&page->body,
                             "epicenter_collector_requests_total{status=\"%u\"} %llu\n",
                             service_statuses[i], atomic_load(&service->answered[i]));
    }
    counter(page, "received_bytes", "Bytes of bodies, on the wire.",
            atomic_load(&service->bytes_received));
}

static void append_reports(struct page *page, const struct commit_status *status)
{
    counter(page, "reports_committed", "Reports committed.", status->reports);
    counter(page, "updates_committed", "Updates named in reports committed.", status->updates);
    describe(page, "reports_rejected", "counter", "Reports refused.");
    buffer_append_format(
        &page->body,
        "epicenter_collector_reports_rejected_total{reason=\"invalid\"} %" PRIu64
        "\nepicenter_collector_reports_rejected_total{reason=\"forbidden\"} %" PRIu64 "\n",
        status->invalid, status->forbidden);
    counter(page, "batches_committed", "Requests whose reports were committed.", status->batches);
    counter(page, "batches_repeated", "Of these, requests that had been committed before.",
            status->repeated_batches);
    counter(page, "batches_failed", "Requests answered 503 after a failed commit.",
            status->failed_batches);
}

static void append_loads(struct page *page, const struct commit_status *status)
{
    static const char name[] = "epicenter_collector_load_reports";
    describe(page, "load_reports", "histogram", "Reports that share a transaction.");
    for (size_t i = 0; i < COMMIT_LOAD_SIZES; i++) {
        buffer_append_format(&page->body, "%s_bucket{le=\"%u\"} %" PRIu64 "\n", name,
                             commit_load_sizes[i], status->loads_up_to[i]);
    }
    buffer_append_format(&page->body,
                         "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %" PRIu64 "\n%s_count %" PRIu64
                         "\n",
                         name, status->loads, name, status->reports, name, status->loads);
    describe(page, "commit_seconds", "counter", "Time spent in transactions.");
    buffer_append_format(&page->body, "epicenter_collector_commit_seconds_total %.6f\n",
                         status->commit_s);
    gauge(page, "queued_reports", "Reports waiting for a transaction.",
          (double)status->queued_rows);
    gauge(page, "stuck_seconds", "How long reports have waited without any commit.",
          status->stuck_s);
    gauge(page, "database_up", "1 when the database answered last.",
          status->database_answers ? 1 : 0);
}

static void append_access(struct page *page, struct service *service)
{
    struct access_status status;
    access_read_status(service->access, &status);
    describe(page, "access_events", "counter",
             "What tokens were used for in vain; the table access_event says by whom.");
    for (size_t i = 0; i < ACCESS_EVENT_COUNT; i++) {
        buffer_append_format(&page->body,
                             "epicenter_collector_access_events_total{event=\"%s\"} %" PRIu64 "\n",
                             access_event_names[i], status.events[i]);
    }
    gauge(page, "revocations", "Rows of the list of revoked tokens.", (double)status.revocations);
    gauge(page, "revocations_age_seconds", "Since the list was read; below 0: never.",
          status.list_age_s);
}

void status_metrics(void *context, struct http_request *request)
{
    struct service *service = context;
    struct commit_status status;
    const char *accept = http_request_header(request, "Accept");
    struct page page = {.open_metrics =
                            accept != NULL && strstr(accept, "application/openmetrics-text")};
    commit_read_status(service->commit, &status);
    append_requests(&page, service);
    append_reports(&page, &status);
    append_loads(&page, &status);
    append_access(&page, service);
    buffer_append_text(&page.body, "# EOF\n"); /* a comment in the old format */
    http_respond(request, 200,
                 page.open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                   : "text/plain; version=0.0.4; charset=utf-8",
                 &page.body);
}
