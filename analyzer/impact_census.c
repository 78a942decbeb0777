/* Counting the fleet by region and product line; see impact_census.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/impact_census.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/parallel.h"
#include "common/large_pages.h"

#define UNKNOWN "unknown"

/* Every part reads the whole fleet, so more of them than the memory can feed bring nothing. */
#define PARTS_MOST ((unsigned)CENSUS_PARTS_MOST)

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
    free(census->segments);
    free(census->silent);
    for (unsigned p = 0; p < CENSUS_PARTS_MOST; p++) {
        free(census->shares[p].slots);
    }
    impact_population_free(&census->population);
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

/* ---- One part: customers of its own ---- */

struct part {
    struct census_segment *segments;
    uint32_t *silent;
    size_t silent_count, silent_capacity;
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

static bool grow_shares(struct census_shares *shares, struct failure *failure)
{
    size_t capacity = shares->capacity == 0 ? 1024 : shares->capacity * 2;
    struct census_share *slots = calloc(capacity, sizeof *slots);
    if (slots == NULL) {
        return failure_memory(failure, "counting who reports");
    }
    large_pages_ask(slots, capacity * sizeof *slots);
    for (size_t i = 0; i < shares->capacity; i++) {
        if (shares->slots[i].key != 0) {
            size_t at = hash_number(shares->slots[i].key) & (capacity - 1);
            while (slots[at].key != 0) {
                at = (at + 1) & (capacity - 1);
            }
            slots[at] = shares->slots[i];
        }
    }
    free(shares->slots);
    shares->slots = slots;
    shares->capacity = capacity;
    return true;
}

/* Where the key is, or there is room for it. */
static struct census_share *find_share(const struct census_shares *shares, uint64_t key,
                                       uint64_t hash)
{
    size_t at = hash & (shares->capacity - 1);
    while (shares->slots[at].key != 0 && shares->slots[at].key != key) {
        at = (at + 1) & (shares->capacity - 1);
    }
    return &shares->slots[at];
}

static uint64_t share_key(const struct impact_census *census, uint32_t customer, size_t place)
{
    return (uint64_t)customer * census->place_count + place + 1;
}

/* Hosts of the part, waiting for their line of the shares. */
struct batch {
    uint64_t keys[BATCH], hashes[BATCH];
    size_t count;
};

static bool empty_batch(struct census_shares *shares, struct batch *batch, struct failure *failure)
{
    /* At most half full, so what is looked for is mostly in the line that was asked for. */
    while ((shares->count + BATCH) * 2 > shares->capacity) {
        if (!grow_shares(shares, failure)) {
            return false;
        }
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct census_share *share = find_share(shares, batch->keys[i], batch->hashes[i]);
        shares->count += share->key == 0 ? 1 : 0;
        share->key = batch->keys[i];
        share->hosts++;
    }
    batch->count = 0;
    return true;
}

static bool note_silent(struct part *part, uint32_t host, struct failure *failure)
{
    if (part->silent_count == part->silent_capacity) {
        size_t capacity = part->silent_capacity == 0 ? 1024 : part->silent_capacity * 2;
        uint32_t *silent = realloc(part->silent, capacity * sizeof *silent);
        if (silent == NULL) {
            return failure_memory(failure, "counting who reports");
        }
        part->silent = silent;
        part->silent_capacity = capacity;
    }
    part->silent[part->silent_count++] = host;
    return true;
}

static bool count_hosts(const struct taking *taking, struct part *part, unsigned number,
                        struct failure *failure)
{
    struct impact_census *census = taking->census;
    struct census_shares *shares = &census->shares[number];
    struct batch batch = {.count = 0};
    for (uint32_t i = 0; i < taking->fleet->count; i++) {
        const struct fleet_host *host = &taking->fleet->hosts[i];
        if (!is_of_part(taking, host->customer, number)) {
            continue;
        }
        uint32_t at = host->segment < census->segment_count ? host->segment : census->segment_count;
        struct census_segment *segment = &part->segments[at];
        segment->hosts++;
        segment->on += host->state != HOST_SILENT;
        segment->distressed += host->state == HOST_PINNED || host->state == HOST_ELEVATED;
        census->customer_hosts[host->customer]++;
        if (host->state == HOST_SILENT && !note_silent(part, i, failure)) {
            return false;
        }
        uint64_t key = share_key(census, host->customer,
                                 impact_census_place(census, host->customer, host->segment));
        uint64_t hash = hash_number(key);
        if (shares->capacity > 0) {
            __builtin_prefetch(&shares->slots[hash & (shares->capacity - 1)], 1);
        }
        batch.keys[batch.count] = key;
        batch.hashes[batch.count++] = hash;
        if (batch.count == BATCH && !empty_batch(shares, &batch, failure)) {
            return false;
        }
    }
    return empty_batch(shares, &batch, failure);
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

static int compare_hosts(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* Adds up the parts, in whatever order: silent hosts come in that of their numbers. */
static bool join_parts(struct taking *taking, struct failure *failure)
{
    struct impact_census *census = taking->census;
    size_t silent = 0;
    for (unsigned p = 0; p < taking->parts; p++) {
        silent += taking->each[p].silent_count;
    }
    census->silent = malloc((silent + 1) * sizeof *census->silent);
    if (census->silent == NULL) {
        return failure_memory(failure, "counting who reports");
    }
    for (unsigned p = 0; p < taking->parts; p++) {
        const struct part *part = &taking->each[p];
        for (size_t i = 0; i < part->silent_count; i++) {
            census->silent[census->silent_count++] = part->silent[i];
        }
    }
    qsort(census->silent, census->silent_count, sizeof *census->silent, compare_hosts);
    for (unsigned p = 0; p < taking->parts; p++) {
        for (size_t i = 0; i <= census->segment_count; i++) {
            census->segments[i].hosts += taking->each[p].segments[i].hosts;
            census->segments[i].on += taking->each[p].segments[i].on;
            census->segments[i].distressed += taking->each[p].segments[i].distressed;
        }
    }
    return true;
}

static bool count_in_parts(struct taking *taking, struct failure *failure)
{
    struct impact_census *census = taking->census;
    size_t segments = (size_t)census->segment_count + 1;
    census->segments = calloc(segments, sizeof *census->segments);
    census->parts = taking->parts;
    bool done = census->segments != NULL;
    for (unsigned p = 0; p < taking->parts; p++) {
        taking->each[p].segments = calloc(segments, sizeof *census->segments);
        done &= taking->each[p].segments != NULL;
    }
    if (done) {
        parallel_run(taking->parts, take_part, taking);
    } else {
        (void)failure_memory(failure, "counting who reports");
    }
    for (unsigned p = 0; p < taking->parts; p++) {
        if (done && taking->each[p].failed) {
            *failure = taking->each[p].failure;
            done = false;
        }
    }
    done = done && join_parts(taking, failure);
    for (unsigned p = 0; p < taking->parts; p++) {
        free(taking->each[p].segments);
        free(taking->each[p].silent);
    }
    return done;
}

/* ---- The population ---- */

uint32_t impact_census_hosts(const struct impact_census *census, uint32_t customer, size_t place)
{
    const struct census_shares *shares =
        &census->shares[customer / CUSTOMERS_TOGETHER % census->parts];
    uint64_t key = share_key(census, customer, place);
    return shares->capacity == 0 ? 0 : find_share(shares, key, hash_number(key))->hosts;
}

static uint32_t seats_of(const struct registry_customer *customer, const char *product_line)
{
    for (size_t i = 0; customer != NULL && i < customer->seat_count; i++) {
        if (strcmp(customer->seats[i].product_line, product_line) == 0) {
            return customer->seats[i].seats;
        }
    }
    return 0;
}

enum customer_kind impact_census_kind(const struct impact_census *census, uint32_t customer,
                                      uint32_t hosts)
{
    const struct registry_customer *known = census->registered[customer];
    return known != NULL ? known->kind : hosts > 1 ? CUSTOMER_CORPORATE : CUSTOMER_CONSUMER;
}

struct impact_seats impact_census_seats(const struct impact_census *census, uint32_t customer,
                                        size_t place, uint32_t reporting)
{
    const struct registry_customer *known = census->registered[customer];
    uint32_t seats = seats_of(known, impact_census_line(census, place));
    return (struct impact_seats){.cell = (uint32_t)place,
                                 .kind = impact_census_kind(census, customer, reporting),
                                 .tier = known != NULL ? known->tier : NULL,
                                 .reporting = reporting,
                                 .unseen = seats > reporting ? seats - reporting : 0};
}

/* Every registered customer as if none of its seats reported. */
static bool add_registered(struct impact_census *census, const struct registry *registry,
                           struct failure *failure)
{
    const struct registry_customer *customer;
    for (size_t i = 0; registry != NULL && (customer = registry_customer_at(registry, i)) != NULL;
         i++) {
        size_t region =
            find_text(&census->regions, customer->region != NULL ? customer->region : UNKNOWN);
        for (size_t s = 0; s < customer->seat_count; s++) {
            size_t line = find_text(&census->lines, customer->seats[s].product_line);
            struct impact_seats seats = {.cell = (uint32_t)(region * census->lines.count + line),
                                         .kind = customer->kind,
                                         .tier = customer->tier,
                                         .unseen = customer->seats[s].seats};
            if (!impact_population_add(&census->population, &seats, 1, failure)) {
                return false;
            }
        }
    }
    return true;
}

/* Those that do report, in place of what add_registered took them for. */
static bool add_reporting(struct impact_census *census, struct failure *failure)
{
    for (unsigned p = 0; p < census->parts; p++) {
        for (size_t i = 0; i < census->shares[p].capacity; i++) {
            const struct census_share *share = &census->shares[p].slots[i];
            if (share->key == 0) {
                continue;
            }
            uint32_t customer = (uint32_t)((share->key - 1) / census->place_count);
            size_t place = (share->key - 1) % census->place_count;
            struct impact_seats none = impact_census_seats(census, customer, place, 0);
            struct impact_seats seats = impact_census_seats(census, customer, place, share->hosts);
            if ((none.unseen > 0 &&
                 !impact_population_add(&census->population, &none, -1, failure)) ||
                !impact_population_add(&census->population, &seats, 1, failure)) {
                return false;
            }
        }
    }
    return true;
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
        struct taking taking = {.census = census,
                                .fleet = fleet,
                                .registry = registry,
                                .customers = customers,
                                .customer_count = customer_count,
                                .parts = threads < 1            ? 1
                                         : threads > PARTS_MOST ? PARTS_MOST
                                                                : threads};
        done = count_in_parts(&taking, failure) && add_registered(census, registry, failure) &&
               add_reporting(census, failure);
    }
    if (!done) {
        impact_census_free(census);
    }
    return done;
}
