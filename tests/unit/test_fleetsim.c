/* The simulated fleet: the same seed gives the same bytes, its lines are the design's reports, and
 * its machines are on when the scenario says.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/buffer.h"
#include "common/failure.h"
#include "common/report.h"
#include "tests/fleetsim/minute_load.h"
#include "tests/fleetsim/power.h"
#include "tests/fleetsim/processor.h"
#include "tests/fleetsim/report_text.h"
#include "tests/fleetsim/scenario.h"
#include "tests/fleetsim/simulation.h"

#define SCENARIO "tests/fleetsim/scenarios/2005-pattern-2.594.00.json"
#define HOSTS 400

static struct scenario scenario;

static int load_scenario(void **state)
{
    (void)state;
    struct failure failure;
    return scenario_load(SCENARIO, &scenario, &failure) ? 0 : -1;
}

static int free_scenario(void **state)
{
    (void)state;
    scenario_free(&scenario);
    return 0;
}

/* An hour and a half in which the faulty update goes out. */
static struct simulation_options options_of(uint64_t seed)
{
    struct simulation_options options = {.hosts = HOSTS, .seed = seed, .from = INSTANT_NONE};
    options.until = scenario.from + 150 * INSTANT_MINUTE;
    return options;
}

static void simulate(const struct simulation_options *options, size_t batch_reports,
                     struct buffer *text)
{
    struct simulation simulation;
    struct report_text *report_text;
    struct minute_load load = {0};
    struct failure failure;
    bool more = true;
    assert_true(simulation_new(&scenario, options, &simulation, &failure));
    assert_true(report_text_new(&scenario, &simulation.population, &report_text, &failure));
    while (more) {
        assert_true(minute_load_next(&simulation, report_text, batch_reports, false, &load, &more,
                                     &failure));
        for (size_t b = 0; b < load.batch_count; b++) {
            buffer_append(text, load.batches[b].body.data, load.batches[b].body.length);
        }
    }
    assert_true(buffer_check(text, &failure));
    minute_load_free(&load);
    report_text_free(report_text);
    simulation_free(&simulation);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    struct buffer first = {0};
    struct buffer again = {0};
    struct buffer other = {0};
    struct simulation_options options = options_of(7);
    simulate(&options, 1000, &first);
    simulate(&options, 13, &again); /* however they are batched */
    assert_true(first.length > 1000000);
    assert_int_equal(first.length, again.length);
    assert_memory_equal(first.data, again.data, first.length);
    options.seed = 8;
    simulate(&options, 1000, &other);
    assert_true(other.length != first.length || memcmp(first.data, other.data, first.length) != 0);
    buffer_free(&first);
    buffer_free(&again);
    buffer_free(&other);
}

static void a_cut_is_a_part_of_the_whole(void **state)
{
    (void)state;
    struct buffer whole = {0};
    struct buffer part = {0};
    struct simulation_options options = options_of(7);
    simulate(&options, 1000, &whole);
    options.from = scenario.from + 40 * INSTANT_MINUTE + 17 * INSTANT_SECOND;
    options.until = options.from + 20 * INSTANT_MINUTE;
    simulate(&options, 1000, &part);
    assert_true(part.length < whole.length / 2);
    if (whole.data == NULL || part.data == NULL || strstr(whole.data, part.data) == NULL) {
        fail_msg("the cut's %zu bytes do not stand in the whole", part.length);
    }
    buffer_free(&whole);
    buffer_free(&part);
}

/* ---- Lines ---- */

static struct report report_of(const struct simulation *simulation,
                               const struct observation *observation,
                               struct report_attribute attributes[ATTRIBUTE_COUNT],
                               struct report_update updates[SCENARIO_UPDATES_LIMIT],
                               char customer[CUSTOMER_ID_SIZE])
{
    const struct fleet_seat *seat = &simulation->population.seats[observation->seat];
    const struct fleet_segment *segment = &simulation->population.segments[seat->segment];
    size_t update_count = 0;
    for (int a = 0; a < ATTRIBUTE_COUNT; a++) {
        attributes[a].name = host_attribute_name((enum host_attribute)a);
        attributes[a].value = segment->values[a];
    }
    report_sort_attributes(attributes, ATTRIBUTE_COUNT);
    for (size_t u = 0; u < scenario.update_count; u++) {
        if ((observation->updates >> u & 1) != 0) {
            updates[update_count++] = (struct report_update){.id = scenario.updates[u].id,
                                                             .outcome = UPDATE_INSTALLED,
                                                             .at = observation->updates_at};
        }
    }
    return (struct report){.host_id = seat->host_id,
                           .customer_id = customer_id_format(seat->customer, customer),
                           .observed_at = observation->observed_at,
                           .received_at = observation->received_at,
                           .has_host = true,
                           .attributes = attributes,
                           .attribute_count = ATTRIBUTE_COUNT,
                           .updates = updates,
                           .update_count = update_count,
                           .has_cpu = true,
                           .interval_s = scenario.telemetry.interval_s,
                           .busy = observation->busy / (double)READING_ONE,
                           .peak = observation->peak / (double)READING_ONE,
                           .product_busy = observation->product_busy / (double)READING_ONE};
}

