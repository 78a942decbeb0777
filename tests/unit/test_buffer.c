/* A growing run of bytes: what goes in comes out, and a failure is remembered.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/buffer.h"

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
        cmocka_unit_test(a_failure_is_remembered_until_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
