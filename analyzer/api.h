/* The analyzer's HTTP door: answers as JSON and text, health, metrics, and the pages.
 *
 *   GET /v1/updates                 all answers        GET /v1/updates/{id}[/verdict]
 *   GET /v1/hosts/{uuid}            one host           GET /v1/hosts/{name}?customer_id=
 *   GET /v1/changes                 changes of verdict, oldest first
 *   GET /v1/summary                 for a terminal: ?columns= (60 to 120) &colour=1 &calls=
 *   GET /healthz /readyz /metrics   GET / /executives /support and /assets/…: the pages
 *
 * What is read from the answers carries a strong ETag (a hash of the body; If-None-Match gives
 * 304), Epicenter-As-Of (the end of the last minute in it) and Epicenter-Database (up or away):
 * answers are given from memory while the database is away, and headers say so because a word in
 * the body would change its ETag.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_API_H
#define EPICENTER_ANALYZER_API_H

#include <stdint.h>

#include "analyzer/live.h"
#include "common/failure.h"
#include "common/http_server.h"

/* Serves `live`, which must outlive the server. `address` is numeric; port 0 is any free one. */
MUST_CHECK bool api_start(const char *address, uint16_t port, struct live *live,
                          struct http_server **server, struct failure *failure);

#endif
