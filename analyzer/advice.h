/* What does support say about an update? An explanation and a workaround that a person has written,
 * every version of it kept (sql/0017_advice.sql); until somebody does, a text made of the verdict.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ADVICE_H
#define EPICENTER_ANALYZER_ADVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "analyzer/answer.h"
#include "common/arena.h"
#include "common/buffer.h"
#include "common/database.h"
#include "common/failure.h"
#include "common/instant.h"

/* In characters: a minute's speech, and a page of steps. */
#define ADVICE_EXPLANATION_MOST 1000
#define ADVICE_WORKAROUND_MOST 4000

struct advice {
    const char *explanation, *workaround;
    int64_t version;        /* 0: the default text, nobody has written one */
    const char *written_by; /* NULL: likewise */
    instant_us written_at;  /* INSTANT_NONE: likewise */
};

/* The default text. Allocated in `arena`, as all texts here. */
MUST_CHECK bool advice_default(const struct update_answer *update, struct arena *arena,
                               struct advice *advice, struct failure *failure);

/* Replaces *advice by what somebody has written; leaves it where nobody has. */
MUST_CHECK bool advice_read(struct database *database, const char *update_id, struct arena *arena,
                            struct advice *advice, struct failure *failure);

/* Writes {"explanation","workaround","version"} as `author`, where the version is the one that the
 * author has seen: FAILURE_CONFLICT when there is a newer one. Plain text only: FAILURE_INVALID for
 * control characters but the new line, for what is too long, and for no explanation. */
MUST_CHECK bool advice_write(struct database *database, const char *update_id, const char *author,
                             const json_t *body, struct arena *arena, struct advice *advice,
                             struct failure *failure);

/* {"update","version","explanation","workaround","written_by","written_at"} */
MUST_CHECK bool advice_json(const struct advice *advice, const char *update_id, struct buffer *out,
                            struct failure *failure);

#endif
