/* Customers, seats and updates in memory; see registry.h.
 *
 * Entries are allocated one by one, so that a pointer stays good while the registry grows; texts
 * live in one arena, those that many customers have in common (a region, a tier, a currency) once.
 * A replaced entry's old texts stay there until the registry is freed: registries change by a few
 * rows an hour. They are read again every minute, though, so an entry that is the same as before is
 * left as it is and takes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/registry.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/hash_index.h"

struct zone_entry {
    const char *name;
    struct time_zone *zone;
};

/* `reading` is the number of the reading that named it last. */
struct customer_entry {
    struct registry_customer customer;
    unsigned reading, seats_reading;
};
struct update_entry {
    struct registry_update update;
    unsigned reading;
};

struct registry {
    unsigned reading; /* the one under way, or the last */
    struct arena arena;
    struct customer_entry **customers;
    size_t customer_count, customer_capacity;
    struct hash_index by_customer;
    struct update_entry **updates;
    size_t update_count, update_capacity;
    struct hash_index by_update;
    struct zone_entry *zones; /* a few dozen at most: looked through in order */
    size_t zone_count;
    const char **shared_texts;
    size_t shared_count, shared_capacity;
    struct hash_index by_shared_text;
    uint64_t seat_changes;
};

bool registry_new(struct registry **registry, struct failure *failure)
{
    *registry = calloc(1, sizeof **registry);
    return *registry != NULL || failure_memory(failure, "starting a registry");
}

void registry_free(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }
    for (size_t i = 0; i < registry->zone_count; i++) {
        time_zone_free(registry->zones[i].zone);
    }
    free(registry->zones);
    free(registry->customers);
    free(registry->updates);
    free(registry->shared_texts);
    hash_index_free(&registry->by_shared_text);
    hash_index_free(&registry->by_customer);
    hash_index_free(&registry->by_update);
    arena_free(&registry->arena);
    free(registry);
}

struct key {
    const struct registry *registry;
    const char *id;
};

static bool same_customer(const void *context, uint32_t item)
{
    const struct key *key = context;
    return strcmp(key->registry->customers[item]->customer.customer_id, key->id) == 0;
}

static bool same_update(const void *context, uint32_t item)
{
    const struct key *key = context;
    return strcmp(key->registry->updates[item]->update.update_id, key->id) == 0;
}

const char *criticality_name(enum criticality criticality)
{
    static const char *const names[CRITICALITIES] = {"", "low", "normal", "high", "critical"};
    return names[criticality];
}

bool criticality_parse(const char *name, enum criticality *criticality)
{
    for (size_t i = 0; i < CRITICALITIES; i++) {
        if (strcmp(criticality_name((enum criticality)i), name) == 0) {
            *criticality = (enum criticality)i;
            return true;
        }
    }
    return false;
}

static uint64_t hash_text(const char *text)
{
    return hash_bytes(text, strlen(text));
}

static struct customer_entry *find_customer(const struct registry *registry, const char *id)
{
    struct key key = {.registry = registry, .id = id};
    uint32_t found = hash_index_find(&registry->by_customer, hash_text(id), same_customer, &key);
    return found == HASH_INDEX_NONE ? NULL : registry->customers[found];
}

static struct update_entry *find_update(const struct registry *registry, const char *id)
{
    struct key key = {.registry = registry, .id = id};
    uint32_t found = hash_index_find(&registry->by_update, hash_text(id), same_update, &key);
    return found == HASH_INDEX_NONE ? NULL : registry->updates[found];
}

const struct registry_customer *registry_customer(const struct registry *registry,
                                                  const char *customer_id)
{
    const struct customer_entry *entry = find_customer(registry, customer_id);
    return entry == NULL ? NULL : &entry->customer;
}

const struct registry_update *registry_update(const struct registry *registry,
                                              const char *update_id)
{
    const struct update_entry *entry = find_update(registry, update_id);
    return entry == NULL ? NULL : &entry->update;
}

const struct registry_customer *registry_customer_at(const struct registry *registry, size_t index)
{
    return index < registry->customer_count ? &registry->customers[index]->customer : NULL;
}

