/* The groups the cost is estimated by; see cost_strata.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_strata.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/impact_estimate.h"

/* A registry has a few hundred groups. Past this many (somebody's tier is a free text) the rest
 * are counted together, without region or tier. */
#define GROUPS_MOST 2000

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The registry keeps one copy of a text, so texts that are the same are the same pointer. */
struct group_key {
    const struct cost_population *population;
    struct cost_group wanted;
};

static bool same_group(const void *context, uint32_t item)
{
    const struct group_key *key = context;
    const struct cost_group *group = &key->population->groups[item];
    return group->region == key->wanted.region && group->tier == key->wanted.tier &&
           group->product_line == key->wanted.product_line && group->kind == key->wanted.kind &&
           group->by_line == key->wanted.by_line;
}

static uint64_t hash_group(const struct cost_group *group)
{
    uint64_t hash = hash_number((uint64_t)(uintptr_t)group->region);
    hash = hash_number(hash ^ (uint64_t)(uintptr_t)group->tier);
    hash = hash_number(hash ^ (uint64_t)(uintptr_t)group->product_line);
    return hash_number(hash ^ (uint64_t)group->kind ^ (uint64_t)group->by_line << 8);
}

static struct cost_group *find_group(struct cost_population *population, struct group_key *key,
                                     struct failure *failure)
{
    uint64_t hash = hash_group(&key->wanted);
    uint32_t found = hash_index_find(&population->by_group, hash, same_group, key);
    if (found == HASH_INDEX_NONE && population->count >= GROUPS_MOST) {
        key->wanted.region = key->wanted.tier = NULL;
        hash = hash_group(&key->wanted);
        found = hash_index_find(&population->by_group, hash, same_group, key);
    }
    if (found != HASH_INDEX_NONE) {
        return &population->groups[found];
    }
    if (population->count == population->capacity) {
        size_t capacity = population->capacity == 0 ? 64 : 2 * population->capacity;
        struct cost_group *groups = realloc(population->groups, capacity * sizeof *groups);
        if (groups == NULL) {
            failure_memory(failure, "counting who could be affected");
            return NULL;
        }
        population->groups = groups;
        population->capacity = capacity;
    }
    if (!hash_index_add(&population->by_group, hash, (uint32_t)population->count, failure)) {
        return NULL;
    }
    population->groups[population->count] = key->wanted;
    return &population->groups[population->count++];
}

/* The product line the customer has, if it has one only. */
static const char *only_line(const struct registry_customer *customer)
{
    return customer->seat_count == 1 ? customer->seats[0].product_line : NULL;
}

static bool count_into(struct cost_population *population, const struct registry_customer *customer,
                       bool by_line, const char *product_line, double seats,
                       struct failure *failure)
{
    struct group_key key = {.population = population,
                            .wanted = {.region = customer->region,
                                       .tier = customer->tier,
                                       .product_line = product_line,
                                       .kind = customer->kind,
                                       .by_line = by_line}};
    struct cost_group *group = find_group(population, &key, failure);
    if (group != NULL) {
        group->customers += 1;
        group->seats += seats;
    }
    return group != NULL;
}

bool cost_population_count(struct cost_population *population, const struct registry *registry,
                           struct failure *failure)
{
    cost_population_free(population);
    bool done = true;
    const struct registry_customer *customer;
    for (size_t i = 0; done && (customer = registry_customer_at(registry, i)) != NULL; i++) {
        done = count_into(population, customer, false, only_line(customer),
                          fmax(1, (double)registry_total_seats(customer)), failure);
        for (size_t s = 0; done && s < customer->seat_count; s++) {
            done = count_into(population, customer, true, customer->seats[s].product_line,
                              customer->seats[s].seats, failure);
        }
    }
    return done;
}

void cost_population_free(struct cost_population *population)
{
    hash_index_free(&population->by_group);
    free(population->groups);
    *population = (struct cost_population){.groups = NULL};
}

/* ---- The strata of one update ---- */

struct making {
    struct cost_stratum *strata;
    size_t count, capacity;
    const double *draws[3]; /* of consumers, corporates, corporate hosts */
};

