/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/impact/incident.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis.h"
#include "analyzer/cost.h"
#include "common/random_stream.h"
#include "common/report.h"
#include "common/uuid.h"

#define UPDATE "pattern/2.594.00"
#define INTERVAL 5 /* minutes */
#define RELEASE 60
#define MINUTES 205
#define NEVER 100000
#define CONSUMERS 1800
#define CORPORATES 140
#define CUSTOMERS (CONSUMERS + CORPORATES)
#define SEATS_MOST 40000
#define REGIONS 4
#define LINES 2
#define TIERS 3
#define BASE_TIME (INT64_C(1114200000) * INSTANT_SECOND) /* 2005-04-22T20:00:00Z */

const int incident_moments[INCIDENT_MOMENTS] = {60, 140};

static const char *const regions[REGIONS] = {"JP", "AMER", "EMEA", "APAC"};
static const char *const lines[LINES] = {"OfficeScan", "VirusBuster"};
static const char *const tiers[TIERS] = {"basic", "plus", "premium"};

struct customer {
    char id[16];
    bool corporate;
    uint8_t region, tier;
    uint32_t first, seats; /* of a customer together */
};

struct seat {
    uint32_t customer;
    uint8_t line;
    bool windows_xp, reports;
    int phase, install, harmed, locked;
    int shows; /* that it is affected */
    int busy_from, off_from;
};

struct incident {
    struct customer customers[CUSTOMERS];
    struct seat seats[SEATS_MOST];
    uint32_t seat_count;
    struct registry *registry;
    struct cost_parameters parameters;
};

static void must(bool good, const struct failure *failure)
{
    if (!good) {
        (void)fprintf(stderr, "bench: %s\n", failure->message);
        exit(EXIT_FAILURE);
    }
}

/* ---- Who there is ---- */

static void draw_customer(struct incident *incident, uint32_t number, struct random_stream *random)
{
    static const double until[REGIONS] = {0.5, 0.7, 0.9, 1};
    struct customer *one = &incident->customers[number];
    *one = (struct customer){
        .corporate = number >= CONSUMERS, .seats = 1, .first = incident->seat_count};
    (void)snprintf(one->id, sizeof one->id, "C%05u", number);
    double where = random_uniform(random);
    while (where >= until[one->region]) {
        one->region++;
    }
    if (one->corporate) {
        double seats = 12 * exp(1.2 * random_normal(random));
        one->seats = (uint32_t)fmin(fmax(2, seats), 250);
        one->tier = one->seats >= 60 ? 2 : one->seats >= 15 ? 1 : 0;
    }
}

static void register_customer(struct incident *incident, const struct customer *one,
                              const uint32_t seats[LINES])
{
    struct failure failure;
    struct registry_customer customer = {.customer_id = one->id,
                                         .name = one->id,
                                         .kind = one->corporate ? CUSTOMER_CORPORATE
                                                                : CUSTOMER_CONSUMER,
                                         .region = regions[one->region],
                                         .country = "JP",
                                         .time_zone = "UTC",
                                         .tier = tiers[one->tier]};
    must(registry_add_customer(incident->registry, &customer, &failure), &failure);
    for (int line = 0; line < LINES; line++) {
        must(seats[line] == 0 || registry_add_seats(incident->registry, one->id, lines[line],
                                                    seats[line], &failure),
             &failure);
    }
}

static void harm_seat(enum incident_setting setting, struct random_stream *random,
                      struct seat *seat)
{
    seat->install = RELEASE + (int)random_below(random, 110);
    if (!seat->windows_xp || random_below(random, 20) == 0) {
        return;
    }
    seat->harmed = seat->install + 1 + (int)random_below(random, 6);
    double lock = random_uniform(random);
    if (lock < (setting == SETTING_SILENCE ? 0.5 : 0.1)) {
        bool unheard = lock < (setting == SETTING_SILENCE ? 0.25 : 0);
        seat->locked = unheard ? seat->install : seat->harmed + 1 + (int)random_below(random, 20);
    }
}

/* The first report of the host at or after the minute. */
static int report_from(const struct seat *seat, int minute)
{
    return minute + (seat->phase - minute % INTERVAL + INTERVAL) % INTERVAL;
}

