/* A collector on a private cluster, and requests to it: what the tests of the collector share.
 *
 * A helper that cannot do its work fails the test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_INTEGRATION_COLLECTOR_BENCH_H
#define EPICENTER_INTEGRATION_COLLECTOR_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/token.h"
#include "tests/support/http_client.h"
#include "tests/support/private_cluster.h"
#include "tests/support/serving.h"

struct collector_bench {
    struct private_cluster *cluster;
    struct serving collector;
    const char *keys;                   /* the key file */
    char gateway[TOKEN_TEXT_SIZE + 24]; /* "Authorization: Bearer …" of customer acme */
    char now[32];                       /* RFC 3339, for observed_at */
};

/* A migrated cluster and a collector with the NULL-terminated `more` arguments (NULL: none). */
void collector_bench_start(struct collector_bench *bench, const char *const *more);
void collector_bench_stop(struct collector_bench *bench);

/* Writes the Authorization header of a token that `collector token` makes with the NULL-terminated
 * arguments, such as --gateway --customer acme. */
void collector_bench_token(struct collector_bench *bench, const char *const *arguments,
                           char header[TOKEN_TEXT_SIZE + 24]);

#define JSON_TYPE "Content-Type: application/json"
#define NDJSON_TYPE "Content-Type: application/x-ndjson"

/* POSTs text with the headers (NULL: left out) and returns the status. */
unsigned collector_bench_post(struct collector_bench *bench, const char *path, const char *type,
                              const char *authorization, const char *body,
                              struct http_answer *answer);

/* GETs the path and returns the status. */
unsigned collector_bench_get(struct collector_bench *bench, const char *path,
                             struct http_answer *answer);

/* A report of the host, now, with nothing but CPU; good until the next call but three. */
const char *collector_bench_report(struct collector_bench *bench, const char *host, double busy);

/* Fails unless the answer is this problem+json; `detail` is a part of it. */
void collector_bench_expect_problem(const struct http_answer *answer, unsigned status,
                                    const char *detail);

#endif
