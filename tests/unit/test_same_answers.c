/* The answers are a pure function of the reports: however they come, and whenever one begins anew
 * or goes on from a stored state, the answers are the same bytes. Oracle: the same reports given
 * minute by minute in their order. SPDX-License-Identifier: Apache-2.0 */
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
#include "analyzer/carry.h"
#include "analyzer/stored_state.h"
#include "common/buffer.h"
#include "common/random_stream.h"

#define START (INT64_C(1114200000) * INSTANT_SECOND) /* 2005-04-22T20:00:00Z */
#define FLEETS 6
#define ATTRIBUTES 2

struct told {
    struct report report;
    struct report_attribute attributes[ATTRIBUTES + 1];
    char serial[12];
    struct report_update update;
    instant_us arrives_at; /* orders the reports on their way in */
};

struct fleet_case {
    struct told *told;
    size_t count;
    int minutes;
    bool serials; /* every host says a serial number, which is no kind of host */
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

/* Attributes are in the order of their names. */
static void describe(struct told *told, uint32_t system, uint32_t host)
{
    memcpy(told->attributes, attributes[system], sizeof attributes[system]);
    (void)snprintf(told->serial, sizeof told->serial, "%u", host);
    told->attributes[ATTRIBUTES] = (struct report_attribute){"serial", told->serial};
    told->report.segment_id = report_segment_id(told->attributes, told->report.attribute_count);
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
        struct told *told = &fleet->told[fleet->count++];
        *told = (struct told){.update = {.id = updates[told_now], .outcome = UPDATE_INSTALLED},
                              .report = {.customer_id = customers[host % 64],
                                         .has_host = m % 5 == 0 || tells,
                                         .attribute_count = ATTRIBUTES + (fleet->serials ? 1 : 0),
                                         .update_count = tells ? 1 : 0,
                                         .has_cpu = random_below(&random, 20) != 0,
                                         .interval_s = interval * 60,
                                         .busy = struck ? 0.99 : 0.3 * random_uniform(&random),
                                         .peak = NAN,
                                         .product_busy = NAN}};
        describe(told, system, host);
        told->report.host_id = uuid_from_name("same", &host, sizeof host);
        told->report.received_at =
            START + m * INSTANT_MINUTE + (instant_us)random_below(&random, 60 * INSTANT_SECOND);
        told->report.observed_at = told->report.received_at + clock_error -
                                   (instant_us)random_below(&random, 3 * INSTANT_SECOND);
        told->update.at = told->report.observed_at - INSTANT_SECOND;
        told->arrives_at = told->report.received_at;
        told_updates += tells ? 1 : 0;
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
        struct told *told = &fleet->told[i];
        told->attributes[ATTRIBUTES].value = told->serial;
        told->report.attributes = told->attributes;
        told->report.updates = &told->update;
    }
}

static struct fleet_case make_fleet_saying(bool serials, uint64_t seed, uint32_t hosts, int minutes)
{
    struct fleet_case fleet = {.minutes = minutes, .serials = serials};
    fleet.told = calloc((size_t)hosts * (size_t)minutes * 2, sizeof *fleet.told);
    assert_non_null(fleet.told);
    name_things();
    for (uint32_t host = 0; host < hosts; host++) {
        report_host(&fleet, host, seed);
    }
    sort_by_arrival(&fleet);
    return fleet;
}

static struct fleet_case make_fleet(uint64_t seed, uint32_t hosts, int minutes)
{
    return make_fleet_saying(false, seed, hosts, minutes);
}

struct run {
    struct registry *registry;
    struct cost_parameters parameters;
    struct analysis *analysis;
    struct buffer changes; /* all so far, as text */
};

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

