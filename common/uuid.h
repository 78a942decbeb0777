/* Host identifiers. A host that names itself by anything but a UUID is given a name-based one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_UUID_H
#define EPICENTER_COMMON_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct uuid {
    uint8_t bytes[16];
};

#define UUID_TEXT_SIZE 37

/* True and fills `uuid` when `text` is a UUID in the 8-4-4-4-12 form, either case. */
bool uuid_parse(const char *text, struct uuid *uuid);

/* Lower-case 8-4-4-4-12. Returns `text`. */
char *uuid_format(const struct uuid *uuid, char text[UUID_TEXT_SIZE]);

/* The UUID of `name` within `name_space`: version 8 (RFC 9562, 5.8) over BLAKE2b-128 of
 * name_space, a NUL and the name. Version 5 would need SHA-1. Hosts use their customer as name
 * space, so that two customers' "pc-01" stay two hosts. */
struct uuid uuid_from_name(const char *name_space, const void *name, size_t length);

int uuid_compare(const struct uuid *left, const struct uuid *right);

/* For hash_index. Ids of hosts and segments are random, or hashes: one round mixes them enough. */
uint64_t uuid_hash(const struct uuid *id);

/* Whether they are the same: two comparisons, where millions of hosts are looked up. */
static inline bool uuid_equal(const struct uuid *left, const struct uuid *right)
{
    uint64_t a[2];
    uint64_t b[2];
    memcpy(a, left->bytes, sizeof a);
    memcpy(b, right->bytes, sizeof b);
    return a[0] == b[0] && a[1] == b[1];
}

#endif
