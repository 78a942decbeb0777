/* Which host is it? Hosts by their ids, and room for more of them; see fleet.h.
 *
 * One index in the order of a hash would be a miss in memory for each host that is looked for, and
 * all of it copied whenever it grows. So there is one for each first byte of an id: reports come in
 * heaps by it, and the index of a heap stays in the processor's cache while the heap is gone
 * through. Threads that go through heaps side by side share none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/fleet.h"
#include "analyzer/segment.h"
#include "common/large_pages.h"
#include "common/uuid.h"

/* Until a host says how often it reports; the design's usual interval. */
#define INTERVAL_DEFAULT_S 300

void fleet_free(struct fleet *fleet)
{
    (void)large_pages_resize(fleet->hosts, fleet->capacity * sizeof *fleet->hosts, 0);
    (void)large_pages_resize(fleet->ids, fleet->capacity * sizeof *fleet->ids, 0);
    for (unsigned shard = 0; fleet->by_id != NULL && shard < FLEET_SHARDS; shard++) {
        hash_index_free(&fleet->by_id[shard]);
    }
    free(fleet->by_id);
    free(fleet->events);
    free(fleet->silent_at);
    *fleet = (struct fleet){0};
}

/* ---- Finding ---- */

struct id_key {
    const struct fleet *fleet;
    const struct uuid *id;
};

static bool same_id(const void *context, uint32_t item)
{
    const struct id_key *key = context;
    return uuid_equal(&key->fleet->ids[item], key->id);
}

static struct hash_index *shard_of(const struct fleet *fleet, const struct uuid *id)
{
    return &fleet->by_id[id->bytes[0]];
}

uint32_t fleet_find(const struct fleet *fleet, const struct uuid *id)
{
    struct id_key key = {.fleet = fleet, .id = id};
    return fleet->by_id == NULL
               ? FLEET_NONE
               : hash_index_find(shard_of(fleet, id), uuid_hash(id), same_id, &key);
}

