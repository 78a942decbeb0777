/* How often may each of many do something? A token bucket for each key, in memory that does not
 * grow with the number of keys.
 *
 * The bucket is kept as the time at which it will be full again (the generic cell rate algorithm,
 * ITU-T I.371): one number a key, and a key whose time is past need not be kept at all. Where more
 * keys are busy at once than there is room for, the least busy one is forgotten and begins with a
 * full bucket.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_QUOTA_H
#define EPICENTER_COLLECTOR_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

struct quota;

/* `rate` a second for each key, `burst` at once; `keys` busy ones are kept, at 16 bytes each. A
 * rate of 0 makes *quota NULL, which allows everything. */
MUST_CHECK bool quota_new(double rate, double burst, size_t keys, struct quota **quota,
                          struct failure *failure);
void quota_free(struct quota *quota);

/* Takes one from the key's bucket, at `now_us` of a clock that does not go back; false when it is
 * empty. From any thread. */
bool quota_take(struct quota *quota, const void *key, size_t length, int64_t now_us);

#endif
