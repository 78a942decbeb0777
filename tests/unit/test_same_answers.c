/* The answers are a pure function of the reports: however they come, and whenever one begins anew,
 * the answers are the same bytes. Oracle: the same reports given minute by minute in their order.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/analysis.h"
#include "common/buffer.h"
#include "common/random_stream.h"

#define START (INT64_C(1114200000) * INSTANT_SECOND) /* 2005-04-22T20:00:00Z */
#define FLEETS 6
#define ATTRIBUTES 2

struct told {
    struct report report;
    struct report_update update;
    instant_us arrives_at; /* orders the reports on their way in */
};

struct fleet_case {
    struct told *told;
    size_t count;
    int minutes;
};

static char customers[64][8];
static char updates[3][16];
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
        attributes[i][1] = (struct report_attribute){"product_line", "OfficeScan"};
    }
}

/* Hosts come and go, some clocks are wrong, reports are lost, and update 1 pins the Windows XP
 * hosts that install it. */
static void report_host(struct fleet_case *fleet, uint32_t host, uint64_t seed)
{
    struct random_stream random = random_stream_new(seed, host);
    int interval = 1 + (int)random_below(&random, 3);
    uint32_t system = (uint32_t)random_below(&random, 3);
    instant_us clock_error = random_below(&random, 5) == 0 ? -40 * INSTANT_MINUTE : 0;
    int installs_at = 20 + (int)random_below(&random, 100);
    uint32_t update = (uint32_t)random_below(&random, 3);
    bool told_update = false;
    int off = random_below(&random, 4) == 0 ? 30 + (int)random_below(&random, 90) : fleet->minutes;
    for (int m = (int)host % interval; m < fleet->minutes; m += interval) {
        bool is_off = m >= off && m < off + 25;
        if (is_off || random_below(&random, 10) == 0) {
            continue;
        }
        bool struck = update == 1 && system == 0 && m >= installs_at + 4;
        bool tells = m >= installs_at && !told_update;
        struct told *told = &fleet->told[fleet->count++];
        *told = (struct told){
            .update = {.id = updates[update], .outcome = UPDATE_INSTALLED},
            .report = {.customer_id = customers[host % 64],
                       .has_host = m % 5 == 0 || tells,
                       .attributes = attributes[system],
                       .attribute_count = ATTRIBUTES,
                       .segment_id = report_segment_id(attributes[system], ATTRIBUTES),
                       .update_count = tells ? 1 : 0,
                       .has_cpu = random_below(&random, 20) != 0,
                       .interval_s = interval * 60,
                       .busy = struck ? 0.99 : 0.3 * random_uniform(&random),
                       .peak = NAN,
                       .product_busy = NAN}};
        told->report.host_id = uuid_from_name("same", &host, sizeof host);
        told->report.received_at =
            START + m * INSTANT_MINUTE + (instant_us)random_below(&random, 60 * INSTANT_SECOND);
        told->report.observed_at = told->report.received_at + clock_error -
                                   (instant_us)random_below(&random, 3 * INSTANT_SECOND);
        told->update.at = told->report.observed_at - INSTANT_SECOND;
        told->arrives_at = told->report.received_at;
        told_update |= tells;
    }
}

static int compare_arrival(const void *left, const void *right)
{
    const struct told *a = left;
    const struct told *b = right;
    return (a->arrives_at > b->arrives_at) - (a->arrives_at < b->arrives_at);
}

static void sort_by_arrival(struct fleet_case *fleet)
{
    qsort(fleet->told, fleet->count, sizeof *fleet->told, compare_arrival);
    for (size_t i = 0; i < fleet->count; i++) {
        fleet->told[i].report.updates = &fleet->told[i].update;
    }
}

static struct fleet_case make_fleet(uint64_t seed, uint32_t hosts, int minutes)
{
    struct fleet_case fleet = {.minutes = minutes};
    fleet.told = calloc((size_t)hosts * (size_t)minutes * 2, sizeof *fleet.told);
    assert_non_null(fleet.told);
    name_things();
    for (uint32_t host = 0; host < hosts; host++) {
        report_host(&fleet, host, seed);
    }
    sort_by_arrival(&fleet);
    return fleet;
}

struct run {
    struct registry *registry;
    struct cost_parameters parameters;
    struct analysis *analysis;
    struct buffer changes; /* all so far, as text */
};

static void run_open(struct run *run, unsigned threads)
{
    struct failure failure;
    const struct analysis_options options = {.seed = 1, .threads = threads};
    *run = (struct run){0};
    cost_parameters_default(&run->parameters);
    assert_true(registry_new(&run->registry, &failure));
    assert_true(analysis_new(&options, run->registry, &run->parameters, &run->analysis, &failure));
}

static void run_close(struct run *run)
{
    analysis_free(run->analysis);
    registry_free(run->registry);
    buffer_free(&run->changes);
}

static void add(struct run *run, const struct told *told)
{
    struct failure failure;
    assert_true(analysis_add(run->analysis, &told->report, &failure));
}

static void advance(struct run *run, instant_us until)
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

/* The answers and how they came about. The number of duplicates is no part of them. */
static struct buffer answers_of(struct run *run)
{
    struct failure failure;
    const struct answers *answers;
    struct buffer text = {0};
    assert_true(analysis_answers(run->analysis, &answers, &failure));
    struct answers shown = *answers;
    shown.fleet.duplicate_reports = 0;
    assert_true(answer_write_json(&shown, &text, &failure));
    buffer_append_text(&text, "\n");
    buffer_append(&text, run->changes.data, run->changes.length);
    return text;
}

/* Minute by minute, in the order received, up to the minute. */
static struct buffer expected(const struct fleet_case *fleet, int minutes)
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

