/* An incident and what an order of calling costs; see incident.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/outreach/incident.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/random_stream.h"
#include "common/time_zone.h"

#define HOURS 48             /* two days: what is not called by then has helped himself */
#define REORDER_MINUTES 30   /* how often the list is looked at anew, for every policy */
#define WRONG_HOUR_MINUTES 3 /* until one knows that nobody answers */
#define ZONES 4
#define PARTNERS 20

/* What the desk is not told of a customer. */
struct truth {
    double hour_usd;     /* of all its hosts that are down */
    double recovers_h;   /* by itself, after the beginning */
    double patience_h;   /* it leaves when it has waited so long */
    double contract_usd; /* what is lost then */
    double call_stretch; /* how much longer its call is than usual */
    uint32_t partner;    /* 0: none */
    bool wakes_early;    /* answers outside its hours */
};

struct incident {
    size_t count;
    struct outreach_candidate *candidates;
    struct registry_customer *customers;
    struct truth *truths;
    char (*ids)[24];
    char partners[PARTNERS][32];
    struct time_zone *zones[ZONES];
    instant_us began_at;
};

static const char *const zone_names[ZONES] = {"Asia/Tokyo", "Europe/Berlin", "America/New_York",
                                              "Australia/Sydney"};
static const char *const regions[ZONES] = {"JP", "EMEA", "AMER", "APAC"};

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "bench outreach: out of memory\n");
        exit(1);
    }
    return memory;
}

static void make_customer(struct incident *incident, size_t i, struct random_stream *random)
{
    size_t place = random_below(random, ZONES);
    bool corporate = random_uniform(random) < 0.4;
    double tier = random_uniform(random);
    uint64_t seats = corporate ? 1 + (uint64_t)exp(3 + 1.3 * fabs(random_normal(random))) : 1;
    double share = corporate ? random_beta(random, 0.8, 1.6) : 1;
    uint64_t hit = (uint64_t)ceil(share * (double)seats);
    uint32_t partner = corporate && random_uniform(random) < 0.3
                           ? 1 + (uint32_t)random_below(random, PARTNERS)
                           : 0;
    double seat_usd = corporate ? 40 : 30; /* a year */
    (void)snprintf(incident->ids[i], sizeof incident->ids[i], "c%zu", i);
    incident->customers[i] =
        (struct registry_customer){.customer_id = incident->ids[i],
                                   .name = incident->ids[i],
                                   .kind = corporate ? CUSTOMER_CORPORATE : CUSTOMER_CONSUMER,
                                   .region = regions[place],
                                   .country = regions[place],
                                   .time_zone = zone_names[place],
                                   .zone = incident->zones[place],
                                   .tier = !corporate || tier < 0.2 ? "basic"
                                           : tier < 0.85            ? "standard"
                                                                    : "premium",
                                   .partner = partner == 0 ? NULL : incident->partners[partner - 1],
                                   .contract_value = (int64_t)(100 * seat_usd * (double)seats),
                                   .currency = "USD"};
    incident->candidates[i] = (struct outreach_candidate){
        .customer_id = incident->ids[i],
        .customer = &incident->customers[i],
        .region = regions[place],
        .hosts_confirmed = hit,
        .hosts_still_affected = hit,
        .hosts_reporting = seats,
        .first_onset_at =
            incident->began_at - (instant_us)(random_uniform(random) * 2 * INSTANT_HOUR)};
    double weight = strcmp(incident->customers[i].tier, "premium") == 0 ? 2 : 1;
    incident->truths[i] = (struct truth){
        .hour_usd = (double)hit * (corporate ? 30 : 5) * exp(0.8 * random_normal(random) - 0.32),
        .recovers_h = random_exponential(random, 16),
        .patience_h = random_gamma(random, 2) * 20 / weight / (0.2 + share),
        .contract_usd = seat_usd * (double)seats,
        .call_stretch = exp(0.3 * random_normal(random)),
        .partner = partner,
        .wakes_early = random_uniform(random) < 0.1};
}

