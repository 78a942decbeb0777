/* The answers are a pure function of the reports: however they come, and whenever one begins anew,
 * the answers are the same bytes. Oracle: the same reports given minute by minute in their order.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/random_stream.h"
#include "tests/unit/fleet_runs.h"

#define FLEETS 8

static void the_fleets_come_to_a_verdict(void **state)
{
    (void)state;
    struct random_fleet fleet = make_fleet(1, 240, 150);
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
        struct random_fleet fleet = any_fleet(seed);
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
        struct random_fleet fleet = any_fleet(seed);
        struct random_stream random = random_stream_new(seed, 2);
        struct buffer wanted = expected(&fleet, fleet.minutes);
        size_t once = fleet.count;
        for (size_t i = 0; i < once; i++) {
            if (random_below(&random, 6) == 0) {
                random_fleet_add(&fleet, &fleet.told[i]);
            }
        }
        for (size_t i = 0; i < fleet.count; i++) {
            fleet.told[i].arrives_at += (instant_us)random_below(&random, ANALYSIS_LATENESS);
        }
        random_fleet_sort(&fleet);
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
    struct random_fleet fleet = make_fleet(7, 40000, 24);
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
    struct random_fleet fleet = make_fleet(3, 3000, 24);
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
