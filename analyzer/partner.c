/* Counting by partner; see partner.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/partner.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct key {
    const struct partners *partners;
    const char *name;
};

static bool is_same(const void *context, uint32_t item)
{
    const struct key *key = context;
    return strcmp(key->partners->all[item].partner, key->name) == 0;
}

const char *partner_of(const struct outreach_candidate *candidate)
{
    return candidate->customer == NULL ? NULL : candidate->customer->partner;
}

static struct impact_partner *find(const struct partners *partners, const char *name)
{
    struct key key = {.partners = partners, .name = name};
    uint32_t found =
        hash_index_find(&partners->by_name, hash_bytes(name, strlen(name)), is_same, &key);
    return found == HASH_INDEX_NONE ? NULL : &partners->all[found];
}

static struct impact_partner *add(struct partners *partners, const char *name,
                                  struct failure *failure)
{
    if (partners->all == NULL || partners->count == partners->capacity) {
        size_t capacity = partners->capacity == 0 ? 64 : 2 * partners->capacity;
        struct impact_partner *all = realloc(partners->all, capacity * sizeof *all);
        if (all == NULL) {
            (void)failure_memory(failure, "counting by partner");
            return NULL;
        }
        partners->all = all;
        partners->capacity = capacity;
    }
    struct impact_partner *added = &partners->all[partners->count];
    *added = (struct impact_partner){.partner = name};
    return hash_index_add(&partners->by_name, hash_bytes(name, strlen(name)),
                          (uint32_t)partners->count++, failure)
               ? added
               : NULL;
}

bool partners_count(const struct outreach_candidate *candidates, size_t count,
                    struct partners *partners, struct failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = partner_of(&candidates[i]);
        if (name == NULL) {
            continue;
        }
        struct impact_partner *partner = find(partners, name);
        if (partner == NULL && (partner = add(partners, name, failure)) == NULL) {
            return false;
        }
        partner->customers++;
        partner->hosts += candidates[i].hosts_confirmed + candidates[i].hosts_probable;
    }
    return true;
}

const struct impact_partner *partners_find(const struct partners *partners,
                                           const struct outreach_candidate *candidate)
{
    const char *name = partner_of(candidate);
    return name == NULL ? NULL : find(partners, name);
}

static int compare(const void *left, const void *right)
{
    const struct impact_partner *a = left;
    const struct impact_partner *b = right;
    if (a->customers != b->customers) {
        return a->customers > b->customers ? -1 : 1;
    }
    if (a->hosts != b->hosts) {
        return a->hosts > b->hosts ? -1 : 1;
    }
    return strcmp(a->partner, b->partner);
}

bool partners_list(const struct partners *partners, struct arena *arena,
                   const struct impact_partner **list, size_t *count, struct failure *failure)
{
    struct impact_partner *all = arena_allocate(arena, (partners->count + 1) * sizeof *all);
    if (all == NULL) {
        return failure_memory(failure, "counting by partner");
    }
    if (partners->count > 0) {
        memcpy(all, partners->all, partners->count * sizeof *all);
        qsort(all, partners->count, sizeof *all, compare);
    }
    *list = all;
    *count = partners->count < PARTNERS_LISTED ? partners->count : PARTNERS_LISTED;
    return true;
}

void partners_free(struct partners *partners)
{
    free(partners->all);
    hash_index_free(&partners->by_name);
    *partners = (struct partners){.all = NULL};
}
