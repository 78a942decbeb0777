/* Tokens and enrolment secrets: what was signed is read back, and nothing else is. The oracle of
 * the MAC is Python's hashlib.blake2b(message, key=…, digest_size=32), of the secret's hash
 * hashlib.sha256, over the layout written in token.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/failure.h"
#include "common/instant.h"
#include "common/token.h"
#include "common/uuid.h"

#define KEY_1 "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define KEY_2 "200 ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\n"
/* The bytes of KEY_2 under the id of KEY_1. */
#define KEY_1_AGAIN "1 ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\n"

/* A key file in the current directory of the test would be seen by others: each in its own. */
static char directory[] = "/tmp/epicenter-token-XXXXXX";
static char path[sizeof directory + 8];

static void write_keys(const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct token_keys *load(const char *text)
{
    struct token_keys *keys = NULL;
    struct failure failure = {0};
    write_keys(text);
    if (!token_keys_load(path, false, &keys, &failure)) {
        fail_msg("%s", failure.message);
    }
    return keys;
}

static struct token host_token(void)
{
    struct token token = {
        .kind = TOKEN_HOST, .issued_at = INT64_C(1114209310000000), .customer_id = "acme"};
    assert_true(uuid_parse("6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b", &token.host_id));
    return token;
}

static void issue(const struct token_keys *keys, const struct token *token,
                  char text[TOKEN_TEXT_SIZE])
{
    struct failure failure = {0};
    if (!token_issue(keys, token, text, &failure)) {
        fail_msg("%s", failure.message);
    }
}

static void assert_refused(const struct token_keys *keys, const char *text)
{
    struct token token;
    struct failure failure = {0};
    if (token_verify(keys, text, &token, &failure)) {
        fail_msg("\"%s\" is taken", text);
    }
    assert_int_equal(failure.code, FAILURE_UNAUTHORIZED);
    assert_string_equal(failure.message, "the token is not one of ours");
}

static void a_token_is_written_as_its_header_says(void **state)
{
    (void)state;
    struct token_keys *keys = load(KEY_1 KEY_2);
    struct token token = host_token();
    char text[TOKEN_TEXT_SIZE];
    issue(keys, &token, text);
    /* import hashlib, base64, struct, uuid
     * body = bytes([1, 1]) + struct.pack('>q', 1114209310000000) + bytes([4]) + b'acme' \
     *   + uuid.UUID('6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b').bytes
     * mac = hashlib.blake2b(body, key=bytes(range(32)), digest_size=32).digest()
     * 'ep1_' + base64.urlsafe_b64encode(body + mac).rstrip(b'=').decode() */
    assert_string_equal(
        text,
        "ep1_AQEAA_VeEiDDgARhY21lbx0sOlt-TxCaKwwdLj9KW5oGN0X-gxZeQoBQOyj-3K1ynj5K5iquZrhZZVB0l2sT");
    token_keys_free(keys);
}

static void what_was_signed_is_read_back(void **state)
{
    (void)state;
    struct token_keys *keys = load(KEY_1);
    struct token tokens[] = {host_token(),
                             {.kind = TOKEN_GATEWAY, .issued_at = 1, .customer_id = "ü"},
                             {.kind = TOKEN_GATEWAY, .issued_at = -1},
                             {.kind = TOKEN_REPLAY, .issued_at = INT64_MAX}};
    memset(tokens[2].customer_id, 'c', REPORT_TEXT_LIMIT);
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        char text[TOKEN_TEXT_SIZE];
        struct token read;
        struct failure failure = {0};
        issue(keys, &tokens[i], text);
        assert_true(token_verify(keys, text, &read, &failure));
        assert_int_equal(read.kind, tokens[i].kind);
        assert_true(read.issued_at == tokens[i].issued_at);
        assert_string_equal(read.customer_id, tokens[i].customer_id);
        assert_int_equal(uuid_compare(&read.host_id, &tokens[i].host_id), 0);
    }
    token_keys_free(keys);
}

static void a_token_needs_a_customer_unless_it_is_for_replays(void **state)
{
    (void)state;
    struct token_keys *keys = load(KEY_1);
    struct token wrong[] = {host_token(), {.kind = TOKEN_REPLAY, .customer_id = "acme"}};
    wrong[0].customer_id[0] = '\0';
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[TOKEN_TEXT_SIZE];
        struct failure failure = {0};
        assert_false(token_issue(keys, &wrong[i], text, &failure));
        assert_int_equal(failure.code, FAILURE_INVALID);
    }
    token_keys_free(keys);
}

