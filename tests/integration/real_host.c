/* See the header. The one hard thing: collectd finds nothing by itself when it is not installed as
 * a service, so its configuration names every path.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/real_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/buffer.h"
#include "tests/support/http_client.h"
#include "tests/support/private_cluster.h"
#include "tests/support/process.h"
#include "tests/support/serving.h"

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Asks and expects 200. */
static json_t *ask_json(const struct http_ask *ask)
{
    struct http_answer answer = {0};
    http_client_ask(NULL, ask, &answer);
    if (answer.status != 200) {
        fail_msg("%s answered %u: %s%s", ask->url, answer.status, answer.trouble,
                 answer.body.data != NULL ? answer.body.data : "");
    }
    json_t *document = json_loadb(answer.body.data, answer.body.length, 0, NULL);
    http_answer_free(&answer);
    assert_non_null(document);
    return document;
}

static void enrol(struct real_host *host)
{
    struct process *command = process_run(
        (const char *[]){COLLECTOR_PROGRAM, "enrol-secret", "--customer", REAL_HOST_CUSTOMER,
                         "--database",
                         private_cluster_conninfo(host->cluster, PRIVATE_CLUSTER_OWNER), NULL},
        0);
    char secret[128];
    (void)snprintf(secret, sizeof secret, "%s", process_output(command));
    secret[strcspn(secret, "\n")] = '\0';
    process_free(command);

    char url[128];
    char body[256];
    (void)snprintf(url, sizeof url, "%s/v1/enrol", host->collector.url);
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\",\"host_id\":\"%s\"}", secret,
                   REAL_HOST_NAME);
    json_t *enrolled = ask_json(
        &(struct http_ask){.url = url,
                           .headers = (const char *[]){"Content-Type: application/json", NULL},
                           .body = body});
    (void)snprintf(host->token, sizeof host->token, "%s", real_host_text(enrolled, "token"));
    json_decref(enrolled);
}

/* As the README tells the owner of a machine, with an interval of a second and paths of the
 * test's own. */
static void start_collectd(struct real_host *host)
{
    struct buffer text = {0};
    buffer_append_format(&text,
                         "Hostname \"%s\"\n"
                         "FQDNLookup false\n"
                         "Interval 1\n"
                         "BaseDir \"%s\"\n"
                         "PIDFile \"%s\"\n"
                         "PluginDir \"/usr/lib/collectd\"\n"
                         "TypesDB \"/usr/share/collectd/types.db\"\n",
                         REAL_HOST_NAME, private_cluster_path(host->cluster, "collectd"),
                         private_cluster_path(host->cluster, "collectd.pid"));
    buffer_append_format(&text,
                         "LoadPlugin cpu\n"
                         "<Plugin cpu>\n"
                         "  ReportByCpu false\n"
                         "  ReportByState false\n"
                         "  ValuesPercentage true\n"
                         "</Plugin>\n"
                         "<LoadPlugin write_http>\n"
                         "  FlushInterval 5\n"
                         "</LoadPlugin>\n"
                         "<Plugin write_http>\n"
                         "  <Node \"epicenter\">\n"
                         "    URL \"%s/v1/collectd?product_line=Endpoint&os=Debian\"\n"
                         "    Format \"JSON\"\n"
                         "    Header \"Authorization: Bearer %s\"\n"
                         "  </Node>\n"
                         "</Plugin>\n",
                         host->collector.url, host->token);
    assert_false(text.failed);
    const char *path = private_cluster_path(host->cluster, "collectd.conf");
    write_file(path, text.data);
    buffer_free(&text);
    host->collectd = process_start((const char *[]){"/usr/sbin/collectd", "-f", "-C", path, NULL});
}

void real_host_start(struct real_host *host)
{
    *host = (struct real_host){.cluster = private_cluster_start(NULL)};
    private_cluster_migrate(host->cluster);
    serving_give_key(host->cluster);
    host->collector = serving_start(
        COLLECTOR_PROGRAM, host->cluster, "epicenter_collector",
        (const char *[]){"--token-keys", private_cluster_path(host->cluster, "token-keys"), NULL});
    host->analyzer = serving_start(ANALYZER_PROGRAM, host->cluster, "epicenter_analyzer", NULL);
    enrol(host);
    start_collectd(host);
}

void real_host_stop(struct real_host *host)
{
    process_free(host->collectd);
    assert_int_equal(serving_stop(&host->collector), 0);
    assert_int_equal(serving_stop(&host->analyzer), 0);
    private_cluster_remove(host->cluster);
}

void real_host_report(const struct real_host *host, const char *report)
{
    char url[128];
    char authorization[600];
    (void)snprintf(url, sizeof url, "%s/v1/reports", host->collector.url);
    (void)snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", host->token);
    json_t *result = ask_json(&(struct http_ask){
        .url = url,
        .headers = (const char *[]){"Content-Type: application/json", authorization, NULL},
        .body = report});
    assert_int_equal(json_integer_value(json_object_get(result, "accepted")), 1);
    json_decref(result);
}

json_t *real_host_ask(const struct real_host *host)
{
    char url[256];
    (void)snprintf(url, sizeof url, "%s/v1/hosts/this%%20machine?customer_id=%s",
                   host->analyzer.url, REAL_HOST_CUSTOMER);
    struct http_answer answer = {0};
    http_client_ask(
        NULL, &(struct http_ask){.url = url, .headers = (const char *[]){SERVING_KEY_HEADER, NULL}},
        &answer);
    json_t *document = NULL;
    if (answer.status == 200) {
        document = json_loadb(answer.body.data, answer.body.length, 0, NULL);
        assert_non_null(document);
    }
    http_answer_free(&answer);
    return document;
}

const char *real_host_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}
