/* A collector or an analyzer as it runs in a test; see serving.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/serving.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/http_client.h"

#define ARGUMENTS_LIMIT 32
#define ENDS_WITHIN_S 30

struct serving serving_start_at(uint16_t port, const char *program, struct private_cluster *cluster,
                                const char *role, const char *const *more)
{
    static unsigned started;
    char name[32];
    char listen[32];
    (void)snprintf(name, sizeof name, "port-%u", started++);
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", port);
    const char *port_file = private_cluster_path(cluster, name);
    const char *arguments[ARGUMENTS_LIMIT] = {
        program,    "serve", "--database",  private_cluster_conninfo(cluster, role),
        "--listen", listen,  "--port-file", port_file};
    size_t count = 8;
    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        assert_true(count < ARGUMENTS_LIMIT - 1);
        arguments[count++] = more[i];
    }
    struct serving serving = {.process = process_start(arguments)};
    serving.port = process_wait_for_port(serving.process, port_file);
    (void)snprintf(serving.url, sizeof serving.url, "http://127.0.0.1:%u", serving.port);
    return serving;
}

struct serving serving_start(const char *program, struct private_cluster *cluster, const char *role,
                             const char *const *more)
{
    return serving_start_at(0, program, cluster, role, more);
}

void serving_give_key(struct private_cluster *cluster)
{
    private_cluster_run(cluster, "insert into api_key (name, key_hash, scope)"
                                 " values ('tests', sha256('" SERVING_KEY "'), 'support')");
    assert_return_code(setenv("EPICENTER_KEY", SERVING_KEY, 1), 0);
}

struct buffer serving_ask(const struct serving *serving, const char *path)
{
    char url[128];
    struct http_answer answer = {0};
    struct buffer document = {0};
    (void)snprintf(url, sizeof url, "%s%s", serving->url, path);
    http_client_ask(
        NULL, &(struct http_ask){.url = url, .headers = (const char *[]){SERVING_KEY_HEADER, NULL}},
        &answer);
    if (answer.status == 200) {
        buffer_append(&document, answer.body.data, answer.body.length);
    }
    http_answer_free(&answer);
    return document;
}

bool serving_says(const struct serving *serving, const char *path, const char *text)
{
    struct buffer document = serving_ask(serving, path);
    bool found = document.data != NULL && strstr(document.data, text) != NULL;
    buffer_free(&document);
    return found;
}

void serving_wait_until(const struct serving *serving, const char *path, const char *text)
{
    for (int tenths = 0; tenths < 300; tenths++) {
        if (serving_says(serving, path, text)) {
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    fail_msg("%s has not come to say %s; %s", path, text, process_log(serving->process));
}

int serving_stop(struct serving *serving)
{
    process_signal(serving->process, SIGTERM);
    int status = process_wait(serving->process, ENDS_WITHIN_S);
    process_free(serving->process);
    serving->process = NULL;
    return status;
}
