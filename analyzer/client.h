/* Asking a running analyzer over HTTP, for the commands that do.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_CLIENT_H
#define EPICENTER_ANALYZER_CLIENT_H

#include <stdbool.h>

#include "common/buffer.h"
#include "common/failure.h"
#include "common/instant.h"

#define CLIENT_URL_DEFAULT "http://127.0.0.1:8421"

/* The key that is shown, `analyzer key add` made it: in the environment, where no list of processes
 * shows it. */
#define CLIENT_KEY_VARIABLE "EPICENTER_KEY"

struct client; /* keeps its connection between requests; one thread */

MUST_CHECK bool client_new(const char *url, struct client **client, struct failure *failure);
void client_free(struct client *client);

/* A zeroed struct is ready for client_get; free it with client_reply_free. */
struct client_reply {
    long status;
    struct buffer body;
    char etag[80];    /* "" where there is none */
    instant_us as_of; /* INSTANT_NONE where the answer does not say */
    bool database_away;
    char detail[256]; /* of an answer that is a problem, for people; otherwise "" */
};

/* GETs `path` of the analyzer. `etag` (may be NULL or "") is sent as If-None-Match: a reply with
 * status 304 has no body. Whatever the status, it is an answer; FAILURE_UNAVAILABLE means that
 * nothing answered, and says where; FAILURE_UNAUTHORIZED that a key is asked for. */
MUST_CHECK bool client_get(struct client *client, const char *path, const char *etag,
                           struct client_reply *reply, struct failure *failure);
void client_reply_free(struct client_reply *reply);

/* Appends `text` for use as one segment of a path or value of a query. */
MUST_CHECK bool client_escape(struct client *client, const char *text, struct buffer *path,
                              struct failure *failure);

#endif