struct incident *incident_new(uint64_t seed, size_t count)
{
    struct incident *incident = must(calloc(1, sizeof *incident));
    struct random_stream random = random_stream_new(seed, 0);
    *incident =
        (struct incident){.count = count,
                          .candidates = must(calloc(count, sizeof *incident->candidates)),
                          .customers = must(calloc(count, sizeof *incident->customers)),
                          .truths = must(calloc(count, sizeof *incident->truths)),
                          .ids = must(calloc(count, sizeof *incident->ids)),
                          /* Somewhere in a week of April 2005. */
                          .began_at = INT64_C(1114207200) * INSTANT_SECOND +
                                      (instant_us)random_below(&random, 168) * INSTANT_HOUR};
    for (size_t i = 0; i < ZONES; i++) {
        struct failure failure;
        if (!time_zone_load(zone_names[i], &incident->zones[i], &failure)) {
            fprintf(stderr, "bench outreach: %s\n", failure.message);
            exit(1);
        }
    }
    for (size_t i = 0; i < PARTNERS; i++) {
        (void)snprintf(incident->partners[i], sizeof incident->partners[i], "Partner %zu", i);
    }
    for (size_t i = 0; i < count; i++) {
        make_customer(incident, i, &random);
    }
    return incident;
}

void incident_free(struct incident *incident)
{
    for (size_t i = 0; i < ZONES; i++) {
        time_zone_free(incident->zones[i]);
    }
    free(incident->candidates);
    free(incident->customers);
    free(incident->truths);
    free(incident->ids);
    free(incident);
}

const struct outreach_candidate *incident_candidates(const struct incident *incident)
{
    return incident->candidates;
}

instant_us incident_began_at(const struct incident *incident)
{
    return incident->began_at;
}

/* ---- Calling ---- */

/* All contracts are in dollars. */
static const struct exchange_rates no_rates;

/* The desk while it calls. */
struct desk {
    const struct incident *incident;
    enum policy policy;
    double *called_h; /* INFINITY: not yet */
    struct outreach_candidate *open;
    struct arena arena;
    struct outreach_entry *entries; /* those still open, in order */
    size_t count, next;
};

static size_t index_of(const char *id)
{
    return strtoul(id + 1, NULL, 10);
}

static int tier_rank(const struct outreach_entry *entry, const struct incident *incident)
{
    const char *tier = incident->customers[index_of(entry->customer_id)].tier;
    return strcmp(tier, "premium") == 0 ? 0 : strcmp(tier, "standard") == 0 ? 1 : 2;
}

static const struct desk *comparing; /* qsort takes no context; one thread */

/* Every policy calls those who can be reached before those who cannot. */
static int compare(const void *left, const void *right)
{
    const struct outreach_entry *a = left;
    const struct outreach_entry *b = right;
    const struct incident *incident = comparing->incident;
    const struct outreach_candidate *one = &incident->candidates[index_of(a->customer_id)];
    const struct outreach_candidate *other = &incident->candidates[index_of(b->customer_id)];
    if (a->reachable_now != b->reachable_now) {
        return a->reachable_now ? -1 : 1;
    }
    if (comparing->policy == POLICY_SEATS && one->hosts_reporting != other->hosts_reporting) {
        return one->hosts_reporting > other->hosts_reporting ? -1 : 1;
    }
    if (comparing->policy == POLICY_TIER && tier_rank(a, incident) != tier_rank(b, incident)) {
        return tier_rank(a, incident) - tier_rank(b, incident);
    }
    if (one->first_onset_at != other->first_onset_at) {
        return one->first_onset_at < other->first_onset_at ? -1 : 1;
    }
    return strcmp(a->customer_id, b->customer_id);
}

