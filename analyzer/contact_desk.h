/* The API's door to the contacts:
 *
 *   GET  /v1/contacts/{customer}        who is there to call, masked
 *   POST /v1/contacts/{customer}/open   {"update","reason"}: in clear; it is written down
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_CONTACT_DESK_H
#define EPICENTER_ANALYZER_CONTACT_DESK_H

#include "common/failure.h"
#include "common/http_server.h"

/* A reason of 500 characters and an update's id, every byte escaped. */
#define CONTACT_BODY_LIMIT 16384

struct contact_desk;

MUST_CHECK bool contact_desk_new(const char *conninfo, struct contact_desk **desk,
                                 struct failure *failure);
/* Answers whoever waits, then ends. NULL is fine. */
void contact_desk_free(struct contact_desk *desk);

void contact_desk_mask(struct contact_desk *desk, struct http_request *request);
/* For a path that ends in /open. */
void contact_desk_open(struct contact_desk *desk, struct http_request *request);

#endif
