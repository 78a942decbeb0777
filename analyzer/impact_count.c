/* Counting the ledger of harm by region and product line; see impact.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/distribution.h"
#include "analyzer/impact.h"
#include "analyzer/impact_census.h"
#include "common/hash_index.h"

/* A stratum's own control rate counts as much as the pooled one once it has seen this many onsets.
 */
#define POOLED_ONSETS 3.0

/* One region and product line, while counting. */
struct cell_sums {
    const char *region, *product_line;
    uint64_t hosts[SIGN_COUNT];     /* noted */
    uint64_t customers[SIGN_COUNT]; /* with a noted host; seen before silent */
    double expected_hosts[SIGN_COUNT], expected_customers[SIGN_COUNT];
    double control_minutes[SIGN_COUNT], control_onsets[SIGN_COUNT];
    double exposed_hosts, exposed_minutes, noted_minutes;
    uint64_t reporting_hosts, reporting_customers;
    uint64_t seats, silent_customers; /* registered; customers none of whose seats report */
};

/* One customer with noted hosts in one product line, while counting. */
struct share {
    uint32_t customer, cell;
    uint32_t hosts[SIGN_COUNT], still_affected;
    fleet_second first_onset;
    fleet_second last_recovered; /* 0: no host has */
};

struct counting {
    const struct exposure *exposure;
    const struct fleet *fleet;
    const struct segments *segments;
    const struct subgroup *subgroup;
    const struct impact_customers *customers;
    const struct impact_census *census;
    uint32_t *cell_at; /* by the census' place, IMPACT_NONE where there is none yet */
    struct cell_sums *cells;
    uint32_t cell_count, cell_capacity;
    struct share *shares;
    uint32_t share_count, share_capacity;
    struct hash_index by_share;
};

double impact_expected(const struct exposure_tally *tally, enum exposure_sign sign,
                       double pooled_rate)
{
    if (pooled_rate <= 0) {
        return tally->control_minutes[sign] > 0
                   ? tally->exposed_minutes[sign] * tally->control_onsets[sign] /
                         tally->control_minutes[sign]
                   : 0;
    }
    double rate = (tally->control_onsets[sign] + POOLED_ONSETS) /
                  (tally->control_minutes[sign] + POOLED_ONSETS / pooled_rate);
    return tally->exposed_minutes[sign] * rate;
}

static bool find_cell(struct counting *counting, size_t place, uint32_t *number,
                      struct failure *failure)
{
    *number = counting->cell_at[place];
    if (*number != IMPACT_NONE) {
        return true;
    }
    if (counting->cell_count == counting->cell_capacity) {
        uint32_t capacity = counting->cell_capacity == 0 ? 32 : counting->cell_capacity * 2;
        struct cell_sums *cells = realloc(counting->cells, capacity * sizeof *cells);
        if (cells == NULL) {
            return failure_memory(failure, "counting the affected");
        }
        counting->cells = cells;
        counting->cell_capacity = capacity;
    }
    const struct census_place *all = &counting->census->places[place];
    counting->cell_at[place] = *number = counting->cell_count++;
    counting->cells[*number] =
        (struct cell_sums){.region = impact_census_region(counting->census, place),
                           .product_line = impact_census_line(counting->census, place),
                           .reporting_hosts = all->hosts,
                           .reporting_customers = all->customers,
                           .seats = all->seats,
                           .silent_customers = all->silent_customers};
    return true;
}

static bool cell_of(struct counting *counting, uint32_t customer, uint32_t segment,
                    uint32_t *number, struct failure *failure)
{
    return find_cell(counting, impact_census_place(counting->census, customer, segment), number,
                     failure);
}

struct share_key {
    const struct counting *counting;
    uint32_t customer, cell;
};

static bool same_share(const void *context, uint32_t item)
{
    const struct share_key *key = context;
    const struct share *share = &key->counting->shares[item];
    return share->customer == key->customer && share->cell == key->cell;
}

