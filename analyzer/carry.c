/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/carry.h"

#include <stdlib.h>
#include <string.h>

/* The length of a text that is NULL. */
#define NO_TEXT SIZE_MAX

bool carry_restores(const struct carry *carry)
{
    return carry->into == NULL;
}

void carry_note_failure(struct carry *carry, const struct failure *failure)
{
    if (!carry->failed) {
        carry->failed = true;
        carry->failure = *failure;
    }
}

void carry_refuse(struct carry *carry, const char *why)
{
    struct failure failure;
    failure_set(&failure, FAILURE_INVALID, "%s", why);
    carry_note_failure(carry, &failure);
}

void carry_refuse_memory(struct carry *carry)
{
    struct failure failure;
    failure_memory(&failure, "restoring a state");
    carry_note_failure(carry, &failure);
}

bool carry_check(const struct carry *carry, struct failure *failure)
{
    if (carry->failed) {
        *failure = carry->failure;
        return false;
    }
    if (!carry_restores(carry)) {
        return buffer_check(carry->into, failure);
    }
    return carry->left == 0 ||
           failure_set(failure, FAILURE_INVALID, "there is more in it than a state");
}

void carry_bytes(struct carry *carry, void *bytes, size_t length)
{
    if (!carry_restores(carry)) {
        buffer_append(carry->into, bytes, length);
        return;
    }
    if (!carry->failed && length > carry->left) {
        carry_refuse(carry, "it ends too soon");
    }
    if (length == 0) {
        return; /* there may be no array at all */
    }
    if (carry->failed) {
        memset(bytes, 0, length);
        return;
    }
    memcpy(bytes, carry->from, length);
    carry->from += length;
    carry->left -= length;
}

size_t carry_count(struct carry *carry, size_t count, size_t size)
{
    carry_value(carry, &count);
    if (carry_restores(carry) && count > carry->left / size) {
        carry_refuse(carry, "it holds fewer things than it says");
        return 0;
    }
    return carry->failed && carry_restores(carry) ? 0 : count;
}

void carry_array(struct carry *carry, void **array, uint32_t *count, uint32_t *capacity,
                 size_t size)
{
    size_t all = carry_count(carry, *count, size);
    if (!carry_restores(carry)) {
        carry_bytes(carry, *array, all * size);
        return;
    }
    if (all == 0) {
        return;
    }
    *array = all <= UINT32_MAX ? malloc(all * size) : NULL;
    if (*array == NULL) {
        carry_refuse_memory(carry);
        return;
    }
    carry_bytes(carry, *array, all * size);
    *count = (uint32_t)all;
    if (capacity != NULL) {
        *capacity = *count;
    }
}

void carry_text(struct carry *carry, const char **text, struct arena *arena)
{
    size_t length = !carry_restores(carry) && *text != NULL ? strlen(*text) : NO_TEXT;
    carry_value(carry, &length);
    if (!carry_restores(carry)) {
        carry_bytes(carry, (char *)*text, length == NO_TEXT ? 0 : length);
        return;
    }
    *text = NULL;
    if (carry->failed || length == NO_TEXT) {
        return;
    }
    if (length > carry->left) {
        carry_refuse(carry, "it ends too soon");
        return;
    }
    char *copy = arena != NULL ? arena_allocate(arena, length + 1) : calloc(length + 1, 1);
    if (copy == NULL) {
        carry_refuse_memory(carry);
        return;
    }
    carry_bytes(carry, copy, length);
    *text = copy;
}
