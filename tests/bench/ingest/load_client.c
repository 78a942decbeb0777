/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/ingest/load_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Answers of ours are below 1 KiB, heads included. */
#define ANSWER_BYTES 16384
#define LATENCIES_MOST ((size_t)4 << 20)

struct sender {
    int socket;
    const struct load_request *request;
    size_t sent, received;
    double began_s;
    char answer[ANSWER_BYTES + 1];
};

struct load {
    const struct load_plan *plan;
    struct load_result result;
    struct sender *senders;
    int events;
    size_t started, ended;
    double began_s;
    float *latencies_ms;
    size_t latency_count;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static double clock_s(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void watch(struct load *load, struct sender *sender, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = sender};
    if (epoll_ctl(load->events, operation, sender->socket, &event) != 0) {
        die("watching a connection");
    }
}

static void open_connection(struct load *load, struct sender *sender)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(load->plan->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    sender->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sender->socket < 0 ||
        connect(sender->socket, (const struct sockaddr *)&address, sizeof address) != 0) {
        die("connecting");
    }
    (void)setsockopt(sender->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    watch(load, sender, EPOLL_CTL_ADD, EPOLLIN);
}

static bool may_start(const struct load *load, double now_s)
{
    return (load->plan->total == 0 || load->started < load->plan->total) &&
           (load->plan->most_s <= 0 || now_s - load->began_s < load->plan->most_s);
}

/* Sends what is left of the request; false when the connection is broken. */
static bool push(struct load *load, struct sender *sender)
{
    while (sender->sent < sender->request->length) {
        ssize_t sent = send(sender->socket, sender->request->bytes + sender->sent,
                            sender->request->length - sender->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            watch(load, sender, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return true;
        }
        if (sent <= 0) {
            return false;
        }
        sender->sent += (size_t)sent;
        if (sender->sent == sender->request->length) {
            watch(load, sender, EPOLL_CTL_MOD, EPOLLIN);
        }
    }
    return true;
}

static void start_request(struct load *load, struct sender *sender, double now_s)
{
    sender->request = NULL;
    if (!may_start(load, now_s)) {
        return;
    }
    sender->request = &load->plan->requests[load->started++ % load->plan->request_count];
    sender->sent = 0;
    sender->received = 0;
    sender->began_s = now_s;
    /* Nearly every request goes out in one call. */
    ssize_t sent = send(sender->socket, sender->request->bytes, sender->request->length,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
    sender->sent = sent > 0 ? (size_t)sent : 0;
    if (sender->sent < sender->request->length) {
        watch(load, sender, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
}

static void end_request(struct load *load, unsigned status, double now_s, double began_s)
{
    load->ended++;
    if (status >= 200 && status < 300) {
        load->result.answered++;
        if (load->latency_count < LATENCIES_MOST) {
            load->latencies_ms[load->latency_count++] = (float)(1000 * (now_s - began_s));
        }
    } else if (status != 0) {
        load->result.refused++;
        load->result.refused_status = status;
    } else {
        load->result.broken++;
    }
}

static void start_again(struct load *load, struct sender *sender)
{
    (void)close(sender->socket);
    double now_s = clock_s(CLOCK_MONOTONIC);
    if (sender->request != NULL) {
        end_request(load, 0, now_s, sender->began_s);
    }
    open_connection(load, sender);
    start_request(load, sender, now_s);
}

/* The status of an answer that is there to its last byte; 0 while it is not. */
static unsigned whole_answer(struct sender *sender, bool *closes)
{
    sender->answer[sender->received] = '\0';
    const char *end = strstr(sender->answer, "\r\n\r\n");
    if (end == NULL || sender->received < 12) {
        return 0;
    }
    const char *length = strcasestr(sender->answer, "\r\nContent-Length:");
    size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
    if (sender->received < (size_t)(end + 4 - sender->answer) + body) {
        return 0;
    }
    const char *close = strcasestr(sender->answer, "\r\nConnection: close");
    *closes = close != NULL && close < end;
    return (unsigned)strtoul(sender->answer + 9, NULL, 10);
}

static void pull(struct load *load, struct sender *sender)
{
    ssize_t received = recv(sender->socket, sender->answer + sender->received,
                            ANSWER_BYTES - sender->received, MSG_DONTWAIT);
    if (received < 0 && errno == EAGAIN) {
        return;
    }
    if (received <= 0) {
        start_again(load, sender);
        return;
    }
    sender->received += (size_t)received;
    bool closes = false;
    unsigned status = whole_answer(sender, &closes);
    if (status == 0 || sender->request == NULL) {
        return;
    }
    double now_s = clock_s(CLOCK_MONOTONIC);
    end_request(load, status, now_s, sender->began_s);
    sender->request = NULL;
    if (closes) {
        start_again(load, sender);
    } else {
        start_request(load, sender, now_s);
    }
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;
    return (x > y) - (x < y);
}

static double quantile(const struct load *load, double share)
{
    if (load->latency_count == 0) {
        return 0;
    }
    size_t at = (size_t)(share * (double)(load->latency_count - 1));
    return (double)load->latencies_ms[at];
}

static void sum_up(struct load *load, double cpu_began_s)
{
    struct load_result *result = &load->result;
    result->seconds = clock_s(CLOCK_MONOTONIC) - load->began_s;
    result->client_cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_began_s;
    qsort(load->latencies_ms, load->latency_count, sizeof *load->latencies_ms, compare);
    result->p50_ms = quantile(load, 0.5);
    result->p99_ms = quantile(load, 0.99);
    result->p999_ms = quantile(load, 0.999);
    result->longest_ms = quantile(load, 1);
}

static void prepare(struct load *load, const struct load_plan *plan)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    load->plan = plan;
    load->events = epoll_create1(EPOLL_CLOEXEC);
    load->senders = calloc(plan->connections, sizeof *load->senders);
    load->latencies_ms = malloc(LATENCIES_MOST * sizeof *load->latencies_ms);
    if (load->events < 0 || load->senders == NULL || load->latencies_ms == NULL) {
        die("starting the load");
    }
    for (unsigned i = 0; i < plan->connections; i++) {
        open_connection(load, &load->senders[i]);
    }
}

struct load_result load_run(const struct load_plan *plan)
{
    struct load load = {0};
    struct epoll_event events[256];
    prepare(&load, plan);
    double cpu_began_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    load.began_s = clock_s(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < plan->connections; i++) {
        start_request(&load, &load.senders[i], load.began_s);
    }
    while (load.ended < load.started) {
        int count = epoll_wait(load.events, events, 256, plan->may_stall ? 2000 : 60000);
        if (count == 0 && plan->may_stall) {
            load.result.stalled = true;
            break;
        }
        if (count == 0 || (count < 0 && errno != EINTR)) {
            (void)fprintf(stderr, "bench: %s does not answer for a minute, after %zu of %zu\n",
                          plan->server, load.ended, load.started);
            exit(EXIT_FAILURE);
        }
        for (int i = 0; i < count; i++) {
            struct sender *sender = events[i].data.ptr;
            if ((events[i].events & EPOLLOUT) != 0 && sender->request != NULL &&
                !push(&load, sender)) {
                start_again(&load, sender);
                continue;
            }
            if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0) {
                pull(&load, sender);
            }
        }
    }
    sum_up(&load, cpu_began_s);
    for (unsigned i = 0; i < plan->connections; i++) {
        (void)close(load.senders[i].socket);
    }
    (void)close(load.events);
    free(load.senders);
    free(load.latencies_ms);
    return load.result;
}