static void run_open(struct run *run, unsigned threads)
{
    struct failure failure;
    const struct analysis_options options = {.seed = 1, .threads = threads};
    *run = (struct run){0};
    cost_parameters_default(&run->parameters);
    assert_true(registry_new(&run->registry, &failure));
    fill_registry(run->registry);
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

/* ---- Going on from a stored state ---- */

static struct buffer store(struct run *run)
{
    struct failure failure;
    struct buffer plain = {0};
    struct carry carry = {.into = &plain};
    analysis_carry(&carry, run->analysis);
    assert_true(carry_check(&carry, &failure));
    return plain;
}

static bool restore(struct run *run, const struct buffer *plain, struct failure *failure)
{
    struct carry carry = {.from = plain->data, .left = plain->length};
    analysis_carry(&carry, run->analysis);
    return carry_check(&carry, failure);
}

/* Another run that goes on where this one is, with what it has told so far. */
static void move_on(struct run *run, unsigned threads)
{
    struct failure failure;
    struct run next;
    struct buffer plain = store(run);
    run_open(&next, threads);
    if (!restore(&next, &plain, &failure)) {
        fail_msg("%s", failure.message);
    }
    next.changes = run->changes;
    run->changes = (struct buffer){0};
    buffer_free(&plain);
    run_close(run);
    *run = next;
}

/* Begun anew at the end of every minute, with the reports of the next half minute waiting. */
static void a_state_stored_at_every_minute_goes_on_the_same(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= FLEETS; seed++) {
        struct fleet_case fleet = make_fleet(seed, 160, 150);
        struct run run;
        size_t next = 0;
        run_open(&run, 1);
        for (int m = 1; m <= fleet.minutes; m++) {
            instant_us end = START + m * INSTANT_MINUTE;
            while (next < fleet.count &&
                   fleet.told[next].report.received_at < end + INSTANT_MINUTE / 2) {
                add(&run, &fleet.told[next++]);
            }
            advance(&run, end);
            move_on(&run, 1 + (unsigned)m % 2);
            if (m % 10 == 0) {
                struct buffer so_far = answers_of(&run);
                struct buffer wanted = expected(&fleet, m);
                assert_same(&so_far, &wanted);
            }
        }
        run_close(&run);
        free(fleet.told);
    }
}

/* Several minutes wait, some late, and nobody has asked yet what has changed. */
static void what_waits_and_what_is_not_told_is_in_the_state(void **state)
{
    (void)state;
    size_t untold = 0;
    for (uint64_t seed = 1; seed <= FLEETS; seed++) {
        struct fleet_case fleet = make_fleet(seed, 160, 150);
        struct buffer wanted = expected(&fleet, fleet.minutes);
        struct random_stream random = random_stream_new(seed, 3);
        for (int restart = 0; restart < 8; restart++) {
            struct failure failure;
            struct run run;
            size_t next = 0;
            instant_us at = START + (1 + (instant_us)random_below(&random, 140)) * INSTANT_MINUTE;
            run_open(&run, 1);
            while (next < fleet.count &&
                   fleet.told[next].report.received_at < at + 7 * INSTANT_MINUTE) {
                add(&run, &fleet.told[next++]);
            }
            assert_true(analysis_advance(run.analysis, at, &failure));
            move_on(&run, 1 + (unsigned)restart % 2);
            advance(&run, at);
            untold += run.changes.length;
            while (next < fleet.count) {
                add(&run, &fleet.told[next++]);
            }
            advance(&run, START + fleet.minutes * INSTANT_MINUTE);
            struct buffer text = answers_of(&run);
            assert_string_equal(text.data, wanted.data);
            buffer_free(&text);
            run_close(&run);
        }
        buffer_free(&wanted);
        free(fleet.told);
    }
    assert_true(untold > 0);
}

/* Of 700 serial numbers the 500th says that they name hosts: before, then and after. */
static void an_attribute_left_out_stays_left_out(void **state)
{
    (void)state;
    struct fleet_case fleet = make_fleet_saying(true, 9, 700, 60);
    struct buffer wanted = expected(&fleet, fleet.minutes);
    assert_non_null(strstr(wanted.data, "\"serial\""));
    struct run run;
    size_t next = 0;
    run_open(&run, 2);
    for (int m = 1; m <= fleet.minutes; m++) {
        while (next < fleet.count &&
               fleet.told[next].report.received_at < START + m * INSTANT_MINUTE) {
            add(&run, &fleet.told[next++]);
        }
        move_on(&run, 2);
        advance(&run, START + m * INSTANT_MINUTE);
    }
    struct buffer text = answers_of(&run);
    assert_same(&text, &wanted);
    run_close(&run);
    free(fleet.told);
}

