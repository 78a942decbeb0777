/* The page on which people sign in, and what it sends back. Plain HTML that works without
 * JavaScript, in the pages' own style.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_SIGN_IN_PAGE_H
#define EPICENTER_ANALYZER_SIGN_IN_PAGE_H

#include <stdbool.h>

#include "analyzer/credential.h"
#include "analyzer/role.h"
#include "common/http_server.h"
#include "common/instant.h"

/* All fields at their longest with every byte escaped. */
#define SIGN_IN_BODY_LIMIT 8192

#define SIGN_IN_NAME_SIZE 324 /* 80 characters of UTF-8 */
#define SIGN_IN_NEXT_SIZE 512

struct sign_in_form {
    char name[SIGN_IN_NAME_SIZE];
    char password[PASSWORD_BYTES_MOST + 2]; /* room for one that is too long to be good */
    char link[CREDENTIAL_SIZE];             /* "": by name and password */
    char next[SIGN_IN_NEXT_SIZE];           /* a path of ours to go on to; "": the role's page */
};

/* Takes `next` (may be NULL) over where it is a path of ours; anything else is dropped. */
void sign_in_form_next(struct sign_in_form *form, const char *next);

/* From the request's body, application/x-www-form-urlencoded; false for another form, or where a
 * field is missing or too long. */
bool sign_in_form_read(struct sign_in_form *form, const struct http_request *request);

/* Answers with the form: 200; with a button alone where it holds a link. */
void sign_in_page_form(struct http_request *request, const struct sign_in_form *form);
/* The same with what went wrong: 403. */
void sign_in_page_refused(struct http_request *request, const struct sign_in_form *form,
                          const char *why);
/* 429, with Retry-After. */
void sign_in_page_throttled(struct http_request *request, const struct sign_in_form *form,
                            instant_us wait);

/* Answers 403 with where somebody who is signed in may go instead. */
void sign_in_page_not_yours(struct http_request *request, const struct identity *identity);

#endif