const struct registry_update *registry_update_at(const struct registry *registry, size_t index)
{
    return index < registry->update_count ? &registry->updates[index]->update : NULL;
}

/* Sets *copy to the arena's copy of `text`, or NULL for NULL. */
static bool copy_text(struct registry *registry, const char *text, const char **copy,
                      struct failure *failure)
{
    if (text == NULL) {
        *copy = NULL;
        return true;
    }
    *copy = arena_copy_text(&registry->arena, text, strlen(text));
    return *copy != NULL || failure_memory(failure, "filling the registry");
}

/* Room for one more pointer in a list. */
static bool make_room(void **list, size_t count, size_t *capacity, struct failure *failure)
{
    if (count < *capacity) {
        return true;
    }
    size_t grown = *capacity == 0 ? 256 : *capacity * 2;
    void *moved = realloc(*list, grown * sizeof(void *));
    if (moved == NULL) {
        return failure_memory(failure, "filling the registry");
    }
    *list = moved;
    *capacity = grown;
    return true;
}

static bool same_shared(const void *context, uint32_t item)
{
    const struct key *key = context;
    return strcmp(key->registry->shared_texts[item], key->id) == 0;
}

/* As copy_text, with one copy for all who say the same. */
static bool share_text(struct registry *registry, const char *text, const char **copy,
                       struct failure *failure)
{
    if (text == NULL) {
        *copy = NULL;
        return true;
    }
    struct key key = {.registry = registry, .id = text};
    uint32_t found = hash_index_find(&registry->by_shared_text, hash_text(text), same_shared, &key);
    if (found != HASH_INDEX_NONE) {
        *copy = registry->shared_texts[found];
        return true;
    }
    if (!copy_text(registry, text, copy, failure) ||
        !make_room((void **)&registry->shared_texts, registry->shared_count,
                   &registry->shared_capacity, failure) ||
        !hash_index_add(&registry->by_shared_text, hash_text(text),
                        (uint32_t)registry->shared_count, failure)) {
        return false;
    }
    registry->shared_texts[registry->shared_count++] = *copy;
    return true;
}

static bool find_zone(struct registry *registry, const char *name, const struct time_zone **zone,
                      struct failure *failure)
{
    for (size_t i = 0; i < registry->zone_count; i++) {
        if (strcmp(registry->zones[i].name, name) == 0) {
            *zone = registry->zones[i].zone;
            return true;
        }
    }
    struct zone_entry *zones = realloc(registry->zones, (registry->zone_count + 1) * sizeof *zones);
    if (zones == NULL) {
        return failure_memory(failure, "filling the registry");
    }
    registry->zones = zones;
    struct zone_entry *entry = &zones[registry->zone_count];
    if (!share_text(registry, name, &entry->name, failure) ||
        !time_zone_load(name, &entry->zone, failure)) {
        return false;
    }
    registry->zone_count++;
    *zone = entry->zone;
    return true;
}

static bool copy_customer(struct registry *registry, const struct registry_customer *from,
                          struct registry_customer *to, struct failure *failure)
{
    *to = *from;
    to->seats = NULL;
    to->seat_count = 0;
    to->zone = NULL;
    if (from->time_zone != NULL && !find_zone(registry, from->time_zone, &to->zone, failure)) {
        if (failure != NULL && failure->code == FAILURE_NOT_FOUND) {
            failure->code = FAILURE_INVALID;
        }
        return failure_prefix(failure, "customer %s: ", from->customer_id);
    }
    const struct {
        const char *from;
        const char **to;
    } shared[] = {{from->region, &to->region},         {from->country, &to->country},
                  {from->time_zone, &to->time_zone},   {from->tier, &to->tier},
                  {from->partner, &to->partner},       {from->currency, &to->currency},
                  {from->renewal_on, &to->renewal_on}, {from->language, &to->language}};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        if (!share_text(registry, shared[i].from, shared[i].to, failure)) {
            return false;
        }
    }
    return copy_text(registry, from->customer_id, &to->customer_id, failure) &&
           copy_text(registry, from->name, &to->name, failure);
}

static bool same_text(const char *left, const char *right)
{
    return left == NULL || right == NULL ? left == right : strcmp(left, right) == 0;
}

