/* Which loads are known, when ids commit out of order. The cases are read off the rules in
 * load_gaps.h by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/load_gaps.h"

#define AT(seconds) ((instant_us)(1000 + (seconds)) * INSTANT_SECOND)

static void see(struct load_gaps *gaps, int64_t id, int until_s, int loaded_s)
{
    struct failure failure;
    assert_true(load_gaps_seen(gaps, id, AT(until_s), AT(loaded_s), &failure));
}

static void nothing_is_known_at_first(void **state)
{
    (void)state;
    struct load_gaps gaps = {0};
    assert_true(load_gaps_known_until(&gaps, AT(0)) == INSTANT_NONE);
    see(&gaps, 41, 7, 8); /* the first may be any id: what lies below is before the horizon */
    assert_int_equal(gaps.missing_count, 0);
    assert_true(load_gaps_known_until(&gaps, AT(8)) == AT(7));
    load_gaps_free(&gaps);
}

static void a_missing_load_holds_the_clock_for_ten_seconds(void **state)
{
    (void)state;
    struct load_gaps gaps = {0};
    see(&gaps, 1, 1, 1);
    see(&gaps, 2, 2, 2);
    see(&gaps, 4, 4, 4);
    see(&gaps, 5, 5, 5);
    assert_int_equal(gaps.missing_count, 1);
    assert_true(load_gaps_known_until(&gaps, AT(5)) == AT(2));
    assert_true(load_gaps_known_until(&gaps, AT(14)) == AT(2));
    assert_true(load_gaps_known_until(&gaps, AT(15)) == AT(5));
    load_gaps_free(&gaps);
}

static void a_load_that_turns_up_closes_its_gap(void **state)
{
    (void)state;
    struct load_gaps gaps = {0};
    see(&gaps, 1, 1, 1);
    see(&gaps, 5, 5, 5);
    assert_int_equal(gaps.missing_count, 3);
    see(&gaps, 3, 9, 6); /* later received than what was seen before it */
    see(&gaps, 2, 2, 6);
    assert_int_equal(gaps.missing_count, 1);
    assert_int_equal(gaps.missing[0].load_id, 4);
    assert_true(load_gaps_known_until(&gaps, AT(6)) == AT(1));
    see(&gaps, 4, 4, 7);
    assert_true(load_gaps_known_until(&gaps, AT(7)) == AT(9));
    load_gaps_free(&gaps);
}

static void a_gap_is_forgotten_after_a_minute(void **state)
{
    (void)state;
    struct load_gaps gaps = {0};
    see(&gaps, 1, 1, 1);
    see(&gaps, 3, 3, 3);
    see(&gaps, 5, 5, 30);
    load_gaps_expire(&gaps, AT(63));
    assert_int_equal(gaps.missing_count, 2);
    load_gaps_expire(&gaps, AT(64));
    assert_int_equal(gaps.missing_count, 1);
    assert_int_equal(gaps.missing[0].load_id, 4);
    see(&gaps, 2, 2, 65); /* too late to be waited for, but no harm */
    assert_true(load_gaps_known_until(&gaps, AT(65)) == AT(5));
    load_gaps_free(&gaps);
}

static void an_id_far_ahead_is_bounded(void **state)
{
    (void)state;
    struct load_gaps gaps = {0};
    see(&gaps, 1, 1, 1);
    see(&gaps, 3, 3, 3);
    see(&gaps, INT64_C(1) << 48, 4, 4);
    assert_int_equal(gaps.missing_count, LOAD_GAPS_LIMIT);
    assert_true(gaps.missing[LOAD_GAPS_LIMIT - 1].load_id == (INT64_C(1) << 48) - 1);
    load_gaps_free(&gaps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_at_first),
        cmocka_unit_test(a_missing_load_holds_the_clock_for_ten_seconds),
        cmocka_unit_test(a_load_that_turns_up_closes_its_gap),
        cmocka_unit_test(a_gap_is_forgotten_after_a_minute),
        cmocka_unit_test(an_id_far_ahead_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
