/* Many senders at once, in one thread: keep-alive connections that each send a request, wait for
 * the whole answer, and send the next. Lean, because its processor time is taken from what it
 * measures.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_LOAD_CLIENT_H
#define EPICENTER_TESTS_BENCH_LOAD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole HTTP/1.1 request, head and body. */
struct load_request {
    const char *bytes;
    size_t length;
};

struct load_plan {
    const char *server; /* in messages */
    uint16_t port;      /* on 127.0.0.1 */
    unsigned connections;
    const struct load_request *requests; /* sent in turn, from the first again after the last */
    size_t request_count;
    size_t total;   /* how many to send; 0: as many as most_s allows */
    double most_s;  /* no new request after so long */
    bool may_stall; /* when nothing is answered for two seconds the run ends, and says so */
};

struct load_result {
    double seconds; /* from the first request to the last answer */
    bool stalled;
    size_t answered;         /* with 2xx */
    size_t refused;          /* with anything else */
    size_t broken;           /* connections that ended without an answer; they are made again */
    unsigned refused_status; /* the last */
    double p50_ms, p99_ms, p999_ms, longest_ms; /* of the answers with 2xx */
    double client_cpu_s;
};

/* Ends the program when it cannot work at all. */
struct load_result load_run(const struct load_plan *plan);

#endif