static void find_several(const struct fleet *fleet, const struct uuid *const *ids, size_t count,
                         uint32_t *hosts)
{
    uint64_t hashes[FLEET_FIND_MOST];
    for (size_t i = 0; i < count; i++) {
        hashes[i] = uuid_hash(ids[i]);
        hash_index_expect(shard_of(fleet, ids[i]), hashes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        hosts[i] = hash_index_guess(shard_of(fleet, ids[i]), hashes[i]);
        if (hosts[i] != FLEET_NONE) {
            __builtin_prefetch(&fleet->ids[hosts[i]]);
            __builtin_prefetch(&fleet->hosts[hosts[i]], 1);
        }
    }
    for (size_t i = 0; i < count; i++) {
        /* The first of its hash is nearly always the one, and where there is none nobody is. */
        if (hosts[i] != FLEET_NONE && !uuid_equal(&fleet->ids[hosts[i]], ids[i])) {
            struct id_key key = {.fleet = fleet, .id = ids[i]};
            hosts[i] = hash_index_find(shard_of(fleet, ids[i]), hashes[i], same_id, &key);
        }
    }
}

/* Of the hosts after the last one found, so many are looked at: one or the other may have missed a
 * turn, or reported a minute later than it used to. */
#define NEXT_LIKELY 4

static uint32_t find_next(const struct fleet *fleet, const struct uuid *id, uint32_t last)
{
    uint32_t left = fleet->count - last;
    for (uint32_t step = 0; step < left && step <= NEXT_LIKELY; step++) {
        if (uuid_equal(&fleet->ids[last + step], id)) {
            return last + step;
        }
    }
    return FLEET_NONE;
}

void fleet_find_in_order(const struct fleet *fleet, const struct uuid *const *ids, size_t count,
                         uint32_t *last, uint32_t *hosts)
{
    const struct uuid *others[FLEET_FIND_MOST];
    uint32_t found[FLEET_FIND_MOST];
    size_t other_count = 0;
    for (size_t i = 0; i < count; i++) {
        hosts[i] = *last < fleet->count ? find_next(fleet, ids[i], *last) : FLEET_NONE;
        if (hosts[i] != FLEET_NONE) {
            *last = hosts[i];
            __builtin_prefetch(&fleet->hosts[hosts[i]], 1);
        } else {
            others[other_count++] = ids[i];
        }
    }
    if (fleet->by_id == NULL) {
        return; /* nobody is known yet */
    }
    find_several(fleet, others, other_count, found);
    for (size_t i = 0, other = 0; other < other_count; i++) {
        if (hosts[i] == FLEET_NONE) {
            hosts[i] = found[other++];
        }
    }
    /* Nobody was next: whoever was found last is among hosts who were added together. */
    if (other_count == count && count > 0 && hosts[count - 1] != FLEET_NONE) {
        *last = hosts[count - 1];
    }
}

/* ---- Adding ---- */

static bool grow(struct fleet *fleet, uint32_t capacity, struct failure *failure)
{
    uint32_t blocks = fleet->capacity / FLEET_BLOCK;
    _Atomic int32_t *silent_at =
        realloc(fleet->silent_at, capacity / FLEET_BLOCK * sizeof *silent_at);
    if (silent_at == NULL) {
        return failure_memory(failure, "adding a host");
    }
    fleet->silent_at = silent_at;
    for (; blocks < capacity / FLEET_BLOCK; blocks++) {
        atomic_init(&silent_at[blocks], INT32_MAX);
    }
    size_t hosts_bytes = fleet->capacity * sizeof *fleet->hosts;
    size_t ids_bytes = fleet->capacity * sizeof *fleet->ids;
    size_t hosts_wanted = capacity * sizeof *fleet->hosts;
    struct fleet_host *hosts = large_pages_resize(fleet->hosts, hosts_bytes, hosts_wanted);
    if (hosts == NULL) {
        return failure_memory(failure, "adding a host");
    }
    struct uuid *ids = large_pages_resize(fleet->ids, ids_bytes, capacity * sizeof *fleet->ids);
    if (ids == NULL) {
        fleet->hosts = large_pages_resize(hosts, hosts_wanted, hosts_bytes);
        return failure_memory(failure, "adding a host");
    }
    fleet->hosts = hosts;
    fleet->ids = ids;
    fleet->capacity = capacity;
    return true;
}

bool fleet_make_room(struct fleet *fleet, uint32_t more, struct failure *failure)
{
    if (fleet->by_id == NULL) {
        fleet->by_id = calloc(FLEET_SHARDS, sizeof *fleet->by_id);
        if (fleet->by_id == NULL) {
            return failure_memory(failure, "adding a host");
        }
    }
    uint32_t capacity = fleet->capacity == 0 ? 1024 : fleet->capacity;
    while (capacity - fleet->count < more) {
        capacity *= 2;
    }
    return capacity == fleet->capacity || grow(fleet, capacity, failure);
}

struct fleet_host fleet_new_host(uint32_t customer)
{
    return (struct fleet_host){.last_observed_at = INSTANT_NONE,
                               .segment = SEGMENT_NONE,
                               .customer = customer,
                               .last_seen = INT32_MIN,
                               .delay_s = INT32_MAX,
                               .risk_cell = FLEET_NONE,
                               .installs = FLEET_NONE,
                               .interval_s = INTERVAL_DEFAULT_S,
                               .state = HOST_NEW};
}

bool fleet_put(struct fleet *fleet, uint32_t host, const struct uuid *id, uint32_t customer,
               struct failure *failure)
{
    fleet->ids[host] = *id;
    fleet->hosts[host] = fleet_new_host(customer);
    return hash_index_add(shard_of(fleet, id), uuid_hash(id), host, failure);
}

void fleet_take_put(struct fleet *fleet, uint32_t count)
{
    fleet->count += count;
    fleet->in_state[HOST_NEW] += count;
}

bool fleet_add(struct fleet *fleet, const struct uuid *id, uint32_t customer, uint32_t *host,
               struct failure *failure)
{
    *host = fleet->count;
    if (!fleet_make_room(fleet, 1, failure) || !fleet_put(fleet, *host, id, customer, failure)) {
        return false;
    }
    fleet_take_put(fleet, 1);
    return true;
}

size_t fleet_index_bytes(const struct fleet *fleet)
{
    size_t bytes = 0;
    for (unsigned shard = 0; fleet->by_id != NULL && shard < FLEET_SHARDS; shard++) {
        bytes += fleet->by_id[shard].capacity * sizeof *fleet->by_id[shard].slots;
    }
    return bytes;
}