static void assert_same(struct buffer *actual, struct buffer *wanted)
{
    assert_string_equal(actual->data, wanted->data);
    buffer_free(actual);
    buffer_free(wanted);
}

static void the_fleets_come_to_a_verdict(void **state)
{
    (void)state;
    struct fleet_case fleet = make_fleet(1, 240, 150);
    struct buffer text = expected(&fleet, fleet.minutes);
    assert_non_null(strstr(text.data, "\"HOLD\""));
    buffer_free(&text);
    free(fleet.told);
}

/* Whoever starts at some minute takes all there is at once and goes on from there. */
static void a_restart_at_any_minute_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= FLEETS; seed++) {
        struct fleet_case fleet = make_fleet(seed, 160, 150);
        struct random_stream random = random_stream_new(seed, 1);
        for (int restart = 0; restart < 6; restart++) {
            int at = 1 + (int)random_below(&random, (uint64_t)fleet.minutes);
            struct run run;
            run_open(&run, 1);
            for (size_t i = 0; i < fleet.count; i++) {
                if (fleet.told[i].report.received_at < START + at * INSTANT_MINUTE) {
                    add(&run, &fleet.told[i]);
                }
            }
            advance(&run, START + at * INSTANT_MINUTE);
            struct buffer half = answers_of(&run);
            struct buffer wanted = expected(&fleet, at);
            assert_same(&half, &wanted);
            for (size_t i = 0; i < fleet.count; i++) {
                if (fleet.told[i].report.received_at >= START + at * INSTANT_MINUTE) {
                    add(&run, &fleet.told[i]);
                }
            }
            advance(&run, START + fleet.minutes * INSTANT_MINUTE);
            struct buffer whole = answers_of(&run);
            wanted = expected(&fleet, fleet.minutes);
            assert_same(&whole, &wanted);
            run_close(&run);
        }
        free(fleet.told);
    }
}

/* Late by anything less than the lateness that is allowed, some twice or three times, and advanced
 * after each batch of any size. */
static void order_batches_and_duplicates_change_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= FLEETS; seed++) {
        struct fleet_case fleet = make_fleet(seed, 160, 150);
        struct random_stream random = random_stream_new(seed, 2);
        struct buffer wanted = expected(&fleet, fleet.minutes);
        size_t once = fleet.count;
        for (size_t i = 0; i < once; i++) {
            if (random_below(&random, 6) == 0) {
                fleet.told[fleet.count++] = fleet.told[i];
            }
        }
        for (size_t i = 0; i < fleet.count; i++) {
            fleet.told[i].arrives_at += (instant_us)random_below(&random, ANALYSIS_LATENESS);
        }
        sort_by_arrival(&fleet);
        struct run run;
        run_open(&run, 1);
        instant_us newest = START;
        for (size_t i = 0; i < fleet.count; i++) {
            add(&run, &fleet.told[i]);
            instant_us received_at = fleet.told[i].report.received_at;
            newest = received_at > newest ? received_at : newest;
            if (random_below(&random, 40) == 0) {
                advance(&run, newest - ANALYSIS_LATENESS);
            }
        }
        advance(&run, START + fleet.minutes * INSTANT_MINUTE);
        struct buffer text = answers_of(&run);
        assert_same(&text, &wanted);
        run_close(&run);
        free(fleet.told);
    }
}

/* Enough reports a minute for several threads to share, and so few hosts a customer that their
 * number changes whom they are compared with. */
static void threads_change_nothing(void **state)
{
    (void)state;
    struct fleet_case fleet = make_fleet(7, 40000, 24);
    struct buffer texts[3];
    static const unsigned threads[] = {1, 2, 5};
    for (size_t t = 0; t < 3; t++) {
        struct run run;
        run_open(&run, threads[t]);
        size_t next = 0;
        for (int m = 1; m <= fleet.minutes; m++) {
            while (next < fleet.count &&
                   fleet.told[next].report.received_at < START + m * INSTANT_MINUTE) {
                add(&run, &fleet.told[next++]);
            }
            advance(&run, START + m * INSTANT_MINUTE);
        }
        texts[t] = answers_of(&run);
        run_close(&run);
    }
    assert_string_equal(texts[1].data, texts[0].data);
    assert_string_equal(texts[2].data, texts[0].data);
    for (size_t t = 0; t < 3; t++) {
        buffer_free(&texts[t]);
    }
    free(fleet.told);
}

/* Ids may be numbers in a row, or begin with the time, as UUIDs of version 7 do: all their reports
 * wait in one heap, and nothing in its first bytes tells them apart. */
static void ids_that_begin_alike_change_nothing(void **state)
{
    (void)state;
    struct fleet_case fleet = make_fleet(3, 3000, 24);
    struct buffer texts[2];
    for (size_t i = 0; i < fleet.count; i++) {
        memset(fleet.told[i].report.host_id.bytes, 7, 10);
    }
    for (size_t way = 0; way < 2; way++) {
        struct run run;
        run_open(&run, 2);
        for (size_t i = 0; i < fleet.count; i++) {
            add(&run, &fleet.told[way == 0 ? i : fleet.count - 1 - i]);
        }
        advance(&run, START + fleet.minutes * INSTANT_MINUTE);
        texts[way] = answers_of(&run);
        run_close(&run);
    }
    assert_string_equal(texts[1].data, texts[0].data);
    buffer_free(&texts[0]);
    buffer_free(&texts[1]);
    free(fleet.told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fleets_come_to_a_verdict),
        cmocka_unit_test(a_restart_at_any_minute_changes_nothing),
        cmocka_unit_test(order_batches_and_duplicates_change_nothing),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(ids_that_begin_alike_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
