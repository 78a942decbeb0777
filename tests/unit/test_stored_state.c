/* An analysis that was stored and restored answers and goes on as one that never stopped, to the
 * bit, and whatever is not a whole state of this build and these options is refused. Oracle: the
 * same reports given minute by minute to one that never stopped. SPDX-License-Identifier:
 * Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "analyzer/carry.h"
#include "analyzer/stored_state.h"
#include "common/random_stream.h"
#include "tests/unit/fleet_runs.h"

#define FLEETS 6

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
        struct random_fleet fleet = any_fleet(seed);
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
        struct random_fleet fleet = any_fleet(seed);
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
    struct random_fleet fleet = make_fleet_with_serials(9, 700, 60);
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
    struct random_fleet fleet = make_fleet(8, 20000, 24);
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

/* After more points than a course keeps. */
static void a_thinned_course_stays_thinned(void **state)
{
    (void)state;
    struct random_fleet fleet = make_fleet(5, 4000, 190);
    struct buffer wanted = expected(&fleet, fleet.minutes);
    struct run run;
    run_open(&run, 2);
    for (size_t i = 0; i < fleet.count; i++) {
        add(&run, &fleet.told[i]);
    }
    for (int m = 165; m <= fleet.minutes; m += 5) {
        advance(&run, START + m * INSTANT_MINUTE);
        move_on(&run, 2);
    }
    struct buffer text = answers_of(&run);
    assert_same(&text, &wanted);
    run_close(&run);
    free(fleet.told);
}

/* Before any report, and before the first minute has ended. */
static void a_state_of_nothing_yet_goes_on_the_same(void **state)
{
    (void)state;
    struct random_fleet fleet = make_fleet(1, 160, 40);
    struct run run;
    run_open(&run, 1);
    move_on(&run, 1);
    for (size_t i = 0; i < fleet.count; i++) {
        add(&run, &fleet.told[i]);
        if (i == 3) {
            move_on(&run, 1);
        }
    }
    advance(&run, START + fleet.minutes * INSTANT_MINUTE);
    struct buffer text = answers_of(&run);
    struct buffer wanted = expected(&fleet, fleet.minutes);
    assert_same(&text, &wanted);
    run_close(&run);
    free(fleet.told);
}

/* Late reports and duplicates: the one that goes on counts as the one that stayed. */
static void what_was_odd_stays_counted(void **state)
{
    (void)state;
    struct random_fleet fleet = make_fleet(3, 160, 60);
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
static void run_half(struct run *run, const struct random_fleet *fleet)
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
static void assert_begins_anew(struct run *run, const struct random_fleet *fleet)
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
    struct random_fleet fleet = make_fleet(1, 160, 150);
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
    struct random_fleet fleet = make_fleet(1, 160, 150);
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
    struct random_fleet fleet = make_fleet(1, 160, 150);
    struct run run;
    run_half(&run, &fleet);
    struct buffer plain = store(&run);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct run fresh;
        run_open(&fresh, 1);
        analysis_free(fresh.analysis);
        assert_true(
            analysis_new(&others[i], fresh.registry, fresh.parameters, &fresh.analysis, &failure));
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
        cmocka_unit_test(a_state_stored_at_every_minute_goes_on_the_same),
        cmocka_unit_test(what_waits_and_what_is_not_told_is_in_the_state),
        cmocka_unit_test(an_attribute_left_out_stays_left_out),
        cmocka_unit_test(threads_go_on_from_each_other),
        cmocka_unit_test(a_thinned_course_stays_thinned),
        cmocka_unit_test(a_state_of_nothing_yet_goes_on_the_same),
        cmocka_unit_test(what_was_odd_stays_counted),
        cmocka_unit_test(a_damaged_or_foreign_state_is_refused),
        cmocka_unit_test(half_a_state_leaves_nothing_behind),
        cmocka_unit_test(a_state_of_other_options_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
