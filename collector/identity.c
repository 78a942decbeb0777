/* Do two machines use one identity? See identity.h. Per host: the address it wrote from last, the
 * one before, and how often it went back and forth in this span of ten minutes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/identity.h"

#include <pthread.h>
#include <stdlib.h>

#include <sodium.h>

/* Places for hosts: 16 MB when all are in use. */
#define SETS ((size_t)1 << 18)
#define WAYS 4
#define LOCKS 64
#define SPAN_S 600
#define TURNS_BORNE 3

struct host {
    uint32_t tag;            /* a part of the hash of its id; 0: nobody */
    uint16_t last, previous; /* hashes of addresses: equal ones of two hide a conflict in 65,536 */
    uint32_t since_s;        /* of the span */
    uint16_t turns;
    uint16_t rank; /* when it was seen last, in spans: what may be forgotten */
};

struct identity_watch {
    uint8_t hash_key[crypto_shorthash_KEYBYTES];
    pthread_mutex_t locks[LOCKS];
    struct host hosts[SETS * WAYS];
};

bool identity_watch_new(struct identity_watch **watch, struct failure *failure)
{
    struct identity_watch *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to watch identities");
    }
    crypto_shorthash_keygen(made->hash_key);
    for (size_t i = 0; i < LOCKS; i++) {
        (void)pthread_mutex_init(&made->locks[i], NULL);
    }
    *watch = made;
    return true;
}

void identity_watch_free(struct identity_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    for (size_t i = 0; i < LOCKS; i++) {
        (void)pthread_mutex_destroy(&watch->locks[i]);
    }
    free(watch);
}

static uint64_t hash(const struct identity_watch *watch, const void *bytes, size_t length)
{
    uint64_t value;
    (void)crypto_shorthash((uint8_t *)&value, bytes, length, watch->hash_key);
    return value;
}

static struct host *find_host(struct host *set, uint32_t tag, uint32_t now_s)
{
    struct host *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].tag == tag) {
            return &set[i];
        }
        if (set[i].tag == 0 || (oldest->tag != 0 && set[i].rank < oldest->rank)) {
            oldest = &set[i];
        }
    }
    *oldest = (struct host){.tag = tag, .since_s = now_s};
    return oldest;
}

bool identity_seen(struct identity_watch *watch, const void *host_id, size_t host_length,
                   const void *address, size_t address_length, uint32_t now_s)
{
    uint64_t id = hash(watch, host_id, host_length);
    uint16_t from = (uint16_t)(hash(watch, address, address_length) | 1); /* 0: none yet */
    size_t index = id & (SETS - 1);
    pthread_mutex_t *lock = &watch->locks[index % LOCKS];
    bool conflict = false;
    (void)pthread_mutex_lock(lock);
    struct host *host = find_host(&watch->hosts[index * WAYS], (uint32_t)(id >> 32) | 1, now_s);
    if (now_s - host->since_s > SPAN_S) {
        host->since_s = now_s;
        host->turns = 0;
    }
    host->rank = (uint16_t)(now_s / SPAN_S);
    if (from != host->last) {
        if (from == host->previous && host->turns < UINT16_MAX) {
            host->turns++;
            conflict = host->turns > TURNS_BORNE;
        }
        host->previous = host->last;
        host->last = from;
    }
    (void)pthread_mutex_unlock(lock);
    return conflict;
}
