/* Who owns which seats? Draws customers one by one, each from a random stream of its own, so that
 * a fleet of twice the hosts begins with the same customers.
 *
 * The hard thing is a realistic skew: most customers have one seat, a few have hundreds, and a
 * company's seats run the same version and engine, so hosts are not independent of each other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/population.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash_index.h"
#include "common/random_stream.h"

#define DAYS_A_YEAR 365
/* Clocks set over the network are right to about this, in milliseconds. */
#define CLOCK_SPREAD_MS 400.0

/* What is needed while drawing and not afterwards. */
struct build {
    const struct scenario *scenario;
    struct population *population;
    size_t wanted; /* reporting hosts */
    struct hash_index segment_index;
    uint64_t *segment_keys; /* by segment */
    size_t segment_key_capacity;
    struct failure *failure;
};

/* What a customer's seats of one product line share. */
struct line_habit {
    bool uniform;
    double version; /* the uniform draw that stands for the choice */
    double engine;
};

char *customer_id_format(uint32_t customer, char text[CUSTOMER_ID_SIZE])
{
    snprintf(text, CUSTOMER_ID_SIZE, "C%07u", customer);
    return text;
}

/* Makes room for one more element. */
static bool grow(void **items, size_t *capacity, size_t count, size_t size, struct failure *failure)
{
    if (count < *capacity) {
        return true;
    }
    size_t larger = *capacity > 0 ? *capacity * 2 : 1024;
    void *memory = realloc(*items, larger * size);
    if (memory == NULL) {
        return failure_memory(failure, "drawing the fleet");
    }
    *items = memory;
    *capacity = larger;
    return true;
}

struct segment_lookup {
    const uint64_t *keys;
    uint64_t key;
};

static bool segment_is(const void *context, uint32_t item)
{
    const struct segment_lookup *lookup = context;
    return lookup->keys[item] == lookup->key;
}

static void mark_updates(const struct scenario *scenario, struct fleet_segment *segment)
{
    for (size_t u = 0; u < scenario->update_count; u++) {
        const struct update *update = &scenario->updates[u];
        if (condition_matches(&update->targets, segment->values)) {
            segment->targeted |= UINT32_C(1) << u;
        }
        for (size_t s = 0; update->faulty && s < update->fault.strike_count; s++) {
            if (condition_matches(&update->fault.strikes[s], segment->values)) {
                segment->struck |= UINT32_C(1) << u;
            }
        }
    }
}

/* The choices that make a segment, one byte each. */
struct segment_choices {
    uint8_t line, version, system, engine, region, country, ring, arch;
};
_Static_assert(sizeof(struct segment_choices) == sizeof(uint64_t), "packs into the key");

static bool find_segment(struct build *build, const struct segment_choices *choices,
                         uint32_t *segment_index)
{
    const struct scenario *scenario = build->scenario;
    struct population *population = build->population;
    struct segment_lookup lookup = {.keys = build->segment_keys};
    memcpy(&lookup.key, choices, sizeof lookup.key);
    uint64_t hash = hash_number(lookup.key);
    *segment_index = hash_index_find(&build->segment_index, hash, segment_is, &lookup);
    if (*segment_index != HASH_INDEX_NONE) {
        return true;
    }
    size_t index = population->segment_count;
    if (!grow((void **)&population->segments, &population->segment_capacity, index,
              sizeof *population->segments, build->failure) ||
        !grow((void **)&build->segment_keys, &build->segment_key_capacity, index,
              sizeof *build->segment_keys, build->failure) ||
        !hash_index_add(&build->segment_index, hash, (uint32_t)index, build->failure)) {
        return false;
    }
    const struct product_line *line = &scenario->lines[choices->line];
    const struct region *region = &scenario->regions[choices->region];
    struct fleet_segment *segment = &population->segments[index];
    *segment = (struct fleet_segment){
        .values = {[ATTRIBUTE_PRODUCT_LINE] = line->product_line,
                   [ATTRIBUTE_PRODUCT_VERSION] = line->versions.values[choices->version],
                   [ATTRIBUTE_OS] = line->systems.values[choices->system],
                   [ATTRIBUTE_OS_VERSION] = line->os_versions[choices->system],
                   [ATTRIBUTE_REGION] = region->region,
                   [ATTRIBUTE_RING] = scenario->rings.values[choices->ring],
                   [ATTRIBUTE_ENGINE] = line->engines.values[choices->engine],
                   [ATTRIBUTE_LOCALE] = region->countries[choices->country].locale,
                   [ATTRIBUTE_ARCH] = scenario->archs.values[choices->arch]},
        .line = choices->line};
    mark_updates(scenario, segment);
    build->segment_keys[index] = lookup.key;
    population->segment_count++;
    *segment_index = (uint32_t)index;
    return true;
}