static bool find_share(struct counting *counting, uint32_t customer, uint32_t cell,
                       uint32_t *number, struct failure *failure)
{
    struct share_key key = {.counting = counting, .customer = customer, .cell = cell};
    uint64_t hash = hash_number((uint64_t)customer << 32 | cell);
    *number = hash_index_find(&counting->by_share, hash, same_share, &key);
    if (*number != HASH_INDEX_NONE) {
        return true;
    }
    if (counting->share_count == counting->share_capacity) {
        uint32_t capacity = counting->share_capacity == 0 ? 1024 : counting->share_capacity * 2;
        struct share *shares = realloc(counting->shares, capacity * sizeof *shares);
        if (shares == NULL) {
            return failure_memory(failure, "counting the affected");
        }
        counting->shares = shares;
        counting->share_capacity = capacity;
    }
    *number = counting->share_count;
    if (!hash_index_add(&counting->by_share, hash, *number, failure)) {
        return false;
    }
    counting->share_count++;
    counting->shares[*number] =
        (struct share){.customer = customer, .cell = cell, .first_onset = INT32_MAX};
    return true;
}

/* ---- The passes over the data ---- */

/* A cell for each place that has hosts or seats: in this order they are added up. */
static bool open_cells(struct counting *counting, struct failure *failure)
{
    const struct impact_census *census = counting->census;
    counting->cell_at = malloc((census->place_count + 1) * sizeof *counting->cell_at);
    if (counting->cell_at == NULL) {
        return failure_memory(failure, "counting the affected");
    }
    memset(counting->cell_at, 0xff, census->place_count * sizeof *counting->cell_at);
    for (size_t place = 0; place < census->place_count; place++) {
        uint32_t number;
        if (census->places[place].hosts + census->places[place].seats > 0 &&
            !find_cell(counting, place, &number, failure)) {
            return false;
        }
    }
    return true;
}

static bool count_noted(struct counting *counting, const struct impact *impact, uint32_t update,
                        struct failure *failure)
{
    uint32_t first = update < impact->update_count ? impact->first[update] : IMPACT_NONE;
    for (uint32_t i = first; i != IMPACT_NONE; i = impact->records[i].next) {
        const struct impact_record *record = &impact->records[i];
        if (!subgroup_contains(counting->subgroup, counting->segments, record->segment)) {
            continue;
        }
        const struct fleet_host *host = &counting->fleet->hosts[record->host];
        uint32_t cell = 0;
        uint32_t number = 0;
        if (!cell_of(counting, host->customer, record->segment, &cell, failure) ||
            !find_share(counting, host->customer, cell, &number, failure)) {
            return false;
        }
        struct share *share = &counting->shares[number];
        counting->cells[cell].hosts[record->sign]++;
        counting->cells[cell].noted_minutes += record->minutes_at_risk;
        share->hosts[record->sign]++;
        share->still_affected += record->still_affected;
        if (!record->still_affected && record->recovered > share->last_recovered) {
            share->last_recovered = record->recovered;
        }
        if (record->began < share->first_onset) {
            share->first_onset = record->began;
        }
    }
    return true;
}

/* The cell of a stratum's hosts: strata do not know customers, so its region is the hosts' own. */
static bool tally_cell(struct counting *counting, const struct exposure_tally *tally,
                       uint32_t *cell, bool *inside, struct failure *failure)
{
    uint32_t segment = counting->exposure->strata[tally->stratum].segment;
    *inside = subgroup_contains(counting->subgroup, counting->segments, segment);
    return !*inside || cell_of(counting, FLEET_NONE, segment, cell, failure);
}

