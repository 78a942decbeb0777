/* Counting the fleet by region and product line; see impact_census.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/impact_census.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/parallel.h"
#include "common/large_pages.h"

#define UNKNOWN "unknown"

/* Every part reads the whole fleet, so more of them than the memory can feed bring nothing. */
#define PARTS_MOST 8U

/* Neighbouring customers are of one part, as their counts share a cache line. */
#define CUSTOMERS_TOGETHER 64U

/* So many hosts are looked up at once: a miss takes as long as ten of them. */
#define BATCH 32

void impact_census_free(struct impact_census *census)
{
    free(census->regions.texts);
    free(census->lines.texts);
    hash_index_free(&census->regions.by_text);
    hash_index_free(&census->lines.by_text);
    free(census->segment_regions);
    free(census->segment_lines);
    free(census->registered);
    free(census->customer_regions);
    free(census->customer_hosts);
    free(census->places);
    *census = (struct impact_census){0};
}

/* ---- Texts by number ---- */

struct text_key {
    const struct census_texts *texts;
    const char *text;
};

static bool same_text(const void *context, uint32_t item)
{
    const struct text_key *key = context;
    return strcmp(key->texts->texts[item], key->text) == 0;
}

static uint32_t find_text(const struct census_texts *texts, const char *text)
{
    struct text_key key = {.texts = texts, .text = text};
    return hash_index_find(&texts->by_text, hash_bytes(text, strlen(text)), same_text, &key);
}

static bool number_text(struct census_texts *texts, const char *text, uint32_t *number,
                        struct failure *failure)
{
    text = text != NULL ? text : UNKNOWN;
    *number = find_text(texts, text);
    if (*number != HASH_INDEX_NONE) {
        return true;
    }
    if (texts->count == texts->capacity) {
        uint32_t capacity = texts->capacity == 0 ? 32 : texts->capacity * 2;
        const char **grown = realloc(texts->texts, capacity * sizeof *grown);
        if (grown == NULL) {
            return failure_memory(failure, "counting who reports");
        }
        texts->texts = grown;
        texts->capacity = capacity;
    }
    *number = texts->count;
    texts->texts[texts->count] = text;
    if (!hash_index_add(&texts->by_text, hash_bytes(text, strlen(text)), *number, failure)) {
        return false;
    }
    texts->count++;
    return true;
}

static bool number_segments(struct impact_census *census, const struct segments *segments,
                            struct failure *failure)
{
    census->segment_count = segments->count;
    size_t count = (size_t)segments->count + 1;
    census->segment_regions = calloc(count, sizeof *census->segment_regions);
    census->segment_lines = calloc(count, sizeof *census->segment_lines);
    if (census->segment_regions == NULL || census->segment_lines == NULL) {
        return failure_memory(failure, "counting who reports");
    }
    for (uint32_t i = 0; i <= segments->count; i++) {
        uint32_t number = i < segments->count ? i : SEGMENT_NONE;
        if (!number_text(&census->regions, segment_attribute_text(segments, number, "region"),
                         &census->segment_regions[i], failure) ||
            !number_text(&census->lines, segment_attribute_text(segments, number, "product_line"),
                         &census->segment_lines[i], failure)) {
            return false;
        }
    }
    return true;
}

static bool number_registry(struct impact_census *census, const struct registry *registry,
                            struct failure *failure)
{
    const struct registry_customer *customer;
    uint32_t number;
    for (size_t i = 0; registry != NULL && (customer = registry_customer_at(registry, i)) != NULL;
         i++) {
        if (!number_text(&census->regions, customer->region, &number, failure)) {
            return false;
        }
        for (size_t s = 0; s < customer->seat_count; s++) {
            if (!number_text(&census->lines, customer->seats[s].product_line, &number, failure)) {
                return false;
            }
        }
    }
    return true;
}

size_t impact_census_place(const struct impact_census *census, uint32_t customer, uint32_t segment)
{
    uint32_t at = segment < census->segment_count ? segment : census->segment_count;
    uint32_t region = customer == FLEET_NONE ? FLEET_NONE : census->customer_regions[customer];
    region = region != FLEET_NONE ? region : census->segment_regions[at];
    return (size_t)region * census->lines.count + census->segment_lines[at];
}

