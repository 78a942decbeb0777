/* May this request come in now? Who sends it (access.h), whether it is within its quotas, and
 * whether two machines use one identity. By the headers alone, before a body is read.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_GATE_H
#define EPICENTER_COLLECTOR_GATE_H

#include <stdbool.h>

#include "collector/access.h"
#include "common/failure.h"
#include "common/http_server.h"
#include "common/token.h"

struct gate;

struct gate_options {
    double host_rate; /* requests a second of one host, 100 seconds' worth at once; 0: any */
    bool
        certificates; /* each sender shows one that names its host, or for a gateway its customer */
    double customer_rate; /* of all of a customer's hosts and gateways, 10 s' worth; 0: any */
};
/* Sixty times what a host that reports every minute needs, and more than one collector takes. */
#define GATE_HOST_RATE 1.0
#define GATE_CUSTOMER_RATE 100000.0

/* `access` must outlive the gate. */
MUST_CHECK bool gate_new(const struct gate_options *options, struct access *access,
                         struct gate **gate, struct failure *failure);
void gate_free(struct gate *gate);

/* Fills the token. Over a quota it is EXHAUSTED; otherwise see access_authenticate. A conflict of
 * identities is noted, and let in: which of the two is the copy cannot be told. */
MUST_CHECK bool gate_admits(struct gate *gate, const struct http_request *request,
                            struct token *token, struct failure *failure);

/* Answers with the failure, and where that is no good token with how to show one. */
void gate_refuse(struct http_request *request, const struct failure *failure);

#endif