/* Enough reports a minute for two threads to share. */
static void threads_go_on_from_each_other(void **state)
{
    (void)state;
    struct fleet_case fleet = make_fleet(8, 20000, 24);
    struct buffer wanted = expected(&fleet, fleet.minutes);
    struct run run;
    size_t next = 0;
    run_open(&run, 1);
    for (int m = 1; m <= fleet.minutes; m++) {
        while (next < fleet.count &&
               fleet.told[next].report.received_at < START + m * INSTANT_MINUTE) {
            add(&run, &fleet.told[next++]);
        }
        advance(&run, START + m * INSTANT_MINUTE);
        move_on(&run, 1 + (unsigned)m % 2);
    }
    struct buffer text = answers_of(&run);
    assert_same(&text, &wanted);
    run_close(&run);
    free(fleet.told);
}

/* Late reports and duplicates: the one that goes on counts as the one that stayed. */
static void what_was_odd_stays_counted(void **state)
{
    (void)state;
    struct fleet_case fleet = make_fleet(3, 160, 60);
    struct buffer texts[2];
    for (size_t t = 0; t < 2; t++) {
        struct failure failure;
        const struct answers *answers;
        struct run run;
        size_t next = 0;
        run_open(&run, 1);
        while (fleet.told[next].report.received_at < START + 40 * INSTANT_MINUTE) {
            add(&run, &fleet.told[next++]);
        }
        advance(&run, START + 40 * INSTANT_MINUTE);
        for (size_t i = next - 200; i < next; i++) {
            add(&run, &fleet.told[i]);
        }
        advance(&run, START + 41 * INSTANT_MINUTE);
        if (t == 1) {
            move_on(&run, 1);
        }
        while (next < fleet.count) {
            add(&run, &fleet.told[next++]);
        }
        advance(&run, START + 60 * INSTANT_MINUTE);
        assert_true(analysis_answers(run.analysis, &answers, &failure));
        assert_true(answers->fleet.duplicate_reports >= 100);
        assert_true(answers->fleet.late_reports >= 200);
        texts[t] = (struct buffer){0};
        assert_true(answer_write_json(answers, &texts[t], &failure));
        run_close(&run);
    }
    assert_same(&texts[1], &texts[0]);
    free(fleet.told);
}

/* ---- States that are refused ---- */

/* A run in the middle of an incident. */
static void run_half(struct run *run, const struct fleet_case *fleet)
{
    run_open(run, 1);
    for (size_t i = 0; i < fleet->count; i++) {
        if (fleet->told[i].report.received_at < START + 82 * INSTANT_MINUTE) {
            add(run, &fleet->told[i]);
        }
    }
    advance(run, START + 80 * INSTANT_MINUTE);
}

/* The run has taken in nothing: it answers as if nobody had tried to restore it. */
static void assert_begins_anew(struct run *run, const struct fleet_case *fleet)
{
    for (size_t i = 0; i < fleet->count; i++) {
        if (fleet->told[i].report.received_at < START + 40 * INSTANT_MINUTE) {
            add(run, &fleet->told[i]);
        }
    }
    advance(run, START + 40 * INSTANT_MINUTE);
    struct buffer text = answers_of(run);
    struct buffer wanted = expected(fleet, 40);
    assert_same(&text, &wanted);
}

static bool opens(const struct buffer *packed, const struct stored_state_build *build)
{
    struct failure failure;
    struct buffer plain = {0};
    bool good = stored_state_unpack(packed, build, &plain, &failure);
    assert_true(good || failure.code == FAILURE_INVALID);
    buffer_free(&plain);
    return good;
}

