/* See status.h. The hard thing is to be ready only while reports really get through: readiness is
 * progress, not the existence of a process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/status.h"

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
    } else if (status.stuck_s > STUCK_LIMIT_S) {
        http_respond_problem(request, 503, "reports wait, and nothing was committed for %.0f s",
                             status.stuck_s);
    } else {
        respond_text(request, "ready\n");
    }
}

static void describe(struct buffer *body, const char *name, const char *type, const char *help)
{
    buffer_append_format(body,
                         "# TYPE epicenter_collector_%s %s\n# HELP epicenter_collector_%s %s\n",
                         name, type, name, help);
}

static void counter(struct buffer *body, const char *name, const char *help, uint64_t value)
{
    describe(body, name, "counter", help);
    buffer_append_format(body, "epicenter_collector_%s_total %llu\n", name,
                         (unsigned long long)value);
}

static void gauge(struct buffer *body, const char *name, const char *help, double value)
{
    describe(body, name, "gauge", help);
    buffer_append_format(body, "epicenter_collector_%s %.9g\n", name, value);
}

static void append_requests(struct buffer *body, struct service *service)
{
    describe(body, "requests", "counter", "Requests that brought reports or enrolments, answered.");
    static const char *const classes[] = {"", "", "2xx", "", "4xx", "5xx"};
    for (size_t i = 2; i < sizeof classes / sizeof *classes; i++) {
        if (classes[i][0] != '\0') {
            buffer_append_format(body, "epicenter_collector_requests_total{status=\"%s\"} %llu\n",
                                 classes[i], atomic_load(&service->answered[i]));
        }
    }
}

void status_metrics(void *context, struct http_request *request)
{
    struct service *service = context;
    struct commit_status status;
    struct buffer body = {0};
    commit_read_status(service->commit, &status);
    append_requests(&body, service);
    counter(&body, "received_bytes", "Bytes of bodies, on the wire.",
            atomic_load(&service->bytes_received));
    counter(&body, "reports_committed", "Reports committed.", status.reports);
    counter(&body, "updates_committed", "Updates named in reports committed.", status.updates);
    counter(&body, "reports_rejected", "Reports refused with a reason.", status.rejections);
    counter(&body, "batches_committed", "Requests whose reports were committed.", status.batches);
    counter(&body, "batches_failed", "Requests answered 503 after a failed commit.",
            status.failed_batches);
    counter(&body, "loads", "Transactions that stored reports.", status.loads);
    describe(&body, "commit_seconds", "counter", "Time spent in transactions.");
    buffer_append_format(&body, "epicenter_collector_commit_seconds_total %.6f\n", status.commit_s);
    gauge(&body, "queued_reports", "Reports waiting for a transaction.",
          (double)status.queued_rows);
    gauge(&body, "stuck_seconds", "How long reports have waited without any commit.",
          status.stuck_s);
    gauge(&body, "database_up", "1 when the database answered last.",
          status.database_answers ? 1 : 0);
    buffer_append_text(&body, "# EOF\n");
    http_respond(request, 200, "application/openmetrics-text; version=1.0.0; charset=utf-8", &body);
}
