/* The analyzer against a brute-force twin that has nothing but the reports: states, who is at risk
 * where, whom is compared with whom, and the evidence, minute by minute over random fleets. Oracle:
 * twin.h, written from the manuals.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random_fleet.h"
#include "twin.h"
#include "twin_compare.h"

/* What went by, so that a test that met nothing of interest fails. */
struct met {
    size_t minutes, contrasts, pooled, shared, several, silent, spoilt, held, onsets, thinned_away;
    size_t told, told_of_parts; /* rate ratios in the answers; of a part of the fleet */
};

/* Answers take longer than a minute of so small a fleet, and tell of all minutes before. */
enum { ANSWERS_EVERY = 10 };

/* ---- Trials ---- */

static void open_trial(struct trial *trial, uint64_t seed)
{
    struct failure failure;
    const struct analysis_options options = {.seed = 1, .threads = 1};
    memset(trial, 0, sizeof *trial);
    trial->seed = seed;
    cost_parameters_default(&trial->parameters);
    assert_true(registry_new(&trial->registry, &failure));
    for (size_t c = 0; c < RANDOM_FLEET_CUSTOMERS; c++) {
        const char *id = random_fleet_customer(c);
        const struct registry_customer customer = {.customer_id = id,
                                                   .name = id,
                                                   .region = "JP",
                                                   .country = "JP",
                                                   .time_zone = "UTC",
                                                   .tier = "basic"};
        assert_true(random_fleet_seats(id) == 0 ||
                    (registry_add_customer(trial->registry, &customer, &failure) &&
                     registry_add_seats(trial->registry, id, "OfficeScan", random_fleet_seats(id),
                                        &failure)));
    }
    assert_true(
        analysis_new(&options, trial->registry, &trial->parameters, &trial->analysis, &failure));
}

static void close_trial(struct trial *trial)
{
    analysis_free(trial->analysis);
    registry_free(trial->registry);
    twin_free(&trial->twin);
}

static void note_met(const struct trial *trial, struct met *met)
{
    met->minutes++;
    met->contrasts += trial->minute.contrast_count;
    for (size_t i = 0; i < trial->minute.contrast_count; i++) {
        const struct twin_contrast *contrast = &trial->minute.contrasts[i];
        met->pooled += contrast->pooled;
        met->shared += contrast->shared;
        met->several += contrast->onsets > 1;
        met->silent += contrast->sign == 1;
    }
    for (size_t i = 0; i < trial->twin.host_count; i++) {
        met->onsets += trial->minute.hosts[i].onset >= 0;
        met->thinned_away += trial->minute.hosts[i].onset >= 0 && !trial->minute.hosts[i].counts;
    }
    for (size_t u = 0; u < trial->twin.update_count; u++) {
        met->held += twin_compare_holds(trial, u);
        met->spoilt += trial->spoilt[u] != 0;
    }
}

static void judge_minute(struct trial *trial, int32_t minute, struct met *met)
{
    bool held[TWIN_UPDATES] = {false};
    twin_minute_at(&trial->twin, minute, trial->spoilt, &trial->minute);
    twin_compare(trial);
    for (size_t u = 0; u < trial->twin.update_count; u++) {
        held[u] = twin_compare_holds(trial, u);
    }
    twin_spoilt(&trial->evidence, &trial->twin, held, trial->spoilt);
    note_met(trial, met);
    if (minute % ANSWERS_EVERY == 0) {
        struct twin_met_ratios ratios = twin_compare_ratios(trial);
        met->told += ratios.all;
        met->told_of_parts += ratios.of_parts;
    }
}

/* The minute a report is taken in: that of its receipt, unless it comes when that is closed.
 * Nothing is before the first has come. */
static int32_t taken_in(const struct random_fleet *fleet, const struct random_report *told)
{
    int32_t arrives = fleet_second_of(told->arrives_at) / 60;
    bool is_first = arrives == fleet_second_of(fleet->told[0].arrives_at) / 60;
    return is_first ? fleet_second_of(told->report.received_at) / 60 : arrives;
}

