/* Memory of a batch: zeroed, aligned, apart from each other, freed as one (the address sanitizer
 * and the leak checker are the oracle of the last).
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/arena.h"

static void every_piece_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    /* Around the block sizes: the first block has 4 KiB, the largest ones 1 MiB. */
    static const size_t sizes[] = {1,    7,    16,      17,   4000, 4096,   4097, 1,
                                   8192, 3,    1 << 20, 64,   12,   200000, 1,    (1 << 20) + 1,
                                   5,    4080, 33,      1024, 0,    24};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    struct arena arena = {0};
    unsigned char *pieces[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        pieces[i] = arena_allocate(&arena, sizes[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        for (size_t at = 0; at < sizes[i]; at++) {
            assert_int_equal(pieces[i][at], 0);
        }
        memset(pieces[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t at = 0; at < sizes[i]; at++) {
            assert_int_equal(pieces[i][at], i + 1);
        }
    }
    arena_free(&arena);
    assert_null(arena.newest);
}

static void many_small_pieces_keep_their_content(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    static uint32_t *pieces[COUNT];
    struct arena arena = {0};
    for (uint32_t i = 0; i < COUNT; i++) {
        pieces[i] = arena_allocate(&arena, sizeof *pieces[i]);
        assert_non_null(pieces[i]);
        *pieces[i] = i;
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(*pieces[i], i);
    }
    arena_free(&arena);
}

static void a_text_is_copied_and_ended(void **state)
{
    (void)state;
    struct arena arena = {0};
    const char source[] = {'p', 'c', '-', '0', '1', '!'};
    char *copy = arena_copy_text(&arena, source, 5);
    assert_string_equal(copy, "pc-01");
    assert_string_equal(arena_copy_text(&arena, "", 0), "");
    assert_string_equal(copy, "pc-01");
    arena_free(&arena);
}

static void what_no_memory_can_hold_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_null(arena_allocate(&arena, SIZE_MAX));
    assert_null(arena_allocate(&arena, SIZE_MAX - 64));
    assert_null(arena_copy_text(&arena, "", SIZE_MAX));
    assert_non_null(arena_allocate(&arena, 1));
    arena_free(&arena);
}

static void an_arena_can_be_used_again(void **state)
{
    (void)state;
    struct arena arena = {0};
    arena_free(&arena);
    for (int round = 0; round < 3; round++) {
        assert_non_null(arena_allocate(&arena, 10000));
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_is_zeroed_aligned_and_apart),
        cmocka_unit_test(many_small_pieces_keep_their_content),
        cmocka_unit_test(a_text_is_copied_and_ended),
        cmocka_unit_test(what_no_memory_can_hold_is_refused),
        cmocka_unit_test(an_arena_can_be_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
