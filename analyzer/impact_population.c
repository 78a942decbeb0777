/* Customers by stratum and by what is seen of them; see impact_estimate.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/impact_estimate.h"
#include "analyzer/impact_fit.h"

struct stratum_key {
    const struct impact_population *population;
    const struct impact_seats *seats;
};

static bool same_stratum(const void *context, uint32_t item)
{
    const struct stratum_key *key = context;
    const struct impact_stratum *stratum = &key->population->strata[item];
    return stratum->cell == key->seats->cell && stratum->kind == key->seats->kind &&
           stratum->tier == key->seats->tier;
}

struct kin_key {
    const struct impact_population *population;
    struct impact_kin kin;
};

static bool same_kin(const void *context, uint32_t item)
{
    const struct kin_key *key = context;
    const struct impact_kin *kin = &key->population->kin[item];
    return kin->stratum == key->kin.stratum && kin->shown == key->kin.shown &&
           kin->unheard == key->kin.unheard && kin->reporting == key->kin.reporting &&
           kin->unseen == key->kin.unseen;
}

static bool make_room(void **array, size_t count, size_t *capacity, size_t size,
                      struct failure *failure)
{
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? 64 : 2 * *capacity;
    void *grown = realloc(*array, wanted * size);
    if (grown == NULL) {
        return failure_memory(failure, "estimating the impact");
    }
    *array = grown;
    *capacity = wanted;
    return true;
}

static bool find_stratum(struct impact_population *population, const struct impact_seats *seats,
                         uint32_t *number, struct failure *failure)
{
    struct stratum_key key = {.population = population, .seats = seats};
    uint64_t hash = hash_number((uint64_t)(uintptr_t)seats->tier);
    hash = hash_number(hash ^ (uint64_t)seats->cell << 1 ^ (uint64_t)seats->kind);
    *number = hash_index_find(&population->by_stratum, hash, same_stratum, &key);
    if (*number != HASH_INDEX_NONE) {
        return true;
    }
    *number = (uint32_t)population->stratum_count;
    void *strata = population->strata;
    bool room = make_room(&strata, population->stratum_count, &population->stratum_capacity,
                          sizeof *population->strata, failure);
    population->strata = strata;
    if (!room || !hash_index_add(&population->by_stratum, hash, *number, failure)) {
        return false;
    }
    population->strata[population->stratum_count++] =
        (struct impact_stratum){.cell = seats->cell, .kind = seats->kind, .tier = seats->tier};
    return true;
}

bool impact_population_add(struct impact_population *population, const struct impact_seats *seats,
                           double customers, struct failure *failure)
{
    struct kin_key key = {.population = population,
                          .kin = {.shown = seats->shown,
                                  .unheard = seats->unheard,
                                  .reporting = seats->reporting,
                                  .unseen = seats->unseen,
                                  .customers = customers}};
    if (!find_stratum(population, seats, &key.kin.stratum, failure)) {
        return false;
    }
    uint64_t hash = hash_number((uint64_t)seats->shown << 32 | seats->unheard);
    hash = hash_number(hash ^ ((uint64_t)seats->reporting << 32 | seats->unseen));
    hash = hash_number(hash ^ key.kin.stratum);
    uint32_t found = hash_index_find(&population->by_kin, hash, same_kin, &key);
    if (found != HASH_INDEX_NONE) {
        population->kin[found].customers += customers;
        return true;
    }
    void *kin = population->kin;
    bool room = make_room(&kin, population->kin_count, &population->kin_capacity,
                          sizeof *population->kin, failure);
    population->kin = kin;
    if (!room ||
        !hash_index_add(&population->by_kin, hash, (uint32_t)population->kin_count, failure)) {
        return false;
    }
    population->kin[population->kin_count++] = key.kin;
    return true;
}

static void *copy_of(const void *array, size_t size)
{
    void *copy = malloc(size + 1);
    return copy == NULL || size == 0 ? copy : memcpy(copy, array, size);
}

bool impact_population_copy(const struct impact_population *population,
                            struct impact_population *copy, struct failure *failure)
{
    *copy = (struct impact_population){
        .strata =
            copy_of(population->strata, population->stratum_count * sizeof *population->strata),
        .stratum_count = population->stratum_count,
        .stratum_capacity = population->stratum_count,
        .kin = copy_of(population->kin, population->kin_count * sizeof *population->kin),
        .kin_count = population->kin_count,
        .kin_capacity = population->kin_count};
    if (copy->strata == NULL || copy->kin == NULL ||
        !hash_index_copy(&population->by_stratum, &copy->by_stratum) ||
        !hash_index_copy(&population->by_kin, &copy->by_kin)) {
        impact_population_free(copy);
        return failure_memory(failure, "estimating the impact");
    }
    return true;
}

void impact_population_free(struct impact_population *population)
{
    hash_index_free(&population->by_stratum);
    hash_index_free(&population->by_kin);
    free(population->strata);
    free(population->kin);
    *population = (struct impact_population){.strata = NULL};
}