/* Two writers may write the same time and the same number differently. */
static bool means_the_same(const json_t *left, const json_t *right)
{
    if (json_is_number(left) && json_is_number(right)) {
        return json_number_value(left) == json_number_value(right);
    }
    if (json_is_string(left) && json_is_string(right)) {
        instant_us a;
        instant_us b;
        if (instant_parse(json_string_value(left), &a, NULL) &&
            instant_parse(json_string_value(right), &b, NULL)) {
            return a == b;
        }
        return strcmp(json_string_value(left), json_string_value(right)) == 0;
    }
    if (json_is_array(left) && json_is_array(right)) {
        bool same = json_array_size(left) == json_array_size(right);
        for (size_t i = 0; same && i < json_array_size(left); i++) {
            same = means_the_same(json_array_get(left, i), json_array_get(right, i));
        }
        return same;
    }
    bool same = json_is_object(left) && json_is_object(right) &&
                json_object_size(left) == json_object_size(right);
    json_t *object = same ? (json_t *)left : NULL;
    for (void *member = json_object_iter(object); same && member != NULL;
         member = json_object_iter_next(object, member)) {
        same = means_the_same(json_object_iter_value(member),
                              json_object_get(right, json_object_iter_key(member)));
    }
    return same;
}

static void check_line(const struct simulation *simulation, struct report_text *report_text,
                       const struct observation *observation)
{
    struct report_attribute attributes[ATTRIBUTE_COUNT];
    struct report_update updates[SCENARIO_UPDATES_LIMIT];
    char customer[CUSTOMER_ID_SIZE];
    struct buffer fast = {0};
    struct buffer plain = {0};
    struct report report = report_of(simulation, observation, attributes, updates, customer);
    report_text_append(report_text, observation, &fast);
    report_write_json(&report, &plain);
    json_t *left = json_loads(fast.data, 0, NULL);
    json_t *right = json_loads(plain.data, 0, NULL);
    if (left == NULL || right == NULL || !means_the_same(left, right)) {
        fail_msg("not the same:\n%s%s", fast.data, plain.data);
    }
    json_decref(left);
    json_decref(right);
    buffer_free(&fast);
    buffer_free(&plain);
}

/* The oracle is common's writer, which knows nothing of fleets. */
static void lines_mean_what_report_write_json_writes(void **state)
{
    (void)state;
    struct simulation simulation;
    struct report_text *report_text;
    struct observation_list reports = {0};
    struct failure failure;
    struct simulation_options options = options_of(3);
    bool more = true;
    size_t with_updates = 0;
    assert_true(simulation_new(&scenario, &options, &simulation, &failure));
    assert_true(report_text_new(&scenario, &simulation.population, &report_text, &failure));
    while (more) {
        assert_true(simulation_next(&simulation, &reports, &more, &failure));
        for (size_t i = 0; i < reports.count; i++) {
            if (reports.items[i].updates != 0 || i % 8 == 0) {
                check_line(&simulation, report_text, &reports.items[i]);
                with_updates += reports.items[i].updates != 0;
            }
        }
    }
    assert_true(with_updates > 50);
    observation_list_free(&reports);
    report_text_free(report_text);
    simulation_free(&simulation);
}

static int compare_host_times(const void *left, const void *right)
{
    const struct observation *a = left;
    const struct observation *b = right;
    if (a->seat != b->seat) {
        return a->seat < b->seat ? -1 : 1;
    }
    return a->observed_at < b->observed_at ? -1 : a->observed_at > b->observed_at;
}