static bool count_expected(struct counting *counting, uint32_t update, struct failure *failure)
{
    const struct exposure *exposure = counting->exposure;
    uint32_t cell = 0;
    bool inside = false;
    for (uint32_t i = exposure->updates[update].first_tally; i != EXPOSURE_NONE;
         i = exposure->tallies[i].next) {
        const struct exposure_tally *tally = &exposure->tallies[i];
        if (!tally_cell(counting, tally, &cell, &inside, failure)) {
            return false;
        }
        if (inside) {
            struct cell_sums *sums = &counting->cells[cell];
            /* tally_cell has made it: NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
            sums->exposed_hosts += tally->exposed_hosts;
            sums->exposed_minutes += tally->exposed_minutes[SIGN_SEEN];
            for (int sign = 0; sign < SIGN_COUNT; sign++) {
                sums->control_minutes[sign] += tally->control_minutes[sign];
                sums->control_onsets[sign] += tally->control_onsets[sign];
            }
        }
    }
    for (uint32_t i = exposure->updates[update].first_tally; i != EXPOSURE_NONE;
         i = exposure->tallies[i].next) {
        const struct exposure_tally *tally = &exposure->tallies[i];
        if (!tally_cell(counting, tally, &cell, &inside, failure)) {
            return false;
        }
        struct cell_sums *sums = &counting->cells[cell];
        if (!inside || sums->control_minutes[SIGN_SEEN] <= 0 || sums->exposed_minutes <= 0) {
            continue;
        }
        /* The share of the host-minutes that is of hosts not noted; see impact.h. */
        double unnoted = 1 - sums->noted_minutes / sums->exposed_minutes;
        double noted = (double)(sums->hosts[SIGN_SEEN] + sums->hosts[SIGN_SILENT]);
        double spared = sums->exposed_hosts > noted ? 1 - noted / sums->exposed_hosts : 0;
        /* An onset that was to be expected adds a customer only when none of the customer's other
         * hosts, about 2^class in all, is affected. */
        double others = exp2(exposure->strata[tally->stratum].size_class) - 1;
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            double minutes = sums->control_minutes[sign];
            double expected =
                impact_expected(tally, (enum exposure_sign)sign,
                                minutes > 0 ? sums->control_onsets[sign] / minutes : 0);
            expected *= unnoted > 0 ? unnoted : 0;
            sums->expected_hosts[sign] += expected;
            sums->expected_customers[sign] += expected * pow(spared, others);
        }
    }
    return true;
}

static void count_customers(struct counting *counting)
{
    for (uint32_t i = 0; i < counting->share_count; i++) {
        const struct share *share = &counting->shares[i];
        struct cell_sums *cell = &counting->cells[share->cell];
        if (share->hosts[SIGN_SEEN] > 0) {
            cell->customers[SIGN_SEEN]++;
        } else if (share->hosts[SIGN_SILENT] > 0) {
            cell->customers[SIGN_SILENT]++;
        }
    }
}

/* ---- From sums to answers ---- */

/* Of `unseen` that do not report, as many as the Beta posterior (Jeffreys prior) of the share among
 * those that do says, at 5, 50 and 95 %. */
static struct range estimate_unseen(double unseen, double affected, double reporting)
{
    if (unseen <= 0 || reporting <= 0) {
        return (struct range){0};
    }
    affected = affected < 0 ? 0 : affected > reporting ? reporting : affected;
    double a = affected + 0.5;
    double b = reporting - affected + 0.5;
    return (struct range){.low = unseen * distribution_beta_quantile(0.05, a, b),
                          .likely = unseen * distribution_beta_quantile(0.50, a, b),
                          .high = unseen * distribution_beta_quantile(0.95, a, b)};
}

static uint64_t excess(uint64_t noted, double expected)
{
    double left = (double)noted - expected;
    return left > 0 ? (uint64_t)llround(left) : 0;
}

static void add_range(struct range *sum, struct range part)
{
    sum->low += part.low;
    sum->likely += part.likely;
    sum->high += part.high;
}

