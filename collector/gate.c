/* May this request come in now? See gate.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/gate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/identity.h"
#include "collector/quota.h"
#include "common/report.h"
#include "common/uuid.h"

/* Busy at once, that is within what their burst takes to refill; 4 MB and 1 MB. */
#define BUSY_HOSTS ((size_t)1 << 18)
#define BUSY_CUSTOMERS ((size_t)1 << 16)
#define HOST_BURST_S 100.0
#define CUSTOMER_BURST_S 10.0

struct gate {
    bool certificates;
    struct access *access;
    struct quota *hosts, *customers; /* NULL: no limit */
    struct identity_watch *identities;
};

bool gate_new(const struct gate_options *options, struct access *access, struct gate **gate,
              struct failure *failure)
{
    struct gate *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "making the quotas");
    }
    made->certificates = options->certificates;
    made->access = access;
    if (!quota_new(options->host_rate, options->host_rate * HOST_BURST_S, BUSY_HOSTS, &made->hosts,
                   failure) ||
        !quota_new(options->customer_rate, options->customer_rate * CUSTOMER_BURST_S,
                   BUSY_CUSTOMERS, &made->customers, failure) ||
        !identity_watch_new(&made->identities, failure)) {
        gate_free(made);
        return false;
    }
    *gate = made;
    return true;
}

void gate_free(struct gate *gate)
{
    if (gate != NULL) {
        quota_free(gate->hosts);
        quota_free(gate->customers);
        identity_watch_free(gate->identities);
        free(gate);
    }
}

/* A host of a customer: another customer's host of the same id has nothing to do with it. */
struct holder {
    uint8_t bytes[sizeof(struct uuid) + REPORT_TEXT_LIMIT];
    size_t length;
};

static struct holder name_holder(const struct token *token)
{
    struct holder holder = {.length = sizeof token->host_id + strlen(token->customer_id)};
    memcpy(holder.bytes, token->host_id.bytes, sizeof token->host_id);
    memcpy(holder.bytes + sizeof token->host_id, token->customer_id,
           holder.length - sizeof token->host_id);
    return holder;
}

static void watch_identity(struct gate *gate, const struct http_request *request,
                           const struct token *token, const struct holder *holder, uint32_t now_s)
{
    uint8_t network[HTTP_NETWORK_SIZE];
    size_t length = http_request_network(request, network);
    if (identity_seen(gate->identities, holder->bytes, holder->length, network, length, now_s)) {
        access_note(gate->access, ACCESS_IDENTITY_CONFLICT, token, request,
                    "one token from two addresses in turns");
    }
}

/* Whether the name stands for the token's host, or for its customer where it has no host. */
static bool names_holder(const char *name, const struct token *token)
{
    struct uuid host_id;
    if (token->kind != TOKEN_HOST) {
        return strcmp(name, token->customer_id) == 0;
    }
    if (!uuid_parse(name, &host_id)) {
        host_id = uuid_from_name(token->customer_id, name, strlen(name));
    }
    return uuid_compare(&host_id, &token->host_id) == 0;
}

static bool check_certificate(struct gate *gate, const struct http_request *request,
                              const struct token *token, struct failure *failure)
{
    const char *name;
    for (size_t i = 0; (name = http_request_peer_name(request, i)) != NULL; i++) {
        if (names_holder(name, token)) {
            return true;
        }
    }
    failure_set(failure, FAILURE_FORBIDDEN, "show a certificate that names the %s of this token",
                token->kind == TOKEN_HOST ? "host" : "customer");
    access_note(gate->access, ACCESS_CERTIFICATE, token, request, failure->message);
    return false;
}

bool gate_admits(struct gate *gate, const struct http_request *request, struct token *token,
                 struct failure *failure)
{
    if (!access_authenticate(gate->access, request, token, failure) ||
        (gate->certificates && !check_certificate(gate, request, token, failure))) {
        return false;
    }
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    int64_t now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    if (token->kind == TOKEN_HOST) {
        struct holder holder = name_holder(token);
        if (!quota_take(gate->hosts, holder.bytes, holder.length, now_us)) {
            return failure_set(failure, FAILURE_EXHAUSTED,
                               "this host sends more often than it may; send several reports "
                               "at once, one a line");
        }
        watch_identity(gate, request, token, &holder, (uint32_t)now.tv_sec);
    }
    return token->kind == TOKEN_REPLAY ||
           quota_take(gate->customers, token->customer_id, strlen(token->customer_id), now_us) ||
           failure_set(failure, FAILURE_EXHAUSTED, "the customer's hosts send more than they may");
}

void gate_refuse(struct http_request *request, const struct failure *failure)
{
    if (failure->code == FAILURE_UNAUTHORIZED) {
        http_respond_header(request, "WWW-Authenticate", "Bearer realm=\"epicenter\"");
        http_respond_header(request, "WWW-Authenticate", "Basic realm=\"epicenter\"");
    }
    http_respond_failure(request, failure);
}
