/* Are guesses counted, and only they? Oracle: a count beside each key, kept here without a limit of
 * places.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/throttle.h"
#include "common/random_stream.h"

static const instant_us began = 1700000000 * INSTANT_SECOND;

static void as_many_as_the_limit_and_for_a_window(void **state)
{
    (void)state;
    static struct throttle throttle;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(throttle_wait(&throttle, 7, 5, began + i), 0);
        throttle_fail(&throttle, 7, began + i);
    }
    assert_int_equal(throttle_wait(&throttle, 7, 5, began + 10), THROTTLE_WINDOW - 10);
    assert_int_equal(throttle_wait(&throttle, 7, 6, began + 10), 0);
    assert_int_equal(throttle_wait(&throttle, 8, 5, began + 10), 0);
    assert_int_equal(throttle_wait(&throttle, 7, 5, began + THROTTLE_WINDOW - 1), 1);
    assert_int_equal(throttle_wait(&throttle, 7, 5, began + THROTTLE_WINDOW), 0);
    throttle_fail(&throttle, 7, began + THROTTLE_WINDOW);
    assert_int_equal(throttle_wait(&throttle, 7, 1, began + THROTTLE_WINDOW), THROTTLE_WINDOW);
}

static void who_gets_in_is_forgiven(void **state)
{
    (void)state;
    static struct throttle throttle;
    throttle_fail(&throttle, 7, began);
    throttle_fail(&throttle, 15, began);
    throttle_forgive(&throttle, 7);
    assert_int_equal(throttle_wait(&throttle, 7, 1, began), 0);
    assert_true(throttle_wait(&throttle, 15, 1, began) > 0);
}

static void many_keys_are_told_apart(void **state)
{
    (void)state;
    static struct throttle throttle;
    uint64_t keys[400];
    size_t lost = 0;
    struct random_stream stream = random_stream_new(5, 1);
    for (size_t i = 0; i < 400; i++) {
        keys[i] = random_bits(&stream);
        for (size_t j = 0; j <= i % 3; j++) {
            throttle_fail(&throttle, keys[i], began + (instant_us)i);
        }
    }
    for (size_t i = 0; i < 400; i++) {
        instant_us now = began + 1000;
        assert_int_equal(throttle_wait(&throttle, keys[i], (unsigned)(i % 3) + 2, now), 0);
        lost += throttle_wait(&throttle, keys[i], (unsigned)(i % 3) + 1, now) == 0;
    }
    assert_true(lost <= 4);
    /* A flood of names forgets the oldest, and the count goes on. */
    for (size_t i = 0; i < 100000; i++) {
        throttle_fail(&throttle, random_bits(&stream), began + INSTANT_SECOND);
    }
    throttle_fail(&throttle, 7, began + INSTANT_MINUTE);
    assert_true(throttle_wait(&throttle, 7, 1, began + INSTANT_MINUTE) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_the_limit_and_for_a_window),
        cmocka_unit_test(who_gets_in_is_forgiven),
        cmocka_unit_test(many_keys_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