const char *impact_census_region(const struct impact_census *census, size_t place)
{
    return census->regions.texts[place / census->lines.count];
}

const char *impact_census_line(const struct impact_census *census, size_t place)
{
    return census->lines.texts[place % census->lines.count];
}

/* Seats by place, and for now every registered customer as one that does not report. */
static void count_seats(struct impact_census *census, const struct registry *registry)
{
    const struct registry_customer *customer;
    for (size_t i = 0; registry != NULL && (customer = registry_customer_at(registry, i)) != NULL;
         i++) {
        const char *text = customer->region != NULL ? customer->region : UNKNOWN;
        size_t region = find_text(&census->regions, text);
        for (size_t s = 0; s < customer->seat_count; s++) {
            uint32_t line = find_text(&census->lines, customer->seats[s].product_line);
            struct census_place *place = &census->places[region * census->lines.count + line];
            place->seats += customer->seats[s].seats;
            place->silent_customers++;
        }
    }
}

/* ---- One part: customers of its own ---- */

/* Customer and place, each once: open addressing; 0 is empty. */
struct share_set {
    uint64_t *slots;
    size_t capacity, count;
};

struct part {
    struct census_place *places; /* silent_customers: those to take off, as they report */
    struct share_set shares;
    struct failure failure;
    bool failed;
};

struct taking {
    struct impact_census *census;
    const struct fleet *fleet;
    const struct registry *registry;
    const char *const *customers;
    size_t customer_count;
    unsigned parts;
    struct part each[PARTS_MOST];
};

static bool is_of_part(const struct taking *taking, size_t customer, unsigned part)
{
    return customer / CUSTOMERS_TOGETHER % taking->parts == part;
}

static bool grow_set(struct share_set *set, struct failure *failure)
{
    size_t capacity = set->capacity == 0 ? 1024 : set->capacity * 2;
    uint64_t *slots = calloc(capacity, sizeof *slots);
    if (slots == NULL) {
        return failure_memory(failure, "counting who reports");
    }
    large_pages_ask(slots, capacity * sizeof *slots);
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->slots[i] != 0) {
            size_t at = hash_number(set->slots[i]) & (capacity - 1);
            while (slots[at] != 0) {
                at = (at + 1) & (capacity - 1);
            }
            slots[at] = set->slots[i];
        }
    }
    free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
    return true;
}

/* There is room: false when it was there. */
static bool put_in_set(struct share_set *set, uint64_t key, uint64_t hash)
{
    size_t at = hash & (set->capacity - 1);
    for (; set->slots[at] != 0; at = (at + 1) & (set->capacity - 1)) {
        if (set->slots[at] == key) {
            return false;
        }
    }
    set->slots[at] = key;
    set->count++;
    return true;
}

/* The customer's first host in the place. */
static void count_customer(const struct impact_census *census, struct part *part, uint32_t customer,
                           size_t place)
{
    part->places[place].customers++;
    const struct registry_customer *known = census->registered[customer];
    for (size_t s = 0; known != NULL && s < known->seat_count; s++) {
        part->places[place].silent_customers +=
            strcmp(known->seats[s].product_line, impact_census_line(census, place)) == 0;
    }
}

/* Hosts of the part, waiting for their line of the set. */
struct batch {
    uint64_t keys[BATCH], hashes[BATCH];
    size_t places[BATCH];
    uint32_t customers[BATCH];
    size_t count;
};

static bool empty_batch(const struct impact_census *census, struct part *part, struct batch *batch,
                        struct failure *failure)
{
    struct share_set *set = &part->shares;
    /* At most half full, so what is looked for is mostly in the line that was asked for. */
    while ((set->count + BATCH) * 2 > set->capacity) {
        if (!grow_set(set, failure)) {
            return false;
        }
    }
    for (size_t i = 0; i < batch->count; i++) {
        part->places[batch->places[i]].hosts++;
        census->customer_hosts[batch->customers[i]]++;
        if (put_in_set(set, batch->keys[i], batch->hashes[i])) {
            count_customer(census, part, batch->customers[i], batch->places[i]);
        }
    }
    batch->count = 0;
    return true;
}

