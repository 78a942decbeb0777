/* Do two machines use one identity? A cloned disk takes its token along, and then two machines
 * report as one host: its figures are of neither. The same token from two addresses in turns, more
 * than three times within ten minutes, is taken for that; a machine that moves changes its address
 * and stays.
 *
 * Bounded: the hosts seen last are watched, some million; what is forgotten is only not found out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_IDENTITY_H
#define EPICENTER_COLLECTOR_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

struct identity_watch;

MUST_CHECK bool identity_watch_new(struct identity_watch **watch, struct failure *failure);
void identity_watch_free(struct identity_watch *watch);

/* The host, by whatever names it, wrote from the address at `now_s` of a clock that does not go
 * back. True when that shows a conflict: once for every further change of address while it lasts.
 * From any thread. */
bool identity_seen(struct identity_watch *watch, const void *host_id, size_t host_length,
                   const void *address, size_t address_length, uint32_t now_s);

#endif
