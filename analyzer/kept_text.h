/* A text that is given to many who ask, made once: with its ETag, and perhaps as gzip beside it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_KEPT_TEXT_H
#define EPICENTER_ANALYZER_KEPT_TEXT_H

#include "common/buffer.h"
#include "common/failure.h"

#define KEPT_TEXT_NAME_SIZE 33 /* 128 bits: no two texts of one deployment will ever collide */

struct kept_text {
    struct buffer plain;
    struct buffer gzip;             /* empty: only plain */
    char name[KEPT_TEXT_NAME_SIZE]; /* a hash of `plain`, in hexadecimal */
};

/* When `plain` is written. */
void kept_text_name(struct kept_text *text);

/* Makes the gzip form: about a twentieth of a second for a megabyte, so not under a lock. */
MUST_CHECK bool kept_text_pack(struct kept_text *text, struct failure *failure);

void kept_text_free(struct kept_text *text);

#endif