static void no_byte_of_a_token_can_be_another(void **state)
{
    (void)state;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \n\x7f\x80\xff";
    struct token_keys *keys = load(KEY_1);
    struct token token = host_token();
    char text[TOKEN_TEXT_SIZE];
    issue(keys, &token, text);
    size_t length = strlen(text);
    for (size_t at = 0; at < length; at++) {
        char kept = text[at];
        for (const char *other = alphabet; *other != '\0'; other++) {
            if (*other != kept) {
                text[at] = *other;
                assert_refused(keys, text);
            }
        }
        text[at] = '\0'; /* nor can it end early */
        assert_refused(keys, text);
        text[at] = kept;
    }
    text[length] = 'A'; /* nor go on */
    text[length + 1] = '\0';
    assert_refused(keys, text);
    token_keys_free(keys);
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    struct token_keys *keys = load(KEY_1);
    char longest[4096];
    memset(longest, 'A', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    memcpy(longest, "ep1_", 4);
    static const char *const texts[] = {"",       "ep1_",  "ep1_AAAA", "ep2_AAAA",
                                        "Bearer", "eps_x", "ep1_!",    "ep1_\xff"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_refused(keys, texts[i]);
    }
    assert_refused(keys, longest);
    token_keys_free(keys);
}

static void keys_rotate(void **state)
{
    (void)state;
    struct token_keys *first = load(KEY_1);
    struct token token = host_token();
    struct token read;
    struct failure failure = {0};
    char old[TOKEN_TEXT_SIZE];
    char fresh[TOKEN_TEXT_SIZE];
    issue(first, &token, old);

    struct token_keys *both = load(KEY_2 KEY_1);
    issue(both, &token, fresh);
    assert_string_not_equal(old, fresh);
    assert_true(token_verify(both, old, &read, &failure));
    assert_true(token_verify(both, fresh, &read, &failure));
    assert_refused(first, fresh);

    struct token_keys *second = load(KEY_2);
    assert_refused(second, old);
    assert_true(token_verify(second, fresh, &read, &failure));

    struct token_keys *impostor = load(KEY_1_AGAIN);
    assert_refused(impostor, old);
    token_keys_free(first);
    token_keys_free(both);
    token_keys_free(second);
    token_keys_free(impostor);
}

static void a_bad_key_file_is_named_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "has no key in it"},
        {"# nothing\n\n", "has no key in it"},
        {KEY_1 "2 00\n", "line 2 is not a key"},
        {"256 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
         "line 1 is not a key"},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
         "line 1 is not a key"},
        {"1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00\n",
         "line 1 is not a key"},
        {"1 g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
         "line 1 is not a key"},
        {KEY_1 KEY_1 KEY_1 KEY_1 KEY_1 KEY_1 KEY_1 KEY_1 KEY_1, "has more than 8 keys"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct token_keys *keys = NULL;
        struct failure failure = {0};
        write_keys(cases[i].text);
        assert_false(token_keys_load(path, false, &keys, &failure));
        assert_int_equal(failure.code, FAILURE_INVALID);
        if (strstr(failure.message, cases[i].message) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", failure.message, cases[i].message);
        }
    }
}

static void a_missing_key_file_is_made_once_and_for_its_owner_alone(void **state)
{
    (void)state;
    struct token_keys *keys = NULL;
    struct token_keys *again = NULL;
    struct token token = host_token();
    struct token read;
    struct failure failure = {0};
    struct stat about;
    char text[TOKEN_TEXT_SIZE];
    (void)unlink(path);
    assert_false(token_keys_load(path, false, &keys, &failure));
    assert_int_equal(failure.code, FAILURE_NOT_FOUND);
    assert_true(token_keys_load(path, true, &keys, &failure));
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    issue(keys, &token, text);
    assert_true(token_keys_load(path, true, &again, &failure));
    assert_true(token_verify(again, text, &read, &failure));
    token_keys_free(keys);
    token_keys_free(again);
}

static void a_secret_is_known_by_its_hash(void **state)
{
    (void)state;
    char secret[TOKEN_SECRET_SIZE];
    char other[TOKEN_SECRET_SIZE];
    uint8_t hash[TOKEN_SECRET_HASH_BYTES];
    uint8_t again[TOKEN_SECRET_HASH_BYTES];
    token_secret_new(secret, hash);
    token_secret_hash(secret, again);
    assert_memory_equal(hash, again, sizeof hash);
    assert_memory_equal(secret, "eps_", 4);
    assert_int_equal(strlen(secret), 4 + 43); /* 256 bits in base64 */
    token_secret_new(other, again);
    assert_string_not_equal(secret, other);
    /* hashlib.sha256(b'eps_abc').digest()[:4] */
    static const uint8_t known[] = {0xbe, 0xa0, 0x56, 0x69};
    token_secret_hash("eps_abc", hash);
    assert_memory_equal(hash, known, sizeof known);
}

static int make_directory(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/keys", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_written_as_its_header_says),
        cmocka_unit_test(what_was_signed_is_read_back),
        cmocka_unit_test(a_token_needs_a_customer_unless_it_is_for_replays),
        cmocka_unit_test(no_byte_of_a_token_can_be_another),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(keys_rotate),
        cmocka_unit_test(a_bad_key_file_is_named_with_its_line),
        cmocka_unit_test(a_missing_key_file_is_made_once_and_for_its_owner_alone),
        cmocka_unit_test(a_secret_is_known_by_its_hash),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