/* All but the seats, which are added on their own. */
static bool is_unchanged(const struct registry_customer *known,
                         const struct registry_customer *customer)
{
    return known->kind == customer->kind && known->contract_value == customer->contract_value &&
           known->criticality == customer->criticality &&
           same_text(known->language, customer->language) &&
           same_text(known->name, customer->name) && same_text(known->region, customer->region) &&
           same_text(known->country, customer->country) &&
           same_text(known->time_zone, customer->time_zone) &&
           same_text(known->tier, customer->tier) && same_text(known->partner, customer->partner) &&
           same_text(known->currency, customer->currency) &&
           same_text(known->renewal_on, customer->renewal_on);
}

bool registry_add_customer(struct registry *registry, const struct registry_customer *customer,
                           struct failure *failure)
{
    struct registry_customer copy;
    struct customer_entry *known = find_customer(registry, customer->customer_id);
    if (known != NULL) {
        known->reading = registry->reading;
        if (is_unchanged(&known->customer, customer)) {
            return true;
        }
    }
    if (!copy_customer(registry, customer, &copy, failure)) {
        return false;
    }
    if (known != NULL) {
        copy.seats = known->customer.seats;
        copy.seat_count = known->customer.seat_count;
        known->customer = copy;
        return true;
    }
    struct customer_entry *added = arena_allocate(&registry->arena, sizeof *added);
    if (added == NULL) {
        return failure_memory(failure, "filling the registry");
    }
    *added = (struct customer_entry){.customer = copy, .reading = registry->reading};
    if (!make_room((void **)&registry->customers, registry->customer_count,
                   &registry->customer_capacity, failure) ||
        !hash_index_add(&registry->by_customer, hash_text(copy.customer_id),
                        (uint32_t)registry->customer_count, failure)) {
        return false;
    }
    registry->customers[registry->customer_count++] = added;
    return true;
}

static struct customer_entry *owner_of_seats(struct registry *registry, const char *customer_id,
                                             struct failure *failure)
{
    struct customer_entry *entry = find_customer(registry, customer_id);
    if (entry == NULL) {
        failure_set(failure, FAILURE_INVALID, "there is no customer %s", customer_id);
    }
    return entry;
}

bool registry_add_seats(struct registry *registry, const char *customer_id,
                        const char *product_line, uint32_t seats, struct failure *failure)
{
    struct customer_entry *entry = owner_of_seats(registry, customer_id, failure);
    if (entry == NULL) {
        return false;
    }
    struct registry_customer *customer = &entry->customer;
    size_t at = 0;
    while (at < customer->seat_count &&
           strcmp(customer->seats[at].product_line, product_line) != 0) {
        at++;
    }
    if (at < customer->seat_count && customer->seats[at].seats == seats) {
        return true;
    }
    size_t count = at < customer->seat_count ? customer->seat_count : at + 1;
    struct registry_seat *all = arena_allocate(&registry->arena, count * sizeof *all);
    if (all == NULL) {
        return failure_memory(failure, "filling the registry");
    }
    if (customer->seat_count > 0) {
        memcpy(all, customer->seats, customer->seat_count * sizeof *all);
    }
    all[at].seats = seats;
    if (!share_text(registry, product_line, &all[at].product_line, failure)) {
        return false;
    }
    customer->seats = all;
    customer->seat_count = count;
    registry->seat_changes++;
    return true;
}

static bool same_seats(const struct registry_customer *customer, const struct registry_seat *seats,
                       size_t count)
{
    bool same = customer->seat_count == count;
    for (size_t i = 0; same && i < count; i++) {
        same = customer->seats[i].seats == seats[i].seats &&
               strcmp(customer->seats[i].product_line, seats[i].product_line) == 0;
    }
    return same;
}

bool registry_set_seats(struct registry *registry, const char *customer_id,
                        const struct registry_seat *seats, size_t count, struct failure *failure)
{
    struct customer_entry *entry = owner_of_seats(registry, customer_id, failure);
    if (entry == NULL) {
        return false;
    }
    entry->seats_reading = registry->reading;
    if (same_seats(&entry->customer, seats, count)) {
        return true;
    }
    struct registry_seat *all = arena_allocate(&registry->arena, (count + 1) * sizeof *all);
    if (all == NULL) {
        return failure_memory(failure, "filling the registry");
    }
    for (size_t i = 0; i < count; i++) {
        all[i].seats = seats[i].seats;
        if (!share_text(registry, seats[i].product_line, &all[i].product_line, failure)) {
            return false;
        }
    }
    entry->customer.seats = all;
    entry->customer.seat_count = count;
    registry->seat_changes++;
    return true;
}

