/* Can any text make the reading of tokens or key files crash, and does a token that was changed
 * ever pass? The first byte chooses: a text sent as a token, a token that is issued and then
 * changed, or a key file.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/report.h"
#include "common/token.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

static const struct token_keys *our_keys(void)
{
    static const char file[] =
        "2 0707070707070707070707070707070707070707070707070707070707070707\n"
        "1 0101010101010101010101010101010101010101010101010101010101010101\n";
    static struct token_keys *keys;
    struct failure failure;
    if (keys == NULL) {
        demand(token_keys_load(memory_file(file, sizeof file - 1), false, &keys, &failure));
    }
    return keys;
}

static void check_sent(const char *text)
{
    struct token token;
    struct failure failure = {0};
    /* Nobody but the holder of a key makes one; the fuzzer has not got as many years. */
    demand(!token_verify(our_keys(), text, &token, &failure));
    demand(failure.code == FAILURE_UNAUTHORIZED);
}

static bool equal(const struct token *left, const struct token *right)
{
    return left->kind == right->kind && left->issued_at == right->issued_at &&
           uuid_compare(&left->host_id, &right->host_id) == 0 &&
           strcmp(left->customer_id, right->customer_id) == 0;
}

/* Bytes: kind, issue time (8), host (16), where to change it (2), the change, customer. */
static void check_changed(const uint8_t *bytes, size_t length)
{
    struct token token = {0};
    struct token read;
    struct failure failure = {0};
    char text[TOKEN_TEXT_SIZE];
    if (length < 29) {
        return;
    }
    token.kind = (enum token_kind)(bytes[0] % 3 + 1);
    memcpy(&token.issued_at, bytes + 1, sizeof token.issued_at);
    memcpy(token.host_id.bytes, bytes + 9, sizeof token.host_id.bytes);
    size_t customer_length = length - 28 < REPORT_TEXT_LIMIT ? length - 28 : REPORT_TEXT_LIMIT;
    memcpy(token.customer_id, bytes + 28, customer_length);
    if (!token_issue(our_keys(), &token, text, &failure)) {
        demand((token.customer_id[0] == '\0') != (token.kind == TOKEN_REPLAY));
        return;
    }
    demand(token_verify(our_keys(), text, &read, &failure) && equal(&token, &read));
    size_t place = (size_t)(bytes[25] << 8 | bytes[26]) % strlen(text);
    char was = text[place];
    text[place] = (char)bytes[27];
    if (text[place] != was) {
        demand(!token_verify(our_keys(), text, &read, &failure));
    }
}

static void check_key_file(const uint8_t *bytes, size_t length)
{
    struct token_keys *keys = NULL;
    struct failure failure = {0};
    (void)our_keys();
    if (token_keys_load(memory_file(bytes, length), false, &keys, &failure)) {
        token_keys_free(keys);
    } else {
        demand(failure.code != FAILURE_NONE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length == 0) {
        return 0;
    }
    char *text = calloc(1, length);
    demand(text != NULL);
    memcpy(text, bytes + 1, length - 1);
    switch (bytes[0] % 3) {
    case 0:
        check_sent(text);
        break;
    case 1:
        check_changed(bytes + 1, length - 1);
        break;
    default:
        check_key_file(bytes + 1, length - 1);
        break;
    }
    free(text);
    return 0;
}