static struct cost_stratum *find_stratum(struct making *making, const struct cost_stratum *wanted)
{
    size_t at = 0;
    while (at < making->count &&
           (making->strata[at].kind != wanted->kind ||
            !same_text(making->strata[at].region, wanted->region) ||
            !same_text(making->strata[at].product_line, wanted->product_line) ||
            !same_text(making->strata[at].tier, wanted->tier))) {
        at++;
    }
    if (at < making->count) {
        return &making->strata[at];
    }
    if (making->count == making->capacity) {
        at = making->count - 1; /* the last one takes the rest */
        return &making->strata[at];
    }
    bool corporate = wanted->kind == CUSTOMER_CORPORATE;
    struct cost_stratum *made = &making->strata[making->count++];
    *made = *wanted;
    made->customer_draws = making->draws[corporate ? 1 : 0];
    made->host_draws = making->draws[corporate ? 2 : 0];
    return made;
}

static struct cost_stratum stratum_of(const struct outreach_candidate *candidate,
                                      const char *product_line)
{
    const struct registry_customer *customer = candidate->customer;
    return (struct cost_stratum){.region = customer != NULL ? customer->region : candidate->region,
                                 .tier = customer != NULL ? customer->tier : NULL,
                                 .product_line = product_line != NULL ? product_line
                                                 : customer != NULL   ? only_line(customer)
                                                                      : NULL,
                                 .kind = customer != NULL ? customer->kind : CUSTOMER_CONSUMER};
}

static void add_affected(struct making *making, const struct impact_answer *impact,
                         const char *product_line)
{
    double customers[2] = {0, 0}; /* by kind */
    double hosts[2] = {0, 0};
    for (size_t i = 0; i < impact->candidate_count; i++) {
        const struct outreach_candidate *candidate = &impact->candidates[i];
        struct cost_stratum wanted = stratum_of(candidate, product_line);
        struct cost_stratum *stratum = find_stratum(making, &wanted);
        double of_it = (double)(candidate->hosts_confirmed + candidate->hosts_probable);
        stratum->customer_share += 1;
        stratum->host_share += of_it;
        customers[stratum->kind] += 1;
        hosts[stratum->kind] += of_it;
    }
    for (size_t i = 0; i < making->count; i++) {
        struct cost_stratum *stratum = &making->strata[i];
        bool corporate = stratum->kind == CUSTOMER_CORPORATE;
        stratum->customer_share /= fmax(1, customers[stratum->kind]);
        /* Consumers have a host each. */
        stratum->host_share = corporate ? stratum->host_share / fmax(1, hosts[stratum->kind])
                                        : stratum->customer_share;
    }
}

static void add_population(struct making *making, const struct cost_population *population,
                           const char *product_line)
{
    for (size_t i = 0; i < population->count; i++) {
        const struct cost_group *group = &population->groups[i];
        if (group->by_line != (product_line != NULL) ||
            (group->by_line && !same_text(group->product_line, product_line))) {
            continue;
        }
        struct cost_stratum wanted = {.region = group->region,
                                      .tier = group->tier,
                                      .product_line = group->product_line,
                                      .kind = group->kind};
        struct cost_stratum *stratum = find_stratum(making, &wanted);
        stratum->customers_all += group->customers;
        stratum->hosts_all += group->seats;
    }
}

bool cost_strata_make(const struct impact_answer *impact, const char *product_line,
                      const struct cost_population *population, struct arena *arena,
                      struct cost_basis *basis, struct failure *failure)
{
    struct making making = {
        .capacity = 2 * population->count + 200,
        .draws = {impact->consumers, impact->corporates, impact->corporate_hosts}};
    making.strata = arena_allocate(arena, making.capacity * sizeof *making.strata);
    if (making.strata == NULL) {
        return failure_memory(failure, "sharing out the cost");
    }
    add_affected(&making, impact, product_line);
    add_population(&making, population, product_line);
    *basis = (struct cost_basis){.strata = making.strata,
                                 .stratum_count = making.count,
                                 .draw_count = IMPACT_DRAWS,
                                 .growth_an_hour = NAN};
    return true;
}
