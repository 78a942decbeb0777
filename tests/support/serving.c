/* A collector or an analyzer as it runs in a test; see serving.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/serving.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

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

int serving_stop(struct serving *serving)
{
    process_signal(serving->process, SIGTERM);
    int status = process_wait(serving->process, ENDS_WITHIN_S);
    process_free(serving->process);
    serving->process = NULL;
    return status;
}