static void a_damaged_or_foreign_state_is_refused(void **state)
{
    (void)state;
    struct failure failure;
    struct fleet_case fleet = make_fleet(1, 160, 150);
    struct run run;
    struct stored_state_build build;
    struct stored_state_build other;
    struct buffer packed = {0};
    struct buffer opened = {0};
    run_half(&run, &fleet);
    struct buffer plain = store(&run);
    assert_true(stored_state_this_build(&build, &failure));
    assert_true(stored_state_pack(&plain, &build, &packed, &failure));
    assert_true(stored_state_unpack(&packed, &build, &opened, &failure));
    assert_int_equal(opened.length, plain.length);
    assert_memory_equal(opened.data, plain.data, plain.length);

    size_t step = packed.length / 400 + 1;
    for (size_t i = 0; i < packed.length; i += i < 100 ? 1 : step) {
        uint8_t *byte = (uint8_t *)packed.data + i;
        *byte ^= (uint8_t)(1U << i % 8);
        assert_false(opens(&packed, &build));
        *byte ^= (uint8_t)(1U << i % 8);
    }
    size_t whole = packed.length;
    for (packed.length = 0; packed.length < whole;
         packed.length += packed.length < 100 ? 1 : step) {
        assert_false(opens(&packed, &build));
    }
    packed.length = whole;
    assert_true(opens(&packed, &build));
    other = build;
    other.hash[STORED_STATE_BUILD - 1] ^= 1;
    assert_false(stored_state_unpack(&packed, &other, &opened, &failure));
    assert_non_null(strstr(failure.message, "another build"));
    buffer_free(&opened);
    buffer_free(&packed);
    buffer_free(&plain);
    run_close(&run);
    free(fleet.told);
}

/* Where the seal would not tell. */
static void half_a_state_leaves_nothing_behind(void **state)
{
    (void)state;
    struct failure failure;
    struct fleet_case fleet = make_fleet(1, 160, 150);
    struct run run;
    struct run fresh;
    run_half(&run, &fleet);
    struct buffer plain = store(&run);
    run_open(&fresh, 1);
    size_t whole = plain.length;
    for (plain.length = 0; plain.length < whole; plain.length += whole / 500 + 1) {
        assert_false(restore(&fresh, &plain, &failure));
        assert_int_equal(failure.code, FAILURE_INVALID);
    }
    assert_begins_anew(&fresh, &fleet);
    run_close(&fresh);
    buffer_free(&plain);
    run_close(&run);
    free(fleet.told);
}

static void a_state_of_other_options_is_refused(void **state)
{
    (void)state;
    static const struct analysis_options others[] = {{.seed = 2},
                                                     {.seed = 1, .alpha = 0.01},
                                                     {.seed = 1, .margin = 2},
                                                     {.seed = 1, .risk_window = INSTANT_HOUR / 2}};
    struct failure failure;
    struct fleet_case fleet = make_fleet(1, 160, 150);
    struct run run;
    run_half(&run, &fleet);
    struct buffer plain = store(&run);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct run fresh;
        run_open(&fresh, 1);
        analysis_free(fresh.analysis);
        assert_true(
            analysis_new(&others[i], fresh.registry, &fresh.parameters, &fresh.analysis, &failure));
        assert_false(restore(&fresh, &plain, &failure));
        assert_string_equal(failure.message, "it was made with other options");
        run_close(&fresh);
    }
    buffer_free(&plain);
    run_close(&run);
    free(fleet.told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fleets_come_to_a_verdict),
        cmocka_unit_test(a_restart_at_any_minute_changes_nothing),
        cmocka_unit_test(order_batches_and_duplicates_change_nothing),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(a_state_stored_at_every_minute_goes_on_the_same),
        cmocka_unit_test(what_waits_and_what_is_not_told_is_in_the_state),
        cmocka_unit_test(an_attribute_left_out_stays_left_out),
        cmocka_unit_test(threads_go_on_from_each_other),
        cmocka_unit_test(what_was_odd_stays_counted),
        cmocka_unit_test(a_damaged_or_foreign_state_is_refused),
        cmocka_unit_test(half_a_state_leaves_nothing_behind),
        cmocka_unit_test(a_state_of_other_options_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