static bool count_hosts(const struct taking *taking, struct part *part, unsigned number,
                        struct failure *failure)
{
    const struct impact_census *census = taking->census;
    struct batch batch = {.count = 0};
    for (uint32_t i = 0; i < taking->fleet->count; i++) {
        uint32_t customer = taking->fleet->hosts[i].customer;
        if (!is_of_part(taking, customer, number)) {
            continue;
        }
        size_t place = impact_census_place(census, customer, taking->fleet->hosts[i].segment);
        uint64_t key = (uint64_t)customer * census->place_count + place + 1;
        uint64_t hash = hash_number(key);
        if (part->shares.capacity > 0) {
            __builtin_prefetch(&part->shares.slots[hash & (part->shares.capacity - 1)], 1);
        }
        batch.keys[batch.count] = key;
        batch.hashes[batch.count] = hash;
        batch.places[batch.count] = place;
        batch.customers[batch.count++] = customer;
        if (batch.count == BATCH && !empty_batch(census, part, &batch, failure)) {
            return false;
        }
    }
    return empty_batch(census, part, &batch, failure);
}

static void look_up_registered(const struct taking *taking, unsigned number)
{
    struct impact_census *census = taking->census;
    for (size_t i = 0; i < taking->customer_count; i++) {
        if (!is_of_part(taking, i, number)) {
            continue;
        }
        const struct registry_customer *known =
            taking->registry == NULL ? NULL
                                     : registry_customer(taking->registry, taking->customers[i]);
        census->registered[i] = known;
        census->customer_regions[i] =
            known == NULL
                ? FLEET_NONE
                : find_text(&census->regions, known->region != NULL ? known->region : UNKNOWN);
    }
}

static void take_part(void *context, unsigned number)
{
    struct taking *taking = context;
    struct part *part = &taking->each[number];
    look_up_registered(taking, number);
    part->failed = !count_hosts(taking, part, number, &part->failure);
}

static bool count_in_parts(struct taking *taking, struct failure *failure)
{
    struct impact_census *census = taking->census;
    bool done = true;
    for (unsigned p = 0; p < taking->parts; p++) {
        taking->each[p].places = calloc(census->place_count + 1, sizeof *census->places);
        if (taking->each[p].places == NULL) {
            done = failure_memory(failure, "counting who reports");
        }
    }
    if (done) {
        parallel_run(taking->parts, take_part, taking);
    }
    for (unsigned p = 0; p < taking->parts; p++) {
        struct part *part = &taking->each[p];
        if (done && part->failed) {
            *failure = part->failure;
            done = false;
        }
        for (size_t i = 0; done && i < census->place_count; i++) {
            census->places[i].hosts += part->places[i].hosts;
            census->places[i].customers += part->places[i].customers;
            census->places[i].silent_customers -= part->places[i].silent_customers;
        }
        free(part->places);
        free(part->shares.slots);
    }
    return done;
}

bool impact_census_take(struct impact_census *census, const struct fleet *fleet,
                        const struct segments *segments, const char *const *customers,
                        size_t customer_count, const struct registry *registry, unsigned threads,
                        struct failure *failure)
{
    *census = (struct impact_census){0};
    census->registered = calloc(customer_count + 1, sizeof(struct registry_customer *));
    census->customer_regions = calloc(customer_count + 1, sizeof *census->customer_regions);
    census->customer_hosts = calloc(customer_count + 1, sizeof *census->customer_hosts);
    bool done = census->registered != NULL && census->customer_regions != NULL &&
                        census->customer_hosts != NULL
                    ? number_segments(census, segments, failure) &&
                          number_registry(census, registry, failure)
                    : failure_memory(failure, "counting who reports");
    if (done) {
        census->place_count = (size_t)census->regions.count * census->lines.count;
        census->places = calloc(census->place_count + 1, sizeof *census->places);
        done = census->places != NULL || failure_memory(failure, "counting who reports");
    }
    if (done) {
        struct taking taking = {.census = census,
                                .fleet = fleet,
                                .registry = registry,
                                .customers = customers,
                                .customer_count = customer_count,
                                .parts = threads < 1            ? 1
                                         : threads > PARTS_MOST ? PARTS_MOST
                                                                : threads};
        count_seats(census, registry);
        done = count_in_parts(&taking, failure);
    }
    if (!done) {
        impact_census_free(census);
    }
    return done;
}
