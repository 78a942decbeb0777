/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fleet_runs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/random_stream.h"

#define ATTRIBUTES 4
#define SERIALS 1000

static char customers[64][8];
static char updates[3][16];
static char serials[SERIALS][12];
static struct report_attribute attributes[3][ATTRIBUTES];

static void name_things(void)
{
    static const char *const systems[] = {"Windows XP", "Windows 2000", "Linux"};
    for (size_t i = 0; i < 64; i++) {
        (void)snprintf(customers[i], sizeof customers[i], "c-%zu", i);
    }
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(updates[i], sizeof updates[i], "pattern/%zu", i);
        attributes[i][0] = (struct report_attribute){"os", systems[i]};
        attributes[i][1] = (struct report_attribute){"os_version", "SP2"};
        attributes[i][2] = (struct report_attribute){"product_line", "OfficeScan"};
        attributes[i][3] = (struct report_attribute){"ring", "broad"};
    }
}

/* Attributes are in the order of their names. */
static void describe(struct random_report *told, uint32_t system, uint32_t host)
{
    memcpy(told->attributes, attributes[system], sizeof attributes[system]);
    if (host % 4 == 0) {
        told->attributes[3].value = "early";
    }
    if (told->report.attribute_count > ATTRIBUTES) {
        assert_true(host < SERIALS);
        (void)snprintf(serials[host], sizeof serials[host], "%u", host);
        told->attributes[ATTRIBUTES] = (struct report_attribute){"serial", serials[host]};
    }
    told->report.segment_id = report_segment_id(told->attributes, told->report.attribute_count);
}

static void report_host(struct random_fleet *fleet, bool says_serial, uint32_t host, uint64_t seed)
{
    struct random_stream random = random_stream_new(seed, host);
    int interval = 1 + (int)random_below(&random, 3);
    uint32_t system = (uint32_t)random_below(&random, 3);
    instant_us clock_error = random_below(&random, 5) == 0 ? -40 * INSTANT_MINUTE : 0;
    int installs_at = 20 + (int)random_below(&random, 100);
    uint32_t update = (uint32_t)random_below(&random, 3);
    unsigned told_updates = 0;
    unsigned updates_in_all = host % 3 == 0 ? 2 : 1; /* the second is harmless, minutes later */
    int off = random_below(&random, 4) == 0 ? 30 + (int)random_below(&random, 90) : fleet->minutes;
    for (int m = (int)host % interval; m < fleet->minutes; m += interval) {
        bool is_off = m >= off && m < off + 25;
        if (is_off || random_below(&random, 10) == 0) {
            continue;
        }
        bool struck = update == 1 && system == 0 && m >= installs_at + 4;
        bool tells = told_updates < updates_in_all && m >= installs_at + 6 * (int)told_updates;
        uint32_t told_now = told_updates == 0 ? update : update == 0 ? 2 : 0;
        struct random_report told = {
            .updates = {{.id = updates[told_now], .outcome = UPDATE_INSTALLED}},
            .report = {.customer_id = customers[host % 64],
                       .has_host = m % 5 == 0 || tells,
                       .attribute_count = ATTRIBUTES + (says_serial ? 1 : 0),
                       .update_count = tells ? 1 : 0,
                       .has_cpu = random_below(&random, 20) != 0,
                       .interval_s = interval * 60,
                       .busy = struck ? 0.99 : 0.3 * random_uniform(&random),
                       .peak = NAN,
                       .product_busy = NAN}};
        describe(&told, system, host);
        told.report.host_id = uuid_from_name("same", &host, sizeof host);
        told.report.received_at =
            START + m * INSTANT_MINUTE + (instant_us)random_below(&random, 60 * INSTANT_SECOND);
        told.report.observed_at = told.report.received_at + clock_error -
                                  (instant_us)random_below(&random, 3 * INSTANT_SECOND);
        told.updates[0].at = told.report.observed_at - INSTANT_SECOND;
        told.arrives_at = told.report.received_at;
        random_fleet_add(fleet, &told);
        told_updates += tells ? 1 : 0;
    }
}

static struct random_fleet make(bool says_serial, uint64_t seed, uint32_t hosts, int minutes)
{
    struct random_fleet fleet = {.minutes = minutes};
    name_things();
    for (uint32_t host = 0; host < hosts; host++) {
        report_host(&fleet, says_serial, host, seed);
    }
    random_fleet_sort(&fleet);
    return fleet;
}

struct random_fleet make_fleet(uint64_t seed, uint32_t hosts, int minutes)
{
    return make(false, seed, hosts, minutes);
}

