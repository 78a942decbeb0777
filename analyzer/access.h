/* Lets people and programs in: tells who a request comes from, signs browsers in and out. A thread
 * of its own asks the database and hashes passwords, so that nobody else's answer waits for either.
 *
 * A browser shows a session's id in the cookie __Host-epicenter (Secure, HttpOnly, SameSite=Strict;
 * browsers take it over plain HTTP from 127.0.0.1 and localhost only), a program its key in
 * Authorization: Bearer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ACCESS_H
#define EPICENTER_ANALYZER_ACCESS_H

#include <stdbool.h>

#include "analyzer/role.h"
#include "common/failure.h"
#include "common/http_server.h"

struct access;

MUST_CHECK bool access_new(const char *conninfo, struct access **access, struct failure *failure);
/* Answers whoever waits, then ends. NULL is fine. */
void access_free(struct access *access);

/* The program can be reached at `url` now: while nobody has an account of an admin, a one-time link
 * for one is printed on standard error. */
void access_invite_first(struct access *access, const char *url);

enum access_finding {
    ACCESS_NOBODY, /* shows nothing that could be good */
    ACCESS_KNOWN,
    ACCESS_UNSURE, /* shows something that only the database can judge */
};
enum access_finding access_find(struct access *access, struct http_request *request,
                                struct identity *identity);

/* For who is unsure: asks the database and calls `decided` on the thread, with NULL for nobody, or
 * answers 503. The request keeps its body. */
typedef void (*access_decided)(void *context, struct http_request *request,
                               const struct identity *identity);
void access_ask(struct access *access, struct http_request *request, access_decided decided,
                void *context);

/* Whether a page of another site makes the browser ask. A program with a key never is made to. */
bool access_is_cross_site(const struct http_request *request);

/* GET /sign-in[?link=…][&next=/…]: the form; with a link, whoever has it is signed in.
 * POST /sign-in: name and password, or a link, as a form. POST /sign-out. */
void access_serve_sign_in(struct access *access, struct http_request *request);
void access_take_sign_in(struct access *access, struct http_request *request);
void access_take_sign_out(struct access *access, struct http_request *request);

#endif
