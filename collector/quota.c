/* Token buckets in bounded memory; see quota.h. Keys are chosen by senders, so they are placed by
 * a keyed hash (SipHash): nobody can aim at another's place.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/quota.h"

#include <pthread.h>
#include <stdlib.h>

#include <sodium.h>

/* Places that one key may take. With four, a table two thirds full forgets next to nobody. */
#define WAYS 4
/* Locks over the table: many more than threads, so that they rarely meet. */
#define LOCKS 64

struct place {
    uint64_t key;    /* its hash */
    int64_t full_us; /* when the bucket is full again */
};

struct quota {
    int64_t cost_us;  /* of one */
    int64_t depth_us; /* of the bucket */
    size_t sets;      /* a power of two */
    uint8_t hash_key[crypto_shorthash_KEYBYTES];
    pthread_mutex_t locks[LOCKS];
    struct place places[];
};

bool quota_new(double rate, double burst, size_t keys, struct quota **quota,
               struct failure *failure)
{
    *quota = NULL;
    if (rate <= 0) {
        return true;
    }
    size_t sets = LOCKS;
    while (sets * WAYS < keys) {
        sets *= 2;
    }
    /* Zeroed by the system, so that what is never used is never there. */
    struct quota *made = calloc(1, sizeof *made + sets * WAYS * sizeof *made->places);
    if (made == NULL) {
        return failure_memory(failure, "making the quotas");
    }
    made->cost_us = (int64_t)(1e6 / rate);
    made->cost_us = made->cost_us > 0 ? made->cost_us : 1;
    made->depth_us = (int64_t)(1e6 / rate * burst);
    made->sets = sets;
    crypto_shorthash_keygen(made->hash_key);
    for (size_t i = 0; i < LOCKS; i++) {
        (void)pthread_mutex_init(&made->locks[i], NULL);
    }
    *quota = made;
    return true;
}

void quota_free(struct quota *quota)
{
    if (quota == NULL) {
        return;
    }
    for (size_t i = 0; i < LOCKS; i++) {
        (void)pthread_mutex_destroy(&quota->locks[i]);
    }
    free(quota);
}

/* The key's place, or the one that is worth least. */
static struct place *find_place(struct place *set, uint64_t key)
{
    struct place *least = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            return &set[i];
        }
        if (set[i].full_us < least->full_us) {
            least = &set[i];
        }
    }
    *least = (struct place){.key = key};
    return least;
}

bool quota_take(struct quota *quota, const void *key, size_t length, int64_t now_us)
{
    if (quota == NULL) {
        return true;
    }
    uint64_t hash;
    _Static_assert(sizeof hash == crypto_shorthash_BYTES, "a hash is one number");
    (void)crypto_shorthash((uint8_t *)&hash, key, length, quota->hash_key);
    size_t index = hash & (quota->sets - 1);
    pthread_mutex_t *lock = &quota->locks[index % LOCKS];
    (void)pthread_mutex_lock(lock);
    struct place *place = find_place(&quota->places[index * WAYS], hash);
    int64_t full_us = place->full_us > now_us ? place->full_us : now_us;
    bool taken = full_us + quota->cost_us - now_us <= quota->depth_us;
    if (taken) {
        place->full_us = full_us + quota->cost_us;
    }
    (void)pthread_mutex_unlock(lock);
    return taken;
}
