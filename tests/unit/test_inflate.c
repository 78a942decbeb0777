/* Bodies out of their encoding. The oracles are zlib's and libzstd's own compressors: what they
 * packed comes out, and nothing that was cut, lengthened or blown up does.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "collector/inflate.h"
#include "common/buffer.h"
#include "common/failure.h"

#define LIMIT ((size_t)1024 * 1024)

static void pack(enum inflate_encoding encoding, const char *plain, size_t length,
                 struct buffer *packed)
{
    size_t room = ZSTD_compressBound(length) + 64; /* more than deflate ever needs, too */
    char *bytes = malloc(room);
    assert_non_null(bytes);
    size_t size;
    if (encoding == INFLATE_ZSTD) {
        size = ZSTD_compress(bytes, room, plain, length, 3);
        assert_false(ZSTD_isError(size));
    } else {
        z_stream stream = {0};
        /* 16 more bits of window: gzip's frame rather than zlib's */
        assert_int_equal(
            deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        stream.next_in = (Bytef *)plain;
        stream.avail_in = (uInt)length;
        stream.next_out = (Bytef *)bytes;
        stream.avail_out = (uInt)room;
        assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
        size = stream.total_out;
        assert_int_equal(deflateEnd(&stream), Z_OK);
    }
    buffer_append(packed, bytes, size);
    free(bytes);
}

/* Text that does not pack well: a linear congruential generator's (Knuth's MMIX). */
static void append_noise(struct buffer *plain, size_t length)
{
    uint64_t state = 42;
    for (size_t i = 0; i < length; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        char letter = (char)('!' + (state >> 33) % 90);
        buffer_append(plain, &letter, 1);
    }
}

static void assert_inflates(enum inflate_encoding encoding, const struct buffer *packed,
                            const struct buffer *expected)
{
    struct buffer plain = {0};
    struct failure failure = {0};
    if (!inflate_body(encoding, packed, LIMIT, &plain, &failure)) {
        fail_msg("%s", failure.message);
    }
    assert_int_equal(plain.length, expected->length);
    assert_memory_equal(plain.data, expected->data, expected->length);
    buffer_free(&plain);
}

static void assert_refused(enum inflate_encoding encoding, const char *bytes, size_t length,
                           enum failure_code code)
{
    /* In memory of exactly its size, so that a sanitizer sees a read beyond it. */
    char *exact = malloc(length > 0 ? length : 1);
    struct buffer plain = {0};
    struct failure failure = {0};
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    struct buffer packed = {.data = exact, .length = length};
    assert_false(inflate_body(encoding, &packed, LIMIT, &plain, &failure));
    assert_int_equal(failure.code, code);
    assert_true(plain.length <= LIMIT);
    buffer_free(&plain);
    free(exact);
}

static const enum inflate_encoding encodings[] = {INFLATE_GZIP, INFLATE_ZSTD};

static void what_was_packed_comes_out(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 1000, 65535, 65536, 65537, 300000, LIMIT};
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            struct buffer plain = {0};
            struct buffer packed = {0};
            append_noise(&plain, sizes[j]);
            pack(encodings[i], plain.data, plain.length, &packed);
            assert_inflates(encodings[i], &packed, &plain);
            buffer_free(&plain);
            buffer_free(&packed);
        }
    }
}

static void what_was_cut_or_lengthened_does_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct buffer plain = {0};
        struct buffer packed = {0};
        append_noise(&plain, 2000);
        pack(encodings[i], plain.data, plain.length, &packed);
        size_t whole = packed.length;
        for (size_t length = 0; length < whole; length++) {
            assert_refused(encodings[i], packed.data, length, FAILURE_INVALID);
        }
        buffer_append(&packed, "\0", 1);
        assert_refused(encodings[i], packed.data, packed.length, FAILURE_INVALID);
        packed.length = whole;
        pack(encodings[i], plain.data, plain.length, &packed); /* a second member */
        assert_refused(encodings[i], packed.data, packed.length, FAILURE_INVALID);
        assert_refused(encodings[1 - i], packed.data, whole, FAILURE_INVALID);
        buffer_free(&plain);
        buffer_free(&packed);
    }
}

static void a_bomb_stops_at_the_limits(void **state)
{
    (void)state;
    size_t length = 16 * LIMIT;
    char *same = malloc(length);
    assert_non_null(same);
    memset(same, ' ', length);
    for (size_t i = 0; i < 2; i++) {
        struct buffer packed = {0};
        pack(encodings[i], same, length, &packed);
        assert_refused(encodings[i], packed.data, packed.length, FAILURE_TOO_LARGE);
        buffer_clear(&packed);
        pack(encodings[i], same, LIMIT, &packed); /* within the limit, but 1000 times its size */
        assert_refused(encodings[i], packed.data, packed.length, FAILURE_TOO_LARGE);
        buffer_clear(&packed);
        struct buffer noise = {0};
        append_noise(&noise, LIMIT + 1); /* of a sound ratio, but over the limit */
        pack(encodings[i], noise.data, noise.length, &packed);
        assert_refused(encodings[i], packed.data, packed.length, FAILURE_TOO_LARGE);
        buffer_free(&noise);
        buffer_clear(&packed);
        pack(encodings[i], same, 60000, &packed); /* little enough that the ratio means nothing */
        assert_inflates(encodings[i], &packed, &(struct buffer){.data = same, .length = 60000});
        buffer_free(&packed);
    }
    free(same);
}

static void an_encoding_is_one_of_three(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool known;
        enum inflate_encoding encoding;
    } cases[] = {
        {NULL, true, INFLATE_IDENTITY},
        {"", true, INFLATE_IDENTITY},
        {"identity", true, INFLATE_IDENTITY},
        {"gzip", true, INFLATE_GZIP},
        {"GZIP", true, INFLATE_GZIP},
        {"x-gzip", true, INFLATE_GZIP},
        {"zstd", true, INFLATE_ZSTD},
        {"br", false, INFLATE_IDENTITY},
        {"gzip, gzip", false, INFLATE_IDENTITY},
        {"deflate", false, INFLATE_IDENTITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum inflate_encoding encoding = INFLATE_IDENTITY;
        struct failure failure = {0};
        assert_int_equal(inflate_encoding(cases[i].header, &encoding, &failure), cases[i].known);
        assert_int_equal(encoding, cases[i].encoding);
        assert_int_equal(failure.code, cases[i].known ? FAILURE_NONE : FAILURE_UNSUPPORTED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_out),
        cmocka_unit_test(what_was_cut_or_lengthened_does_not),
        cmocka_unit_test(a_bomb_stops_at_the_limits),
        cmocka_unit_test(an_encoding_is_one_of_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
