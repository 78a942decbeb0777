/* A table of doors: which path is answered by what, and who may go through. It is the one place
 * that says so; the HTTP server's routes are made from it, and every request is judged by it before
 * its handler is called.
 *
 * Whoever shows nothing good gets 401, on a page 303 to /sign-in; whoever is known and may not,
 * 403. A POST that a page of another site makes the browser send is 403, whoever it is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_DOOR_H
#define EPICENTER_ANALYZER_DOOR_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzer/access.h"
#include "analyzer/role.h"
#include "common/failure.h"
#include "common/http_server.h"

enum door_kind {
    DOOR_API,
    DOOR_PERSON,  /* as DOOR_API, but not for a key */
    DOOR_PAGE,    /* people who are not signed in are sent to do so */
    DOOR_MACHINE, /* as DOOR_API, but this machine itself comes in without a key */
};

struct door {
    const char *method; /* "GET" is for HEAD too */
    const char *path;   /* as a route's: exact, or with a star at its end */
    const char *suffix; /* what stands for the star ends in this; "": whatever it is */
    size_t body_limit;
    http_handler handler;
    unsigned roles; /* who may, ROLE_BIT of each; 0: everybody, without being asked who they are */
    enum door_kind kind;
};

/* The identity of whoever a handler is called for; NULL at a door that is open to everybody. */
const struct identity *door_identity(struct http_request *request);

struct doors;

/* `table` must outlive it, and is looked through from its beginning: what has a suffix stands
 * before what has none. `context` is for the handlers. */
/* `behind_proxy`: only a proxy can reach these doors, and whom it names in Remote-User, with a role
 * among the groups in Remote-Groups (role.h), that is who asks. Never for a server that listens on
 * an address, where anybody could send these. */
MUST_CHECK bool doors_new(const struct door *table, size_t count, void *context,
                          struct access *access, bool behind_proxy, struct doors **doors,
                          struct failure *failure);
void doors_free(struct doors *doors);

/* For http_server_start, with `doors` as the context. */
const struct http_route *doors_routes(const struct doors *doors, size_t *count);

#endif