/* Who has recovered needs no call, and the page says so; nothing else of the truth shows. */
static void reorder(struct desk *desk, double hour)
{
    const struct incident *incident = desk->incident;
    struct failure failure;
    size_t count = 0;
    for (size_t i = 0; i < incident->count; i++) {
        if (isinf(desk->called_h[i]) && incident->truths[i].recovers_h > hour) {
            desk->open[count++] = incident->candidates[i];
        }
    }
    arena_free(&desk->arena);
    desk->arena = (struct arena){0};
    const struct outreach_moment moment = {
        .now = incident->began_at + (instant_us)(hour * (double)INSTANT_HOUR), .rates = &no_rates};
    if (!outreach_order(desk->open, count, count, &moment, &desk->arena, &desk->entries,
                        &failure)) {
        fprintf(stderr, "bench outreach: %s\n", failure.message);
        exit(1);
    }
    desk->count = count;
    desk->next = 0;
    if (desk->policy != POLICY_OURS) {
        comparing = desk;
        /* The arena's own memory, which is not constant. */
        qsort(desk->entries, count, sizeof *desk->entries, compare);
    }
}

/* One call to a partner is one for all its customers, whoever is called by whatever order: only the
 * order is compared. Returns the minutes. */
static double call_partner(struct desk *desk, uint32_t partner, double hour)
{
    double minutes = 15;
    for (size_t i = 0; i < desk->incident->count; i++) {
        if (desk->incident->truths[i].partner == partner && isinf(desk->called_h[i])) {
            desk->called_h[i] = hour;
            minutes++;
        }
    }
    return minutes;
}

static double call(struct desk *desk, const struct outreach_entry *entry, double hour)
{
    size_t i = index_of(entry->customer_id);
    const struct truth *truth = &desk->incident->truths[i];
    if (!entry->reachable_now && !truth->wakes_early) {
        return WRONG_HOUR_MINUTES;
    }
    if (truth->partner != 0) {
        return call_partner(desk, truth->partner, hour);
    }
    desk->called_h[i] = hour;
    return truth->call_stretch *
           (15 + 2 * fmin((double)desk->incident->candidates[i].hosts_still_affected, 10));
}

static double add_up(const struct incident *incident, const double *called_h)
{
    double loss = 0;
    for (size_t i = 0; i < incident->count; i++) {
        const struct truth *truth = &incident->truths[i];
        double waited = fmin(called_h[i], HOURS);
        loss += truth->hour_usd * fmin(waited, truth->recovers_h);
        loss += waited > truth->patience_h ? truth->contract_usd : 0;
    }
    return loss;
}

double incident_loss(const struct incident *incident, enum policy policy, size_t agents)
{
    struct desk desk = {.incident = incident,
                        .policy = policy,
                        .called_h = must(calloc(incident->count, sizeof(double))),
                        .open = must(calloc(incident->count, sizeof *desk.open))};
    double *free_at_h = must(calloc(agents, sizeof *free_at_h));
    for (size_t i = 0; i < incident->count; i++) {
        desk.called_h[i] = INFINITY;
    }
    for (int slot = 0; slot < HOURS * 60 / REORDER_MINUTES; slot++) {
        double hour = slot * REORDER_MINUTES / 60.0;
        reorder(&desk, hour);
        for (size_t agent = 0; agent < agents; agent++) {
            free_at_h[agent] = fmax(free_at_h[agent], hour);
        }
        while (desk.next < desk.count) {
            size_t agent = 0;
            for (size_t other = 1; other < agents; other++) {
                agent = free_at_h[other] < free_at_h[agent] ? other : agent;
            }
            if (free_at_h[agent] >= hour + REORDER_MINUTES / 60.0) {
                break;
            }
            const struct outreach_entry *entry = &desk.entries[desk.next++];
            if (isinf(desk.called_h[index_of(entry->customer_id)])) {
                free_at_h[agent] += call(&desk, entry, free_at_h[agent]) / 60;
            }
        }
    }
    double loss = add_up(incident, desk.called_h);
    arena_free(&desk.arena);
    free(desk.called_h);
    free(desk.open);
    free(free_at_h);
    return loss;
}
