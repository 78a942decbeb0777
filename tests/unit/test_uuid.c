/* UUIDs in text and from names. The expected name-based ones were computed by Python's
 * hashlib.blake2b(name_space + b"\0" + name, digest_size=16) with the bits of RFC 9562 set; they
 * must never change, for hosts are known by them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/random_stream.h"
#include "common/uuid.h"

static void either_case_is_read(void **state)
{
    (void)state;
    /* The example of RFC 9562, section 4. */
    static const uint8_t expected[16] = {0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0,
                                         0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6};
    static const char *const texts[] = {"f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                                        "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
                                        "f81d4FAE-7Dec-11D0-a765-00A0c91e6Bf6"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct uuid uuid;
        char text[UUID_TEXT_SIZE];
        assert_true(uuid_parse(texts[i], &uuid));
        assert_memory_equal(uuid.bytes, expected, sizeof expected);
        assert_string_equal(uuid_format(&uuid, text), texts[0]);
    }
}

static void other_forms_are_not_uuids(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "pc-01",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf60",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6 ",
        " f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "f81d4fae7dec11d0a76500a0c91e6bf6",
        "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
        "f81d4fae-7dec-11d0-a765_00a0c91e6bf6",
        "f81d4fa-e7dec-11d0-a765-00a0c91e6bf6",
        "g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "f81d4fae-7dec-11d0-a765--0a0c91e6bf6",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf\xff",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct uuid uuid = {{42}};
        if (uuid_parse(texts[i], &uuid)) {
            fail_msg("\"%s\" was taken", texts[i]);
        }
        assert_int_equal(uuid.bytes[0], 42);
    }
}

static void writing_agrees_with_printf(void **state)
{
    (void)state;
    struct random_stream random = random_stream_new(2, 1);
    for (int round = 0; round < 10000; round++) {
        struct uuid uuid;
        for (size_t i = 0; i < sizeof uuid.bytes; i++) {
            uuid.bytes[i] = (uint8_t)random_bits(&random);
        }
        const uint8_t *b = uuid.bytes;
        char expected[UUID_TEXT_SIZE];
        char text[UUID_TEXT_SIZE];
        snprintf(expected, sizeof expected,
                 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
                 b[15]);
        assert_string_equal(uuid_format(&uuid, text), expected);
        struct uuid back;
        assert_true(uuid_parse(text, &back));
        assert_int_equal(uuid_compare(&uuid, &back), 0);
    }
}

static void names_give_the_same_uuid_for_ever(void **state)
{
    (void)state;
    static const struct {
        const char *name_space, *name;
        size_t length;
        const char *expected;
    } cases[] = {
        {"customer-1", "pc-01", 5, "afce02a1-6fbd-848e-80b7-032ebdfe7e33"},
        {"customer-2", "pc-01", 5, "aa419a7a-7b11-89fb-9e0f-5c23dc61b8c5"},
        {"", "", 0, "7025e075-d5e2-86cd-a3cc-051a31f07660"},
        {"segment", "", 0, "58a04817-17fa-800e-a2e7-096eb3d4ea9c"},
        {"acme", "\xe6\x9d\xb1\xe4\xba\xac-pc", 9, "c704e70d-fdc5-8030-a467-7d5f9ff5e3c7"},
        {"a", "b\0c", 3, "ceee8ca0-f4aa-8c61-82ed-2565b072e780"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct uuid uuid = uuid_from_name(cases[i].name_space, cases[i].name, cases[i].length);
        char text[UUID_TEXT_SIZE];
        assert_string_equal(uuid_format(&uuid, text), cases[i].expected);
    }
}

static void names_carry_version_8_and_the_variant(void **state)
{
    (void)state;
    /* RFC 9562, section 5.8: the high nibble of octet 6 is 8; the high two bits of octet 8 are 10.
     */
    for (uint32_t i = 0; i < 10000; i++) {
        struct uuid uuid = uuid_from_name("bits", &i, sizeof i);
        assert_int_equal(uuid.bytes[6] >> 4, 8);
        assert_int_equal(uuid.bytes[8] >> 6, 2);
    }
}

static void name_and_name_space_do_not_run_together(void **state)
{
    (void)state;
    struct uuid left = uuid_from_name("ab", "c", 1);
    struct uuid right = uuid_from_name("a", "bc", 2);
    assert_int_not_equal(uuid_compare(&left, &right), 0);
}

static void comparing_orders_as_the_text_does(void **state)
{
    (void)state;
    struct random_stream random = random_stream_new(2, 2);
    for (int round = 0; round < 10000; round++) {
        struct uuid uuids[2] = {{{0}}, {{0}}};
        char texts[2][UUID_TEXT_SIZE];
        /* Few differing bytes, so that equal ones occur too. */
        for (int i = 0; i < 2; i++) {
            uuids[i].bytes[random_below(&random, 16)] = (uint8_t)random_bits(&random);
            uuid_format(&uuids[i], texts[i]);
        }
        int by_text = strcmp(texts[0], texts[1]);
        int by_bytes = uuid_compare(&uuids[0], &uuids[1]);
        assert_int_equal((by_text > 0) - (by_text < 0), (by_bytes > 0) - (by_bytes < 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_case_is_read),
        cmocka_unit_test(other_forms_are_not_uuids),
        cmocka_unit_test(writing_agrees_with_printf),
        cmocka_unit_test(names_give_the_same_uuid_for_ever),
        cmocka_unit_test(names_carry_version_8_and_the_variant),
        cmocka_unit_test(name_and_name_space_do_not_run_together),
        cmocka_unit_test(comparing_orders_as_the_text_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