static int shows_at(const struct seat *seat)
{
    if (seat->harmed == NEVER) {
        return NEVER;
    }
    int second = report_from(seat, seat->harmed) + INTERVAL;
    return second < seat->locked ? second : report_from(seat, seat->locked) + 2 * INTERVAL;
}

static void draw_seat(struct incident *incident, enum incident_setting setting,
                      struct random_stream *random, bool windows_xp, bool spared, double coverage)
{
    if (incident->seat_count == SEATS_MOST) {
        (void)fprintf(stderr, "bench: too many seats\n");
        exit(EXIT_FAILURE);
    }
    struct seat *seat = &incident->seats[incident->seat_count++];
    *seat = (struct seat){.windows_xp = windows_xp,
                          .reports = random_uniform(random) < coverage,
                          .phase = (int)random_below(random, INTERVAL),
                          .install = NEVER,
                          .harmed = NEVER,
                          .locked = NEVER,
                          .busy_from = (int)random_exponential(random, 20 * 60),
                          .off_from = (int)random_exponential(random, 50 * 60)};
    harm_seat(setting, random, seat);
    if (spared) {
        seat->harmed = seat->locked = NEVER;
    }
    seat->shows = shows_at(seat);
    if (seat->off_from + 40 > seat->install && seat->off_from <= seat->shows) {
        seat->off_from = NEVER; /* who is switched off installs nothing */
    }
}

static void draw_all(struct incident *incident, enum incident_setting setting, uint64_t seed)
{
    double coverage = setting == SETTING_THIN ? 0.3 : 0.8;
    incident->seat_count = 0;
    struct failure failure;
    must(registry_new(&incident->registry, &failure), &failure);
    cost_parameters_default(&incident->parameters);
    for (uint32_t c = 0; c < CUSTOMERS; c++) {
        struct random_stream random = random_stream_new(seed, c);
        draw_customer(incident, c, &random);
        struct customer *one = &incident->customers[c];
        uint32_t seats[LINES] = {0};
        bool both = one->corporate && random_below(&random, 5) == 0;
        bool alike = random_below(&random, 10) < 7;
        bool shared_xp = random_below(&random, 10) < 6;
        bool spared = random_below(&random, 10) == 0;
        double own =
            !one->corporate ? coverage : random_beta(&random, 4 * coverage, 4 * (1 - coverage));
        for (uint32_t s = 0; s < one->seats; s++) {
            bool xp = one->corporate && alike ? shared_xp : random_below(&random, 10) < 6;
            int line = !one->corporate ? 1 : both && s % 3 == 0 ? 1 : 0;
            draw_seat(incident, setting, &random, xp, spared, own);
            struct seat *seat = &incident->seats[incident->seat_count - 1];
            seat->customer = c;
            seat->line = (uint8_t)line;
            seats[line]++;
        }
        register_customer(incident, one, seats);
    }
}

/* ---- Through the analyzer ---- */

static bool is_on(const struct seat *seat, int minute)
{
    return minute < seat->locked && (minute < seat->off_from || minute >= seat->off_from + 40);
}

static bool is_busy(const struct seat *seat, int minute)
{
    return minute >= seat->harmed || (minute >= seat->busy_from && minute < seat->busy_from + 15);
}

