/* How anything in Epicenter fails.
 *
 * A function that can fail returns bool under MUST_CHECK and, on false, has filled the caller's
 * struct failure. The caller owns the struct; nothing in it needs freeing. A function that
 * succeeds leaves it as it was.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_FAILURE_H
#define EPICENTER_COMMON_FAILURE_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_argument)                                                  \
    __attribute__((format(printf, format_index, first_argument)))

enum failure_code {
    FAILURE_NONE = 0,
    FAILURE_INVALID,      /* the input is wrong; the sender must change it */
    FAILURE_TOO_LARGE,    /* the input is over a limit */
    FAILURE_UNSUPPORTED,  /* a form we do not take (media type, encoding, version) */
    FAILURE_UNAUTHORIZED, /* nobody we know */
    FAILURE_FORBIDDEN,    /* known, but not allowed to do this */
    FAILURE_NOT_FOUND,
    FAILURE_CONFLICT,    /* somebody else was faster */
    FAILURE_EXHAUSTED,   /* over a quota; the same call may succeed later */
    FAILURE_UNAVAILABLE, /* a part we need is away; the same call may succeed later */
    FAILURE_MEMORY,
    FAILURE_SYSTEM, /* an operating-system or library call failed unexpectedly */
};

struct failure {
    enum failure_code code;
    char message[512]; /* one sentence a person can act on, no newline */
};

/* Fills `failure` and returns false, so that `return failure_set(...)` reads well. A message longer
 * than the field is cut. `failure` may be NULL. */
bool failure_set(struct failure *failure, enum failure_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Puts context before an existing message ("line 3: " …) and returns false. */
bool failure_prefix(struct failure *failure, const char *format, ...) PRINTF_LIKE(2, 3);

/* failure_set with FAILURE_MEMORY: "out of memory while <doing>". */
bool failure_memory(struct failure *failure, const char *doing);

#endif
