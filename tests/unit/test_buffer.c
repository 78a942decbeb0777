/* A growing run of bytes: what goes in comes out, and a failure is remembered.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "common/random_stream.h"

static void appended_pieces_come_out_in_order(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    struct failure failure;
    buffer_append_text(&buffer, "a \"");
    buffer_append(&buffer, "b\0c", 3);
    buffer_append_format(&buffer, "%d%%", 42);
    buffer_append(&buffer, NULL, 0);
    assert_int_equal(buffer.length, 9);
    assert_memory_equal(buffer.data, "a \"b\0c42%", 10); /* its NUL included */
    assert_true(buffer_check(&buffer, &failure));
    buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.length, 0);
}

static void it_grows_by_every_size(void **state)
{
    (void)state;
    /* One byte, one word and one long text at a time, each past many doublings; snprintf is the
     * oracle of the formatted form. */
    struct buffer bytes = {0};
    struct buffer words = {0};
    for (int i = 0; i < 100000; i++) {
        char byte = (char)('a' + i % 26);
        buffer_append(&bytes, &byte, 1);
        buffer_append_format(&words, "%05d;", i);
    }
    assert_int_equal(bytes.length, 100000);
    assert_int_equal(words.length, 600000);
    assert_int_equal(strlen(words.data), 600000);
    for (int i = 0; i < 100000; i += 997) {
        char expected[16];
        snprintf(expected, sizeof expected, "%05d;", i);
        assert_memory_equal(words.data + (size_t)i * 6, expected, 6);
        assert_int_equal(bytes.data[i], 'a' + i % 26);
    }
    buffer_append(&bytes, words.data, words.length);
    assert_int_equal(bytes.length, 700000);
    assert_memory_equal(bytes.data + 100000, words.data, words.length + 1);
    buffer_free(&bytes);
    buffer_free(&words);
}

static void clearing_keeps_the_memory(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    buffer_clear(&buffer); /* nothing there yet */
    buffer_append_text(&buffer, "something");
    const char *before = buffer.data;
    size_t capacity = buffer.capacity;
    buffer_clear(&buffer);
    assert_int_equal(buffer.length, 0);
    assert_string_equal(buffer.data, "");
    assert_ptr_equal(buffer.data, before);
    assert_int_equal(buffer.capacity, capacity);
    buffer_free(&buffer);
}

static void assert_six_digits(struct buffer *buffer, double number)
{
    char expected[32];
    (void)snprintf(expected, sizeof expected, "%.6g", number);
    buffer_clear(buffer);
    buffer_append_six_digits(buffer, number);
    assert_string_equal(buffer->data, expected);
}

/* Oracle: the C library. */
static void six_digits_are_those_of_printf(void **state)
{
    (void)state;
    static const double edges[] = {0,        1,           9.999995, 9.9999949, 99999.95, 999999.5,
                                   999999,   1e6,         1e-4,     0.1,       0.01,     123456.5,
                                   12345.65, 0.000123456, 0.5,      1e-5,      1e300,    1e-300};
    struct buffer buffer = {0};
    struct random_stream random = random_stream_new(6, 1);
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        for (int step = -2; step <= 2; step++) {
            double near = edges[i] * (1 + step * 0x1p-52);
            assert_six_digits(&buffer, near);
            assert_six_digits(&buffer, -near);
        }
    }
    assert_six_digits(&buffer, (double)INFINITY);
    assert_six_digits(&buffer, (double)NAN);
    for (int i = 0; i < 300000; i++) {
        double magnitude = pow(10, 14 * random_uniform(&random) - 6);
        assert_six_digits(&buffer, magnitude * random_uniform(&random));
        /* Few digits, as most have; and one more than six, in the middle. */
        double few = (double)random_below(&random, 100000) / pow(10, (double)(i % 8));
        assert_six_digits(&buffer, few);
        assert_six_digits(&buffer, few + 0.5 * pow(10, -(double)(i % 8)));
    }
    buffer_free(&buffer);
}

static void a_failure_is_remembered_until_cleared(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    struct failure failure = {0};
    buffer_append_text(&buffer, "kept");
    buffer_append(&buffer, "", SIZE_MAX - 2); /* refused before a byte is read */
    assert_true(buffer.failed);
    buffer_append_text(&buffer, " not appended");
    buffer_append_format(&buffer, "%s", " nor this");
    assert_string_equal(buffer.data, "kept");
    assert_false(buffer_check(&buffer, &failure));
    assert_int_equal(failure.code, FAILURE_MEMORY);
    buffer_clear(&buffer);
    buffer_append_text(&buffer, "again");
    assert_true(buffer_check(&buffer, &failure));
    assert_string_equal(buffer.data, "again");
    buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_pieces_come_out_in_order),
        cmocka_unit_test(it_grows_by_every_size),
        cmocka_unit_test(clearing_keeps_the_memory),
        cmocka_unit_test(six_digits_are_those_of_printf),
        cmocka_unit_test(a_failure_is_remembered_until_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
