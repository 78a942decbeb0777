/* TLS as clients of others see it: curl and openssl s_client against the collector, with
 * certificates made here.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/integration/collector_bench.h"

/* Reached only where a test is about to fail. */
#define PATIENCE_S 30
#define HEADER_SIZE (TOKEN_TEXT_SIZE + 24)
/* What curl ends with. */
#define CURL_GOOD 0
#define CURL_NO_TLS 35
#define CURL_NOT_TRUSTED 60

static struct collector_bench bench;

static const char *path(const char *name)
{
    return private_cluster_path(bench.cluster, name);
}

/* A key NAME.key and a certificate NAME.pem for the subject, signed by CA's, or by itself. */
static void make_certificate(const char *name, const char *subject, const char *more,
                             const char *ca)
{
    char files[4][256];
    static const char *const endings[] = {"key", "pem"};
    for (size_t i = 0; i < 4; i++) {
        const char *whose = i < 2 ? name : ca != NULL ? ca : name;
        char file[64];
        (void)snprintf(file, sizeof file, "%s.%s", whose, endings[i % 2]);
        (void)snprintf(files[i], sizeof files[i], "%s", path(file));
    }
    const char *arguments[24] = {"openssl",
                                 "req",
                                 "-x509",
                                 "-newkey",
                                 "ec",
                                 "-pkeyopt",
                                 "ec_paramgen_curve:prime256v1",
                                 "-nodes",
                                 "-days",
                                 "2",
                                 "-keyout",
                                 files[0],
                                 "-out",
                                 files[1],
                                 "-subj",
                                 subject};
    size_t count = 16;
    if (more != NULL) {
        arguments[count++] = "-addext";
        arguments[count++] = more;
    }
    if (ca != NULL) {
        arguments[count++] = "-CAkey";
        arguments[count++] = files[2];
        arguments[count++] = "-CA";
        arguments[count] = files[3];
    }
    process_free(process_run(arguments, 0));
}

static void start_collector(const char *client_ca)
{
    const char *arguments[12] = {"--token-keys",
                                 bench.keys,
                                 "--tls-certificate",
                                 path("server.pem"),
                                 "--tls-key",
                                 path("server.key"),
                                 client_ca != NULL ? "--tls-client-ca" : NULL,
                                 client_ca};
    bench.collector =
        serving_start(COLLECTOR_PROGRAM, bench.cluster, "epicenter_collector", arguments);
}

struct call {
    const char *ca;     /* whom curl trusts */
    const char *client; /* whose certificate it shows; NULL: none */
    const char *header, *body;
    const char *most; /* --tls-max; NULL: any */
    int end;          /* what curl ends with */
};

/* Calls with curl and returns the status of the answer. */
static unsigned call_with_curl(const char *what, const struct call *call)
{
    char url[128];
    char certificate[64];
    char key[64];
    const char *arguments[32] = {"curl", "-sS",          "-o",       "/dev/null",
                                 "-w",   "%{http_code}", "--cacert", path(call->ca)};
    size_t count = 8;
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u%s", bench.collector.port, what);
    if (call->client != NULL) {
        (void)snprintf(certificate, sizeof certificate, "%s.pem", call->client);
        (void)snprintf(key, sizeof key, "%s.key", call->client);
        arguments[count++] = "--cert";
        arguments[count++] = path(certificate);
        arguments[count++] = "--key";
        arguments[count++] = path(key);
    }
    if (call->body != NULL) {
        arguments[count++] = "-H";
        arguments[count++] = JSON_TYPE;
        arguments[count++] = "-H";
        arguments[count++] = call->header;
        arguments[count++] = "-d";
        arguments[count++] = call->body;
    }
    if (call->most != NULL) {
        arguments[count++] = "--tls-max";
        arguments[count++] = call->most;
    }
    arguments[count] = url;
    struct process *process = process_run(arguments, call->end);
    unsigned status = (unsigned)strtoul(process_output(process), NULL, 10);
    process_free(process);
    return status;
}

static void tls_1_3_is_spoken_and_nothing_older(void **state)
{
    (void)state;
    assert_int_equal(call_with_curl("/readyz", &(struct call){.ca = "ca.pem"}), 200);
    assert_int_equal(call_with_curl("/readyz", &(struct call){.ca = "ca.pem", .most = "1.3"}), 200);
    (void)call_with_curl("/readyz",
                         &(struct call){.ca = "ca.pem", .most = "1.2", .end = CURL_NO_TLS});
    (void)call_with_curl("/readyz", &(struct call){.ca = "other-ca.pem", .end = CURL_NOT_TRUSTED});
    /* openssl says which; -quiet keeps it from waiting for more. */
    char where[32];
    (void)snprintf(where, sizeof where, "127.0.0.1:%u", bench.collector.port);
    struct process *process = process_run(
        (const char *const[]){"openssl", "s_client", "-connect", where, "-brief", NULL}, 0);
    assert_non_null(strstr(process_log(process), "Protocol version: TLSv1.3"));
    process_free(process);
    static const char *const refused[] = {"-tls1_2", "-tls1_1", "-tls1"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        process_free(process_run((const char *const[]){"openssl", "s_client", "-connect", where,
                                                       "-brief", refused[i], NULL},
                                 1));
    }
}