static void reports_come_in_order_and_never_twice(void **state)
{
    (void)state;
    struct simulation simulation;
    struct observation_list reports = {0};
    struct observation_list all = {0};
    struct failure failure;
    struct simulation_options options = options_of(5);
    bool more = true;
    instant_us last = scenario.from;
    assert_true(simulation_new(&scenario, &options, &simulation, &failure));
    while (more) {
        assert_true(simulation_next(&simulation, &reports, &more, &failure));
        for (size_t i = 0; i < reports.count; i++) {
            const struct observation *observation = &reports.items[i];
            assert_true(observation->received_at >= last);
            assert_true(observation->received_at < options.until);
            assert_true(observation->busy > 0 && observation->busy < READING_ONE);
            assert_true(observation->peak >= observation->busy);
            assert_true(observation->product_busy <= observation->busy);
            last = observation->received_at;
            assert_true(observation_list_append(&all, observation));
        }
    }
    assert_int_equal(all.count, simulation.reports);
    if (all.items == NULL) {
        fail_msg("the fleet said nothing");
        return;
    }
    qsort(all.items, all.count, sizeof *all.items, compare_host_times);
    for (size_t i = 1; i < all.count; i++) {
        assert_int_not_equal(compare_host_times(&all.items[i - 1], &all.items[i]), 0);
    }
    observation_list_free(&reports);
    observation_list_free(&all);
    simulation_free(&simulation);
}

/* ---- Who is there, and when ---- */

static void the_population_has_the_scenario_s_shape(void **state)
{
    (void)state;
    struct population population;
    struct failure failure;
    const size_t hosts = 20000;
    assert_true(population_build(&scenario, hosts, 1, &population, &failure));
    assert_int_equal(population.reporting_count, hosts);
    double coverage = (double)hosts / (double)population.seat_count;
    assert_true(fabs(coverage - scenario.telemetry.coverage) < 0.02);
    size_t consumers = 0;
    size_t largest = 0;
    size_t seats = 0;
    for (size_t c = 0; c < population.customer_count; c++) {
        const struct fleet_customer *customer = &population.customers[c];
        consumers += customer->kind == KIND_CONSUMER;
        assert_int_equal(customer->first_seat, seats);
        seats += customer->seat_count;
        largest = customer->seat_count > largest ? customer->seat_count : largest;
        for (uint32_t s = 0; s < customer->seat_count; s++) {
            const struct fleet_seat *seat = &population.seats[customer->first_seat + s];
            const struct fleet_segment *segment = &population.segments[seat->segment];
            assert_string_equal(segment->values[ATTRIBUTE_REGION],
                                scenario.regions[customer->region].region);
        }
    }
    assert_int_equal(seats, population.seat_count);
    assert_true(largest <= hosts / 50 && largest > 100); /* 2 % at most, and skewed */
    /* Within five standard errors of a binomial share. */
    double share = (double)consumers / (double)population.customer_count;
    double expected = scenario.kinds[KIND_CONSUMER].share;
    assert_true(fabs(share - expected) <
                5 * sqrt(expected * (1 - expected) / (double)population.customer_count));
    population_free(&population);
}

/* The oracle is the curve: a machine that turns on and off by power.c's rates is on at any time
 * with the curve's probability. */
static void machines_are_on_as_the_curve_says(void **state)
{
    (void)state;
    enum { MACHINES = 4000 };
    struct power *power;
    struct failure failure;
    assert_true(power_new(&scenario, &power, &failure));
    instant_us after = scenario.from + 4 * INSTANT_HOUR; /* 10:00 in Japan, on a Saturday */
    for (size_t rhythm = 0; rhythm < 2; rhythm++) {      /* home and office there */
        size_t on_count = 0;
        size_t changes = 0;
        for (uint64_t i = 0; i < MACHINES; i++) {
            struct random_stream random = random_stream_new(11, i);
            bool on = random_uniform(&random) < power_share_on(power, rhythm, scenario.from);
            instant_us at = power_next_change(power, rhythm, on, scenario.from, &random);
            while (at < after) {
                on = !on;
                changes++;
                at = power_next_change(power, rhythm, on, at, &random);
            }
            on_count += on;
        }
        double expected = scenario.machines[rhythm].on[DAY_SATURDAY][10];
        double share = (double)on_count / MACHINES;
        assert_true(fabs(share - expected) < 5 * sqrt(expected * (1 - expected) / MACHINES));
        assert_true(changes > MACHINES / 20);
    }
    power_free(power);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(a_cut_is_a_part_of_the_whole),
        cmocka_unit_test(lines_mean_what_report_write_json_writes),
        cmocka_unit_test(reports_come_in_order_and_never_twice),
        cmocka_unit_test(the_population_has_the_scenario_s_shape),
        cmocka_unit_test(machines_are_on_as_the_curve_says),
    };
    return cmocka_run_group_tests(tests, load_scenario, free_scenario);
}
