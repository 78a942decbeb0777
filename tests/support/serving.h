/* A collector or an analyzer as it runs in a test: on a free loopback port, against a private
 * cluster.
 *
 *   struct serving collector = serving_start(COLLECTOR_PROGRAM, cluster, "epicenter_collector",
 *                                            (const char *[]){"--token-keys", keys, NULL});
 *   … collector.url … process_signal(collector.process, SIGKILL) …
 *   serving_stop(&collector);
 *
 * The CMake function epicenter_test_runs(test program …) of this folder defines COLLECTOR_PROGRAM,
 * ANALYZER_PROGRAM and FLEETSIM_PROGRAM, the paths of what was built, and builds them first.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_SUPPORT_SERVING_H
#define EPICENTER_TESTS_SUPPORT_SERVING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "tests/support/private_cluster.h"
#include "tests/support/process.h"

struct serving {
    struct process *process;
    uint16_t port;
    char url[48]; /* "http://127.0.0.1:…" */
};

/* Starts `program serve --database … --listen 127.0.0.1:PORT --port-file …` and the
 * NULL-terminated `more` arguments (NULL: none), and waits until it listens. */
struct serving serving_start(const char *program, struct private_cluster *cluster, const char *role,
                             const char *const *more);

/* The same at a port that an earlier one had, as after a crash. */
struct serving serving_start_at(uint16_t port, const char *program, struct private_cluster *cluster,
                                const char *role, const char *const *more);

/* A key that may do whatever a program may; the database takes it from serving_give_key on, and so
 * do the analyzer's commands that are run from then on. */
#define SERVING_KEY "epk_tests_tests_tests_tests_tests_tests_tests_t"
#define SERVING_KEY_HEADER "Authorization: Bearer " SERVING_KEY
void serving_give_key(struct private_cluster *cluster);

/* What it answers to GET, with the key above; empty unless that is 200. The caller's to free. */
struct buffer serving_ask(const struct serving *serving, const char *path);

/* Whether the text is in it; and the same awaited, for half a minute. */
bool serving_says(const struct serving *serving, const char *path, const char *text);
void serving_wait_until(const struct serving *serving, const char *path, const char *text);

/* Ends it with SIGTERM and returns its exit status. */
int serving_stop(struct serving *serving);

#endif