static void fill_cell(const struct cell_sums *sums, struct impact_cell *cell)
{
    *cell = (struct impact_cell){.region = sums->region, .product_line = sums->product_line};
    cell->hosts.confirmed = excess(sums->hosts[SIGN_SEEN], sums->expected_hosts[SIGN_SEEN]);
    cell->hosts.probable = excess(sums->hosts[SIGN_SILENT], sums->expected_hosts[SIGN_SILENT]);
    cell->customers.confirmed =
        excess(sums->customers[SIGN_SEEN], sums->expected_customers[SIGN_SEEN]);
    cell->customers.probable =
        excess(sums->customers[SIGN_SILENT], sums->expected_customers[SIGN_SILENT]);
    double hosts = (double)(cell->hosts.confirmed + cell->hosts.probable);
    double customers = (double)(cell->customers.confirmed + cell->customers.probable);
    cell->hosts.estimated = estimate_unseen((double)sums->seats - (double)sums->reporting_hosts,
                                            hosts, (double)sums->reporting_hosts);
    cell->customers.estimated = estimate_unseen((double)sums->silent_customers, customers,
                                                (double)sums->reporting_customers);
}

static int compare_cells(const void *left, const void *right)
{
    const struct impact_cell *a = left;
    const struct impact_cell *b = right;
    int order = strcmp(a->region, b->region);
    return order != 0 ? order : strcmp(a->product_line, b->product_line);
}

static bool fill_cells(const struct counting *counting, struct arena *arena,
                       struct impact_answer *answer, struct failure *failure)
{
    struct impact_cell *cells = arena_allocate(arena, (counting->cell_count + 1) * sizeof *cells);
    if (cells == NULL) {
        return failure_memory(failure, "counting the affected");
    }
    for (uint32_t i = 0; i < counting->cell_count; i++) {
        struct impact_cell *cell = &cells[answer->cell_count];
        fill_cell(&counting->cells[i], cell);
        if (cell->hosts.confirmed + cell->hosts.probable == 0) {
            continue; /* without an affected host among those that report, there is no estimate */
        }
        answer->cell_count++;
        answer->hosts.confirmed += cell->hosts.confirmed;
        answer->hosts.probable += cell->hosts.probable;
        add_range(&answer->hosts.estimated, cell->hosts.estimated);
        add_range(&answer->customers.estimated, cell->customers.estimated);
    }
    qsort(cells, answer->cell_count, sizeof *cells, compare_cells);
    answer->cells = cells;
    return true;
}

/* A customer in two product lines is counted once in the total; what was to be expected is taken
 * off as in the cells. */
static void total_customers(const struct counting *counting, const struct outreach_candidate *all,
                            size_t count, struct impact_answer *answer)
{
    double expected[SIGN_COUNT] = {0};
    uint64_t noted[SIGN_COUNT] = {0};
    for (uint32_t i = 0; i < counting->cell_count; i++) {
        for (int sign = 0; sign < SIGN_COUNT; sign++) {
            expected[sign] += counting->cells[i].expected_customers[sign];
        }
    }
    for (size_t i = 0; i < count; i++) {
        noted[all[i].hosts_confirmed > 0 ? SIGN_SEEN : SIGN_SILENT]++;
    }
    answer->customers.confirmed = excess(noted[SIGN_SEEN], expected[SIGN_SEEN]);
    answer->customers.probable = excess(noted[SIGN_SILENT], expected[SIGN_SILENT]);
}

/* What cost is drawn from: observed counts, plus what does not report, split as the observed are.
 */