static double draw_between(struct random_stream *random, struct bounds bounds)
{
    return bounds.low + (bounds.high - bounds.low) * random_uniform(random);
}

static struct uuid draw_host_id(struct random_stream *random)
{
    struct uuid uuid;
    for (size_t i = 0; i < sizeof uuid.bytes; i += sizeof(uint64_t)) {
        uint64_t bits = random_bits(random);
        for (size_t b = 0; b < sizeof bits; b++) {
            uuid.bytes[i + b] = (uint8_t)(bits >> (8 * b));
        }
    }
    /* Version 4, variant 10 (RFC 9562). */
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

static int32_t draw_clock_offset_ms(const struct telemetry *telemetry, struct random_stream *random)
{
    if (random_uniform(random) >= telemetry->wrong_clock_share) {
        return (int32_t)(random_normal(random) * CLOCK_SPREAD_MS);
    }
    if (random_uniform(random) < telemetry->clock_ahead_share) {
        return (int32_t)(draw_between(random, telemetry->clock_ahead_s) * 1000);
    }
    return -(int32_t)(draw_between(random, telemetry->clock_behind_s) * 1000);
}

static size_t draw_line(const struct scenario *scenario, const struct kind *kind, double uniform)
{
    size_t last = 0;
    for (size_t line = 0; line < scenario->line_count; line++) {
        if (kind->line_share[line] > 0) {
            last = line;
            if (uniform < kind->line_share[line]) {
                return line;
            }
            uniform -= kind->line_share[line];
        }
    }
    return last;
}

static size_t draw_seats(const struct kind *kind, size_t wanted, struct random_stream *random)
{
    if (kind->seats.count > 0) {
        size_t index = choice_draw(&kind->seats, random_uniform(random));
        return strtoul(kind->seats.values[index], NULL, 10);
    }
    double seats = kind->seats_median * exp(kind->seats_sigma * random_normal(random));
    double cap = fmax(1, floor(kind->seats_cap * (double)wanted));
    return (size_t)fmax(1, fmin(cap, round(seats)));
}

static bool add_seat(struct build *build, const struct fleet_customer *customer,
                     const struct line_habit *habits, double coverage)
{
    const struct scenario *scenario = build->scenario;
    struct population *population = build->population;
    size_t index = population->seat_count;
    if (!grow((void **)&population->seats, &population->seat_capacity, index,
              sizeof *population->seats, build->failure)) {
        return false;
    }
    struct random_stream random = random_stream_new(population->seed, STREAM_SEAT + index);
    size_t line_index =
        draw_line(scenario, &scenario->kinds[customer->kind], random_uniform(&random));
    const struct product_line *line = &scenario->lines[line_index];
    const struct line_habit *habit = &habits[line_index];
    double version = random_uniform(&random);
    double engine = random_uniform(&random);
    struct segment_choices choices = {
        .line = (uint8_t)line_index,
        .version = (uint8_t)choice_draw(&line->versions, habit->uniform ? habit->version : version),
        .system = (uint8_t)choice_draw(&line->systems, random_uniform(&random)),
        .engine = (uint8_t)choice_draw(&line->engines, habit->uniform ? habit->engine : engine),
        .region = customer->region,
        .country = customer->country,
        .ring = (uint8_t)choice_draw(&scenario->rings, random_uniform(&random)),
        .arch = (uint8_t)choice_draw(&scenario->archs, random_uniform(&random))};
    struct fleet_seat *seat = &population->seats[index];
    size_t zone = scenario->regions[customer->region].countries[customer->country].zone;
    *seat =
        (struct fleet_seat){.host_id = draw_host_id(&random),
                            .customer = (uint32_t)population->customer_count,
                            .rhythm = (uint16_t)(zone * scenario->machine_count + line->machine),
                            .reports = random_uniform(&random) < coverage,
                            .clock_offset_ms = draw_clock_offset_ms(&scenario->telemetry, &random)};
    seat->base_busy = (float)draw_between(&random, scenario->machines[line->machine].base_busy);
    population->seat_count++;
    population->reporting_count += seat->reports;
    return find_segment(build, &choices, &seat->segment);
}

static uint8_t tier_of(const struct kind *kind, size_t seats)
{
    size_t tier = 0;
    while (tier + 1 < kind->tier_count && (double)seats >= kind->tiers[tier + 1].from_seats) {
        tier++;
    }
    return (uint8_t)tier;
}

static bool add_customer(struct build *build)
{
    const struct scenario *scenario = build->scenario;
    struct population *population = build->population;
    size_t index = population->customer_count;
    if (!grow((void **)&population->customers, &population->customer_capacity, index,
              sizeof *population->customers, build->failure)) {
        return false;
    }
    struct random_stream random = random_stream_new(population->seed, STREAM_CUSTOMER + index);
    struct fleet_customer *customer = &population->customers[index];
    bool consumer = random_uniform(&random) < scenario->kinds[KIND_CONSUMER].share;
    *customer = (struct fleet_customer){
        .first_seat = (uint32_t)population->seat_count,
        .kind = consumer ? KIND_CONSUMER : KIND_CORPORATE,
        .region = (uint8_t)choice_draw(&scenario->region_choice, random_uniform(&random))};
    const struct kind *kind = &scenario->kinds[customer->kind];
    const struct region *region = &scenario->regions[customer->region];
    customer->country = (uint8_t)choice_draw(&region->country_choice, random_uniform(&random));
    bool partnered = random_uniform(&random) < kind->partner_share;
    uint16_t partner = (uint16_t)random_below(&random, region->partner_count);
    customer->partner = partnered ? partner : PARTNER_NONE;
    customer->name_first = (uint16_t)random_below(&random, region->name_first_count);
    customer->name_second = (uint16_t)random_below(&random, region->name_second_count);
    customer->renewal_days = (uint16_t)random_below(&random, DAYS_A_YEAR);

    struct line_habit habits[SCENARIO_LINES_LIMIT] = {0};
    for (size_t line = 0; line < scenario->line_count; line++) {
        bool same = random_uniform(&random) < scenario->same_within_customer;
        habits[line].uniform = same && customer->kind == KIND_CORPORATE;
        habits[line].version = random_uniform(&random);
        habits[line].engine = random_uniform(&random);
    }
    const struct telemetry *telemetry = &scenario->telemetry;
    double coverage = random_beta(&random, telemetry->coverage * telemetry->concentration,
                                  (1 - telemetry->coverage) * telemetry->concentration);
    size_t seats = draw_seats(kind, build->wanted, &random);
    for (size_t i = 0; i < seats && population->reporting_count < build->wanted; i++) {
        if (!add_seat(build, customer, habits, coverage)) {
            return false;
        }
        customer->seat_count++;
    }
    customer->tier = tier_of(kind, customer->seat_count);
    population->customer_count++;
    return true;
}

bool population_build(const struct scenario *scenario, size_t reporting_hosts, uint64_t seed,
                      struct population *population, struct failure *failure)
{
    *population = (struct population){.seed = seed};
    struct build build = {.scenario = scenario,
                          .population = population,
                          .wanted = reporting_hosts,
                          .failure = failure};
    bool good = true;
    while (good && population->reporting_count < reporting_hosts) {
        good = add_customer(&build);
    }
    hash_index_free(&build.segment_index);
    free(build.segment_keys);
    if (!good) {
        population_free(population);
    }
    return good;
}

void population_free(struct population *population)
{
    free(population->segments);
    free(population->customers);
    free(population->seats);
    *population = (struct population){0};
}
