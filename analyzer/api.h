/* The analyzer's HTTP door: answers as JSON and text, health, metrics, and the pages.
 *
 *   GET /v1/updates                 all answers; ?limit=&cursor= in pages, ?format=csv as a table
 *   GET /v1/updates/{id}[/verdict|/impact|/cost]   the last two as tables, too
 *   GET /v1/updates/{id}/verdict?wait=60   once it is decided, or after so many seconds
 *   GET /v1/updates/{id}/outreach   whom to call, and who is at it; see outreach_desk.h
 *   GET and PUT /v1/updates/{id}/advice   what support says; see advice_desk.h
 *   GET /v1/hosts/{uuid}            one host           GET /v1/hosts/{name}?customer_id=
 *   GET /v1/changes                 changes of verdict, oldest first; in pages, too
 *   GET /v1/summary                 for a terminal: ?columns= (60 to 120) &colour=1 &calls=
 *   GET /v1/what-if?update={id}&set=name=low,likely,high;…   the cost now and with these
 *   GET /v1/contacts/{customer}, POST …/open   people to call; see contact_desk.h
 *   POST /v1/registry/{customers|seats|updates}   text/csv; see registry_desk.h
 *   GET /v1/me                      whose session or key this is
 *   GET /v1/openapi.json            all of this for programs: analyzer/openapi.json
 *   GET /healthz /readyz /metrics   GET / /executives /support and /assets/…: the pages
 *   GET and POST /sign-in, POST /sign-out
 *
 * What is read from the answers carries a strong ETag (a hash of the body; If-None-Match gives
 * 304), Epicenter-As-Of (the end of the last minute in it) and Epicenter-Database (up or away):
 * answers are given from memory while the database is away, and headers say so because a word in
 * the body would change its ETag.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_API_H
#define EPICENTER_ANALYZER_API_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/door.h"
#include "analyzer/live.h"
#include "common/failure.h"

struct api;

/* Every path there is, and who may ask for it. */
const struct door *api_doors(size_t *count);

struct api_options {
    const char *address;      /* numeric */
    uint16_t port;            /* 0: any free one */
    const char *proxy_socket; /* where a proxy that signs people in connects; NULL: none does */
    const char *conninfo;     /* where outreach, contacts and accounts are kept */
};

/* Serves `live`, which must outlive it. */
MUST_CHECK bool api_start(const struct api_options *options, struct live *live, struct api **api,
                          struct failure *failure);
uint16_t api_port(const struct api *api);
/* Answers whoever waits, then ends. */
void api_stop(struct api *api);

#endif
