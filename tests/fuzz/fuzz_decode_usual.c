/* Does the quick way through decode_report mean what the tree means? The oracle is
 * decode_report_by_tree, which stands on jansson. The first byte chooses sender and form.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/decode.h"
#include "collector/decode_usual.h"
#include "common/buffer.h"
#include "common/report.h"

/* 2026-01-01T00:00:00Z, as the corpus of decode_report has it. */
#define RECEIVED_AT (INT64_C(1767225600) * INSTANT_SECOND)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "The quick way and the tree differ: %s\n", what);
        abort();
    }
}

/* Everything a decoder said, as text. */
static void describe(const struct decode_output *output, struct buffer *text)
{
    for (size_t i = 0; i < output->report_count; i++) {
        char segment[UUID_TEXT_SIZE];
        report_write_json(&output->reports[i], text);
        buffer_append_format(text, " %s\n", uuid_format(&output->reports[i].segment_id, segment));
    }
    for (size_t i = 0; i < output->rejection_count && i < DECODE_REJECTIONS_KEPT; i++) {
        const struct decode_rejection *rejection = &output->rejections[i];
        buffer_append_format(text, "%zu %d %s %s\n", rejection->line, (int)rejection->code,
                             rejection->detail, rejection->excerpt);
    }
    buffer_append_format(text, "%zu %zu\n", output->report_count, output->rejection_count);
}

static void compare(const struct decode_input *input)
{
    struct decode_output quick = {0};
    struct decode_output tree = {0};
    struct failure failure;
    struct buffer quick_text = {0};
    struct buffer tree_text = {0};
    require(decode_report(input, &quick, &failure), "there is memory");
    require(decode_report_by_tree(input, &tree, &failure), "there is memory");
    describe(&quick, &quick_text);
    describe(&tree, &tree_text);
    require(strcmp(quick_text.data, tree_text.data) == 0, tree_text.data);
    buffer_free(&quick_text);
    buffer_free(&tree_text);
    decode_output_free(&quick);
    decode_output_free(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length == 0) {
        return 0;
    }
    const struct token senders[2] = {
        {.kind = TOKEN_GATEWAY, .customer_id = "acme"},
        {.kind = TOKEN_HOST, .customer_id = "acme", .host_id = uuid_from_name("acme", "pc-01", 5)},
    };
    unsigned sender = (bytes[0] >> 1) & 3; /* 2, 3: nobody, as in a file of reports */
    char *copy = malloc(length);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, bytes + 1, length - 1);
    copy[length - 1] = '\0';
    const struct decode_input input = {
        .bytes = copy,
        .length = length - 1,
        .one_report = bytes[0] & 1,
        .token = sender < 2 ? &senders[sender] : NULL,
        .replay = sender >= 2,
        .received_at = RECEIVED_AT,
    };
    compare(&input);
    free(copy);
    return 0;
}
