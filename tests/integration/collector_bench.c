/* What the tests of the collector share; see collector_bench.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/collector_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/instant.h"
#include "tests/support/process.h"

#define ARGUMENTS_LIMIT 16

void collector_bench_token(struct collector_bench *bench, const char *const *arguments,
                           char header[TOKEN_TEXT_SIZE + 24])
{
    const char *all[ARGUMENTS_LIMIT] = {COLLECTOR_PROGRAM, "token", "--token-keys", bench->keys};
    for (size_t count = 4; *arguments != NULL; count++, arguments++) {
        assert_true(count < ARGUMENTS_LIMIT - 1);
        all[count] = *arguments;
    }
    struct process *process = process_run(all, 0);
    const char *token = process_output(process);
    (void)snprintf(header, TOKEN_TEXT_SIZE + 24, "Authorization: Bearer %.*s",
                   (int)strcspn(token, "\n"), token);
    process_free(process);
}

void collector_bench_start(struct collector_bench *bench, const char *const *more)
{
    const char *arguments[ARGUMENTS_LIMIT] = {"--token-keys"};
    *bench = (struct collector_bench){
        .cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true})};
    private_cluster_migrate(bench->cluster);
    bench->keys = private_cluster_path(bench->cluster, "token-keys");
    arguments[1] = bench->keys;
    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        assert_true(i + 3 < ARGUMENTS_LIMIT);
        arguments[i + 2] = more[i];
    }
    bench->collector =
        serving_start(COLLECTOR_PROGRAM, bench->cluster, "epicenter_collector", arguments);
    collector_bench_token(bench, (const char *const[]){"--gateway", "--customer", "acme", NULL},
                          bench->gateway);
    (void)instant_format(instant_now(), bench->now);
}

void collector_bench_stop(struct collector_bench *bench)
{
    if (bench->collector.process != NULL) {
        process_free(bench->collector.process);
    }
    private_cluster_remove(bench->cluster);
}

unsigned collector_bench_post(struct collector_bench *bench, const char *path, const char *type,
                              const char *authorization, const char *body,
                              struct http_answer *answer)
{
    char url[256];
    (void)snprintf(url, sizeof url, "%s%s", bench->collector.url, path);
    const char *headers[3] = {NULL};
    size_t count = 0;
    if (type != NULL) {
        headers[count++] = type;
    }
    if (authorization != NULL) {
        headers[count++] = authorization;
    }
    http_client_ask(NULL, &(struct http_ask){.url = url, .headers = headers, .body = body}, answer);
    return answer->status;
}

unsigned collector_bench_get(struct collector_bench *bench, const char *path,
                             struct http_answer *answer)
{
    char url[256];
    (void)snprintf(url, sizeof url, "%s%s", bench->collector.url, path);
    http_client_ask(NULL, &(struct http_ask){.url = url}, answer);
    return answer->status;
}

const char *collector_bench_report(struct collector_bench *bench, const char *host, double busy)
{
    static char texts[4][320];
    static size_t next;
    char *text = texts[next++ % 4];
    (void)snprintf(text, sizeof texts[0],
                   "{\"host_id\":\"%s\",\"observed_at\":\"%s\","
                   "\"cpu\":{\"interval_s\":60,\"busy\":%g}}",
                   host, bench->now, busy);
    return text;
}

void collector_bench_expect_problem(const struct http_answer *answer, unsigned status,
                                    const char *detail)
{
    char type[HTTP_HEADER_VALUE_SIZE] = "";
    (void)http_answer_header(answer, "Content-Type", type);
    if (answer->status != status || strcmp(type, "application/problem+json") != 0) {
        fail_msg("not problem %u but %u %s: %s%s", status, answer->status, type, answer->trouble,
                 answer->body.data);
    }
    json_t *problem = json_loadb(answer->body.data, answer->body.length, 0, NULL);
    assert_non_null(problem);
    assert_string_equal(json_string_value(json_object_get(problem, "type")), "about:blank");
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), status);
    assert_non_null(json_string_value(json_object_get(problem, "title")));
    const char *said = json_string_value(json_object_get(problem, "detail"));
    if (said == NULL || strstr(said, detail) == NULL) {
        fail_msg("the detail is \"%s\", not \"… %s …\"", said != NULL ? said : "(none)", detail);
    }
    json_decref(problem);
}
