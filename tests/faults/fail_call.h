/* The n-th call of a kind fails: what the library fail_call.c, loaded before a program's own, and
 * the test that runs the program say to each other, in a file both have mapped.
 *
 * The test writes `left` and then `kind`; the program counts down, and the call that takes `left`
 * to 0 fails, once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FAULTS_FAIL_CALL_H
#define EPICENTER_FAULTS_FAIL_CALL_H

#include <stdatomic.h>

/* The variable that names the file. */
#define FAIL_CALL_FILE "FAIL_CALL_FILE"

enum fail_call_kind { FAIL_NOTHING, FAIL_MEMORY, FAIL_WRITE, FAIL_LIBPQ, FAIL_KINDS };

struct fail_call {
    atomic_int kind;
    atomic_long left;  /* calls of the kind until the one that fails */
    atomic_long fired; /* 1 once it has */
};

#endif