static void report_seat(struct analysis *analysis, const struct incident *incident, uint32_t number)
{
    const struct seat *seat = &incident->seats[number];
    const struct customer *customer = &incident->customers[seat->customer];
    struct report_attribute attributes[] = {
        {"os", seat->windows_xp ? "Windows XP" : "Windows 2000"},
        {"product_line", lines[seat->line]},
        {"region", regions[customer->region]}};
    struct report_update update = {.id = UPDATE, .outcome = UPDATE_INSTALLED};
    struct report report = {.host_id = uuid_from_name("bench", &number, sizeof number),
                            .customer_id = customer->id,
                            .has_host = true,
                            .attributes = attributes,
                            .attribute_count = 3,
                            .segment_id = report_segment_id(attributes, 3),
                            .has_cpu = true,
                            .interval_s = 60 * INTERVAL,
                            .peak = NAN,
                            .product_busy = NAN,
                            .updates = &update};
    struct random_stream noise = random_stream_new(number, 77);
    struct failure failure;
    bool told = false;
    /* Once the day before: who has been listened to for a day knows who there is. */
    for (int m = -25 * 60 + seat->phase; m < MINUTES; m = m < 0 ? seat->phase : m + INTERVAL) {
        if (m >= 0 && !is_on(seat, m)) {
            continue;
        }
        report.received_at = BASE_TIME + m * INSTANT_MINUTE + 21 * INSTANT_SECOND;
        report.observed_at = report.received_at - INSTANT_SECOND;
        report.busy = is_busy(seat, m) ? 0.99 : 0.05 + 0.1 * random_uniform(&noise);
        report.update_count = m >= seat->install && !told ? 1 : 0;
        told = told || report.update_count > 0;
        update.at = BASE_TIME + seat->install * INSTANT_MINUTE + INSTANT_SECOND;
        must(analysis_add(analysis, &report, &failure), &failure);
    }
}

/* ---- What is true ---- */

struct truth {
    double hosts[REGIONS][LINES], customers[REGIONS][LINES];
    double all_hosts, all_customers;
    double kind_customers[2][REGIONS][TIERS], kind_hosts[2][REGIONS][TIERS];
    double there[2][REGIONS][TIERS], seats[2][REGIONS][TIERS];
    double to_come;
    double pinned_customers, reporting; /* what rivals see */
};

static void count_truth(const struct incident *incident, int now, struct truth *truth)
{
    *truth = (struct truth){.all_hosts = 0};
    for (uint32_t c = 0; c < CUSTOMERS; c++) {
        const struct customer *one = &incident->customers[c];
        uint32_t hit[LINES] = {0};
        bool pinned = false;
        for (uint32_t s = one->first; s < one->first + one->seats; s++) {
            const struct seat *seat = &incident->seats[s];
            hit[seat->line] += seat->shows <= now;
            truth->to_come += seat->install <= now && seat->shows > now && seat->shows < NEVER;
            pinned |= seat->reports && seat->shows <= now && now < seat->locked;
            truth->reporting += seat->reports;
        }
        uint32_t hosts = hit[0] + hit[1];
        for (int line = 0; line < LINES; line++) {
            truth->hosts[one->region][line] += hit[line];
            truth->customers[one->region][line] += hit[line] > 0;
        }
        truth->all_hosts += hosts;
        truth->all_customers += hosts > 0;
        truth->pinned_customers += pinned;
        truth->kind_customers[one->corporate][one->region][one->tier] += hosts > 0;
        truth->kind_hosts[one->corporate][one->region][one->tier] += hosts;
        truth->there[one->corporate][one->region][one->tier] += 1;
        truth->seats[one->corporate][one->region][one->tier] += one->seats;
    }
}

static struct range exactly(double value)
{
    return (struct range){value, value, value};
}

/* What it costs, were the parameters to turn out so: drawn once from their ranges. */
static double true_cost(const struct incident *incident, const struct truth *truth, uint64_t seed)
{
    static struct cost_parameters drawn;
    struct cost_stratum strata[2 * REGIONS * TIERS];
    size_t count = 0;
    drawn = incident->parameters;
    for (size_t i = 0; i < drawn.count; i++) {
        struct range *range = &drawn.items[i].range;
        uint64_t name = 500; /* rows of one name are high together */
        for (const char *at = drawn.items[i].name; *at != '\0'; at++) {
            name = name * 31 + (unsigned char)*at;
        }
        struct random_stream random = random_stream_new(seed, 1000000 + name % 1000000);
        *range = exactly(random_pert(&random, range->low, range->likely, range->high));
    }
    for (int kind = 0; kind < 2; kind++) {
        for (int region = 0; region < REGIONS; region++) {
            for (int tier = 0; tier < TIERS; tier++) {
                strata[count++] = (struct cost_stratum){
                    .region = regions[region],
                    .tier = tiers[tier],
                    .kind = kind == 1 ? CUSTOMER_CORPORATE : CUSTOMER_CONSUMER,
                    .customers = exactly(truth->kind_customers[kind][region][tier]),
                    .hosts = exactly(truth->kind_hosts[kind][region][tier]),
                    .customers_all = truth->there[kind][region][tier],
                    .hosts_all = truth->seats[kind][region][tier]};
            }
        }
    }
    struct cost_basis basis = {.strata = strata, .stratum_count = count, .growth_an_hour = NAN};
    struct cost_estimate estimate;
    struct arena arena = {0};
    struct failure failure;
    must(cost_estimate(&drawn, &basis, 1, &arena, &estimate, &failure), &failure);
    double cost = estimate.p50;
    arena_free(&arena);
    return cost;
}