static void reports_come_in_by_tls(void **state)
{
    (void)state;
    char report[512];
    (void)snprintf(report, sizeof report, "%s", collector_bench_report(&bench, "tls-pc", 0.5));
    assert_int_equal(
        call_with_curl("/v1/reports",
                       &(struct call){.ca = "ca.pem", .header = bench.gateway, .body = report}),
        200);
    assert_int_equal(private_cluster_number(bench.cluster,
                                            "select count(*) from report join host_name using "
                                            "(host_id) where name = 'tls-pc'"),
                     1);
    /* Plain HTTP gets no answer. */
    struct buffer received = {0};
    int connection = http_raw_connect(bench.collector.port);
    http_raw_send(connection, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 34);
    assert_true(http_raw_receive(connection, PATIENCE_S * 1000, &received));
    assert_true(received.length == 0 || received.data[0] != 'H');
    buffer_free(&received);
    http_raw_close(connection);
}

static void replace(const char *name, const char *by)
{
    char from[256];
    (void)snprintf(from, sizeof from, "%s", path(by));
    assert_int_equal(rename(from, path(name)), 0);
}

static void a_new_certificate_is_taken_without_a_restart(void **state)
{
    (void)state;
    make_certificate("next", "/CN=next", "subjectAltName=IP:127.0.0.1", "other-ca");
    replace("server.pem", "next.pem");
    /* A certificate without its key is not taken, now or a second later. */
    assert_int_equal(call_with_curl("/readyz", &(struct call){.ca = "ca.pem"}), 200);
    (void)sleep(2);
    assert_int_equal(call_with_curl("/readyz", &(struct call){.ca = "ca.pem"}), 200);
    process_wait_for_log(bench.collector.process, "keeps the certificate it has");
    replace("server.key", "next.key");
    (void)sleep(2);
    assert_int_equal(call_with_curl("/readyz", &(struct call){.ca = "other-ca.pem"}), 200);
    (void)call_with_curl("/readyz", &(struct call){.ca = "ca.pem", .end = CURL_NOT_TRUSTED});
    process_wait_for_log(bench.collector.process, "took a new certificate");
}

static void a_client_shows_who_it_is(void **state)
{
    (void)state;
    char host[HEADER_SIZE];
    char report[512];
    char other[512];
    static const char id[] = "6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b";
    make_certificate("host", "/CN=pc-01", NULL, "ca");
    make_certificate("by-id", "/CN=some machine",
                     "subjectAltName=DNS:6F1D2C3A-5B7E-4F10-9A2B-0C1D2E3F4A5B", "ca");
    make_certificate("gateway", "/CN=acme", NULL, "ca");
    make_certificate("forged", "/CN=pc-01", NULL, "other-ca");
    assert_int_equal(serving_stop(&bench.collector), 0);
    make_certificate("server", "/CN=server", "subjectAltName=IP:127.0.0.1", "ca");
    start_collector(path("ca.pem"));

    (void)snprintf(report, sizeof report, "%s", collector_bench_report(&bench, "pc-01", 0.5));
    (void)snprintf(other, sizeof other, "%s", collector_bench_report(&bench, id, 0.5));
    collector_bench_token(
        &bench, (const char *const[]){"--host", "pc-01", "--customer", "acme", NULL}, host);
    char by_id[HEADER_SIZE];
    collector_bench_token(&bench, (const char *const[]){"--host", id, "--customer", "acme", NULL},
                          by_id);
    const struct {
        const char *client, *header, *body;
        unsigned status;
    } cases[] = {
        {"host", host, report, 200},
        {"by-id", by_id, other, 200},
        {"gateway", bench.gateway, report, 200},
        {NULL, host, report, 403},
        {"by-id", host, report, 403},
        {"gateway", host, report, 403},
        {"host", bench.gateway, report, 403},
        {"forged", host, report, 403},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct call call = {.ca = "ca.pem",
                                  .client = cases[i].client,
                                  .header = cases[i].header,
                                  .body = cases[i].body};
        unsigned status = call_with_curl("/v1/reports", &call);
        if (status != cases[i].status) {
            fail_msg("case %zu: %u, not %u", i, status, cases[i].status);
        }
    }
    /* Who only looks whether it is well needs none. */
    assert_int_equal(call_with_curl("/readyz", &(struct call){.ca = "ca.pem"}), 200);
}

static int start(void **state)
{
    (void)state;
    collector_bench_start(&bench, NULL);
    if (serving_stop(&bench.collector) != 0) {
        return -1;
    }
    make_certificate("ca", "/CN=ca", NULL, NULL);
    make_certificate("other-ca", "/CN=other ca", NULL, NULL);
    make_certificate("server", "/CN=server", "subjectAltName=IP:127.0.0.1", "ca");
    start_collector(NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    collector_bench_stop(&bench);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_1_3_is_spoken_and_nothing_older),
        cmocka_unit_test(reports_come_in_by_tls),
        cmocka_unit_test(a_new_certificate_is_taken_without_a_restart),
        cmocka_unit_test(a_client_shows_who_it_is),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