static void fill_basis(const struct outreach_candidate *all, size_t count,
                       struct impact_answer *answer)
{
    double corporate = 0;
    double corporate_hosts = 0;
    double hosts = 0;
    for (size_t i = 0; i < count; i++) {
        double of_customer = (double)(all[i].hosts_confirmed + all[i].hosts_probable);
        bool is_corporate = all[i].customer != NULL && all[i].customer->kind == CUSTOMER_CORPORATE;
        corporate += is_corporate;
        corporate_hosts += is_corporate ? of_customer : 0;
        hosts += of_customer;
    }
    double share = count > 0 ? corporate / (double)count : 0;
    double host_share = hosts > 0 ? corporate_hosts / hosts : 0;
    struct range customers = answer->customers.estimated;
    struct range all_hosts = answer->hosts.estimated;
    double seen = (double)(answer->customers.confirmed + answer->customers.probable);
    double seen_hosts = (double)(answer->hosts.confirmed + answer->hosts.probable);
    /* The confirmed are certain; the probable may be a coincidence, down to none of them. */
    double surely = (double)answer->customers.confirmed;
    double surely_hosts = (double)answer->hosts.confirmed;
    answer->consumers = (struct range){.low = (1 - share) * (surely + customers.low),
                                       .likely = (1 - share) * (seen + customers.likely),
                                       .high = (1 - share) * (seen + customers.high)};
    answer->corporates = (struct range){.low = share * (surely + customers.low),
                                        .likely = share * (seen + customers.likely),
                                        .high = share * (seen + customers.high)};
    answer->corporate_hosts = (struct range){.low = host_share * (surely_hosts + all_hosts.low),
                                             .likely = host_share * (seen_hosts + all_hosts.likely),
                                             .high = host_share * (seen_hosts + all_hosts.high)};
}

static bool fill_candidates(const struct counting *counting, struct arena *arena,
                            struct impact_answer *answer, struct failure *failure)
{
    size_t customers = counting->customers->count;
    uint32_t *place = calloc(customers + 1, sizeof *place); /* 1 + index of the candidate */
    struct outreach_candidate *all =
        arena_allocate(arena, (counting->share_count + 1) * sizeof *all);
    if (place == NULL || all == NULL) {
        free(place);
        return failure_memory(failure, "listing the affected customers");
    }
    size_t count = 0;
    for (uint32_t i = 0; i < counting->share_count; i++) {
        const struct share *share = &counting->shares[i];
        if (share->hosts[SIGN_SEEN] + share->hosts[SIGN_SILENT] == 0) {
            continue;
        }
        if (place[share->customer] == 0) {
            place[share->customer] = (uint32_t)++count;
            all[count - 1] = (struct outreach_candidate){
                .customer_id = counting->customers->ids[share->customer],
                .customer = counting->census->registered[share->customer],
                .region = counting->cells[share->cell].region,
                .hosts_reporting = counting->census->customer_hosts[share->customer],
                .first_onset_at = fleet_instant_of(share->first_onset),
                .last_recovered_at = INSTANT_NONE};
        }
        struct outreach_candidate *one = &all[place[share->customer] - 1];
        one->hosts_confirmed += share->hosts[SIGN_SEEN];
        one->hosts_probable += share->hosts[SIGN_SILENT];
        one->hosts_still_affected += share->still_affected;
        instant_us recovered = fleet_instant_of(share->last_recovered);
        if (share->last_recovered > 0 && recovered > one->last_recovered_at) {
            one->last_recovered_at = recovered;
        }
        instant_us began = fleet_instant_of(share->first_onset);
        one->first_onset_at = began < one->first_onset_at ? began : one->first_onset_at;
    }
    free(place);
    answer->candidates = all;
    answer->candidate_count = count;
    total_customers(counting, all, count, answer);
    fill_basis(all, count, answer);
    return true;
}

bool impact_count(const struct impact *impact, const struct exposure *exposure,
                  const struct fleet *fleet, const struct segments *segments,
                  const struct subgroup *subgroup, uint32_t update,
                  const struct impact_customers *customers, struct arena *arena,
                  struct impact_answer *answer, struct failure *failure)
{
    *answer = (struct impact_answer){0};
    struct counting counting = {.exposure = exposure,
                                .fleet = fleet,
                                .segments = segments,
                                .subgroup = subgroup,
                                .customers = customers,
                                .census = customers->census};
    bool done = open_cells(&counting, failure) && count_noted(&counting, impact, update, failure) &&
                count_expected(&counting, update, failure);
    if (done) {
        count_customers(&counting);
        done = fill_cells(&counting, arena, answer, failure) &&
               fill_candidates(&counting, arena, answer, failure);
    }
    free(counting.cell_at);
    free(counting.cells);
    free(counting.shares);
    hash_index_free(&counting.by_share);
    return done;
}