struct random_fleet make_fleet_with_serials(uint64_t seed, uint32_t hosts, int minutes)
{
    return make(true, seed, hosts, minutes);
}

struct random_fleet any_fleet(uint64_t seed)
{
    if (seed % 2 == 0) {
        return make_fleet(seed, 160, 150);
    }
    struct random_fleet fleet = random_fleet_new(seed, seed % 4 == 1 ? 60 : 260, 150);
    size_t count = 0;
    for (size_t i = 0; i < fleet.count; i++) {
        fleet.told[count] = fleet.told[i];
        fleet.told[count].arrives_at = fleet.told[i].report.received_at;
        count += fleet.told[i].report.received_at < START + fleet.minutes * INSTANT_MINUTE;
    }
    fleet.count = count;
    random_fleet_sort(&fleet);
    return fleet;
}

/* Of every other customer the seats are known; update 2 is withdrawn and comes again, mended. */
static void fill_registry(struct registry *registry)
{
    struct failure failure;
    const struct registry_update mended = {.update_id = updates[2],
                                           .released_at = START + 75 * INSTANT_MINUTE,
                                           .withdrawn_at = START + 60 * INSTANT_MINUTE};
    assert_true(registry_add_update(registry, &mended, &failure));
    for (size_t i = 0; i < 64; i += 2) {
        const struct registry_customer customer = {.customer_id = customers[i],
                                                   .name = customers[i],
                                                   .kind = CUSTOMER_CORPORATE,
                                                   .region = "JP",
                                                   .country = "JP",
                                                   .time_zone = "Asia/Tokyo",
                                                   .tier = "Standard"};
        assert_true(registry_add_customer(registry, &customer, &failure));
        assert_true(
            registry_add_seats(registry, customers[i], "OfficeScan", (uint32_t)i + 3, &failure));
    }
}

void run_open(struct run *run, unsigned threads)
{
    struct failure failure;
    const struct analysis_options options = {.seed = 1, .threads = threads};
    *run = (struct run){0};
    run->parameters =
        malloc(sizeof *run->parameters); /* a run is moved, its analysis refers to them */
    assert_non_null(run->parameters);
    cost_parameters_default(run->parameters);
    assert_true(registry_new(&run->registry, &failure));
    fill_registry(run->registry);
    assert_true(analysis_new(&options, run->registry, run->parameters, &run->analysis, &failure));
}

void run_close(struct run *run)
{
    analysis_free(run->analysis);
    registry_free(run->registry);
    free(run->parameters);
    buffer_free(&run->changes);
}

void add(struct run *run, const struct random_report *told)
{
    struct failure failure;
    assert_true(analysis_add(run->analysis, &told->report, &failure));
}

void advance(struct run *run, instant_us until)
{
    struct failure failure;
    const struct verdict_change *change;
    assert_true(analysis_advance(run->analysis, until, &failure));
    for (analysis_next_change(run->analysis, &change); change != NULL;
         analysis_next_change(run->analysis, &change)) {
        buffer_append_format(&run->changes, "%s %lld %d %d %a %a\n", change->update_id,
                             (long long)change->decided_at, (int)change->verdict,
                             (int)change->previous, change->log10_e_value, change->rate_ratio.low);
    }
}

struct buffer answers_of(struct run *run)
{
    struct failure failure;
    const struct answers *answers;
    struct buffer text = {0};
    assert_true(analysis_answers(run->analysis, &answers, &failure));
    struct answers shown = *answers;
    shown.fleet.duplicate_reports = 0;
    shown.fleet.late_reports = 0;
    assert_true(answer_write_json(&shown, &text, &failure));
    buffer_append_text(&text, "\n");
    for (size_t i = 0; i < shown.update_count; i++) {
        assert_true(answer_write_course_json(&shown.updates[i], shown.as_of, &text, &failure));
        buffer_append_text(&text, "\n");
    }
    buffer_append(&text, run->changes.data, run->changes.length);
    return text;
}

struct buffer expected(const struct random_fleet *fleet, int minutes)
{
    struct run run;
    run_open(&run, 1);
    size_t next = 0;
    for (int m = 1; m <= minutes; m++) {
        instant_us end = START + m * INSTANT_MINUTE;
        while (next < fleet->count && fleet->told[next].report.received_at < end) {
            add(&run, &fleet->told[next++]);
        }
        advance(&run, end);
    }
    struct buffer text = answers_of(&run);
    run_close(&run);
    return text;
}

void assert_same(struct buffer *actual, struct buffer *wanted)
{
    assert_string_equal(actual->data, wanted->data);
    buffer_free(actual);
    buffer_free(wanted);
}