/* Ends are told in whole numbers, and the truth is one: a range of two or three holds it more often
 * than it says, however it was reckoned. */
#define WIDE 4

static bool is_inside(struct range range, double value)
{
    return value >= range.low - 0.5 && value <= range.high + 0.5;
}

static void judge(const struct incident *incident, const struct update_answer *update,
                  const struct truth *truth, uint64_t seed, struct incident_moment *moment)
{
    double cost = true_cost(incident, truth, seed);
    *moment = (struct incident_moment){
        .hosts_inside = is_inside(update->hosts_total.all, truth->all_hosts),
        .customers_inside = is_inside(update->customers_total.all, truth->all_customers),
        .cost_inside = cost >= update->cost.p5 && cost <= update->cost.p95,
        .to_come_inside = is_inside(update->extent.forecast.may_turn, truth->to_come),
        .to_come = update->extent.forecast.may_turn.likely,
        .true_to_come = truth->to_come,
        .true_hosts = truth->all_hosts,
        .true_customers = truth->all_customers,
        .hosts = update->hosts_total.all.likely,
        .customers = update->customers_total.all.likely,
        .hosts_width = (update->hosts_total.all.high - update->hosts_total.all.low) /
                       fmax(1, truth->all_hosts),
        .rivals = {truth->pinned_customers,
                   truth->pinned_customers * incident->seat_count / truth->reporting}};
    for (int region = 0; region < REGIONS; region++) {
        for (int line = 0; line < LINES; line++) {
            struct range hosts = {0};
            struct range customers = {0};
            for (size_t i = 0; i < update->impact_count; i++) {
                const struct impact_cell *cell = &update->impact[i];
                if (strcmp(cell->region, regions[region]) == 0 &&
                    strcmp(cell->product_line, lines[line]) == 0) {
                    hosts = cell->hosts.all;
                    customers = cell->customers.all;
                }
            }
            moment->cells++;
            moment->host_cells_inside += is_inside(hosts, truth->hosts[region][line]);
            bool inside = is_inside(customers, truth->customers[region][line]);
            bool wide = customers.high - customers.low >= WIDE;
            moment->customer_cells_inside += inside;
            moment->wide_cells += wide;
            moment->wide_cells_inside += wide && inside;
        }
    }
}

void incident_run(enum incident_setting setting, uint64_t seed, struct incident_result *result)
{
    static struct incident incident;
    struct analysis_options options = {.alpha = INCIDENT_ALPHA, .seed = seed, .threads = 1};
    struct failure failure;
    struct analysis *analysis;
    draw_all(&incident, setting, seed);
    must(analysis_new(&options, incident.registry, &incident.parameters, &analysis, &failure),
         &failure);
    for (uint32_t s = 0; s < incident.seat_count; s++) {
        if (incident.seats[s].reports) {
            report_seat(analysis, &incident, s);
        }
    }
    *result = (struct incident_result){.held = true};
    for (int i = 0; i < INCIDENT_MOMENTS; i++) {
        int now = RELEASE + incident_moments[i];
        const struct answers *answers;
        must(analysis_advance(analysis, BASE_TIME + now * INSTANT_MINUTE, &failure) &&
                 analysis_answers(analysis, &answers, &failure),
             &failure);
        if (answers->update_count != 1 || answers->updates[0].verdict != VERDICT_HOLD) {
            result->held = false;
            break;
        }
        struct truth truth;
        count_truth(&incident, now - 1, &truth);
        judge(&incident, &answers->updates[0], &truth, seed, &result->moments[i]);
    }
    analysis_free(analysis);
    registry_free(incident.registry);
}