bool registry_add_update(struct registry *registry, const struct registry_update *update,
                         struct failure *failure)
{
    struct update_entry *known = find_update(registry, update->update_id);
    struct registry_update copy = *update;
    if (known != NULL) {
        known->reading = registry->reading;
        if (known->update.released_at == update->released_at &&
            known->update.withdrawn_at == update->withdrawn_at &&
            same_text(known->update.product_line, update->product_line)) {
            return true;
        }
    }
    if (!copy_text(registry, update->update_id, &copy.update_id, failure) ||
        !share_text(registry, update->product_line, &copy.product_line, failure)) {
        return false;
    }
    if (known != NULL) {
        known->update = copy;
        return true;
    }
    struct update_entry *added = arena_allocate(&registry->arena, sizeof *added);
    if (added == NULL) {
        return failure_memory(failure, "filling the registry");
    }
    *added = (struct update_entry){.update = copy, .reading = registry->reading};
    if (!make_room((void **)&registry->updates, registry->update_count, &registry->update_capacity,
                   failure) ||
        !hash_index_add(&registry->by_update, hash_text(copy.update_id),
                        (uint32_t)registry->update_count, failure)) {
        return false;
    }
    registry->updates[registry->update_count++] = added;
    return true;
}

/* ---- A reading of everything ---- */

void registry_begin(struct registry *registry)
{
    registry->reading++;
}

/* The numbers of those behind a dropped one change, and the index holds numbers. */
static bool drop_customers(struct registry *registry, struct failure *failure)
{
    size_t kept = 0;
    for (size_t i = 0; i < registry->customer_count; i++) {
        struct customer_entry *entry = registry->customers[i];
        if (entry->reading != registry->reading) {
            continue;
        }
        if (entry->seats_reading != registry->reading && entry->customer.seat_count > 0) {
            entry->customer.seat_count = 0;
            registry->seat_changes++;
        }
        registry->customers[kept++] = entry;
    }
    if (kept == registry->customer_count) {
        return true;
    }
    registry->customer_count = kept;
    registry->seat_changes++;
    hash_index_free(&registry->by_customer);
    bool good = true;
    for (size_t i = 0; good && i < kept; i++) {
        good = hash_index_add(&registry->by_customer,
                              hash_text(registry->customers[i]->customer.customer_id), (uint32_t)i,
                              failure);
    }
    return good;
}

static bool drop_updates(struct registry *registry, struct failure *failure)
{
    size_t kept = 0;
    for (size_t i = 0; i < registry->update_count; i++) {
        if (registry->updates[i]->reading == registry->reading) {
            registry->updates[kept++] = registry->updates[i];
        }
    }
    if (kept == registry->update_count) {
        return true;
    }
    registry->update_count = kept;
    hash_index_free(&registry->by_update);
    bool good = true;
    for (size_t i = 0; good && i < kept; i++) {
        good =
            hash_index_add(&registry->by_update, hash_text(registry->updates[i]->update.update_id),
                           (uint32_t)i, failure);
    }
    return good;
}

bool registry_end(struct registry *registry, struct failure *failure)
{
    return drop_customers(registry, failure) && drop_updates(registry, failure);
}

uint64_t registry_total_seats(const struct registry_customer *customer)
{
    uint64_t total = 0;
    for (size_t i = 0; i < customer->seat_count; i++) {
        total += customer->seats[i].seats;
    }
    return total;
}

bool registry_released_again(const struct registry_update *update, instant_us now)
{
    return update->withdrawn_at != INSTANT_NONE && update->released_at != INSTANT_NONE &&
           update->released_at > update->withdrawn_at && update->released_at <= now;
}

uint64_t registry_seat_changes(const struct registry *registry)
{
    return registry->seat_changes;
}