/* Minute by minute. Takes the fleet. */
static void run_fleet(uint64_t seed, struct random_fleet fleet, int minutes, struct met *met)
{
    static struct trial trial;
    struct failure failure;
    struct twin_told *told = calloc(fleet.count, sizeof *told);
    assert_non_null(told);
    open_trial(&trial, seed);
    for (size_t i = 0; i < fleet.count; i++) {
        told[i] = (struct twin_told){.report = &fleet.told[i].report,
                                     .minute = taken_in(&fleet, &fleet.told[i]),
                                     .arrival = i};
    }
    twin_init(&trial.twin, told, fleet.count, random_fleet_seats);
    size_t next = 0;
    int32_t end_minute = fleet_second_of(RANDOM_FLEET_START) / 60 + minutes;
    int32_t minute = fleet_second_of(fleet.told[0].arrives_at) / 60;
    for (; minute < end_minute; minute++) {
        instant_us end = fleet_instant_of((minute + 1) * 60);
        while (next < fleet.count && fleet.told[next].arrives_at < end) {
            assert_true(analysis_add(trial.analysis, &fleet.told[next++].report, &failure));
        }
        assert_true(analysis_advance(trial.analysis, end, &failure));
        judge_minute(&trial, minute, met);
    }
    close_trial(&trial);
    free(told);
    free(fleet.told);
}

static void run_trial(uint64_t seed, uint32_t hosts, int minutes, struct met *met)
{
    run_fleet(seed, random_fleet_new(seed, hosts, minutes), minutes, met);
}

/* Half the hosts are in a ring of their own, where none is ever busy. */
static void spare_a_ring(struct random_fleet *fleet)
{
    for (size_t i = 0; i < fleet->count; i++) {
        struct random_report *told = &fleet->told[i];
        bool spared = told->report.host_id.bytes[0] % 2 == 0;
        if (told->report.has_host && told->report.attribute_count < RANDOM_FLEET_ATTRIBUTES) {
            told->attributes[told->report.attribute_count++] =
                (struct report_attribute){"ring", spared ? "early" : "broad"};
            told->report.segment_id =
                report_segment_id(told->attributes, told->report.attribute_count);
        }
        if (spared && told->report.has_cpu) {
            told->report.busy = fmin(told->report.busy, 0.3);
        }
    }
    random_fleet_sort(fleet);
}

static void fleets_equal_their_twins(void **state)
{
    (void)state;
    struct met met = {0};
    for (uint64_t seed = 1; seed <= 24; seed++) {
        run_trial(seed, 30 + (uint32_t)(seed * 7 % 51), 200, &met);
    }
    run_trial(1082, 56, 200, &met); /* silence is found of a host that just turned healthy */
    assert_true(met.onsets > 2000 && met.thinned_away > 100 && met.contrasts > 600);
    assert_true(met.pooled > 150 && met.shared > 30 && met.several > 4 && met.silent > 200);
    assert_true(met.told > 400);
}

/* An update that is held, and spoils the comparison of others. */
static void large_fleets_equal_their_twins(void **state)
{
    (void)state;
    struct met met = {0};
    run_trial(101, 260, 130, &met);
    run_trial(105, 260, 130, &met);
    run_trial(107, 300, 150, &met);
    run_trial(109, 300, 150, &met);
    assert_true(met.contrasts > 300 && met.shared > 30 && met.held > 100 && met.spoilt > 300);
}

/* Only a part of the fleet is struck, and the answers tell of that part. */
static void struck_parts_equal_their_twins(void **state)
{
    (void)state;
    struct met met = {0};
    for (uint64_t seed = 301; seed <= 304; seed++) {
        struct random_fleet fleet = random_fleet_new(seed, 300, 150);
        spare_a_ring(&fleet);
        run_fleet(seed, fleet, 150, &met);
    }
    assert_true(met.held > 20 && met.told_of_parts > 10);
}

/* Long enough for updates to come and go. */
static void long_rollouts_equal_their_twins(void **state)
{
    (void)state;
    struct met met = {0};
    for (uint64_t seed = 151; seed <= 175; seed++) {
        run_trial(seed, 14, 390, &met);
    }
    assert_true(met.contrasts > 30);
}

/* Where hardly anything happens nothing is looked at but for its own sake. */
static void handfuls_of_hosts_equal_their_twins(void **state)
{
    (void)state;
    struct met met = {0};
    for (uint64_t seed = 201; seed <= 260; seed++) {
        run_trial(seed, 4, 200, &met);
    }
    assert_true(met.onsets > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fleets_equal_their_twins),
        cmocka_unit_test(large_fleets_equal_their_twins),
        cmocka_unit_test(struck_parts_equal_their_twins),
        cmocka_unit_test(long_rollouts_equal_their_twins),
        cmocka_unit_test(handfuls_of_hosts_equal_their_twins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
